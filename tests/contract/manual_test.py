#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""porthole(3) and the headers porthole.h and list.h tell the same: functions with their arguments, errors, members and
constants. The page's examples compile without a warning and link."""

import os
import re
import subprocess
import sys
import tempfile

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
            "-D_POSIX_C_SOURCE=200809L"]


def normal(text):
    return re.sub(r"\s*([*(),])\s*", r"\1", " ".join(text.split()))


def declared_functions(header):
    return {normal(text) for text in re.findall(r"^PORTHOLE_API ([^;]*);", header, re.M)}


def macro_arguments(line):
    return [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line)]


def told_functions(page):
    """The prototypes of the synopsis."""
    told, result, function = set(), None, None
    for line in page.split(".Sh DESCRIPTION")[0].splitlines():
        name, _, rest = line.partition(" ")
        words = macro_arguments(rest)
        if name == ".Ft":
            result = rest
        elif name == ".Fn":
            told.add(normal(f"{result} {words[0]}({','.join(words[1:])})"))
        elif name == ".Fo":
            function = words
        elif name == ".Fa":
            function += words
        elif name == ".Fc":
            told.add(normal(f"{result} {function[0]}({','.join(function[1:])})"))
    return told


def declared_words(header):
    """Errors, initializers, flags, states, events, and the members of structs."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    words = {f"PORTHOLE_ERR_{name}" for name in re.findall(r"^ +X\((\w+), -?\d", code, re.M)}
    words |= set(re.findall(r"#define (PORTHOLE_(?:\w+_INIT|USE_\w+|EXACT_PORT|LEASE|NO_THREAD"
                            r"|DISPATCH|LIST_C\w+))\b", code))
    for name in ("state", "event_type", "protocol"):
        body = re.search(rf"^enum porthole_{name} {{(.*?)}};", code, re.M | re.S).group(1)
        words |= set(re.findall(r"\b(PORTHOLE_\w+)", body))
    for body in re.findall(r"^struct porthole_(?!event)\w+ {(.*?)^}", code, re.M | re.S):
        words |= set(re.findall(r"(\w+)(?:\[\w+\])?;", body))
    return words


def told_words(page):
    return {word.strip(",") for line in page.splitlines()
            if re.match(r"\.(Dv|Va|It)\b", line) for word in line.split()[1:]}


def examples(page):
    text = page.split(".Sh EXAMPLES")[1].split(".Sh ")[0]
    blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", text, re.M | re.S)
    return [block.replace(r"\e", "\\").replace(r"\-", "-").replace(r"\&", "") for block in blocks]


def main():
    source, compiler, library = sys.argv[1:]
    include = os.path.join(source, "include")
    with open(os.path.join(source, "man", "porthole.3"), encoding="utf-8") as file:
        page = file.read()
    header = ""
    for name in ("porthole.h", "list.h"):
        with open(os.path.join(include, "porthole", name), encoding="utf-8") as file:
            header += file.read()
    problems = [f"the page lacks: {text}" for text in
                sorted(declared_functions(header) - told_functions(page))]
    problems += [f"the header lacks: {text}" for text in
                 sorted(told_functions(page) - declared_functions(header))]
    problems += [f"the page does not mention {word}" for word in
                 sorted(declared_words(header) - told_words(page))]
    found = examples(page)
    if len(found) < 2:
        problems.append(f"{len(found)} examples were found")
    with tempfile.TemporaryDirectory(prefix="porthole-manual-") as folder:
        for number, code in enumerate(found, 1):
            done = subprocess.run(
                [compiler, *WARNINGS, f"-I{include}", "-xc", "-", "-xnone", library, "-o",
                 os.path.join(folder, "program")], input=code, capture_output=True, text=True,
                check=False)
            if done.returncode != 0:
                problems.append(f"example {number} does not compile:\n{done.stderr}")
    print(*problems, f"{len(declared_functions(header))} functions, {len(declared_words(header))} "
          f"words, {len(found)} examples, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules on the text of source files. Each takes a project and yields its breaches."""

import os
import re

from layers import SEES, room_of
from project import at

FILE_LINES_MAX = 550
FUNCTION_LINES_MAX = 80
HEAD_LINES = range(3, 11)
SPDX = "SPDX-License-Identifier: MIT OR Apache-2.0"

# What must not be called, and what to use in its place.
BANNED = {
    "strcpy": "snprintf or ph_write_text", "stpcpy": "snprintf", "strcat": "snprintf",
    "strncpy": "snprintf or memcpy", "strncat": "snprintf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "gets": "fgets", "scanf": "ph_span_to_u64",
    "sscanf": "ph_span_to_u64", "fscanf": "ph_span_to_u64", "atoi": "ph_span_to_u64",
    "atol": "ph_span_to_u64", "atoll": "ph_span_to_u64", "atof": "strtod with its end checked",
    "strtok": "ph_span functions", "select": "poll", "FD_SET": "poll", "rand": "ph_random_below",
    "srand": "ph_random_below", "random": "ph_random_below", "drand48": "ph_random_below",
    "alloca": "a fixed buffer or malloc", "gethostbyname": "an IP literal",
    "inet_addr": "ph_addr functions", "inet_ntoa": "ph_addr functions", "tmpnam": "mkstemp",
    "mktemp": "mkstemp", "tempnam": "mkstemp", "localtime": "localtime_r", "gmtime": "gmtime_r",
    "asctime": "strftime", "ctime": "strftime", "system": "posix_spawn or execvp",
    "popen": "posix_spawn", "signal": "sigaction", "bcopy": "memmove", "bzero": "memset",
    "usleep": "a clock that can be stepped, or poll",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")

# A class of one letter keeps these patterns from finding themselves.
FORBIDDEN_WORDS = re.compile(
    r"(?<![\w.])/[w]ork/|\bC[E]O\b|\b[t]his session\b|[c]losing note|\b[i]ssue [0-9]+\b")
UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b")

DEFINITION = re.compile(r"^[A-Za-z_][^\n;{}#]*(?:\n[^\n;{}#]+)*\)\s*\{\n", re.M)


def head_of(project, path):
    """The first comment's lines, or None where the file starts with something else."""
    lines = project.read(path).split("\n")
    if lines[0].startswith("/* "):
        for count, line in enumerate(lines):
            if line.rstrip().endswith("*/"):
                return lines[:count + 1]
    if lines[0].startswith("// "):
        count = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
        return lines[:count]
    return None


def heads(project):
    """C files begin with the licence and a head that says what they do and must not do."""
    for path in project.c_files():
        head = head_of(project, path)
        if head is None or SPDX not in head[0]:
            yield f"{path}:1: the first line is not the SPDX line"
        elif not path.startswith("include/") and len(head) - 1 not in HEAD_LINES:
            yield f"{path}:1: a head of {len(head) - 1} lines; say what the file does in 3 to 10"


def licences(project):
    """Scripts and build files name the licence too."""
    scripts = project.ending(".py", ".sh", ".cmake", "CMakeLists.txt", ".map")
    scripts += [path for path in ("dev", ".ci/run") if path in project.files]
    for path in scripts:
        if SPDX not in "\n".join(project.read(path).split("\n")[:2]):
            yield f"{path}:1: no SPDX line among the first two"


def file_lengths(project):
    for path in project.ending(".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt") + ["dev"]:
        if path in project.files:
            count = project.read(path).count("\n")
            if count > FILE_LINES_MAX:
                yield f"{path}:{count}: {count} lines, more than {FILE_LINES_MAX}: split it"


def function_lengths(project):
    for path in project.c_files():
        code = project.code(path)
        for match in DEFINITION.finditer(code):
            end = code.find("\n}", match.end() - 1)
            count = code.count("\n", match.start(), end) + 1
            if count + 1 > FUNCTION_LINES_MAX:
                yield (f"{at(project, path, match.start())}: a function of {count + 1} lines, more "
                       f"than {FUNCTION_LINES_MAX}")


def banned_calls(project):
    """In what is shipped; a test or a measuring program may trust its own input."""
    for path in project.c_files():
        if path.startswith(("tests/", "bench/")):
            continue
        for match in BANNED_CALL.finditer(project.code(path)):
            name = match.group(1)
            yield f"{at(project, path, match.start())}: {name}() is banned; use {BANNED[name]}"


def includes(project):
    """What an include names must be in a room that the file may see. The include path enforces it
    too; this tells which line, and catches "../"."""
    for path in project.c_files():
        room = room_of(path)
        for match in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', project.read(path), re.M):
            wanted = match.group(1).split("/")
            where = at(project, path, match.start())
            if ".." in wanted:
                yield f"{where}: an include goes through \"..\""
            elif room in SEES and len(wanted) > 1 and wanted[0] not in SEES[room]:
                yield f"{where}: {room} must not see {wanted[0]}"
            elif room in SEES and len(wanted) == 1:
                yield f"{where}: \"{wanted[0]}\" does not say which room it is in"


def unlisted_sources(project):
    """Every .c file is named in a CMakeLists.txt at or above its folder."""
    listed = set()
    for build_file in project.ending("CMakeLists.txt"):
        folder = os.path.dirname(build_file)
        for word in re.findall(r"\w[\w./-]*\.c\b", project.read(build_file)):
            listed.add(os.path.normpath(os.path.join(folder, word)))
        if re.search(r"\$\{name\}\.c\b", project.read(build_file)):  # foreach(name IN ITEMS ...)
            for names in re.findall(r"foreach\(name IN ITEMS ([\w\s-]+)\)",
                                    project.read(build_file)):
                listed |= {os.path.normpath(os.path.join(folder, f"{name}.c"))
                           for name in names.split()}
    for path in project.ending(".c"):
        if path not in listed:
            yield f"{path}:1: in no CMakeLists.txt: a dead file, or one that is never tested"


def words(project):
    for path in project.texts():
        content = project.read(path)
        for match in UNFINISHED.finditer(content):
            yield f"{at(project, path, match.start())}: unfinished: {match.group()}"
        for match in FORBIDDEN_WORDS.finditer(content):
            yield f"{at(project, path, match.start())}: not the project's words: {match.group()}"


def header_version(project):
    header = project.read("include/porthole/porthole.h")
    parts = [re.search(rf"^#define PORTHOLE_VERSION_{part} (\d+)$", header, re.M)
             for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(part.group(1) if part else "?" for part in parts)


def versions(project):
    """CMake reads the header's numbers; the header's text and the changelog must agree."""
    number = header_version(project)
    header = project.read("include/porthole/porthole.h")
    if f'#define PORTHOLE_VERSION "{number}"' not in header:
        yield f"include/porthole/porthole.h:1: PORTHOLE_VERSION is not \"{number}\""
    if "CHANGELOG.md" in project.files:
        newest = re.search(r"^## \[?v?(\d+\.\d+\.\d+)", project.read("CHANGELOG.md"), re.M)
        if not newest or newest.group(1) != number:
            yield f"CHANGELOG.md:1: its newest version is not {number}, as in porthole.h"


def public_functions(project):
    """Names that the public headers declare for export."""
    names = []
    for path in project.ending(".h"):
        if path.startswith("include/"):
            names += re.findall(r"^\w*_API\b[^;{}]*?\b(\w+)\s*\([^;]*;", project.code(path), re.M)
    return names


def exported_names(project):
    """Names that the version script exports."""
    return re.findall(r"^\s+(\w+);$", project.code("src/porthole.map"), re.M)


def exports(project):
    declared, exported = public_functions(project), exported_names(project)
    for name in sorted(set(declared) - set(exported)):
        yield f"src/porthole.map:1: {name} is declared in a public header but not exported"
    for name in sorted(set(exported) - set(declared)):
        yield f"src/porthole.map:1: {name} is exported but no public header declares it"
    if not declared:
        yield "include/porthole/porthole.h:1: no function found that is declared for export"


RULES = (heads, licences, file_lengths, function_lengths, banned_calls, includes,
         unlisted_sources, words, versions, exports)


def check(project):
    for rule in RULES:
        yield from rule(project)

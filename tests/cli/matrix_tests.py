# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every option and argument that --help names, of every subcommand, given what is wrong for it: one
line on standard error that names it, nothing on standard output, exit code 2."""

import concurrent.futures
import os
import subprocess
import sys

from harness import CLIENT, run, test

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../packaging/completions"))

import helptext  # noqa: E402

LONG = "9" * 300
NUMBERS = ["", "-1", "+1", "0x10", "1.5", "1 ", "x", "99999999999", LONG]
TEXTS = [""]
# What is wrong for a value, by the word that --help has for it; for any other, as for a text.
WRONG = {
    "ADDR": ["", "x", "256.1.1.1", "1.2.3.4:80", "0.0.0.0", "255.255.255.255.255", LONG],
    "KEY": ["", "0", "0x", "g" * 24, LONG],
    "LIST": ["", "x", "pcp,", ",", "pcp natpmp", LONG],
    "N": NUMBERS, "P": [*NUMBERS, "101"], "PORT": [*NUMBERS, "0", "65536", "80/tcp"],
    "S": [*NUMBERS, "1s"],
    "NAME[,NAME]": ["", "x", ",", LONG],
}
PORTS = ["", "0", "65536", "80/sctp", "80/", "/tcp", "80/tcp/udp", "-1", "80 ", "80-90", LONG]
# Where a value would be right, nothing may get out, and nobody wants to wait for it.
SAFE = {"--gateway": "127.78.254.1", "--bind": CLIENT, "--timeout": "1", "--state": "none"}


def rest(command):
    """Arguments with which all but what is tested would be right."""
    words = [word for option in command.options if option.name in SAFE
             for word in (option.name, SAFE[option.name])]
    return words, [*(["80"] if "port" in command.kinds else []),
                   *(["--", "true"] if command.runs_command else [])]


def wrong_options(command):
    """The words, and what the message must name."""
    before, after = rest(command)
    for option in command.options:
        for name in option.names():
            yield [*before, name] if option.value else [*before, f"{option.name}=1"], \
                name if option.value else option.name
        if option.value:
            for value in WRONG.get(option.value, TEXTS):
                for words in ([f"{option.name}={value}"], [option.names()[0], value]):
                    yield [*before, *words, *after], option.name
    for name in ("--no-such-option", "-Z", "--no-such-option=1"):
        yield [*before, name, *after], name.split("=")[0]


def wrong_arguments(command):
    before, after = rest(command)
    if "port" in command.kinds:
        for port in PORTS:
            yield [*before, *(["--"] if port[:1] == "-" and not command.runs_command else []), port,
                   *(after[1:] if command.runs_command else [])], port[:40]
    elif not command.kinds:
        for word in ("x", "", "8080", LONG):
            yield [*before, word, *after], word[:40]


def problem(program, command, words, named):
    shown = " ".join([command.name, *(word if len(word) < 40 else "..." for word in words)])
    try:
        result = run(program, command.name, *words, timeout=20)
    except subprocess.TimeoutExpired:
        return f"{shown}: is taken"
    lines = result.err.splitlines()
    if result.code != 2 or result.out:
        return f"{shown}: exit code {result.code}, {result.out!r}, {result.err!r}"
    if len(lines) != 1 or not lines[0].startswith(f"porthole {command.name}: "):
        return f"{shown}: not one line: {result.err!r}"
    if named not in lines[0] or len(lines[0]) > 160:
        return f"{shown}: does not name {named!r}: {lines[0]}"
    return None


@test
def whatever_is_wrong_is_named(program):
    cases = [(command, words, named) for command in helptext.read(program)
             for words, named in (*wrong_options(command), *wrong_arguments(command))]
    assert len(cases) > 300, f"only {len(cases)} cases"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda case: problem(program, *case), cases)
        problems = [text for text in found if text]
    assert not problems, "\n".join([f"{len(problems)} of {len(cases)}", *problems[:40]])

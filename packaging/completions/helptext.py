# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the command's --help says, read as a program would: which subcommands there are, and which
options and arguments each takes. The completions are made from it and the manual tested by it."""

import re
import subprocess

COMMAND = re.compile(r"^  ([a-z][a-z-]*) +(\S.*)$")
# "-e, --external PORT", "--exact", or one of several in a line, as "--loss P, --seed N".
OPTION = re.compile(r"(?:-(\w), )?--([a-z][a-z-]*)(?: ([A-Z]\S*?))?(, (?=--)|\s+|$)")
OPTION_LINE = re.compile(r"^(?: {2}| {6})(?=-)")


class Option:
    def __init__(self, letter, name, value, text):
        self.letter = f"-{letter}" if letter else None
        self.name, self.value, self.text = f"--{name}", value, text

    def names(self):
        return [name for name in (self.letter, self.name) if name]

    def summary(self):
        """The text up to where it goes into details."""
        return re.split(r"; | \(|: ", self.text)[0]


class Command:
    def __init__(self, name, summary, text):
        self.name, self.summary, self.text = name, summary, text
        self.options = [option for line in text.splitlines() for option in options_of(line)]
        usage = text.splitlines()[0].removeprefix(f"usage: porthole {name}")
        words = re.findall(r"\b[A-Z]+\b", usage.split(" -- ")[0])
        # What completes the arguments; KINDS of generate.py.
        self.kinds = [word.lower() for word in ("PORT", "FILE", "NAME") if word in words]
        self.runs_command = " -- CMD" in usage


def options_of(line):
    """The options that a line of help is about."""
    start = OPTION_LINE.match(line)
    if not start:
        return []
    found, at = [], start.end()
    while (match := OPTION.match(line, at)) is not None:
        found.append(match)
        at = match.end()
        if match.group(4) != ", ":
            break
    return [Option(*match.group(1, 2, 3), line[at:].strip()) for match in found]


def ask(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout


def read(program):
    """All subcommands, in the order of `porthole --help`."""
    commands = []
    for line in ask(program, "--help").split("\nexamples:")[0].splitlines():
        if (match := COMMAND.match(line)) is not None:
            name, summary = match.groups()
            commands.append(Command(name, summary, ask(program, name, "--help")))
    if not commands:
        raise ValueError("`porthole --help` lists no subcommand")
    return commands

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the completions for bash, zsh and fish out of what `porthole --help` says, so that they
offer what the command takes. With --check, only says which are not up to date."""

import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bash  # noqa: E402
import fish  # noqa: E402
import helptext  # noqa: E402
import zsh  # noqa: E402

# What completes a value, by the word that --help has for it. A kind is a function _porthole_KIND of
# the shell's file; None is what only the user knows. Arguments are completed by the same functions.
KINDS = {
    "CMD": "command", "DIR": "folder", "FILE": "file", "IFACE": "interface",
    "INTERFACE": "interface", "KEY": None, "LIST": "protocols", "N": None,
    "NAME[,NAME]": "quirks", "P": None, "PATH": "file", "PORT": None, "S": None, "TEXT": None,
}
ADDRESSES = {"--bind": "local", "--gateway": "router"}  # of these ADDR; another is the user's

FILES = {"porthole.bash": bash, "_porthole": zsh, "porthole.fish": fish}
HEAD = """# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Completion for {shell}. Made of the command's --help by packaging/completions/generate.py:
# change the template there and run `./dev completions`.
"""


def kind_of(command, option):
    if option.value == "ADDR":
        return ADDRESSES.get(option.name)
    if option.value not in KINDS:
        sys.exit(f"generate.py: `porthole {command.name} {option.name} {option.value}`: KINDS does "
                 f"not say how {option.value} is completed")
    return KINDS[option.value]


def make(program):
    """The files' names and texts."""
    commands = helptext.read(program)
    for command in commands:
        for option in command.options:
            option.kind = kind_of(command, option) if option.value else None
        command.options.append(helptext.Option("h", "help", None, "print the options"))
        command.options[-1].kind = None
    return {name: module.make(HEAD.format(shell=module.__name__), commands)
            for name, module in FILES.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the porthole whose --help is read")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = 0
    for name, text in make(os.path.abspath(arguments.program)).items():
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            if file.read() == text:
                continue
            if arguments.check:
                print(f"packaging/completions/{name} is not as --help has it: ./dev completions")
                stale += 1
            else:
                file.truncate(0)
                file.write(text)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

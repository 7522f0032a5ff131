#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The house rules as tests: prints each breach as FILE:LINE: what is wrong, and exits with 1.

    tidy.py text ROOT                                   rules on source text
    tidy.py layers ROOT --cc CC --layers FILE           includes that must not compile
    tidy.py symbols ROOT --nm NM --layers FILE --shared LIBRARY
    tidy.py manual ROOT                                 the manual pages
    tidy.py selftest --cc CC --nm NM                    each rule shown to fail
"""

import argparse
import sys

import layers
import manual
import selftest
import symbols
import text
from project import Project

SKIP = 77


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, options in (("text", ()), ("layers", ("cc", "layers")),
                          ("symbols", ("nm", "layers", "shared")), ("manual", ()),
                          ("selftest", ("cc", "nm"))):
        command = commands.add_parser(name)
        if name != "selftest":
            command.add_argument("root")
        for option in options:
            command.add_argument(f"--{option}", required=True)
    return parser.parse_args()


def main():
    arguments = read_arguments()
    if arguments.command == "selftest":
        breaches = selftest.run(arguments.cc, arguments.nm)
    elif arguments.command == "text":
        breaches = text.check(Project(arguments.root))
    elif arguments.command == "manual":
        if not manual.have_man():
            print("man or groff is not installed")
            return SKIP
        breaches = manual.check(Project(arguments.root))
    elif arguments.command == "layers":
        targets = layers.read_targets(arguments.layers)
        breaches = layers.check(Project(arguments.root), targets, arguments.cc)
    else:
        targets = layers.read_targets(arguments.layers)
        breaches = symbols.check(Project(arguments.root), targets, arguments.nm, arguments.shared)
    breaches = list(breaches)
    for breach in breaches:
        print(breach)
    print(f"{arguments.command}: {len(breaches)} breaches of the house rules")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

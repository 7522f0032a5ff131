# SPDX-License-Identifier: MIT OR Apache-2.0
"""The manual pages beside what the command says of itself: a page for every subcommand, and every
option of --help in it, and the other way round."""

import os
import re
import sys

from harness import equal, run, test

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "packaging/completions"))

import helptext  # noqa: E402

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
# Pages to which a page leaves the description of its options.
ELSEWHERE = re.compile(r"(?:described\s+in|those\s+of)\n((?:\.Xr [\w-]+ 1[ .,:]*\n|and\n)+)")


class Page:
    def __init__(self, name):
        path = os.path.join(ROOT, "man", f"{name}.1")
        assert os.path.exists(path), f"there is no man/{name}.1"
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        parts = re.split(r"^\.Sh (.*)\n", self.text, flags=re.M)
        self.sections = dict(zip(parts[1::2], parts[2::2]))

    def synopsis(self):
        return {name for line in self.sections["SYNOPSIS"].splitlines() for name in flags(line)}

    def described(self):
        """The names of each option that has an entry, together."""
        return [flags(line) for line in self.text.splitlines() if line.startswith(".It Fl ")]

    def elsewhere(self):
        return [Page(name) for match in ELSEWHERE.finditer(self.text)
                for name in re.findall(r"\.Xr ([\w-]+)", match.group(1))]


def flags(line):
    """The options in a line of mdoc: "Fl e , -external Ar port" is -e and --external."""
    words = line.split()
    found = []
    for before, word in zip(["", *words], words):
        if re.fullmatch(r"-[a-z][a-z-]*", word):
            found.append(f"-{word}")
        elif before in ("Fl", ".Fl") and re.fullmatch(r"[a-zA-Z]", word):
            found.append(f"-{word}")
    return found


def problems_of(command, every):
    page = Page(f"porthole-{command.name}")
    missing = [name for name in SECTIONS if name not in page.sections]
    if missing:
        return [f"it has no section {', '.join(missing)}"]
    problems = []
    names = {name for option in command.options for name in option.names()}
    described = page.described() + [entry for other in page.elsewhere()
                                    for entry in other.described()]
    for option in command.options:
        if not set(option.names()) & page.synopsis():
            problems.append(f"{option.name} is not in its synopsis")
        if not any(set(option.names()) <= set(entry) for entry in described):
            problems.append(f"{' and '.join(option.names())}: no entry, here or in a page that it "
                            "names for that")
    problems += [f"{name} is in its synopsis and not in --help"
                 for name in sorted(page.synopsis() - names)]
    problems += [f"{name} has an entry and is not in --help"
                 for entry in page.described() for name in entry if name not in names]
    mentioned = {name for line in page.text.splitlines() if re.match(r"\.Fl ", line)
                 for name in flags(line)}
    problems += [f"{name} is no subcommand's option" for name in sorted(mentioned - every)]
    if f".Nm porthole-{command.name}\n" not in page.sections["NAME"]:
        problems.append("its name is another")
    return problems


@test
def every_subcommand_has_a_page_that_agrees_with_its_help(program):
    commands = helptext.read(program)
    every = {name for command in commands for option in command.options
             for name in option.names()} | {"-h", "--help", "--version"}
    problems = [f"porthole-{command.name}.1: {problem}" for command in commands
                for problem in problems_of(command, every)]
    assert not problems, "\n".join(problems)


@test
def the_main_page_names_every_subcommand(program):
    names = [command.name for command in helptext.read(program)]
    page = Page("porthole")
    listed = re.findall(r"^\.It Cm ([a-z-]+)$", page.sections["DESCRIPTION"], re.M)
    equal(sorted(listed), sorted(names), "subcommands in porthole.1")
    seen = re.findall(r"^\.Xr porthole-([a-z-]+) 1", page.sections["SEE ALSO"], re.M)
    equal(sorted(seen), sorted(names), "SEE ALSO in porthole.1")


@test
def exit_codes_are_the_same_everywhere(program):
    page = Page("porthole").sections["EXIT STATUS"]
    listed = set(re.findall(r"^\.It (\d)$", page, re.M))
    for line in run(program, "--help").out.splitlines():
        if line.startswith("exit codes: "):
            equal(set(re.findall(r"\b(\d) ", line)), listed, "exit codes of --help")

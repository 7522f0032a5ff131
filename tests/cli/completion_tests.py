# SPDX-License-Identifier: MIT OR Apache-2.0
"""What bash, zsh and fish offer: every option of every subcommand's --help and no other, and the
values that can be known. The shells themselves are asked."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import PATIENCE_S, equal, run, subcommands, test

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/completions")

# One completion: the words are arguments, the last is the one that is completed.
BASH = """
compopt() { :; }
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_porthole
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = 'source $argv[1]; complete -C "$argv[2]"'
# _arguments tells what it was told.
ZSH = """
_arguments() { print -l -- "$@" }
source "$1" 2>/dev/null
shift
words=("$@")
CURRENT=$#
_porthole
"""


def shell(name, *arguments):
    """The lines that a shell prints; None where there is no such shell."""
    if not shutil.which(name):
        assert os.environ.get("CI") != "true", f"{name} is not installed"
        return None
    with tempfile.TemporaryDirectory(prefix="porthole-home-") as home:
        done = subprocess.run([name, *arguments], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                              env={**os.environ, "HOME": home, "TERM": "dumb"})
    assert done.returncode == 0 and not done.stderr, f"{name} {arguments}: {done.stderr}"
    return [line for line in done.stdout.splitlines() if line]


def by_bash(program, *words):
    return shell("bash", "--norc", "-c", BASH, "bash", f"{FOLDER}/porthole.bash", program, *words)


def by_fish(program, *words):
    # fish knows a command by the last part of its path.
    assert os.path.basename(program) == "porthole"
    lines = shell("fish", "--no-config", "-c", FISH, f"{FOLDER}/porthole.fish",
                  " ".join([program, *words]))
    return lines and [line.split("\t")[0] for line in lines]


def by_zsh(program, *words):
    lines = shell("zsh", "-f", "-c", ZSH, "zsh", f"{FOLDER}/_porthole", program, *words)
    if lines is None:
        return None
    rows = [re.match(r"(?:\*|\([^)]*\))?(--?[a-z][a-z-]*)[+=]?\[.+\]", line) for line in lines]
    return [row.group(1) for row in rows if row]


def options(program, command):
    """Read in another way than the completions are made: what begins with a dash on the left."""
    lines = run(program, command, "--help").expect(0).out.splitlines()
    found = {"-h", "--help"}
    for line in lines:
        if line.startswith(("  -", "      --")):
            found |= set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line[:28]))
    return found


@test
def completions_are_made_of_the_help(program):
    done = subprocess.run([sys.executable, "-B", f"{FOLDER}/generate.py", program, "--check"],
                          capture_output=True, text=True, check=False)
    equal((done.returncode, done.stdout + done.stderr), (0, ""), "generate.py --check")


@test
def completions_are_valid(_):
    shell("bash", "-n", f"{FOLDER}/porthole.bash")
    shell("zsh", "-n", f"{FOLDER}/_porthole")
    shell("fish", "--no-execute", f"{FOLDER}/porthole.fish")


@test
def completions_offer_every_option_and_no_other(program):
    for command in subcommands(program):
        wanted = sorted(options(program, command))
        for ask in (by_bash, by_fish, by_zsh):
            got = ask(program, command, "-")
            if got is not None:
                equal(sorted(got), wanted, f"{ask.__name__}: options of {command}")


@test
def completions_offer_every_subcommand(program):
    wanted = sorted(subcommands(program))
    for ask in (by_bash, by_fish):
        for words, more in ((("",), ["help"]), (("help", ""), [])):
            got = ask(program, *words)
            if got is not None:
                equal(sorted(got), sorted(wanted + more), f"{ask.__name__} of {words}")


@test
def completions_offer_values(program):
    quirks = [line.split(" ")[0]
              for line in run(program, "gateway", "--quirk", "list").out.splitlines()]
    for words, wanted in {
            ("map", "-p", "n"): ["natpmp"],
            ("probe", "--protocol", "pcp,n"): ["pcp,natpmp"],
            ("map", "8080/u"): ["8080/udp"],
            ("unmap", "8080/"): ["8080/both", "8080/tcp", "8080/udp"],
            ("run", "80/", "--", "dpkg-qu"): ["dpkg-query"] if shutil.which("dpkg-query") else [],
            ("gateway", "--quirk", ""): sorted(["list", *quirks]),
            ("map", "--lifetime", ""): [],
            ("probe", "-b", "127."): ["127.0.0.1"] if shutil.which("ip") else [],
            ("map", "--file", "/etc/passw"): None,
            ("run", "80", "--", "cat", "/etc/passw"): None}.items():
        for ask in (by_bash, by_fish):
            got = ask(program, *words)
            if got is None:
                continue
            if wanted is None:
                assert "/etc/passwd" in got, f"{ask.__name__} of {words}: {got}"
            else:
                equal(sorted(set(got)), wanted, f"{ask.__name__} of {words}")
    equal(by_bash(program, "map", "--protocol", "=", "u"), ["upnp"], "a value after =")

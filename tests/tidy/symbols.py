# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules on object code, by nm: what the pure layers call, and what names the project takes."""

import re
import subprocess

from text import exported_names

# All that base, wire and core may call from outside: memory, strings, text into a buffer, the
# allocator, expat; and what compilers put in for these. So no clock, socket, thread or random
# number can get in.
ALLOWED_CALL = re.compile(
    r"(?:mem|str)[a-z]+$|v?snprintf$|(?:malloc|calloc|realloc|free)$|XML_\w+$"
    r"|__(?:mem|str|v?snprintf)\w*_chk$|__stack_chk_(?:fail|guard)$|__assert_fail$|__assert$|abort$"
    r"|_GLOBAL_OFFSET_TABLE_$|_?_?\w*chkstk\w*$")
PURE = ("base", "wire", "core")
OURS = re.compile(r"(?:porthole|ph|plum)_\w+$")


def nm(program, files, *options):
    """(file, letter, name) of each symbol."""
    done = subprocess.run([program, "-A", "-P", *options, *files], capture_output=True, text=True,
                          check=True)
    for line in done.stdout.splitlines():
        where, name, letter = line.split()[:3]
        yield where.rstrip(":").split("/")[-1], letter, name.split("@")[0]


def outside_calls(program, objects):
    """Undefined symbols of these objects that none of them and none of ours defines."""
    for file, letter, name in nm(program, objects):
        if letter in "Uw" and not OURS.match(name):
            yield file, name


def pure_layers(targets, program):
    for room in PURE:
        objects = targets.get(f"porthole_{room}", {}).get("objects")
        if not objects:
            continue
        for file, name in outside_calls(program, objects):
            if not ALLOWED_CALL.match(name):
                yield f"{file}:1: {room} must not use {name}"


def prefixes(targets, program):
    for target, facts in targets.items():
        for file, letter, name in nm(program, facts["objects"], "-g") if facts["objects"] else ():
            if letter != "U" and letter != "w" and not OURS.match(name) and name != "main":
                yield f"{file}:1: the global symbol {name} of {target} has none of our prefixes"


def exported(project, program, shared):
    """The shared library exports what its version script lists, which the text rules compare with
    the public headers."""
    listed = set(exported_names(project))
    found = {name for _, letter, name in nm(program, [shared], "-D", "--defined-only")
             if letter != "A"}
    for name in sorted(found - listed):
        yield f"src/porthole.map:1: the shared library exports {name}, which is not listed"
    for name in sorted(listed - found):
        yield f"src/porthole.map:1: {name} is listed, but the shared library does not have it"


def check(project, targets, program, shared):
    if not any(targets.get(f"porthole_{room}", {}).get("objects") for room in PURE):
        yield "CMakeLists.txt:1: no object files of the pure layers: nothing was checked"
    yield from pure_layers(targets, program)
    yield from prefixes(targets, program)
    yield from exported(project, program, shared)

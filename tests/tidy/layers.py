# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who may include whom, and the proof that the build enforces it: for each target of the layer rule
one header of every room is included with the target's true include path, and must compile or not."""

import subprocess

SEES = {
    "base": {"base"},
    "wire": {"base", "wire"},
    "core": {"base", "wire", "core"},
    "driver": {"base", "wire", "core", "driver"},
    "api": {"base", "wire", "core", "driver", "api"},
    "compat": {"compat"},
    "gateway": {"base", "wire", "gateway"},
    "sim": {"base", "wire", "core", "gateway", "sim"},
    "cli": {"base", "wire", "gateway", "cli"},
}


def room_of(path):
    """The room a file is in: src/core/x.c is in core, gateway/x.c in gateway."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]


def read_targets(path):
    """What CMake wrote: {target: {"include": [...], "objects": [...]}}."""
    targets = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            target, kind, values = line.rstrip("\n").split("\t")
            targets.setdefault(target, {})[kind] = [value for value in values.split(";") if value]
    return targets


def room_headers(project):
    """One header of each room."""
    headers = {}
    for path in project.ending(".h"):
        room = room_of(path)
        if room in SEES:
            headers.setdefault(room, f"{room}/{path.split(room + '/', 1)[1]}")
    return headers


def includes_well(cc, folders, header):
    """Whether #include finds the header. Only the preprocessor runs: what is in it is no matter."""
    done = subprocess.run(
        [cc, "-std=c11", "-E", "-o", "/dev/null", *[f"-I{folder}" for folder in folders], "-xc",
         "-"], input=f'#include "{header}"\n', capture_output=True, text=True, check=False)
    return done.returncode == 0


def check(project, targets, cc):
    headers = room_headers(project)
    tried = 0
    for room, seen in SEES.items():
        folders = targets.get(f"porthole_{room}", {}).get("include")
        if not folders:
            continue
        for other, header in headers.items():
            tried += 1
            found = includes_well(cc, folders, header)
            if found and other not in seen:
                yield f"CMakeLists.txt:1: {room} can include {header}, which it must not see"
            if not found and other in seen:
                yield f"CMakeLists.txt:1: {room} cannot include {header}, which it may see"
    if not tried:
        yield "CMakeLists.txt:1: no target of the layer rule was found: nothing was checked"

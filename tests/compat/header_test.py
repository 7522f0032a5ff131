#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compiles plum.h by itself with all warnings: as plum/plum.h and, with its folder on the include
path, as plum.h; as C11, C17, C++11 and C++20; with and without PLUM_STATIC and PLUM_EXPORTS."""

import argparse
import itertools
import os
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
DEFINES = [[], ["-DPLUM_STATIC"], ["-DPLUM_EXPORTS"], ["-DPLUM_STATIC", "-DPLUM_EXPORTS"]]
# What a user's program begins with; the second include must do no harm.
PROGRAM = """#include <{name}>
#include <{name}>
int main(void) {{
    plum_mapping_t mapping = {{ PLUM_IP_PROTOCOL_TCP, PLUM_MAPPING_PROTOCOL_UNKNOWN, 1, 2, "", 0 }};
    bool is_open = plum_create_mapping(&mapping, 0) >= 0;
    return is_open && plum_cleanup() == PLUM_ERR_SUCCESS;
}}
"""


def compilers(cc):
    """(command, language, standard) of each."""
    for standard in ("c11", "c17"):
        yield cc, "c", standard
    cxx = os.environ.get("CXX") or shutil.which("c++") or shutil.which("clang++")
    for standard in ("c++11", "c++20"):
        if cxx:
            yield cxx, "c++", standard


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", required=True)
    parser.add_argument("--include", required=True, help="the folder that holds plum/plum.h")
    arguments = parser.parse_args()
    ways = [("plum/plum.h", arguments.include), ("plum.h", os.path.join(arguments.include, "plum"))]
    passed = failed = 0
    for (command, language, standard), (name, folder), defines in itertools.product(
            compilers(arguments.cc), ways, DEFINES):
        argv = [command, f"-std={standard}", f"-x{language}", *WARNINGS, *defines, f"-I{folder}",
                "-fsyntax-only", "-"]
        done = subprocess.run(argv, input=PROGRAM.format(name=name), capture_output=True, text=True,
                              check=False)
        if done.returncode == 0:
            passed += 1
        else:
            failed += 1
            print(f"not ok {' '.join(argv)} < {name}\n{done.stderr}")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

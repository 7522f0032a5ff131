#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs the build into a folder of its own and builds a program of libplum's on it in the ways of
docs/libplum.md: by find_package(LibPlum), by plain compiler flags, and with the archive."""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(LibPlum 0.6 REQUIRED)
add_executable(shared user.c)
target_link_libraries(shared PRIVATE LibPlum::LibPlum)
add_executable(static user.c)
target_link_libraries(static PRIVATE LibPlum::LibPlumStatic)
"""
# Sends nothing.
USER = """#include <plum/plum.h>
int main(void) {
    plum_config_t config = {.log_level = PLUM_LOG_LEVEL_NONE};
    return plum_init(&config) != PLUM_ERR_SUCCESS || plum_cleanup() != PLUM_ERR_SUCCESS;
}
"""


def run(*command, **options):
    print("+", *command, flush=True)
    subprocess.run(command, check=True, **options)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def by_package(arguments, folder, prefix):
    source = os.path.join(folder, "project")
    build = os.path.join(source, "build")
    os.mkdir(source)
    write(source, "CMakeLists.txt", PROJECT)
    write(source, "user.c", USER)
    run(arguments.cmake, "-S", source, "-B", build, f"-DCMAKE_C_COMPILER={arguments.cc}",
        f"-DCMAKE_PREFIX_PATH={prefix}", stdout=subprocess.DEVNULL)
    run(arguments.cmake, "--build", build, stdout=subprocess.DEVNULL)
    run(os.path.join(build, "shared"))
    run(os.path.join(build, "static"))


def by_flags(arguments, folder, prefix, libraries):
    user = write(folder, "user.c", USER)
    program = os.path.join(folder, "user")
    include = f"-I{os.path.join(prefix, 'include')}"
    run(arguments.cc, include, user, "-o", program, f"-L{libraries}", "-lplum")
    run(program, env={**os.environ, "LD_LIBRARY_PATH": libraries})
    run(arguments.cc, include, "-DPLUM_STATIC", user, "-o", program,
        os.path.join(libraries, "libplum.a"), "-lexpat", "-pthread")
    run(program, env={name: value for name, value in os.environ.items()
                      if name != "LD_LIBRARY_PATH"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--cmake", "--cc", "--build"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="porthole-plum-") as folder:
        prefix = os.path.join(folder, "prefix")
        run(arguments.cmake, "--install", arguments.build, "--prefix", prefix,
            stdout=subprocess.DEVNULL)
        found = glob.glob(os.path.join(prefix, "**", "libplum.a"), recursive=True)
        by_flags(arguments, folder, prefix, os.path.dirname(found[0]))
        moved = os.path.join(folder, "elsewhere")  # an installed tree may be moved
        shutil.move(prefix, moved)
        by_package(arguments, folder, moved)
    return 0


if __name__ == "__main__":
    sys.exit(main())

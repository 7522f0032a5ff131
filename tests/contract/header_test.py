#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""porthole.h compiles without a warning as C and as C++, old and new, by every compiler that is
there, and what its macros make is right. A compiler that is missing makes it a skipped test."""

import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
COMMON = ("-Wall -Wextra -Wpedantic -Wmissing-field-initializers -Wconversion -Wsign-conversion "
          "-Wshadow -Wcast-qual -Wcast-align -Wundef -Wformat=2 -Wswitch-enum -Wnull-dereference "
          "-Wdouble-promotion -Wredundant-decls -Werror").split()
C = "-Wc++-compat -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wbad-function-cast".split()
CXX = ("-Wold-style-cast -Weffc++ -Wextra-semi -Wnon-virtual-dtor -Woverloaded-virtual "
       "-Wzero-as-null-pointer-constant").split()
LANGUAGES = (  # compilers, standards, how, what they warn of
    (("gcc", "clang"), ("c99", "c11", "c17", "gnu17"), ["-xc"], C),
    (("g++", "clang++"), ("c++11", "c++14", "c++17", "c++20"), ["-xc++"], CXX),
)


def problem_of(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def main():
    source, include = sys.argv[1:]
    problems, missing, tried = [], [], 0
    with tempfile.TemporaryDirectory(prefix="porthole-header-") as folder:
        program = os.path.join(folder, "program")
        for compilers, standards, how, warnings in LANGUAGES:
            missing += [compiler for compiler in compilers if not shutil.which(compiler)]
            for compiler in filter(shutil.which, compilers):
                for standard in standards:
                    tried += 1
                    problem = problem_of([compiler, f"-std={standard}", *COMMON, *warnings,
                                          f"-I{include}", "-o", program, *how, source])
                    problems.append(problem or problem_of([program]))
    problems = [problem for problem in problems if problem]
    print(*problems, f"{tried - len(problems)} of {tried} ways are right", sep="\n")
    if problems:
        return 1
    if missing:
        print("not installed:", *missing)
        return SKIP
    return 0


if __name__ == "__main__":
    sys.exit(main())

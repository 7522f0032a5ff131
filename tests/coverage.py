#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads the summary of `llvm-cov export` and prints how many lines of each file are executed. Fails
when those of base, wire and core together are fewer than the percentage that is its argument."""

import json
import os
import sys


def show(name, lines):
    percent = 100 * sum(l["covered"] for l in lines) / max(1, sum(l["count"] for l in lines))
    print(f"{name:36} {percent:5.1f} %")
    return percent


def main():
    wanted = float(sys.argv[1])
    files = {os.path.relpath(file["filename"]): file["summary"]["lines"]
             for file in json.load(sys.stdin)["data"][0]["files"]
             if file["summary"]["lines"]["count"]}
    for name in sorted(files):
        show(name, [files[name]])
    pure = show("base, wire and core",
                [lines for name, lines in files.items()
                 if name.startswith(("src/base/", "src/wire/", "src/core/"))])
    show("all", list(files.values()))
    if pure < wanted:
        print(f"at least {wanted:g} % of base, wire and core are wanted")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

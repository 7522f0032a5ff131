#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What libplum.so exports is what plum.h declares, no more and no less, under names without a
version; and libplum.a defines it too."""

import argparse
import os
import re
import subprocess
import sys


def declared(include):
    with open(os.path.join(include, "plum", "plum.h"), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return set(re.findall(r"^PLUM_EXPORT\s+int\s+(\w+)\s*\(", text, re.M))


def defined(nm, path, *options):
    """Names with their versions, as in name@@VERSION."""
    done = subprocess.run([nm, "-P", "-g", "--defined-only", *options, path], capture_output=True,
                          text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {words[0] for words in lines if len(words) > 2 and words[1] in "TDBR"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--nm", "--include", "--shared", "--static"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    wanted = declared(arguments.include)
    shared = defined(arguments.nm, arguments.shared, "-D")
    archive = defined(arguments.nm, arguments.static)
    faults = [f"plum.h declares {len(wanted)} functions, not 8"] if len(wanted) != 8 else []
    faults += [f"libplum.so lacks {name}" for name in sorted(wanted - shared)]
    faults += [f"libplum.so exports {name}" for name in sorted(shared - wanted)]
    faults += [f"libplum.a lacks {name}" for name in sorted(wanted - archive)]
    print("\n".join(faults + [f"{0 if faults else 1} passed, {len(faults)} failed"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

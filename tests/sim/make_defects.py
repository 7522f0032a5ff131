#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the engine with seeded defects: copies of its sources in which each defect of defects.txt
can be switched on at run time.

    make_defects.py LIST ROOT OUT [--files]

LIST has a block for each defect:

    name path/of/source.c
    - what stands there: an expression, or statements when it ends in a semicolon or a brace
    + what stands there when the defect is on; nothing = statements are left out

A line that goes on begins with two blanks. What stands there must occur once; blanks and line
breaks do not matter. A defect for which that is not so any more is stale, which fails the test and
not the build. OUT gets the copies and defects.c with the names; --files only prints the
names of all that is written."""

import os
import re
import sys


class Defect:
    def __init__(self, head):
        self.name, self.path = head.split()
        self.old, self.new = [], []
        self.stale = False


def read_list(path):
    defects, part = [], None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            if line.startswith("- "):
                part = defects[-1].old
                part.append(line[2:])
            elif line.startswith("+"):
                part = defects[-1].new
                part.append(line[2:])
            elif line.startswith("  "):
                part.append(line.strip())
            else:
                defects.append(Defect(line))
    return defects


def place_of(defect, text):
    """Start and end in the source; None when it is not there once."""
    words = re.findall(r"\w+|[^\w\s]", " ".join(defect.old))
    found = list(re.finditer(r"\s*".join(re.escape(word) for word in words), text))
    found = [m for m in found if not re.match(r"\w\w", text[m.start() - 1] + text[m.start()])
             and not re.match(r"\w\w", text[m.end() - 1] + text[m.end()])]
    if len(found) != 1:
        print(f"{defect.path}: what the defect {defect.name} changes stands there {len(found)} "
              "times, not once; mend tests/sim/defects.txt")
        defect.stale = True
        return None
    return found[0].span()


def switched(defect, number, old):
    new = "\n".join(defect.new)
    switch = f"ph_defects_active == {number}U"
    if old.rstrip()[-1] in ";}":
        return f"if ({switch}) {{ {new} }} else {{ {old} }}"
    return f"(({switch}) ? ({new}) : ({old}))"


def mutate(root, path, defects):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    places = sorted(((place_of(d, text), n, d) for n, d in defects if d.path == path),
                    key=lambda place: place[0] or (0, 0), reverse=True)
    for place, number, defect in places:
        if not place:
            continue
        start, end = place
        text = text[:start] + switched(defect, number, text[start:end]) + text[end:]
    return f'extern unsigned ph_defects_active;\n#line 1 "{os.path.join(root, path)}"\n{text}'


def main():
    list_path, root, out = sys.argv[1:4]
    defects = list(enumerate(read_list(list_path), 1))
    files = sorted({defect.path for _, defect in defects})
    if "--files" in sys.argv:
        print(";".join(files))
        return
    os.makedirs(out, exist_ok=True)
    for path in files:
        with open(os.path.join(out, os.path.basename(path)), "w", encoding="utf-8") as file:
            file.write(mutate(root, path, defects))
    with open(os.path.join(out, "defects.c"), "w", encoding="utf-8") as file:
        file.write('#include "tests/sim/defects.h"\n\nunsigned ph_defects_active;\n'
                   "const char *const ph_defects_names[] = {\n")
        for _, defect in defects:
            file.write(f'    "{defect.name}",\n')
        file.write("    0};\nconst int ph_defects_stale[] = {\n")
        for _, defect in defects:
            file.write(f"    {int(defect.stale)},\n")
        file.write("    0};\n")


if __name__ == "__main__":
    main()

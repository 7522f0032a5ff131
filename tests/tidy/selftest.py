# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shows each rule to fail on a breach and to pass without it: a rule that cannot fail is no rule."""

import os
import subprocess
import tempfile

import layers
import manual
import symbols
import text
from project import Project

HEAD = "/* " + text.SPDX + "\n *\n * x.c: says what it does.\n */\n"
HEADER = """#define PORTHOLE_VERSION_MAJOR 1
#define PORTHOLE_VERSION_MINOR 2
#define PORTHOLE_VERSION_PATCH 3
#define PORTHOLE_VERSION "1.2.3"
PORTHOLE_API int porthole_one(void);
PORTHOLE_API const char *porthole_two(int a,
                                      int b);
"""
MAP = "/* x */\nP_0 {\nglobal:\n    porthole_one;\n    porthole_two;\nlocal:\n    *;\n};\n"


def function_of(lines):
    return "int f(int a,\n      int b) {\n" + "    a++;\n" * (lines - 3) + "}\n"


# Rule: (files that keep it, changes that break it one by one).
TEXT_CASES = {
    text.heads: (
        {"src/x.c": HEAD, "include/y.h": HEAD.replace(" */", " * a\n" * 40 + " */"),
         "tests/z.c": f"// {text.SPDX}\n//\n// z.c: says it.\n// More.\nint a;\n"},
        [{"src/x.c": "int a;\n"}, {"src/x.c": "/* " + text.SPDX + " */\nint a;\n"},
         {"src/x.c": HEAD.replace(" */", " * a\n" * 9 + " */")},
         {"src/x.c": HEAD.replace("MIT OR ", "")}]),
    text.licences: (
        {"a/CMakeLists.txt": f"# {text.SPDX}\n", "dev": f"#!/bin/bash\n# {text.SPDX}\n"},
        [{"a/CMakeLists.txt": "project(x)\n"}, {"dev": "#!/bin/bash\n"}]),
    text.file_lengths: (
        {"src/x.c": "\n" * text.FILE_LINES_MAX, "README.md": "\n" * 1000},
        [{"src/x.c": "\n" * (text.FILE_LINES_MAX + 1)}, {"t/x.py": "\n" * 1000}]),
    text.function_lengths: (
        {"src/x.c": function_of(text.FUNCTION_LINES_MAX) * 2},
        [{"src/x.c": function_of(text.FUNCTION_LINES_MAX + 1)}]),
    text.banned_calls: (
        {"src/x.c": "/* strcpy(a, b) */ int a = ph_select(b) + o->select(c); char *s = \"gets(\";\n",
         "tests/t.c": "int a = atoi(b);\n"},
        [{"src/x.c": f"int a = {name} (b);\n"} for name in text.BANNED]),
    text.includes: (
        {"src/core/x.c": '#include "base/b.h"\n#include "core/c.h"\n#include <stdio.h>\n',
         "gateway/x.c": '#include "wire/b.h"\n', "tests/unit/x.c": '#include "core/c.h"\n'},
        [{"src/core/x.c": '#include "driver/d.h"\n'}, {"src/core/x.c": '#include "../api/a.h"\n'},
         {"src/core/x.c": '#include "c.h"\n'}, {"gateway/x.c": '  # include "core/c.h"\n'}]),
    text.unlisted_sources: (
        {"CMakeLists.txt": "layer(a\n  src/a/x.c)\n", "src/a/x.c": "", "t/y.c": "", "t/z.c": "",
         "t/CMakeLists.txt": "test(y.c)\nforeach(name IN ITEMS z)\nadd(${name}.c)\n"},
        [{"src/a/w.c": ""}, {"t/w.c": ""}, {"CMakeLists.txt": "layer(a a/x.c)\n"}]),
    text.words: (
        {"README.md": "A tissue 5, the network/works, a session.\n", "t/corpus/a": "/" + "work/"},
        [{"README.md": word} for word in
         ("/" + "work/x", "the C" + "EO", "in t" + "his session", "T" + "ODO: x", "F" + "IXME",
          "see i" + "ssue 12", "c" + "losing note")]),
    text.versions: (
        {"include/porthole/porthole.h": HEADER, "CHANGELOG.md": "# Changes\n\n## 1.2.3\n\n## 1.0.0\n"},
        [{"include/porthole/porthole.h": HEADER.replace('"1.2.3"', '"1.2.4"')},
         {"CHANGELOG.md": "## 1.2.2\n"}, {"CHANGELOG.md": "none\n"}]),
    text.exports: (
        {"include/porthole/porthole.h": HEADER, "src/porthole.map": MAP},
        [{"src/porthole.map": MAP.replace("    porthole_two;\n", "")},
         {"src/porthole.map": MAP.replace("two", "three")},
         {"include/porthole/porthole.h": "int porthole_one(void);\n"}]),
}


def write(root, files):
    for path, content in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)


def breaches_of(rule, files):
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        return list(rule(Project(root)))


def text_rules():
    for rule in text.RULES:
        if rule not in TEXT_CASES:
            yield f"text.py:1: the rule {rule.__name__} has no self-test"
            continue
        good, changes = TEXT_CASES[rule]
        for breach in breaches_of(rule, good):
            yield f"text.py:1: {rule.__name__} objects to what is right: {breach}"
        for change in changes:
            if not breaches_of(rule, {**good, **change}):
                yield f"text.py:1: {rule.__name__} does not see {str(change)[:80]}"


def compile_c(cc, root, name, code, *options):
    path = os.path.join(root, name)
    subprocess.run([cc, *options, "-xc", "-", "-o", path], input=code, text=True, check=True)
    return path


def symbol_rules(cc, nm):
    cases = (  # the rule, what keeps it, what breaks it
        (symbols.pure_layers, "#include <string.h>\nint ph_a(const char *s);\n"
         "int ph_a(const char *s) { return (int)strlen(s); }\n",
         "#include <time.h>\nlong ph_a(void);\nlong ph_a(void) { return (long)time(0); }\n"),
        (symbols.prefixes, "static int a; int *porthole_a(void) { return &a; }\n", "int helper;\n"),
    )
    with tempfile.TemporaryDirectory() as root:
        for rule, good, bad in cases:
            for code, breaks in ((good, False), (bad, True)):
                target = {"objects": [compile_c(cc, root, "x.o", code, "-c")]}
                if bool(list(rule({"porthole_core": target}, nm))) != breaks:
                    yield f"symbols.py:1: {rule.__name__} is wrong about {code!r}"
        write(root, {"src/porthole.map": MAP})
        code = "int porthole_one(void) { return 1; }\nint porthole_two(void) { return 2; }\n"
        for more, breaks in (("", False), ("int helper;\n", True)):
            library = compile_c(cc, root, "x.so", code + more, "-shared", "-fPIC")
            if bool(list(symbols.exported(Project(root), nm, library))) != breaks:
                yield f"symbols.py:1: exported is wrong about {code + more!r}"
        library = compile_c(cc, root, "x.so", code.split("\n")[0], "-shared", "-fPIC")
        if not list(symbols.exported(Project(root), nm, library)):
            yield "symbols.py:1: exported does not miss a function"


def layer_rules(cc):
    """A core that may see the driver, and one that may not see the base, are both found."""
    with tempfile.TemporaryDirectory() as root:
        write(root, {f"src/{room}/{room}.h": "" for room in ("base", "wire", "core", "driver")})
        for rooms, breaks in ((("base", "wire", "core"), False), (("base", "wire"), True),
                              (("base", "wire", "core", "driver"), True)):
            see = os.path.join(root, "see", "-".join(rooms))
            os.makedirs(see)
            for room in rooms:
                os.symlink(os.path.join(root, "src", room), os.path.join(see, room))
            target = {"porthole_core": {"include": [see]}}
            if bool(list(layers.check(Project(root), target, cc))) != breaks:
                yield f"layers.py:1: check is wrong about a core that sees {rooms}"
        if not list(layers.check(Project(root), {}, cc)):
            yield "layers.py:1: check passes when there is nothing to check"


def manual_rule():
    """Without man there is nothing to show; the check itself is then skipped."""
    if manual.have_man():
        good, bad = ".TH X 1\n.SH NAME\nx \\- y\n", ".TH X 1\n.SH NAME\n.nosuch macro\n"
        for page, breaks in ((good, False), (bad, True)):
            if bool(breaches_of(manual.check, {"man/x.1": page})) != breaks:
                yield f"manual.py:1: check is wrong about {page!r}"


def run(cc, nm):
    yield from text_rules()
    yield from manual_rule()
    yield from symbol_rules(cc, nm)
    yield from layer_rules(cc)

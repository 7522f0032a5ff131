# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole doctor --html FILE`: where the page goes, and what is said when it cannot go there."""

import json
import os
import tempfile

from harness import Gateway, equal, run, test

UNCLEAR = 1  # on loopback nobody can tell


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@test
def doctor_writes_a_page_beside_its_report(program):
    with tempfile.TemporaryDirectory() as folder, Gateway(program) as gateway:
        path = os.path.join(folder, "page.html")
        report = run(program, "doctor", *gateway.ask, "--html", path,
                     preexec_fn=lambda: os.umask(0o027)).expect(UNCLEAR)
        page = read(path)
        equal((page.startswith("<!doctype html>\n"), page.endswith("</html>\n")), (True, True),
              "whether the page is whole")
        equal(page.count(f"granted {gateway.external} port "), 2, "the grants in the page")
        equal(f"granted {gateway.external} port " in report.out, True, "the report for people")
        equal(os.listdir(folder), ["page.html"], "what is in the folder")
        equal(oct(os.stat(path).st_mode & 0o777), "0o640", "the page's mode")


@test
def doctor_replaces_an_older_page(program):
    with tempfile.TemporaryDirectory() as folder, Gateway(program) as gateway:
        path = os.path.join(folder, "page.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write("old")
        out = run(program, "doctor", *gateway.ask, "--html", path, "--json").expect(UNCLEAR).out
        equal(json.loads(out)["verdict"], "unclear", "the verdict")
        equal("<h1>Not enough is known to say</h1>" in read(path), True, "whether it is new")


@test
def doctor_redacts_the_page_too(program):
    with tempfile.TemporaryDirectory() as folder, Gateway(program) as gateway:
        path = os.path.join(folder, "page.html")
        run(program, "doctor", *gateway.ask, "--html", path, "--redact").expect(UNCLEAR)
        page = read(path)
        equal("Addresses and names are replaced" in page, True, "whether it says so")
        equal([name for name in (os.uname().nodename,) if f" {name}<" in page], [], "names in it")


@test
def doctor_says_at_once_where_no_page_can_go(program):
    with tempfile.TemporaryDirectory() as folder:
        missing = os.path.join(folder, "missing", "page.html")
        for path, why in ((missing, "No such file or directory"), (folder, "Is a directory"),
                          ("/dev/null", "Operation not supported"),
                          (__file__ + "/page.html", "Not a directory")):
            result = run(program, "doctor", "-g", "127.0.0.1", "--html", path).expect(1)
            equal((result.out, result.err.count("\n")), ("", 1), "the output")
            equal((result.err.startswith("porthole doctor: --html '"),
                   result.err.endswith(f": {why}\n")), (True, True), result.err)
        equal(os.listdir(folder), [], "what is in the folder")


@test
def doctor_wants_the_name_of_a_file_for_its_page(program):
    for arguments, why in ((["--html"], "'--html' needs a value"),
                           (["--html", ""], "--html '': the name of a file is needed"),
                           (["--html=-"], "--html '-': the name of a file is needed")):
        result = run(program, "doctor", *arguments).expect(2)
        equal((result.out, result.err), ("", f"porthole doctor: {why}\n"))

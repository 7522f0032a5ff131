#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the lab's tests: porthole against real NAT routers in network namespaces.

Prints one line for each test and a count as the last line. Exit code 0 when all passed, 1 when one
failed, 77 when something could not run on this machine (but 1 with CI=true). Needs root: it runs
itself again under sudo when it is not.
"""

import argparse
import json
import os
import selectors
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True  # root's cache files have no place in the source tree
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine  # noqa: E402
import netns  # noqa: E402
import crash_tests  # noqa: E402, F401
import doctor_tests  # noqa: E402, F401
import lease_tests  # noqa: E402, F401
import list_tests  # noqa: E402, F401
import malice_tests  # noqa: E402, F401
import network_tests  # noqa: E402, F401
import peer_tests  # noqa: E402
import programs  # noqa: E402
import restarts  # noqa: E402,F401
import scenarios  # noqa: E402
import tunnel_tests  # noqa: E402, F401

TEST_S_MAX = 120.0


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--porthole", metavar="PATH", help="the program under test")
    parser.add_argument("--bin", metavar="DIR", default=os.environ.get("PORTHOLE_LAB_BIN"),
                        help="where lab-link and lab-nopcp are; else they are found or compiled")
    parser.add_argument("--only", metavar="WORDS", action="append", default=[],
                        help="only tests whose name contains this; may be given again")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="how many at a time")
    parser.add_argument("--list", action="store_true", help="print the names and exit")
    return parser.parse_args()


class Running:
    """One test in a process of its own, so that a namespace it enters is nobody else's."""

    def __init__(self, entry, tools):
        self.entry, self.started_s = entry, time.monotonic()
        self.read_fd, write_fd = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.read_fd)
            os._exit(run_test(entry, tools, write_fd))
        os.close(write_fd)
        self.output = b""

    def result(self):
        """(status, why, ms), once its pipe is at its end."""
        os.close(self.read_fd)
        os.waitpid(self.pid, 0)
        elapsed_ms = (time.monotonic() - self.started_s) * 1000
        try:
            status, why = json.loads(self.output)
        except ValueError:
            status, why = "failed", f"took longer than {TEST_S_MAX:g} s, or died"
        return status, why, elapsed_ms


def run_test(entry, tools, write_fd):
    """In the test's own process: run it, and write down how it ended."""
    _, function, router, needs_porthole = entry
    os.setpgid(0, 0)  # Ctrl-C is for the runner, which then ends its tests in order
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    status, why = "ok", ""
    try:
        if needs_porthole and not tools.porthole:
            raise peer_tests.Skipped("no porthole program; give --porthole PATH")
        function(tools, router)
    except peer_tests.Skipped as error:
        status, why = "skipped", str(error)
    except AssertionError as error:
        status, why = "failed", str(error) or failed_line(error)
    except BaseException as error:  # whatever it is, it is this test's result
        status, why = "failed", f"{type(error).__name__}: {error}"
    os.write(write_fd, json.dumps([status, why]).encode())
    return 0


def failed_line(error):
    """The source line of an assertion that has no words of its own."""
    return traceback.extract_tb(error.__traceback__)[-1].line


def report(name, status, why, elapsed_ms, again):
    if status == "ok":
        print(f"ok{', alone:' if again else ''} {name} ({elapsed_ms:.0f} ms)", flush=True)
    else:
        print(f"{'skipped' if status == 'skipped' else 'not ok'} {name}: {why}", flush=True)


def run_all(entries, tools, jobs, again=False):
    """Runs the tests, some at a time; gives the tests of each status."""
    ended = {"ok": [], "failed": [], "skipped": []}
    waiting, selector, running = list(entries), selectors.DefaultSelector(), set()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                one = Running(waiting.pop(0), tools)
                running.add(one)
                selector.register(one.read_fd, selectors.EVENT_READ, one)
            for key, _ in selector.select(timeout=1.0):
                one = key.data
                data = os.read(one.read_fd, 65536)
                one.output += data
                if not data:
                    selector.unregister(one.read_fd)
                    running.discard(one)
                    status, why, elapsed_ms = one.result()
                    ended[status].append(one.entry)
                    report(one.entry[0], status, why, elapsed_ms, again)
            for one in running:
                if time.monotonic() - one.started_s > TEST_S_MAX:
                    netns.end_process(one.pid, patience_s=10.0)
    finally:
        for one in running:
            netns.end_process(one.pid, patience_s=10.0)
        netns.remove_leftovers()
    return ended


def main():
    arguments = read_arguments()
    entries = [entry for entry in scenarios.TESTS
               if all(words in entry[0] for words in arguments.only)]
    if arguments.list:
        print("\n".join(entry[0] for entry in entries))
        return 0
    if not entries:
        print("no test has such a name\n0 passed, 0 failed")
        return 2
    machine.become_root(__file__)
    machine.check()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    netns.adopt_orphans()
    netns.remove_leftovers()
    with tempfile.TemporaryDirectory(prefix="porthole-lab-") as directory:
        try:
            tools = programs.find_tools(arguments.bin, arguments.porthole, directory)
        except netns.LabError as error:
            machine.cannot_run(str(error))
        ended = run_all(entries, tools, max(1, arguments.jobs))
        if ended["failed"]:  # real time, on a machine that others use: once more, alone
            again = run_all(ended["failed"], tools, 1, again=True)
            ended["ok"] += again["ok"]
            ended["failed"] = again["failed"]
    counts = {status: len(tests) for status, tests in ended.items()}
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['ok']} passed, {counts['failed']} failed{skipped}")
    if counts["failed"]:
        return 1
    if counts["skipped"]:
        return machine.exit_code_of_skip()
    return 0


if __name__ == "__main__":
    sys.exit(main())

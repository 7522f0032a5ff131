#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests the command `porthole` from outside: arguments, output, exit codes, signals. Prints a line
for each test and a count as the last line. Needs no privileges; all is on loopback."""

import argparse
import concurrent.futures
import os
import signal
import sys
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import arguments_tests  # noqa: E402, F401
import completion_tests  # noqa: E402, F401
import demo_tests  # noqa: E402, F401
import doctor_tests  # noqa: E402, F401
import hook_tests  # noqa: E402, F401
import live_tests  # noqa: E402, F401
import manual_tests  # noqa: E402, F401
import map_tests  # noqa: E402, F401
import matrix_tests  # noqa: E402, F401
import output_tests  # noqa: E402, F401
import page_tests  # noqa: E402, F401
import pair_tests  # noqa: E402, F401
import probe_tests  # noqa: E402, F401
import progress_tests  # noqa: E402, F401
import run_tests  # noqa: E402, F401
import state_tests  # noqa: E402, F401
import unmap_tests  # noqa: E402, F401


def problem_of(function, program):
    """Why the test fails; None when it passes."""
    try:
        function(program)
    except AssertionError as error:
        return str(error) or traceback.extract_tb(error.__traceback__)[-1].line
    except Exception as error:  # whatever it is, it is this test's result
        return f"{type(error).__name__}: {error}"
    return None


def forget_inherited_signals():
    """A signal that whoever started this ignores or blocks would be so in each program under test:
    under nohup, SIGHUP ends nothing."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the porthole to test")
    parser.add_argument("--only", metavar="WORDS", help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="how many at a time")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    forget_inherited_signals()
    tests = {function.__name__.replace("_", " "): function for function in harness.TESTS}
    chosen = [name for name in tests if not arguments.only or arguments.only in name]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = [pool.submit(problem_of, tests[name], program) for name in chosen]
        for name, future in zip(chosen, running):
            problem = future.result()
            failed += problem is not None
            print(f"ok {name}" if problem is None else f"not ok {name}: {problem}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the tests that harness.test() has registered, some at a time, and prints a line for each and
a count as the last line."""

import argparse
import concurrent.futures
import os
import signal
import traceback

import harness


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


def main(description, use_helper=None):
    """Runs what is registered; `use_helper` is told of the second program, if there is one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("program", help="the porthole to test")
    if use_helper:
        parser.add_argument("helper", help="the tests' own program")
    parser.add_argument("--only", metavar="WORDS", help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="how many at a time")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    forget_inherited_signals()
    if use_helper:
        use_helper(os.path.abspath(arguments.helper))
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

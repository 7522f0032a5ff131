#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests `porthole` and a program of the library's users against gateways that lie, flood, stall and
die. Prints a line for each case and a count as the last line. Needs no privileges; all is on
loopback."""

import argparse
import concurrent.futures
import os
import sys
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import rig  # noqa: E402
import http_cases  # noqa: E402, F401
import life_cases  # noqa: E402, F401
import natpmp_cases  # noqa: E402, F401
import pcp_cases  # noqa: E402, F401
import print_cases  # noqa: E402, F401
import soap_cases  # noqa: E402, F401
import ssdp_cases  # noqa: E402, F401
import xml_cases  # noqa: E402, F401


def problem_of(case, bench):
    """Why the case fails; None when it passes."""
    try:
        rig.play(case, bench)
    except AssertionError as error:
        return str(error)
    except Exception:  # whatever it is, it is this case's result
        return traceback.format_exc()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", help="the porthole to test")
    parser.add_argument("client", help="the library's user, built of client.c")
    parser.add_argument("--sanitized", action="store_true",
                        help="they are built with sanitizers: memory is not measured")
    parser.add_argument("--only", metavar="WORDS", help="only cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=96, metavar="N", help="how many at a time")
    arguments = parser.parse_args()
    rig.limit_own_files()
    bench = rig.Bench(os.path.abspath(arguments.command), os.path.abspath(arguments.client),
                      arguments.sanitized)
    chosen = [case for case in rig.CASES if not arguments.only or arguments.only in case.name]
    failed = 0
    # Most of the time is spent in waiting. The longest begin, so that none is left to the end.
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {id(case): pool.submit(problem_of, case, bench)
                   for case in sorted(chosen, key=lambda case: -case.within_s) if not case.alone}
        concurrent.futures.wait(running.values())
        for case in chosen:
            problem = problem_of(case, bench) if case.alone else running[id(case)].result()
            failed += problem is not None
            print(f"ok {case.name}" if problem is None else f"not ok {case.name}: {problem}",
                  flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())

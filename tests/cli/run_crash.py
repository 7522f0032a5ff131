#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kills the command `porthole` at many moments, and looks at what the next one makes of it; see
crash_tests.py. Needs no privileges; all is on loopback."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import crash_tests  # noqa: E402
import harness  # noqa: E402
import runner  # noqa: E402


SKIP = 77

if __name__ == "__main__":
    harness.NETWORKS[0] = "127.79"
    try:
        sys.exit(runner.main(__doc__, crash_tests.set_killer))
    except crash_tests.NoTracing as error:
        print(error)
        sys.exit(SKIP)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests the command `porthole` from outside: arguments, output, exit codes, signals. Prints a line
for each test and a count as the last line. Needs no privileges; all is on loopback."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import arguments_tests  # noqa: E402, F401
import completion_tests  # noqa: E402, F401
import demo_tests  # noqa: E402, F401
import doctor_tests  # noqa: E402, F401
import golden_tests  # noqa: E402, F401
import hook_tests  # noqa: E402, F401
import list_tests  # noqa: E402, F401
import live_tests  # noqa: E402, F401
import manual_tests  # noqa: E402, F401
import map_tests  # noqa: E402, F401
import matrix_tests  # noqa: E402, F401
import output_tests  # noqa: E402, F401
import page_tests  # noqa: E402, F401
import pair_tests  # noqa: E402, F401
import probe_tests  # noqa: E402, F401
import progress_tests  # noqa: E402, F401
import reload_tests  # noqa: E402, F401
import run_tests  # noqa: E402, F401
import runner  # noqa: E402
import service_tests  # noqa: E402, F401
import state_tests  # noqa: E402, F401
import unmap_tests  # noqa: E402, F401


if __name__ == "__main__":
    sys.exit(runner.main(__doc__))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures porthole and its peers side by side in the lab, and prints one table for each figure.

Contestants run in turns (A B A B), each a fresh process, and medians are compared. Needs root, as
the lab does. Exit code 0 when it measured, 1 with --check when a target was missed.
"""

import argparse
import fnmatch
import json
import os
import shutil
import signal
import sys
import tempfile

sys.dont_write_bytecode = True  # root's cache files have no place in the source tree
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests", "lab")]

import change_figures  # noqa: E402, F401
import figures  # noqa: E402
import figures_hold  # noqa: E402, F401
import figures_open  # noqa: E402, F401
import machine  # noqa: E402
import measure  # noqa: E402
import netns  # noqa: E402
import programs as lab_programs  # noqa: E402

ROOT = os.path.dirname(HERE)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", metavar="DIR", help="where everything was built; default: the "
                        "build directory with the newest porthole")
    parser.add_argument("--porthole", metavar="PATH", help="the porthole program")
    parser.add_argument("--runs", type=int, default=20, metavar="N",
                        help="runs of each contestant (default 20; three times as many with loss)")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS",
                        help="only figures whose name contains this; may be given again")
    parser.add_argument("--json", metavar="FILE", help="write all values there")
    parser.add_argument("--all-runs", action="store_true",
                        help="also give the slow peers all runs (takes an hour)")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target was missed")
    parser.add_argument("--list", action="store_true", help="print the figures and exit")
    return parser.parse_args()


def find_build(arguments):
    if arguments.build:
        return os.path.abspath(arguments.build)
    porthole = lab_programs.find_porthole(arguments.porthole)
    directory = os.path.dirname(porthole) if porthole else None
    while directory and directory.startswith(ROOT):
        if os.path.exists(os.path.join(directory, "CMakeCache.txt")):
            return directory
        directory = os.path.dirname(directory)
    return None


def find_below(directory, pattern):
    """The file last built that matches; links to folders are not followed."""
    found = []
    for folder, _, names in os.walk(directory) if directory else ():
        found += [os.path.join(folder, name) for name in fnmatch.filter(names, pattern)]
    return max(filter(os.path.isfile, found), key=os.path.getmtime, default=None)


def compile_missing(paths, directory):
    """The floor and the peers need no build of ours: compile what was not found."""
    recipes = {
        "floor": ("floor.c", [os.path.join(HERE, "floor_upnp.c")]),
        "natpmp": ("peer_natpmp.c", ["-lnatpmp"]),
        "miniupnpc": ("peer_miniupnpc.c", ["-lminiupnpc"]),
    }
    for name, (source, rest) in recipes.items():
        if paths[name]:
            continue
        try:
            target = os.path.join(directory, f"bench-{name}")
            paths[name] = lab_programs.compile_c(os.path.join(HERE, source), target, rest)
        except netns.LabError as error:
            print(f"without {name}: {str(error).strip().splitlines()[-1]}")


def find_programs(arguments, directory):
    build = find_build(arguments)
    porthole = arguments.porthole or find_below(build, "porthole")
    paths = {
        "floor": find_below(build, "bench-floor"),
        "ours": find_below(build, "bench-porthole"),
        "hold": find_below(build, "bench-hold"),
        "natpmp": find_below(build, "bench-peer-natpmp"),
        "miniupnpc": find_below(build, "bench-peer-miniupnpc"),
        "porthole": os.path.abspath(porthole) if porthole else None,
        "library": find_below(build, "libporthole.so*"),
    }
    compile_missing(paths, directory)
    bin_directory = find_below(build, "lab-link")
    tools = lab_programs.find_tools(
        os.path.dirname(bin_directory) if bin_directory else None, paths["porthole"], directory)
    tools.porthole = paths["porthole"]
    if not paths["ours"]:
        print("without porthole: bench-porthole is not built; the peers run alone")
    return figures.Programs(**paths), tools


def say_progress(words):
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + words.ljust(width)[:width])
        sys.stderr.flush()


def clear_progress():
    if sys.stderr.isatty():
        say_progress("")
        sys.stderr.write("\r")


def measure_all(names, job):
    """Runs the figures; gives {name: [row]}. One that fails is told and left out."""
    results = {}
    for name in names:
        title, function = figures.FIGURES[name]
        try:
            rows = function(job)
        except (netns.LabError, AssertionError, OSError) as error:
            clear_progress()
            print(f"\n{title}: not measured: {error}")
            results[name] = None
            continue
        clear_progress()
        if rows:
            print(measure.table(title, rows), flush=True)
        else:
            print(f"\n{title}: not measured: what it measures is not built")
        results[name] = rows or None
    return results


def main():
    arguments = read_arguments()
    names = [name for name in figures.FIGURES
             if not arguments.only or any(words in name for words in arguments.only)]
    if arguments.list:
        for name in names:
            print(f"{name:16} {figures.FIGURES[name][0]}")
        return 0
    machine.become_root(__file__)
    machine.check()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    netns.remove_leftovers()
    with tempfile.TemporaryDirectory(prefix="porthole-bench-") as directory:
        programs, tools = find_programs(arguments, directory)
        job = figures.Job(programs, tools, arguments.runs, say_progress, arguments.all_runs)
        results = measure_all(names, job)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            data = {name: rows and [row.as_dict() for row in rows]
                    for name, rows in results.items()}
            json.dump(data, file, indent=1)
    missed = [name for name, rows in results.items()
              if rows is None or any((row.verdict or "").startswith("MISSED") for row in rows)]
    print(f"\nmissed or not measured: {', '.join(missed) or 'none'}")
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())

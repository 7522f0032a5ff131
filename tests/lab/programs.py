# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finds the programs that the lab runs, and runs `porthole map` the way a user's script would:
a process in the client whose JSON lines are awaited one after another."""

import glob
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time

import netns
from lab import Tools

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Clients of several labs have the same addresses; what one has noted is none of the next one's.
os.environ.setdefault("PORTHOLE_STATE", "none")
C_FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra"]


def newest(*patterns):
    """The file last built that matches one of the patterns below the source tree's root."""
    found = [path for pattern in patterns for path in glob.glob(os.path.join(ROOT, pattern))]
    found = [path for path in found if os.path.isfile(path) and os.access(path, os.X_OK)]
    return max(found, key=os.path.getmtime, default=None)


def find_porthole(given=None):
    path = given or os.environ.get("PORTHOLE") or newest("build/porthole", "build/*/porthole",
                                                         "build/*/cli/porthole")
    return os.path.abspath(path) if path else None


def find_tools(directory, porthole=None, build_in=None):
    """The lab's programs in DIRECTORY, else compiled from the source next to this file."""
    tools = Tools(porthole=find_porthole(porthole))
    for name in ("link", "nopcp"):
        source = os.path.join(HERE, f"{name}.c")
        path = os.path.join(directory, f"lab-{name}") if directory else None
        if not directory:
            path = newest(f"build/*/tests/lab/lab-{name}", f"build/tests/lab/lab-{name}")
            if path and os.path.getmtime(path) < os.path.getmtime(source):
                path = None  # older than its source
        if path is None and build_in:
            path = compile_c(source, os.path.join(build_in, f"lab-{name}"))
        setattr(tools, name, path)
    return tools


def compile_c(source, path, libraries=()):
    """Compiles one file with the machine's C compiler; gives the program's path."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "clang"
    netns.run([compiler, *C_FLAGS, "-o", path, source, *libraries])
    return path


class Porthole:
    """A `porthole` process in a namespace. A context manager: killed on the way out."""

    def __init__(self, lab, *arguments, role="client"):
        self.log_path = os.path.join(lab.directory, f"porthole-{time.monotonic_ns()}.log")
        self.started_s = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.process = netns.start(
                lab.names[role],
                [lab.tools.porthole, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.seen = []
        self.text = ""
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(timeout=2)
        self.process.stdout.close()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put((time.monotonic() - self.started_s, line))
        self._lines.put(None)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def _complain(self, what):
        events = ", ".join(event.get("event", "?") for event in self.seen) or "none"
        tail = self.log().strip().splitlines()[-6:]
        raise AssertionError(f"{what} (events: {events}; stderr: {' | '.join(tail) or 'empty'})")

    def wait_event(self, name, patience_s=10.0, **wanted):
        """The next event NAME whose members equal WANTED; it holds its own age in "at_s"."""
        return self.wait_any((name,), patience_s, **wanted)

    def wait_any(self, names, patience_s=10.0, **wanted):
        """The same for an event of one of these names."""
        name = " or ".join(names)
        give_up = time.monotonic() + patience_s
        while True:
            try:
                item = self._lines.get(timeout=max(0.0, give_up - time.monotonic()))
            except queue.Empty:
                self._complain(f"no {name} event within {patience_s:g} s")
            if item is None:
                self._complain(f"ended (exit {self.process.wait()}) before a {name} event")
            at_s, line = item
            self.text += line
            try:
                event = json.loads(line)
            except ValueError:
                self._complain(f"not a line of JSON on standard output: {line!r}")
            event["at_s"] = at_s
            self.seen.append(event)
            if event.get("event") in names and all(event.get(k) == v for k, v in wanted.items()):
                return event

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait_exit(self, patience_s=10.0):
        """Its exit code. What it printed meanwhile is in .text and, as far as JSON, in .seen."""
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._complain(f"still running after {patience_s:g} s")
        self._reader.join(timeout=2)
        while not self._lines.empty() and (item := self._lines.get()) is not None:
            self.text += item[1]
            try:
                self.seen.append({**json.loads(item[1]), "at_s": item[0]})
            except (ValueError, TypeError):
                pass
        return code

    def expect_exit(self, code, patience_s=10.0):
        got = self.wait_exit(patience_s)
        if got != code:
            self._complain(f"exit code {got} instead of {code}")

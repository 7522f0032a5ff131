# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs contestants against each other and describes the times: interleaved (A B C A B C), each run
a fresh process in the client's namespace, the router's table emptied in between."""

import json
import math
import os
import statistics
import subprocess
import time

import netns


class Contestant:
    """One program of a figure. INSIDE: it reports its own time, else the whole process is timed."""

    def __init__(self, name, argv, inside=True, runs_max=None, wanted=1):
        self.name, self.argv, self.inside = name, argv, inside
        self.runs_max, self.wanted = runs_max, wanted
        self.times, self.runs, self.lost, self.notes = [], 0, 0, set()

    def run_once(self, lab):
        self.runs += 1
        result = self._run_inside(lab) if self.inside else self._run_whole(lab)
        if result is not None:
            self.times.append(result)

    def _run_inside(self, lab):
        process = netns.start(lab.names["client"], self.argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        output, errors = process.communicate(timeout=300)
        try:
            result = json.loads(output.strip().splitlines()[-1])
        except (ValueError, IndexError):
            self.notes.add(f"exit {process.returncode}: {errors.strip()[-120:]}")
            return None
        if result["note"]:
            self.notes.add(result["note"])
        self.lost += result["wanted"] - result["ok"]
        return result["elapsed_ms"] if result["ok"] == result["wanted"] else None

    def _run_whole(self, lab):
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        with netns.inside(lab.names["client"]):
            begun = time.perf_counter()
            pid = os.posix_spawn(self.argv[0], self.argv, os.environ, file_actions=actions)
            _, status = os.waitpid(pid, 0)
            elapsed_ms = (time.perf_counter() - begun) * 1000
        os.close(null)
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            self.notes.add(f"exit {code}")
            return None
        return elapsed_ms


def race(lab, contestants, runs, reset, progress=None, lift_limits=False):
    """Runs all contestants in turns; one with few runs (it is slow) drops out early."""
    for turn in range(runs):
        for contestant in contestants:
            limit = runs if lift_limits else (contestant.runs_max or runs)
            if turn >= limit:
                continue
            if progress:
                progress(f"{contestant.name} {turn + 1}/{min(runs, limit)}")
            reset(lab)
            contestant.run_once(lab)


def percentile(values, percent):
    """Nearest rank: a value that was measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def describe(values):
    if not values:
        return None
    return {
        "min": min(values),
        "median": statistics.median(values),
        "p90": percentile(values, 90),
        "max": max(values),
    }


class Row:
    """One line of a figure's table."""

    def __init__(self, name, values, ok, runs, note="", unit="ms"):
        self.name, self.values, self.ok, self.runs = name, values, ok, runs
        self.note, self.unit = note, unit
        self.stats = describe(values)
        self.ratio = self.target = self.verdict = None

    @classmethod
    def of(cls, contestant):
        notes = sorted(contestant.notes)
        if contestant.lost:
            notes.append(f"{contestant.lost} of {contestant.runs * contestant.wanted} lost")
        return cls(contestant.name, contestant.times, len(contestant.times), contestant.runs,
                   "; ".join(notes))

    def as_dict(self):
        return {"what": self.name, "ok": self.ok, "runs": self.runs, "unit": self.unit,
                "stats": self.stats, "ratio": self.ratio, "target": self.target,
                "verdict": self.verdict, "note": self.note, "values": self.values}


class Target:
    """What our own row has to reach: a limit on a statistic, or on its ratio to the floor's."""

    def __init__(self, limit, of="median", ratio=False, unit="ms", every_run=True, words=None):
        self.limit, self.of, self.ratio, self.unit = limit, of, ratio, unit
        self.every_run, self.words = every_run, words

    def __str__(self):
        if self.words:
            return self.words
        amount = f"{self.limit:g} x" if self.ratio else f"{self.limit:g} {self.unit}"
        return f"{self.of} <= {amount}"

    def judge(self, row):
        row.target = str(self)
        if row.stats is None:
            row.verdict = "MISSED (no run succeeded)"
            return
        value = row.stats[self.of]
        if self.ratio and row.ratio is None:
            row.verdict = "no floor"
            return
        if self.ratio:
            value = row.ratio
        reached = value <= self.limit and (row.ok == row.runs or not self.every_run)
        row.verdict = "reached" if reached else "MISSED"


def finish(rows, target, ours="porthole", floor="floor"):
    """Fills in the ratios to the floor, and judges our row."""
    base = next((r.stats["median"] for r in rows if r.name.startswith(floor) and r.stats), None)
    for row in rows:
        if base and row.stats:
            row.ratio = row.stats["median"] / base
        if target and row.name.startswith(ours):
            target.judge(row)


def number(value):
    if value >= 10000:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def table(title, rows):
    """The figure as lines of text."""
    head = ("what", "ok", "min", "median", "p90", "max", "x floor", "target", "verdict")
    lines = [head]
    for row in rows:
        stats = [number(row.stats[k]) for k in ("min", "median", "p90", "max")] if row.stats \
            else ["-"] * 4
        ratio = f"{row.ratio:.2f}" if row.ratio else ""
        lines.append((row.name, f"{row.ok}/{row.runs}", *stats, ratio, row.target or "",
                      row.verdict or ""))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    unit = rows[0].unit if rows else "ms"
    text = ["", f"{title} [{unit}]"]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [line[i].rjust(widths[i]) for i in range(1, 7)]
        cells += [line[i].ljust(widths[i]) for i in range(7, 9)]
        text.append(("  " + "  ".join(cells)).rstrip())
    text += [f"  {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join(text)

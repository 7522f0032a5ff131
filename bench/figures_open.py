# SPDX-License-Identifier: MIT OR Apache-2.0
"""The figures of staying open: a router that crashes and forgets, with and without a word about it,
and somebody on the wire who forges such words."""

import json
import os
import subprocess
import time

import netns
from figures import figure, flush
from lab import CLIENT, Lab
from measure import Contestant, Row, Target, finish
from restarts import KINDS, Forger, await_rule, control_port, crash, mute
from scenarios import start_router

FIRST_PORT = 20000
RECHECK_S = 5.0
RESTARTS_MAX = 10
SETTLE_S = 4.0
FLOOD_S = 30.0


class Holder:
    """bench-porthole in the client, which holds one TCP port."""

    def __init__(self, job, lab, *options):
        argv = [job.programs.ours, "--hold", *options]
        self.process = netns.start(lab.names["client"], argv, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        result = json.loads(self.process.stdout.readline())
        assert result["ok"] == 1, result["note"]
        self.via = result["note"]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def restarts(job, protocol, options, silent, limit_s, runs):
    """From the router's death, which is up again some 30 ms later, until its rule is there."""
    if not job.programs.ours:
        return []
    times, notes = [], set()
    for turn in range(runs):
        job.progress(f"restart {turn + 1}/{runs}")
        with Lab(job.tools) as lab:
            start_router(lab, "miniupnpd", KINDS[protocol])
            if silent:
                mute(lab)
            with Holder(job, lab, *options) as holder:
                notes.add(holder.via)
                # So that a clock at 0 again shows, and no two runs meet the recheck alike.
                time.sleep(SETTLE_S + turn * RECHECK_S / runs)
                begun = time.monotonic()
                crash(lab, protocol)
                try:
                    await_rule(lab, ("tcp", FIRST_PORT, CLIENT, FIRST_PORT), limit_s + 10)
                    times.append((time.monotonic() - begun) * 1000)
                except AssertionError as error:
                    notes.add(str(error))
    row = Row("porthole", times, len(times), runs, "; ".join(sorted(notes)))
    finish([row], Target(limit_s * 1000, of="max"))
    return [row]


def announced(job, protocol):
    return restarts(job, protocol, (), False, 6.0, min(job.runs, RESTARTS_MAX))


def unannounced(job, protocol):
    options = ("--recheck", str(int(RECHECK_S * 1000)))
    return restarts(job, protocol, options, True, RECHECK_S + 2.0, min(job.runs, RESTARTS_MAX))


def flooded(job, protocol):
    """One mapping more, by a client that holds one and so listens to what is announced."""
    path = job.programs.ours
    if not path:
        return []
    with Lab(job.tools, delay_us=1000) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        quiet = Contestant("quiet", [path, "--beside"])
        noisy = Contestant("porthole, flooded", [path, "--beside"])
        for turn in range(job.runs):
            job.progress(f"flood {turn + 1}/{job.runs}")
            flush(lab)
            quiet.run_once(lab)
            flush(lab)
            with Forger(lab):
                noisy.run_once(lab)
        rows = [Row.of(quiet), Row.of(noisy)]
        finish(rows, Target(1.5, ratio=True), floor="quiet")
        return rows


def packets_sent(lab):
    with netns.inside(lab.names["client"]):
        links = json.loads(netns.run(["ip", "-j", "-s", "link", "show", "eth0"]))
    return links[0]["stats64"]["tx"]["packets"]


def flood_cost(job, protocol):
    """What a client that holds a mapping sends and computes, with a flood and without one."""
    if not job.programs.ours:
        return []
    sent, cpu_percent = [], []
    with Lab(job.tools, delay_us=1000) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        with Holder(job, lab) as holder:
            time.sleep(SETTLE_S)
            for forger in (None, Forger(lab, control_port(lab, holder.process.pid))):
                job.progress("flood" if forger else "quiet")
                with forger or open(os.devnull, "rb"):
                    packets, cpu_s = packets_sent(lab), holder.cpu_s()
                    time.sleep(FLOOD_S)
                    sent.append((packets_sent(lab) - packets) / FLOOD_S)
                    cpu_percent.append((holder.cpu_s() - cpu_s) / FLOOD_S * 100)
    packets = Row("porthole: packets more a second", [sent[1] - sent[0]], 1, 1, unit="1/s")
    finish([packets], Target(1.0, unit="1/s"))
    cpu = Row("porthole: percent of a core", [cpu_percent[1]], 1, 1, unit="%")
    finish([cpu], Target(5.0, unit="%"))
    return [packets, cpu]


for _protocol in KINDS:
    for _name, _title, _function in (
        ("restart-announced", "router killed and up again, announced", announced),
        ("restart-unannounced", f"the same unannounced, recheck {RECHECK_S:g} s", unannounced),
        ("flood", "one more mapping amid 1,000 forged packets a second", flooded),
        ("flood-cost", f"{FLOOD_S:g} s of 1,000 forged packets a second", flood_cost),
    ):
        figure(f"{_name}-{_protocol}", f"{_title}, {_protocol}")(
            lambda job, function=_function, protocol=_protocol: function(job, protocol))

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The figures that porthole promises, each with its lab, its contestants and its target.

"floor" is a bare request and reply to the same router; a peer takes part where it is installed.
"""

import os
import shutil
import subprocess
import tempfile

import netns
from lab import ROUTER, Lab
from measure import Contestant, Row, Target, finish, race
from programs import Porthole

FIGURES = {}
DELAY_US = 5000
MANY = 1000
WINDOW = 64
# A peer that takes many seconds a run is timed a few times only, unless all runs are asked for.
SLOW_RUNS = 3
ROUTER_RUNS = 7  # a thousand rules of a real router: six seconds, and a tenth more or less


class Programs:
    """The paths of what is timed; None for what is not there."""

    def __init__(self, **paths):
        self.__dict__.update(paths)


class Job:
    """What a figure needs to run: programs, the number of runs, and where to say how far it is."""

    def __init__(self, programs, tools, runs, progress, lift_limits):
        self.programs, self.tools, self.runs = programs, tools, runs
        self.progress, self.lift_limits = progress, lift_limits

    def race(self, lab, contestants, target, reset, runs=None):
        present = [one for one in contestants if one]
        race(lab, present, runs or self.runs, reset, self.progress, self.lift_limits)
        rows = [Row.of(one) for one in present]
        finish(rows, target)
        return rows

    def floor(self, words, *arguments, wanted=1):
        path = self.programs.floor
        return Contestant(f"floor: {words}", [path, *arguments], wanted=wanted) if path else None

    def ours(self, *arguments, wanted=1, **options):
        path = self.programs.ours
        if not path:
            return None
        return Contestant("porthole", [path, *arguments], wanted=wanted, **options)

    def natpmp(self, *arguments, **options):
        path = self.programs.natpmp
        return Contestant("libnatpmp", [path, *arguments], **options) if path else None

    def miniupnpc(self, *arguments, **options):
        path = self.programs.miniupnpc
        return Contestant("miniupnpc", [path, *arguments], **options) if path else None


def figure(name, title):
    def register(function):
        FIGURES[name] = (title, function)
        return function

    return register


def flush(lab):
    lab.flush()


def leave(_lab):
    pass


@figure("pcp", "open to mapped, PCP, 5 ms each way")
def pcp(job):
    with Lab(job.tools, delay_us=DELAY_US) as lab:
        lab.start_miniupnpd(upnp=False)
        contestants = (job.floor("one PCP MAP", "pcp", ROUTER), job.ours(), job.natpmp())
        return job.race(lab, contestants, Target(1.15, ratio=True), flush)


@figure("natpmp", "open to mapped, NAT-PMP with PCP refused, 5 ms each way")
def natpmp(job):
    with Lab(job.tools, delay_us=DELAY_US) as lab:
        lab.start_miniupnpd(upnp=False)
        lab.refuse_pcp()
        contestants = (job.floor("one NAT-PMP map", "natpmp", ROUTER), job.ours(), job.natpmp())
        return job.race(lab, contestants, Target(2.2, ratio=True), flush)


def upnp(job, silent, limit):
    with Lab(job.tools) as lab:
        lab.start_miniupnpd(natpmp=False)
        if silent:
            lab.drop_input()
        floor = job.floor("SSDP + description + address + AddPortMapping", "upnp", ROUTER)
        return job.race(lab, (floor, job.ours(), job.miniupnpc()), Target(limit, ratio=True), flush)


@figure("upnp-refused", "open to mapped, UPnP with 5351 refused, no delay")
def upnp_refused(job):
    return upnp(job, False, 1.2)


@figure("upnp-silent", "open to mapped, UPnP with 5351 silent, no delay")
def upnp_silent(job):
    return upnp(job, True, 1.8)


def loss(job, refuse_pcp):
    """Each turn has its own seed, and each contestant of a turn a link that loses by that seed."""
    contestants = [one for one in (job.ours(), job.natpmp()) if one]
    runs = 3 * job.runs
    for turn in range(runs):
        for contestant in contestants:
            job.progress(f"{contestant.name} {turn + 1}/{runs}")
            with Lab(job.tools, delay_us=DELAY_US, loss_percent=20.0, seed=turn + 1) as lab:
                lab.start_miniupnpd(upnp=False)
                if refuse_pcp:
                    lab.refuse_pcp()
                contestant.run_once(lab)
    rows = [Row.of(one) for one in contestants]
    finish(rows, Target(800, of="p90"))
    return rows


@figure("loss-pcp", "open to mapped, PCP, 20 % loss each way, 5 ms each way")
def loss_pcp(job):
    return loss(job, False)


@figure("loss-natpmp", "open to mapped, NAT-PMP with PCP refused, 20 % loss, 5 ms each way")
def loss_natpmp(job):
    return loss(job, True)


def nothing(job, silent):
    """The time until a contestant says that nobody answers. Peers are asked for 0 mappings."""
    with Lab(job.tools) as lab:
        if silent:
            lab.drop_input("")
        contestants = [job.ours("--verdict"), job.miniupnpc("0", runs_max=SLOW_RUNS)]
        if not silent or job.lift_limits:
            contestants.append(job.natpmp("0", runs_max=None if not silent else 1))
        return job.race(lab, contestants, Target(3500), leave)


@figure("nothing-silent", "nothing there: time to the verdict, router silent")
def nothing_silent(job):
    return nothing(job, True)


@figure("nothing-refused", "nothing there: time to the verdict, ports refused")
def nothing_refused(job):
    return nothing(job, False)


def many(job, protocol, options):
    """The gateway is started anew for each run: that empties its table."""

    def restart(lab):
        lab.stop_router()
        lab.start_gateway("--no-upnp", *options)

    with Lab(job.tools, delay_us=DELAY_US) as lab:
        floor = job.floor(f"{WINDOW} in flight", protocol, ROUTER, str(MANY), str(WINDOW),
                          wanted=MANY)
        peer = job.natpmp(str(MANY), wanted=MANY, runs_max=SLOW_RUNS)
        contestants = (floor, job.ours(str(MANY), wanted=MANY), peer)
        return job.race(lab, contestants, Target(400), restart)


@figure("many-pcp", "1,000 mappings over PCP, our gateway, 5 ms each way")
def many_pcp(job):
    return many(job, "pcp", ())


@figure("many-natpmp", "1,000 mappings over NAT-PMP, our gateway, 5 ms each way")
def many_natpmp(job):
    return many(job, "natpmp", ("--no-pcp",))


@figure("many-miniupnpd", "1,000 mappings over PCP, miniupnpd with nftables, no delay")
def many_miniupnpd(job):
    """The router's own work dominates; the target is one at a time, with none lost."""
    with Lab(job.tools) as lab:
        lab.start_miniupnpd(upnp=False)
        one_by_one = job.floor("one at a time", "pcp", ROUTER, str(MANY), "1", wanted=MANY)
        contestants = (one_by_one, job.ours(str(MANY), wanted=MANY),
                       job.natpmp(str(MANY), wanted=MANY))
        # 5 % for the noise of a few runs of 12 s each.
        target = Target(1.05, ratio=True, words="none lost, <= 1.05 x one by one")
        return job.race(lab, contestants, target, flush, runs=min(job.runs, ROUTER_RUNS))


@figure("process", "whole process: porthole map --once and natpmpc, PCP, no delay")
def process(job):
    # A folder of its own for the leases that are noted, as every user has one.
    with Lab(job.tools) as lab, tempfile.NamedTemporaryFile() as state:
        os.unlink(state.name)
        lab.start_miniupnpd(upnp=False)
        natpmpc = netns.find_command("natpmpc")
        contestants = []
        if natpmpc:
            argv = [natpmpc, "-a", "8080", "8080", "tcp", "7200"]
            contestants.append(Contestant("natpmpc", argv, inside=False))
        if job.programs.porthole:
            argv = [job.programs.porthole, "map", "--once", "--state", state.name, "8080/tcp"]
            contestants.append(Contestant("porthole map --once", argv, inside=False))
        race(lab, contestants, 3 * job.runs, flush, job.progress)
        rows = [Row.of(one) for one in contestants]
        finish(rows, Target(1.5, ratio=True, words="median <= 1.5 x natpmpc"), floor="natpmpc")
        return rows


@figure("memory", "peak memory of porthole map, holding a TCP port over PCP")
def memory(job):
    if not job.programs.porthole:
        return []
    peaks = []
    with Lab(job.tools) as lab:
        lab.start_miniupnpd()
        for _ in range(job.runs):
            with Porthole(lab, "map", "8080/tcp", "--json") as porthole:
                porthole.wait_event("mapped")
                # Not rusage: that carries the parent's peak over exec.
                peaks.append(peak_kib(porthole.process.pid))
                porthole.interrupt()
                porthole.wait_exit()
    row = Row("porthole map", peaks, len(peaks), job.runs, unit="KiB")
    finish([row], Target(4096, of="max", unit="KiB"))
    return [row]


def peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(float(line.split()[1]) for line in file if line.startswith("VmHWM"))


@figure("size", "the shared library, stripped")
def size(job):
    strip = shutil.which("strip")
    if not job.programs.library or not strip:
        return []
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        subprocess.run([strip, "-o", file.name, job.programs.library], check=True)
        kib = os.path.getsize(file.name) / 1024
    row = Row("porthole: libporthole.so", [kib], 1, 1, unit="KiB")
    finish([row], Target(200, unit="KiB"))
    return [row]

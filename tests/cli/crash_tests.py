# SPDX-License-Identifier: MIT OR Apache-2.0
"""kill -9 at any moment of mapping, renewing and removing: what is left is a state file that can be
read, and the next start ends with exactly the mappings that are wanted, at the ports they had.

A moment is a system call that is not reached, which killer.c sees to, or a time. The gateway is the
embedded one, which tells of each mapping when it is opened and when it is closed."""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from harness import CLIENT, Noted, environment, equal, run, test, wait_until

METHODS = ("pcp", "natpmp", "upnp")
OUTSIDE = 50123
FOREIGN = 99  # the internal port of another host
BARRIER = 98
# How often each operation is killed by each method.
TIMED_KILLS = 8
CALL_KILLS = {"pcp": 80, "natpmp": 20, "upnp": 30}
KILLED = 128 + signal.SIGKILL
# A sanitizer's own search for leaks cannot be done in a process that is being traced.
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0"}
KILLER = []  # the program's path


class NoTracing(Exception):
    """This system lets nobody trace his own processes."""


def set_killer(path):
    KILLER.append(path)
    trial = run(path, "0", sys.executable, "-c", "pass")
    if trial.code != 0:
        raise NoTracing(trial.err)


class Scene(Noted):
    """A gateway that speaks one protocol, what it has open, and a state file."""

    def __init__(self, program, method, *options):
        super().__init__(program, "--no-forward", *options)
        self.program, self.method = program, method
        self.ask = (*self.ask, "-p", method)
        self.tells = 0  # lines of the gateway's that are counted in
        self.opened = set()

    def mappings(self):
        """(protocol, internal port, external port) of all that is open."""
        lines = self.out.splitlines(keepends=True)
        for line in lines[self.tells:]:
            if not line.endswith("\n"):
                break
            event = json.loads(line)
            if event["event"] in ("opened", "closed"):
                entry = (event["protocol"], event["internal"]["port"], event["external"]["port"])
                (self.opened.add if event["event"] == "opened" else self.opened.discard)(entry)
            self.tells += 1
        return set(self.opened)

    def check_file(self, moment):
        """There is none, or it can be read; and nothing but what belongs there lies beside it."""
        beside = set(os.listdir(self.folder.name))
        assert beside <= {"leases.json", "leases.json.lock", "leases.json.new", "record",
                          "record.new"}, f"{moment}: {beside}"
        if os.path.exists(self.state):
            with open(self.state, encoding="utf-8") as file:
                state = json.load(file)
            equal(state["version"], 1, moment)
            for lease in state["leases"]:
                equal(len(lease["key"]), 24, moment)

    def ours(self):
        """Those that the killed one's kind has made, when all that it asked is answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.bind((CLIENT, 0))
            asker.connect((self.internal, 5351))
            for lifetime, wanted in ((60, True), (0, False)):  # RFC 6886 section 3.3
                asker.send(struct.pack("!BBHHHI", 0, 2, 0, BARRIER, BARRIER, lifetime))
                wait_until(lambda: (("tcp", BARRIER, BARRIER) in self.mappings()) == wanted,
                           "the gateway")
        return {entry for entry in self.mappings() if entry[1] != FOREIGN}

    def run(self, *arguments, code=0):
        result = run(self.program, arguments[0], *self.ask, *arguments[1:]).expect(code)
        assert result.err == "", result.err
        return result


# ---- What is killed ------------------------------------------------------------------------------

class Once:
    """`map --once` of two ports."""
    ports = ("8080", "8081/udp")
    arguments = ("map", "--once", *ports)
    wanted = {("tcp", 8080, 8080), ("udp", 8081, 8081)}
    what = "--all"  # it is removed by

    @staticmethod
    def prepare(scene):
        """What there is from the beginning."""

    @staticmethod
    def prepare_again(scene):
        """What there is before each life."""

    @classmethod
    def live(cls, scene, process):
        process.wait(60)


class Outside(Once):
    """The same, at a port outside that the next start is not told of."""
    ports = ("8080/both",)
    arguments = ("map", "--once", "-e", str(OUTSIDE), *ports)
    wanted = {("tcp", 8080, OUTSIDE), ("udp", 8080, OUTSIDE)}


class Elsewhere(Once):
    """The port outside is somebody else's, so that another one is found."""
    ports = ("8080",)
    arguments = ("map", "--once", "-e", str(OUTSIDE), *ports)
    wanted = {("tcp", 8080, 0)}

    @staticmethod
    def prepare(scene):
        run(scene.program, "map", *scene.ask[:2], "-b", "127.0.0.9", "--state", "none", "-p",
            scene.method, "-e", str(OUTSIDE), "--once", str(FOREIGN)).expect(0)


class Kept(Once):
    """`map` that holds, renews and gives back."""
    ports = ("8080/both",)
    arguments = ("map", "--json", "--file", "record", "-e", str(OUTSIDE), *ports)
    wanted = Outside.wanted
    what = "--stale"

    @classmethod
    def live(cls, scene, process):
        seen = 0
        for line in process.stdout:
            seen += json.loads(line)["event"] in ("mapped", "status")
            if seen == 2:
                process.send_signal(signal.SIGUSR1)
                seen = 3
            elif seen == 5:
                time.sleep(0.02)  # so that it has renewed
                process.send_signal(signal.SIGTERM)
                seen = 6
        process.wait(60)


class Unmapped(Once):
    """`unmap` of what was left open."""
    arguments = ("unmap", "--all")

    @staticmethod
    def prepare_again(scene):
        scene.run("map", "--once", *Once.ports)


# ---- Killing it ----------------------------------------------------------------------------------

def begin(scene, operation, *wrap):
    return subprocess.Popen(
        [*wrap, scene.program, operation.arguments[0], *scene.ask, *operation.arguments[1:]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(**OPTIONS), cwd=scene.folder.name)


def end(operation, scene, process):
    operation.live(scene, process)
    process.stdout.close()
    with process.stderr as text:
        return process.returncode, text.read()


def kill_at_call(scene, operation, number):
    code, text = end(operation, scene, begin(scene, operation, *KILLER, str(number)))
    assert code in (0, KILLED), f"exit code {code}: {text}"
    return int(text.split()[-1]) if number == 0 else 0


def kill_at_time(scene, operation, after_s):
    process = begin(scene, operation)
    timer = threading.Timer(after_s, process.kill)
    timer.start()
    code, text = end(operation, scene, process)
    timer.cancel()
    assert code in (0, -signal.SIGKILL), f"exit code {code}: {text}"


# ---- And what comes after ------------------------------------------------------------------------

def names_of(mappings):
    return sorted((protocol, internal) for protocol, internal, _ in mappings)


def go_on(scene, operation, moment):
    """The next start: it adopts what is there, and removes it all in the end."""
    scene.check_file(moment)
    had = scene.ours()
    ports = operation.ports
    scene.run("map", "--once", *ports)
    now = scene.ours()
    equal(names_of(now), names_of(operation.wanted), f"{moment}: what is open")
    assert had <= now, f"{moment}: {sorted(had)} was open, and then {sorted(now)}"
    if "both" in ports[0]:
        equal(len({external for _, _, external in now}), 1, f"{moment}: ports outside")
    clean_up(scene, moment)


def clean_up(scene, moment, what="--all"):
    scene.check_file(moment)
    scene.run("unmap", what)
    equal(sorted(scene.ours()), [], f"{moment}: what is left")
    equal(scene.leases() if os.path.exists(scene.state) else [], [], f"{moment}: leases")


def sweep(program, method, operation):
    """Many lives, each with its death at another moment."""
    chance = random.Random(f"{method} {operation.__name__}")
    with Scene(program, method) as scene:
        operation.prepare(scene)
        begun = time.monotonic()
        kill_at_time(scene, operation, 60.0)
        took_s = time.monotonic() - begun
        clean_up(scene, "unharmed")
        operation.prepare_again(scene)
        calls = kill_at_call(scene, operation, 0)
        clean_up(scene, "unharmed")
        numbers = range(1, calls + 1)
        if len(numbers) > CALL_KILLS[method]:
            numbers = sorted(chance.sample(numbers, CALL_KILLS[method]))
        kills = [(f"killed before system call {number} of {calls}",
                  lambda number=number: kill_at_call(scene, operation, number))
                 for number in numbers]
        for _ in range(TIMED_KILLS):
            after_s = chance.uniform(0, took_s)
            kills.append((f"killed after {1000 * after_s:.2f} ms",
                          lambda after_s=after_s: kill_at_time(scene, operation, after_s)))
        for index, (moment, kill) in enumerate(kills):
            operation.prepare_again(scene)
            kill()
            if index % 2:
                go_on(scene, operation, moment)
            else:
                clean_up(scene, moment, operation.what)


for each_method in METHODS:
    for each_operation in (Once, Outside, Elsewhere, Kept, Unmapped):
        def crash(program, method=each_method, operation=each_operation):
            sweep(program, method, operation)

        crash.__name__ = f"{each_operation.__name__.lower()}_by_{each_method}"
        test(crash)

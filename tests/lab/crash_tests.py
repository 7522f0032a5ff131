# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of kill -9 at random moments, in front of a real router, whose own rules say what
became of the mappings. Many more moments are tried on loopback, by tests/cli/crash_tests.py."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import netns
from lab import CLIENT, Lab
from lease_tests import KINDS
from scenarios import start_router, test

OUTSIDE = 50123
PORTS = ("8080/both",)
WANTED = [("tcp", OUTSIDE, CLIENT, 8080), ("udp", OUTSIDE, CLIENT, 8080)]
KILLS = 10


class Life:
    """`porthole` in the client, told to end or killed."""

    def __init__(self, lab, *arguments):
        self.process = netns.start(
            lab.names["client"], [lab.tools.porthole, *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def live(self, killed_after_s=None):
        """Asked to renew when it has mapped, and to end when it has told how it is."""
        timer = threading.Timer(killed_after_s or 60.0, self.process.kill)
        timer.start()
        seen = 0
        for line in self.process.stdout:
            seen += json.loads(line)["event"] in ("mapped", "status")
            if seen == 2:
                self.process.send_signal(signal.SIGUSR1)
                seen = 3
            elif seen == 5:
                time.sleep(0.02)  # so that it has renewed
                self.process.send_signal(signal.SIGTERM)
                seen = 6
        code, said = self.process.wait(), self.process.stderr.read()
        timer.cancel()
        self.process.stdout.close()
        self.process.stderr.close()
        assert code in (0, -signal.SIGKILL), f"exit code {code}: {said}"
        return code

    def end(self):
        out, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0 and not said, f"{self.process.returncode}: {out}{said}"


def check_file(path, moment):
    beside = {name for name in os.listdir(os.path.dirname(path)) if name.startswith("leases")}
    assert beside <= {"leases.json", "leases.json.lock", "leases.json.new"}, f"{moment}: {beside}"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            assert json.load(file)["version"] == 1, moment


@test(*KINDS, name="killed at random moments, the next start has exactly what is wanted")
def killed_at_random_moments(tools, via):
    chance = random.Random(via)
    with Lab(tools) as lab:
        start_router(lab, "miniupnpd", KINDS[via])
        state = os.path.join(lab.directory, "leases.json")
        common = ("--state", state, "-p", via)
        arguments = ("map", *common, "--json", "-e", str(OUTSIDE), *PORTS)
        begun = time.monotonic()
        Life(lab, *arguments).live()
        took_s = time.monotonic() - begun
        for index in range(KILLS):
            after_s = chance.uniform(0, took_s)
            moment = f"killed after {1000 * after_s:.1f} of {1000 * took_s:.1f} ms"
            Life(lab, *arguments).live(after_s)
            check_file(state, moment)
            if index % 2:
                had = lab.rules()
                Life(lab, "map", *common, "--once", "-e", str(OUTSIDE), *PORTS).end()
                rules = lab.rules()
                assert rules == WANTED, f"{moment}: from {had} to {rules}"
            Life(lab, "unmap", *common, "--all").end()
            assert lab.rules() == [], f"{moment}: left: {lab.rules()}"
            check_file(state, moment)

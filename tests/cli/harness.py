# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of the command are made of: the program run to its end or held, the embedded
gateway beside it, and output with what differs from run to run masked. Loopback only."""

import contextlib
import itertools
import json
import os
import queue
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE_S = 60.0  # with a machine that is busy with other things
CLIENT = "127.0.0.1"
TESTS = []

# Every gateway of a run has addresses of its own, and other runs most likely others. Another test
# that runs beside this one may put another 127.0.0.0/8 network here.
NETWORKS = ["127.78"]
_networks = itertools.count(os.getpid() % 120)
_networks_lock = threading.Lock()


def test(function):
    """Registers a test: a function of the program's path, which raises when something is wrong."""
    TESTS.append(function)
    return function


def equal(got, wanted, what="output"):
    if got != wanted:
        raise AssertionError(f"{what} is\n{_shown(got)}\ninstead of\n{_shown(wanted)}")


def _shown(value):
    return value if isinstance(value, str) else json.dumps(value, indent=1)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return {**kept, "TERM": "xterm", "PORTHOLE_STATE": "none", **more}


class Result:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def expect(self, code):
        if self.code != code:
            raise AssertionError(f"exit code {self.code} instead of {code}: {self.out}{self.err}")
        return self


def run(program, *arguments, **options):
    """Runs the program to its end."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
               "stdin": subprocess.DEVNULL, "env": environment(), "timeout": PATIENCE_S, **options}
    return Result(subprocess.run([program, *arguments], check=False, **options))


def subcommands(program):
    """As `porthole --help` lists them."""
    return re.findall(r"^  ([a-z-]+) ", run(program, "--help").out.split("\nexamples:")[0], re.M)


class Held:
    """The program while it runs; its lines are awaited one after another."""

    def __init__(self, program, *arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   "stdin": subprocess.DEVNULL, "env": environment(), **options}
        self.process = subprocess.Popen([program, *arguments], **options)
        self.lines, self.out, self.err = queue.Queue(), "", ""
        self._threads = [threading.Thread(target=self._read_out, daemon=True),
                         threading.Thread(target=self._read_err, daemon=True)]
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _read_out(self):
        for line in self.process.stdout or ():
            self.out += line
            self.lines.put(line)
        self.lines.put(None)

    def _read_err(self):
        for line in self.process.stderr or ():
            self.err += line

    def line(self):
        try:
            line = self.lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"no further line; so far: {self.out}{self.err}") from None
        if line is None:
            raise AssertionError(f"ended with {self.process.wait()}: {self.out}{self.err}")
        return line

    def event(self, name):
        event = json.loads(self.line())
        equal(event.get("event"), name, "the event")
        return event

    def send(self, number):
        self.process.send_signal(number)

    def end(self, code, number=signal.SIGINT):
        """Sends a signal (None for none) and waits for the exit code."""
        if number:
            self.send(number)
        got = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        if got != code:
            raise AssertionError(f"exit code {got} instead of {code}: {self.out}{self.err}")
        return self


def free_network():
    """Two addresses that nobody has who is a gateway now: inside and outside."""
    for _ in range(120):
        with _networks_lock:
            number = next(_networks) % 120
        inside = f"{NETWORKS[0]}.{2 * number}.1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial, \
                contextlib.suppress(OSError):
            trial.bind((inside, 5351))
            break
    return inside, f"{NETWORKS[0]}.{2 * number + 1}.1"


class Gateway(Held):
    """`porthole gateway` with these options, on addresses that were free."""

    def __init__(self, program, *options):
        for _ in range(20):
            self.internal, self.external = free_network()
            super().__init__(program, "gateway", "--address", self.internal, "--external",
                             self.external, "--json", *options)
            with contextlib.suppress(AssertionError):
                self.facts = self.event("listening")
                break
            Held.__exit__(self)
        else:
            raise AssertionError(f"the gateway does not start: {self.err}")
        self.ask = ("-g", self.internal, "-b", CLIENT)

    def log(self):
        """What it opened and closed, once it has ended: ["opened tcp 8080 8080", ...]."""
        self.end(0, signal.SIGTERM)
        events = [json.loads(line) for line in self.out.splitlines()]
        return [" ".join((event["event"], event["protocol"], str(event["internal"]["port"]),
                          str(event["external"]["port"]), event.get("reason", ""))).strip()
                for event in events if event["event"] in ("opened", "closed")]

    def mask(self, text):
        """Output as it is in every run."""
        text = text.replace(self.internal, "GATEWAY").replace(self.external, "EXTERNAL")
        text = re.sub(r"(?<=GATEWAY:)\d+(?=/)", "PORT", text)
        text = re.sub(r" *\b\d+\.\d+ ms", " T ms", text)
        text = re.sub(r'"(\w+_ms|epoch_s)":[\d.]+', r'"\1":0', text)
        return text


class Noted(Gateway):
    """A gateway, and a state file of the test's own."""

    def __init__(self, program, *options):
        super().__init__(program, *options)
        self.program = program
        self.folder = tempfile.TemporaryDirectory()
        self.state = os.path.join(self.folder.name, "leases.json")
        self.ask = (*self.ask, "--state", self.state)

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        if hasattr(self, "folder"):  # not while it looks for addresses that are free
            self.folder.cleanup()

    def leases(self):
        with open(self.state, encoding="utf-8") as file:
            return json.load(file)["leases"]


class Halfway:
    """A gateway that tells its external address by NAT-PMP and answers nothing else."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(20):
            self.internal, _ = free_network()
            with contextlib.suppress(OSError):
                self.socket.bind((self.internal, 5351))
                break
        self.ask = ("-g", self.internal, "-b", CLIENT)
        self.asked = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.internal, 5351))
        self.thread.join(PATIENCE_S)
        self.socket.close()

    def _serve(self):
        while True:
            request, peer = self.socket.recvfrom(2048)
            if not request:
                return
            self.asked.set()
            if request == b"\0\0":  # RFC 6886 section 3.2
                self.socket.sendto(b"\0\x80\0\0" + b"\0\0\0\x05" + bytes((192, 0, 2, 1)), peer)


def catches(process, number):
    """Whether the process has a handler for the signal."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"SigCgt:\s+(\w+)", status.read()).group(1), 16) >> (number - 1) & 1


def signals_in(line):
    """The numbers in a line such as "SigIgn: 0000000000001000" of /proc/PID/status; without the two
    that the C library keeps to itself, which make leaves ignored in all that it starts."""
    mask = int(line.split()[1], 16)
    return [number for number in range(1, 65)
            if mask >> (number - 1) & 1 and number not in (32, 33)]


def wait_until(question, what):
    give_up = time.monotonic() + PATIENCE_S
    while not question():
        if time.monotonic() > give_up:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)

# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a case is made of, and what is checked of the programs in every one: that they end in time,
with the outcome that was foreseen, say nothing a terminal would obey, speak to nobody but the
gateway, and leave nothing behind."""

import dataclasses
import json
import os
import queue
import re
import resource
import signal
import subprocess
import threading
import time

import gateway as gateways

# What a busy machine may add to any deadline: less than the 10 s of a limit that is not heeded.
PATIENCE_S = 8.0
HANG_S = 60.0
# What is given to a verdict that --timeout is to bring or must not forestall. Whoever is not run
# for two seconds still gets there.
TIMEOUT_S = 3
PEAK_KIB_MAX = 8 * 1024
# Ten times what the worst case takes; a loop that spins takes all there is.
CPU_S_MAX = 0.5  # a hundred clients in one program; a loop would take all there is
CPU_S_MAX_SANITIZED = 1.0
METHODS = {"pcp": 2, "natpmp": 4, "upnp": 8, "pcp,natpmp,upnp": 14}  # PORTHOLE_USE_*
PORT = 8080
# The command's exit codes by the kind of failure.
EXIT_NO_GATEWAY, EXIT_REFUSED, EXIT_TIMEOUT, EXIT_FAILED = 3, 4, 5, 1
EXITS = {
    "no_gateway": EXIT_NO_GATEWAY, "port_closed": EXIT_NO_GATEWAY,
    "refused": EXIT_REFUSED, "not_authorized": EXIT_REFUSED, "no_resources": EXIT_REFUSED,
    "port_taken": EXIT_REFUSED, "unsupported": EXIT_REFUSED, "no_uplink": EXIT_REFUSED,
    "timeout": EXIT_TIMEOUT,
    "malformed": EXIT_FAILED, "truncated": EXIT_FAILED, "too_large": EXIT_FAILED,
    "untrusted": EXIT_FAILED,
}
REPORTS = re.compile(rb"Sanitizer|runtime error:|ssertion|stack smashing|corrupt")
# All that is ever printed is ASCII, so no byte of the C1 range or of UTF-8 has a place either.
RAW = re.compile(rb"[^\n\x20-\x7e]")


# ---- Cases ---------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Expect:
    """What is to come of asking for a mapping: mapped, or one of these errors."""
    errors: tuple = ()
    code: int = None  # the gateway's own; None = whatever it is
    text: str = None

    @property
    def exits(self):
        return {EXITS[error] for error in self.errors} or {0}


MAPPED = Expect()


def failed(*errors, code=None, text=None):
    return Expect(errors, code, text)


@dataclasses.dataclass
class Case:
    name: str
    act: object  # makes the gateway what it is
    flow: object  # what is run against it, and what must come of it
    within_s: float
    alone: bool = False  # nothing else may take processor time meanwhile


CASES = []


def add(name, method, act, expect, within_s, timeout_s=TIMEOUT_S, after=None, library=True):
    """A case of one mapping by one method, asked for by the command and by the library. `within_s`
    is when it must be over; `after(gateway)` checks what the gateway saw."""
    def once(bench, gateway):
        by_command(bench, gateway, method, expect, within_s, timeout_s)
        check(after, gateway)

    def threaded(bench, gateway):
        by_library(bench, gateway, method, expect, within_s, timeout_s)
        check(after, gateway)

    CASES.append(Case(f"{method}: {name}, to the command", act, once, within_s))
    if library:
        CASES.append(Case(f"{method}: {name}, to the library", act, threaded, within_s))


def case(name, act, within_s, alone=False):
    """A case with a flow of its own: a function of the bench and the gateway."""
    return lambda flow: CASES.append(Case(name, act, flow, within_s, alone)) or flow


def describes(name, make, expect, within_s=TIMEOUT_S, held=False, **more):
    """A case of UPnP in which `make(gateway)` is the answer to the request of the description: what
    is wrong with it is known at once, but other devices are waited for until --timeout. Where
    memory is the point, the command is held as well."""
    def act(gateway):
        gateway.description = lambda exchange: make(gateway)

    add(name, "upnp", act, expect, within_s, **more)
    if held:
        @case(f"upnp: {name}, to the command that holds", act, within_s)
        def hold(bench, gateway):
            by_held_command(bench, gateway, "upnp", expect, within_s)
            check(more.get("after"), gateway)


def check(after, gateway):
    if after:
        gateway.settle()
        after(gateway)


def require(truth, what):
    if not truth:
        raise AssertionError(what)


# ---- Programs ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Bench:
    command: str
    client: str
    sanitized: bool


class Program:
    """A program in a process group of its own. Its lines are awaited, its bytes kept as they
    are."""

    def __init__(self, *arguments):
        self.arguments, self.out, self.err = arguments, b"", b""
        self.lines = queue.Queue()
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, env={**os.environ, "PORTHOLE_STATE": "none"})
        self._readers = [threading.Thread(target=self._read_out, daemon=True),
                         threading.Thread(target=self._read_err, daemon=True)]
        self._killer = threading.Timer(HANG_S, self.process.kill)
        for thread in (*self._readers, self._killer):
            thread.start()

    def _read_out(self):
        for line in self.process.stdout:
            self.out += line
            self.lines.put(line)
        self.lines.put(None)

    def _read_err(self):
        self.err = self.process.stderr.read()

    def event(self, name):
        line = self.lines.get(timeout=HANG_S)
        if line is None:
            self.end()
            raise AssertionError(f"it ended before {name}: {self.told()}")
        event = json.loads(line)
        require(event["event"] == name, f"{name} was expected: {line}")
        return event

    def signal(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def clock(self):
        """Seconds since it was started."""
        return time.monotonic() - self.start

    def peak_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))

    def end(self):
        """Waits for its end."""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.elapsed_s = self.clock()
        self.process.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self._killer.cancel()
        for thread in self._readers:
            thread.join(HANG_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return self

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            self.end()

    def told(self):
        tail = self.err[-2000:].decode("utf-8", "backslashreplace")
        return f"exit code {self.code} after {self.elapsed_s:.2f} s\n{self.out}\n{tail}"


def judge(bench, gateway, program, within_s):
    """What holds for every program in every case, once it has ended."""
    told = program.told()
    require(not REPORTS.search(program.err), f"a report: {told}")
    require(program.elapsed_s <= within_s + PATIENCE_S, f"not within {within_s} s: {told}")
    require(program.code >= 0, f"it was killed: {told}")
    for stream, content in (("stdout", program.out), ("stderr", program.err)):
        raw = RAW.search(content)
        require(not raw, f"byte {raw and raw.group()} in {stream}: {told}")
    limit = CPU_S_MAX_SANITIZED if bench.sanitized else CPU_S_MAX
    require(program.cpu_s <= limit, f"{program.cpu_s:.2f} s of processor time: {told}")
    require(gateway.asked, f"the gateway was not asked: {told}")
    require(not is_left(program.process.pid), f"a process is left: {told}")


def is_left(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# ---- Flows ---------------------------------------------------------------------------------------


def command_line(bench, gateway, method, *more, timeout_s=TIMEOUT_S):
    return (bench.command, "map", "-g", gateway.name, "-b", gateway.client, "-p", method,
            "--timeout", str(timeout_s), *more, str(PORT))


def compare(event, expect, told):
    require(event["event"] == ("failed" if expect.errors else "mapped"), told)
    if expect.errors:
        require(event["error"] in expect.errors, f"one of {expect.errors} was expected: {told}")
    if expect.code is not None:
        require(event["code"] == expect.code, f"code {expect.code} was expected: {told}")
    if expect.text is not None:
        require(event["text"] == expect.text, f"text {expect.text} was expected: {told}")


def by_command(bench, gateway, method, expect, within_s, timeout_s):
    """`porthole map --once --json`: one event, and the exit code that goes with it."""
    program = Program(*command_line(bench, gateway, method, "--once", "--json", "-vv",
                                    timeout_s=timeout_s)).end()
    judge(bench, gateway, program, within_s)
    event, *more = [json.loads(line) for line in program.out.splitlines()]
    # A gateway that contradicts itself at once may change a mapping before the command has ended.
    require(all(one["event"] == "changed" for one in more) and not (more and expect.errors),
            f"more than a result: {program.told()}")
    compare(event, expect, program.told())
    error = event.get("error")
    require(program.code == (EXITS[error] if error else 0), program.told())
    return event


def by_library(bench, gateway, method, expect, within_s, timeout_s, clients=1):
    """A program with a thread of the library's; several clients in one process if asked for."""
    program = Program(bench.client, gateway.name, gateway.client, str(METHODS[method]),
                      str(timeout_s * 1000), str(clients)).end()
    judge(bench, gateway, program, within_s)
    require(program.code == 0, program.told())
    *events, closed = [json.loads(line) for line in program.out.splitlines()]
    require(len(events) == clients, program.told())
    for event in events:
        compare(event, expect, program.told())
    left = {what: closed[what] for what in ("fds", "threads", "unended")}
    require(not any(left.values()), f"left behind: {left}: {program.told()}")
    if not bench.sanitized and clients == 1:
        require(0 < closed["peak_kib"] < PEAK_KIB_MAX, f"{closed['peak_kib']} KiB")


def by_held_command(bench, gateway, method, expect, within_s, timeout_s=TIMEOUT_S):
    """`porthole map` without --once, so that its memory can be looked at when the result is there;
    then it is interrupted."""
    program = Program(*command_line(bench, gateway, method, "--json", timeout_s=timeout_s))
    try:
        event = program.event("failed" if expect.errors else "mapped")
        peak_kib = program.peak_kib()
        program.signal()
        program.end()
    finally:
        program.kill()
    judge(bench, gateway, program, within_s)
    compare(event, expect, program.told())
    require(program.code == 0, program.told())
    require(bench.sanitized or peak_kib < PEAK_KIB_MAX, f"{peak_kib} KiB")


def limit_own_files():
    """Floods from many addresses and many cases at a time need many descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def play(one, bench):
    """Raises when the case fails."""
    with gateways.Gateway() as gateway:
        one.act(gateway)
        one.flow(bench, gateway)
        touched = gateway.contacts()
    require(not touched, f"contacts that must not be: {touched}")
    require(not gateway.faults, f"the case itself: {gateway.faults}")

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The line that tells of a long wait: on a terminal, from the first second on, and gone at the end.
The gateway is silent until the line has been seen."""

import os
import pty
import re
import select
import socket
import subprocess
import threading
import time

from harness import CLIENT, PATIENCE_S, environment, equal, free_network, run, test

PROGRESS = re.compile(r"\rasking the gateway, (\d+) s")
ADVICE = "`porthole doctor` tells why, and what to change.\r\n"
ERASE = "\r\x1b[J"


class Silent:
    """A gateway that answers NAT-PMP from when it is told to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self.internal, self.external = free_network()
            try:
                self.socket.bind((self.internal, 5351))
                break
            except OSError:
                continue
        self.ask = ("-g", self.internal, "-b", CLIENT, "-p", "natpmp", "--timeout", "60")
        self.may_answer, self.ends = threading.Event(), False
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.internal, 5351))
        self.thread.join(PATIENCE_S)
        self.socket.close()

    def _serve(self):
        while not self.ends:
            request, peer = self.socket.recvfrom(2048)
            if not self.may_answer.is_set():
                continue
            if request == b"\0\0":  # RFC 6886 section 3.2
                self.socket.sendto(b"\0\x80\0\0" + b"\0\0\0\x05" + bytes((192, 0, 2, 1)), peer)
            elif len(request) == 12:  # section 3.3; the lifetime of a removal is 0
                code = bytes((0, 0x80 + request[1], 0, 0)) + b"\0\0\0\x05"
                self.socket.sendto(code + request[4:6] + request[6:12], peer)


class Watched:
    """The program with its standard error, and if `on_terminal` its output, on a terminal."""

    def __init__(self, program, *arguments, on_terminal=False, **env):
        self.master, slave = pty.openpty()
        self.error = ""
        self.process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.DEVNULL, stderr=slave,
            stdout=slave if on_terminal else subprocess.PIPE, env=environment(**env))
        os.close(slave)

    def read(self, until=None):
        """Reads on until this has come, or to the end."""
        give_up = time.monotonic() + PATIENCE_S
        while not (until and until.search(self.error)):
            assert time.monotonic() < give_up, f"no end: {self.error!r}"
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                self.error += os.read(self.master, 4096).decode("ascii")
            except OSError:
                assert not until, f"ended before it came: {self.error!r}"
                return

    def end(self, code):
        out = self.process.stdout.read().decode() if self.process.stdout else ""
        self.read()
        equal(self.process.wait(PATIENCE_S), code, f"exit code after {out}{self.error!r}")
        os.close(self.master)
        return out


COMMANDS = {
    ("probe",): "NAT-PMP   yes",
    ("address",): "192.0.2.1\n",
    ("map", "--once", "8080"): "tcp 8080 is open: 192.0.2.1:8080",
    ("run", "8080", "--", "echo", "{address}"): "192.0.2.1\n",
    ("unmap", "--foreign", "8080"): "tcp 8080",
}


@test
def a_long_wait_is_told_on_a_terminal_and_no_trace_stays(program):
    for words, wanted in COMMANDS.items():
        with Silent() as gateway:
            watched = Watched(program, words[0], *gateway.ask, *words[1:])
            watched.read(PROGRESS)
            gateway.may_answer.set()
            out = watched.end(0)
            assert wanted in out, f"{words}: {out}"
            error = watched.error
            at = error.index(ERASE)
            equal(PROGRESS.sub("", error[:at]), "", f"{words}: before it is erased")
            equal(PROGRESS.findall(error[at:]), [], f"{words}: after it is erased")


@test
def a_long_wait_for_the_list_is_told(program):
    with Silent() as gateway:
        watched = Watched(program, "list", *gateway.ask[:4], "-p", "upnp", "--state", "none")
        watched.read(PROGRESS)
        watched.end(3)
        assert watched.error.index(ERASE) < watched.error.index("no gateway answered"), \
            repr(watched.error)


@test
def progress_is_gone_before_a_result(program):
    with Silent() as gateway:
        watched = Watched(program, "probe", *gateway.ask, on_terminal=True)
        watched.read(PROGRESS)
        gateway.may_answer.set()
        watched.end(0)
        assert watched.error.index(ERASE) < watched.error.index("Gateway "), repr(watched.error)


@test
def an_error_after_progress_has_a_line_of_its_own(program):
    with Silent() as gateway:
        watched = Watched(program, "address", *gateway.ask)
        watched.end(3)
        assert re.search(re.escape(ERASE) + "porthole address: [^\r\n]+\r\n" + ADVICE + "$",
                         watched.error), repr(watched.error)


@test
def no_progress_where_nobody_looks(program):
    """In these the wait is over when nothing has answered for 3 s."""
    with Silent() as gateway:
        equal(run(program, "probe", *gateway.ask).expect(3).err, "", "no terminal")
        for words, env in ((("--json",), {}), ((), {"TERM": "dumb"})):
            watched = Watched(program, "probe", *gateway.ask, *words, **env)
            watched.end(3)
            equal(watched.error, "" if words else ADVICE, f"with {words} {env}")


@test
def who_fails_on_a_terminal_is_told_where_to_look(program):
    """Whoever is not on one gets no such line: its standard error may be a script's."""
    with Silent() as gateway:  # closed ports answer at once that nobody is there
        where = ("-g", gateway.external, "-b", CLIENT)
        for words in (("probe",), ("address",), ("map", "--once", "8080"),
                      ("run", "8080", "--", "true"), ("unmap", "--foreign", "8080")):
            arguments = (words[0], *where, *words[1:])
            watched = Watched(program, *arguments)
            watched.end(3)
            assert watched.error.endswith(ADVICE), repr(watched.error)
            result = run(program, *arguments).expect(3)
            assert "doctor" not in result.out + result.err, result.out + result.err

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The live view, on a pseudo-terminal with a small terminal behind it: one line a mapping at every
width, changed in place, and plain lines where there can be none."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading

from chooser import NO_ROOM, Chooser
from harness import CLIENT, PATIENCE_S, Gateway, Halfway, environment, equal, test, wait_until

VIEW = re.compile("(tcp|udp) \\d+ +(asking|open|lost|failed|closed|left) ")
COLOURS = {"32": "green", "33": "yellow", "31": "red", "0": ""}


class Screen:
    """The terminal: characters, newlines, cursor up, erase below, colours. Whatever else comes is
    an error, and so is a line of the view that is as wide as it."""

    def __init__(self, columns):
        self.columns = columns
        self.lines, self.row, self.column = [""], 0, 0
        self.colours, self.wrong, self.rest = set(), [], ""

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        while text:
            sequence = re.match("\x1b\\[(\\d*)([A-Za-z])", text)
            if sequence:
                self._control(*sequence.groups())
                text = text[sequence.end():]
            elif text[0] == "\x1b" and len(text) < 8:
                self.rest = text
                return
            else:
                self._character(text[0])
                text = text[1:]

    def _control(self, number, letter):
        if letter == "A" and int(number) <= self.row:
            self.row -= int(number)
        elif letter == "J":
            self.lines = self.lines[:self.row] + [self.lines[self.row][:self.column]]
        elif letter == "m" and number in COLOURS:
            self.colours.add(COLOURS[number])
        else:
            self.wrong.append(f"CSI {number} {letter}")

    def _character(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))
        elif character < " ":
            self.wrong.append(repr(character))
        else:
            line = self.lines[self.row]
            self.lines[self.row] = (line[:self.column].ljust(self.column) + character +
                                    line[self.column + 1:])
            self.column += 1
            if self.column == self.columns and VIEW.match(self.lines[self.row]):
                self.wrong.append(f"{self.columns} columns: {self.lines[self.row]}")

    def reflow(self, columns):
        """What most terminals do that become narrower: what was one row becomes several."""
        lines = []
        for row, line in enumerate(self.lines):
            if row == self.row:
                self.row = len(lines)
            lines += [line[at:at + columns] for at in range(0, max(1, len(line)), columns)]
        self.lines = lines

    def text(self):
        return [line.rstrip() for line in self.lines if line.strip()]


class Terminal:
    """The program on a pseudo-terminal of this size."""

    def __init__(self, program, *arguments, columns=80, rows=24, env=None, stderr=None):
        self.screen, self.lock = Screen(columns), threading.Lock()
        self.raw = ""
        self.master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.process = subprocess.Popen([program, *arguments], stdin=slave, stdout=slave,
                                        stderr=stderr or slave, env=env or environment())
        self.stop, self.stopped = os.pipe()
        os.close(slave)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        while True:
            ready = select.select([self.master, self.stop], [], [])[0]
            if self.stop in ready and self.master not in ready:
                return
            try:
                text = os.read(self.master, 65536).decode("ascii")
            except OSError:
                return
            with self.lock:
                self.raw += text
                self.screen.feed(text)

    def resize(self, columns, rows, question, what):
        """What is on its way has the old width still."""
        with self.lock:
            self.screen.columns = max(columns, self.screen.columns)
            self.screen.reflow(columns)
            self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)
        self.wait(question, what)
        with self.lock:
            self.screen.columns = columns

    def text(self):
        with self.lock:
            return self.screen.text()

    def wait(self, question, what):
        def is_so():
            assert self.process.poll() is None or question(self.text()), self.text()
            return question(self.text())
        try:
            wait_until(is_so, what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.text()}") from None

    def end(self, code=0, number=signal.SIGINT):
        if number:
            self.process.send_signal(number)
        equal(self.process.wait(PATIENCE_S), code, f"exit code after {self.text()}")
        self.thread.join(PATIENCE_S)
        equal(self.screen.wrong, [], "what no terminal should be given")
        return self.text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.write(self.stopped, b"x")
        self.thread.join(PATIENCE_S)
        for fd in (self.master, self.stop, self.stopped):
            os.close(fd)


def held(lines):
    return lines[-1:] == ["Held until Ctrl-C."]


@test
def a_line_a_mapping_at_every_width(program):
    rest = {40: "  PCP", 80: "  PCP by GATEWAY  T",
            200: "  PCP by GATEWAY  lease ends in T, renewed before"}
    for columns, words in rest.items():
        with Gateway(program, "--report-address", "203.0.112.9") as gateway:
            with Terminal(program, "map", *gateway.ask, "-p", "pcp", "8080", "51820/udp", "-t",
                          "600", columns=columns) as terminal:
                terminal.wait(held, "the ports")
                rows = [re.sub(r"\b\d+ (min|s)\b", "T", gateway.mask(line))
                        for line in terminal.text()]
                equal(rows, [f"tcp 8080  open   203.0.112.9:8080{words}",
                             f"udp 51820 open   203.0.112.9:51820{words}",
                             "Held until Ctrl-C."], f"at {columns} columns")
                equal(terminal.end(), ["tcp 8080  closed", "udp 51820 closed"], "the end")


@test
def lines_are_changed_in_place(program):
    numbers = {"port": 50000}
    with Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        with Terminal(program, "map", *gateway.ask, "8080", "8081") as terminal:
            terminal.wait(held, "the ports")
            for number in range(50001, 50020):
                numbers["port"] = number
                terminal.process.send_signal(signal.SIGUSR1)
                terminal.wait(lambda lines, number=number: sum(
                    f"open   192.0.2.1:{number} " in line for line in lines) == 2, "the change")
            rows = [line for line in terminal.text() if VIEW.match(line)]
            equal(len(rows), 2, "\n".join(terminal.text()))
            terminal.end()


@test
def a_long_wait_shows_progress(program):
    for once in ((), ("--once",)):
        with Halfway() as gateway:
            with Terminal(program, "map", *gateway.ask, "-p", "natpmp", *once, "--timeout", "60",
                          "8080") as terminal:
                for seconds in ("1 s", "2 s"):
                    terminal.wait(lambda lines, seconds=seconds: any(
                        "asking" in line and line.endswith(seconds) for line in lines), "progress")
                equal(len(terminal.text()), 1, "\n".join(terminal.text()))
                terminal.process.send_signal(signal.SIGINT)
                terminal.end(1, None)  # interrupted, or not confirmed
                assert not any("asking" in line for line in terminal.text()), terminal.text()


@test
def a_failure_is_seen_in_its_line(program):
    with Chooser(lambda protocol, wished: -NO_ROOM if wished == 8081 else wished) as gateway:
        for columns, words in ((40, "the gateway has no ..."),
                               (120, "the gateway has no room for it: ")):
            with Terminal(program, "map", *gateway.ask, "8080", "8081", "--state", "none",
                          columns=columns) as terminal:
                terminal.wait(lambda lines: any("failed" in line for line in lines) and
                              held(lines), "the failure")
                (row,) = [line for line in terminal.text() if line.startswith("tcp 8081")]
                assert row.startswith(f"tcp 8081  failed {words}"), row
                terminal.end()
                assert {"red", "green"} <= terminal.screen.colours, terminal.screen.colours


@test
def colour_is_for_terminals_that_want_it(program):
    with Gateway(program) as gateway:
        for env, coloured in ((environment(), True), (environment(NO_COLOR="1"), False),
                              (environment(NO_COLOR=""), True)):
            with Terminal(program, "map", *gateway.ask, "8080", env=env) as terminal:
                terminal.wait(held, "the port")
                terminal.end()
                equal("green" in terminal.screen.colours, coloured, "the colour")


@test
def plain_lines_where_no_view_can_be(program):
    ports = [str(port) for port in range(8000, 8010)]
    with Gateway(program) as gateway:
        for arguments, options, count in ((("8000",), {"env": environment(TERM="dumb")}, 1),
                                          (("8000",), {"env": environment(TERM="")}, 1),
                                          (("8000", "--exec", "true"), {}, 1),
                                          (ports, {"rows": 11}, 10)):
            with Terminal(program, "map", *gateway.ask, *arguments, columns=200,
                          **options) as terminal:
                terminal.wait(lambda lines: "Held until Ctrl-C." in lines, "the ports")
                assert "\x1b" not in terminal.raw, repr(terminal.raw)
                lines = [line for line in terminal.text() if f"-> {CLIENT}:" in line]
                equal((len(lines), all(" is open: " in line for line in lines)), (count, True))
                terminal.process.send_signal(signal.SIGINT)
                terminal.process.wait(PATIENCE_S)
                assert "\x1b" not in terminal.raw, repr(terminal.raw)
        with Terminal(program, "map", *gateway.ask, *ports, rows=12) as terminal:
            terminal.wait(held, "the ports")
            assert "\x1b[" in terminal.raw, "there is room"
            terminal.end()


@test
def json_on_a_terminal_is_plain(program):
    with Gateway(program) as gateway:
        with Terminal(program, "map", *gateway.ask, "--json", "8080", columns=500) as terminal:
            terminal.wait(lambda lines: any('"mapped"' in line for line in lines), "the port")
            terminal.end()
            assert "\x1b" not in terminal.raw, repr(terminal.raw)


@test
def other_lines_are_printed_above_the_view(program):
    with Gateway(program) as gateway:
        with Terminal(program, "map", *gateway.ask, "-p", "pcp", "8080", columns=100) as terminal:
            terminal.wait(held, "the port")
            for count in (1, 2, 3):
                terminal.process.send_signal(signal.SIGUSR1)
                terminal.wait(lambda lines, count=count: held(lines) and sum(
                    line.startswith("tcp 8080 is open: ") for line in lines) == count, "the status")
            lines = [line[:18].rstrip() for line in terminal.text()]
            equal([line for line in lines if "note" not in line and line.startswith("tcp")],
                  ["tcp 8080 is open:"] * 3 + ["tcp 8080  open   1"], "the lines")
            terminal.end()


@test
def size_may_change(program):
    ports = ("8080", "51820/udp", "9000")

    def is_view(lines, ending):
        """All of it, once, and nothing of what was there before."""
        rows = [line for line in lines if line[:3] in ("tcp", "udp")]
        return held(lines) and [row[:4] for row in rows] == ["tcp ", "udp ", "tcp "] and \
            rows == lines[-4:-1] and rows[0].endswith(ending)

    with Gateway(program) as gateway:
        with Terminal(program, "map", *gateway.ask, "-p", "pcp", *ports, columns=200) as terminal:
            terminal.wait(lambda lines: is_view(lines, "renewed before"), "the ports")
            for columns, ending in ((80, " min"), (40, "PCP"), (200, "renewed before"),
                                    (40, "PCP"), (30, "..."), (80, " min")):
                terminal.resize(columns, 24, lambda lines, ending=ending: is_view(lines, ending),
                                f"{columns} columns")
            terminal.resize(80, 4, lambda lines: not held(lines), "the end of the view")
            terminal.process.send_signal(signal.SIGUSR1)
            terminal.wait(lambda lines: any(" is open: " in line for line in lines), "plain lines")
            terminal.resize(80, 24, held, "the view again")
            terminal.end()

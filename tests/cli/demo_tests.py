# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole demo`: the whole story, in the wanted form, and nothing left behind."""

import contextlib
import fcntl
import json
import os
import pty
import subprocess

from harness import PATIENCE_S, Gateway, environment, equal, run, test

DEMO_S_MAX = 20  # of a busy machine
DEEDS = ("a stranger outside knocks at ", "we ask the gateway to open it ",
         'a stranger outside says "Is anybody in?"', 'we answer "Come in, by ',
         "we give the port back ", "the stranger knocks again ")


@test
def demo_is_a_story(program):
    result = run(program, "demo", timeout=DEMO_S_MAX).expect(0)
    equal(result.err, "", "standard error")
    lines = [line.strip() for line in result.out.splitlines()]
    for deed in DEEDS:
        equal(sum(line.startswith(deed) for line in lines), 6, f"how often: {deed}")
    equal([line[:2] for line in lines if line[1:2] == "."], ["1.", "2.", "3."], "the chapters")
    assert "All as promised: six ports" in result.out, result.out
    assert "\x1b" not in result.out, "colours without a terminal"


@test
def demo_as_json(program):
    result = run(program, "demo", "--json", timeout=DEMO_S_MAX).expect(0)
    ports = [json.loads(line) for line in result.out.splitlines()]
    equal([(port["via"], port["protocol"]) for port in ports],
          [(via, protocol) for via in ("pcp", "natpmp", "upnp") for protocol in ("tcp", "udp")])
    for port in ports:
        assert port["external"]["address"].startswith("127.77."), port


def on_terminal(program, **variables):
    """What the demo writes to a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([program, "demo"], stdout=slave, stderr=slave,
                               env=environment(**variables))
    os.close(slave)
    out = b""
    while True:
        try:
            out += os.read(master, 4096)
        except OSError:  # the last one has closed it
            break
    os.close(master)
    equal(process.wait(PATIENCE_S), 0, "the exit code")
    return out


@test
def demo_has_colours_on_a_terminal_only(program):
    assert b"\x1b[" in on_terminal(program), "no colours"
    assert b"\x1b[" not in on_terminal(program, NO_COLOR="1"), "colours with NO_COLOR"
    assert b"\x1b[" not in on_terminal(program, TERM="dumb"), "colours on a dumb terminal"
    assert b"\x1b[" in on_terminal(program, NO_COLOR=""), "an empty NO_COLOR is none"


@test
def demo_takes_other_addresses_when_some_are_taken(program):
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(AssertionError):  # then somebody else has them
            stack.enter_context(Gateway(program, "--address", "127.77.0.1"))
        out = run(program, "demo", timeout=DEMO_S_MAX).expect(0).out
        assert "127.77.0.1" not in out, out


@test
def a_killed_demo_takes_its_gateway_along(program):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    # Story and log fill the pipe, and the demo waits for a reader.
    process = subprocess.Popen([program, "demo", "-vv"], stdout=writing, stderr=writing)
    os.close(writing)
    try:
        process.wait(0.5)
        raise AssertionError("the story is too short to be stopped in its middle")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE_S)
    with open(reading, "rb", buffering=0) as pipe:
        while pipe.read(4096):  # the end comes when the gateway, which has the pipe too, is gone
            pass

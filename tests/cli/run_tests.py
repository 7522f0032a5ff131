# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole run`: what the command is told and given, which exit code comes back, where signals go,
and that the ports last as long as the command."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

from chooser import NO_ROOM, TCP, Chooser
from harness import (CLIENT, PATIENCE_S, Gateway, Halfway, Held, environment, equal, free_network,
                     run, signals_in, test, wait_until)
from hook_tests import Folder, logging

SHELL = ("sh", "-c")


def run_script(program, gateway, script, *arguments, **options):
    return run(program, "run", *gateway.ask, *arguments, "--", *SHELL, script, **options)


@test
def command_is_told_where_it_is(program):
    with Gateway(program) as gateway:
        script = ('echo "$1 $2 $PORTHOLE_EXTERNAL_ADDRESS $PORTHOLE_EXTERNAL_PORT '
                  '$PORTHOLE_EXTERNAL_ADDRESS_UDP_8080 $PORTHOLE_EXTERNAL_PORT_UDP_8080 '
                  '$PORTHOLE_EXTERNAL_PORT_TCP_9090"')
        result = run(program, "run", *gateway.ask, "8080/udp", "9090", "--", *SHELL, script,
                     "{port}", "http://{address}:{port}/{port", "a{port}b{port}c").expect(0)
        equal(gateway.mask(result.out), "http://EXTERNAL:8080/{port a8080b8080c EXTERNAL 8080 "
                                        "EXTERNAL 8080 9090\n")
        equal(result.err, "", "standard error")
        equal(gateway.log(), ["opened udp 8080 8080", "opened tcp 9090 9090",
                              "closed udp 8080 8080 removed", "closed tcp 9090 9090 removed"])


@test
def command_options_are_its_own(program):
    with Gateway(program) as gateway:
        result = run(program, "run", *gateway.ask, "8080", "--", "printf", "%s\n", "-e", "--",
                     "--help").expect(0)
        equal(result.out, "-e\n--\n--help\n")


@test
def exit_code_is_the_commands(program):
    with Gateway(program) as gateway:
        for script, code in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255),
                             ("kill -TERM $$", 128 + signal.SIGTERM),
                             ("kill -KILL $$", 128 + signal.SIGKILL)):
            equal(run_script(program, gateway, script, "8080").expect(code).err, "", script)


@test
def command_that_cannot_be_run(program):
    with Folder() as folder, Gateway(program) as gateway:
        with open(folder.path("file"), "w", encoding="ascii"):
            pass
        for name, code, why in (("/no/such/program", 127, "No such file or directory"),
                                ("no-such-program", 127, "No such file or directory"),
                                (folder.path("file"), 126, "Permission denied")):
            result = run(program, "run", *gateway.ask, "8080", "--", name).expect(code)
            assert result.err.endswith(f": {why}\n") and result.err.count("\n") == 1, result.err
        equal(gateway.log()[-1], "closed tcp 8080 8080 removed", "the port")


@test
def port_that_does_not_open_is_the_exit_code(program):
    inside, _ = free_network()
    with Folder() as folder:
        touch = ("touch", folder.path("started"))
        result = run(program, "run", "-g", inside, "-b", CLIENT, "-p", "pcp", "8080", "--", *touch)
        result.expect(3)
        assert result.err.startswith("porthole: tcp 8080 is not open: "), result.err
        with Chooser(lambda protocol, wished: -NO_ROOM) as gateway:
            run(program, "run", *gateway.ask, "8080", "--", *touch).expect(4)
        with Halfway() as gateway:
            run(program, "run", *gateway.ask, "-p", "natpmp", "--timeout", "2", "8080", "--",
                *touch).expect(5)
        equal(os.listdir(folder.name), [], "it was started")
        with Chooser(lambda protocol, wished: -NO_ROOM) as gateway:
            script = "echo \"<$1$PORTHOLE_EXTERNAL_PORT>\"; exit 6"
            result = run(program, "run", *gateway.ask, "--keep-going", "8080", "--", *SHELL, script,
                         "sh", "{port}{address}").expect(6)
            equal(result.out, "<>\n")


@test
def one_of_several_does_not_open(program):
    with Chooser(lambda protocol, wished: -NO_ROOM if wished == 8081 else wished) as gateway:
        run_script(program, gateway, "exit 0", "8080", "8081").expect(4)
        equal(gateway.open, {}, "what is open")
        script = "echo $PORTHOLE_EXTERNAL_PORT $PORTHOLE_EXTERNAL_PORT_TCP_8081"
        result = run_script(program, gateway, script, "--keep-going", "8080", "8081").expect(0)
        equal(result.out, "8080\n")
        equal(gateway.open, {}, "what is open")


@test
def signals_are_forwarded(program):
    traps = "; ".join(f"trap 'echo {name}' {name}" for name in ("HUP", "USR1", "USR2", "QUIT"))
    script = f"{traps}; trap 'echo TERM; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    with Gateway(program) as gateway:
        with Held(program, "run", *gateway.ask, "8080", "--", *SHELL, script) as held:
            equal(held.line(), "ready\n")
            for name in ("HUP", "USR1", "USR2", "USR1", "QUIT"):
                held.send(getattr(signal, f"SIG{name}"))
                equal(held.line(), f"{name}\n")
            held.end(9, signal.SIGTERM)
            equal((held.out.splitlines()[-1], held.err), ("TERM", ""))
        equal(gateway.log()[-1], "closed tcp 8080 8080 removed", "the port")
    with Gateway(program) as gateway:
        with Held(program, "run", *gateway.ask, "8080", "--", "sh", "-c",
                  "echo ready; exec sleep 1000") as held:
            equal(held.line(), "ready\n")
            held.end(128 + signal.SIGINT, signal.SIGINT)


@test
def interrupted_before_the_command(program):
    with Folder() as folder, Halfway() as gateway:
        with Held(program, "run", *gateway.ask, "-p", "natpmp", "8080", "--", "touch",
                  folder.path()) as held:
            assert gateway.asked.wait(PATIENCE_S), "it asks nothing"
            held.end(128 + signal.SIGINT)
            equal((held.out, held.err.splitlines()[0]), ("", "porthole run: interrupted"))
        equal(os.listdir(folder.name), [], "it was started")


@test
def descriptors_are_the_commands(program):
    with Gateway(program) as gateway:
        result = run(program, "run", *gateway.ask, "8080", "--", "cat", stdin=None,
                     input="as it is\n").expect(0)
        equal((result.out, result.err), ("as it is\n", ""))
        result = run_script(program, gateway, "ls /proc/self/fd", "8080").expect(0)
        equal(result.out.split(), ["0", "1", "2", "3"], "descriptors")  # 3: the folder itself
        result = run_script(program, gateway, "grep -E 'Sig(Blk|Ign)' /proc/self/status", "8080")
        for line in result.expect(0).out.splitlines():
            equal(signals_in(line), [], line)


@test
def port_is_held_and_its_changes_are_told(program):
    numbers = {"port": 50000}
    with Folder() as folder, Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        hook = logging(folder, "EVENT", "EXTERNAL_PORT")
        with Held(program, "run", *gateway.ask, "--refresh", "4", "--exec", hook, "--file",
                  folder.path("file"), "8080", "--", *SHELL,
                  "echo $PORTHOLE_EXTERNAL_PORT; read end", stdin=subprocess.PIPE) as held:
            equal(held.line(), "50000\n")
            numbers["port"] = 50001  # at the next renewal
            wait_until(lambda: "changed 50001" in folder.text(), "the hook")
            equal(folder.text("file"), "tcp 8080 192.0.2.1 50001\n", "the file")
            equal(gateway.open, {(TCP, 8080): 50001}, "what is open")
            held.process.stdin.close()
            held.end(1, None)  # read's
            equal(held.out, "50000\n")
            assert held.err.startswith("tcp 8080 has changed: 192.0.2.1:50001"), held.err
        equal(folder.text().splitlines(),
              ["mapped 50000", "changed 50001", "unmapped 50001"], "the hooks")
        equal(sorted(os.listdir(folder.name)), ["log"], "the file is gone")
        equal(gateway.open, {}, "what is open")


@test
def both_are_one_number_for_the_command(program):
    with Chooser(lambda protocol, wished: 50001 if protocol == TCP else wished) as gateway:
        script = "echo $1 $PORTHOLE_EXTERNAL_PORT_TCP_8080 $PORTHOLE_EXTERNAL_PORT_UDP_8080"
        result = run(program, "run", *gateway.ask, "8080/both", "--", *SHELL, script, "sh",
                     "{port}").expect(0)
        equal((result.out, result.err), ("50001 50001 50001\n", ""))


TERMINAL = """
import json, os, signal, sys
print(json.dumps([os.isatty(0), os.isatty(1), os.isatty(2),
                  os.tcgetpgrp(0) == os.getpgid(0)]), flush=True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready", flush=True)
signal.sigwait([signal.SIGINT])
print("interrupted", flush=True)
for line in sys.stdin:
    print("read", line.strip(), signal.SIGINT in signal.sigpending(), flush=True)
sys.exit(5)
"""


@test
def terminal_is_the_commands(program):
    """It reads and writes it, and a Ctrl-C reaches it once."""
    with Gateway(program) as gateway:
        master, slave = pty.openpty()
        process = subprocess.Popen(["setsid", "--ctty", program, "run", *gateway.ask, "8080", "--",
                                    sys.executable, "-c", TERMINAL], stdin=slave, stdout=slave,
                                   stderr=slave, env=environment())
        os.close(slave)
        out = b""

        def await_text(text):
            nonlocal out
            while text not in out:
                assert select.select([master], [], [], PATIENCE_S)[0], f"{text} is not in {out}"
                out += os.read(master, 4096)
        await_text(b"ready\r\n")
        equal(json.loads(out.split(b"\r\n")[0]), [True] * 4, "the terminal")
        os.write(master, b"\x03")
        await_text(b"interrupted\r\n")
        os.write(master, b"words\n")
        await_text(b"read words False\r\n")  # not once more
        os.write(master, b"\x04")
        equal(process.wait(PATIENCE_S), 5, "the exit code")
        os.close(master)
        equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"])


@test
def gateway_that_went_silent_does_not_change_the_exit_code(program):
    with Gateway(program) as gateway:
        with Held(program, "run", *gateway.ask, "8080", "--", *SHELL,
                  "echo ready; read end; exit 4", stdin=subprocess.PIPE) as held:
            held.line()
            gateway.send(signal.SIGSTOP)
            start = time.monotonic()
            held.process.stdin.close()
            held.end(4, None)
            assert time.monotonic() - start > 2.5, "it does not wait for the gateway"
            assert "did not confirm" in held.err, held.err
        gateway.send(signal.SIGCONT)

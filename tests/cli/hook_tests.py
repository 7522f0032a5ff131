# SPDX-License-Identifier: MIT OR Apache-2.0
"""--exec and --file: what a hook is told and what it is given, that none overlaps and the newest is
told last, that no hook can harm its porthole, and that a reader of the file sees it whole."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import tempfile

from chooser import REFUSED, Chooser
from harness import CLIENT, Gateway, Held, environment, equal, run, signals_in, test, wait_until

FACTS = ("EVENT", "PROTOCOL", "INTERNAL_ADDRESS", "INTERNAL_PORT", "EXTERNAL_ADDRESS",
         "EXTERNAL_PORT", "REACH", "METHOD", "GATEWAY", "LIFETIME", "ERROR", "CODE", "TEXT", "FATE")


class Folder(tempfile.TemporaryDirectory):
    """A place for what hooks write."""

    def path(self, name="log"):
        return os.path.join(self.name, name)

    def text(self, name="log"):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def __enter__(self):
        return self


def logging(folder, *names):
    """A hook that notes these facts, one line an event."""
    words = " ".join(f"$PORTHOLE_{name}" for name in names)
    return f'echo "{words}" >> {shlex.quote(folder.path())}'


@test
def hook_is_told_the_facts(program):
    with Folder() as folder, Gateway(program) as gateway:
        hook = "; ".join(f'echo "{name}=$PORTHOLE_{name}"' for name in FACTS)
        arguments = ("--exec", f"{{ {hook}; echo; }} >> {folder.path()}", "8080", "-e", "50123")
        with Held(program, "map", *gateway.ask, "-p", "pcp", *arguments) as held:
            wait_until(lambda: folder.text().endswith("\n\n"), "the hook")
            held.end(0)
            equal(held.err, "", "standard error")
        told = [dict(line.split("=", 1) for line in event.splitlines())
                for event in folder.text().strip().split("\n\n")]
        mapped = {"EVENT": "mapped", "PROTOCOL": "tcp", "INTERNAL_ADDRESS": CLIENT,
                  "INTERNAL_PORT": "8080", "EXTERNAL_ADDRESS": gateway.external,
                  "EXTERNAL_PORT": "50123", "REACH": "loopback", "METHOD": "pcp",
                  "GATEWAY": gateway.internal, "LIFETIME": "7200", "ERROR": "", "CODE": "",
                  "TEXT": "", "FATE": ""}
        equal(told, [mapped, {**mapped, "EVENT": "unmapped", "FATE": "removed"}], "the facts")


@test
def hook_is_told_why(program):
    with Folder() as folder, Chooser(lambda protocol, wished: -REFUSED) as gateway:
        hook = logging(folder, "EVENT", "EXTERNAL_PORT", "ERROR", "CODE", "TEXT")
        run(program, "map", *gateway.ask, "--once", "--exec", hook, "8080").expect(4)
        words = folder.text().split()
        equal(words[:3], ["failed", "not_authorized", "2"], folder.text())
        assert len(words) > 3, "no text"


@test
def hook_with_once_is_waited_for(program):
    with Folder() as folder, Gateway(program) as gateway:
        hook = f"sleep 0.2; {logging(folder, 'EVENT', 'PROTOCOL')}"
        run(program, "map", *gateway.ask, "--once", "--exec", hook, "8080/both").expect(0)
        equal(sorted(folder.text().splitlines()), ["mapped tcp", "mapped udp"], "the events")


@test
def hook_has_clean_surroundings(program):
    """Nothing of standard input, signals, descriptors or the process group is porthole's."""
    probe = ("import json, os, signal, sys\n"
             "status = open('/proc/self/status').read()\n"
             "fields = dict(line.split(':', 1) for line in status.splitlines())\n"
             "json.dump([os.readlink('/proc/self/fd/0'), sorted(map(int, os.listdir('/proc/self/fd'"
             "))), fields['SigBlk'].strip(), fields['ShdPnd'].strip(), os.getpgid(0) == "
             "os.getppid() or os.getpgid(0) == os.getpid(), signal.getsignal(signal.SIGINT) is not "
             "signal.SIG_IGN], sys.stdout)\n")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with Folder() as folder, Gateway(program) as gateway:
        with open(folder.path("probe.py"), "w", encoding="ascii") as file:
            file.write(probe)
        hook = (f"grep SigIgn /proc/self/status > {folder.path('ignored')}; "
                f"python3 {folder.path('probe.py')} > {folder.path()}")
        run(program, "map", *gateway.ask, "--once", "--exec", hook, "8080",
            pass_fds=(writing,)).expect(0)
        null, descriptors, blocked, pending, own_group, interruptible = json.loads(folder.text())
        equal((null, blocked, pending, own_group, interruptible),
              ("/dev/null", "0" * 16, "0" * 16, True, True), "the surroundings")
        equal([fd for fd in descriptors if fd > 3], [], "descriptors")  # 3: the folder itself
        equal(signals_in(folder.text("ignored")), [], "ignored signals")
    os.close(reading)
    os.close(writing)


@test
def hook_leaves_the_json_alone(program):
    with Gateway(program) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "--exec", "echo hello",
                     "8080").expect(0)
        equal((json.loads(result.out)["event"], result.err), ("mapped", "hello\n"))
        result = run(program, "map", *gateway.ask, "--once", "--exec", "echo hello", "8081")
        equal((result.expect(0).out.splitlines()[-1], result.err), ("hello", ""))


@test
def hook_that_fails_is_told_and_changes_nothing(program):
    for command, why in (("exit 3", "exit code 3"), ("kill -9 $$", "killed by signal 9"),
                         ("/no/such/program 2>/dev/null", "exit code 127")):
        with Gateway(program) as gateway:
            result = run(program, "map", *gateway.ask, "--once", "--json", "--exec", command,
                         "8080").expect(0)
            equal(result.err, f"porthole map: --exec for mapped of tcp 8080: {why}\n")


@test
def hook_that_hangs_is_ended(program):
    for hook in ("trap '' TERM; sleep 1000 & echo $$ $! >> LOG; while :; do sleep 1; done",
                 # It heeds SIGTERM, but what it started does not.
                 "(trap '' TERM; exec sleep 1000) & echo $$ $! >> LOG; wait"):
        with Folder() as folder, Gateway(program) as gateway:
            result = run(program, "map", *gateway.ask, "--once", "--json", "--exec",
                         hook.replace("LOG", folder.path()), "--exec-limit", "1", "8080").expect(0)
            equal(result.err, "porthole map: --exec for mapped of tcp 8080: ended after 1 s\n")
            shell, child = folder.text().split()
            for pid in (shell, child):
                wait_until(lambda pid=pid: is_gone(pid), f"the end of {pid}")


def is_gone(pid):
    """Ended, whether somebody has taken note of it or not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@test
def hook_that_hangs_holds_nobody_up(program):
    """While one hangs ports are held, signals heeded, and the end comes in time."""
    with Folder() as folder, Gateway(program) as gateway:
        hook = f"echo $PORTHOLE_EVENT >> {folder.path()}; exec sleep 1000"
        with Held(program, "map", *gateway.ask, "--json", "--exec", hook, "--exec-limit", "2",
                  "8080", "8081") as held:
            held.event("mapped")
            held.event("mapped")
            wait_until(folder.text, "the hook")
            held.send(signal.SIGUSR1)
            held.event("status")
            held.event("status")
            held.end(0)
            # The one that ran has its own time; the next may have had what was left.
            assert re.search("no time is left; events not told: [12]\n", held.err), held.err
        equal([line for line in gateway.log() if "removed" in line],
              ["closed tcp 8080 8080 removed", "closed tcp 8081 8081 removed"], "the end")


@test
def hook_that_leaves_a_child_is_over(program):
    with Folder() as folder, Gateway(program) as gateway:
        hook = f"sleep 1000 & echo $! >> {folder.path()}"
        result = run(program, "map", *gateway.ask, "--once", "--json", "--exec", hook, "8080",
                     "8081", stderr=subprocess.DEVNULL).expect(0)
        equal(result.out.count("mapped"), 2, "the events")
        for pid in folder.text().split():
            assert not is_gone(pid), "a child that a hook leaves is its own affair"
            os.kill(int(pid), signal.SIGKILL)


@test
def hook_that_closes_descriptors_or_floods(program):
    with Gateway(program) as gateway:
        for port, hook in enumerate(("exec <&- >&- 2>&-", "head -c 3000000 /dev/zero",
                                     "head -c 3000000 /dev/zero >&2; kill -TERM 0"), 8080):
            result = run(program, "map", *gateway.ask, "--once", "--json", "--exec", hook,
                         str(port)).expect(0)
            equal(json.loads(result.out)["internal"]["port"], port, "the stream")


@test
def hook_killed_from_outside_is_followed_by_the_next(program):
    with Folder() as folder, Gateway(program) as gateway:
        hook = (f"echo $PORTHOLE_EVENT $$ >> {folder.path()}; "
                "test $PORTHOLE_EVENT = unmapped || exec sleep 1000")
        with Held(program, "map", *gateway.ask, "--json", "--exec", hook, "8080") as held:
            wait_until(folder.text, "the hook")
            os.kill(int(folder.text().split()[1]), signal.SIGKILL)
            wait_until(lambda: "killed by signal 9" in held.err, "the word of it")
            held.end(0)
        equal([line.split()[0] for line in folder.text().splitlines()], ["mapped", "unmapped"])


@test
def nothing_of_the_network_is_read_by_a_shell(program):
    """A refusal's text and everything else is in the environment only."""
    with Folder() as folder, Gateway(program) as gateway:
        hook = f"tr '\\0' ' ' < /proc/$$/cmdline > {folder.path()}"
        run(program, "map", *gateway.ask, "--once", "--exec", hook, "8080").expect(0)
        equal(folder.text(), f"sh -c {hook} ", "the command line")


@test
def two_hundred_changes_end_with_the_newest(program):
    numbers = {"port": 50000}
    with Folder() as folder, Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        running = folder.path("running")
        hook = (f"mkdir {running} || echo overlap >> {folder.path()}; "
                f"{logging(folder, 'EVENT', 'EXTERNAL_PORT')}; rmdir {running}")
        with Held(program, "map", *gateway.ask, "--json", "--file", folder.path("file"),
                  "--exec", hook, "8080") as held:
            held.event("mapped")
            for number in range(50001, 50201):
                numbers["port"] = number
                held.send(signal.SIGUSR1)
                held.event("status")
                equal(held.event("changed")["external"]["port"], number)
            wait_until(lambda: folder.text().endswith(" 50200\n"), "the newest")
            equal(folder.text("file"), "tcp 8080 192.0.2.1 50200\n", "the file")
            held.end(0)
            equal(held.err, "", "standard error")
        told = [line.split() for line in folder.text().splitlines()]
        ports = [int(port) for _, port in told]
        equal(ports, sorted(ports), "the order")
        equal((told[0], told[-1]), (["mapped", "50000"], ["unmapped", "50200"]), "both ends")
        assert 3 <= len(told) <= 202, len(told)


@test
def waiting_events_of_a_mapping_are_replaced(program):
    numbers = {"port": 50000}
    with Folder() as folder, Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        gate = folder.path("gate")
        hook = (f"{logging(folder, 'EVENT', 'EXTERNAL_PORT')}; "
                f"while ! test -e {gate}; do sleep 0.02; done")
        with Held(program, "map", *gateway.ask, "--json", "--exec", hook, "8080") as held:
            held.event("mapped")
            wait_until(folder.text, "the first hook")
            for number in (50001, 50002, 50003):
                numbers["port"] = number
                held.send(signal.SIGUSR1)
                held.event("status")
                held.event("changed")
            with open(gate, "w", encoding="ascii"):
                pass
            wait_until(lambda: "50003" in folder.text(), "the newest")
            held.end(0)
        equal(folder.text().splitlines(), ["mapped 50000", "changed 50003", "unmapped 50003"])


# ---- The file ------------------------------------------------------------------------------------


@test
def file_says_where_and_is_removed_at_the_end(program):
    with Folder() as folder, Gateway(program) as gateway:
        with open(folder.path("file"), "w", encoding="ascii") as file:
            file.write("of an earlier time\n")
        os.chmod(folder.path("file"), 0o600)
        wanted = [f"tcp 8080 {gateway.external} 8080", f"udp 8081 {gateway.external} 8081"]
        with Held(program, "map", *gateway.ask, "--file", folder.path("file"), "8080",
                  "8081/udp", preexec_fn=lambda: os.umask(0o077)) as held:
            wait_until(lambda: folder.text("file").splitlines() == wanted, "the file")
            equal(stat.S_IMODE(os.stat(folder.path("file")).st_mode), 0o644, "the mode")
            held.end(0)
        equal(os.listdir(folder.name), [], "what is left")


@test
def file_of_once_stays(program):
    with Folder() as folder, Gateway(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "--file", folder.path("file"), "8080").expect(0)
        equal(os.listdir(folder.name), ["file"], "what is left")
        equal(folder.text("file"), f"tcp 8080 {gateway.external} 8080\n")


@test
def file_is_never_seen_by_halves(program):
    numbers = {"port": 50000}
    with Folder() as folder, Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        with Held(program, "map", *gateway.ask, "--json", "--file", folder.path("file"),
                  "8080") as held:
            held.event("mapped")
            for number in range(50001, 50051):
                numbers["port"] = number
                held.send(signal.SIGUSR1)
                held.event("status")
                held.event("changed")
                seen = folder.text("file")
                while not seen.endswith(f" {number}\n"):
                    assert seen == "" or seen.count("\n") == 1 and seen.endswith("\n"), seen
                    seen = folder.text("file")
            held.end(0)


@test
def file_that_cannot_be_written_is_told_before_anything_is_opened(program):
    with Folder() as folder, Gateway(program) as gateway:
        path = folder.path("none/file")
        result = run(program, "map", *gateway.ask, "--file", path, "8080").expect(1)
        equal(result.err.count("\n"), 1, result.err)
        assert result.err.endswith(": No such file or directory\n"), result.err
        equal(gateway.log(), [], "what was opened")


@test
def file_that_cannot_be_written_later_is_no_end(program):
    numbers = {"port": 50000}
    with Folder() as folder, Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        os.mkdir(folder.path("in"))
        with Held(program, "map", *gateway.ask, "--json", "--file", folder.path("in/file"),
                  "8080", env=environment()) as held:
            held.event("mapped")
            wait_until(lambda: folder.text("in/file"), "the file")
            os.rename(folder.path("in"), folder.path("away"))
            numbers["port"] = 50001
            held.send(signal.SIGUSR1)
            held.event("status")
            held.event("changed")
            wait_until(lambda: "No such file" in held.err, "the complaint")
            os.rename(folder.path("away"), folder.path("in"))
            held.send(signal.SIGUSR1)
            wait_until(lambda: folder.text("in/file") == "tcp 8080 192.0.2.1 50001\n", "the file")
            held.end(0)
            equal(held.err.count("\n"), 1, held.err)

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Network namespaces of one run: made, entered, used by processes, and removed again.

A name holds the run's process id and its start time, so that a later run can tell what a dead
run left behind and clean it. Nothing here touches the machine's own network: interfaces are
created inside the namespaces and there is no way out of them.
"""

import ctypes
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

PREFIX = "phlab"
RUN_DIRECTORY = "/run/netns"
CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
NEEDED_COMMANDS = ("ip", "nft", "miniupnpd")

_libc = ctypes.CDLL(None, use_errno=True)
_counter = 0


class LabError(Exception):
    """The lab itself cannot do what it was asked; says nothing about the program under test."""


def find_command(name):
    """The path of a command; the system directories count even when PATH leaves them out."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def run(argv, text=None, check=True):
    """Runs a set-up command and gives its standard output; its failure is the lab's failure."""
    argv = [find_command(argv[0]) or argv[0], *argv[1:]]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def adopt_orphans():
    """Daemons that fork away become children of this process, which can then wait for them."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _setns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


@contextlib.contextmanager
def inside(name):
    """The calling thread lives in namespace NAME for the body: sockets and processes it makes
    there belong to it. Other threads are not concerned."""
    home, target = "/proc/thread-self/ns/net", f"{RUN_DIRECTORY}/{name}"
    with open(home, "rb") as here, open(target, "rb") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(here.fileno())


def start(name, argv, **options):
    """Starts a process within a namespace. No fork handler is needed: a child inherits."""
    with inside(name):
        return subprocess.Popen(argv, **options)


def set_sysctl(name, path, value):
    with inside(name):
        with open(f"/proc/sys/{path}", "w", encoding="ascii") as file:
            file.write(str(value))


def _start_time(pid):
    """Clock ticks from boot to the start of a process; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def new_name(role):
    pid = os.getpid()
    return f"{PREFIX}-{pid}-{_start_time(pid)}-{_counter}-{role}"


def create(roles):
    """Makes one namespace for each role; gives {role: name}."""
    global _counter
    _counter += 1
    names = {role: new_name(role) for role in roles}
    nursery = new_name("nursery")
    made = [nursery]
    try:
        run(["ip", "netns", "add", nursery])
        # A table of TCP connections of their own. The machine's common one grows with its memory,
        # and miniupnpd walks it (/proc/net/tcp) for each mapping: 2 ms on a machine of 24 GB.
        _try_sysctl(nursery, "net/ipv4/tcp_child_ehash_entries", 1024)
        with inside(nursery):
            for name in names.values():
                made.append(name)
                run(["ip", "netns", "add", name])
        for name in names.values():
            for family in ("all", "default"):
                _try_sysctl(name, f"net/ipv6/conf/{family}/disable_ipv6", 1)
    except BaseException:
        remove(made)
        raise
    remove([nursery])
    return names


def _try_sysctl(name, path, value):
    try:
        set_sysctl(name, path, value)
    except FileNotFoundError:
        pass  # a kernel without it


def processes_in(name):
    return [int(pid) for pid in run(["ip", "netns", "pids", name], check=False).split()]


def remove(names):
    """Ends what still runs in the namespaces (it can only be ours) and removes them."""
    for name in names:
        for pid in processes_in(name):
            end_process(pid)
        run(["ip", "netns", "delete", name], check=False)


def is_running(pid):
    """Whether a process runs. An ended child is reaped; somebody else's is theirs to reap."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != pid
    except ChildProcessError:
        pass
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end_process(pid, first=signal.SIGTERM, patience_s=2.0):
    """Asks a process to end, then makes it end, which the kernel may take its time for."""
    for number in (first, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        give_up = time.monotonic() + (patience_s if number != signal.SIGKILL else 30.0)
        while time.monotonic() < give_up:
            if not is_running(pid):
                return
            time.sleep(0.002)


def remove_leftovers():
    """Removes the namespaces of runs that are no longer there, and gives their names."""
    try:
        present = os.listdir(RUN_DIRECTORY)
    except FileNotFoundError:
        return []
    pattern = re.compile(rf"{PREFIX}-(\d+)-(\d+)-\d+-\w+$")
    dead = []
    for name in present:
        match = pattern.match(name)
        if match and _start_time(match.group(1)) != match.group(2):
            dead.append(name)
    remove(dead)
    return dead

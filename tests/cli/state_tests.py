# SPDX-License-Identifier: MIT OR Apache-2.0
"""The state file: what is noted in it, who may read it, and that nothing is lost when it is damaged,
when processes write it at the same time, and when one is killed. And SIGUSR1."""

import concurrent.futures
import contextlib
import ctypes
import glob
import json
import os
import resource
import signal
import stat

from harness import CLIENT, Held, Noted, environment, equal, run, test, wait_until

FACTS = ("protocol", "internal", "external", "via", "gateway", "holder")


def facts(lease):
    return tuple(lease[name] for name in FACTS)


PR_CAPBSET_DROP = 24
CAPABILITIES_OF_FILES = (1, 2)  # to write and to read what one may not


def obey_modes():
    """Root, too, is held to what the modes of files say, from its next program on."""
    for capability in CAPABILITIES_OF_FILES:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@test
def lease_is_noted_and_renewed_by_the_next(program):
    with Noted(program) as gateway:
        for _ in range(3):
            run(program, "map", *gateway.ask, "-p", "pcp", "--once", "8080", "-t", "600").expect(0)
        (lease,) = gateway.leases()
        equal(facts(lease), ("tcp", 8080, 8080, "pcp", gateway.internal, 0), "the note")
        # A gateway that would not know the key had refused: one mapping, opened once.
        equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 stopped"], "the log")


@test
def what_is_known_is_not_written_again(program):
    with Noted(program) as gateway:
        def written():
            """Two writes within a tick of the system's clock have the same time."""
            status = os.stat(gateway.state)
            with open(gateway.state, "rb") as file:
                return status.st_ino, status.st_mtime_ns, file.read()

        run(program, "map", *gateway.ask, "--once", "8080", "-t", "600").expect(0)
        before = written()
        run(program, "map", *gateway.ask, "--once", "8080", "-t", "600").expect(0)
        assert written() == before, "it is written again"
        run(program, "map", *gateway.ask, "--once", "8080", "-t", "7200").expect(0)
        assert written()[2] != before[2], "a longer lease is not noted"


@test
def held_port_is_noted_while_it_is_held(program):
    with Noted(program) as gateway:
        with Held(program, "map", *gateway.ask, "--json", "8080", "8081/udp") as held:
            held.event("mapped")
            held.event("mapped")
            wait_until(lambda: all(lease["via"] for lease in gateway.leases()), "the note")
            equal(sorted(map(facts, gateway.leases())), [
                ("tcp", 8080, 8080, "pcp", gateway.internal, held.process.pid),
                ("udp", 8081, 8081, "pcp", gateway.internal, held.process.pid)], "the notes")
            result = run(program, "map", *gateway.ask, "8081/udp").expect(1)
            equal(result.err, f"porthole map: udp 8081 is held by process {held.process.pid}\n")
            held.end(0)
        equal(gateway.leases(), [], "what is left")


@test
def crashed_one_is_followed_with_the_same_port(program):
    for method in ("pcp", "natpmp", "upnp"):
        with Noted(program) as gateway:
            arguments = (*gateway.ask, "-p", method, "--json", "8080")
            with Held(program, "map", *arguments, "-e", "50123") as held:
                held.event("mapped")
                wait_until(lambda: gateway.leases()[0]["external"] == 50123, "the note")
                held.end(-signal.SIGKILL, signal.SIGKILL)
            with Held(program, "map", *arguments) as held:
                equal(held.event("mapped")["external"]["port"], 50123, method)
                held.end(0)
            equal(gateway.log(), ["opened tcp 8080 50123", "closed tcp 8080 50123 removed"], method)


@test
def file_and_folders_are_the_owner_s_alone(program):
    with Noted(program) as gateway:
        home = os.path.join(gateway.folder.name, "home")
        ask = gateway.ask[:-2]
        for variables, path in (
                ({"HOME": home, "XDG_STATE_HOME": ""}, ".local/state/porthole"),
                ({"HOME": "/nowhere", "XDG_STATE_HOME": f"{home}/x"}, "x/porthole"),
                ({"HOME": home, "PORTHOLE_STATE": f"{home}/y/leases.json"}, "y")):
            run(program, "map", *ask, "--once", "8080",
                env=environment(**{"PORTHOLE_STATE": "", **variables})).expect(0)
            folder = os.path.join(home, path)
            equal(stat.S_IMODE(os.stat(folder).st_mode), 0o700, "the folder's mode")
            file = os.path.join(folder, "leases.json")
            equal(stat.S_IMODE(os.stat(file).st_mode), 0o600, "the file's mode")


@test
def damaged_file_is_set_aside(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "-p", "natpmp", "--once", "8080").expect(0)
        with open(gateway.state, "rb") as file:
            whole = file.read()
        damages = [whole[:cut] for cut in range(0, len(whole) - 1)]
        damages += [b"[]", b"{}", b'{"version":0,"leases":[]}', b'{"version":1,"leases":[1]}',
                    b"[" * 1000000, b"x" * 20000000, whole.replace(b"8080", b"80\\u0000"),
                    whole.replace(b"}", b"},", 1), whole + b"\0", whole + whole,
                    whole.replace(b"8080", b"0"), whole.replace(b"8080", b"65536"),
                    whole.replace(b"tcp", b"sctp"), whole.replace(b"natpmp", b"x"),
                    whole.replace(b'"key": "', b'"key": "z'), b"\0" * 100, b"\xff\xfe",
                    whole.replace(gateway.internal.encode(), b"router.lan")]
        for damage in damages:
            with open(gateway.state, "wb") as file:
                file.write(damage)
            result = run(program, "map", *gateway.ask, "-p", "natpmp", "--once",
                         "8080").expect(0)
            equal(result.err.count("\n"), 1, f"lines about {damage}")
            assert f"{gateway.state} is damaged" in result.err, result.err
            with open(f"{gateway.state}.damaged", "rb") as file:
                equal(file.read(), damage, "what was set aside")
            equal(len(gateway.leases()), 1, "the leases")


@test
def newer_file_is_left_alone(program):
    with Noted(program) as gateway:
        newer = b'{"version": 2, "leases": {}, "more": true}'
        with open(gateway.state, "wb") as file:
            file.write(newer)
        said = f"state file {gateway.state}: left alone: a newer porthole has written it\n"
        for port in ("8080", "8081"):
            result = run(program, "map", *gateway.ask, "--once", port).expect(0)
            equal(result.err, f"porthole map: {said}", "standard error")
        result = run(program, "unmap", *gateway.ask, "--all").expect(1)
        equal(result.err, f"porthole unmap: {said}", "standard error")
        with open(gateway.state, "rb") as file:
            equal(file.read(), newer, "the file")


@test
def full_disk_is_no_reason_to_fail(program):
    """As far as a file of at most so many bytes is like one."""
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        before = gateway.leases()
        ports = [str(port) for port in range(8081, 8130)]
        for size in (0, 1, 100, 4096):
            result = run(program, "map", *gateway.ask, "--once", *ports,
                         preexec_fn=lambda size=size: resource.setrlimit(
                             resource.RLIMIT_FSIZE, (size, size))).expect(0)
            equal(result.err, f"porthole map: state file {gateway.state}: cannot be written: File "
                              "too large\n", "standard error")
            equal(gateway.leases(), before, "the leases")
            equal(sorted(os.listdir(gateway.folder.name)), ["leases.json", "leases.json.lock"])


@test
def what_may_not_be_written_is_told_once_and_harms_nothing(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        before = gateway.leases()
        os.chmod(gateway.folder.name, 0o500)
        said = f"porthole map: state file {gateway.state}: cannot be written: Permission denied\n"
        for port, told in (("8080", ""), ("8081", said)):  # the first one is known
            result = run(program, "map", *gateway.ask, "--once", port, preexec_fn=obey_modes)
            equal(result.expect(0).err, told, "standard error")
        with Held(program, "map", *gateway.ask, "8082", preexec_fn=obey_modes) as held:
            assert held.line().startswith("tcp 8082 is open")
            equal(held.end(0).err, said, "standard error")
        os.chmod(gateway.state, 0)
        result = run(program, "unmap", *gateway.ask, "--all", preexec_fn=obey_modes).expect(1)
        equal(result.err, f"porthole unmap: state file {gateway.state}: cannot be read: "
                          "Permission denied\n", "standard error")
        os.chmod(gateway.state, 0o600)
        os.chmod(gateway.folder.name, 0o700)
        equal(gateway.leases(), before, "the leases")
        equal(sorted(os.listdir(gateway.folder.name)), ["leases.json", "leases.json.lock"])


@test
def what_could_not_be_written_is_written_later(program):
    with Noted(program) as gateway:
        os.mkdir(f"{gateway.state}.new")  # in the way
        with Held(program, "map", *gateway.ask, "--json", "8080") as held:
            held.event("mapped")
            wait_until(lambda: "cannot be written" in held.err, "the complaint")
            assert not os.path.exists(gateway.state)
            os.rmdir(f"{gateway.state}.new")
            held.send(signal.SIGUSR1)
            held.event("status")
            wait_until(lambda: os.path.exists(gateway.state), "the note")
            equal([lease["via"] for lease in gateway.leases()], ["pcp"], "the note")
            held.end(0)


@test
def of_several_that_begin_at_once_one_has_the_port(program):
    with Noted(program) as gateway, contextlib.ExitStack() as stack:
        for _ in range(5):
            holds = [stack.enter_context(Held(program, "map", *gateway.ask, "--json", "8080"))
                     for _ in range(8)]
            wait_until(lambda: sum(held.process.poll() is not None for held in holds) >= 7,
                       "the ends of the others")
            (winner,) = [held for held in holds if held.process.poll() is None]
            winner.event("mapped")
            for held in holds:
                if held is not winner:
                    equal(held.end(1, None).err, "porthole map: tcp 8080 is held by process "
                                                 f"{winner.process.pid}\n", "standard error")
            winner.end(0)


@test
def several_find_a_damaged_file_at_once(program):
    with Noted(program) as gateway:
        for _ in range(10):
            with open(gateway.state, "wb") as file:
                file.write(b"{" * 300000)
            holds = [Held(program, "map", *gateway.ask, "--once", str(8080 + number))
                     for number in range(8)]
            for held in holds:
                with held:
                    held.end(0, None)
            said = "".join(held.err for held in holds)
            equal(said.count("is damaged"), 1, said)
            equal(sorted(lease["internal"] for lease in gateway.leases()),
                  list(range(8080, 8088)), "the leases")


@test
def file_that_cannot_be_had_is_no_reason_to_fail(program):
    with Noted(program) as gateway:
        ask = gateway.ask[:-2]
        folder = os.path.join(gateway.folder.name, "folder")
        os.mkdir(folder)
        for path in ("/proc/none/leases.json", folder):
            result = run(program, "map", *ask, "--state", path, "--once", "8080").expect(0)
            equal(result.err.count("\n"), 1, result.err)
            assert result.err.startswith(f"porthole map: state file {path}: cannot be "), result.err
            assert result.out.startswith("tcp 8080 is open"), result.out
        with Held(program, "map", *ask, "--state", "/proc/none/leases.json", "8081") as held:
            assert held.line().startswith("tcp 8081 is open")
            held.end(0)
            equal(held.err.count("\n"), 1, held.err)


@test
def many_write_at_the_same_time(program):
    with Noted(program) as gateway:
        ports = range(8000, 8024)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for result in pool.map(lambda port: run(program, "map", *gateway.ask, "--once",
                                                    str(port)), ports):
                result.expect(0)
        equal(sorted(lease["internal"] for lease in gateway.leases()), list(ports), "the leases")


@test
def ended_leases_are_forgotten(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        with open(gateway.state, encoding="utf-8") as file:
            state = json.load(file)
        state["leases"][0]["until"] = 1000
        with open(gateway.state, "w", encoding="utf-8") as file:
            json.dump(state, file)
        result = run(program, "unmap", *gateway.ask, "--all").expect(0)
        equal(gateway.mask(result.out), "No lease of porthole's is known on GATEWAY.\n")
        run(program, "map", *gateway.ask, "-p", "upnp", "--once", "8081").expect(0)
        equal([lease["internal"] for lease in gateway.leases()], [8081], "the leases")


@test
def one_that_was_killed_while_writing_is_no_hindrance(program):
    with Noted(program) as gateway:
        with open(f"{gateway.state}.new", "wb") as file:
            file.write(b"half a fi" * 1000)
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        equal(len(gateway.leases()), 1, "the leases")
        equal(glob.glob(f"{gateway.state}.*"), [f"{gateway.state}.lock"], "what lies beside it")


@test
def signal_asks_again_now_and_tells_how_it_is(program):
    with Noted(program, "--verbose") as gateway:
        with Held(program, "map", *gateway.ask, "-p", "pcp", "--json", "8080") as held:
            mapped = held.event("mapped")
            for _ in range(2):
                held.send(signal.SIGUSR1)
                status = held.event("status")
                equal((status["state"], status["external"], status["via"]),
                      ("success", mapped["external"], "pcp"), "the status")
                assert 7190 <= status["expires_in_s"] <= 7200, status
            held.end(0)
        with Held(program, "map", *gateway.ask, "-p", "pcp", "8080") as held:
            held.line()
            held.line()
            held.send(signal.SIGUSR1)
            equal(gateway.mask(held.line()), f"tcp 8080 is open: EXTERNAL:8080 -> {CLIENT}:8080 "
                                             "(PCP by GATEWAY, lease 7200 s)\n")
            held.end(0)

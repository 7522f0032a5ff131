# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole serve`: what a service manager is told, hooks and files of sections, the beginning and the
end; and `porthole check-config`."""

import json
import os
import re
import signal
import socket
import time

from harness import (CLIENT, PATIENCE_S, Gateway, Halfway, Held, environment, equal, free_network, run, test,
                     wait_until)
from hook_tests import Folder


class Manager:
    """The socket of a service manager; with `abstract`, one without a path."""

    def __init__(self, folder, abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = f"@porthole-{folder.name}" if abstract else folder.path("notify")
        self.socket.bind("\0" + self.name[1:] if abstract else self.name)
        self.socket.settimeout(PATIENCE_S)
        self.told = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def next(self):
        """The next datagram as a dictionary; each of them is lines NAME=VALUE."""
        datagram = self.socket.recv(65536).decode("ascii")
        self.told.append(dict(line.split("=", 1) for line in datagram.split("\n")))
        return self.told[-1]

    def until(self, *names):
        """Reads on to a datagram with these names alone."""
        while True:
            told = self.next()
            if list(told) == list(names):
                return told

    def until_status(self, wanted):
        while wanted not in self.until("STATUS")["STATUS"]:
            pass

    def sequence(self):
        """What was told, without the statuses and the watchdog's food."""
        return [" ".join(told) for told in self.told if not {"STATUS", "WATCHDOG"} & set(told)]


class Service(Held):
    """`porthole serve` of a file in the folder, ready; the file's first lines are the gateway's."""

    def __init__(self, program, folder, manager, gateway, text, *options, preexec_fn=None, **more):
        self.folder, self.manager, self.path = folder, manager, folder.path("home.conf")
        self.write(gateway, text)
        super().__init__(program, "serve", *options, self.path, preexec_fn=preexec_fn,
                         env=environment(NOTIFY_SOCKET=manager.name, **more))
        manager.until("READY")

    def write(self, gateway, text):
        self.gateway = gateway
        with open(self.path, "w", encoding="ascii") as file:
            file.write(f"gateway = {gateway.internal}\nbind = {CLIENT}\n"
                       f"state = {self.folder.path('leases')}\nprotocols = pcp\n{text}")

    def reload(self, text, gateway=None):
        self.write(gateway or self.gateway, text)
        self.send(signal.SIGHUP)
        self.manager.until("RELOADING", "MONOTONIC_USEC")
        self.manager.until("READY")

    def leases(self):
        with open(self.folder.path("leases"), encoding="ascii") as file:
            return {(lease["protocol"], lease["internal"]): lease
                    for lease in json.load(file)["leases"]}


class NatPmpService(Service):
    def write(self, gateway, text):
        super().write(gateway, text)
        with open(self.path, encoding="ascii") as file:
            whole = file.read()
        with open(self.path, "w", encoding="ascii") as file:
            file.write(whole.replace("protocols = pcp", "protocols = natpmp"))


class Bench:
    """A folder, a manager, a gateway and the service, and the gateway's log at the end."""

    def __init__(self, program, text, *options, abstract=False, gateway=None, **more):
        self.folder = Folder()
        self.manager = Manager(self.folder, abstract)
        self.gateway = gateway or Gateway(program)
        self.service = Service(program, self.folder, self.manager, self.gateway,
                               text.replace("FOLDER", self.folder.name), *options, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for part in (self.service, self.gateway, self.manager, self.folder):
            part.__exit__(None, None, None)

    def reload(self, text, **more):
        self.service.reload(text.replace("FOLDER", self.folder.name), **more)

    def end(self):
        self.service.end(0, signal.SIGTERM)
        return self.gateway.log()


WEB = "[web]\nport = 8080\n"

# ---- The manager ---------------------------------------------------------------------------------


@test
def manager_is_told_all_in_its_order(program):
    for abstract in (False, True):
        with Bench(program, WEB, abstract=abstract) as bench:
            before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            bench.reload(WEB + "[other]\nport = 8081/udp\n")
            after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            bench.end()
            bench.manager.until("STOPPING")
            equal(bench.manager.sequence(),
                  ["READY", "RELOADING MONOTONIC_USEC", "READY", "STOPPING"], "the sequence")
            told = [told for told in bench.manager.told if "RELOADING" in told][0]
            assert before_us <= int(told["MONOTONIC_USEC"]) <= after_us, told
            statuses = [told["STATUS"] for told in bench.manager.told if "STATUS" in told]
            equal(statuses[0], "0 of 1 port open: tcp 8080 not open yet")
            outside = bench.gateway.external
            assert f"1 of 1 port open: tcp 8080 at {outside}:8080" in statuses, statuses
            equal(statuses[-1], f"2 of 2 ports open: tcp 8080 at {outside}:8080, "
                                f"udp 8081 at {outside}:8081")


@test
def manager_hears_that_nothing_answers(program):
    """It is ready all the same: it goes on trying, and a boot must not wait for a router."""
    inside, _ = free_network()
    nobody = type("Nobody", (), {"internal": inside, "__exit__": lambda *_: None})()
    with Bench(program, WEB, gateway=nobody) as bench:
        status = [told["STATUS"] for told in bench.manager.told if "STATUS" in told][-1]
        assert re.fullmatch(r"0 of 1 port open: tcp 8080 not open \(.+\)", status), status
        bench.service.end(0, signal.SIGTERM)


@test
def manager_is_not_kept_waiting(program):
    """A gateway that is there and does not answer is given the file's timeout."""
    with Folder() as folder, Manager(folder) as manager, Halfway() as gateway:
        with NatPmpService(program, folder, manager, gateway, "timeout = 1\n" + WEB) as held:
            statuses = [told["STATUS"] for told in manager.told if "STATUS" in told]
            assert statuses[-1].startswith("0 of 1 port open: tcp 8080 not open"), statuses
            held.end(1, signal.SIGTERM)  # it may have opened the port


@test
def service_whose_file_or_hook_fails(program):
    """A file that cannot be written is told before anything is opened, later it is no end."""
    with Bench(program, WEB + "exec = exit 3\n") as bench:
        wait_until(lambda: bench.service.err.endswith("\n"), "the first complaint")
        bench.reload(WEB + "file = FOLDER/none/file\n")
        wait_until(lambda: bench.service.err.count("\n") == 2, "the complaints")
        bench.end()
        equal(bench.service.err, "porthole serve: exec of [web] for mapped of tcp 8080: exit code "
                                 f"3\nporthole serve: file '{bench.folder.name}/none/file': No "
                                 "such file or directory\n")
        result = run(program, "serve", bench.service.path).expect(1)
        assert result.err.endswith("No such file or directory\n"), result.err


@test
def manager_is_no_hooks_affair(program):
    with Bench(program, WEB + "exec = env > FOLDER/log\n", WATCHDOG_USEC="60000000") as bench:
        wait_until(bench.folder.text, "the hook")
        assert "NOTIFY_SOCKET" not in bench.folder.text(), bench.folder.text()
        assert "WATCHDOG" not in bench.folder.text(), bench.folder.text()
        assert "PORTHOLE_SECTION=web\n" in bench.folder.text(), bench.folder.text()
        bench.end()


@test
def watchdog_is_fed_by_the_loop(program):
    with Bench(program, WEB, WATCHDOG_USEC="400000") as bench:
        for _ in range(4):
            bench.manager.until("WATCHDOG")
        bench.service.send(signal.SIGSTOP)
        bench.manager.socket.settimeout(1)
        try:
            while True:  # what was sent before
                bench.manager.next()
        except TimeoutError:
            pass
        bench.manager.socket.settimeout(PATIENCE_S)
        bench.service.send(signal.SIGCONT)
        bench.manager.until("WATCHDOG")
        bench.end()


@test
def watchdog_is_fed_while_a_last_hook_runs(program):
    text = WEB + "exec = test $PORTHOLE_EVENT = mapped || sleep 1.5\n"
    with Bench(program, text, WATCHDOG_USEC="200000") as bench:
        bench.service.end(0, signal.SIGTERM)
        bench.manager.until("STOPPING")
        for _ in range(5):
            bench.manager.until("WATCHDOG")


@test
def watchdog_of_another_process_is_not_fed(program):
    with Bench(program, WEB, WATCHDOG_USEC="20000", WATCHDOG_PID="1") as bench:
        bench.reload(WEB + "lifetime = 600\n")
        bench.end()
        bench.manager.until("STOPPING")
        assert not [told for told in bench.manager.told if "WATCHDOG" in told], bench.manager.told


@test
def manager_that_is_none_is_no_reason_to_end(program):
    with Folder() as folder, Gateway(program) as gateway:
        with open(folder.path("a.conf"), "w", encoding="ascii") as file:
            file.write(f"gateway = {gateway.internal}\nbind = {CLIENT}\nstate = none\n{WEB}")
        for name in ("", "relative", "/no/such/socket", "@" + 200 * "x"):
            with Held(program, "serve", "--json", "-c", folder.path("a.conf"),
                      env=environment(NOTIFY_SOCKET=name)) as held:
                held.event("mapped")
                held.end(0, signal.SIGTERM)
                equal(held.err, "", "standard error")


# ---- Hooks and files -----------------------------------------------------------------------------


@test
def hooks_and_files_of_sections(program):
    hook = "exec = echo $PORTHOLE_SECTION $PORTHOLE_EVENT $PORTHOLE_INTERNAL_PORT >> FOLDER/"
    text = ("file = FOLDER/all\n" + hook + "common\n" + WEB +
            "[b]\nport = 8081 8082\nfile = FOLDER/b\n" + hook + "own\n")
    with Bench(program, text) as bench:
        outside, folder = bench.gateway.external, bench.folder
        lines = [f"tcp {port} {outside} {port}\n" for port in (8080, 8081, 8082)]
        wait_until(lambda: folder.text("all") == "".join(lines), "the file of all")
        wait_until(lambda: folder.text("b") == "".join(lines[1:]), "the file of one")
        wait_until(lambda: folder.text("own").count("\n") == 2, "the hook")
        # Another command is told how it stands, and the same one is not told again.
        bench.reload("file = FOLDER/all\n" + hook + "common\n" + WEB +
                     "[b]\nport = 8081 8082\n" + hook + "other\n")
        wait_until(lambda: folder.text("other").count("\n") == 2, "the other hook")
        wait_until(lambda: not os.path.exists(folder.path("b")), "the end of the file")
        bench.end()
        equal(folder.text("common"), "web mapped 8080\nweb unmapped 8080\n", "what web was told")
        equal(sorted(folder.text("own").splitlines()), ["b mapped 8081", "b mapped 8082"])
        equal(sorted(folder.text("other").splitlines()), ["b mapped 8081", "b mapped 8082",
                                                          "b unmapped 8081", "b unmapped 8082"])
        equal(os.path.exists(folder.path("all")), False, "whether a file is left")


@test
def hook_of_a_section_that_goes_is_told_the_end(program):
    with Bench(program, WEB + "[b]\nport = 8081\nexec = echo $PORTHOLE_EVENT >> FOLDER/log\n") \
            as bench:
        wait_until(bench.folder.text, "the hook")
        bench.reload(WEB)
        wait_until(lambda: bench.folder.text() == "mapped\nunmapped\n", "the end")
        bench.end()


@test
def hook_that_hangs_holds_no_other_section_up(program):
    text = WEB + "exec = exec sleep 1000\nexec-limit = 1000\n[b]\nport = 8081\n"
    with Bench(program, text + "exec = echo $PORTHOLE_EVENT >> FOLDER/log\n") as bench:
        wait_until(bench.folder.text, "the hook")
        bench.reload(WEB + "exec = exec sleep 1000\nexec-limit = 1\n[c]\nport = 8082\n")
        wait_until(lambda: bench.folder.text() == "mapped\nunmapped\n", "the other's end")
        bench.end()
        assert "exec of [web]: no time is left; events not told: 1\n" in bench.service.err, bench.service.err


# ---- The beginning and the end -------------------------------------------------------------------


@test
def service_that_was_killed_adopts_its_own(program):
    with Gateway(program) as gateway, Folder() as folder, Manager(folder) as manager:
        with Service(program, folder, manager, gateway, WEB + "external = 50000\n") as held:
            held.send(signal.SIGKILL)
            held.process.wait()
        with Service(program, folder, manager, gateway, WEB) as held:
            held.end(0, signal.SIGTERM)
            equal(list(held.leases()), [], "the state file")
        equal(gateway.log(), ["opened tcp 8080 50000", "closed tcp 8080 50000 removed"])


@test
def service_removes_what_one_that_was_killed_held(program):
    """When it is not in the file any more; but what was left to its lease on purpose stays."""
    with Gateway(program) as gateway, Folder() as folder, Manager(folder) as manager:
        run(program, "map", *gateway.ask, "--state", folder.path("leases"), "--once",
            "9000").expect(0)
        with Service(program, folder, manager, gateway, WEB + "[b]\nport = 8081/both\n") as held:
            held.send(signal.SIGKILL)
            held.process.wait()
        with Service(program, folder, manager, gateway, WEB) as held:
            wait_until(lambda: sorted(held.leases()) == [("tcp", 8080), ("tcp", 9000)],
                       "the state file")
            wait_until(lambda: "udp 8081 is closed\n" in held.out, "the line")
            equal(held.manager.told[-2]["STATUS"],
                  f"1 of 1 port open: tcp 8080 at {gateway.external}:8080")
            held.end(0, signal.SIGTERM)
        equal([line for line in gateway.log() if line.startswith("closed")],
              ["closed tcp 8081 8081 removed", "closed udp 8081 8081 removed",
               "closed tcp 8080 8080 removed", "closed tcp 9000 9000 stopped"], "the log")


@test
def service_ends_at_either_signal_and_prints_lines(program):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Bench(program, WEB) as bench:
            bench.service.send(signal.SIGUSR1)
            wait_until(lambda: bench.service.out.count("8080 is open") == 2, "the status")
            bench.service.end(0, number)
            assert bench.service.out.endswith("tcp 8080 is closed\n"), bench.service.out
            equal(bench.service.err, "", "standard error")


@test
def serve_with_a_bad_file_or_arguments(program):
    with Folder() as folder:
        path = folder.path("a.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("[a]\nprot = 1\n")
        result = run(program, "serve", path).expect(2)
        equal(result.err, f"porthole serve: {path}:1: [a] has no port\n"
                          f"porthole serve: {path}:2: 'prot' is not a key; did you mean port?\n")
        for arguments, wanted in (
                (("nowhere-at-all",),
                 "/etc/porthole/nowhere-at-all.conf: No such file or directory"),
                (("a", "b"), "'b': one NAME is taken"),
                (("-c", "x", "b"), "--config and a NAME, 'b', contradict"),
                (("-c", ""), "--config '' is not the name of a file"),
                (("-c",), "'-c' needs a value"),
                (("",), "'' is not the name of a file"),
                (("-g", "10.0.0.1"), "'-g' is not an option here")):
            result = run(program, "serve", *arguments).expect(2)
            equal((result.out, result.err), ("", f"porthole serve: {wanted}\n"))


# ---- check-config --------------------------------------------------------------------------------


@test
def check_config_says_what_is_wrong(program):
    with Folder() as folder:
        path = folder.path("a.conf")
        with open(path, "wb") as file:
            file.write(b"\xef\xbb\xbfgatway = 10.0.0.1\r\n[web]\r\nport = 8080 # web\r\n"
                       b"exec = \x00\r\n" + b"#" + 5000 * b"x" + b"\r\n")
        wanted = [(1, "'gatway' is not a key; did you mean gateway?"),
                  (3, "port '8080 # web' is not a list of ports (a comment needs a line of its "
                      "own)"), (4, "a NUL byte (0x00 at byte 8)"),
                  (5, "a line of more than 4096 bytes")]
        result = run(program, "check-config", path).expect(2)
        equal(result.out, "".join(f"{path}:{line}: {text}\n" for line, text in wanted))
        result = run(program, "check-config", "--json", path).expect(2)
        equal([json.loads(line) for line in result.out.splitlines()],
              [{"event": "problem", "file": path, "line": line, "text": text}
               for line, text in wanted])
        with open(path, "w", encoding="ascii") as file:
            file.write(300 * "what\n")
        result = run(program, "check-config", path).expect(2)
        equal((result.out.count("\n"), result.out.splitlines()[-1]),
              (101, f"{path}: further problems: 201"))


@test
def check_config_says_what_a_good_file_asks_for(program):
    with Folder() as folder:
        path = folder.path("a.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("[web]\nport = 8080, 443/udp\n"
                       "[torrent]\nport = 6881/both\nexternal = 50000\nexec = x\nfile = /run/x\n")
        result = run(program, "check-config", path).expect(0)
        equal(result.out, f"{path} is good: 2 sections, 3 ports\n  web: 8080/tcp, 443/udp\n"
                          "  torrent: 6881/both by 50000 outside, exec, file\n")
        result = run(program, "check-config", path, "--json").expect(0)
        equal(json.loads(result.out), {
            "event": "good", "file": path, "sections": [
                {"name": "web", "ports": [{"port": 8080, "protocol": "tcp"},
                                          {"port": 443, "protocol": "udp"}],
                 "external": None, "exec": None, "file": None},
                {"name": "torrent", "ports": [{"port": 6881, "protocol": "both"}],
                 "external": 50000, "exec": "x", "file": "/run/x"}]})
        equal((result.err, result.out.count("\n")), ("", 1), "what else is printed")


@test
def check_config_with_bad_arguments(program):
    for arguments, wanted in ((("a", "b"), "'b': one FILE is taken"),
                              (("-c", "x"), "'-c' is not an option here"),
                              (("",), "'' is not the name of a file")):
        result = run(program, "check-config", *arguments).expect(2)
        equal((result.out, result.err), ("", f"porthole check-config: {wanted}\n"))
    result = run(program, "check-config", "no-such-name").expect(2)
    equal(result.out, "/etc/porthole/no-such-name.conf: No such file or directory\n")

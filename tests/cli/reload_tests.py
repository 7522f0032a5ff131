# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole serve` at SIGHUP: what a changed configuration does on the gateway, and what it does not,
by the gateway's log."""

import json
import os
import signal

from chooser import REFUSED, Chooser
from harness import Gateway, Held, equal, test, wait_until
from hook_tests import Folder
from service_tests import WEB, Bench, Manager, NatPmpService


@test
def reload_leaves_alone_what_stays(program):
    """By its id, its key and the gateway's log; also under another section's name."""
    stays = "[torrent]\nport = 6881/both\nexternal = 50000\n"
    with Bench(program, WEB + stays + "[old]\nport = 8081\n", "--json") as bench:
        keys = {name: lease["key"] for name, lease in bench.service.leases().items()}
        for _ in range(3):
            bench.reload(WEB + stays + "[old]\nport = 8081\n")
        bench.reload("[www]\nport = 8080\n" + stays + "[new]\nport = 8082/udp\n")
        wait_until(lambda: ("tcp", 8081) not in bench.service.leases(), "the state file")
        leases = bench.service.leases()
        for name in (("tcp", 8080), ("tcp", 6881), ("udp", 6881)):
            equal(leases[name]["key"], keys[name], f"the key of {name}")
        log = bench.end()
        equal(list(bench.service.leases()), [], "the state file")
        events = [json.loads(line) for line in bench.service.out.splitlines()]
        told = {}
        for event in events:
            name = f"{event['protocol']} {event['internal']['port']}"
            told.setdefault(name, []).append((event["event"], event["id"]))
        for name in ("tcp 8080", "tcp 6881", "udp 6881", "tcp 8081", "udp 8082"):
            equal([event for event, _ in told[name]], ["mapped", "unmapped"], name)
            assert told[name][0][1] == told[name][1][1], told
        equal(sorted(log), sorted(
            ["opened tcp 8080 8080", "opened tcp 6881 50000", "opened udp 6881 50000",
             "opened tcp 8081 8081", "closed tcp 8081 8081 removed", "opened udp 8082 8082",
             "closed tcp 8080 8080 removed", "closed tcp 6881 50000 removed",
             "closed udp 6881 50000 removed", "closed udp 8082 8082 removed"]), "the log")
        assert log.index("closed tcp 8081 8081 removed") < log.index(
            "closed tcp 8080 8080 removed"), log


@test
def reload_changes_what_is_wished_for_in_other_terms(program):
    with Bench(program, WEB + "external = 50000\n[b]\nport = 8081\n") as bench:
        bench.reload(WEB + "external = 50001\n[b]\nport = 8081\n")
        bench.reload(WEB + "external = 50001\nlifetime = 600\n[b]\nport = 8081\n")
        bench.reload(WEB + "lifetime = 600\n[b]\nport = 8081\n")
        log = bench.end()
        equal([line for line in log if " 8081 " not in line],
              ["opened tcp 8080 50000", "closed tcp 8080 50000 removed", "opened tcp 8080 50001",
               "closed tcp 8080 50001 removed", "opened tcp 8080 50001",
               "closed tcp 8080 50001 removed", "opened tcp 8080 8080",
               "closed tcp 8080 8080 removed"], "the log")
        equal(len([line for line in log if " 8081 " in line]), 2, "the log of what stays")


@test
def reload_asks_for_the_port_that_the_gateway_chose(program):
    asked = []

    def choose(_, wished):
        asked.append(wished)
        return wished if wished > 50000 else 50001

    with Chooser(choose) as chooser, Folder() as folder, Manager(folder) as manager:
        with NatPmpService(program, folder, manager, chooser, WEB) as held:
            held.reload(WEB + "lifetime = 600\n")
            held.end(0, signal.SIGTERM)
    equal(asked, [8080, 50001], "what was wished for")


@test
def lease_that_is_asked_for_anew_stays_noted(program):
    """Its removal does not take the note along: a crash now must leave nothing unknown."""
    refuses = []
    with Chooser(lambda protocol, wished: -REFUSED if refuses else wished) as chooser, \
            Folder() as folder, Manager(folder) as manager:
        with NatPmpService(program, folder, manager, chooser, WEB) as held:
            key = held.leases()["tcp", 8080]["key"]
            refuses.append(True)
            held.reload(WEB + "lifetime = 600\n")
            wait_until(lambda: "8080 is not open" in held.err, "the refusal")
            wait_until(lambda: "8080 is closed" in held.out, "the removal")
            equal([(lease["key"], lease["holder"]) for lease in held.leases().values()],
                  [(key, held.process.pid)], "the state file")
            held.end(0, signal.SIGTERM)
            equal(list(held.leases()), [], "the state file")


@test
def reload_of_a_pair(program):
    """Both protocols by one port stay together, and are asked for anew when one goes or comes."""
    with Bench(program, "[a]\nport = 6881\n") as bench:
        bench.reload("[a]\nport = 6881/both\n")
        bench.reload("[a]\nport = 6881/both\nfile = FOLDER/file\n")
        wanted = [f"{protocol} 6881 {bench.gateway.external} 6881" for protocol in ("tcp", "udp")]
        wait_until(lambda: bench.folder.text("file").splitlines() == wanted, "the file")
        bench.reload("[a]\nport = 6881/udp\n")
        wait_until(lambda: not os.path.exists(bench.folder.path("file")), "the file's end")
        log = bench.end()
        for protocol in ("tcp", "udp"):
            equal([line for line in log if f" {protocol} " in line],
                  2 * [f"opened {protocol} 6881 6881", f"closed {protocol} 6881 6881 removed"],
                  "the log")


@test
def reload_of_a_bad_file_changes_nothing(program):
    with Bench(program, WEB) as bench:
        bench.reload(WEB + "prot = 1\n[b]\nport = 0\n[c]\nport = 8081\n")
        path = bench.service.path
        wait_until(lambda: bench.service.err.count("\n") == 3, "the complaint")
        equal(bench.service.err,
              f"porthole serve: {path}:7: 'prot' is not a key; did you mean port?\n"
              f"porthole serve: {path}:9: port '0': a port is a number from 1 to 65535\n"
              f"porthole serve: {path} was not taken; the former one is in use\n")
        statuses = [told["STATUS"] for told in bench.manager.told if "STATUS" in told]
        assert [status for status in statuses if status.startswith(
            "the configuration file is wrong, the former one is in use; 1 of 1 port open: ")]
        bench.reload(WEB + "[c]\nport = 8081\n")
        os.remove(path)
        bench.service.send(signal.SIGHUP)
        wait_until(lambda: f"{path}: No such file" in bench.service.err, "the complaint")
        equal(bench.end(), ["opened tcp 8080 8080", "opened tcp 8081 8081",
                            "closed tcp 8080 8080 removed", "closed tcp 8081 8081 removed"])


@test
def reload_with_a_port_of_another_process_changes_nothing(program):
    with Bench(program, WEB) as bench:
        with Held(program, "map", *bench.gateway.ask, "--json", "--state",
                  bench.folder.path("leases"), "8081") as other:
            other.event("mapped")
            bench.reload("[b]\nport = 8081\n")
            wait_until(lambda: "was not taken" in bench.service.err, "the complaint")
            assert "tcp 8081 is held by process " in bench.service.err, bench.service.err
            other.end(0)
        bench.reload("[b]\nport = 8081\n")
        equal(bench.end(), ["opened tcp 8080 8080", "opened tcp 8081 8081",
                            "closed tcp 8081 8081 removed", "closed tcp 8080 8080 removed",
                            "opened tcp 8081 8081", "closed tcp 8081 8081 removed"])


@test
def reload_with_another_gateway_moves_all(program):
    with Gateway(program) as other, Bench(program, WEB + "file = FOLDER/file\n") as bench:
        bench.reload(WEB + "file = FOLDER/file\n", gateway=other)
        wanted = f"tcp 8080 {other.external} 8080\n"
        wait_until(lambda: bench.folder.text("file") == wanted, "the file")
        equal(bench.service.leases()["tcp", 8080]["gateway"], other.internal, "the state file")
        log = ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"]
        equal(bench.gateway.log(), log, "the former gateway's log")
        bench.service.end(0, signal.SIGTERM)
        equal(other.log(), log, "the next gateway's log")
        equal(list(bench.service.leases()), [], "the state file")


@test
def reload_many_times_in_a_row(program):
    with Bench(program, WEB) as bench:
        for number in range(20):
            bench.service.write(bench.gateway, WEB + f"[n]\nport = {9000 + number}\n")
            bench.service.send(signal.SIGHUP)
        bench.manager.until_status(f"tcp 9019 at {bench.gateway.external}:9019")
        log = bench.end()
        equal([line for line in log if " 8080 " in line],
              ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"], "what stays")
        opened = [line.split()[1:3] for line in log if line.startswith("opened")]
        closed = [line.split()[1:3] for line in log if line.endswith("removed")]
        equal(sorted(opened), sorted(closed), "what is left")


@test
def reload_is_possible_where_sighup_was_ignored(program):
    """As nohup leaves it."""
    with Bench(program, WEB, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) \
            as bench:
        bench.reload("[b]\nport = 8081\n")
        equal(bench.end(), ["opened tcp 8080 8080", "closed tcp 8080 8080 removed",
                            "opened tcp 8081 8081", "closed tcp 8081 8081 removed"], "the log")


@test
def reload_while_it_ends_does_no_harm(program):
    """The last hook is told all the same; that signal would end the process otherwise."""
    hook = "exec = test $PORTHOLE_EVENT = mapped || { sleep 1; echo $PORTHOLE_EVENT > FOLDER/log; }\n"
    with Bench(program, WEB + hook) as bench:
        bench.service.send(signal.SIGTERM)
        bench.manager.until("STOPPING")
        bench.service.send(signal.SIGHUP)
        bench.service.end(0, None)
        equal(bench.folder.text(), "unmapped\n", "what the hook was told")


def sleeps(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "S"


@test
def reload_while_all_moves_is_not_lost(program):
    """The former gateway does not answer, and the file changes once more meanwhile."""
    with Gateway(program) as other, Bench(program, WEB) as bench:
        bench.gateway.send(signal.SIGSTOP)
        bench.service.write(other, WEB)
        bench.service.send(signal.SIGHUP)
        bench.manager.until("RELOADING", "MONOTONIC_USEC")
        wait_until(lambda: sleeps(bench.service.process.pid), "the file to be read")
        bench.service.write(other, WEB + "[b]\nport = 8081\n")
        bench.service.send(signal.SIGHUP)
        bench.manager.until_status(f"tcp 8081 at {other.external}:8081")
        bench.gateway.send(signal.SIGCONT)
        bench.service.end(0, signal.SIGTERM)


@test
def reload_that_takes_a_removal_back(program):
    """The port is wished for again while its removal is under way: it is open and noted at the end."""
    both = WEB + "[b]\nport = 8081\n"
    with Bench(program, both) as bench:
        bench.gateway.send(signal.SIGSTOP)
        for text, status in ((WEB, "1 of 1 port open"), (both, "1 of 2 ports open")):
            bench.service.write(bench.gateway, text)
            bench.service.send(signal.SIGHUP)
            bench.manager.until_status(status)
        bench.gateway.send(signal.SIGCONT)
        bench.manager.until_status("2 of 2 ports open")
        equal(sorted(bench.service.leases()), [("tcp", 8080), ("tcp", 8081)], "the state file")
        equal(bench.end(), ["opened tcp 8080 8080", "opened tcp 8081 8081",
                            "closed tcp 8081 8081 removed", "opened tcp 8081 8081",
                            "closed tcp 8080 8080 removed", "closed tcp 8081 8081 removed"])

# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole unmap` against the embedded gateway: what an earlier porthole left is removed, by the
state file, by its key or by force, and nothing else is."""

import json
import os
import signal

from harness import CLIENT, Gateway, Held, Noted, equal, run, test, wait_until

UNKNOWN = ("no lease of porthole's is known; --foreign removes it whoever opened it, --key by its "
           "key\n")


@test
def what_once_left_is_removed(program):
    for method in ("pcp", "natpmp", "upnp"):
        with Noted(program) as gateway:
            run(program, "map", *gateway.ask, "-p", method, "--once", "8080/both").expect(0)
            equal([lease["via"] for lease in gateway.leases()], [method] * 2, "the methods")
            result = run(program, "unmap", *gateway.ask, "8080").expect(0)
            equal((result.out, result.err), ("tcp 8080 is closed\n", ""), method)
            equal([lease["protocol"] for lease in gateway.leases()], ["udp"], "what is left")
            result = run(program, "unmap", *gateway.ask, "8080/udp").expect(0)
            equal(gateway.leases(), [], "the leases")
            log = [line for line in gateway.log() if line.startswith("closed")]
            equal(log, ["closed tcp 8080 8080 removed", "closed udp 8080 8080 removed"], "the log")


@test
def removal_tells_programs(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        result = run(program, "unmap", *gateway.ask, "--json", "8080").expect(0)
        event = json.loads(result.out)
        equal((event["event"], event["protocol"], event["internal"], event["via"], event["fate"]),
              ("unmapped", "tcp", {"address": CLIENT, "port": 8080}, "pcp", "removed"), "the event")


@test
def unknown_lease_is_left_alone(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--state", "none", "-p", "natpmp", "--once",
            "8080").expect(0)
        result = run(program, "unmap", *gateway.ask, "8080").expect(1)
        equal(result.err, f"porthole unmap: tcp 8080: {UNKNOWN}", "standard error")
        run(program, "unmap", *gateway.ask, "-p", "natpmp", "--foreign", "8080").expect(0)
        equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"], "the log")


@test
def key_opens_what_only_its_owner_may_close(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "-p", "pcp", "8080").expect(0)
        key = gateway.leases()[0]["key"]
        os.unlink(gateway.state)
        result = run(program, "unmap", *gateway.ask, "-p", "pcp", "--foreign", "8080").expect(4)
        equal(result.out, "tcp 8080: the gateway did not confirm (the gateway does not allow it: "
                          "NOT_AUTHORIZED (2)); it closes with its lease\n")
        result = run(program, "unmap", *gateway.ask, "--json", "-p", "pcp", "--foreign",
                     "8080").expect(4)
        event = json.loads(result.out)
        equal((event["fate"], event["error"], event["code"]), ("expires", "not_authorized", 2))
        run(program, "unmap", *gateway.ask, "-p", "pcp", "--key", key.upper(), "8080").expect(0)
        equal(gateway.log()[-1], "closed tcp 8080 8080 removed", "the log")


@test
def all_are_removed_and_what_is_held_stays(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080", "8081/udp").expect(0)
        run(program, "map", *gateway.ask, "--once", "-p", "upnp", "8082").expect(0)
        with Held(program, "map", *gateway.ask, "--json", "8083") as held:
            held.event("mapped")
            wait_until(lambda: len(gateway.leases()) == 4, "the note of what is held")
            result = run(program, "unmap", *gateway.ask, "8083").expect(1)
            equal(result.err, f"porthole unmap: tcp 8083 is held by process {held.process.pid}: "
                              "end that\n", "standard error")
            result = run(program, "unmap", *gateway.ask, "--all").expect(0)
            equal(sorted(result.out.splitlines()), [
                "tcp 8080 is closed", "tcp 8082 is closed", "udp 8081 is closed"], "output")
            equal([lease["internal"] for lease in gateway.leases()], [8083], "what is left")
            held.end(0)
        equal(gateway.leases(), [], "the leases")
        result = run(program, "unmap", *gateway.ask, "--all").expect(0)
        equal(gateway.mask(result.out), "No lease of porthole's is known on GATEWAY.\n")
        equal(run(program, "unmap", *gateway.ask, "--all", "--json").expect(0).out, "", "JSON")


@test
def stale_ones_are_those_of_the_crashed(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        with Held(program, "map", *gateway.ask, "--json", "8081") as held:
            held.event("mapped")
            held.end(-signal.SIGKILL, signal.SIGKILL)
        result = run(program, "unmap", *gateway.ask, "--stale").expect(0)
        equal(result.out, "tcp 8081 is closed\n")
        equal([lease["internal"] for lease in gateway.leases()], [8080], "what is left")


@test
def all_of_this_host_is_more_than_porthole_s(program):
    with Noted(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "-p", "pcp", "8080").expect(0)
        for port, method in ((8081, "natpmp"), (8082, "upnp")):
            run(program, "map", *gateway.ask, "--state", "none", "--once", "-p", method,
                f"{port}/both").expect(0)
        run(program, "unmap", *gateway.ask, "--all", "--foreign").expect(0)
        log = gateway.log()
        closed = sorted(line for line in log if line.startswith("closed"))
        equal(closed, ["closed tcp 8080 8080 removed", "closed tcp 8081 8081 removed",
                       "closed tcp 8082 8082 removed", "closed udp 8081 8081 removed",
                       "closed udp 8082 8082 removed"], "the log")


@test
def nobody_there_is_told(program):
    with Gateway(program, "--no-pcp", "--no-natpmp", "--no-upnp") as gateway:
        result = run(program, "unmap", *gateway.ask, "--foreign", "-p", "pcp,natpmp",
                     "8080").expect(3)
        equal(result.err, "porthole unmap: tcp 8080: no gateway answered\n", "standard error")
        result = run(program, "unmap", *gateway.ask, "--foreign", "-p", "pcp,natpmp", "--json",
                     "8080").expect(3)
        event = json.loads(result.out)
        equal((event["event"], event["error"]), ("failed", "no_gateway"), "the event")

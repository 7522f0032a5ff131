# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of `porthole list`: what a real router tells of mappings that this host, another
program and another host have made, by its list and by its index."""

import contextlib
import json
import os
import signal
import subprocess

import netns
from lab import ROUTER, Lab
from lease_tests import KINDS, once, wait_until_noted
from peer_tests import Skipped, peer
from programs import Porthole
from scenarios import BOTH, PORT, start_router, test

OTHER = "192.168.77.9"
OTHER_MAC = "02:00:00:00:77:09"


@contextlib.contextmanager
def other_host(lab):
    """Another host of the router's network, in a namespace of its own; gives its name."""
    names = netns.create(("other",))
    lab.names["other"] = names["other"]  # taken down with the lab
    with netns.inside(lab.names["client"]):
        netns.run(["ip", "link", "add", "link", "eth0", "name", "other0", "address", OTHER_MAC,
                   "netns", names["other"], "type", "macvlan", "mode", "bridge"])
    with netns.inside(names["other"]):
        for line in (f"addr add {OTHER}/24 dev other0", "link set other0 up",
                     f"route add default via {ROUTER} dev other0"):
            netns.run(["ip", *line.split()])
    yield names["other"]


def upnpc(lab, role, *arguments):
    """upnpc on one of the hosts."""
    path = netns.find_command("upnpc")
    if not path:
        raise Skipped("upnpc is not installed")
    process = netns.start(lab.names[role], [path, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, f"upnpc: exit {process.returncode}: {output[-300:]}"


def listed(lab, *arguments, code=0):
    """The entries, and the end."""
    with Porthole(lab, "list", "--json", *arguments) as porthole:
        porthole.expect_exit(code, patience_s=20)
    return porthole.seen[:-1], porthole.seen[-1]


def owners(entries):
    return {(entry["protocol"], entry["external"]["port"]): (entry["owner"], entry["via"])
            for entry in entries}


@test(*BOTH)
def list_tells_whose_each_mapping_is(tools, router):
    with Lab(tools) as lab, other_host(lab):
        start_router(lab, router, "pcp")
        state = ("--state", os.path.join(lab.directory, "leases.json"))
        once(lab, *state, "-p", "pcp", "-e", "50001", str(PORT))
        once(lab, *state, "-p", "natpmp", "-e", "50002", f"{PORT + 1}/udp")
        peer(lab, "upnpc", "-e", "a game", "-a", "192.168.77.2", "9000", "50003", "UDP", "3600")
        upnpc(lab, "other", "-e", "tele & vision", "-a", OTHER, "9000", "50004", "TCP", "3600")
        with Porthole(lab, "map", "--json", *state, "-p", "upnp", "-e", "50005",
                      str(PORT + 2)) as held:
            held.wait_event("mapped")
            wait_until_noted(state[1], 50005)
            entries, end = listed(lab, *state)
            assert owners(entries) == {
                ("tcp", 50001): ("left", "pcp"), ("udp", 50002): ("left", "natpmp"),
                ("udp", 50003): ("host", "upnp"), ("tcp", 50004): ("other", "upnp"),
                ("tcp", 50005): ("held", "upnp")}, f"the entries: {entries}"
            assert (end["error"], end["cut"], end["changed"]) == (None, False, False), end
            game, other = entries[2], entries[3]
            assert game["internal"] == {"address": "192.168.77.2", "port": 9000}, game
            assert game["description"] == "a game", game
            assert other["internal"] == {"address": OTHER, "port": 9000}, other
            assert other["description"] == "tele & vision", other
            assert 3000 < other["lifetime_s"] <= 3600, other
            assert entries[4]["holder"] == held.process.pid, entries[4]
            held.process.send_signal(signal.SIGKILL)
            held.expect_exit(-signal.SIGKILL)
        assert owners(listed(lab, *state, "--ours", "--tcp")[0]) == {
            ("tcp", 50001): ("left", "pcp"), ("tcp", 50005): ("stale", "upnp")}
        # From the other host the same list is the other way round.
        with Porthole(lab, "list", "--json", "--state", "none", role="other") as porthole:
            porthole.expect_exit(0, patience_s=20)
        found = owners(porthole.seen[:-1])
        assert found[("tcp", 50004)] == ("host", "upnp"), found
        assert found[("udp", 50003)] == ("other", "upnp"), found


@test("miniupnpd")
def long_list_of_a_real_router_is_whole(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, KINDS["upnp"])
        ports = range(20000, 20060)
        with Porthole(lab, "map", "--json", *map(str, ports)) as held:
            for _ in ports:
                held.wait_event("mapped")
            entries, end = listed(lab, "--state", "none")
            assert [entry["external"]["port"] for entry in entries] == list(ports), end
            assert not end["changed"], end
            held.interrupt()
            held.expect_exit(0)
        assert listed(lab, "--state", "none")[0] == []


@test(*BOTH)
def router_without_upnp_leaves_the_record(tools, router):
    with Lab(tools) as lab:
        if router == "gateway":
            lab.start_gateway("--no-upnp")
        else:
            lab.start_miniupnpd(upnp=False)
        state = ("--state", os.path.join(lab.directory, "leases.json"))
        once(lab, *state, "-p", "pcp", str(PORT))
        entries, end = listed(lab, *state, code=3)
        assert end["error"] == "no_gateway", end
        assert [(entry["via"], entry["listed"]) for entry in entries] == [("pcp", False)], entries
        assert json.dumps(entries[0]["internal"]) == json.dumps(
            {"address": "192.168.77.2", "port": PORT}), entries

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of leases that outlive their process: a later one renews them, removes them, and
goes on after a crash, each time with what the router itself says of it."""

import json
import os
import signal
import time

import netns
from lab import Lab
from programs import Porthole
from scenarios import (BOTH, PORT, check_gone, check_mapped, check_payload, check_silence,
                       start_router, test)

KINDS = {"pcp": "pcp", "natpmp": "natpmp, pcp refused", "upnp": "upnp, refused"}
OUTSIDE = 50123
NEIGHBOUR = "192.168.77.9"
PATIENCE_S = 5.0


def once(lab, *arguments):
    """`porthole map --once`; the event of its port."""
    with Porthole(lab, "map", "--once", "--json", *arguments) as porthole:
        event = porthole.wait_event("mapped")
        porthole.expect_exit(0)
    return event


def unmap(lab, *arguments, code=0):
    with Porthole(lab, "unmap", "--json", *arguments) as porthole:
        porthole.expect_exit(code, patience_s=20)
    return porthole.seen


def wait_until_noted(path, outside):
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with open(path, encoding="utf-8") as file:
            if any(lease["external"] == outside for lease in json.load(file)["leases"]):
                return
        time.sleep(0.002)
    raise AssertionError(f"port {outside} is not noted within {PATIENCE_S:g} s")


def life_of_a_lease(tools, router, via):
    """Left open, used, renewed by another process with its port, used again, removed by a third."""
    with Lab(tools) as lab:
        start_router(lab, router, KINDS[via])
        state = ("--state", os.path.join(lab.directory, "leases.json"))
        first = once(lab, *state, "-e", str(OUTSIDE), str(PORT))
        outside = check_mapped(lab, router, first, "tcp", PORT, (via,))
        check_payload(lab, "tcp", PORT, outside)
        second = once(lab, *state, str(PORT))
        assert second["via"] == via, f"renewed by {second['via']}"
        assert second["external"]["port"] == outside, f"renewed at {second['external']}"
        if router == "miniupnpd":
            assert len(lab.rules()) == 1, f"the router has {lab.rules()}"
        check_payload(lab, "tcp", PORT, outside)
        fates = [event["fate"] for event in unmap(lab, *state, str(PORT))]
        assert fates == ["removed"], f"fates: {fates}"
        check_gone(lab, "tcp", PORT, outside)
        check_silence(lab)


@test(*BOTH)
def lease_of_pcp_is_renewed_and_removed_by_later_processes(tools, router):
    life_of_a_lease(tools, router, "pcp")


@test(*BOTH)
def lease_of_natpmp_is_renewed_and_removed_by_later_processes(tools, router):
    life_of_a_lease(tools, router, "natpmp")


@test(*BOTH)
def lease_of_upnp_is_renewed_and_removed_by_later_processes(tools, router):
    life_of_a_lease(tools, router, "upnp")


@test(*BOTH)
def after_a_crash_the_port_is_the_same_and_is_removed_in_the_end(tools, router):
    for via, kind in KINDS.items():
        with Lab(tools) as lab:
            start_router(lab, router, kind)
            state = ("--state", os.path.join(lab.directory, "leases.json"))
            with Porthole(lab, "map", "--json", *state, "-e", str(OUTSIDE), str(PORT)) as crashed:
                outside = crashed.wait_event("mapped")["external"]["port"]
                wait_until_noted(state[1], outside)
                crashed.process.send_signal(signal.SIGKILL)
                crashed.expect_exit(-signal.SIGKILL)
            with Porthole(lab, "map", "--json", *state, str(PORT)) as porthole:
                event = porthole.wait_event("mapped")
                assert event["external"]["port"] == outside, f"{via}: {event['external']}"
                check_payload(lab, "tcp", PORT, outside)
                porthole.interrupt()
                porthole.expect_exit(0)
            check_gone(lab, "tcp", PORT, outside)


@test("miniupnpd")
def all_of_this_host_goes_and_another_host_s_entry_stays(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, KINDS["upnp"])
        once(lab, str(PORT))
        once(lab, f"{PORT + 1}/udp")
        with netns.inside(lab.names["client"]):
            netns.run(["ip", "address", "add", f"{NEIGHBOUR}/24", "dev", "eth0"])
        once(lab, "-b", NEIGHBOUR, "9000")
        assert len(lab.rules()) == 3, f"the router has {lab.rules()}"
        unmap(lab, "--state", "none", "--all", "--foreign", "-p", "upnp")
        assert lab.rules() == [("tcp", 9000, NEIGHBOUR, 9000)], f"left: {lab.rules()}"

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Figures about a host whose network changes under a mapping that is held."""

import time

import netns
from figures import figure
from lab import ROUTER, Lab
from measure import Row, Target, finish
from programs import Porthole

RUNS_MAX = 10
ADDRESSES = ("192.168.77.8", "192.168.77.9")
# What the router speaks; the rest is refused, or silent.
KINDS = {
    "pcp": lambda lab: lab.start_miniupnpd(),
    "natpmp": lambda lab: (lab.start_miniupnpd(upnp=False), lab.refuse_pcp()),
    "upnp": lambda lab: lab.start_miniupnpd(natpmp=False),
}


def change_address(lab, address):
    """As a DHCP client does it: the old address goes, another comes, then the route."""
    text = (f"addr flush dev eth0\naddr add {address}/24 dev eth0\n"
            f"route add default via {ROUTER} dev eth0\n")
    netns.run(["ip", "-netns", lab.names["client"], "-batch", "-"], text)


def time_changes(lab, runs):
    """From the change to the event that tells of the new mapping, in ms, each run."""
    times = []
    with Porthole(lab, "map", "8080/tcp", "--json") as porthole:
        porthole.wait_event("mapped")
        for turn in range(runs):
            time.sleep(1.0)
            begun_s = time.monotonic() - porthole.started_s
            change_address(lab, ADDRESSES[turn % 2])
            event = porthole.wait_event("mapped", 10.0)
            times.append((event["at_s"] - begun_s) * 1000)
        porthole.interrupt()
        porthole.wait_exit()
    return times


@figure("address-change", "address of the host changed: new mapping, miniupnpd")
def address_change(job):
    if not job.programs.porthole:
        return []
    runs = min(job.runs, RUNS_MAX)
    rows = []
    for kind, start in KINDS.items():
        job.progress(f"address change, {kind}")
        with Lab(job.tools) as lab:
            start(lab)
            times = time_changes(lab, runs)
        rows.append(Row(f"porthole, {kind}", times, len(times), runs))
    finish(rows, Target(2000, of="max"))
    return rows

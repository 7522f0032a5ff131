# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of a host whose network changes under its mappings: its address, its cable, its
default route. Each change is one that a person or a DHCP client makes, by ip(8)."""

import contextlib
import os
import subprocess
import time

import netns
import payload
from lab import CLIENT, ROUTER, WAN, Lab
from netns import run
from programs import Porthole
from scenarios import BOTH, PORT, check_mapped, check_silence, close, start_router, test

NEW_CLIENT = "192.168.77.9"
SECOND_CLIENT, SECOND_ROUTER, SECOND_WAN = "192.168.88.2", "192.168.88.1", "5.6.7.8"
# A change is looked at when it has been quiet for 0.2 s; the rest is what was promised.
MOVED_S_MAX = 2.0
PULLED_S = 30.0


def ip(lab, role, text):
    run(["ip", "-netns", lab.names[role], "-batch", "-"], text)


class TwoRouters(Lab):
    """The client has a second interface, towards a second router: our own gateway."""

    def __enter__(self):
        super().__enter__()
        try:
            self.names.update(netns.create(("second",)))
            client, second = self.names["client"], self.names["second"]
            run(["ip", "link", "add", "eth1", "netns", client, "type", "veth",
                 "peer", "name", "lan0", "netns", second])
            ip(self, "client", f"addr add {SECOND_CLIENT}/24 dev eth1\nlink set eth1 up\n")
            ip(self, "second", f"link set lo up\naddr add {SECOND_ROUTER}/24 dev lan0\n"
                               f"addr add {SECOND_WAN}/32 dev lo\nlink set lan0 up\n")
            self.second = netns.start(
                second, [self.tools.porthole, "gateway", "--address", SECOND_ROUTER,
                         "--external", SECOND_WAN],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._wait_for_ports(self.second.pid, True, True)
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        with contextlib.suppress(AttributeError):
            self.second.kill()
            self.second.wait()
        super().close()


def began(porthole):
    return time.monotonic() - porthole.started_s


def wait_moved(porthole, since_s, **wanted):
    """The mapping is there again, in time."""
    event = porthole.wait_event("mapped", 10.0, **wanted)
    took_s = event["at_s"] - since_s
    assert took_s <= MOVED_S_MAX, f"mapped {took_s:.2f} s after the change"
    return event


def use_address(lab, address):
    """What a DHCP client does whose lease was not renewed: the old address goes, another comes."""
    ip(lab, "client", f"addr flush dev eth0\naddr add {address}/24 dev eth0\n"
                      f"route add default via {ROUTER} dev eth0\n")


def check_echo(lab, address, outside):
    with payload.Echo(lab.names["client"], "tcp", address, PORT):
        wrong = payload.call(lab.names["internet"], "tcp", WAN, outside, patience_s=5.0)
        assert wrong is None, wrong


def address_changes(tools, router, kind, via, *options):
    with Lab(tools) as lab:
        start_router(lab, router, kind)
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", *options) as porthole:
            check_mapped(lab, router, porthole.wait_event("mapped"), "tcp", PORT, (via,))
            time.sleep(0.5)
            since_s = began(porthole)
            use_address(lab, NEW_CLIENT)
            event = wait_moved(porthole, since_s)
            assert event["internal"]["address"] == NEW_CLIENT, f"internal {event['internal']}"
            assert event["external"]["address"] == WAN, f"external {event['external']}"
            check_echo(lab, NEW_CLIENT, event["external"]["port"])
            check_silence(lab)
            porthole.interrupt()
            porthole.expect_exit(0)
            left = [rule for rule in lab.rules() if rule[2] == NEW_CLIENT]
            assert left == [], f"left on the router: {left}"


@test(*BOTH)
def client_address_changes_pcp(tools, router):
    address_changes(tools, router, "pcp", "pcp")


@test(*BOTH)
def client_address_changes_with_a_named_gateway(tools, router):
    address_changes(tools, router, "pcp", "pcp", "--gateway", ROUTER)


@test(*BOTH)
def client_address_changes_natpmp(tools, router):
    address_changes(tools, router, "natpmp, pcp silent", "natpmp")


@test(*BOTH)
def client_address_changes_upnp(tools, router):
    address_changes(tools, router, "upnp, refused", "upnp")


@test(*BOTH)
def client_address_changes_and_the_old_one_stays_for_a_while(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            first = porthole.wait_event("mapped")
            check_mapped(lab, router, first, "tcp", PORT, ("pcp",))
            time.sleep(0.5)
            since_s = began(porthole)
            ip(lab, "client", f"addr add {NEW_CLIENT}/24 dev eth0\n"
                              f"route replace default via {ROUTER} dev eth0 src {NEW_CLIENT}\n")
            event = wait_moved(porthole, since_s)
            # The old mapping was deleted first, so that its port was free.
            assert event["external"] == first["external"], f"external {event['external']}"
            check_echo(lab, NEW_CLIENT, event["external"]["port"])
            if router == "miniupnpd":
                targets = {rule[2] for rule in lab.rules()}
                assert targets == {NEW_CLIENT}, f"the router forwards to {targets}"


def cable_is_pulled(tools, router, pulled_for_s, *options):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", *options) as porthole:
            first = porthole.wait_event("mapped")
            check_mapped(lab, router, first, "tcp", PORT, ("pcp",))
            time.sleep(0.5)
            pulled_s = began(porthole)
            ip(lab, "router", "link set lan0 down\n")
            event = porthole.wait_event("failed", 12.0)
            assert event["error"] == "no_network", f"error {event['error']}"
            told_s = event["at_s"] - pulled_s
            assert 4.5 <= told_s <= 8.0, f"told after {told_s:.2f} s"
            time.sleep(max(0.0, pulled_for_s - told_s))
            since_s = began(porthole)
            ip(lab, "router", "link set lan0 up\n")
            event = wait_moved(porthole, since_s)
            assert event["external"] == first["external"], f"external {event['external']}"
            check_echo(lab, CLIENT, event["external"]["port"])
            close(lab, porthole, [("tcp", event["external"]["port"])])


@test(*BOTH)
def cable_is_pulled_for_30_s(tools, router):
    cable_is_pulled(tools, router, PULLED_S)


@test(*BOTH)
def cable_is_pulled_with_a_named_gateway(tools, router):
    cable_is_pulled(tools, router, 8.0, "--gateway", ROUTER)


def cable_is_out(tools, router, kind):
    """Nobody is told, and nothing is made again."""
    with Lab(tools) as lab:
        start_router(lab, router, kind)
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            outside = porthole.wait_event("mapped")["external"]["port"]
            time.sleep(0.5)
            ip(lab, "router", "link set lan0 down\n")
            time.sleep(2.0)
            ip(lab, "router", "link set lan0 up\n")
            time.sleep(3.0)
            check_echo(lab, CLIENT, outside)
            close(lab, porthole, [("tcp", outside)])
            told = [event["event"] for event in porthole.seen]
            assert told == ["mapped", "unmapped"], f"told {told}"


@test(*BOTH)
def cable_is_out_for_a_moment_pcp(tools, router):
    cable_is_out(tools, router, "pcp")


@test(*BOTH)
def cable_is_out_for_a_moment_natpmp(tools, router):
    cable_is_out(tools, router, "natpmp, pcp silent")


@test(*BOTH)
def cable_is_out_for_a_moment_upnp(tools, router):
    cable_is_out(tools, router, "upnp, refused")


@test(*BOTH)
def default_route_moves_to_a_second_router(tools, router):
    with TwoRouters(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            check_mapped(lab, router, porthole.wait_event("mapped"), "tcp", PORT, ("pcp",))
            time.sleep(0.5)
            since_s = began(porthole)
            ip(lab, "client", f"route replace default via {SECOND_ROUTER} dev eth1\n")
            event = wait_moved(porthole, since_s, gateway=SECOND_ROUTER)
            assert event["external"]["address"] == SECOND_WAN, f"external {event['external']}"
            assert event["internal"]["address"] == SECOND_CLIENT, f"internal {event['internal']}"
            time.sleep(0.5)
            assert lab.rules() == [], f"left on the first router: {lab.rules()}"
            porthole.interrupt()
            porthole.expect_exit(0)


@test(*BOTH)
def network_appears_later(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        ip(lab, "client", "route del default\n")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            event = porthole.wait_event("failed", 2.0)
            assert event["error"] == "no_network", f"error {event['error']}"
            time.sleep(3.0)
            since_s = began(porthole)
            ip(lab, "client", f"route add default via {ROUTER} dev eth0\n")
            outside = check_mapped(lab, router, wait_moved(porthole, since_s), "tcp", PORT,
                                   ("pcp",))
            close(lab, porthole, [("tcp", outside)])


def cost_of(pid):
    """How often a process went to sleep so far, and its processor time in seconds."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        switches = next(int(line.split()[1]) for line in file
                        if line.startswith("voluntary_ctxt_switches"))
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return switches, (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@test("gateway")
def idle_wakes_nobody_and_others_routes_cost_nothing(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            porthole.wait_event("mapped")
            time.sleep(1.0)
            before, _ = cost_of(porthole.process.pid)
            time.sleep(3.0)
            after, _ = cost_of(porthole.process.pid)
            assert after == before, f"{after - before} wake-ups in 3 idle seconds"
            # Routes by the thousand come and go, and addresses besides, for 5 s.
            routes = "".join(f"route add 10.{n // 250}.{n % 250}.0/24 dev eth0 table 77\n"
                             for n in range(5000))
            addresses = "".join(f"addr add 10.99.0.{n}/32 dev lo\naddr del 10.99.0.{n}/32 dev lo\n"
                                for n in range(1, 250))
            _, cpu_s = cost_of(porthole.process.pid)
            begun = time.monotonic()
            while time.monotonic() < begun + 5.0:
                ip(lab, "client", routes + addresses)
                ip(lab, "client", "route flush table 77\n")
            wakes, cpu_after_s = cost_of(porthole.process.pid)
            took_s = time.monotonic() - begun
            assert wakes - after <= 12 * took_s, f"{wakes - after} wake-ups in {took_s:.1f} s"
            assert cpu_after_s - cpu_s <= 0.05 * took_s, f"{cpu_after_s - cpu_s:.2f} s of processor"
            close(lab, porthole, [("tcp", PORT)])
            told = [event["event"] for event in porthole.seen]
            assert told == ["mapped", "unmapped"], f"told {told}"

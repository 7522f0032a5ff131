# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of staying open: the router crashes and forgets, with and without a word about
it, its address changes, and somebody on the wire forges such words."""

import os
import signal
import subprocess
import sys
import time

import netns
import peer_tests
from lab import CLIENT, WAN, Lab
from programs import Porthole
from scenarios import PORT, check_gone, check_mapped, check_payload, start_router, test

FORGER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "forger.py")
KINDS = {"pcp": "pcp", "natpmp": "natpmp, pcp silent", "upnp": "upnp, refused"}
ANNOUNCED_S_MAX = 6.0  # of which up to 5 s are the wait that RFC 6887 asks for
RECHECK_S = 60.0  # where nothing can be heard
NEW_WAN = "1.2.3.5"


class Forger:
    """The flood, for the time of a with block. It needs a lab with a link."""

    def __init__(self, lab, client_port=0, rate=1000):
        self.lab, self.arguments = lab, ("upper", str(client_port), str(rate))

    def __enter__(self):
        argv = [sys.executable, "-B", FORGER, *self.arguments]
        self.process = netns.start(self.lab.names["link"], argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "the forger did not start"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def control_port(lab, pid):
    """The client's port towards 5351: a forger on the wire sees it too."""
    with open(f"/proc/{pid}/net/udp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if fields[2].endswith(":14E7"):
                return int(fields[1].split(":")[1], 16)
    return 0


def mute(lab):
    """Nothing that the router sends unasked leaves it."""
    lab.nft('add chain inet filter lab_output { type filter hook output priority 0; }\n'
            'add rule inet filter lab_output oifname "lan0" ip daddr 224.0.0.0/4 drop\n')


def deafen(lab):
    """Somebody else in the client holds the ports at which announcements arrive."""
    with netns.inside(lab.names["client"]):
        argv = [sys.executable, "-B", "-c",
                "import socket, time\n"
                "held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]\n"
                "for one, port in zip(held, (5350, 1900)): one.bind(('0.0.0.0', port))\n"
                "print('ready', flush=True)\n"
                "time.sleep(1000)\n"]
        holder = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    return holder


def await_rule(lab, rule, patience_s):
    """How long it takes until the router has the rule."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience_s:
        if rule in lab.rules():
            return time.monotonic() - begun
        time.sleep(0.02)
    raise AssertionError(f"the mapping is not back within {patience_s:g} s: {lab.rules()}")


def crash(lab, protocol):
    """kill -9, nothing remembered, and up again at once."""
    lab.stop_router(signal.SIGKILL)
    lab.flush()
    assert lab.rules() == []
    lab.start_miniupnpd(natpmp=protocol != "upnp")


def crash_and_come_back(tools, protocol, patience_s, prepare=None):
    with Lab(tools) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        helper = prepare(lab) if prepare else None
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", "-vv") as porthole:
            event = porthole.wait_event("mapped")
            outside = check_mapped(lab, "miniupnpd", event, "tcp", PORT, (protocol,))
            time.sleep(4.0)  # so that a clock at 0 again shows
            crash(lab, protocol)
            await_rule(lab, ("tcp", outside, CLIENT, PORT), patience_s)
            check_payload(lab, "tcp", PORT, outside)
            porthole.interrupt()
            porthole.expect_exit(0)
            check_gone(lab, "tcp", PORT, outside)
        if helper:
            helper.kill()
            helper.communicate()


@test(*KINDS, name="router crashes and announces its restart")
def announced_restart(tools, protocol):
    crash_and_come_back(tools, protocol, ANNOUNCED_S_MAX)


@test(*KINDS, name="router crashes, ports of announcements taken")
def unheard_restart(tools, protocol):
    crash_and_come_back(tools, protocol, RECHECK_S + 2.0, deafen)


def wan_address_changes(tools, protocol, bound_s, prepare=None):
    with Lab(tools) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        helper = prepare(lab) if prepare else None
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", "-vv") as porthole:
            event = porthole.wait_event("mapped")
            outside = check_mapped(lab, "miniupnpd", event, "tcp", PORT, (protocol,))
            time.sleep(4.0)
            netns.run(["ip", "-netns", lab.names["router"], "-batch", "-"],
                      f"addr del {WAN}/24 dev wan0\naddr add {NEW_WAN}/24 dev wan0\n")
            give_up = time.monotonic() + bound_s
            address = WAN
            while address != NEW_WAN:
                # Changed under the mapping, or made again under the new address.
                event = porthole.wait_any(("changed", "mapped"), give_up - time.monotonic())
                address = event["external"]["address"]
            assert event["external"]["port"] == outside
            porthole.interrupt()
            porthole.expect_exit(0)
        if helper:
            helper.kill()
            helper.communicate()


@test("pcp", "natpmp", name="router's address changes")
def new_wan_address(tools, protocol):
    wan_address_changes(tools, protocol, ANNOUNCED_S_MAX)


@test("upnp", name="router's address changes, ports of announcements taken")
def new_wan_address_by_upnp(tools, protocol):
    """Nothing is announced: the device is asked once in a while."""
    wan_address_changes(tools, protocol, RECHECK_S + 2.0, deafen)


@test(*KINDS, name="a forger floods the client")
def forged_flood(tools, protocol):
    with Lab(tools, delay_us=1000) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", "-t", "20") as first:
            first.wait_event("mapped")
            with Forger(lab, control_port(lab, first.process.pid)):
                time.sleep(1.0)
                second = Porthole(lab, "map", f"{PORT + 1}/udp", "--json", "-vv")
                with second:
                    event = second.wait_event("mapped", 5.0)
                    outside = check_mapped(lab, "miniupnpd", event, "udp", PORT + 1, (protocol,))
                    time.sleep(25.0)  # the first one's lease ends in this time
                    assert len(second.seen) == 1, f"events: {second.seen}"
                    check_payload(lab, "udp", PORT + 1, outside)
                    second.interrupt()
                    second.expect_exit(0)
            rule = ("tcp", PORT, CLIENT, PORT)
            assert rule in lab.rules(), f"not renewed: {lab.rules()}"
            first.interrupt()
            first.expect_exit(0)
            assert [e["event"] for e in first.seen] == ["mapped", "unmapped"], first.seen


@test("--no-natpmp", "--no-pcp", name="our gateway announces its restart")
def our_announced_restart(tools, option):
    with Lab(tools) as lab:
        options = (option, "--announce", "224.0.0.1")
        lab.start_gateway(*options)
        with Porthole(lab, "map", f"{PORT}/tcp", "--json", "-vv") as porthole:
            outside = porthole.wait_event("mapped")["external"]["port"]
            time.sleep(5.0)  # so that a clock at 0 again shows
            lab.stop_router(signal.SIGKILL)
            lab.start_gateway(*options)
            event = porthole.wait_event("mapped", ANNOUNCED_S_MAX)
            assert event["external"]["port"] == outside
            check_payload(lab, "tcp", PORT, outside)
            porthole.interrupt()
            porthole.expect_exit(0)


ANNOUNCE_V6 = """
import socket, struct
index = socket.if_nametoindex("lan0")
sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender.bind(("fd00::1", 0))
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
sender.sendto(struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0, 99999), ("ff02::1", 5350, 0, index))
"""


@test(name="announcement by IPv6 is heard")
def announcement_by_ipv6(tools, _router):
    """In front of a gateway that was named, which comes without an interface."""
    if not os.path.exists("/proc/sys/net/ipv6"):
        raise peer_tests.Skipped("this kernel has no IPv6")
    with Lab(tools) as lab:
        for role, device, address in (("client", "eth0", "fd00::2"), ("router", "lan0", "fd00::1")):
            for name in ("all", device):
                netns.set_sysctl(lab.names[role], f"net/ipv6/conf/{name}/disable_ipv6", 0)
            netns.run(["ip", "-netns", lab.names[role], "-batch", "-"],
                      f"addr add {address}/64 dev {device} nodad\n")
        gateway = netns.start(
            lab.names["router"],
            [tools.porthole, "gateway", "--address", "fd00::1", "--external", "fd00::1",
             "--no-upnp", "--no-forward"], stdout=subprocess.PIPE, text=True)
        gateway.stdout.readline()
        with Porthole(lab, "map", "-g", "fd00::1", f"{PORT}/tcp", "--json", "-vv") as porthole:
            porthole.wait_event("mapped")
            time.sleep(0.5)
            with netns.inside(lab.names["router"]):
                netns.run([sys.executable, "-B", "-c", ANNOUNCE_V6])
            give_up = time.monotonic() + ANNOUNCED_S_MAX
            while "the gateway announces something" not in porthole.log():
                assert time.monotonic() < give_up, porthole.log()
                time.sleep(0.05)
        gateway.kill()
        gateway.communicate()

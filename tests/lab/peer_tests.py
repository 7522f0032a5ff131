# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab proves itself, without porthole: Debian's natpmpc and upnpc, and requests written out
byte by byte, behave in it as they do behind a real router."""

import os
import socket
import subprocess
import time

import netns
import payload
from lab import CLIENT, ROUTER, WAN, Lab
from scenarios import BOTH, check_gone, check_payload, check_silence, start_router, test


class Skipped(Exception):
    """The test cannot run on this machine; says why."""


def peer(lab, *argv):
    """Runs a peer in the client; its output. Its failure is the test's."""
    path = netns.find_command(argv[0])
    if not path:
        raise Skipped(f"{argv[0]} is not installed")
    process = netns.start(lab.names["client"], [path, *argv[1:]], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, f"{argv[0]}: exit {process.returncode}: {output[-200:]}"
    return output


def ask(lab, request, patience_s=0.5):
    """Sends one datagram to the router's port 5351; the answer, None for silence, or "refused"."""
    with netns.inside(lab.names["client"]):
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asker:
        asker.settimeout(patience_s)
        asker.connect((ROUTER, 5351))
        try:
            asker.send(request)
            return asker.recv(2048)
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            return "refused"


def mapped_address(address):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(address)


def pcp_map(port, lifetime_s=60):
    """RFC 6887 §7.1 header and §11.1 MAP: TCP, the same port outside."""
    header = bytes([2, 1, 0, 0]) + lifetime_s.to_bytes(4, "big") + mapped_address(CLIENT)
    ports = port.to_bytes(2, "big") * 2
    return header + os.urandom(12) + bytes([6, 0, 0, 0]) + ports + mapped_address("0.0.0.0")


NATPMP_ADDRESS = bytes([0, 0])


def check_rule(lab, router, rule):
    if router == "miniupnpd":  # our gateway relays, and has no rules
        assert lab.rules() == [rule], lab.rules()


@test(*BOTH, name="lab: natpmpc opens and closes", porthole=False)
def natpmpc_opens(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        for protocol in ("tcp", "udp"):
            peer(lab, "natpmpc", "-a", "9001", "9000", protocol, "60")
            check_rule(lab, router, (protocol, 9001, CLIENT, 9000))
            check_payload(lab, protocol, 9000, 9001)
            peer(lab, "natpmpc", "-a", "9001", "9000", protocol, "0")
            check_gone(lab, protocol, 9000, 9001)
        check_silence(lab)


@test(*BOTH, name="lab: upnpc opens and closes", porthole=False)
def upnpc_opens(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "upnp, refused")
        peer(lab, "upnpc", "-a", CLIENT, "9000", "9001", "TCP", "60")
        check_rule(lab, router, ("tcp", 9001, CLIENT, 9000))
        check_payload(lab, "tcp", 9000, 9001)
        peer(lab, "upnpc", "-d", "9001", "TCP")
        check_gone(lab, "tcp", 9000, 9001)


@test(*BOTH, name="lab: pcp answers and maps", porthole=False)
def raw_pcp(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        reply = ask(lab, pcp_map(9000))
        assert reply[:4] == bytes([2, 129, 0, 0]), reply.hex()
        assert reply[-16:] == mapped_address(WAN), reply.hex()
        check_payload(lab, "tcp", 9000, 9000)


@test(*BOTH, name="lab: pcp silent, natpmp heard", porthole=False)
def raw_silent(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "natpmp, pcp silent")
        assert ask(lab, pcp_map(9000)) is None
        assert ask(lab, NATPMP_ADDRESS)[-4:] == socket.inet_aton(WAN)


@test(*BOTH, name="lab: pcp refused, natpmp heard", porthole=False)
def raw_refused(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "natpmp, pcp refused")
        reply = ask(lab, pcp_map(9000))
        assert reply[:4] == bytes([0, 129, 0, 1]) and len(reply) == 8, reply.hex()
        assert ask(lab, NATPMP_ADDRESS)[-4:] == socket.inet_aton(WAN)


@test(*BOTH, name="lab: 5351 refused and silent", porthole=False)
def raw_closed(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "upnp, refused")
        for _ in range(20):  # not limited by the kernel
            assert ask(lab, pcp_map(9000)) == "refused"
        lab.drop_input()
        assert ask(lab, pcp_map(9000)) is None


@test(name="lab: a port that nobody mapped is shut", porthole=False)
def unmapped_is_shut(tools, _router):
    with Lab(tools) as lab:
        start_router(lab, "miniupnpd", "pcp")
        check_gone(lab, "tcp", 9000, 9000)
        check_gone(lab, "udp", 9000, 9000)


@test(name="lab: the link delays", porthole=False)
def link_delays(tools, _router):
    with Lab(tools, delay_us=5000) as lab:
        start_router(lab, "miniupnpd", "pcp")
        times_ms = []
        for _ in range(20):
            begun = time.perf_counter()
            ask(lab, NATPMP_ADDRESS)
            times_ms.append((time.perf_counter() - begun) * 1000)
        times_ms.sort()
        assert times_ms[0] >= 10.0, f"a round trip of {times_ms[0]:.2f} ms is too fast"
        # The best of 20, because a busy machine delays the rest.
        assert times_ms[0] < 11.5, f"no round trip is faster than {times_ms[0]:.2f} ms"


@test(name="lab: the link loses, repeatably", porthole=False)
def link_loses(tools, _router):
    results = []
    for _ in range(2):
        with Lab(tools, loss_percent=20.0, seed=3) as lab:
            start_router(lab, "miniupnpd", "pcp")
            with netns.inside(lab.names["client"]):
                asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with asker:  # open until the end: answers to a closed port make further packets
                for _ in range(100):
                    asker.sendto(NATPMP_ADDRESS, (ROUTER, 5351))
                time.sleep(0.1)
                results.append(lab.link_counters()["up"])
    assert results[0]["lost"] == results[1]["lost"], results
    assert 10 <= results[0]["lost"] <= 30, results


@test(name="lab: large payload crosses the link unharmed", porthole=False)
def link_carries(tools, _router):
    with Lab(tools, delay_us=1000) as lab:
        start_router(lab, "miniupnpd", "pcp")
        ask(lab, pcp_map(9000))
        with payload.Echo(lab.names["client"], "tcp", CLIENT, 9000):
            body = os.urandom(2_000_000)
            wrong = payload.call(lab.names["internet"], "tcp", WAN, 9000, body)
            assert wrong is None, wrong


@test(name="lab: a router that crashes forgets", porthole=False)
def crash_forgets(tools, _router):
    with Lab(tools) as lab:
        start_router(lab, "miniupnpd", "pcp")
        ask(lab, pcp_map(9000))
        assert len(lab.rules()) == 1, lab.rules()
        lab.lose_state()
        assert lab.rules() == [], lab.rules()
        assert ask(lab, NATPMP_ADDRESS)[4:8] in (bytes(4), b"\0\0\0\1"), "its epoch goes on"

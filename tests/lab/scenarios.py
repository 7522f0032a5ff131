# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of porthole: each opens a port through a router of a certain kind, sends bytes
in from the internet side, ends porthole and looks at the router again.

A test is a function marked @test; ROUTERS says in front of which routers it runs.
"""

import time

import payload
from lab import CLIENT, ROUTER, WAN, Lab
from programs import Porthole

BOTH = ("miniupnpd", "gateway")
PORT = 8080
VERDICT_S_MAX = 3.5
TESTS = []

# The options with which our own gateway stands for the same kind of router.
GATEWAY_OPTIONS = {
    "pcp": (),
    "natpmp, pcp silent": ("--silent-pcp",),
    "natpmp, pcp refused": ("--no-pcp",),
    "upnp, refused": ("--no-pcp", "--no-natpmp"),
    "upnp, silent": ("--no-pcp", "--no-natpmp"),
}


def test(*routers, name=None, porthole=True):
    """Registers a function once for each router, as "words of its name, router"."""

    def register(function):
        words = name or function.__name__.replace("_", " ")
        for router in routers or (None,):
            full = f"{words}, {router}" if router else words
            TESTS.append((full, function, router, porthole or router == "gateway"))
        return function

    return register


def start_router(lab, router, kind):
    """Brings up a router of a kind: what it speaks, and how it says no to the rest."""
    if router == "gateway":
        lab.start_gateway(*GATEWAY_OPTIONS[kind])
    else:
        lab.start_miniupnpd(natpmp=not kind.startswith("upnp"))
        if kind == "natpmp, pcp silent":
            lab.silence_pcp()
        elif kind == "natpmp, pcp refused":
            lab.refuse_pcp()
    if kind == "upnp, silent":
        lab.drop_input()


def check_mapped(lab, router, event, protocol, port, via):
    """What the event says is what the router did."""
    assert event["protocol"] == protocol, f"protocol {event['protocol']}, not {protocol}"
    assert event["via"] in via, f"via {event['via']}, not {' or '.join(via)}"
    assert event["internal"]["port"] == port, f"internal {event['internal']}"
    assert event["internal"]["address"] == CLIENT, f"internal {event['internal']}"
    assert event["external"]["address"] == WAN, f"external {event['external']}"
    assert event["gateway"] == ROUTER, f"gateway {event['gateway']}"
    assert event["lifetime_s"] > 0 or event["via"] == "upnp", f"lifetime {event['lifetime_s']}"
    outside = event["external"]["port"]
    if router == "miniupnpd":
        rule = (protocol, outside, CLIENT, port)
        assert rule in lab.rules(), f"the router has {lab.rules()}, not {rule}"
    check_silence(lab)
    return outside


def check_silence(lab):
    """Opening a port is between the client and its router."""
    sent = lab.packets_from_client()
    assert sent == 0, f"{sent} packets of the client went out to the internet side"


def check_payload(lab, protocol, port, outside, patience_s=5.0):
    """Bytes from the internet side arrive in the client, and come back."""
    with payload.Echo(lab.names["client"], protocol, CLIENT, port):
        wrong = payload.call(lab.names["internet"], protocol, WAN, outside, patience_s=patience_s)
        assert wrong is None, wrong


def check_gone(lab, protocol, port, outside):
    """Nothing is left on the router, and the port is shut though somebody listens behind it."""
    left = lab.rules()
    assert left == [], f"left on the router: {left}"
    with payload.Echo(lab.names["client"], protocol, CLIENT, port):
        shut = payload.is_shut(lab.names["internet"], protocol, WAN, outside)
        assert shut, f"{protocol} port {outside} is still open"


def close(lab, porthole, ports, lossy=False):
    """SIGINT ends it in order: told, exit code 0, and the router and its ports as before."""
    porthole.interrupt()
    code = porthole.wait_exit()
    fates = [event["fate"] for event in porthole.seen if event["event"] == "unmapped"]
    check_silence(lab)
    if lossy and "expires" in fates and code == 1:
        return  # no answer came through in time, and porthole said so
    porthole.expect_exit(0)
    assert fates == ["removed"] * len(ports), f"fates of the mappings: {fates}"
    for protocol, outside in ports:
        check_gone(lab, protocol, PORT, outside)


def open_and_close(tools, router, kind, via, protocol="tcp", loss_percent=0.0, patience_s=10.0):
    """The whole life of one mapping: opened, used, closed by SIGINT."""
    delay_us = 5000 if loss_percent else 0
    with Lab(tools, delay_us=delay_us, loss_percent=loss_percent, seed=7) as lab:
        start_router(lab, router, kind)
        with Porthole(lab, "map", f"{PORT}/{protocol}", "--json") as porthole:
            event = porthole.wait_event("mapped", patience_s)
            outside = check_mapped(lab, router, event, protocol, PORT, via)
            check_payload(lab, protocol, PORT, outside, 5.0 + loss_percent)
            close(lab, porthole, [(protocol, outside)], loss_percent > 0)


@test(*BOTH)
def pcp_tcp(tools, router):
    open_and_close(tools, router, "pcp", ("pcp",))


@test(*BOTH)
def pcp_udp(tools, router):
    open_and_close(tools, router, "pcp", ("pcp",), "udp")


@test(*BOTH)
def natpmp_with_pcp_silent(tools, router):
    open_and_close(tools, router, "natpmp, pcp silent", ("natpmp",))


@test(*BOTH)
def natpmp_with_pcp_refused(tools, router):
    open_and_close(tools, router, "natpmp, pcp refused", ("natpmp",))


@test(*BOTH)
def upnp_with_5351_refused(tools, router):
    open_and_close(tools, router, "upnp, refused", ("upnp",))


@test(*BOTH)
def upnp_with_5351_silent(tools, router):
    open_and_close(tools, router, "upnp, silent", ("upnp",), "udp")


@test(*BOTH)
def twenty_percent_loss(tools, router):
    # Any protocol may win when the better one's datagrams are lost.
    via = ("pcp", "natpmp", "upnp")
    open_and_close(tools, router, "pcp", via, "udp", loss_percent=20.0, patience_s=30.0)


@test(*BOTH, name="one port for tcp and udp")
def one_port_twice(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", f"{PORT}/both", "--json") as porthole:
            outside = {}
            while len(outside) < 2:
                event = porthole.wait_event("mapped")
                protocol = event["protocol"]
                outside[protocol] = check_mapped(lab, router, event, protocol, PORT, ("pcp",))
            for protocol, port in outside.items():
                check_payload(lab, protocol, PORT, port)
            close(lab, porthole, outside.items())


def nothing_then_a_router(tools, router, silent):
    """No router speaks: a verdict soon, patience after it, and a mapping when one comes up."""
    with Lab(tools) as lab:
        if silent:
            lab.drop_input("")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            event = porthole.wait_event("failed", VERDICT_S_MAX + 2)
            assert event["at_s"] <= VERDICT_S_MAX, f"verdict after {event['at_s']:.2f} s"
            time.sleep(1.0)
            assert porthole.process.poll() is None, "gave up instead of holding on"
            check_silence(lab)
            lab.hear_all()
            start_router(lab, router, "pcp")
            event = porthole.wait_event("mapped", 60)
            via = ("pcp", "natpmp", "upnp")
            outside = check_mapped(lab, router, event, "tcp", PORT, via)
            check_payload(lab, "tcp", PORT, outside)
            close(lab, porthole, [("tcp", outside)])


@test(*BOTH)
def nothing_there_refusing_then_a_router(tools, router):
    nothing_then_a_router(tools, router, silent=False)


@test(*BOTH)
def nothing_there_silent_then_a_router(tools, router):
    nothing_then_a_router(tools, router, silent=True)


@test(*BOTH)
def once_leaves_the_mapping(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        with Porthole(lab, "map", "--once", f"{PORT}/tcp", "--json") as porthole:
            event = porthole.wait_event("mapped")
            porthole.expect_exit(0)
        outside = check_mapped(lab, router, event, "tcp", PORT, ("pcp",))
        check_payload(lab, "tcp", PORT, outside)


@test("miniupnpd")
def once_ends_with_its_result(tools, _router):
    """Answers may come in before it first waits for them; it must not sleep over that."""
    with Lab(tools) as lab:
        lab.start_miniupnpd(upnp=False)
        for turn in range(40):
            begun = time.monotonic()
            with Porthole(lab, "map", "--once", f"{PORT}/tcp", "--json") as porthole:
                porthole.wait_event("mapped")
                porthole.expect_exit(0)
            took_s = time.monotonic() - begun
            assert took_s < 1.0, f"took {took_s:.2f} s in turn {turn + 1}"


@test("gateway")
def a_short_lease_is_renewed(tools, router):
    with Lab(tools) as lab:
        lab.start_gateway("--lease-max", "8")
        with Porthole(lab, "map", f"{PORT}/tcp", "--json") as porthole:
            event = porthole.wait_event("mapped")
            assert event["lifetime_s"] <= 8, f"granted {event['lifetime_s']} s"
            outside = check_mapped(lab, router, event, "tcp", PORT, ("pcp",))
            time.sleep(20)
            check_payload(lab, "tcp", PORT, outside)
            close(lab, porthole, [("tcp", outside)])


@test(name="exit code 3: once, nothing refusing")
def exit_3_refusing(tools, _router):
    with Lab(tools) as lab, Porthole(lab, "map", "--once", f"{PORT}/tcp", "--json") as porthole:
        porthole.expect_exit(3)
        check_silence(lab)


@test(name="exit code 3: once, nothing silent")
def exit_3_silent(tools, _router):
    with Lab(tools) as lab:
        lab.drop_input("")
        with Porthole(lab, "map", "--once", f"{PORT}/tcp", "--json") as porthole:
            porthole.expect_exit(3)


@test("miniupnpd", name="exit code 4: the router refuses the port")
def exit_4(tools, _router):
    with Lab(tools) as lab:
        lab.start_miniupnpd(rules=())  # denies all: with some port allowed, PCP would give that one
        with Porthole(lab, "map", "--once", f"{PORT}/tcp", "--json") as porthole:
            porthole.expect_exit(4)
        assert lab.rules() == [], f"left on the router: {lab.rules()}"


@test("miniupnpd", name="exit code 5: the router is there and never answers the mapping")
def exit_5(tools, _router):
    with Lab(tools) as lab:
        lab.start_miniupnpd(upnp=False)
        lab.silence_pcp()
        # NAT-PMP says the address (opcode 0) and swallows the rest.
        lab.drop_input("udp dport 5351 @th,64,8 0 @th,72,8 != 0")
        arguments = ("map", "--once", f"{PORT}/tcp", "--json", "--timeout", "3")
        with Porthole(lab, *arguments) as porthole:
            porthole.expect_exit(5, 15.0)


@test(name="exit code 2: usage")
def exit_2(tools, _router):
    with Lab(tools) as lab:
        for wrong in (("map",), ("map", "0/tcp"), ("map", "80/sctp"), ("nonsense",)):
            with Porthole(lab, *wrong) as porthole:
                porthole.expect_exit(2)


@test(*BOTH)
def probe_and_address(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        for command in ("probe", "address"):
            with Porthole(lab, command, "--json") as porthole:
                porthole.expect_exit(0)
                assert WAN in porthole.text, f"{command}: no {WAN} in {porthole.text!r}"
        check_silence(lab)
        assert lab.rules() == [], f"left on the router: {lab.rules()}"

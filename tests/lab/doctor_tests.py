# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of `porthole doctor`: in front of each kind of network its verdict is the right
one, its facts are true, and it leaves nothing open behind it."""

import contextlib
import fcntl
import json
import os
import struct
import subprocess

import netns
from lab import CLIENT, ROUTER, ROUTER_MAC, WAN, Lab
from network_tests import ip
from scenarios import BOTH, check_silence, start_router, test

PUBLIC_CLIENT, PUBLIC_ROUTER = "5.6.7.2", "5.6.7.1"
SECOND_ROUTER, SECOND_WAN = "192.168.77.3", "5.6.7.8"
BEHIND_A_ROUTER, BEHIND_A_CARRIER = "192.168.99.2", "100.64.1.2"
NOBODY = 65534
PATIENCE_S = 60.0
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


class Diagnosis:
    """What doctor says in the client, as a user's script would read it."""

    def __init__(self, lab, *options, **process):
        argv = [lab.tools.porthole, "doctor", "--json", *options]
        one = netns.start(lab.names["client"], argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **process)
        try:
            out, err = one.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            one.kill()
            one.communicate()
            raise AssertionError("doctor takes longer than a minute") from None
        assert err == "", f"standard error: {err}"
        assert out.count("\n") == 1, f"standard output: {out}"
        self.report, self.code = json.loads(out), one.returncode
        assert self.code == self.report["exit_code"], f"exit code {self.code}"

    def expect(self, verdict, code):
        got = self.report["verdict"]
        told = "; ".join(f"{p['via']}: {p['error'] or 'yes'}" for p in self.report["protocols"])
        assert got == verdict, f"verdict {got}, not {verdict}: {self.report['reason']} ({told})"
        assert self.code == code, f"exit code {self.code}, not {code}"
        assert self.report["reason"] and self.report["advice"], "no reason, or no advice"
        return self

    def protocol(self, name):
        return next(one for one in self.report["protocols"] if one["via"] == name)

    def hops(self):
        return [f"{hop['kind']} {hop['state']}" for hop in self.report["path"]]


def check_nothing_left(lab):
    left = lab.rules()
    assert left == [], f"left on the router: {left}"
    check_silence(lab)


def is_within(outer, inner):
    """Whether a dictionary has these members."""
    return all(outer.get(name) == value for name, value in inner.items())


# ---- The good cases ------------------------------------------------------------------------------

@test()
def doctor_finds_a_public_address(tools, _):
    with Lab(tools) as lab:
        ip(lab, "router", f"addr add {PUBLIC_ROUTER}/24 dev lan0\n")
        ip(lab, "client", f"addr flush dev eth0\naddr add {PUBLIC_CLIENT}/24 dev eth0\n"
                          f"route add default via {PUBLIC_ROUTER} dev eth0\n")
        found = Diagnosis(lab).expect("direct", 0)
        assert found.report["local"] == {"address": PUBLIC_CLIENT, "reach": "public"}
        assert found.hops()[-1] == "internet fine", found.hops()


@test(*BOTH)
def doctor_finds_one_nat(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        found = Diagnosis(lab).expect("mapped", 0)
        for one in found.report["protocols"]:
            assert one["answered"], f"{one['via']}: {one}"
            assert one["external"] == {"address": WAN, "reach": "public"}, one["external"]
            assert one["trial"]["opened"] and one["trial"]["fate"] == "removed", one["trial"]
            assert one["trial"]["external"]["address"] == WAN, one["trial"]
        way = found.report["internet"]
        assert is_within(way, {"gateway": ROUTER, "interface": "eth0", "source": CLIENT}), way
        gateway = [one for one in found.report["neighbours"] if one["gateway"]]
        assert [(one["address"], one["mac"]) for one in gateway] == [(ROUTER, ROUTER_MAC)], gateway
        device = found.report["devices"][0]
        assert device["used"] and device["gateway"] and device["service"], device
        assert found.report["firewall"]["read"], found.report["firewall"]
        # miniupnpd's answers to the search may come twice; what was asked came to an end.
        times = [(one["start_ms"], one["end_ms"]) for one in found.report["attempts"]]
        assert times == sorted(times, key=lambda pair: pair[0]), times
        assert all(0 <= start <= end <= found.report["elapsed_ms"] for start, end in times), times
        check_nothing_left(lab)


@test(*BOTH)
def doctor_opens_nothing_when_it_may_not(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "upnp, refused")
        found = Diagnosis(lab, "--no-map").expect("mappable", 0)
        assert found.protocol("upnp")["trial"] is None, found.protocol("upnp")
        asked = [one["what"].split()[0] for one in found.report["attempts"]]
        assert "AddPortMapping" not in asked, asked
        check_nothing_left(lab)


@test("miniupnpd")
def doctor_without_root_does_not_pretend(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        found = Diagnosis(lab, user=NOBODY, group=NOBODY).expect("mapped", 0)
        firewall = found.report["firewall"]
        assert not firewall["read"] and "root" in firewall["what"], firewall
        assert firewall["inbound_tcp"]["effect"] == "unknown", firewall
        check_nothing_left(lab)


# ---- Something in the way ------------------------------------------------------------------------

def start_behind(lab, address):
    """Our own gateway, whose external address is this one."""
    ip(lab, "router", f"addr add {address}/32 dev lo\n")
    lab.start_gateway("--external", address)


@test("gateway")
def doctor_finds_double_nat(tools, _):
    with Lab(tools) as lab:
        start_behind(lab, BEHIND_A_ROUTER)
        found = Diagnosis(lab).expect("double_nat", 1)
        assert BEHIND_A_ROUTER in found.report["reason"], found.report["reason"]
        assert "nat blocked" in found.hops(), found.hops()
        check_nothing_left(lab)


@test("gateway")
def doctor_finds_carrier_grade_nat(tools, _):
    with Lab(tools) as lab:
        start_behind(lab, BEHIND_A_CARRIER)
        found = Diagnosis(lab).expect("carrier_nat", 1)
        assert BEHIND_A_CARRIER in found.report["reason"], found.report["reason"]
        assert "nat blocked" in found.hops(), found.hops()


@test("miniupnpd")
def doctor_finds_a_router_that_refuses_behind_another(tools, router):
    """miniupnpd opens nothing when its own address is a private one, and does not tell it."""
    with Lab(tools) as lab:
        ip(lab, "router", f"addr flush dev wan0\naddr add {BEHIND_A_ROUTER}/24 dev wan0\n")
        start_router(lab, router, "pcp")
        found = Diagnosis(lab)
        assert found.report["verdict"] in ("no_uplink", "double_nat"), found.report["reason"]
        assert found.code != 0, "exit code 0"


@test("miniupnpd")
def doctor_finds_a_router_that_refuses(tools, _):
    with Lab(tools) as lab:
        lab.start_miniupnpd(rules=())
        found = Diagnosis(lab).expect("refused", 4)
        assert "gateway blocked" in found.hops(), found.hops()


# ---- Nobody answers ------------------------------------------------------------------------------

def client_rules(lab, text):
    with netns.inside(lab.names["client"]):
        netns.run(["nft", "-f", "-"], text)


def client_chain(lab, policy, *rules):
    body = "".join(f"    {rule}\n" for rule in rules)
    client_rules(lab, "table inet guard {\n  chain input {\n"
                      f"    type filter hook input priority 0; policy {policy};\n{body}  }}\n}}\n")


@test(*BOTH)
def doctor_finds_a_firewall_that_drops_answers(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "upnp, refused")
        client_chain(lab, "accept", "udp sport 1900 drop")
        found = Diagnosis(lab).expect("filtered", 3)
        answers = found.report["firewall"]["answers"]
        assert answers == {"effect": "dropped", "rule": "rule 1 of chain inet guard input"}, answers
        assert "firewall" in found.report["reason"], found.report["reason"]


@test("gateway")
def doctor_finds_answers_from_another_port_that_a_usual_firewall_drops(tools, _):
    with Lab(tools) as lab:
        lab.start_gateway("--no-pcp", "--no-natpmp", "--quirk", "random-source-port")
        client_chain(lab, "drop", "ct state established,related accept")
        found = Diagnosis(lab).expect("filtered", 3)
        assert found.report["firewall"]["dropped_answers"] > 0, found.report["firewall"]
        assert "policy of chain inet guard input" in found.report["reason"], found.report["reason"]
        # Nobody but root can see that.
        found = Diagnosis(lab, user=NOBODY, group=NOBODY).expect("no_protocol", 3)
        assert any("as root" in advice for advice in found.report["advice"]), found.report["advice"]
        # And where it is let in, it is found.
        client_rules(lab, "insert rule inet guard input udp sport != 53 accept\n")
        Diagnosis(lab).expect("mapped", 0)


@test(*BOTH)
def doctor_sees_what_a_usual_firewall_lets_through(tools, router):
    """Answers pass, strangers do not: the router's work is fine, and the port is shut."""
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        client_chain(lab, "drop", "iifname \"lo\" accept", "ct state established,related accept",
                     "tcp dport { 22, 8080 } accept")
        found = Diagnosis(lab).expect("mapped", 0)
        firewall = found.report["firewall"]
        assert firewall["answers"]["effect"] == "accepted", firewall
        assert firewall["strays"]["effect"] == "dropped", firewall
        assert firewall["inbound_tcp"]["effect"] == "dropped", firewall
        assert any("firewall" in note for note in found.report["notes"]), found.report["notes"]
        Diagnosis(lab, "8080").expect("mapped", 0)
        Diagnosis(lab, "8080/both").expect("host_firewall", 1)
        found = Diagnosis(lab, "8081/tcp").expect("host_firewall", 1)
        assert "policy of chain inet guard input" in found.report["reason"], found.report["reason"]
        assert found.hops()[0] == "host blocked", found.hops()


@test(*BOTH)
def doctor_finds_upnp_switched_off(tools, router):
    with Lab(tools) as lab:
        if router == "gateway":
            lab.start_gateway("--no-pcp", "--no-natpmp", "--no-upnp")
        found = Diagnosis(lab).expect("no_protocol", 3)
        assert "UPnP" in found.report["advice"][0], found.report["advice"]
        assert found.protocol("pcp")["error"] == "port_closed", found.protocol("pcp")
        outcomes = {one["via"]: one["outcome"] for one in found.report["attempts"]}
        assert outcomes["pcp"] == outcomes["natpmp"] == "closed", outcomes


@test("miniupnpd")
def doctor_finds_a_router_that_says_nothing(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        lab.drop_input("udp dport { 1900, 5351 }")
        found = Diagnosis(lab).expect("no_protocol", 3)
        outcomes = {one["via"]: one["outcome"] for one in found.report["attempts"]}
        assert set(outcomes.values()) == {"silent"}, outcomes
        asked = [one for one in found.report["attempts"] if "remove" not in one["what"]]
        assert [one["sent"] for one in asked] == [4, 4, 4], asked


@test()
def doctor_finds_a_router_that_is_not_there(tools, _):
    with Lab(tools) as lab:
        ip(lab, "client", "route replace default via 192.168.77.99 dev eth0\n")
        found = Diagnosis(lab).expect("filtered", 3)
        assert "192.168.77.99" in found.report["reason"], found.report["reason"]
        gateway = [one for one in found.report["neighbours"] if one["gateway"]]
        assert [one["resolved"] for one in gateway] == [False], gateway


@test()
def doctor_finds_no_route(tools, _):
    with Lab(tools) as lab:
        ip(lab, "client", "route del default\n")
        found = Diagnosis(lab).expect("no_route", 3)
        assert found.report["internet"] is None and found.report["gateway"] is None
        assert found.hops() == ["host blocked", "internet unknown"], found.hops()
        assert found.report["attempts"] == [], found.report["attempts"]


# ---- Two routers ---------------------------------------------------------------------------------

@contextlib.contextmanager
def second_router(lab, *options):
    """Another router on the same link, with an uplink of its own."""
    ip(lab, "router", f"addr add {SECOND_ROUTER}/24 dev lan0\naddr add {SECOND_WAN}/32 dev lo\n")
    with netns.start(lab.names["router"],
                     [lab.tools.porthole, "gateway", "--address", SECOND_ROUTER, "--external",
                      SECOND_WAN, *options],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()  # it says that it listens
            yield
        finally:
            process.kill()


@test("gateway")
def doctor_finds_that_another_router_opens_the_ports(tools, _):
    with Lab(tools) as lab, second_router(lab, "--no-pcp", "--no-natpmp"):
        found = Diagnosis(lab).expect("two_routers", 1)
        devices = [(one["address"], one["gateway"]) for one in found.report["devices"]]
        assert devices == [(SECOND_ROUTER, False)], devices
        assert ROUTER in found.report["reason"] and SECOND_ROUTER in found.report["reason"]


@test("gateway")
def doctor_finds_two_routers_that_disagree(tools, _):
    with Lab(tools) as lab, second_router(lab, "--no-pcp", "--no-natpmp"):
        lab.start_gateway("--no-upnp")
        found = Diagnosis(lab).expect("two_routers", 1)
        assert WAN in found.report["reason"] and SECOND_WAN in found.report["reason"]


# ---- VPN -----------------------------------------------------------------------------------------

@contextlib.contextmanager
def tunnel(lab, address="10.8.0.2"):
    """A tun interface with somebody at its other end, who takes all and answers nothing."""
    with netns.inside(lab.names["client"]):
        try:
            descriptor = os.open("/dev/net/tun", os.O_RDWR)
        except OSError as error:
            raise netns.LabError(f"/dev/net/tun: {error}") from None
        fcntl.ioctl(descriptor, TUNSETIFF,
                    struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    try:
        ip(lab, "client", f"addr add {address}/24 dev tun0\nlink set tun0 up\n")
        yield
    finally:
        os.close(descriptor)


@test("miniupnpd")
def doctor_finds_a_vpn_that_is_the_default_route(tools, router):
    with Lab(tools) as lab, tunnel(lab):
        start_router(lab, router, "pcp")
        ip(lab, "client", "route replace default dev tun0\n")
        found = Diagnosis(lab).expect("vpn", 3)
        way = found.report["internet"]
        assert is_within(way, {"interface": "tun0", "link": "tunnel", "gateway": None}), way
        assert "tunnel blocked" in found.hops(), found.hops()


@test("miniupnpd")
def doctor_finds_a_vpn_beside_the_router(tools, router):
    """As OpenVPN does it: the default route stays, and two halves of everything are better."""
    with Lab(tools) as lab, tunnel(lab):
        start_router(lab, router, "pcp")
        ip(lab, "client", "route add 0.0.0.0/1 via 10.8.0.1 dev tun0\n"
                          "route add 128.0.0.0/1 via 10.8.0.1 dev tun0\n")
        found = Diagnosis(lab).expect("vpn", 3)
        assert ROUTER in found.report["reason"] and "tun0" in found.report["reason"]
        routes = {one["destination"] for one in found.report["routes"]}
        assert routes == {"default", "0.0.0.0/1", "128.0.0.0/1"}, routes
        check_nothing_left(lab)


@test("miniupnpd")
def doctor_finds_a_vpn_of_policy_routing(tools, router):
    """As wg-quick does it: the main table stays as it was, and a rule prefers another."""
    with Lab(tools) as lab, tunnel(lab):
        start_router(lab, router, "pcp")
        ip(lab, "client", "route add default dev tun0 table 51820\n"
                          "rule add priority 100 table main suppress_prefixlength 0\n"
                          "rule add priority 101 table 51820\n")
        found = Diagnosis(lab).expect("vpn", 3)
        assert [one["interface"] for one in found.report["routes"]] == ["eth0"]
        assert found.report["internet"]["interface"] == "tun0", found.report["internet"]


# ---- For posting ---------------------------------------------------------------------------------

@test(*BOTH)
def doctor_redacts_what_tells_who_and_where(tools, router):
    with Lab(tools) as lab:
        start_router(lab, router, "pcp")
        plain = Diagnosis(lab).report
        found = Diagnosis(lab, "--redact").expect("mapped", 0)
        text = json.dumps(found.report)
        assert found.report["redacted"], "it does not say so"
        for secret in (CLIENT, ROUTER, WAN, ROUTER_MAC, "eth0", plain["host"],
                       *(one["mac"] for one in plain["interfaces"] if one["mac"]),
                       *(one["name"] for one in plain["devices"])):
            assert secret not in text.replace("porthole doctor", ""), f"{secret} is in {text}"
        assert found.report["protocols"][0]["external"]["address"] == "public-1"

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names and texts full of what terminals obey. That none of it comes out raw is checked in every
case; here there is something to come out, for people and for programs, of `map` and of `probe`."""

import json

import rig
from messages import (EXTERNAL, IGD, description, document, fault, natpmp_address, pcp_answer,
                      response, soap_address, ssdp_answer, xml)
from rig import MAPPED, TIMEOUT_S, case, failed, require

PROBE_S = TIMEOUT_S
# What XML 1.0 can carry: C1 controls as references, as UTF-8 and as Latin-1, DEL, line ends, tabs,
# marks that turn the direction of writing; and lookalikes of escape sequences.
EVIL = ("&#x9b;31m&#x9d;0;pwned&#x9c;&#x85;\x7f\t\r\n&#13;&#10;\u202e\u2028\ufeff"
        "\x9b2J\x90q\\u001b[31m%s%n%1000000d\"',{}")


def evil_name(gateway, encoding="utf-8"):
    text = document(f"<device><deviceType>{IGD}</deviceType><friendlyName>{EVIL}</friendlyName>"
                    f"<manufacturer>{EVIL}</manufacturer><modelName>{EVIL}!</modelName>"
                    f"<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1"
                    f"</serviceType><controlURL>/%s%n</controlURL></service></device>")
    gateway.description = lambda exchange: response(
        text.encode(encoding, "ignore"), headers=("Server: \x1b[31m\x9b2J",))
    gateway.search = lambda request: [ssdp_answer(
        gateway.url("/%s%n%1000000d"), before="SERVER: \x1b]0;pwned\x07\r\nX\x1b[2J: \x9b\r\n")]


def evil_latin_1(gateway):
    evil_name(gateway, "latin-1")


def evil_escape(gateway):
    """XML cannot have it, so nobody takes the name."""
    gateway.description = lambda exchange: xml(description(name="\x1b]0;pwned\x07\x1b[2J"))


def evil_fault(gateway):
    evil_name(gateway)
    gateway.add = gateway.address = lambda exchange: fault(606, EVIL)


def evil_status(gateway):
    gateway.description = lambda exchange: response(status="500 \x1b[31m\x9b2J")


def evil_address(gateway):
    gateway.address = lambda exchange: xml(soap_address(EVIL))


def evil_location(gateway):
    gateway.search = lambda request: [ssdp_answer(gateway.url("/\x1b[2J\x9b")),
                                      ssdp_answer("http://\x1b[31m/", target=f"{IGD}\x1b[2J")]


GATEWAYS = {
    "a name to terminals": (evil_name, MAPPED),
    "a name in Latin-1": (evil_latin_1, MAPPED),
    "a name with escape characters": (evil_escape, failed("malformed")),
    "a fault with a text": (evil_fault, failed("not_authorized", code=606)),
    "a status with a text": (evil_status, failed("refused", code=500)),
    "an address with a text": (evil_address, failed("no_uplink")),
    "a LOCATION with a text": (evil_location, failed("malformed")),
}


def strings(value):
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    return [value] if isinstance(value, str) else []


def printable(value):
    """Not even as an escape of JSON: whoever prints it has no reason for care."""
    for text in strings(value):
        require(text.isascii() and text.isprintable(), f"{text!r}")


def human(name, act, expect):
    @case(f"upnp: {name}, for people", act, 1.0)
    def map_for_people(bench, gateway):
        program = rig.Program(*rig.command_line(bench, gateway, "upnp", "--once", "-v")).end()
        rig.judge(bench, gateway, program, 1.0)
        require(program.code in expect.exits, program.told())
        require(bool(program.out) == (not expect.errors), program.told())

    @case(f"upnp: {name}, for programs", act, 1.0)
    def map_for_programs(bench, gateway):
        printable(rig.by_command(bench, gateway, "upnp", expect, PROBE_S, TIMEOUT_S))


def probes(name, act, answered, within_s=PROBE_S):
    """`answered` are the methods that are to answer."""
    def command(bench, gateway, *more):
        return rig.Program(bench.command, "probe", "-g", gateway.name, "-b", gateway.client,
                           "--timeout", str(TIMEOUT_S), "-vv", *more).end()

    @case(f"probe: {name}, for people", act, within_s)
    def for_people(bench, gateway):
        program = command(bench, gateway)
        rig.judge(bench, gateway, program, within_s)
        require(program.code == (0 if answered else 3), program.told())
        require(b"Protocol" in program.out, program.told())

    @case(f"probe: {name}, for programs", act, within_s)
    def for_programs(bench, gateway):
        program = command(bench, gateway, "--json")
        rig.judge(bench, gateway, program, within_s)
        require(program.code == (0 if answered else 3), program.told())
        told = json.loads(program.out)
        printable(told)
        for method in ("pcp", "natpmp", "upnp"):
            require(told[method]["answered"] == (method in answered), f"{method}: {told}")


def tells_address(name, act, expect):
    @case(f"address: {name}", act, PROBE_S)
    def tell(bench, gateway):
        program = rig.Program(bench.command, "address", "-g", gateway.name, "-b", gateway.client,
                              "-p", "upnp", "--timeout", str(TIMEOUT_S), "-v").end()
        rig.judge(bench, gateway, program, PROBE_S)
        require(bool(program.code) == bool(expect.errors), program.told())
        require(program.out == (b"" if expect.errors else f"{EXTERNAL}\n".encode("ascii")),
                program.told())


for what, (make, outcome) in GATEWAYS.items():
    human(what, make, outcome)
    tells_address(what, make, outcome)
    probes(what, make, ("pcp", "natpmp") + (() if outcome.errors else ("upnp",)))


# ---- Probes of gateways that do worse ------------------------------------------------------------


def silent(gateway):
    gateway.control = gateway.search = lambda request: []


def garbage(gateway):
    gateway.control = gateway.search = lambda request: [bytes(range(256)) * 4, b"", b"\x1b[31m"]


def slow(gateway):
    def drip(exchange):
        while gateway.pause(0.5):
            yield b"H"
    gateway.description = drip


def elsewhere(gateway):
    gateway.search = lambda request: [ssdp_answer(gateway.url_at(gateway.decoy))]


def refusing(gateway):
    gateway.control = lambda request: [
        pcp_answer(request, result=255) if request[0] == 2 else natpmp_address(result=65535)]


def contradictory(gateway):
    """Every protocol tells another address."""
    gateway.address = lambda exchange: xml(soap_address("198.51.100.1"))


probes("silence", silent, ())
probes("garbage", garbage, ())
probes("one byte in half a second", slow, ("pcp", "natpmp"))
probes("a LOCATION at another host", elsewhere, ("pcp", "natpmp"))
probes("refusals that nobody knows", refusing, ("upnp",))
probes("as many addresses as protocols", contradictory, ("pcp", "natpmp", "upnp"))

# SPDX-License-Identifier: MIT OR Apache-2.0
"""What may happen to a mapping that is held: forgeries that speak of it, floods, and a gateway that
dies or stalls while the mapping is taken back."""

import itertools
import json
import threading

import rig
from gateway import RESET
from messages import (PcpRequest, description, fault, natpmp_address, natpmp_mapping, pcp_answer,
                      response, soap_address, soap_reply, ssdp_answer, xml)
from rig import MAPPED, Program, case, command_line, judge, require

REMOVAL_S = 3.5  # an interrupt ends the command within this, whatever the gateway does
REMOVED_S = 0.5  # when the gateway plays along
MAP_S = 1.0
LISTEN_S = 0.3  # long enough for a forgery to show its effect
ALL = "pcp,natpmp,upnp"


def is_delete(request):
    if request[0] == 2:
        return PcpRequest(request).lifetime_s == 0
    return len(request) == 12 and request[8:12] == bytes(4)


# ---- Taken back ----------------------------------------------------------------------------------


def hold(bench, gateway, method, *more):
    """The command, once it holds its mapping."""
    program = Program(*command_line(bench, gateway, method, "--json", *more))
    try:
        program.event("mapped")
    except BaseException:
        program.kill()
        raise
    return program


def interrupt(bench, gateway, program, fates, within_s, code):
    """Sends SIGINT; the program must end with these fates, one for each mapping."""
    start = program.clock()
    program.signal()
    program.end()
    judge(bench, gateway, program, start + within_s)
    events = [json.loads(line) for line in program.out.splitlines()]
    ends = [event["fate"] for event in events if event["event"] == "unmapped"]
    require(ends == list(fates), f"{ends} instead of {fates}: {program.told()}")
    require(program.code == code, program.told())


def taken_back(name, method, act, fate, within_s, code=1):
    @case(f"{method}: {name}", act, MAP_S + within_s)
    def flow(bench, gateway):
        program = hold(bench, gateway, method)
        try:
            interrupt(bench, gateway, program, (fate,), within_s, code)
        finally:
            program.kill()


def on_delete(make):
    """`make(gateway, request)` answers deletes; the rest is honest."""
    def act(gateway):
        gateway.control = lambda request: (
            make(gateway, request) if is_delete(request) else gateway.honest_control(request))
    return act


def on_soap_delete(make):
    return lambda gateway: setattr(gateway, "delete", lambda exchange: make(gateway, exchange))


def dies(gateway, _):
    gateway.die()
    return []


def soap_dies(gateway, _):
    gateway.die()
    return b""


def silence(gateway, _):
    return []


def soap_silence(gateway, _):
    while gateway.pause(0.5):
        yield b""


def soap_drip(gateway, _):
    for byte in xml(soap_reply("DeletePortMapping")):
        yield bytes((byte,))
        if not gateway.pause(1.0):
            return


def soap_endless(gateway, _):
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    while gateway.pause(0):
        yield b"a" * 65536


def garbage(gateway, request):
    return [bytes(range(256)), request, b""]


for protocol in ("pcp", "natpmp"):
    taken_back("the gateway dies of the removal", protocol, on_delete(dies), "expires", REMOVAL_S)
    taken_back("the removal is not answered", protocol, on_delete(silence), "expires", REMOVAL_S)
    taken_back("the removal is answered by garbage", protocol, on_delete(garbage), "expires",
               REMOVAL_S)
taken_back("the removal is granted as a mapping", "pcp", on_delete(
    lambda gateway, request: [pcp_answer(request, lifetime_s=7200)]), "expires", REMOVAL_S)
taken_back("the removal of another mapping is confirmed", "pcp", on_delete(
    lambda gateway, request: [pcp_answer(request, nonce=bytes(12))]), "expires", REMOVAL_S)
taken_back("the removal of another mapping is confirmed", "natpmp", on_delete(
    lambda gateway, request: [natpmp_mapping(request, internal=8081)]), "expires", REMOVAL_S)
for result in (2, 3, 8, 255):
    taken_back(f"the removal is refused by {result}", "pcp", on_delete(
        lambda gateway, request, r=result: [pcp_answer(request, result=r)]), "expires", REMOVED_S)
taken_back("the removal is refused by 2", "natpmp", on_delete(
    lambda gateway, request: [natpmp_mapping(request, result=2)]), "expires", REMOVED_S)
taken_back("the gateway dies of the removal", "upnp", on_soap_delete(soap_dies), "expires",
           REMOVAL_S)
taken_back("the removal is not answered", "upnp", on_soap_delete(soap_silence), "expires",
           REMOVAL_S)
taken_back("the removal is answered one byte a second", "upnp", on_soap_delete(soap_drip),
           "expires", REMOVAL_S)
taken_back("the removal is answered without end", "upnp", on_soap_delete(soap_endless), "expires",
           REMOVAL_S)
taken_back("the removal is reset", "upnp", on_soap_delete(lambda *_: (RESET,)), "expires",
           REMOVAL_S)
taken_back("the removal is redirected", "upnp", on_soap_delete(lambda gateway, _: response(
    status="302 Found", headers=(f"Location: {gateway.url_at(gateway.decoy)}",))), "expires",
    REMOVAL_S)
taken_back("the removal is a fault", "upnp", on_soap_delete(lambda *_: fault(501)), "expires",
           REMOVED_S)
taken_back("the mapping is gone already", "upnp", on_soap_delete(lambda *_: fault(714)), "removed",
           REMOVED_S, code=0)


def permanent(gateway):
    gateway.add = lambda exchange: (
        xml(soap_reply("AddPortMapping")) if b"<NewLeaseDuration>0<" in exchange.body
        else fault(725))
    gateway.delete = lambda exchange: fault(501)


taken_back("the removal of a mapping without a lease is a fault", "upnp", permanent, "left",
           REMOVED_S)


def dies_between(gateway):
    """The first of two removals is confirmed; then there is nobody any more."""
    def control(request):
        if not is_delete(request):
            return gateway.honest_control(request)
        deletes = sum(1 for entry in gateway.asked if is_delete(entry))
        if deletes > 1:
            gateway.die()
            return []
        return gateway.honest_control(request)
    gateway.control = control


@case("pcp: the gateway dies between two removals", dies_between, MAP_S + REMOVAL_S)
def two_removals(bench, gateway):
    program = hold(bench, gateway, "pcp", "8081/udp")
    try:
        program.event("mapped")
        interrupt(bench, gateway, program, ("removed", "expires"), REMOVAL_S, 1)
    finally:
        program.kill()


@case("upnp: a hundred removals are not answered", on_soap_delete(soap_silence), MAP_S + REMOVAL_S)
def many_removals(bench, gateway):
    ports = [str(port) for port in range(9000, 9099)]
    program = hold(bench, gateway, "upnp", *ports)
    try:
        for _ in ports:
            program.event("mapped")
        interrupt(bench, gateway, program, ("expires",) * 100, REMOVAL_S, 1)
    finally:
        program.kill()


# ---- Spoken of while it is held ------------------------------------------------------------------


def forgeries(request):
    """What nobody asked for, of a mapping that there is: the second half is by its own nonce, so
    even the gateway itself may not unmake it so."""
    yield b"\0\x81\0\1" + bytes(4)  # UNSUPP_VERSION by NAT-PMP
    yield pcp_answer(request, result=1)
    yield pcp_answer(request, result=4)
    yield pcp_answer(request, opcode=0x80, result=1)
    yield natpmp_mapping(b"\0\2\0\0" + request[40:44] + bytes(4), external=0)
    yield natpmp_mapping(b"\0\2\0\0" + request[40:44] + bytes(4), result=2)
    yield pcp_answer(request, lifetime_s=0)
    yield pcp_answer(request, lifetime_s=1)
    yield pcp_answer(request, external=6666)
    yield pcp_answer(request, address=bytes(16))
    for result in range(2, 16):
        yield pcp_answer(request, result=result)


@case("pcp: a held mapping is spoken of", lambda gateway: None, MAP_S + LISTEN_S + REMOVED_S)
def unmoved(bench, gateway):
    """No word of it changes anything, and it is removed as it was made."""
    program = hold(bench, gateway, "pcp")
    try:
        for forgery in forgeries(gateway.asked[0]):
            gateway.say(forgery)
        require(gateway.pause(LISTEN_S), "the gateway is up")
        require(program.lines.empty(), f"it says {program.out}")
        interrupt(bench, gateway, program, ("removed",), REMOVED_S, 0)
    finally:
        program.kill()
    require([is_delete(entry) for entry in gateway.asked] == [False, True], "its requests")


@case("pcp: an interrupt in a flood", lambda gateway: None, MAP_S + REMOVAL_S)
def flooded(bench, gateway):
    """Datagrams as fast as they can be sent, from the mapping to the end."""
    over = threading.Event()

    def flood():
        forgery = pcp_answer(gateway.asked[0], nonce=bytes(12))
        while not over.is_set() and gateway.pause(0):
            gateway.say(forgery)

    program = hold(bench, gateway, "pcp")
    try:
        gateway.background(flood)
        gateway.pause(LISTEN_S)
        start = program.clock()
        program.signal()
        program.end()
    finally:
        over.set()
        program.kill()
    program.cpu_s = 0.0  # it has to look at each
    judge(bench, gateway, program, start + REMOVAL_S)
    require(program.out.count(b"\n") == 2, program.told())


# ---- A clock that jumps, an address that changes -------------------------------------------------

CHATTER_S = 1.0
CHATTER_MAX = 24  # requests in that time; a loop by the round trip would make thousands


def chatters(name, method, act):
    """Whatever the gateway says of itself, it is not asked over and over."""
    @case(f"{method}: {name}", act, MAP_S + CHATTER_S + REMOVAL_S)
    def flow(bench, gateway):
        program = hold(bench, gateway, method, "8081", "8082")
        try:
            start = program.clock()
            require(gateway.pause(CHATTER_S), "the gateway is up")
            asked = len(gateway.asked)
            chattered_s = program.clock() - start
            start = program.clock()
            program.signal()
            program.end()
        finally:
            program.kill()
        judge(bench, gateway, program, start + REMOVAL_S)
        require(asked <= CHATTER_MAX * max(1.0, chattered_s / CHATTER_S), f"asked {asked} times: {program.told()}")
        require(program.out.count(b"\n") <= 2 * CHATTER_MAX, program.told())


def clock(epochs):
    """Answers whose clock shows one of these after another."""
    def act(gateway):
        turn = itertools.cycle(epochs)

        def control(request):
            if request[0] == 2:
                return [pcp_answer(request, epoch_s=next(turn))]
            if request == b"\0\0":
                return [natpmp_address(epoch_s=next(turn))]
            return [natpmp_mapping(request, epoch_s=next(turn))]
        gateway.control = control
    return act


for protocol in ("pcp", "natpmp"):
    chatters("a clock that stands at 0", protocol, clock((0,)))
    chatters("a clock that runs backwards", protocol, clock(range(10**9, 0, -10**6)))
    chatters("a clock that jumps to and fro", protocol, clock((0, 2**32 - 1, 5, 10**6)))


def two_addresses(gateway):
    gateway.control = lambda request: [
        natpmp_address(address=address) for address in ("203.0.112.7", "198.51.100.66")
    ] if request == b"\0\0" else gateway.honest_control(request)


def changing_address(gateway):
    last = itertools.count(1)
    gateway.address = lambda exchange: xml(soap_address(f"203.0.112.{next(last) % 250}"))
    gateway.control = lambda request: [
        natpmp_address(address=f"203.0.112.{next(last) % 250}")
    ] if request == b"\0\0" else gateway.honest_control(request)


def every_answer_thrice(gateway):
    gateway.control = lambda request: gateway.honest_control(request) * 3


chatters("two addresses at a time", "natpmp", two_addresses)
chatters("another address each time", "natpmp", changing_address)
chatters("another address each time", "upnp", changing_address)
chatters("every answer thrice", "natpmp", every_answer_thrice)
chatters("every answer thrice", "pcp", every_answer_thrice)
chatters("leases of a second", "natpmp", lambda gateway: setattr(
    gateway, "control", lambda request: [natpmp_mapping(request, lifetime_s=1)]
    if len(request) == 12 and not is_delete(request) else gateway.honest_control(request)))
chatters("leases of a second", "pcp", lambda gateway: setattr(
    gateway, "control", lambda request: [pcp_answer(
        request, lifetime_s=0 if is_delete(request) else 1)]))


# ---- All at once ---------------------------------------------------------------------------------


def all_hostile(gateway):
    gateway.control = lambda request: [bytes(64), request, b"\2\x81" + bytes(58)]
    gateway.search = lambda request: [ssdp_answer(gateway.url_at(gateway.decoy)),
                                      ssdp_answer(gateway.url())]
    gateway.description = lambda exchange: soap_endless(gateway, exchange)


# UPnP begins a little after the others, so the command's limit may come before its verdict.
rig.add("every protocol is hostile", ALL, all_hostile,
        rig.failed("too_large", "untrusted", "timeout"), 1.0 + rig.TIMEOUT_S)


def one_is_right(gateway):
    all_hostile(gateway)
    gateway.description = lambda exchange: xml(description())


rig.add("PCP and NAT-PMP are hostile, UPnP is right", ALL, one_is_right, MAPPED, MAP_S)


# ---- Idle ----------------------------------------------------------------------------------------


def sleepy(gateway):
    """Something is to come, by every protocol, and does not."""
    gateway.control = lambda request: [b"\2"]
    gateway.description = lambda exchange: soap_drip(gateway, exchange)


def idle(bench, program):
    limit_s = 0.2 if bench.sanitized else 0.05
    require(program.cpu_s < limit_s, f"{program.cpu_s:.3f} s of processor time: {program.told()}")


@case(f"{ALL}: who waits does nothing, the command", sleepy, 2.0, alone=True)
def idle_command(bench, gateway):
    idle(bench, rig.Program(*command_line(bench, gateway, ALL, "--once", "--json")).end())


@case(f"{ALL}: who waits does nothing, the library", sleepy, 2.0, alone=True)
def idle_library(bench, gateway):
    idle(bench, rig.Program(bench.client, gateway.name, gateway.client,
                            str(rig.METHODS[ALL]), "1000", "1").end())

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Answers to SOAP actions that refuse for ever, contradict themselves or grant nonsense."""

import itertools

import rig
from gateway import RESET
from messages import WAN, envelope, fault, response, soap_address, soap_fault, soap_reply, xml
from rig import MAPPED, TIMEOUT_S, add, case, failed, require

MAPPED_S = 1.0
REFUSED_S = 1.0  # --timeout is never waited for once a mapping is refused
SEARCH_S = TIMEOUT_S  # other devices are waited for until then
TAKE_BACK_S = 1.0  # what may have been opened is asked to be closed for so long
PORTS_MAX = 12  # the port wished for, ten others, and one that is said to be our own already
TRIES_MAX = 4


def answers(name, action, make, expect, within_s, after=None, **more):
    """`make(exchange)` is the answer to one action; the others are honest."""
    add(name, "upnp", lambda gateway: setattr(gateway, action, make), expect, within_s,
        after=after, **more)


def address(name, make, expect):
    """A gateway without a usable external address is no gateway, and nothing is mapped there."""
    answers(f"the external address: {name}", "address", make, expect,
            SEARCH_S if expect.errors else MAPPED_S, never_mapped if expect.errors else None)


def mapping(name, make, expect, within_s=REFUSED_S, **more):
    answers(f"the mapping: {name}", "add", make, expect, within_s, **more)


def never_mapped(gateway):
    require(not gateway.requests("AddPortMapping"), "a mapping was asked for")


def at_most(count):
    def after(gateway):
        asked = len(gateway.requests("AddPortMapping"))
        require(0 < asked <= count, f"{asked} mappings were asked for")
    return after


def one_after_another(*replies):
    """The last one for ever."""
    turn = itertools.count()
    return lambda exchange: replies[min(next(turn), len(replies) - 1)]


# ---- The external address ------------------------------------------------------------------------

for value in ("", " ", "javascript:alert(1)", "999.1.1.1", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1",
              "2130706433", "1.2.3.4 evil", "1.2.3.4&lt;script&gt;", "example.org", "0.0.0.0", "::",
              "-1.2.3.4", "1.2.3.4:80", "fe80::1%lo", "1.2.3.+4", "x" * 1000):
    address(repr(value[:24]), lambda exchange, v=value: xml(soap_address(v)), failed("no_uplink"))
address("10 KB", lambda exchange: xml(soap_address("1" * 10240)), failed("too_large"))
address("none", lambda exchange: xml(soap_reply("GetExternalIPAddress")), failed("no_uplink"))
address("under another name", lambda exchange: xml(
    soap_reply("GetExternalIPAddress", "<NewAddress>203.0.112.7</NewAddress>")),
        failed("no_uplink"))
address("17 values", lambda exchange: xml(soap_reply("GetExternalIPAddress", "".join(
    f"<New{n}>x</New{n}>" for n in range(17)))), failed("too_large"))
address("an element inside it", lambda exchange: xml(soap_address("<b>203.0.112.7</b>")),
        failed("no_uplink"))
address("first a wrong one, then a right one", lambda exchange: xml(soap_reply(
    "GetExternalIPAddress", "<NewExternalIPAddress>evil</NewExternalIPAddress>"
    "<NewExternalIPAddress>203.0.112.7</NewExternalIPAddress>")), failed("no_uplink"))
for value in ("255.255.255.255", "224.0.0.1", "[::1]", "2001:db8::1"):
    address(value, lambda exchange, v=value: xml(soap_address(v)), failed("no_uplink"))
for value in ("127.0.0.1", "169.254.1.1", "192.168.1.1"):
    address(value, lambda exchange, v=value: xml(soap_address(v)), MAPPED)
for code, error in ((401, "unsupported"), (402, "refused"), (501, "refused"),
                    (606, "not_authorized"), (725, "refused"), (718, "port_taken")):
    address(f"fault {code}", lambda exchange, c=code: fault(c), failed(error, code=code))
address("nothing", lambda exchange: response(), failed("malformed"))
address("HTML", lambda exchange: response(b"<html><body>Login</body></html>"), failed("malformed"))
address("an empty envelope", lambda exchange: xml(envelope("")), failed("malformed"))
address("a head and no body", lambda exchange: xml(
    '<Envelope><Header><NewExternalIPAddress>203.0.112.7</NewExternalIPAddress></Header>'
    "</Envelope>"), failed("malformed"))
address("a reset", lambda exchange: (RESET,), failed("truncated"))


# ---- Faults of the mapping -----------------------------------------------------------------------

FAULTS = {
    401: ("unsupported", "InvalidAction (401)"),
    402: ("refused", "InvalidArgs (402)"),
    501: ("refused", "ActionFailed (501)"),
    606: ("not_authorized", "ActionNotAuthorized (606)"),
    715: ("refused", "WildCardNotPermittedInSrcIP (715)"),
    724: ("refused", "SamePortValuesRequired (724)"),
    728: ("no_resources", "NoPortMapsAvailable (728)"),
    899: ("refused", "upnp code 899"),
    65535: ("refused", "upnp code 65535"),
}
# Other leases and other ports are tried, each once: the fault may be about them.
ASKED = {402: 4, 501: 3}
for code, (error, text) in FAULTS.items():
    mapping(f"fault {code}", lambda exchange, c=code: fault(c),
            failed(error, code=code, text=text), after=at_most(ASKED.get(code, 1)))
# What is no code of a fault is a fault without a code.
for code in ("0", "-1", "", "718x", "0x2ce", "1e3", "65536", "66254", "99999", "4294968014",
             "18446744073709552334"):
    mapping(f"a fault of code {code!r}", lambda exchange, c=code: fault(c),
            failed("refused", code=501), after=at_most(ASKED[501]))
mapping("718 for ever", lambda exchange: fault(718), failed("port_taken", code=718),
        after=at_most(PORTS_MAX))
mapping("729 for ever", lambda exchange: fault(729), failed("port_taken", code=729),
        after=at_most(PORTS_MAX))
mapping("725 for ever", lambda exchange: fault(725), failed("refused", code=725),
        after=at_most(2))
mapping("725 and 718 in turns", lambda exchange, turn=itertools.cycle((725, 718)): fault(
    next(turn)), failed("refused", "port_taken"), after=at_most(PORTS_MAX + 1))
mapping("725, then granted", one_after_another(fault(725), xml(soap_reply("AddPortMapping"))),
        MAPPED, library=False, after=at_most(2))
mapping("a fault with 200 OK", lambda exchange: xml(soap_fault(718)),
        failed("port_taken", code=718), after=at_most(PORTS_MAX))
mapping("two codes in one fault", lambda exchange: xml(soap_fault("501</errorCode><errorCode>606")),
        failed("not_authorized", code=606))
mapping("a fault without a code", lambda exchange: xml(envelope(
    "<s:Fault><faultstring>no</faultstring></s:Fault>")), failed("refused", code=501))


def storm(gateway):
    codes = itertools.cycle(range(400, 900))
    gateway.address = gateway.add = gateway.delete = lambda exchange: fault(next(codes))


add("every action is a fault", "upnp", storm, failed("refused", "unsupported"), SEARCH_S)


# ---- No answer at all ----------------------------------------------------------------------------

BROKEN = {
    "nothing": lambda exchange: response(),
    "HTML": lambda exchange: response(b"<html/>"),
    "success with status 500": lambda exchange: xml(soap_reply("AddPortMapping"),
                                                    status="500 Oops"),
    "a redirect": lambda exchange: response(status="302 Found", headers=("Location: /other",)),
    "a reset": lambda exchange: (RESET,),
    "a billion bytes": lambda exchange: response(headers=("Content-Length: 1000000000",),
                                                 sized=False),
}
for name, make in BROKEN.items():
    # Four tries in 1.75 s, so that --timeout 1 comes first and the usual one does not.
    mapping(f"{name}, in a hurry", make, failed("timeout"), 1.0 + TAKE_BACK_S,
            timeout_s=1, after=at_most(TRIES_MAX))
    mapping(name, make, failed("malformed", "refused", "truncated", "too_large"), SEARCH_S + TAKE_BACK_S,
            after=at_most(TRIES_MAX))


def another_address(gateway):
    """The one asked for by itself is right; what is in the mapping's answer is not looked at."""
    gateway.add = lambda exchange: xml(soap_reply(
        "AddPortMapping", "<NewExternalIPAddress>198.51.100.66</NewExternalIPAddress>"
        "<NewExternalPort>6666</NewExternalPort>"))


@case("upnp: another address and port in the mapping's answer", another_address, MAPPED_S)
def what_was_asked_counts(bench, gateway):
    event = rig.by_command(bench, gateway, "upnp", MAPPED, MAPPED_S, rig.TIMEOUT_S)
    require((event["external"]["address"], event["external"]["port"]) == ("203.0.112.7", 8080),
            str(event))


def lease_of(request):
    return request.body.partition(b"<NewLeaseDuration>")[2].partition(b"<")[0]


@case("upnp: permanent leases alone, to the command", lambda gateway: setattr(
    gateway, "add", lambda exchange: xml(soap_reply("AddPortMapping"))
    if lease_of(exchange) == b"0" else fault(725)), MAPPED_S)
def permanent(bench, gateway):
    event = rig.by_command(bench, gateway, "upnp", MAPPED, MAPPED_S, rig.TIMEOUT_S)
    require(event["lifetime_s"] == 0, str(event))
    require([lease_of(entry) for entry in gateway.requests("AddPortMapping")] == [b"7200", b"0"],
            "the leases asked for")
    require(all(WAN in entry.head for entry in gateway.requests("AddPortMapping")), "its action")

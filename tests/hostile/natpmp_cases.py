# SPDX-License-Identifier: MIT OR Apache-2.0
"""NAT-PMP answers that are cut off, forged, contradictory or impossible (RFC 6886)."""

import struct

from messages import natpmp_address, natpmp_mapping
from rig import MAPPED, TIMEOUT_S, add, failed, require

MAPPED_S = 1.0
VERDICT_S = TIMEOUT_S + 1.0  # at most a second to take back what may have been opened
ADDRESS = b"\0\0"  # section 3.2
FLOOD = 1000


def is_delete(request):
    return request[8:12] == bytes(4)


def natpmp(name, expect, address=None, mapping=None, within_s=None, **more):
    """What is not said otherwise is honest, deletes too."""
    def act(gateway):
        def control(request):
            if request == ADDRESS:
                return address(gateway) if address else [natpmp_address()]
            if is_delete(request) or not mapping:
                return [natpmp_mapping(request)]
            return mapping(gateway, request)
        gateway.control = control
    if within_s is None:
        within_s = VERDICT_S if expect.errors else MAPPED_S
    add(name, "natpmp", act, expect, within_s, **more)


def prefixes(answer):
    return [answer[:length] for length in range(len(answer))]


def ignored_address(name, make):
    natpmp(f"address: {name} and nothing else", failed("no_gateway"),
           address=lambda gateway: make(gateway))
    natpmp(f"address: {name}, then the right answer", MAPPED,
           address=lambda gateway: [*make(gateway), natpmp_address()])


def ignored_mapping(name, make):
    natpmp(f"mapping: {name} and nothing else", failed("timeout"), mapping=make)
    natpmp(f"mapping: {name}, then the right answer", MAPPED,
           mapping=lambda gateway, request: [*make(gateway, request), natpmp_mapping(request)])


def wrong_address(**facts):
    return lambda gateway: [natpmp_address(**facts)]


def wrong_mapping(**facts):
    return lambda gateway, request: [natpmp_mapping(request, **facts)]


# ---- Cut off -------------------------------------------------------------------------------------

ignored_address("every prefix of the answer", lambda gateway: prefixes(natpmp_address()))
ignored_mapping("every prefix of the answer",
                lambda gateway, request: prefixes(natpmp_mapping(request)))


# ---- Somebody else's, or nobody's ----------------------------------------------------------------


def stranger(gateway):
    if not hasattr(gateway, "other_address"):
        gateway.other_address = gateway.udp(gateway.stranger, 5351)
        gateway.other_socket = gateway.udp(gateway.name)
    return gateway.other_address, gateway.other_socket


ignored_address("from elsewhere", lambda gateway: [
    (source, natpmp_address(address="198.51.100.66")) for source in stranger(gateway)])
ignored_mapping("from elsewhere", lambda gateway, request: [
    (source, natpmp_mapping(request, external=6666)) for source in stranger(gateway)])
for version in (1, 2, 255):
    ignored_address(f"version {version}", wrong_address(version=version))
    ignored_mapping(f"version {version}", wrong_mapping(version=version))
ignored_address("the answer bit missing", wrong_address(opcode=0))
ignored_mapping("the answer bit missing", wrong_mapping(opcode=2))
ignored_address("an unknown opcode", wrong_address(opcode=131))
ignored_mapping("another port", wrong_mapping(internal=8081))
ignored_mapping("another protocol", wrong_mapping(opcode=129))
ignored_mapping("the request itself", lambda gateway, request: [request])
ignored_mapping("the address once more", lambda gateway, request: [
    natpmp_address(address="198.51.100.66")])


# ---- Odd sizes, floods, contradictions -----------------------------------------------------------

for surplus in (1, 48, 1101 - 16):
    natpmp(f"{surplus} bytes behind each answer", MAPPED,
           address=lambda gateway, n=surplus: [natpmp_address() + bytes(n)],
           mapping=lambda gateway, request, n=surplus: [natpmp_mapping(request) + bytes(n)])
ignored_address("65507 bytes", lambda gateway: [natpmp_address() + bytes(65507 - 12)])
ignored_mapping("65507 bytes", lambda gateway, request: [
    natpmp_mapping(request) + bytes(65507 - 16)])


def forged_flood(gateway, request):
    """Only for the first request: a flood that fills the socket's buffer may cost the right answer,
    which comes again with the next."""
    if sum(1 for entry in gateway.asked if entry[:2] == b"\0\2") == 1:
        for number in range(FLOOD):
            yield natpmp_mapping(request, internal=20000 + number, external=6666)
    yield natpmp_mapping(request)


natpmp("1000 forged answers, then the right one", MAPPED, mapping=forged_flood)
natpmp("each right answer 100 times", MAPPED, address=lambda gateway: [natpmp_address()] * 100,
       mapping=lambda gateway, request: [natpmp_mapping(request)] * 100)
natpmp("a grant, then a refusal", MAPPED, mapping=lambda gateway, request: [
    natpmp_mapping(request), natpmp_mapping(request, result=2)])
natpmp("a refusal, then a grant", failed("not_authorized", code=2), within_s=1.0,
       mapping=lambda gateway, request: [natpmp_mapping(request, result=2),
                                         natpmp_mapping(request)])
natpmp("two addresses", MAPPED, address=lambda gateway: [
    natpmp_address(address=address) for address in ("203.0.112.7", "198.51.100.66")])


# ---- Grants that are none ------------------------------------------------------------------------


def took_back(gateway):
    require(is_delete(gateway.asked[-1]), "what may have been granted was not given back")


ignored_mapping("a lifetime of 0", wrong_mapping(lifetime_s=0))
ignored_mapping("external port 0", wrong_mapping(external=0))
natpmp("a lifetime of 0 gives nothing to keep", failed("timeout"),
       mapping=wrong_mapping(lifetime_s=0), after=took_back)
natpmp("a lifetime of 2^32 - 1", MAPPED, mapping=wrong_mapping(lifetime_s=0xffffffff))
natpmp("external address 0.0.0.0", failed("no_uplink"), address=wrong_address(address="0.0.0.0"),
       within_s=1.0)


# ---- Refusals, section 3.5 -----------------------------------------------------------------------

REFUSALS = {
    1: ("unsupported", "UNSUPP_VERSION (1)"),
    2: ("not_authorized", "NOT_AUTHORIZED (2)"),
    3: ("no_uplink", "NETWORK_FAILURE (3)"),
    4: ("no_resources", "OUT_OF_RESOURCES (4)"),
    5: ("unsupported", "UNSUPP_OPCODE (5)"),
    6: ("refused", "natpmp code 6"),
    65535: ("refused", "natpmp code 65535"),
}
for number, (error, text) in REFUSALS.items():
    expected = failed(error, code=number, text=text)
    natpmp(f"result {number} for the address", expected, address=wrong_address(result=number),
           within_s=1.0)
    # What follows these two is no mapping answer's layout, so it names no port and may be passed
    # over; then nothing else comes.
    silent = failed(error, "timeout") if number in (1, 5) else expected
    natpmp(f"result {number} for the mapping", silent, mapping=wrong_mapping(result=number),
           within_s=VERDICT_S if number in (1, 5) else 1.0)
    short = struct.pack("!BBHI", 0, 128, number, 1000)
    natpmp(f"result {number} for the address in 8 bytes", expected, within_s=1.0,
           address=lambda gateway, short=short: [short])

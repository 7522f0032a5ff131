# SPDX-License-Identifier: MIT OR Apache-2.0
"""PCP answers that are cut off, forged, contradictory or impossible (RFC 6887)."""

from messages import PcpRequest, pcp_answer, v4_mapped
from rig import MAPPED, TIMEOUT_S, add, failed, require

MAPPED_S = 1.0  # an answer that is right is taken at once
VERDICT_S = TIMEOUT_S + 1.0  # at most a second to take back what may have been opened
FLOOD = 1000


def pcp(name, *answers, expect, within_s=None, **more):
    """Deletes are answered honestly, so that only what is said of the mapping counts."""
    def act(gateway):
        def control(request):
            if PcpRequest(request).lifetime_s == 0:
                return [pcp_answer(request)]
            return [piece for answer in answers for piece in answer(gateway, request)]
        gateway.control = control
    if within_s is None:
        within_s = VERDICT_S if expect.errors else MAPPED_S
    add(name, "pcp", act, expect, within_s, **more)


def right(gateway, request):
    return [pcp_answer(request)]


def wrong(**facts):
    return lambda gateway, request: [pcp_answer(request, **facts)]


def surrounded(name, *answers):
    """Ignored: alone it is as good as silence, and before the right answer it does no harm."""
    pcp(f"{name} and nothing else", *answers, expect=failed("no_gateway"))
    pcp(f"{name}, then the right answer", *answers, right, expect=MAPPED)


# ---- Cut off -------------------------------------------------------------------------------------


def every_prefix(gateway, request):
    answer = pcp_answer(request)
    return [answer[:length] for length in range(len(answer))]


def every_prefix_of_refusal(gateway, request):
    answer = pcp_answer(request, result=2)
    return [answer[:length] for length in range(len(answer))]


surrounded("every prefix of the answer", every_prefix)
surrounded("every prefix of a refusal", every_prefix_of_refusal)


# ---- Somebody else's, or nobody's ----------------------------------------------------------------


def each_nonce_byte(gateway, request):
    nonce = PcpRequest(request).nonce
    for at in range(len(nonce)):
        other = bytes(byte ^ (0xff if index == at else 0) for index, byte in enumerate(nonce))
        yield pcp_answer(request, nonce=other)


def echo(gateway, request):
    return [request]


def from_other_address(gateway, request):
    return [(gateway.other_address, pcp_answer(request, external=6666))]


def from_other_socket(gateway, request):
    return [(gateway.other_socket, pcp_answer(request, external=6666))]


surrounded("each byte of the nonce wrong", each_nonce_byte)
surrounded("no nonce at all", wrong(nonce=bytes(12)))
surrounded("another port", wrong(internal=8081))
surrounded("another protocol", wrong(protocol=17))
surrounded("no protocol", wrong(protocol=0, internal=0))
surrounded("version 1", wrong(version=1))
surrounded("version 3", wrong(version=3))
surrounded("version 0 in PCP's layout", wrong(version=0))
surrounded("the answer bit missing", wrong(opcode=0x01))
surrounded("the request itself", echo)
surrounded("the answer of a PEER request", wrong(opcode=0x82))
surrounded("an ANNOUNCE", wrong(opcode=0x80))
surrounded("an unknown opcode", wrong(opcode=0xff))


def strangers(gateway):
    gateway.other_address = gateway.udp(gateway.stranger, 5351)
    gateway.other_socket = gateway.udp(gateway.name)


def from_elsewhere(name, answer):
    def alone(gateway):
        strangers(gateway)
        gateway.control = lambda request: answer(gateway, request)

    def before(gateway):
        strangers(gateway)
        gateway.control = lambda request: [*answer(gateway, request), pcp_answer(request)]

    def not_taken(gateway):
        wishes = {PcpRequest(entry).external for entry in gateway.asked}
        require(6666 not in wishes, "the stranger's port was taken")

    add(f"{name} and nothing else", "pcp", alone, failed("no_gateway"), VERDICT_S)
    add(f"{name}, then the right answer", "pcp", before, MAPPED, MAPPED_S, after=not_taken)


from_elsewhere("the right answer from another address", from_other_address)
from_elsewhere("the right answer from another port of the gateway", from_other_socket)


# ---- Odd sizes and options -----------------------------------------------------------------------


def sizes(*extra):
    return lambda gateway, request: [pcp_answer(request, options=bytes(n)) for n in extra]


surrounded("lengths that are no multiple of 4", sizes(1, 2, 3, 5))
surrounded("1101 bytes", sizes(1101 - 60))
surrounded("1104, 1500, 2048, 2049, 9000 and 65507 bytes",
           sizes(1104 - 60, 1500 - 60, 2048 - 60, 2049 - 60, 9000 - 60, 65507 - 60))
surrounded("an option longer than the message", wrong(options=b"\x80\0\xff\xff" + bytes(8)))
surrounded("an option without its padding's end", wrong(options=b"\x80\0\0\x05" + bytes(4)))
surrounded("half an option", wrong(options=bytes(4) + b"\x80\0\0\x04"))
pcp("unknown options", wrong(options=b"\xfe\0\0\x03\1\2\3\0" + b"\x7f\0\0\0"), expect=MAPPED)
pcp("1100 bytes of empty options", wrong(options=b"\x80\0\0\0" * 260), expect=MAPPED)


# ---- Floods and contradictions -------------------------------------------------------------------


def forged_flood(gateway, request):
    """Only for the first request: a flood that fills the socket's buffer may cost the right answer,
    which comes again with the next."""
    if len(gateway.asked) == 1:
        for number in range(FLOOD):
            yield pcp_answer(request, nonce=number.to_bytes(12, "big"), external=6666)


def took_back(gateway):
    require(PcpRequest(gateway.asked[-1]).lifetime_s == 0, "what was granted was not given back")


def granted_port(gateway):
    wishes = {PcpRequest(entry).external for entry in gateway.asked}
    require(wishes == {8080}, f"ports asked for: {wishes}")


pcp("1000 forged answers, then the right one", forged_flood, right, expect=MAPPED,
    after=granted_port)
pcp("the right answer 100 times", *[right] * 100, expect=MAPPED)
pcp("a grant, then a refusal", right, wrong(result=2), expect=MAPPED)
# The library takes a grant whenever it comes; the command has told a failure by then.
pcp("a refusal, then a grant", wrong(result=2), right, expect=failed("not_authorized"),
    library=False)
pcp("two grants of different ports", wrong(external=1111), wrong(external=2222), expect=MAPPED)


# ---- Grants that are none ------------------------------------------------------------------------


pcp("a lifetime of 0", wrong(lifetime_s=0), expect=failed("timeout"), after=took_back)
pcp("a lifetime of 2^32 - 1", wrong(lifetime_s=0xffffffff), expect=MAPPED)
pcp("a lifetime of 1 s", wrong(lifetime_s=1), expect=MAPPED)
pcp("external port 0", wrong(external=0), expect=failed("malformed"))
for what, address in (("0.0.0.0", v4_mapped("0.0.0.0")), ("::", bytes(16))):
    pcp(f"external address {what}", wrong(address=address), expect=failed("no_uplink"),
        after=took_back)


# ---- Refusals, section 7.4 -----------------------------------------------------------------------

REFUSALS = {
    1: ("unsupported", "UNSUPP_VERSION (1)"),
    2: ("not_authorized", "NOT_AUTHORIZED (2)"),
    3: ("refused", "MALFORMED_REQUEST (3)"),
    4: ("unsupported", "UNSUPP_OPCODE (4)"),
    5: ("unsupported", "UNSUPP_OPTION (5)"),
    6: ("refused", "MALFORMED_OPTION (6)"),
    7: ("no_uplink", "NETWORK_FAILURE (7)"),
    8: ("no_resources", "NO_RESOURCES (8)"),
    9: ("unsupported", "UNSUPP_PROTOCOL (9)"),
    10: ("no_resources", "USER_EX_QUOTA (10)"),
    11: ("port_taken", "CANNOT_PROVIDE_EXTERNAL (11)"),
    12: ("refused", "ADDRESS_MISMATCH (12)"),
    13: ("no_resources", "EXCESSIVE_REMOTE_PEERS (13)"),
    14: ("refused", "pcp code 14"),
    255: ("refused", "pcp code 255"),
}
for number, (error, text) in REFUSALS.items():
    pcp(f"result {number}", wrong(result=number), expect=failed(error, code=number, text=text),
        within_s=1.0)

for size in (8, 12, 60):
    refusal = b"\0\x81\0\1" + bytes(size - 4)  # RFC 6886 section 3.5, to a PCP request
    pcp(f"a NAT-PMP server's refusal in {size} bytes",
        lambda gateway, request, refusal=refusal: [refusal],
        expect=failed("unsupported", code=1), within_s=1.0)

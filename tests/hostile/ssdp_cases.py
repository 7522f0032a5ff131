# SPDX-License-Identifier: MIT OR Apache-2.0
"""SSDP answers that lead elsewhere, contradict themselves or come in floods: what is described may
be fetched from the gateway and from nowhere else."""

from messages import IGD, ssdp_answer
from rig import MAPPED, TIMEOUT_S, add, failed, require

MAPPED_S = 1.0
VERDICT_S = TIMEOUT_S  # the search goes on until then; nothing was opened
FLOOD = 500


def upnp(name, search, expect, within_s=None, **more):
    """`search(gateway)` gives the answers to each M-SEARCH."""
    def act(gateway):
        gateway.search = lambda request: search(gateway)
    if within_s is None:
        within_s = VERDICT_S if expect.errors else MAPPED_S
    add(name, "upnp", act, expect, within_s, **more)


def not_fetched(gateway):
    fetched = [entry.path for entry in gateway.asked if hasattr(entry, "path")]
    require(not fetched, f"fetched: {fetched}")


def right(gateway):
    return ssdp_answer(gateway.url())


def refused(name, location, *errors):
    """A LOCATION that is not followed; the right one beside it is."""
    upnp(f"LOCATION {name}", lambda gateway: [ssdp_answer(location(gateway))], failed(*errors),
         after=not_fetched)
    upnp(f"LOCATION {name}, then the right one",
         lambda gateway: [ssdp_answer(location(gateway)), right(gateway)], MAPPED)


def ignored(name, search):
    """An answer that is none; the right one beside it is one."""
    upnp(name, search, failed("no_gateway"), after=not_fetched)
    upnp(f"{name}, then the right answer",
         lambda gateway: [*search(gateway), right(gateway)], MAPPED)


upnp("eight false claims in the gateway's name, then the right answer",
     lambda g: [*(ssdp_answer(g.url(f"/x{n}")) for n in range(8)), right(g)], MAPPED)


# Real routers name themselves so; they are asked where the answer came from, and nowhere else.
for host in ("[::1]", "0.0.0.0"):
    upnp(f"LOCATION at {host}", lambda g, h=host: [ssdp_answer(g.url_at(h))], MAPPED)


# ---- Elsewhere -----------------------------------------------------------------------------------

refused("at another host", lambda g: g.url_at(g.decoy), "untrusted")
refused("at this host", lambda g: g.url_at(g.client), "untrusted")
refused("at 127.0.0.1", lambda g: f"http://127.0.0.1:{g.local_port}/", "untrusted")
refused("at another host as an IPv4-mapped address",
        lambda g: g.url_at(f"[::ffff:{g.decoy}]"), "untrusted")
refused("at a multicast address", lambda g: g.url_at("239.255.255.250"), "untrusted")
refused("at a link-local address", lambda g: g.url_at("169.254.169.254"), "untrusted")
refused("at a public address", lambda g: g.url_at("192.0.2.1"), "untrusted")
refused("with a host name", lambda g: g.url_at("localhost"), "malformed")
refused("with a host name that begins with the address", lambda g: g.url_at(f"{g.name}.example"),
        "malformed")
refused("by https", lambda g: f"https://{g.name}:{g.port}/", "malformed")
for scheme in ("ftp", "file", "gopher", "javascript"):
    refused(f"by {scheme}", lambda g, s=scheme: f"{s}://{g.name}:{g.port}/", "malformed")
refused("without a scheme", lambda g: f"//{g.name}:{g.port}/", "malformed")
refused("without anything", lambda g: "", "malformed")
for port in ("0", "65536", "-1", "+80", "99999999999999999999", "80a", "0x50"):
    refused(f"with port {port}", lambda g, p=port: f"http://{g.name}:{p}/", "malformed")
refused("with a user name", lambda g: f"http://user@{g.name}:{g.port}/", "malformed")
refused("with the gateway as a user name", lambda g: f"http://{g.name}@{g.decoy}:{g.port}/",
        "malformed")
refused("with the gateway and its port as user and password",
        lambda g: f"http://{g.name}:{g.port}@{g.decoy}:{g.port}/", "malformed")
refused("with a backslash before the host", lambda g: f"http://{g.decoy}:{g.port}\\@{g.name}/",
        "malformed")
refused("with the gateway in the fragment",
        lambda g: f"http://{g.decoy}:{g.port}#@{g.name}:{g.port}/", "untrusted")
refused("with the gateway in the query",
        lambda g: f"http://{g.decoy}:{g.port}?@{g.name}:{g.port}/", "untrusted")
for name, host in (("octal", "0177.0.0.1"), ("hexadecimal", "0x7f.0.0.1"), ("one", "2130706433"),
                   ("short", "127.1"), ("padded", "127.000.000.001")):
    refused(f"with a host of {name} numbers",
            lambda g, h=host: f"http://{h}:{g.local_port}/", "malformed")
refused("with a scope", lambda g: f"http://[fe80::1%25lo]:{g.port}/", "malformed")
refused("with an open bracket", lambda g: f"http://[::1:{g.port}/", "malformed")
refused("with an escape sequence", lambda g: g.url("/\x1b]0;pwned\x07"), "malformed")
refused("with a blank", lambda g: g.url("/a b"), "malformed")
refused("with a NEL", lambda g: g.url("/\x85"), "malformed")
refused("with a path of 600 bytes", lambda g: g.url("/" + "a" * 600), "too_large")


def from_decoy(gateway):
    if not hasattr(gateway, "liar"):
        gateway.liar = gateway.udp(gateway.stranger, 1900)
    return gateway.liar


upnp("another host of this machine names itself", lambda g: [
    (from_decoy(g), ssdp_answer(g.url_at(g.stranger)))], failed("untrusted"), after=not_fetched)
upnp("another host names a decoy", lambda g: [
    (from_decoy(g), ssdp_answer(g.url_at(g.decoy)))], failed("untrusted"), after=not_fetched)


# ---- Answers that are none -----------------------------------------------------------------------

ignored("two LOCATIONs that contradict each other", lambda g: [
    ssdp_answer(g.url(), before=f"LOCATION: {g.url_at(g.decoy)}\r\n"),
    ssdp_answer(g.url(), after=f"Location: {g.url_at(g.decoy)}\r\n")])
upnp("the same LOCATION twice", lambda g: [
    ssdp_answer(g.url(), before=f"location:{g.url()}\r\n")], MAPPED)
ignored("two STs that contradict each other", lambda g: [
    ssdp_answer(g.url(), after="ST: urn:x:device:Other:1\r\n")])
for name, status in (("404", "HTTP/1.1 404 Not Found"), ("2000", "HTTP/1.1 2000 OK"),
                     ("HTTP/2", "HTTP/2 200 OK"), ("no status", "")):
    ignored(f"the status of {name}",
            lambda g, s=status: [ssdp_answer(g.url_at(g.decoy), status=s)])
ignored("an announcement in an answer's place", lambda g: [
    ssdp_answer(g.url_at(g.decoy), status="NOTIFY * HTTP/1.1",
                before=f"NT: {IGD}\r\nNTS: ssdp:alive\r\n")])
ignored("a search in an answer's place", lambda g: [
    ssdp_answer(g.url_at(g.decoy), status="M-SEARCH * HTTP/1.1",
                before='MAN: "ssdp:discover"\r\n')])
ignored("another device's answer", lambda g: [
    ssdp_answer(g.url_at(g.decoy), target="urn:schemas-upnp-org:device:MediaRenderer:1")])
ignored("a NUL", lambda g: [ssdp_answer(g.url_at(g.decoy), before="X: \0\r\n")])
ignored("nothing", lambda g: [b""])
ignored("one byte after another", lambda g: [bytes((byte,)) for byte in range(256)])
ignored("every prefix of the answer", lambda g: [
    right(g)[:length] for length in range(right(g).index(b"ST:"))])
upnp("LOCATION inside User-Agent", lambda g: [
    ssdp_answer("", before=f"USER-AGENT: x LOCATION: {g.url_at(g.decoy)}\r\n").replace(
        b"LOCATION: \r\n", b"")], failed("malformed"), after=not_fetched)
upnp("LOCATION inside User-Agent and the right one", lambda g: [
    ssdp_answer(g.url(), before=f"USER-AGENT: x LOCATION: {g.url_at(g.decoy)}\r\n")], MAPPED)
upnp("LOCATION in a folded line and the right one", lambda g: [
    ssdp_answer(g.url(), before=f"X: y\r\n LOCATION: {g.url_at(g.decoy)}\r\n")], MAPPED)
upnp("LOCATION behind the header block and the right one", lambda g: [
    right(g) + f"LOCATION: {g.url_at(g.decoy)}\r\n\r\n".encode("ascii")], MAPPED)
upnp("LF for line ends", lambda g: [right(g).replace(b"\r\n", b"\n")], MAPPED)
ignored("CR for line ends", lambda g: [ssdp_answer(g.url_at(g.decoy)).replace(b"\r\n", b"\r")])


# ---- Sizes and floods ----------------------------------------------------------------------------


def padded(gateway, size):
    answer = ssdp_answer(gateway.url(), before="X: \r\n")
    return answer.replace(b"X: ", b"X: " + b"y" * (size - len(answer)))


for size in (2049, 4096, 65507):
    ignored(f"{size} bytes", lambda g, n=size: [padded(g, n)])
upnp("2048 bytes", lambda g: [padded(g, 2048)], MAPPED)


def crowd(gateway):
    """Each claims to be it, from an address of its own; the gateway comes last."""
    liars = [gateway.udp(gateway.host(10 + number % 240)) for number in range(FLOOD)]
    claims = [(liar, ssdp_answer(gateway.url_at(liar.getsockname()[0]))) for liar in liars]
    gateway.search = lambda request: [
        *(claims if len(gateway.asked) == 1 else ()), right(gateway)]


def claims_by_gateway(gateway):
    """Of the gateway's own address, where nothing is what it should be."""
    for number in range(FLOOD):
        yield ssdp_answer(gateway.url(f"/{number}"))


def nothing_there(gateway):
    gateway.search = lambda request: claims_by_gateway(gateway)
    gateway.description = lambda exchange: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def few_tries(gateway):
    fetched = [entry.path for entry in gateway.asked if hasattr(entry, "path")]
    require(0 < len(fetched) <= 16, f"{len(fetched)} descriptions were fetched")


FLOOD_S = 2 * TIMEOUT_S  # the gateway has much to say
add("500 claims of 240 hosts, then the right answer", "upnp", crowd, MAPPED, MAPPED_S,
    timeout_s=FLOOD_S)
add("500 claims of the gateway itself, all wrong", "upnp", nothing_there,
    failed("refused", code=404), FLOOD_S, timeout_s=FLOOD_S, after=few_tries)

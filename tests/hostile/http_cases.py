# SPDX-License-Identifier: MIT OR Apache-2.0
"""HTTP answers without end, without sense or without haste. The description is what is asked for
first, so that is where most of them stand; what is true of it is true of SOAP, which has the same
reader."""

import itertools
import math

from gateway import RESET
from messages import (description, response, service, soap_address, soap_reply, ssdp_answer,
                      xml)
from rig import MAPPED, TIMEOUT_S, add, by_library, case, describes, failed, require

VERDICT_S = TIMEOUT_S  # other devices are waited for until then
TAKE_BACK_S = 1.0  # what may have been opened is asked to be closed for so long
GIB = 1 << 30
PIECE = b"a" * 65536
# What the system's buffers at both ends may hold beyond what was read.
BUFFERED_MAX = 16 << 20
ROOT = description().encode("ascii")


def raw(text):
    return lambda gateway: text.encode("latin-1")


def head(*lines, status="200 OK"):
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", ""))


# ---- Without end ---------------------------------------------------------------------------------


def forever(start, piece):
    def pieces(gateway):
        yield start
        while gateway.pause(0):
            yield piece
    return pieces


def gigabyte(gateway):
    yield head(f"Content-Length: {GIB}").encode("ascii")
    for _ in range(GIB // len(PIECE)):
        yield PIECE


def buffered_only(gateway):
    require(gateway.bytes_sent < BUFFERED_MAX, f"{gateway.bytes_sent} bytes were taken")


def endless(name, make):
    describes(name, make, failed("too_large"), held=True, after=buffered_only)


CHUNK = f"{len(PIECE):x}\r\n".encode("ascii") + PIECE + b"\r\n"
CHUNKED = head("Transfer-Encoding: chunked").encode("ascii")

endless("a body of 1 GiB, announced and sent", gigabyte)
endless("a body without end", forever(head().encode("ascii"), PIECE))
endless("a body of XML without end",
        forever(head().encode("ascii") + ROOT[:-7], b"<x>" + b" " * 1000 + b"</x>"))
endless("chunks without end", forever(CHUNKED, CHUNK))
endless("a chunk size without end", forever(CHUNKED, b"0" * 1024))
endless("a chunk extension without end", forever(CHUNKED + b"5;", PIECE))
endless("trailers without end", forever(CHUNKED + b"0\r\n", b"X: y\r\n"))
endless("headers without end", forever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000))
endless("one header without end", forever(b"HTTP/1.1 200 OK\r\nX: ", PIECE))
endless("a status line without end", forever(b"HTTP/1.1 200 ", PIECE))
endless("interim answers without end", forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
endless("empty lines without end", forever(b"", b"\r\n" * 1000))
describes("the right answer, and bytes without end behind it", forever(xml(description()), PIECE),
        MAPPED, held=True, after=buffered_only)


# ---- Without haste -------------------------------------------------------------------------------


def drip(content, interval_s=1.0):
    def pieces(gateway):
        for at in range(len(content)):
            yield content[at:at + 1]
            if not gateway.pause(interval_s):
                return
    return pieces


def silence(gateway):
    while gateway.pause(1.0):
        yield b""


describes("one byte a second", drip(xml(description())), failed("timeout"))
describes("one byte a second of the body", lambda gateway: itertools.chain(
    (head(f"Content-Length: {len(ROOT)}").encode("ascii"),), drip(ROOT)(gateway)),
          failed("timeout"))
describes("one byte in 10 ms of a body without end", drip(head().encode("ascii") + PIECE, 0.01),
          failed("timeout"))
describes("one interim answer in 100 ms", lambda gateway: itertools.chain.from_iterable(
    (b"HTTP/1.1 100 Continue\r\n\r\n",) if gateway.pause(0.1) else () for _ in range(1000)),
          failed("timeout"))
describes("accepted, and then silence", silence, failed("timeout"))
describes("a head, and then silence", lambda gateway: itertools.chain(
    (head("Content-Length: 100").encode("ascii"),), silence(gateway)), failed("timeout"))
# An exchange has 10 s at the most, whatever time there is.
add("one byte a second, with 30 s of time", "upnp",
    lambda gateway: setattr(gateway, "description", lambda e: drip(xml(description()))(gateway)),
    failed("timeout"), within_s=11.0, timeout_s=30, library=False)


def slow_action(name, action):
    def act(gateway):
        setattr(gateway, action, lambda exchange: drip(xml(soap_reply("X")))(gateway))
    add(f"one byte a second of {name}", "upnp", act, failed("timeout"),
        VERDICT_S + TAKE_BACK_S)


def slow_candidates(gateway):
    """Each is slow; together they have no more time than one."""
    gateway.search = lambda request: [ssdp_answer(gateway.url(f"/{n}")) for n in range(4)]
    gateway.description = lambda exchange: silence(gateway)


def slow_services(gateway):
    services = "".join(service(control=f"/{n}") for n in range(8))
    gateway.description = lambda exchange: xml(description(services))
    gateway.address = lambda exchange: silence(gateway)


add("four descriptions that do not come", "upnp", slow_candidates, failed("timeout"), VERDICT_S)
add("eight services that do not answer", "upnp", slow_services, failed("timeout"), VERDICT_S)
slow_action("the external address", "address")
slow_action("the mapping", "add")


# ---- Framing that makes no sense -----------------------------------------------------------------
#
# Each would be a right description to a reader that takes one of the numbers for what it is not.


def chunked(size, *lines):
    """The description as one chunk; `size` has N for its length in hexadecimal."""
    return raw(head("Transfer-Encoding: chunked", *lines)
               + f"{size.replace('N', f'{len(ROOT):x}')}\r\n{description()}\r\n0\r\n\r\n")


def sized(*lengths):
    """The description with these Content-Lengths; N is its length in decimal."""
    lines = [f"Content-Length: {length.replace('N', str(len(ROOT)))}" for length in lengths]
    return raw(head(*lines) + description())


describes("chunks", chunked("N"), MAPPED)
describes("a chunk with an extension", chunked('N;a="b"'), MAPPED)
for size, error in ((f"1{len(ROOT):08x}", "too_large"), (f"1{len(ROOT):016x}", "too_large"),
                    (f"8{len(ROOT):07x}", "too_large"), (f"8{len(ROOT):015x}", "too_large"),
                    ("7fffffffffffffff", "too_large"), ("ffffffffffffffff", "too_large"),
                    ("40001", "too_large"), ("-N", "malformed"), ("+N", "malformed"),
                    ("0xN", "malformed"), (" N", "malformed"), ("", "malformed"),
                    ("Ng", "malformed"), ("N\0", "malformed"), (".N", "malformed")):
    describes(f"a chunk of size {size!r}", chunked(size), failed(error))
describes("a chunk longer than announced", chunked(f"{len(ROOT) - 1:x}"), failed("malformed"))
describes("a chunk shorter than announced", chunked(f"{len(ROOT) + 3:x}"), failed("malformed"))
describes("chunks that end early", raw(CHUNKED.decode("ascii") + f"ffff\r\n{description()}"),
          failed("truncated"))
describes("a negative chunk behind the description", raw(
    CHUNKED.decode("ascii") + f"{len(ROOT):x}\r\n{description()}\r\n-1\r\nx"), failed("malformed"))
for lengths in (("N", "20"), ("20", "N"), ("N", "-N"), ("N", ""), ("N, N",), ("N, 20",), ("-N",),
                ("+N",), ("",), ("0xN",), ("N N",), ("Na",), ("N.0",), ("N;x",), ("'N'",)):
    describes(f"Content-Length {' and '.join(map(repr, lengths))}", sized(*lengths),
              failed("malformed"))
for length in ("262145", str(2**32 + len(ROOT)), str(2**64 - 1), str(2**64 + len(ROOT)),
               "9" * 100):
    describes(f"Content-Length {length[:24]}", sized(length), failed("too_large"))
describes("Content-Length beside chunks", chunked("N", f"Content-Length: {len(ROOT)}"),
          failed("malformed"))
for coding in ("gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", ""):
    for name, content in (("chunks", f"{len(ROOT):x}\r\n{description()}\r\n0\r\n\r\n"),
                          ("no chunks", description())):
        describes(f"Transfer-Encoding {coding!r} and {name}",
                  raw(head(f"Transfer-Encoding: {coding}") + content), failed("malformed"))
describes("two Transfer-Encodings", chunked("N", "Transfer-Encoding: gzip"), failed("malformed"))
describes("Content-Length 100 short of the body", sized(str(len(ROOT) - 100)),
          failed("malformed"))
describes("Content-Length 100 beyond the body", sized(str(len(ROOT) + 100)), failed("truncated"))
describes("the same Content-Length twice", sized("N", "N"), MAPPED)
describes("Content-Length inside another header",
          raw(head("X: y Content-Length: 5", f"Content-Length: {len(ROOT)}") + description()),
          MAPPED)
describes("a folded header", raw(head("X: y", " z") + description()), failed("malformed"))
describes("a NUL in the head", raw(head("X: \0") + description()), failed("malformed"))


# ---- No HTTP, or not ours ------------------------------------------------------------------------

for name, text in (("SSH", "SSH-2.0-OpenSSH_9.2\r\n"), ("TLS", "\x15\x03\x01\0\x02\x02\x0a"),
                   ("HTTP/2", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\n"),
                   ("XML at once", description() + "\n"), ("an email", "220 mail ESMTP\r\n"),
                   ("status 99", "HTTP/1.1 099 X\r\n\r\n"),
                   ("status 600", "HTTP/1.1 600 X\r\n\r\n"),
                   ("status -200", "HTTP/1.1 -200 X\r\n\r\n"), ("no status", "HTTP/1.1\r\n\r\n"),
                   ("status 2000", "HTTP/1.1 2000 X\r\n\r\n"),
                   ("version 3", "HTTP/3.0 200 OK\r\n\r\n"), ("no body", head())):
    describes(f"{name} for an answer", raw(text), failed("malformed"))
describes("all bytes there are", lambda gateway: bytes(range(1, 256)) * 40 + b"\n",
        failed("malformed", "too_large"))
describes("the end at once", raw(""), failed("truncated"))
describes("a reset at once", lambda gateway: (RESET,), failed("truncated"))
describes("a reset in the body", lambda gateway: (
    head("Content-Length: 100").encode("ascii") + b"<root>", RESET), failed("truncated"))


def no_redirect(gateway):
    paths = {entry.path for entry in gateway.asked if hasattr(entry, "path")}
    require(paths == {"/desc.xml"}, f"fetched: {paths}")


for status in (301, 302, 303, 307, 308):
    describes(f"{status} to another host", lambda gateway, s=status: raw(head(
        f"Location: {gateway.url_at(gateway.decoy)}", "Content-Length: 0",
        status=f"{s} Moved"))(gateway), failed("refused", code=status), after=no_redirect)
describes("302 to another path", lambda gateway: raw(head(
    "Location: /other.xml", "Content-Length: 0", status="302 Found"))(gateway),
        failed("refused", code=302), after=no_redirect)
describes("a refresh to another host", lambda gateway: response(ROOT, headers=(
    f"Refresh: 0; url={gateway.url_at(gateway.decoy)}",
    f"Content-Location: {gateway.url_at(gateway.decoy)}",
    f"Alt-Svc: http/1.1=\"{gateway.decoy}:{gateway.port}\"")), MAPPED)
for status in (101, 204, 304, 400, 401, 500, 503):
    describes(f"status {status}", raw(head("Content-Length: 0", status=f"{status} X")),
            failed("refused", code=status))


def nobody_listens(gateway):
    gateway.search = lambda request: [ssdp_answer(f"http://{gateway.name}:1/desc.xml")]


add("nobody listens where the description should be", "upnp", nobody_listens,
    failed("no_gateway"), VERDICT_S)


# ---- Cut off at every byte -----------------------------------------------------------------------


MANY_S = VERDICT_S + 5.0  # for a hundred clients that end one after another


def cut_off(name, whole, install, errors, cuts_per_client=4):
    """Each request gets the next longer prefix. One run of a client asks for a few, so many clients
    in one process ask at once; again, until all lengths have been given."""
    clients = math.ceil(len(whole) / cuts_per_client)
    seen = []

    def act(gateway):
        lengths, paths = itertools.count(), itertools.count()

        def prefix(exchange):
            length = next(lengths) % len(whole)
            seen.append(length)
            return whole[:length]

        gateway.search = lambda request: [
            ssdp_answer(gateway.url(f"/{next(paths)}"))]
        install(gateway, prefix)

    @case(f"upnp: {name}, cut off at every byte", act, MANY_S)
    def many(bench, gateway):
        given = -1
        while len(set(seen)) < len(whole):
            require(len(seen) > given, "the clients ask for nothing")
            given = len(seen)
            by_library(bench, gateway, "upnp", failed(*errors), MANY_S, TIMEOUT_S, clients)


SMALL = description().encode("ascii")
# The search goes on until its deadline, which on a busy machine may come amid the next fetch, or
# before the first.
CUT = ("truncated", "malformed", "timeout", "no_gateway")
cut_off("a description", response(SMALL),
        lambda gateway, prefix: setattr(gateway, "description", prefix), CUT)
cut_off("a description without length", response(SMALL, sized=False),
        lambda gateway, prefix: setattr(gateway, "description", prefix), CUT)
cut_off("an external address", xml(soap_address()),
        lambda gateway, prefix: setattr(gateway, "address", prefix), CUT)
cut_off("the answer to a mapping", xml(soap_reply("AddPortMapping")),
        lambda gateway, prefix: setattr(gateway, "add", prefix), CUT)

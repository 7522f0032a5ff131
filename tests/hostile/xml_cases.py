# SPDX-License-Identifier: MIT OR Apache-2.0
"""Descriptions that blow up, lead elsewhere or smuggle something into what is sent because of
them."""

import xml.etree.ElementTree

import rig
from messages import (WAN, description, device, document, response, service, soap_address,
                      soap_fault, xml as body)
from rig import MAPPED, TIMEOUT_S, add, failed, require

DEPTH_MAX, DEVICES_MAX, ELEMENTS_MAX, TEXT_MAX = 32, 16, 8192, 1024  # src/wire/xml.h, igd.h
BODY_MAX = 256 * 1024


def describes(name, text, expect, **more):
    """`text` is a description, or makes one of the gateway."""
    rig.describes(name, lambda gateway: body(text(gateway) if callable(text) else text), expect,
                  **more)


# ---- Size ----------------------------------------------------------------------------------------


def nested(depth):
    return document("<a>" * depth + "</a>" * depth + device(service()))


def devices(count):
    return document("<device>" * count + service() + "</device>" * count)


def many_devices(count):
    return document(device(f"<deviceList>{'<device></device>' * (count - 1)}</deviceList>"
                           + service()))


describes("10,000 elements deep", nested(10000), failed("too_large"), held=True)
describes("10,000 elements deep and no way back", document("<a>" * 10000), failed("too_large"),
          held=True)
describes("33 elements deep", nested(DEPTH_MAX), failed("too_large"))
describes("32 elements deep", nested(DEPTH_MAX - 1), MAPPED)
describes("17 devices one in another", devices(DEVICES_MAX + 1), failed("too_large"))
describes("17 devices side by side", many_devices(DEVICES_MAX + 1), failed("too_large"))
describes("16 devices", many_devices(DEVICES_MAX), MAPPED)
describes("10,000 devices", many_devices(10000), failed("too_large"), held=True)
describes("10,000 elements side by side", document("<a/>" * 10000 + device(service())),
          failed("too_large"), held=True)
describes("10,000 services that are none", document(device("<service/>" * 8000 + service())),
          MAPPED, held=True)
describes("a text of 1025 bytes", description(name="x" * (TEXT_MAX + 1)), failed("too_large"))
describes("a text of 200 KB", description(name="x" * 200000), failed("too_large"), held=True)
describes("2 MB of attributes",
          document("<a " + " ".join(f'a{n}="{"x" * 190}"' for n in range(10000)) + "/>"),
          failed("too_large"), held=True)
describes("200 KB of attributes of one element",
          document("<a " + " ".join(f'a{n}="x"' for n in range(16000)) + f"/>{device(service())}"),
          MAPPED, held=True)
describes("one attribute of 200 KB", document(f'<a b="{"x" * 200000}"/>{device(service())}'),
          MAPPED, held=True)
describes("one name of 200 KB", document(f"<{'a' * 100000}></{'a' * 100000}>{device(service())}"),
          MAPPED, held=True)
describes("a comment of 250 KB", document(f"<!--{'x' * 250000}-->{device(service())}"), MAPPED,
          held=True)
describes("255 KB of ampersands", document(device(service()) + "&" * (BODY_MAX - 1024)),
          failed("too_large"), held=True)
describes("255 KB of opening brackets", "<" * (BODY_MAX - 1024), failed("malformed"), held=True)
describes("255 KB of one open tag", "<" + "a" * (BODY_MAX - 1024), failed("malformed"), held=True)


# ---- Entities ------------------------------------------------------------------------------------


def laughs(inner):
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE root [<!ENTITY l0 "ha">{levels}]>' + inner


def external(kind, gateway):
    place = gateway.url_at(gateway.decoy, "/evil")
    declarations = {
        "entity": f'<!DOCTYPE root [<!ENTITY x SYSTEM "{place}">]>',
        "parameter entity": f'<!DOCTYPE root [<!ENTITY % x SYSTEM "{place}"> %x;]>',
        "subset": f'<!DOCTYPE root SYSTEM "{place}">',
        "public subset": f'<!DOCTYPE root PUBLIC "-//X//Y" "{place}">',
        "file": '<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    }
    return document(device(service(), name="&x;"), declarations[kind])


describes("a billion laughs", laughs(document(device(service(), name="&l9;"), "")),
          failed("malformed"), held=True)
for kind in ("entity", "parameter entity", "subset", "public subset", "file"):
    describes(f"an external {kind}", lambda gateway, k=kind: external(k, gateway),
              failed("malformed"))
describes("an empty DOCTYPE", document(device(service()), "<!DOCTYPE root>"), failed("malformed"))
rig.describes("a DOCTYPE in UTF-16", lambda gateway: response(
    document(device(service()), "<!DOCTYPE root>").encode("utf-16")), failed("malformed"))
rig.describes("UTF-16", lambda gateway: response(description().encode("utf-16")), MAPPED)
describes("an undeclared entity", description(name="&nbsp;&undeclared;"), MAPPED)
describes("a style sheet elsewhere", lambda gateway: document(
    device(service()), '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="'
    f'{gateway.url_at(gateway.decoy)}"?>'), MAPPED)
describes("an inclusion from elsewhere", lambda gateway: document(
    f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="'
    f'{gateway.url_at(gateway.decoy)}"/>' + device(service())), MAPPED)
for action, reply in (("address", soap_address()), ("add", soap_fault(718))):
    add(f"a billion laughs for the {action}", "upnp",
        lambda gateway, a=action, r=reply: setattr(
            gateway, a, lambda exchange: body(laughs(r.split("?>", 1)[1]))),
        failed("malformed", "timeout"), 1.0 + TIMEOUT_S)


# ---- Encoding and shape --------------------------------------------------------------------------

rig.describes("invalid UTF-8", lambda gateway: response(
    description(name="\xff\xfe\xc0\xaf\xed\xa0\x80").encode("latin-1")), MAPPED)
rig.describes("overlong UTF-8 in a control URL", lambda gateway: response(
    description(service(control="/\xc0\xae\xc0\xae/")).encode("latin-1")), failed("unsupported"))
describes("an encoding that nobody knows", document(
    device(service()), '<?xml version="1.0" encoding="x-evil"?>'), MAPPED)
describes("UTF-7 declared", document(device(service()), '<?xml version="1.0" encoding="UTF-7"?>'),
          MAPPED)
describes("a NUL", description(name="a\0b"), failed("malformed"))
describes("an escape character by its number", description(name="&#27;[2J"), failed("malformed"))
describes("elements that cross", document("<a><b></a></b>"), failed("malformed"))
describes("HTML", "<!DOCTYPE html><html><body>Login</body></html>", failed("malformed"))
describes("nothing", "", failed("malformed"))
describes("blanks alone", " \r\n" * 1000, failed("malformed"))
describes("no device at all", document(""), failed("unsupported"))
describes("a service outside of any device", document(service()), MAPPED)
describes("bytes behind the root element", description() + "\0\xff<evil>", MAPPED)


# ---- Elsewhere -----------------------------------------------------------------------------------


def controlled_at(name, control, expect, base=""):
    describes(f"a control URL {name}", lambda g: document(
        device(service(control=control(g))), base=f"<URLBase>{base(g)}</URLBase>" if base else ""),
        expect, after=only_here)


def only_here(gateway):
    """No request had anything in it that is not of this program's making."""
    for entry in gateway.asked:
        if hasattr(entry, "head"):
            names = {line.split(":")[0].lower() for line in entry.head.split("\r\n")[1:]}
            strange = names - {"host", "user-agent", "connection", "soapaction", "content-type",
                               "content-length"}
            require(not strange, f"headers: {strange}")
            require(f"Host: {gateway.name}:{gateway.port}" in entry.head, entry.head)


UNTRUSTED, UNSUPPORTED, MALFORMED = failed("untrusted"), failed("unsupported"), failed("malformed")
controlled_at("at another host", lambda g: g.url_at(g.decoy, "/ctl"), UNTRUSTED)
controlled_at("at another host, without a scheme", lambda g: f"//{g.decoy}:{g.port}/ctl", UNTRUSTED)
controlled_at("at this host", lambda g: g.url_at(g.client, "/ctl"), UNTRUSTED)
controlled_at("at 127.0.0.1", lambda g: f"http://127.0.0.1:{g.local_port}/ctl", UNTRUSTED)
controlled_at("with a host name", lambda g: g.url_at("localhost", "/ctl"), MALFORMED)
controlled_at("with a user name", lambda g: f"http://{g.name}:{g.port}@{g.decoy}:{g.port}/",
              MALFORMED)
controlled_at("by https", lambda g: f"https://{g.name}:{g.port}/ctl", MALFORMED)
controlled_at("with port 0", lambda g: f"http://{g.name}:0/ctl", MALFORMED)
controlled_at("with CRLF in it", lambda g: "/ctl&#13;&#10;X-Evil: 1", UNSUPPORTED)
controlled_at("with CRLF and a whole request in it",
              lambda g: "/ctl HTTP/1.1&#13;&#10;&#13;&#10;GET /evil", UNSUPPORTED)
controlled_at("with LF in it", lambda g: "/ctl\nX-Evil:1", UNSUPPORTED)
controlled_at("with a blank in it", lambda g: "/ctl HTTP/1.1", UNSUPPORTED)
controlled_at("with a NEL in it", lambda g: "/ctl&#133;x", UNSUPPORTED)
controlled_at("of 300 bytes", lambda g: "/" + "a" * 300, UNSUPPORTED)
controlled_at("of no bytes", lambda g: "", UNSUPPORTED)
controlled_at("by javascript", lambda g: "javascript:alert(1)", MAPPED)
controlled_at("with dots", lambda g: "/../../../etc/passwd", MAPPED)
controlled_at("below a URLBase elsewhere", lambda g: "/ctl", MAPPED,
              base=lambda g: g.url_at(g.decoy, "/"))
controlled_at("below a URLBase with a host name", lambda g: "ctl", MAPPED,
              base=lambda g: g.url_at("localhost", "/"))
controlled_at("below a URLBase with CRLF", lambda g: "ctl", MAPPED,
              base=lambda g: g.url("/&#13;&#10;X-Evil: 1/"))


# ---- Smuggling -----------------------------------------------------------------------------------


def whole_bodies(gateway):
    """What was posted is XML with the elements of the action and no others."""
    only_here(gateway)
    posts = [entry for entry in gateway.asked if getattr(entry, "action", "")]
    require(posts, "nothing was posted")
    for entry in posts:
        root = xml.etree.ElementTree.fromstring(entry.body)
        names = {element.tag.split("}")[-1] for element in root.iter()}
        strange = {name for name in names if not name.startswith("New")} - {
            "Envelope", "Body", "GetExternalIPAddress", "AddPortMapping", "DeletePortMapping",
            "GetSpecificPortMappingEntry"}
        require(not strange, f"elements: {strange}")


for name, kind, expect in (
        ("with quotes", f"{WAN}&quot; x=&quot;1", UNSUPPORTED),
        ("with quotes before its name", "urn:&quot;evil:service:WANIPConnection:1", UNSUPPORTED),
        ("with CRLF", f"{WAN}&#13;&#10;X-Evil: 1", UNSUPPORTED),
        ("with CRLF before its name", "urn:x&#13;&#10;X-Evil:service:WANIPConnection:1",
         UNSUPPORTED),
        ("of 100 bytes", "urn:" + "x" * 70 + ":service:WANIPConnection:1", UNSUPPORTED),
        ("of version 0", WAN[:-1] + "0", UNSUPPORTED),
        ("of version 99999", WAN[:-1] + "99999", UNSUPPORTED)):
    describes(f"a serviceType {name}", description(service(kind=kind)), expect, after=only_here)
for name, kind in (("with an element", "urn:&lt;evil/&gt;:service:WANIPConnection:1"),
                   ("with an end of its element",
                    "urn:&gt;&lt;/x&gt;&lt;evil/&gt;:service:WANIPConnection:1"),
                   ("with an entity", "urn:&amp;evil;:service:WANIPConnection:1"),
                   ("with an apostrophe", "urn:'x:service:WANIPConnection:1")):
    describes(f"a serviceType {name}", description(service(kind=kind)), MAPPED, after=whole_bodies)
describes("100 services", description("".join(
    service(control=f"/{n}") for n in range(100))), MAPPED)
describes("a service elsewhere, then one here", lambda gateway: description(
    service(control=gateway.url_at(gateway.decoy)) + service()), MAPPED)

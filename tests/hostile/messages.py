# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a gateway says, as bytes: PCP, NAT-PMP, SSDP, HTTP, device descriptions and SOAP, right by
default, and wrong in whatever a case asks for. Written from the standards alone: nothing here knows
the code under test."""

import re
import socket
import struct

EXTERNAL = "203.0.112.7"
IGD = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
WAN = "urn:schemas-upnp-org:service:WANIPConnection:1"


# ---- PCP, RFC 6887 -------------------------------------------------------------------------------


def v4_mapped(address):
    return bytes(10) + b"\xff\xff" + socket.inet_aton(address)


class PcpRequest:
    """A MAP request, sections 7.1 and 11.1."""

    def __init__(self, request):
        self.version, self.opcode = request[0], request[1]
        self.lifetime_s = struct.unpack("!I", request[4:8])[0]
        self.nonce, self.protocol = request[24:36], request[36]
        self.internal, self.external = struct.unpack("!HH", request[40:44])


def pcp_answer(request, *, version=2, opcode=0x81, result=0, lifetime_s=None, nonce=None,
               protocol=None, internal=None, external=None, address=v4_mapped(EXTERNAL),
               epoch_s=1000, options=b""):
    """Sections 7.2 and 11.1."""
    asked = PcpRequest(request)
    head = struct.pack("!BBBBII12x", version, opcode, 0, result,
                       asked.lifetime_s if lifetime_s is None else lifetime_s, epoch_s)
    body = struct.pack("!12sB3xHH16s", asked.nonce if nonce is None else nonce,
                       asked.protocol if protocol is None else protocol,
                       asked.internal if internal is None else internal,
                       asked.external if external is None else external, address)
    return head + body + options


# ---- NAT-PMP, RFC 6886 ---------------------------------------------------------------------------


def natpmp_address(*, version=0, opcode=128, result=0, address=EXTERNAL, epoch_s=1000):
    """Section 3.2."""
    return struct.pack("!BBHI4s", version, opcode, result, epoch_s, socket.inet_aton(address))


def natpmp_mapping(request, *, version=0, opcode=None, result=0, internal=None, external=None,
                   lifetime_s=None, epoch_s=1000):
    """Section 3.3."""
    asked_internal, asked_external, asked_lifetime_s = struct.unpack("!HHI", request[4:12])
    return struct.pack("!BBHIHHI", version, request[1] + 128 if opcode is None else opcode, result,
                       epoch_s, asked_internal if internal is None else internal,
                       asked_external if external is None else external,
                       asked_lifetime_s if lifetime_s is None else lifetime_s)


# ---- SSDP, UPnP Device Architecture section 1 ----------------------------------------------------


def ssdp_answer(location, *, target=IGD, status="HTTP/1.1 200 OK", before="", after=""):
    """`before` and `after` are whole lines around LOCATION."""
    return (f"{status}\r\nEXT:\r\nCACHE-CONTROL: max-age=120\r\n{before}LOCATION: {location}\r\n"
            f"{after}ST: {target}\r\nUSN: uuid:1::{target}\r\n\r\n").encode("latin-1")


# ---- HTTP ----------------------------------------------------------------------------------------


def response(body=b"", *, status="200 OK", headers=(), sized=True):
    """With Content-Length, or (`sized` false) ended by the end of the connection."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/xml", "Connection: close", *headers]
    lines += [f"Content-Length: {len(body)}"] if sized else []
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


# ---- Descriptions, UPnP Device Architecture section 2 --------------------------------------------


def service(kind=WAN, control="/ctl"):
    return (f"<service><serviceType>{kind}</serviceType><serviceId>urn:upnp-org:serviceId:W"
            f"</serviceId><controlURL>{control}</controlURL></service>")


def device(inner, kind=IGD, name="router", model="R1"):
    return (f"<device><deviceType>{kind}</deviceType><friendlyName>{name}</friendlyName>"
            f"<modelName>{model}</modelName>{inner}</device>")


def document(inner, declaration='<?xml version="1.0"?>', base=""):
    """The whole description, as text; `inner` is its root device."""
    return (f'{declaration}<root xmlns="urn:schemas-upnp-org:device-1-0">{base}{inner}</root>')


def description(services=service(), **device_facts):
    return document(device(f"<serviceList>{services}</serviceList>", **device_facts))


# ---- SOAP, UPnP Device Architecture section 3 ----------------------------------------------------


def envelope(inner, declaration='<?xml version="1.0"?>'):
    return (f'{declaration}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
            f"<s:Body>{inner}</s:Body></s:Envelope>")


def soap_reply(action, arguments=""):
    return envelope(f'<u:{action}Response xmlns:u="{WAN}">{arguments}</u:{action}Response>')


def read_back(exchange, added):
    """The entry as it was asked for last."""
    name = re.search(rb"<NewExternalPort>.*</NewProtocol>", exchange.body)[0]
    body = next((entry.body for entry in reversed(added) if name in entry.body), b"")
    fields = (re.search(rb"<(New%s)>[^<]*</\1>" % name, body)
              for name in (b"InternalPort", b"InternalClient", b"LeaseDuration"))
    return xml(soap_reply("GetSpecificPortMappingEntry",
                          "".join(field[0].decode("ascii") for field in fields if field)))


def soap_address(address=EXTERNAL):
    return soap_reply("GetExternalIPAddress",
                      f"<NewExternalIPAddress>{address}</NewExternalIPAddress>")


def soap_fault(code, text="no"):
    return envelope(
        "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
        '<UPnPError xmlns="urn:schemas-upnp-org:control-1-0">'
        f"<errorCode>{code}</errorCode><errorDescription>{text}</errorDescription>"
        "</UPnPError></detail></s:Fault>")


def xml(text, **more):
    """The text as an answer's body."""
    return response(text.encode("utf-8"), **more)


def fault(code, text="no"):
    return xml(soap_fault(code, text), status="500 Internal Server Error")

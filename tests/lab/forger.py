#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A forger on the wire: sends the client 1,000 packets a second that seem to come from the router:
announcements of PCP, NAT-PMP and SSDP, each with something new in it, and answers that nobody asked
for. Frames are written to an interface of the lab's link, so any source address will do.

usage: forger.py INTERFACE CLIENT_PORT PACKETS_A_SECOND    (CLIENT_PORT 0: no answers)
Runs until it is ended; prints "ready" when it begins.
"""

import random
import socket
import struct
import sys
import time

CLIENT, ROUTER = "192.168.77.2", "192.168.77.1"
CLIENT_MAC, ROUTER_MAC = "020000007702", "020000007701"
ALL_HOSTS, SSDP_GROUP = "224.0.0.1", "239.255.255.250"
BATCH_S = 0.01
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"


def mac_of(address):
    numbers = socket.inet_aton(address)
    if numbers[0] < 224:
        return bytes.fromhex(CLIENT_MAC)
    return bytes((1, 0, 0x5E, numbers[1] & 0x7F, numbers[2], numbers[3]))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source_port, to, port, payload):
    """Ethernet, IPv4 and UDP; a UDP checksum of 0 stands for none."""
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 4, 17, 0,
                       socket.inet_aton(ROUTER), socket.inet_aton(to))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return mac_of(to) + bytes.fromhex(ROUTER_MAC) + b"\x08\x00" + head + udp


def announce_pcp(chance):
    return frame(5351, ALL_HOSTS, 5350, struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0,
                                                    chance.getrandbits(32)))


def announce_natpmp(chance):
    return frame(5351, ALL_HOSTS, 5350, struct.pack("!BBHI4s", 0, 0x80, 0, chance.getrandbits(32),
                                                    chance.randbytes(4)))


def notify(chance):
    kind = chance.choice(("alive", "alive", "byebye"))
    text = (f"NOTIFY * HTTP/1.1\r\nHOST: {SSDP_GROUP}:1900\r\nNT: {DEVICE}\r\nNTS: ssdp:{kind}\r\n"
            f"USN: uuid:7f6a2e5c-9d0b-4e8e-8a52-0d7b0c1f7701::{DEVICE}\r\n"
            f"LOCATION: http://{ROUTER}:{chance.randrange(1, 65536)}/x.xml\r\n"
            f"CACHE-CONTROL: max-age=1800\r\nBOOTID.UPNP.ORG: {chance.getrandbits(30)}\r\n\r\n")
    return frame(1900, SSDP_GROUP, 1900, text.encode())


def announce_unicast(chance):
    return frame(5351, CLIENT, 5350, struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0,
                                                 chance.getrandbits(32)))


def answer(chance, port):
    """A PCP MAP that succeeded, with a nonce that can only be guessed."""
    body = struct.pack("!BBBBII12x", 2, 0x81, 0, 0, 7200, chance.getrandbits(32))
    body += chance.randbytes(12) + struct.pack("!B3xHH", 6, 8080, chance.randrange(1, 65536))
    body += bytes(10) + b"\xff\xff" + bytes((9, 9, 9, 9))
    return frame(5351, CLIENT, port, body)


def main():
    interface, port, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(7)
    makers = [announce_pcp, announce_natpmp, notify, announce_unicast]
    if port:
        makers.append(lambda source: answer(source, port))
    frames = [make(chance) for _ in range(400) for make in makers]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    print("ready", flush=True)
    begun, sent = time.monotonic(), 0
    while True:
        while sent < (time.monotonic() - begun) * rate:
            wire.send(frames[sent % len(frames)])
            sent += 1
        time.sleep(BATCH_S)


if __name__ == "__main__":
    main()

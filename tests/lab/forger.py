#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A forger on the wire: sends the client 1,000 packets a second that seem to come from the router:
announcements of PCP, NAT-PMP and SSDP, each with something new in it, and answers that nobody asked
for. Frames are written to an interface of the lab's link, so any source address will do.

usage: forger.py INTERFACE CLIENT_PORT|learn PACKETS_A_SECOND    (CLIENT_PORT 0: no answers)
Runs until it is ended; prints "ready" when it begins. With `learn` it reads the client's ports off
the wire, also those of searches, and answers to them by every protocol, in the router's name and
its own.
"""

import random
import socket
import struct
import sys
import time

CLIENT, ROUTER = "192.168.77.2", "192.168.77.1"
STRANGER, FAR = "192.168.77.66", "9.9.9.9"  # the forger's own address, and one beyond the router
CLIENT_MAC, ROUTER_MAC = "020000007702", "020000007701"
ALL_HOSTS, SSDP_GROUP = "224.0.0.1", "239.255.255.250"
BATCH_S = 0.01
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
USN = f"uuid:7f6a2e5c-9d0b-4e8e-8a52-0d7b0c1f7701::{DEVICE}"


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


def frame(source_port, to, port, payload, source=ROUTER):
    """Ethernet, IPv4 and UDP; a UDP checksum of 0 stands for none."""
    udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 4, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(to))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return mac_of(to) + bytes.fromhex(ROUTER_MAC) + b"\x08\x00" + head + udp


def announce_pcp(chance):
    return frame(5351, ALL_HOSTS, 5350, struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0,
                                                    chance.getrandbits(32)))


def announce_natpmp(chance):
    return frame(5351, ALL_HOSTS, 5350, struct.pack("!BBHI4s", 0, 0x80, 0, chance.getrandbits(32),
                                                    chance.randbytes(4)))


def notify(chance, source=ROUTER, host=ROUTER):
    kind = chance.choice(("alive", "alive", "byebye", "update"))
    text = (f"NOTIFY * HTTP/1.1\r\nHOST: {SSDP_GROUP}:1900\r\nNT: {DEVICE}\r\nNTS: ssdp:{kind}\r\n"
            f"USN: {USN}\r\nLOCATION: http://{host}:{chance.randrange(1, 65536)}/x.xml\r\n"
            f"CACHE-CONTROL: max-age=1800\r\nBOOTID.UPNP.ORG: {chance.getrandbits(30)}\r\n\r\n")
    return frame(1900, SSDP_GROUP, 1900, text.encode(), source)


def announce_unicast(chance):
    return frame(5351, CLIENT, 5350, struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0,
                                                 chance.getrandbits(32)))


def answer(chance, port):
    """A PCP MAP that succeeded, with a nonce that can only be guessed."""
    body = struct.pack("!BBBBII12x", 2, 0x81, 0, 0, 7200, chance.getrandbits(32))
    body += chance.randbytes(12) + struct.pack("!B3xHH", 6, 8080, chance.randrange(1, 65536))
    body += bytes(10) + b"\xff\xff" + bytes((9, 9, 9, 9))
    return frame(5351, CLIENT, port, body)


def answer_natpmp(chance, port, source, internal):
    """The address, or a mapping of these internal ports."""
    if chance.random() < 0.3:
        return frame(5351, CLIENT, port, struct.pack("!BBHI4s", 0, 0x80, 0, chance.getrandbits(32),
                                                     socket.inet_aton(FAR)), source)
    return frame(5351, CLIENT, port, struct.pack(
        "!BBHIHHI", 0, chance.choice((0x81, 0x82)), 0, chance.getrandbits(16),
        chance.choice(internal), chance.randrange(1, 65536), 7200), source)


def answer_search(chance, port, source, host):
    text = (f"HTTP/1.1 200 OK\r\nST: {DEVICE}\r\nUSN: {USN}\r\nEXT:\r\nCACHE-CONTROL: max-age=1800\r\n"
            f"LOCATION: http://{host}:{chance.randrange(1, 65536)}/x.xml\r\n\r\n")
    return frame(1900, CLIENT, port, text.encode(), source)


def answers(chance, port, to_port):
    """What is sent to a port of the client that has sent something to 5351 or 1900. NAT-PMP has no
    nonce: what comes from the gateway's address for a port that is being asked for is an answer,
    so the router's name is used for ports that nobody asks for."""
    if to_port == 5351:
        return [answer(chance, port), answer_natpmp(chance, port, STRANGER, (8080, 8081)),
                answer_natpmp_of_others(chance, port)]
    return [answer_search(chance, port, ROUTER, FAR), answer_search(chance, port, STRANGER, FAR),
            answer_search(chance, port, STRANGER, STRANGER),
            answer_search(chance, port, STRANGER, ROUTER), answer_search(chance, port, FAR, FAR)]


def answer_natpmp_of_others(chance, port):
    return frame(5351, CLIENT, port, struct.pack(
        "!BBHIHHI", 0, chance.choice((0x81, 0x82)), 0, chance.getrandbits(16), 9999,
        chance.randrange(1, 65536), 7200))


class Ear:
    """What the client sends, by which its ports are learned."""

    def __init__(self, interface):
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.wire.bind((interface, 0x0800))
        self.wire.setblocking(False)
        self.known = set()

    def new_ports(self):
        """[(the client's port, the port that it sent to)] that were not known."""
        found = []
        while True:
            try:
                packet = self.wire.recv(2048)
            except BlockingIOError:
                return found
            if packet[6:12].hex() != CLIENT_MAC or packet[23] != 17:
                continue
            ports = struct.unpack("!HH", packet[34:38])
            if ports[1] in (5351, 1900) and ports not in self.known:
                self.known.add(ports)
                found.append(ports)


def main():
    interface, port, rate = sys.argv[1], sys.argv[2], int(sys.argv[3])
    chance = random.Random(7)
    makers = [announce_pcp, announce_natpmp, notify, announce_unicast]
    ear = Ear(interface) if port == "learn" else None
    if ear:
        makers += [lambda source: notify(source, STRANGER, STRANGER),
                   lambda source: notify(source, ROUTER, FAR)]
    elif int(port):
        makers.append(lambda source: answer(source, int(port)))
    frames = [make(chance) for _ in range(400) for make in makers]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    print("ready", flush=True)
    begun, sent = time.monotonic(), 0
    while True:
        for ports in ear.new_ports() if ear else ():
            learned = [one for _ in range(80) for one in answers(chance, *ports)]
            for one in learned[:20]:  # before the router's own
                wire.send(one)
            frames += learned
            chance.shuffle(frames)
        while sent < (time.monotonic() - begun) * rate:
            wire.send(frames[sent % len(frames)])
            sent += 1
        time.sleep(BATCH_S if not ear else BATCH_S / 5)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Notes whom a machine of the lab sends IPv4 packets to, by an interface of its own."""

import socket
import threading

import netns

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
PACKET_OUTGOING = 4


class Sniffer:
    """For the time of a with block; `sent` are (address, "tcp", "udp" or a number, port)."""

    def __init__(self, lab, role, interface):
        with netns.inside(lab.names[role]):
            # What goes out is shown to those alone who want all protocols.
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.wire.bind((interface, ETH_P_ALL))
        self.wire.settimeout(0.1)
        self.sent = set()
        self.is_over = False
        self.reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.reader.join()
        self.wire.close()

    def _read(self):
        while not self.is_over:
            try:
                packet, (_, protocol, kind, _, _) = self.wire.recvfrom(2048)
            except TimeoutError:
                continue
            if kind == PACKET_OUTGOING and protocol == ETH_P_IP and len(packet) >= 20:
                self._note(packet)

    def _note(self, packet):
        head = 4 * (packet[0] & 15)
        protocol = {6: "tcp", 17: "udp"}.get(packet[9], packet[9])
        port = int.from_bytes(packet[head + 2:head + 4], "big") if packet[9] in (6, 17) else 0
        self.sent.add((socket.inet_ntoa(packet[16:20]), protocol, port))

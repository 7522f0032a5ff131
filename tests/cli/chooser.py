# SPDX-License-Identifier: MIT OR Apache-2.0
"""A NAT-PMP gateway that grants the ports which a test chooses, whatever was asked for."""

import contextlib
import socket
import struct
import threading
import time

from harness import CLIENT, PATIENCE_S, free_network, wait_until

UDP, TCP = 1, 2  # the requests of RFC 6886 section 3.3
REFUSED, NO_ROOM = 2, 4
QUIET_S = 0.3  # a client repeats what is not answered after 0.25 s


class Chooser:
    """`choose(protocol, wished)` gives the external port, or a negative result code. It is called
    on the gateway's thread."""

    def __init__(self, choose):
        self.choose = choose
        self.address = "192.0.2.1"
        self.open = {}  # (protocol, internal port): external port
        self.asked = []
        self.start = self.last_request = time.monotonic()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(20):
            self.internal, _ = free_network()
            with contextlib.suppress(OSError):
                self.socket.bind((self.internal, 5351))
                break
        self.ask = ("-g", self.internal, "-b", CLIENT, "-p", "natpmp")
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.internal, 5351))
        self.thread.join(PATIENCE_S)
        self.socket.close()

    def settle(self):
        """Returns when nothing is under way: an answer cannot be told from the one to a repetition,
        so what this gateway says must not change between the two."""
        wait_until(lambda: time.monotonic() - self.last_request > QUIET_S, "silence")

    def _serve(self):
        while True:
            request, peer = self.socket.recvfrom(2048)
            self.last_request = time.monotonic()
            if not request:
                return
            if request == b"\0\0":
                self.socket.sendto(b"\0\x80\0\0" + struct.pack(">I", self._epoch()) +
                                   socket.inet_aton(self.address), peer)
            elif len(request) == 12:
                self.socket.sendto(self._map(*struct.unpack(">BBHHHI", request)), peer)

    def _epoch(self):
        """A clock that stood still would be that of a gateway that has restarted."""
        return 5 + int(time.monotonic() - self.start)

    def _map(self, _version, operation, _reserved, internal, wished, lifetime):
        code, port = 0, 0
        if lifetime == 0:
            self.open.pop((operation, internal), None)
        else:
            port = self.choose(operation, wished)
            self.asked.append((operation, wished, port))
            if port < 0:
                code, port = -port, 0
            else:
                self.open[operation, internal] = port
        return struct.pack(">BBHIHHI", 0, 128 + operation, code, self._epoch(), internal, port,
                           lifetime if not code else 0)

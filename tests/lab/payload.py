# SPDX-License-Identifier: MIT OR Apache-2.0
"""Real bytes through the NAT: echo servers in the client, callers on the internet side.

A mapping counts only when bytes sent from the internet host to the external address reach the
client and come back. Sockets are made inside their namespace; threads then use them from here.
"""

import os
import socket
import threading
import time

import netns


class Echo:
    """A TCP or UDP echo server in a namespace; says what it received. A context manager."""

    def __init__(self, name, protocol, address, port):
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        with netns.inside(name):
            self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        self.peers = []
        serve = self._serve_tcp if protocol == "tcp" else self._serve_udp
        if protocol == "tcp":
            self.socket.listen(16)
        self._stopping = False
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopping = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        except OSError:
            pass  # an unconnected UDP socket says so, and wakes all the same
        self._thread.join(timeout=2)
        self.socket.close()

    def _serve_tcp(self):
        while not self._stopping:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            threading.Thread(target=_echo_stream, args=(connection,), daemon=True).start()

    def _serve_udp(self):
        while not self._stopping:
            try:
                data, peer = self.socket.recvfrom(65536)
            except OSError:
                return
            if data:
                self.peers.append(peer[0])
                self.socket.sendto(data, peer)


def _echo_stream(connection):
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass


def call(name, protocol, address, port, body=None, patience_s=5.0):
    """Sends bytes from namespace NAME to address:port; None when they come back unharmed, else
    what went wrong."""
    body = body if body is not None else os.urandom(20000 if protocol == "tcp" else 512)
    exchange = _call_tcp if protocol == "tcp" else _call_udp
    try:
        reply = exchange(name, (address, port), body, patience_s)
    except OSError as error:
        return f"{protocol} to {address}:{port}: {error}"
    if reply != body:
        return f"{protocol} to {address}:{port}: {len(body)} bytes sent, {len(reply)} came back"
    return None


def _call_tcp(name, target, body, patience_s):
    with netns.inside(name):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with connection:
        connection.settimeout(patience_s)
        connection.connect(target)
        connection.sendall(body)
        connection.shutdown(socket.SHUT_WR)
        reply = b""
        while data := connection.recv(65536):
            reply += data
        return reply


def _call_udp(name, target, body, patience_s):
    with netns.inside(name):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    give_up = time.monotonic() + patience_s
    with sender:
        sender.connect(target)
        sender.settimeout(min(0.25, patience_s))
        while True:
            try:
                sender.send(body)
                return sender.recv(65536)
            except (TimeoutError, ConnectionRefusedError):
                # Datagrams may be lost, and a refusal may be of an earlier one.
                if time.monotonic() >= give_up:
                    raise
                time.sleep(0.02)


def is_shut(name, protocol, address, port):
    """Whether nothing answers at address:port any more: refused, or silent for a while."""
    return call(name, protocol, address, port, b"anybody there?", patience_s=0.4) is not None

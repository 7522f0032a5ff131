# SPDX-License-Identifier: MIT OR Apache-2.0
"""A gateway on loopback that is honest until a case replaces one of its answers, and the decoys
around it: sockets that nobody may ever speak to. Each gateway has a network of its own, so that
many can be up at a time."""

import contextlib
import errno
import itertools
import os
import selectors
import socket
import struct
import threading
import traceback

import messages

CONTROL_PORT = 5351  # PCP and NAT-PMP, RFC 6887 section 19.1
SEARCH_PORT = 1900
RESET = object()  # in an HTTP answer: the connection is reset here
READ_S = 5.0  # how long a request may take to come in

# Networks 127.X.Y.0/24: X by process, so that two runs at a time seldom meet; Y by gateway.
_networks = itertools.count(256 * (96 + os.getpid() % 60 * 2))
_networks_lock = threading.Lock()


class Exchange:
    """One HTTP request, as far as a case wants to know."""

    def __init__(self, request):
        head, _, self.body = request.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.method, self.path = self.head.split(" ")[:2]
        action = [line.split("#")[-1].strip('"') for line in self.head.split("\r\n")
                  if line.lower().startswith("soapaction:")]
        self.action = action[0] if action else ""


class Gateway:
    def __init__(self):
        self.asked = []  # every datagram and every HTTP request, in order
        self.faults = []  # what went wrong in a case's own code
        self.bytes_sent = 0  # by HTTP
        self._peer = None  # who sent the last datagram
        self._stopped, self._settled = threading.Event(), threading.Event()
        self._threads, self._connections, self._sockets = [], [], []
        # What it answers; a case replaces these. The first two give datagrams, or pairs of a socket
        # to send from and a datagram; the rest give bytes, or pieces of an answer as they become
        # due, with RESET to end it hard.
        self.control = self.honest_control
        self.search = lambda request: [messages.ssdp_answer(self.url())]
        self.description = lambda exchange: messages.xml(messages.description())
        self.address = lambda exchange: messages.xml(messages.soap_address())
        self.add = lambda exchange: messages.xml(messages.soap_reply("AddPortMapping"))
        self.read_back = messages.read_back
        self.delete = lambda exchange: messages.xml(messages.soap_reply("DeletePortMapping"))
        self._open_sockets()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        for entry in (self._control, self._search, self._listener, self._wake):
            self._selector.register(entry, selectors.EVENT_READ)

    # ---- Addresses and sockets -------------------------------------------------------------------

    def _open_sockets(self):
        for _ in range(200):
            with _networks_lock:
                self._network = next(_networks) % 65536
            try:
                self._bind_all()
                return
            except OSError as error:
                self._close(self._sockets)
                if error.errno != errno.EADDRINUSE:
                    raise
        raise RuntimeError("no free network in 127.0.0.0/8")

    def host(self, number):
        return f"127.{self._network >> 8}.{self._network & 255}.{number}"

    def _bind_all(self):
        self.name, self.client, self.decoy, self.stranger = map(self.host, (1, 2, 3, 4))
        self._control = self.udp(self.name, CONTROL_PORT)
        self._search = self.udp(self.name, SEARCH_PORT)
        self._marker = self.udp(self.name)
        self._listener = self._tcp(self.name, 0)
        self.port = self._listener.getsockname()[1]
        self._decoys = {f"UDP {host}:{port}": self.udp(host, port)
                        for host in (self.client, self.decoy)
                        for port in (CONTROL_PORT, SEARCH_PORT)}
        places = [(self.client, self.port), (self.decoy, self.port), (self.name, 0),
                  ("127.0.0.1", 0)]
        traps = [self._tcp(*place) for place in places]
        self._decoys.update((f"TCP {trap.getsockname()}", trap) for trap in traps)
        # A service of the gateway's host, and one of this host, that have nothing to do with UPnP.
        self.other_port, self.local_port = (trap.getsockname()[1] for trap in traps[2:])

    def udp(self, host, port=0):
        """A socket that a case may send from."""
        return self._bound(socket.SOCK_DGRAM, host, port)

    def _tcp(self, host, port):
        return self._bound(socket.SOCK_STREAM, host, port)

    def _bound(self, kind, host, port):
        entry = socket.socket(socket.AF_INET, kind)
        self._sockets.append(entry)
        if kind == socket.SOCK_STREAM:
            entry.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        entry.bind((host, port))
        if kind == socket.SOCK_STREAM:
            entry.listen(256)
        return entry

    def url(self, path="/desc.xml"):
        return f"http://{self.name}:{self.port}{path}"

    def url_at(self, host, path="/desc.xml"):
        """The same port at another host: a decoy."""
        return f"http://{host}:{self.port}{path}"

    def contacts(self):
        """Which decoys somebody spoke to."""
        touched = []
        for name, trap in self._decoys.items():
            trap.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if trap.type == socket.SOCK_STREAM:
                    trap.accept()[0].close()
                else:
                    trap.recv(16)
                touched.append(name)
        return touched

    # ---- Answers ---------------------------------------------------------------------------------

    def honest_control(self, request):
        """PCP and NAT-PMP: everything is granted."""
        if request[0] == 2:
            return [messages.pcp_answer(request)]
        if request == b"\0\0":
            return [messages.natpmp_address()]
        return [messages.natpmp_mapping(request)]

    def _answer_of(self, exchange):
        if exchange.method == "GET":
            return self.description(exchange)
        answers = {"GetExternalIPAddress": self.address, "AddPortMapping": self.add,
                   "DeletePortMapping": self.delete,
                   "GetStatusInfo": lambda exchange: messages.fault(401),
                   "GetSpecificPortMappingEntry": lambda exchange: self.read_back(
                       exchange, self.requests("AddPortMapping"))}
        return answers[exchange.action](exchange)

    def say(self, datagram):
        """Without being asked: to whom it was that asked last, from where the answer came."""
        self._control.sendto(datagram, self._peer)

    def pause(self, seconds):
        """True while the gateway is up."""
        return not self._stopped.wait(seconds)

    def settle(self):
        """Returns once every datagram that had arrived is in `asked`: this thread may be ahead of
        the gateway's. A marker behind them in each queue tells."""
        for entry in () if self._stopped.is_set() else (self._control, self._search):
            self._settled.clear()
            self._marker.sendto(b"settled", entry.getsockname())
            self._settled.wait(READ_S)

    def requests(self, action):
        """The SOAP requests of this action so far."""
        return [entry for entry in self.asked if getattr(entry, "action", None) == action]

    # ---- Serving ---------------------------------------------------------------------------------

    def __enter__(self):
        self.background(self._serve)
        return self

    def __exit__(self, *_):
        self.die()
        for thread in self._threads:
            thread.join(READ_S)
            if thread.is_alive():
                self.faults.append("a thread of the gateway does not end")
        self._close([*self._sockets, self._wake, self._waker])
        self._selector.close()

    def background(self, function, *arguments):
        thread = threading.Thread(target=self._guard, args=(function, *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guard(self, function, *arguments):
        """The peer may vanish at any time; everything else is a fault of the case."""
        try:
            function(*arguments)
        except OSError:
            pass
        except Exception:  # whatever it is, it is this case's result
            self.faults.append(traceback.format_exc())

    def die(self):
        """From now on nobody answers, and the system says so."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._waker.send(b"x")
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _close(sockets):
        while sockets:
            sockets.pop().close()

    def _serve(self):
        while not self._stopped.is_set():
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    connection, _ = self._listener.accept()
                    self._connections.append(connection)
                    self.background(self._converse, connection)
                elif key.fileobj is not self._wake:
                    self._guard(self._reply, key.fileobj)
        for entry in (self._control, self._search, self._listener):
            entry.close()

    def _reply(self, entry):
        request, peer = entry.recvfrom(2048)
        if peer == self._marker.getsockname():
            self._settled.set()
            return
        self.asked.append(request)
        self._peer = peer
        answers = self.control(request) if entry is self._control else self.search(request)
        for answer in answers:
            source, answer = answer if isinstance(answer, tuple) else (entry, answer)
            source.sendto(answer, peer)

    @staticmethod
    def _read_request(connection):
        request = b""
        while True:
            head, end, body = request.partition(b"\r\n\r\n")
            lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")]
            if end and len(body) >= sum(lengths):
                return request
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError
            request += piece

    def _converse(self, connection):
        with connection:
            connection.settimeout(READ_S)
            exchange = Exchange(self._read_request(connection))
            self.asked.append(exchange)
            connection.settimeout(None)
            pieces = self._answer_of(exchange)
            for piece in (pieces,) if isinstance(pieces, bytes) else pieces:
                if piece is RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
                    return
                connection.sendall(piece)
                self.bytes_sent += len(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of a tunnel, such as a VPN's: its provider grants leases of seconds by NAT-PMP at
the tunnel's own gateway, one port for TCP and UDP, and another one at will. The default route leads
elsewhere, and nobody there may be asked."""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import threading
import time

import netns
import payload
from lab import WAN, Lab
from programs import Porthole
from scenarios import test
from sniffer import Sniffer

INSIDE, GATEWAY = "10.2.0.2", "10.2.0.1"
PORT = 6881
LEASE_S = 8  # renewed after 4 to 5 s; the provider's port is another after two of them
HELD_S = 40.0
CHANGES_MIN = 2
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_tun(namespace, name):
    with netns.inside(namespace):
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


class Tunnel(Lab):
    """A lab whose client has a tunnel to the provider, who lives on the router and has its address.
    What goes into one end comes out of the other."""

    def __enter__(self):
        super().__enter__()
        try:
            self.ends = [open_tun(self.names[role], "tun0") for role in ("client", "router")]
            for role, own, other in (("client", INSIDE, GATEWAY), ("router", GATEWAY, INSIDE)):
                netns.run(["ip", "-netns", self.names[role], "-batch", "-"],
                          f"addr add {own} peer {other} dev tun0\nlink set tun0 up mtu 1400\n")
            self.wake_fd, self.end_fd = os.pipe()
            self.carrier = threading.Thread(target=self._carry, daemon=True)
            self.carrier.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        if hasattr(self, "carrier"):
            os.close(self.end_fd)
            self.carrier.join()
            del self.carrier
            for one in (*self.ends, self.wake_fd):
                os.close(one)
        super().close()

    def _carry(self):
        others = dict(zip(self.ends, reversed(self.ends)))
        while True:
            ready, _, _ = select.select([*self.ends, self.wake_fd], [], [])
            if self.wake_fd in ready:
                return
            for one in ready:
                os.write(others[one], os.read(one, 65536))

    def start_provider(self):
        self.provider = netns.start(
            self.names["router"],
            [self.tools.porthole, "gateway", "--address", GATEWAY, "--external", WAN, "--no-pcp",
             "--no-upnp", "--quirk", "provider-port", "--lease-max", str(LEASE_S), "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert json.loads(self.provider.stdout.readline())["event"] == "listening"
        return self.provider

    def end_provider(self):
        """What it opened and closed: [(event, protocol, port, reason)]."""
        self.provider.send_signal(signal.SIGTERM)
        out, _ = self.provider.communicate(timeout=10)
        events = [json.loads(line) for line in out.splitlines()]
        return [(event["event"], event["protocol"], event["external"]["port"],
                 event.get("reason")) for event in events]


def check_without_gap(log, protocol):
    """Closed only to be opened elsewhere at once, and at the end; gives how often."""
    own = [entry for entry in log if entry[1] == protocol]
    assert own and own[-1][0] == "closed" and own[-1][3] == "removed", f"{own}"
    for before, after in zip(own, own[1:]):
        assert before[0] != after[0], f"{before} and then {after}"
    assert all(entry[3] != "expired" for entry in own), f"{own}"
    return sum(entry[0] == "opened" for entry in own) - 1


def read_lines(path):
    with open(path, encoding="ascii") as file:
        return [line.split() for line in file]


def wait_told(path, count):
    """What a hook is not told in time is not told: the next event of its mapping is newer."""
    give_up = time.monotonic() + 10.0
    while len(read_lines(path)) < count:
        assert time.monotonic() < give_up, f"the hook was told {read_lines(path)}"
        time.sleep(0.01)


def check_payload(lab, event):
    """By both protocols, at the port that was told. The provider may choose another one meanwhile,
    so once may be unlucky."""
    outside = event["external"]["port"]
    return [payload.call(lab.names["internet"], protocol, WAN, outside, patience_s=2.0)
            for protocol in ("tcp", "udp")]


@test(name="leases of seconds through a tunnel, port changed at will")
def short_leases_through_a_tunnel(tools, _router):
    with Tunnel(tools) as lab:
        lab.start_provider()
        told = os.path.join(lab.directory, "told")
        hook = (f'echo "$PORTHOLE_EVENT $PORTHOLE_PROTOCOL $PORTHOLE_EXTERNAL_PORT" >>{told}')
        with Sniffer(lab, "client", "eth0") as sniffer, \
                payload.Echo(lab.names["client"], "tcp", INSIDE, PORT), \
                payload.Echo(lab.names["client"], "udp", INSIDE, PORT), \
                Porthole(lab, "map", "-g", GATEWAY, "-b", INSIDE, "-t", "60", f"{PORT}/both",
                         "--json", "--exec", hook, "-vv") as porthole:
            events = [porthole.wait_event("mapped") for _ in range(2)]
            give_up = time.monotonic() + HELD_S
            while time.monotonic() < give_up:
                ports = {event["protocol"]: event["external"]["port"] for event in events[-2:]}
                assert len(set(ports.values())) == 1 and len(ports) == 2, f"{events[-2:]}"
                wrong = check_payload(lab, events[-1])
                assert wrong == [None, None], wrong
                events += [porthole.wait_event("changed", 2.5 * LEASE_S) for _ in range(2)]
                wait_told(told, len(events))
            porthole.interrupt()
            porthole.expect_exit(0)
        log = lab.end_provider()
        changes = [check_without_gap(log, protocol) for protocol in ("tcp", "udp")]
        assert min(changes) >= CHANGES_MIN, f"{changes} changes"
        kinds = {event["event"] for event in porthole.seen}
        assert kinds == {"mapped", "changed", "unmapped"}, f"told: {kinds}"
        lines = read_lines(told)
        wanted = [[event["event"], event["protocol"], str(event["external"]["port"])]
                  for event in porthole.seen]
        assert sorted(lines) == sorted(wanted), f"the hook was told {lines}, not {wanted}"
        assert not sniffer.sent, f"sent elsewhere: {sniffer.sent}"

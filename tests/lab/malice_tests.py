# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab's tests of who is believed and who is asked: a forger who reads along and answers in the
place of the router by every protocol, and a second router on the link that answers searches."""

import signal
import subprocess
import time

import netns
from lab import INTERNET, ROUTER, Lab
from lease_tests import KINDS
from programs import Porthole
from restarts import Forger
from scenarios import PORT, check_gone, check_mapped, check_payload, start_router, test
from sniffer import Sniffer

# Whom the client may send packets to: the router, SSDP's group, whoever is told of membership, and
# the caller who is echoed.
ASKED = {ROUTER, "239.255.255.250", "224.0.0.22", INTERNET}
ICMP = 1  # the kernel's own words to whoever knocks at a closed port
# What the log says of a forgery that has arrived.
IGNORED = {"pcp": "pcp: answer ignored", "natpmp": "natpmp: answer ignored",
           "upnp": "is ignored: it points to another host"}
SECOND, SECOND_WAN = "192.168.77.7", "5.6.7.8"
LEASE_S = 20
HELD_S = 25.0


def check_asked(sniffer):
    others = {sent for sent in sniffer.sent if sent[0] not in ASKED and sent[1] != ICMP}
    assert not others, f"packets went to others: {others}"
    assert any(to == ROUTER for to, _, _ in sniffer.sent), "nothing was noted at all"


@test(*KINDS, name="a forger reads along and answers first")
def forger_reads_along(tools, protocol):
    """Mapped, renewed and given back as if nobody were there."""
    with Lab(tools, delay_us=1000) as lab:
        start_router(lab, "miniupnpd", KINDS[protocol])
        with Sniffer(lab, "client", "eth0") as sniffer, Forger(lab, "learn"), \
                Porthole(lab, "map", f"{PORT}/tcp", f"{PORT + 1}/udp", "--json", "-vv", "-t",
                         str(LEASE_S)) as porthole:
            outside = {}
            for _ in range(2):
                event = porthole.wait_event("mapped")
                port = PORT if event["protocol"] == "tcp" else PORT + 1
                outside[event["protocol"]] = check_mapped(lab, "miniupnpd", event,
                                                          event["protocol"], port, (protocol,))
            time.sleep(HELD_S)  # the first leases end in this time
            assert len(porthole.seen) == 2, f"events: {porthole.seen}"
            check_payload(lab, "tcp", PORT, outside["tcp"])
            check_payload(lab, "udp", PORT + 1, outside["udp"])
            porthole.interrupt()
            porthole.expect_exit(0)
            check_gone(lab, "tcp", PORT, outside["tcp"])
            assert IGNORED[protocol] in porthole.log(), "no forgery has arrived"
        check_asked(sniffer)


class TwoDevices(Lab):
    """A second UPnP device has an address on the link too, and is quicker than the router."""

    def start_second(self, *options):
        netns.run(["ip", "-netns", self.names["router"], "-batch", "-"],
                  f"addr add {SECOND}/24 dev lan0\naddr add {SECOND_WAN}/32 dev lo\n")
        self.second = netns.start(
            self.names["router"],
            [self.tools.porthole, "gateway", "--address", SECOND, "--external", SECOND_WAN,
             "--no-pcp", "--no-natpmp", "--json", "-v", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert '"listening"' in self.second.stdout.readline()

    def end_second(self):
        """All that it was asked, and did."""
        self.second.send_signal(signal.SIGTERM)
        return self.second.communicate(timeout=10)[0]


@test(name="two devices answer searches, and the router is asked")
def two_devices_answer(tools, _router):
    with TwoDevices(tools) as lab:
        start_router(lab, "miniupnpd", KINDS["upnp"])
        lab.start_second()
        with Sniffer(lab, "client", "eth0") as sniffer, \
                Porthole(lab, "map", f"{PORT}/tcp", "--json", "-vv") as porthole:
            event = porthole.wait_event("mapped")
            outside = check_mapped(lab, "miniupnpd", event, "tcp", PORT, ("upnp",))
            log = porthole.log()
            assert f"{SECOND}:1900 answers" in log, "the second one was not heard"
            time.sleep(1.0)
            check_payload(lab, "tcp", PORT, outside)
            porthole.interrupt()
            porthole.expect_exit(0)
            check_gone(lab, "tcp", PORT, outside)
        check_asked(sniffer)
        told = lab.end_second()
        assert "opened" not in told and "soap" not in told.lower(), f"the second one: {told}"


@test(name="a device that is not the router is used when the router has none, and is told")
def device_that_is_not_the_router(tools, _router):
    with TwoDevices(tools) as lab:
        lab.start_second()
        with Sniffer(lab, "client", "eth0") as sniffer, \
                Porthole(lab, "map", f"{PORT}/tcp", "--json", "-vv") as porthole:
            event = porthole.wait_event("mapped")
            assert event["via"] == "upnp" and event["external"]["address"] == SECOND_WAN, event
            porthole.interrupt()
            porthole.expect_exit(0)
        others = {sent for sent in sniffer.sent if sent[0] not in ASKED | {SECOND}}
        assert not others, f"packets went to others: {others}"
        assert '"opened"' in lab.end_second()

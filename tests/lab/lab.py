# SPDX-License-Identifier: MIT OR Apache-2.0
"""A NAT in network namespaces: client -- link -- router -- internet host.

The router is Linux with nftables masquerade and Debian's miniupnpd, or our own gateway in its
place. The link is a veth pair, or lab-link where there is delay or loss. Neighbour entries are
permanent, which keeps ARP out of every figure. IPv6 is off.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import netns
from netns import LabError, run

CLIENT = "192.168.77.2"
ROUTER = "192.168.77.1"
# miniupnpd grants nothing behind an address of a reserved range, documentation ranges included;
# these two are public ones, in namespaces that have no way out.
WAN = "1.2.3.4"
INTERNET = "1.2.3.1"
PORT_CONTROL = 5351

CLIENT_MAC, ROUTER_MAC = "02:00:00:00:77:02", "02:00:00:00:77:01"
WAN_MAC, INTERNET_MAC = "02:00:00:00:03:04", "02:00:00:00:03:01"

# The chain names are miniupnpd's. Its postrouting chain must come before masquerade.
RULESET = """
table inet filter {
    counter client_out { }
    chain lab_input { }
    chain input { type filter hook input priority 0; policy accept; jump lab_input; }
    chain miniupnpd { }
    chain forward {
        type filter hook forward priority 0; policy drop
        iifname "lan0" oifname "wan0" ct direction original counter name client_out
        ct state established,related accept
        iifname "lan0" oifname "wan0" accept
        jump miniupnpd
    }
    chain prerouting_miniupnpd { }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting_miniupnpd { }
    chain postrouting {
        type nat hook postrouting priority 100
        jump postrouting_miniupnpd
        meta nfproto ipv4 oifname "wan0" masquerade
    }
}
"""
IP_PROTOCOLS = {6: "tcp", 17: "udp", "tcp": "tcp", "udp": "udp"}
MINIUPNPD_CHAINS = ("miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd")

MINIUPNPD_CONFIG = """
ext_ifname=wan0
listening_ip=lan0
enable_natpmp={natpmp}
enable_upnp={upnp}
secure_mode=yes
system_uptime=no
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
uuid=7f6a2e5c-9d0b-4e8e-8a52-0d7b0c1f7701
{rules}
deny 0-65535 0.0.0.0/0 0-65535
"""

# What a client may open; the configuration ends with "deny all", for a daemon without rules grants
# everything.
ALLOW_ALL = ("allow 1-65535 192.168.77.0/24 1-65535",)


class Tools:
    """Where the lab's own programs and the program under test are."""

    def __init__(self, link=None, nopcp=None, porthole=None):
        self.link, self.nopcp, self.porthole = link, nopcp, porthole


class Lab:
    """Use as a context manager; everything is gone after it."""

    def __init__(self, tools, delay_us=0, loss_percent=0.0, seed=1):
        self.tools = tools
        self.delay_us, self.loss_percent, self.seed = delay_us, loss_percent, seed
        self.names = {}
        self.directory = None
        self.link = None
        self._router_pid = None
        self._gateway = None
        self._refuser = None

    # -- building and taking down ------------------------------------------------------------

    def __enter__(self):
        netns.adopt_orphans()
        self.directory = tempfile.mkdtemp(prefix="porthole-lab-")
        try:
            self.names = netns.create(("client", "router", "internet", "link"))
            self._wire()
            self._addresses()
            self.nft(RULESET)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for step in (self.stop_router, self._stop_refuser, self._stop_link):
            with contextlib.suppress(LabError, OSError):
                step()
        netns.remove(self.names.values())
        self.names = {}
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _wire(self):
        client, router = self.names["client"], self.names["router"]
        internet, link = self.names["internet"], self.names["link"]
        if self.delay_us or self.loss_percent:
            lines = [
                f"link add eth0 netns {client} address {CLIENT_MAC} "
                f"type veth peer name upper netns {link}",
                f"link add lan0 netns {router} address {ROUTER_MAC} "
                f"type veth peer name lower netns {link}",
            ]
        else:
            lines = [
                f"link add eth0 netns {client} address {CLIENT_MAC} "
                f"type veth peer name lan0 address {ROUTER_MAC} netns {router}"
            ]
        lines.append(
            f"link add wan0 netns {router} address {WAN_MAC} "
            f"type veth peer name eth0 address {INTERNET_MAC} netns {internet}"
        )
        run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        if self.delay_us or self.loss_percent:
            run(["ip", "-netns", link, "-batch", "-"], "link set upper up\nlink set lower up\n")

    def _addresses(self):
        def configure(role, *lines):
            text = "\n".join(("link set lo up",) + lines) + "\n"
            run(["ip", "-netns", self.names[role], "-batch", "-"], text)

        def neighbour(address, mac, device):
            return f"neigh add {address} lladdr {mac} dev {device} nud permanent"

        configure(
            "client",
            f"addr add {CLIENT}/24 dev eth0",
            "link set eth0 up",
            neighbour(ROUTER, ROUTER_MAC, "eth0"),
            f"route add default via {ROUTER} dev eth0",
        )
        configure(
            "router",
            f"addr add {ROUTER}/24 dev lan0",
            f"addr add {WAN}/24 dev wan0",
            "link set lan0 up",
            "link set wan0 up",
            neighbour(CLIENT, CLIENT_MAC, "lan0"),
            neighbour(INTERNET, INTERNET_MAC, "wan0"),
        )
        configure(
            "internet",
            f"addr add {INTERNET}/24 dev eth0",
            "link set eth0 up",
            neighbour(WAN, WAN_MAC, "eth0"),
        )
        netns.set_sysctl(self.names["router"], "net/ipv4/ip_forward", 1)
        # Every refusal must be heard: the kernel limits its ICMP errors otherwise.
        netns.set_sysctl(self.names["router"], "net/ipv4/icmp_ratelimit", 0)
        if self.delay_us or self.loss_percent:
            self._start_link()

    def _start_link(self):
        if not self.tools.link:
            raise LabError("lab-link is not built, and a delay or a loss needs it")
        argv = [self.tools.link, "--delay-us", str(self.delay_us), "--seed", str(self.seed)]
        argv += ["--loss-percent", str(self.loss_percent), "upper", "lower"]
        self.link = netns.start(self.names["link"], argv, stdout=subprocess.PIPE, text=True)
        if self.link.stdout.readline() != "ready\n":
            raise LabError("lab-link did not start")

    def _stop_link(self):
        if self.link:
            self.link.terminate()
            self.link.communicate()
            self.link = None

    def link_counters(self):
        """What the forwarder has carried so far: {"up": {...}, "down": {...}}."""
        self.link.send_signal(signal.SIGUSR1)
        counters = {}
        for part in self.link.stdout.readline().split(","):
            words = part.split()
            counters[words[0]] = dict(zip(words[1::2], map(int, words[2::2])))
        return counters

    # -- the router's firewall -----------------------------------------------------------------

    def nft(self, text):
        with netns.inside(self.names["router"]):
            return run(["nft", "-f", "-"], text)

    def nft_list(self, *what):
        with netns.inside(self.names["router"]):
            return json.loads(run(["nft", "-j", "list", *what]))["nftables"]

    def rules(self):
        """The port redirections on the router: sorted (protocol, port, to address, to port)."""
        found = []
        for item in self.nft_list("chain", "inet", "filter", "prerouting_miniupnpd"):
            if "rule" in item:
                found.append(_read_redirection(item["rule"]["expr"]))
        return sorted(found)

    def flush(self):
        """Empties miniupnpd's table: it keeps its mappings in the kernel's rules alone."""
        self.nft("".join(f"flush chain inet filter {chain}\n" for chain in MINIUPNPD_CHAINS))

    def packets_from_client(self):
        """How many packets of connections begun by the client went out to the internet side."""
        counters = [i["counter"] for i in self.nft_list("counters") if "counter" in i]
        return next(c["packets"] for c in counters if c["name"] == "client_out")

    def drop_input(self, match="udp dport 5351"):
        """The router hears nothing of what matches: no answer, no ICMP error."""
        self.nft(f'add rule inet filter lab_input iifname "lan0" {match} drop\n')

    def hear_all(self):
        self.nft("flush chain inet filter lab_input\n")

    def silence_pcp(self):
        """PCP (version 2) goes unanswered; NAT-PMP is heard."""
        self.drop_input("udp dport 5351 @th,64,8 2")

    def refuse_pcp(self):
        """PCP is answered "unsupported version", as a router that only knows NAT-PMP does."""
        if not self.tools.nopcp:
            raise LabError("lab-nopcp is not built")
        self.silence_pcp()
        argv = [self.tools.nopcp, "lan0", ROUTER]
        router = self.names["router"]
        self._refuser = netns.start(router, argv, stdout=subprocess.PIPE, text=True)
        if self._refuser.stdout.readline() != "ready\n":
            raise LabError("lab-nopcp did not start")

    def _stop_refuser(self):
        if self._refuser:
            self._refuser.terminate()
            self._refuser.communicate()
            self._refuser = None

    # -- the router's daemon -------------------------------------------------------------------

    def start_miniupnpd(self, natpmp=True, upnp=True, rules=ALLOW_ALL):
        """natpmp turns PCP on as well: miniupnpd knows no switch between the two."""
        yes_no = {True: "yes", False: "no"}
        config = os.path.join(self.directory, "miniupnpd.conf")
        pid_file = os.path.join(self.directory, "miniupnpd.pid")
        with open(config, "w", encoding="ascii") as file:
            file.write(
                MINIUPNPD_CONFIG.format(
                    natpmp=yes_no[natpmp], upnp=yes_no[upnp], rules="\n".join(rules)
                )
            )
        with contextlib.suppress(FileNotFoundError):
            os.unlink(pid_file)
        with netns.inside(self.names["router"]):
            # Not with -d: it would print kilobytes for each request, and be slow.
            run(["miniupnpd", "-f", config, "-P", pid_file])
        self._router_pid = _wait_for(lambda: _read_number(pid_file), "miniupnpd's pid file")
        self._wait_for_ports(self._router_pid, natpmp, upnp)

    def start_gateway(self, *options):
        """Our own gateway in the router's place, with its options ("--no-pcp", ...)."""
        if not self.tools.porthole:
            raise LabError("no porthole program given")
        argv = [self.tools.porthole, "gateway", "--address", ROUTER, "--external", WAN, *options]
        log = os.path.join(self.directory, "gateway.log")
        with open(log, "ab") as file:
            self._gateway = netns.start(
                self.names["router"], argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        control = not {"--no-pcp", "--no-natpmp"} <= set(options)
        try:
            self._wait_for_ports(self._gateway.pid, control, "--no-upnp" not in options)
        except LabError as error:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise LabError(f"{error}; the gateway said: {file.read().strip()}") from None

    def _wait_for_ports(self, pid, control, upnp):
        ports = ([PORT_CONTROL] if control else []) + ([1900] if upnp else [])
        for port in ports:
            _wait_for(lambda: _hears_udp(pid, port), f"the router on UDP port {port}")

    def stop_router(self, number=signal.SIGTERM):
        """Ends the daemon or the gateway; SIGKILL for a crash."""
        if self._router_pid:
            netns.end_process(self._router_pid, number)
            self._router_pid = None
        if self._gateway:
            netns.end_process(self._gateway.pid, number)
            self._gateway.wait()
            self._gateway = None

    def lose_state(self, **options):
        """A router that crashes and comes up with nothing remembered."""
        self.stop_router(signal.SIGKILL)
        self.flush()
        self.start_miniupnpd(**options)


def _read_redirection(expressions):
    """One rule as nft describes it, e.g. ("tcp", 8080, "192.168.77.2", 80)."""
    protocol, port, address, to_port = "?", 0, "?", 0
    for expression in expressions:
        match = expression.get("match", {})
        payload = match.get("left", {}).get("payload", {})
        if payload.get("field") == "dport":
            port = match["right"]
        elif match.get("right") in IP_PROTOCOLS:
            # miniupnpd compares the header's byte, which nft may show as an offset or by name.
            protocol = IP_PROTOCOLS[match["right"]]
        elif "dnat" in expression:
            address = expression["dnat"].get("addr", "?")
            to_port = expression["dnat"].get("port", port)
    return (protocol, port, address, to_port)


def _read_number(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def _hears_udp(pid, port):
    """Whether a UDP port is bound in the namespace that process PID lives in."""
    try:
        with open(f"/proc/{pid}/net/udp", encoding="ascii") as file:
            return any(line.split()[1].endswith(f":{port:04X}") for line in list(file)[1:])
    except OSError:
        return False


def _wait_for(question, what, patience_s=30.0):
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        answer = question()
        if answer:
            return answer
        time.sleep(0.002)
    raise LabError(f"waited {patience_s:g} s in vain for {what}")

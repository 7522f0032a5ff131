# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole list` against the embedded gateway: whose each mapping is, what only the record knows,
and what is said when the router's list is odd, or when there is none."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from harness import CLIENT, PATIENCE_S, Held, Noted, environment, equal, run, test, wait_until

NEIGHBOUR = "127.0.0.9"
ENTRY = ["event", "owner", "holder", "listed", "missing", "via", "protocol", "external", "internal",
         "remote_host", "enabled", "permanent", "lifetime_s", "description", "gateway"]
END = ["event", "count", "gateway", "local", "device", "asked", "cut", "changed", "elsewhere",
       "error", "code", "text"]


class Listed(Noted):
    """A gateway with a state file, and what is done at it."""

    def once(self, *arguments):
        run(self.program, "map", *self.ask, "--once", *arguments).expect(0)

    def foreign(self, *arguments, client=CLIENT):
        run(self.program, "map", "-g", self.internal, "-b", client, "--state", "none", "-p",
            "upnp", "--once", *arguments).expect(0)

    def list(self, *arguments, code=0):
        return run(self.program, "list", *self.ask, *arguments).expect(code)

    def json(self, *arguments, code=0):
        """The entries, and the end."""
        objects = [json.loads(line)
                   for line in self.list("--json", *arguments, code=code).out.splitlines()]
        for entry in objects[:-1]:
            equal(list(entry), ENTRY, "the entry's names")
        equal(list(objects[-1]), END, "the end's names")
        equal(objects[-1]["count"], len(objects) - 1, "the count")
        return objects[:-1], objects[-1]

    def mask(self, text):
        text = super().mask(text)
        text = text.replace("1 h 59 min", "2 h 0 min ")
        return re.sub(" +", " ", re.sub(r"\(\d+\)", "(PID)", text))


def owners(entries):
    return {f"{entry['protocol']} {entry['external']['port']}": entry["owner"]
            for entry in entries}


def check_columns(lines):
    """Each cell begins below its head."""
    for head in ("Leads to", "Lease", "By", "Whose"):
        at = lines[0].index(head)
        assert all(line[at - 1] == " " and line[at] != " " for line in lines), lines


@test
def list_tells_people_whose_each_is(program):
    with Listed(program) as gateway:
        gateway.once("8080/both")
        gateway.foreign("-e", "9999", "--description", "a game", "8083")
        gateway.foreign("8084", client=NEIGHBOUR)
        gateway.foreign("-p", "natpmp", "8086/udp")
        with Held(program, "map", *gateway.ask, "--json", "-p", "upnp", "8085") as held:
            held.event("mapped")
            wait_until(lambda: "8085" in gateway.list("--ours").out, "the note")
            out = gateway.list().out
            check_columns(out.splitlines()[2:])
            equal(gateway.mask(out), f"""\
Gateway GATEWAY (porthole gateway), seen from {CLIENT}

Port Leads to Lease By Whose Description
tcp 8080 127.0.0.1:8080 2 h 0 min PCP porthole, left
udp 8080 127.0.0.1:8080 2 h 0 min PCP porthole, left
tcp 8084 127.0.0.9:8084 2 h 0 min UPnP another host porthole
tcp 8085 127.0.0.1:8085 2 h 0 min UPnP porthole (PID) porthole
udp 8086 127.0.0.1:8086 2 h 0 min UPnP this host
tcp 9999 127.0.0.1:8083 2 h 0 min UPnP this host a game
""")
            held.end(-signal.SIGKILL, signal.SIGKILL)
        out = gateway.list("--ours").out
        assert "  porthole, stale  porthole\n" in out, out
        assert out.endswith("\n\nWhat is stale is removed by: porthole unmap --stale\n"), out


@test
def list_tells_programs_whose_each_is(program):
    with Listed(program) as gateway:
        gateway.once("-e", "50000", "-p", "natpmp", "8080")
        gateway.foreign("-e", "9999", "--description", "a \"game\"", "8083")
        gateway.foreign("8084", client=NEIGHBOUR)
        with Held(program, "map", *gateway.ask, "--json", "-p", "upnp", "8085/udp") as held:
            held.event("mapped")
            wait_until(lambda: len(gateway.json("--ours")[0]) == 2, "the note")
            entries, end = gateway.json()
            equal(owners(entries), {"tcp 8084": "other", "udp 8085": "held", "tcp 9999": "host",
                                    "tcp 50000": "left"}, "the owners")
            equal([entry["holder"] for entry in entries], [None, held.process.pid, None, None])
            game = entries[2]
            assert 7100 < game.pop("lifetime_s") <= 7200
            equal(game, {
                "event": "entry", "owner": "host", "holder": None, "listed": True,
                "missing": False, "via": "upnp", "protocol": "tcp", "external": {"port": 9999},
                "internal": {"address": CLIENT, "port": 8083}, "remote_host": None,
                "enabled": True, "permanent": False, "description": "a \"game\"",
                "gateway": gateway.internal})
            equal(entries[3]["via"], "natpmp", "how the left one was made")
            equal(end, {"event": "list", "count": 4, "gateway": gateway.internal, "local": CLIENT,
                        "device": "porthole gateway", "asked": True, "cut": False,
                        "changed": False, "elsewhere": 0, "error": None, "code": None,
                        "text": None})
            held.end(-signal.SIGKILL, signal.SIGKILL)
        equal(owners(gateway.json()[0])["udp 8085"], "stale", "the owner after a crash")


@test
def list_is_filtered(program):
    with Listed(program) as gateway:
        gateway.once("-p", "pcp", "8080/both")
        gateway.foreign("8081/both")
        cases = {(): ["tcp 8080", "udp 8080", "tcp 8081", "udp 8081"],
                 ("--tcp",): ["tcp 8080", "tcp 8081"],
                 ("--udp",): ["udp 8080", "udp 8081"],
                 ("--tcp", "--udp"): ["tcp 8080", "udp 8080", "tcp 8081", "udp 8081"],
                 ("--ours",): ["tcp 8080", "udp 8080"],
                 ("--ours", "--udp"): ["udp 8080"],
                 ("-p", "upnp"): ["tcp 8081", "udp 8081"],
                 ("-p", "pcp"): ["tcp 8080", "udp 8080"],
                 ("-p", "natpmp"): []}
        for arguments, wanted in cases.items():
            equal(list(owners(gateway.json(*arguments)[0])), wanted, repr(arguments))
        equal(gateway.mask(gateway.list("-p", "natpmp").out),
              f"Gateway GATEWAY, seen from {CLIENT}\n\nNothing of porthole's is known there.\n")


@test
def permanent_mapping_is_told_as_such(program):
    with Listed(program, "--quirk", "permanent-only") as gateway:
        gateway.foreign("8081", client=NEIGHBOUR)
        entry = gateway.json()[0][0]
        equal((entry["permanent"], entry["lifetime_s"]), (True, None), "the lease")
        assert "  permanent  " in gateway.list().out


@test
def router_without_a_list_leaves_the_record(program):
    with Listed(program, "--no-upnp") as gateway:
        gateway.once("-p", "pcp", "8080")
        gateway.once("-p", "natpmp", "8081/udp")
        result = gateway.list(code=3)
        equal(result.err, "porthole list: UPnP: no gateway answered; PCP and NAT-PMP have no list. "
                          "What is known:\n", "standard error")
        equal(re.sub(" +", " ", re.sub(r"< \d h \d+ min", "< T", result.out)),
              "Port Leads to Lease By Whose Description\n"
              "tcp 8080 127.0.0.1:8080 < T PCP porthole, left\n"
              "udp 8081 127.0.0.1:8081 < T NAT-PMP porthole, left\n")
        entries, end = gateway.json(code=3)
        equal([(entry["via"], entry["listed"], entry["missing"]) for entry in entries],
              [("pcp", False, False), ("natpmp", False, False)], "the entries")
        assert all(0 < entry["lifetime_s"] <= 14400 for entry in entries), entries
        equal((end["error"], end["code"], end["text"]),
              ("no_gateway", None, "no gateway answered"), "the end")
        equal(gateway.list("-p", "pcp,natpmp").err, "", "what nobody asked for")


@test
def what_the_router_lost_is_told(program):
    with Listed(program) as gateway:
        gateway.once("-p", "upnp", "8080")
        run(program, "unmap", *gateway.ask[:4], "--state", "none", "--foreign", "8080").expect(0)
        entry = gateway.json()[0][0]
        equal((entry["owner"], entry["listed"], entry["missing"]), ("left", False, True))
        assert "  porthole, lost" in gateway.list().out


@test
def leases_on_other_gateways_are_counted(program):
    with Listed(program) as first, Listed(program) as second:
        first.once("8080")
        second.ask = (*second.ask[:4], "--state", first.state)
        second.once("8081")
        entries, end = second.json()
        equal((len(entries), end["elsewhere"]), (1, 1), "here, and elsewhere")
        assert second.list().out.endswith(
            "\n\n1 more noted for other gateways; see them with --gateway ADDR.\n")


@test
def odd_lists_are_told_as_such(program):
    with Listed(program, "--quirk", "no-list,endless-list") as gateway:
        gateway.foreign("8080/both", client=NEIGHBOUR)
        entries, end = gateway.json()
        equal((list(owners(entries)), end["cut"]), (["tcp 8080", "udp 8080"], True))
        assert gateway.list().out.endswith(
            "\n\nThe router's list does not end here: it has more, or never ends.\n")
    with Listed(program, "--quirk", "no-list,restless-list") as gateway:
        for port in range(8080, 8090):
            gateway.foreign(str(port), client=NEIGHBOUR)
        equal(gateway.json()[1]["changed"], True, "whether it changed")
    with Listed(program, "--quirk", "no-list,no-index") as gateway:
        result = gateway.list(code=4)
        equal((result.out, result.err),
              ("", "porthole list: UPnP: the gateway does not support it: InvalidAction (401); "
                   "PCP and NAT-PMP have no list\n"))
        equal(gateway.json(code=4)[1]["code"], 401, "the code")
    for quirks in ("no-list", "short-list", "no-list,index-from-one", "no-list,index-end-501",
                   "no-index"):
        with Listed(program, "--quirk", quirks) as gateway:
            equal(gateway.json()[0], [], quirks)
            for port in range(8080, 8086):
                gateway.foreign(str(port), client=NEIGHBOUR)
            equal([entry["external"]["port"] for entry in gateway.json()[0]],
                  list(range(8080, 8086)), quirks)


@test
def nothing_mapped_is_a_line(program):
    with Listed(program) as gateway:
        equal(gateway.mask(gateway.list().out),
              f"Gateway GATEWAY (porthole gateway), seen from {CLIENT}\n\nNothing is mapped.\n")
        equal(gateway.log(), [], "what was opened")


@test
def damaged_record_is_set_aside_and_the_list_is_shown(program):
    with Listed(program) as gateway:
        gateway.foreign("8080")
        with open(gateway.state, "w", encoding="utf-8") as file:
            file.write("{")
        result = gateway.list()
        assert "is damaged" in result.err, result.err
        assert "tcp 8080" in result.out, result.out


@test
def table_is_no_wider_than_the_terminal(program):
    with Listed(program) as gateway:
        gateway.foreign("--description", "x" * 60, "8080")
        gateway.foreign("8081", client=NEIGHBOUR)
        for columns in (40, 80, 200):
            ours, its = pty.openpty()
            fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            process = subprocess.run([program, "list", *gateway.ask], stdin=subprocess.DEVNULL,
                                     stdout=its, stderr=subprocess.PIPE, env=environment(),
                                     timeout=PATIENCE_S, check=False)
            os.close(its)
            text = b""
            try:
                while chunk := os.read(ours, 65536):
                    text += chunk
            except OSError:  # the other side is closed
                pass
            os.close(ours)
            equal(process.returncode, 0, "the exit code")
            lines = text.decode().splitlines()[2:]
            assert all(len(line) < columns for line in lines), lines
            is_cut = columns < 130
            equal(lines[1].endswith("..."), is_cut, f"cut at {columns}")
            equal(("x" * 60 in lines[1]), not is_cut, f"whole at {columns}")

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the libplum contract test in front of a router: in network namespaces, for the library finds
its router by the default route. Prints one line for each test and a count as the last line; exit
code 0 when all passed, 1 when one failed, 77 when it cannot run here. Needs root.

--restart runs the tests of routers that restart instead of the others."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # root's cache files have no place in the source tree
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

import machine  # noqa: E402
import netns  # noqa: E402
import payload  # noqa: E402
import programs  # noqa: E402
from lab import CLIENT, ROUTER, WAN, Lab  # noqa: E402
from scenarios import start_router  # noqa: E402

PATIENCE_S = 120.0
KINDS = {"pcp": "pcp", "natpmp": "natpmp, pcp refused", "upnp": "upnp, refused"}
HELD = (("tcp", 8301), ("udp", 8302))  # what story_of_a_hold() opens
RESTARTED = 8308  # what story_of_a_restart() does
# PCP and NAT-PMP tell a restart by the router's age in seconds, and an error of two is allowed.
AGE_S = 5.0
REFUSED_S = 4.0  # a mapping that failed is tried again for the first time meanwhile


class Program:
    """plum_program in the client's namespace; a context manager that counts its tests."""

    def __init__(self, run, lab, words):
        self.run = run
        self.wanted_code = None  # known when it has counted its tests
        self.process = netns.start(lab.names["client"], [run.program, *words],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.alarm = threading.Timer(PATIENCE_S, self.process.kill)
        self.alarm.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Reads to its end; what it did not count itself counts as one failed test."""
        if kind:
            self.process.kill()
        self.wait_line(None)
        self.process.stdin.close()
        code = self.process.wait()
        self.alarm.cancel()
        self.process.stdout.close()
        if code != self.wanted_code:  # a crash, or what a sanitizer found at the end
            self.run.fail(f"the program ended with {code} instead of {self.wanted_code}")

    def wait_line(self, wanted):
        """Passes its output on up to that line; None = to the end. False: it ended before."""
        for line in self.process.stdout:
            line = line.rstrip("\n")
            count = re.fullmatch(r"(\d+) passed, (\d+) failed", line)
            if count:
                self.wanted_code = 1 if int(count.group(2)) else 0
                self.run.passed += int(count.group(1))
                self.run.failed += int(count.group(2))
            elif line == wanted:
                return True
            else:
                print(line, flush=True)
        return wanted is None

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


class Run:
    """All tests with one program in front of one router, and their count."""

    def __init__(self, program, router, tools):
        self.program, self.router, self.tools = os.path.abspath(program), router, tools
        self.passed = self.failed = 0

    def fail(self, why):
        print(f"not ok: {why}", flush=True)
        self.failed += 1

    def check(self, is_right, name):
        if is_right:
            print(f"ok {name}", flush=True)
            self.passed += 1
        else:
            self.fail(name)

    def start(self, lab, *words):
        return Program(self, lab, [*words, "local", CLIENT, "external", WAN])

    def check_nothing_left(self, lab):
        if self.router == "miniupnpd":
            left = lab.rules()
            self.check(left == [], f"nothing is left on the router {left or ''}".strip())

    # -- the tests -----------------------------------------------------------------------------

    def rules(self, method):
        print(f"# every rule, {method}, {self.router}", flush=True)
        with Lab(self.tools) as lab:
            start_router(lab, self.router, KINDS[method])
            with self.start(lab, "rules", "method", method):
                pass
            self.check_nothing_left(lab)

    def hold(self, method):
        print(f"# bytes through held ports, {method}, {self.router}", flush=True)
        with Lab(self.tools) as lab:
            start_router(lab, self.router, KINDS[method])
            with self.start(lab, "hold", "method", method) as program:
                if program.wait_line("held"):
                    for protocol, port in HELD:
                        with payload.Echo(lab.names["client"], protocol, CLIENT, port):
                            wrong = payload.call(lab.names["internet"], protocol, WAN, port)
                        self.check(wrong is None, f"{protocol} comes through {wrong or ''}".strip())
                    program.go_on()
            for protocol, port in HELD:
                with payload.Echo(lab.names["client"], protocol, CLIENT, port):
                    is_shut = payload.is_shut(lab.names["internet"], protocol, WAN, port)
                self.check(is_shut, f"{protocol} is shut after plum_cleanup()")
            self.check_nothing_left(lab)

    def filter_serves(self, kind, chosen, method):
        """Of what the router speaks, the choice takes its own."""
        print(f"# filter {chosen}, {kind}, {self.router}", flush=True)
        with Lab(self.tools) as lab:
            start_router(lab, self.router, KINDS[kind])
            with self.start(lab, "hold", "method", method, "filter", chosen) as program:
                if program.wait_line("held"):
                    program.go_on()
            self.check_nothing_left(lab)

    def filter_fails(self, chosen):
        """The router speaks only what was not chosen."""
        print(f"# filter {chosen} and a router without it, {self.router}", flush=True)
        with Lab(self.tools) as lab:
            if chosen == "pcp":
                start_router(lab, self.router, KINDS["upnp"])
            elif self.router == "miniupnpd":
                lab.start_miniupnpd(upnp=False)
            else:
                lab.start_gateway("--no-upnp")
            with self.start(lab, "filter", "filter", chosen):
                pass
            self.check_nothing_left(lab)

    def nobody(self, silent):
        print(f"# nobody there, {'silent' if silent else 'refusing'}", flush=True)
        with Lab(self.tools) as lab:
            if silent:
                lab.drop_input("")
            with self.start(lab, "destroyed"):
                pass
            with self.start(lab, "nobody") as program:
                if program.wait_line("failed"):
                    lab.hear_all()
                    if self.router == "miniupnpd":
                        lab.start_miniupnpd(rules=())
                        time.sleep(REFUSED_S)  # a failure for another reason, which is no news
                        lab.stop_router()
                    start_router(lab, self.router, "pcp")
                    program.go_on()
            self.check_nothing_left(lab)

    def no_route(self):
        print("# no default route", flush=True)
        with Lab(self.tools) as lab:
            netns.run(["ip", "-netns", lab.names["client"], "route", "delete", "default"])
            with self.start(lab, "no-route"):
                pass

    def unanswered(self):
        """NAT-PMP says the address (opcode 0) and swallows the rest."""
        print("# a router that never answers the mapping", flush=True)
        with Lab(self.tools) as lab:
            lab.start_miniupnpd(upnp=False)
            lab.silence_pcp()
            lab.drop_input("udp dport 5351 @th,64,8 0 @th,72,8 != 0")
            with self.start(lab, "unanswered"):
                pass

    def restart(self, method):
        print(f"# a router that restarts, {method}, {self.router}", flush=True)
        with Lab(self.tools) as lab:
            start_router(lab, self.router, KINDS[method])
            with self.start(lab, "restart", "method", method) as program:
                if program.wait_line("mapped"):
                    time.sleep(AGE_S)
                    self.lose_state(lab, method)
                    program.go_on()
                    if program.wait_line("mapped again"):
                        with payload.Echo(lab.names["client"], "tcp", CLIENT, RESTARTED):
                            wrong = payload.call(lab.names["internet"], "tcp", WAN, RESTARTED)
                        self.check(wrong is None, f"tcp comes through again {wrong or ''}".strip())
                        program.go_on()

    def lose_state(self, lab, method):
        """The router crashes and comes up with nothing remembered; what it speaks stays."""
        if self.router == "miniupnpd":
            lab.lose_state(natpmp=method != "upnp")
        else:
            lab.stop_router(9)
            start_router(lab, self.router, KINDS[method])

    def all(self):
        for method in KINDS:
            self.rules(method)
            self.hold(method)
        for kind, chosen, method in (("pcp", "pcp", "pcp"), ("pcp", "upnp", "upnp"),
                                     ("natpmp", "pcp", "natpmp"), ("upnp", "upnp", "upnp")):
            self.filter_serves(kind, chosen, method)
        self.filter_fails("pcp")
        self.filter_fails("upnp")
        if self.router == "gateway":
            self.no_route()
            self.nobody(silent=True)
        else:
            self.unanswered()
        self.nobody(silent=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, metavar="PATH", help="plum_program")
    parser.add_argument("--porthole", metavar="PATH", help="the command, for its gateway")
    parser.add_argument("--bin", metavar="DIR", help="where lab-link and lab-nopcp are")
    parser.add_argument("--router", choices=("gateway", "miniupnpd"), default="gateway")
    parser.add_argument("--restart", action="store_true", help="the tests of restarts only")
    arguments = parser.parse_args()
    machine.become_root(__file__)
    machine.check()
    netns.adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="porthole-compat-") as directory:
        tools = programs.find_tools(arguments.bin, arguments.porthole, directory)
        run = Run(arguments.program, arguments.router, tools)
        try:
            if arguments.restart:
                for method in KINDS:
                    run.restart(method)
            else:
                run.all()
        except netns.LabError as error:
            run.fail(f"the lab: {error}")
        finally:
            netns.remove_leftovers()
    print(f"{run.passed} passed, {run.failed} failed")
    return 0 if run.passed and not run.failed else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs one of the examples beside the embedded gateway, from its start to Ctrl-C: the port is opened,
and given back."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

import harness  # noqa: E402
from harness import CLIENT, Gateway, Held, equal  # noqa: E402

SKIP = 77
WAYS = (  # what the gateway is started with, and how the port is then opened
    ((), "pcp"),
    (("--no-pcp",), "natpmp"),
    (("--no-pcp", "--no-natpmp"), "upnp"),  # descriptors come and go
    (("--loss", "20", "--seed", "7"), None),  # timers matter; some method opens some port
)


def own_network():
    """Addresses by the process: other tests run meanwhile, and gateways that speak different
    protocols could share an address unnoticed."""
    network = f"127.{96 + (os.getpid() >> 8) % 32}.{os.getpid() % 256}"
    return f"{network}.1", f"{network}.2"


harness.free_network = own_network


def check(program, example, options, method):
    with Gateway(program, *options) as gateway:
        with Held(example, gateway.internal, CLIENT) as held:
            line = held.line()
            if method:
                equal(line, f"open: {gateway.external} port 8080, by {method}\n")
            elif not line.startswith(f"open: {gateway.external} port "):
                raise AssertionError(line)
            held.end(0, signal.SIGINT)
            if method and not example.endswith("map_port"):
                equal(held.out.splitlines()[-1], "closed: removed", "the last line")
        if method:
            equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"],
                  "what the gateway did")


def main():
    program, example = sys.argv[1:]
    if not os.path.exists(example):
        print(f"{os.path.basename(example)} was not built: its library is not installed")
        return SKIP
    for options, method in WAYS:
        check(program, example, options, method)
        print("ok", *options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

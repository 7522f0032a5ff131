# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every kind of event to the letter, in one life of a port: what `porthole map` prints for people and
for programs."""

import re
import signal
import time

from chooser import NO_ROOM, REFUSED, Chooser
from harness import Held, equal, test, wait_until

JSON_HEAD = ('{"event":"%s","id":1,"protocol":"tcp",'
             '"internal":{"address":"127.0.0.1","port":8080},')
JSON_OPEN = ('"via":"natpmp","external":{"address":"192.0.2.1","port":%d,"reach":"other"},'
             '"gateway":"GATEWAY","lifetime_s":600,"elapsed_ms":0')
REFUSAL = '"error":"not_authorized","code":2,"text":"NOT_AUTHORIZED (2)"'
LACK = '"error":"no_resources","code":4,"text":"OUT_OF_RESOURCES (4)"'
NOTE = "  note: 192.0.2.1 is not a public address: the Internet cannot reach the port"
OPEN = "192.0.2.1:%d -> 127.0.0.1:8080 (NAT-PMP by GATEWAY, lease 600 s%s)"

# What the gateway says from now on, whether it has restarted, and what is printed then: standard
# output for programs, for people, and what people see on standard error. SIGUSR1 begins each step
# but the first, and makes the line that tells how the port is.
LIFE = (
    (-REFUSED, False,
     [JSON_HEAD % "failed" + REFUSAL + "}"],
     [],
     ["porthole: tcp 8080 is not open: the gateway does not allow it: NOT_AUTHORIZED (2); trying "
      "again"]),
    (50000, False,
     [JSON_HEAD % "status" + '"state":"failure",' + REFUSAL + "}",
      JSON_HEAD % "mapped" + JSON_OPEN % 50000 + "}"],
     ["tcp 8080 is not open: the gateway does not allow it: NOT_AUTHORIZED (2)",
      "tcp 8080 is open: " + OPEN % (50000, ", T ms"), NOTE],
     []),
    (50001, False,
     [JSON_HEAD % "status" + '"state":"success",' + JSON_OPEN % 50000 + ',"expires_in_s":0}',
      JSON_HEAD % "changed" + JSON_OPEN % 50001 + "}"],
     ["tcp 8080 is open: " + OPEN % (50000, ""),
      "tcp 8080 has changed: " + OPEN % (50001, "")],
     []),
    (-NO_ROOM, True,
     [JSON_HEAD % "status" + '"state":"success",' + JSON_OPEN % 50001 + ',"expires_in_s":0}',
      JSON_HEAD % "pending" + JSON_OPEN % 50001 + "}",
      JSON_HEAD % "failed" + LACK + "}"],
     ["tcp 8080 is open: " + OPEN % (50001, ""),
      "tcp 8080 was lost; asking again"],
     ["porthole: tcp 8080 is not open: the gateway has no room for it: OUT_OF_RESOURCES (4); "
      "trying again"]),
    (50002, False,
     [JSON_HEAD % "status" + '"state":"failure",' + JSON_OPEN % 50001 + ',"expires_in_s":0,' +
      LACK + "}",
      JSON_HEAD % "mapped" + JSON_OPEN % 50002 + "}"],
     ["tcp 8080 is not open: the gateway has no room for it: OUT_OF_RESOURCES (4)",
      "tcp 8080 is open again: " + OPEN % (50002, "")],
     []),
)
END = (JSON_HEAD % "unmapped" + JSON_OPEN % 50002 + ',"fate":"removed"}', "tcp 8080 is closed")


def masked(gateway, line):
    line = line.rstrip("\n").replace(gateway.internal, "GATEWAY")
    line = re.sub(r"\b\d+\.\d+ ms", "T ms", line)
    return re.sub(r'"(elapsed_ms|expires_in_s)":[\d.]+', r'"\1":0', line)


def live(program, is_json):
    answer = {"port": 0}
    with Chooser(lambda protocol, wished: answer["port"]) as gateway:
        gateway.start -= 1000  # so that a clock at its beginning is a restart
        answer["port"] = LIFE[0][0]
        arguments = (*gateway.ask, "8080", "-t", "600", *(("--json",) if is_json else ()))
        with Held(program, "map", *arguments) as held:
            complaints = []
            for index, (port, has_restarted, json_lines, lines, told) in enumerate(LIFE):
                gateway.settle()
                answer["port"] = port
                if has_restarted:
                    gateway.start = time.monotonic()
                if index:
                    held.send(signal.SIGUSR1)
                wanted = json_lines if is_json else lines
                equal([masked(gateway, held.line()) for _ in wanted], wanted, f"step {index}")
                complaints += [] if is_json else told
                wait_until(lambda: held.err.splitlines() == complaints, "the complaint")
            held.end(0)
            equal(masked(gateway, held.line()), END[0 if is_json else 1], "the end")
            equal(held.err.splitlines(), complaints, "standard error")


@test
def life_of_a_port_as_programs_read_it(program):
    live(program, True)


@test
def life_of_a_port_as_people_read_it(program):
    live(program, False)

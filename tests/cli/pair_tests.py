# SPDX-License-Identifier: MIT OR Apache-2.0
"""PORT/both: the same external port for TCP and UDP, or neither."""

import json
import signal

from chooser import NO_ROOM, REFUSED, TCP, UDP, Chooser
from harness import Gateway, Held, equal, run, test, wait_until

OTHER = "127.0.0.2"


def ports_of(out):
    """The external ports of the events, by protocol."""
    events = [json.loads(line) for line in out.splitlines()]
    return {event["protocol"]: event["external"]["port"] for event in events
            if event["event"] in ("mapped", "changed")}


@test
def both_take_the_number_that_both_can_have(program):
    for taken in ("udp", "tcp"):
        with Gateway(program) as gateway:
            run(program, "map", *gateway.ask[:2], "-b", OTHER, "-p", "pcp", "--once",
                f"8080/{taken}").expect(0)
            result = run(program, "map", *gateway.ask, "-p", "pcp", "--once", "--json",
                         "8080/both").expect(0)
            equal(result.out.count("\n"), 2, result.out)
            ports = ports_of(result.out)
            assert ports["tcp"] == ports["udp"] != 8080, ports
            log = [line for line in gateway.log() if "stopped" in line]
            number = ports["tcp"]
            equal(sorted(log), sorted((f"closed {taken} 8080 8080 stopped",
                                       f"closed tcp 8080 {number} stopped",
                                       f"closed udp 8080 {number} stopped")), "what is open")


@test
def the_second_follows_the_first(program):
    # TCP gets another port than it wished for; UDP would get the one it wished for.
    with Chooser(lambda protocol, wished: 50001 if protocol == TCP else wished) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "8080/both").expect(0)
        equal(ports_of(result.out), {"tcp": 50001, "udp": 50001}, "the ports")
        equal(gateway.open, {(TCP, 8080): 50001, (UDP, 8080): 50001}, "what is open")


@test
def the_first_follows_the_second(program):
    with Chooser(lambda protocol, wished: 50002 if protocol == UDP else wished) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "8080/both").expect(0)
        equal(ports_of(result.out), {"tcp": 50002, "udp": 50002}, "the ports")
        equal(gateway.open, {(TCP, 8080): 50002, (UDP, 8080): 50002}, "what is open")


@test
def neither_when_they_cannot_be_the_same(program):
    with Chooser(lambda protocol, wished: 50000 + protocol) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "8080/both").expect(4)
        equal(result.out, "")
        equal(sorted(line.split(": ")[1] for line in result.err.splitlines()),
              ["tcp 8080 is not open", "udp 8080 is not open"], result.err)
        assert "not the same external port for TCP and UDP" in result.err, result.err
        equal(gateway.open, {}, "what is open")
        assert len(gateway.asked) <= 16, gateway.asked  # bounded
        result = run(program, "map", *gateway.ask, "--once", "--json", "8080/both").expect(4)
        events = [json.loads(line) for line in result.out.splitlines()]
        equal([(event["event"], event["error"]) for event in events],
              [("failed", "port_taken")] * 2, "the events")


@test
def neither_when_one_is_refused(program):
    for code, name in ((NO_ROOM, "no_resources"), (REFUSED, "not_authorized")):
        with Chooser(lambda protocol, wished, code=code: wished if protocol == TCP
                     else -code) as gateway:
            result = run(program, "map", *gateway.ask, "--once", "--json", "8080/both").expect(4)
            events = {event["protocol"]: event
                      for event in map(json.loads, result.out.splitlines())}
            equal((events["udp"]["event"], events["udp"]["error"]), ("failed", name), "udp")
            equal(events["tcp"]["event"], "failed", "tcp")
            equal(gateway.open, {}, "what is open")


@test
def neither_when_the_one_number_is_not_to_be_had(program):
    with Gateway(program) as gateway:
        run(program, "map", *gateway.ask[:2], "-b", OTHER, "-p", "pcp", "--once",
            "8080/udp").expect(0)
        result = run(program, "map", *gateway.ask, "-p", "pcp", "--once", "--json", "--exact",
                     "8080/both").expect(4)
        events = {event["protocol"]: event for event in map(json.loads, result.out.splitlines())}
        equal([(name, events[name]["event"], events[name]["error"]) for name in ("tcp", "udp")],
              [("tcp", "failed", "port_taken"), ("udp", "failed", "port_taken")], "the events")
        equal([line for line in gateway.log() if "8080 8080 stopped" in line],
              ["closed udp 8080 8080 stopped"], "what is open")


@test
def other_ports_of_the_same_command_are_not_touched(program):
    with Chooser(lambda protocol, wished: wished if wished == 9090 else
                 50000 + protocol) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "9090", "8080/both")
        equal(ports_of(result.expect(4).out), {"tcp": 9090}, "what is told")
        equal(gateway.open, {(TCP, 9090): 9090}, "what is open")


@test
def both_move_together(program):
    numbers = {"port": 50000}
    with Chooser(lambda protocol, wished: numbers["port"]) as gateway:
        with Held(program, "map", *gateway.ask, "--json", "8080/both") as held:
            for _ in range(2):
                equal(held.event("mapped")["external"]["port"], 50000)
            for number in range(50001, 50006):
                numbers["port"] = number
                held.send(signal.SIGUSR1)
                told, shown = {}, 0
                # One that was asked again because the other had moved may see the next number.
                while shown < 2 or told != {"tcp": number, "udp": number}:
                    event = json.loads(held.line())
                    shown += event["event"] == "status"
                    if event["event"] != "status":
                        equal(event["event"], "changed", "the event")
                        told[event["protocol"]] = event["external"]["port"]
            held.end(0)
        equal(gateway.open, {}, "what is open")


@test
def one_that_was_moved_alone_is_followed(program):
    numbers = {TCP: 50000, UDP: None}  # UDP: whatever is wished for
    with Chooser(lambda protocol, wished: numbers[protocol] or wished) as gateway:
        with Held(program, "map", *gateway.ask, "--json", "8080/both") as held:
            for _ in range(2):
                equal(held.event("mapped")["external"]["port"], 50000)
            numbers[TCP] = 50007
            held.send(signal.SIGUSR1)
            wait_until(lambda: ports_of(held.out).get("tcp") == 50007 ==
                       ports_of(held.out).get("udp"), "both at the new port")
            equal(gateway.open, {(TCP, 8080): 50007, (UDP, 8080): 50007}, "what is open")
            told = [json.loads(line) for line in held.out.splitlines()]
            equal([(event["event"], event["protocol"]) for event in told[4:]],
                  [("pending", "udp"), ("changed", "tcp"), ("mapped", "udp")], "the events")
            held.end(0)


@test
def what_could_not_be_is_tried_again(program):
    differs = {"is": True}
    with Chooser(lambda protocol, wished: 50000 + (protocol if differs["is"] else 0)) as gateway:
        with Held(program, "map", *gateway.ask, "--json", "8080/both") as held:
            held.event("failed")
            held.event("failed")
            wait_until(lambda: not gateway.open, "neither")
            differs["is"] = False
            held.send(signal.SIGUSR1)  # no need to wait for the pause
            for _ in range(2):
                status = held.event("status")
                equal((status["state"], status["error"]), ("failure", "port_taken"), "the status")
            for _ in range(2):
                equal(held.event("mapped")["external"]["port"], 50000)
            held.end(0)
        with Held(program, "map", *gateway.ask, "--json", "8081/both") as held:
            held.event("mapped")
            held.event("mapped")
            differs["is"] = True
            held.send(signal.SIGUSR1)
            wait_until(lambda: '"failed"' in held.out, "the end of it")
            held.end(0)
            told = [json.loads(line) for line in held.out.splitlines()]
            equal(sorted(event["protocol"] for event in told if event["event"] == "unmapped"),
                  ["tcp", "udp"], "each has an end")
        equal(gateway.open, {}, "what is open")

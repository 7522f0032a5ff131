# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole map` against the embedded gateway: what it prints, what it leaves on the gateway, and
with which exit code it ends."""

import json
import os
import pty
import signal
import subprocess
import time

from harness import (CLIENT, PATIENCE_S, Gateway, Halfway, Held, catches, equal, free_network,
                     run, test, wait_until)

NOTE = "  note: EXTERNAL is a loopback address: only this machine can reach the port\n"
METHODS = {"pcp": "PCP", "natpmp": "NAT-PMP", "upnp": "UPnP"}


def mapped_json(protocol, port, outside=None, via="pcp", number=1, lifetime_s=7200):
    return (f'{{"event":"mapped","id":{number},"protocol":"{protocol}","internal":'
            f'{{"address":"{CLIENT}","port":{port}}},"via":"{via}","external":'
            f'{{"address":"EXTERNAL","port":{outside or port},"reach":"loopback"}},'
            f'"gateway":"GATEWAY","lifetime_s":{lifetime_s},"elapsed_ms":0}}\n')


def unmapped_json(*arguments, fate="removed"):
    line = mapped_json(*arguments).replace('"mapped"', '"unmapped"')
    return line.replace('"elapsed_ms":0}', f'"elapsed_ms":0,"fate":"{fate}"}}')


@test
def once_tells_people(program):
    with Gateway(program) as gateway:
        for port, (method, name) in enumerate(METHODS.items(), 8080):
            result = run(program, "map", *gateway.ask, "-p", method, "--once", str(port)).expect(0)
            equal(gateway.mask(result.out),
                  f"tcp {port} is open: EXTERNAL:{port} -> {CLIENT}:{port} "
                  f"({name} by GATEWAY, lease 7200 s, T ms)\n{NOTE}")
            equal(result.err, "", "standard error")


@test
def once_tells_programs(program):
    with Gateway(program) as gateway:
        for port, method in enumerate(METHODS, 8080):
            arguments = ("-p", method, "--once", "--json", str(port), "-t", "600")
            result = run(program, "map", *gateway.ask, *arguments).expect(0)
            equal(gateway.mask(result.out),
                  mapped_json("tcp", port, via=method, lifetime_s=600))
            equal(result.err, "", "standard error")


@test
def once_leaves_the_mapping(program):
    with Gateway(program) as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 stopped"])


@test
def several_ports_and_both_protocols(program):
    with Gateway(program) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "8080", "8081/both",
                     "8082/UDP").expect(0)
        equal(sorted(gateway.mask(result.out).splitlines()), sorted("".join((
            mapped_json("tcp", 8080), mapped_json("tcp", 8081, number=2),
            mapped_json("udp", 8081, number=3), mapped_json("udp", 8082, number=4)
        )).splitlines()))


@test
def the_note_on_an_address_is_given_once(program):
    with Gateway(program) as gateway:
        out = run(program, "map", *gateway.ask, "--once", "8080/both", "8081").expect(0).out
        equal((out.count(" is open: "), gateway.mask(out).count(NOTE)), (3, 1), "the lines")


@test
def both_protocols_by_one_external_port(program):
    with Gateway(program) as gateway:
        result = run(program, "map", *gateway.ask, "--once", "--json", "8080/both", "-e", "9090")
        equal(gateway.mask(result.expect(0).out),
              mapped_json("tcp", 8080, 9090) + mapped_json("udp", 8080, 9090, number=2))


@test
def a_thousand_ports_at_once(program):
    with Gateway(program, "--no-forward") as gateway:
        ports = [str(port) for port in range(20000, 21000)]
        result = run(program, "map", *gateway.ask, "--once", "--json", "--timeout", "60",
                     *ports).expect(0)
        events = [json.loads(line) for line in result.out.splitlines()]
        equal(sorted(event["internal"]["port"] for event in events), list(range(20000, 21000)))


def interrupt(program, number):
    with Gateway(program) as gateway:
        with Held(program, "map", *gateway.ask, "8080/both", "--json") as held:
            held.event("mapped")
            held.event("mapped")
            held.end(0, number)
            equal(gateway.mask(held.out), "".join((
                mapped_json("tcp", 8080), mapped_json("udp", 8080, number=2),
                unmapped_json("tcp", 8080), unmapped_json("udp", 8080, None, "pcp", 2))))
            equal(held.err, "", "standard error")
        equal(sorted(gateway.log()),
              ["closed tcp 8080 8080 removed", "closed udp 8080 8080 removed",
               "opened tcp 8080 8080", "opened udp 8080 8080"])


@test
def interrupt_removes(program):
    interrupt(program, signal.SIGINT)


@test
def termination_removes(program):
    interrupt(program, signal.SIGTERM)


@test
def hang_up_removes(program):
    interrupt(program, signal.SIGHUP)


@test
def interrupt_is_told_to_people(program):
    with Gateway(program) as gateway:
        with Held(program, "map", *gateway.ask, "-p", "upnp", "8080", "-d", "my game") as held:
            held.line()
            held.line()
            held.end(0)
            equal(gateway.mask(held.out),
                  f"tcp 8080 is open: EXTERNAL:8080 -> {CLIENT}:8080 "
                  f"(UPnP by GATEWAY, lease 7200 s, T ms)\n{NOTE}tcp 8080 is closed\n")


@test
def a_terminal_is_told_how_it_ends(program):
    with Gateway(program) as gateway:
        master, slave = pty.openpty()
        process = subprocess.Popen([program, "map", *gateway.ask, "8080"], stdout=slave)
        os.close(slave)
        out = b""
        while b"Held until Ctrl-C.\r\n" not in out:  # or it ends, and reading fails
            out += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        equal(process.wait(PATIENCE_S), 0, "the exit code")
        os.close(master)


@test
def a_gateway_that_went_silent_is_told(program):
    with Gateway(program) as gateway:
        with Held(program, "map", *gateway.ask, "8080", "--json") as held:
            held.event("mapped")
            gateway.send(signal.SIGSTOP)
            start = time.monotonic()
            held.end(1)
            assert 2.5 < time.monotonic() - start < 20, "it waits 3 s for the gateway"
            equal(gateway.mask(held.out),
                  mapped_json("tcp", 8080) + unmapped_json("tcp", 8080, fate="expires"))
        gateway.send(signal.SIGCONT)


@test
def a_second_signal_ends_at_once(program):
    with Gateway(program) as gateway:
        with Held(program, "map", *gateway.ask, "8080", "--json") as held:
            held.event("mapped")
            gateway.send(signal.SIGSTOP)
            held.send(signal.SIGINT)
            wait_until(lambda: not catches(held.process, signal.SIGINT), "the first signal")
            assert held.process.poll() is None, "it did not wait for the gateway"
            held.end(-signal.SIGTERM, signal.SIGTERM)  # at once: later it ends by itself
        gateway.send(signal.SIGCONT)


@test
def the_reach_of_the_address_is_told(program):
    for address, reach, words in (
            ("203.0.112.9", "public", None),
            ("10.1.2.3", "private", "a second NAT"),
            ("100.64.1.2", "shared", "carrier-grade NAT (100.64.0.0/10)"),
            ("203.0.113.9", "other", "not a public address")):
        with Gateway(program, "--report-address", address) as gateway:
            out = run(program, "map", *gateway.ask, "--once", "8080").expect(0).out
            notes = out.splitlines()[1:]
            if words is None:
                equal(notes, [], "the note")
            else:
                assert notes[0].startswith(f"  note: {address} is ") and words in notes[0], out
            out = run(program, "map", *gateway.ask, "--once", "--json", "8081").expect(0).out
            equal(json.loads(out)["external"],
                  {"address": address, "port": 8081, "reach": reach}, "the external address")


# ---- Exit codes ----------------------------------------------------------------------------------


@test
def exit_3_when_nothing_listens(program):
    inside, _ = free_network()
    arguments = ("map", "-g", inside, "-b", CLIENT, "-p", "pcp,natpmp", "--once", "8080")
    result = run(program, *arguments).expect(3)
    equal(result.out, "", "standard output")
    assert result.err.startswith("porthole: tcp 8080 is not open: "), result.err
    equal(result.err.count("\n"), 1, "the number of lines")
    event = json.loads(run(program, *arguments, "--json").expect(3).out)
    equal((event["event"], event["id"], event["protocol"], event["internal"]["port"],
           event["code"]), ("failed", 1, "tcp", 8080, None), "the event")
    assert event["error"] in ("no_gateway", "port_closed"), event


@test
def exit_4_when_the_port_is_taken(program):
    with Gateway(program, "--no-natpmp", "--no-upnp") as gateway:
        run(program, "map", *gateway.ask, "--once", "8080").expect(0)
        arguments = ("map", *gateway.ask, "--once", "--exact", "8081", "-e", "8080")
        result = run(program, *arguments).expect(4)
        equal((result.out, result.err),
              ("", "porthole: tcp 8081 is not open: the external port is taken: "
                   "CANNOT_PROVIDE_EXTERNAL (11)\n"))
        event = json.loads(run(program, *arguments, "--json").expect(4).out)
        equal((event["event"], event["error"], event["code"], event["text"]),
              ("failed", "port_taken", 11, "CANNOT_PROVIDE_EXTERNAL (11)"), "the event")
        run(program, "map", *gateway.ask, "--once", "8081", "-e", "8080").expect(0)


@test
def the_first_failure_is_the_exit_code_and_the_rest_is_opened(program):
    with Gateway(program, "--no-natpmp", "--no-upnp") as gateway:
        run(program, "map", *gateway.ask[:2], "-b", "127.0.0.2", "--once", "8080").expect(0)
        result = run(program, "map", *gateway.ask, "--once", "--exact", "8079", "8080", "8081")
        result.expect(4)
        equal([line.split(":")[0] for line in result.out.splitlines() if "note" not in line],
              ["tcp 8079 is open", "tcp 8081 is open"], "what is open")
        assert result.err.startswith("porthole: tcp 8080 is not open"), result.err
        equal(gateway.log()[:3], ["opened tcp 8080 8080", "opened tcp 8079 8079",
                                  "opened tcp 8081 8081"])


@test
def exit_5_when_the_gateway_stops_answering(program):
    with Halfway() as gateway:
        arguments = ("map", *gateway.ask, "-p", "natpmp", "--once", "--timeout", "3", "8080")
        start = time.monotonic()
        event = json.loads(run(program, *arguments, "--json").expect(5).out)
        assert 2.8 < time.monotonic() - start < 9.5, f"after {time.monotonic() - start:.2f} s"
        equal((event["event"], event["error"], event["code"]), ("failed", "timeout", None))
        equal(run(program, *arguments).expect(5).err,
              "porthole: tcp 8080 is not open: timed out\n")


@test
def a_failure_is_no_end_without_once(program):
    inside, _ = free_network()
    arguments = ("map", "-g", inside, "-b", CLIENT, "-p", "pcp")
    with Held(program, *arguments, "8080", "--json") as held:
        held.event("failed")
        time.sleep(0.2)
        assert held.process.poll() is None, "it ended"
        held.end(0)
        equal(json.loads(held.out.splitlines()[-1])["fate"], "none", "the fate")
    with Held(program, *arguments, "8080") as held:
        wait_until(lambda: held.err.endswith("; trying again\n"), "the failure")
        held.end(0)
        equal(held.out, "tcp 8080: nothing was open\n")


@test
def interrupted_before_a_result(program):
    with Halfway() as gateway:
        arguments = ("map", *gateway.ask, "-p", "natpmp", "--once", "8080")
        with Held(program, *arguments) as held:
            assert gateway.asked.wait(PATIENCE_S), "it asks nothing"
            held.end(1)
            equal((held.out, held.err), ("", "porthole map: interrupted\n"))


@test
def once_tells_the_port_that_is_true(program):
    """A device that maps to the same port inside, whatever it was asked: only the reading back shows
    it, and --once has one chance to tell."""
    with Gateway(program, "--quirk", "same-port-forced") as gateway:
        arguments = (*gateway.ask, "-p", "upnp", "--once", "--json", "-e", "50123", "8080")
        for _ in range(2):
            result = run(program, "map", *arguments).expect(0)
            (line,) = result.out.splitlines()
            event = json.loads(line)
            equal((event["event"], event["external"]["port"]), ("mapped", 8080), "what is told")
        equal([line for line in gateway.log() if line.endswith("stopped")],
              ["closed tcp 8080 8080 stopped"], "what is open")


@test
def once_waits_for_no_answer_that_does_not_come(program):
    with Gateway(program, "--quirk", "no-read-back") as gateway:
        result = run(program, "map", *gateway.ask, "-p", "upnp", "--once", "--json",
                     "8080").expect(0)
        equal(json.loads(result.out)["external"]["port"], 8080, "what is told")

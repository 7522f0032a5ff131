# SPDX-License-Identifier: MIT OR Apache-2.0
"""Output that cannot be written, and where logs go."""

import os
import select
import subprocess

from harness import PATIENCE_S, Gateway, equal, run, test


def full_device():
    return open("/dev/full", "wb", buffering=0)


def await_no_reader(writing):
    """What another test has just forked has the reading end too, until it becomes its program."""
    left = select.poll()
    left.register(writing, 0)  # POLLERR
    assert left.poll(1000 * PATIENCE_S), "somebody reads on"


def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    await_no_reader(writing)
    return open(writing, "wb", buffering=0)


TARGETS = ((full_device, "No space left on device"), (closed_pipe, "Broken pipe"))


@test
def unwritten_output_is_an_error(program):
    with Gateway(program) as gateway:
        for arguments in (("--help",), ("--version",), ("help", "map"), ("probe", *gateway.ask),
                          ("address", *gateway.ask, "--json"), ("demo",), ("demo", "--json")):
            for make, reason in TARGETS:
                with make() as target:
                    result = run(program, *arguments, stdout=target).expect(1)
                    assert result.err.endswith(f"standard output: {reason}\n"), result.err
                    equal(result.err.count("\n"), 1, "the number of lines")


@test
def a_mapping_that_cannot_be_told_is_removed(program):
    for once in ((), ("--once",)):
        for make, reason in TARGETS:
            with Gateway(program) as gateway, make() as target:
                arguments = ("map", *gateway.ask, *once, "8080")
                result = run(program, *arguments, stdout=target).expect(1)
                equal(result.err, f"porthole map: standard output: {reason}\n")
                equal(gateway.log(), ["opened tcp 8080 8080", "closed tcp 8080 8080 removed"])


@test
def a_reader_that_leaves_ends_the_mapping_at_the_next_line(program):
    with Gateway(program) as gateway:
        reading, writing = os.pipe()
        process = subprocess.Popen([program, "map", *gateway.ask, "8080", "--json"], stdout=writing,
                                   stderr=subprocess.DEVNULL)
        with open(reading, encoding="ascii") as reader:
            reader.readline()
        await_no_reader(writing)
        os.close(writing)
        process.terminate()
        equal(process.wait(PATIENCE_S), 1, "the exit code")
        equal(gateway.log()[-1], "closed tcp 8080 8080 removed")


@test
def closed_descriptors_are_not_given_to_sockets(program):
    with Gateway(program) as gateway:
        def close_all():
            for fd in (0, 1, 2):
                os.close(fd)
        result = subprocess.run([program, "map", *gateway.ask, "--once", "8080"], check=False,
                                preexec_fn=close_all, timeout=PATIENCE_S)
        equal(result.returncode, 1, "the exit code")
        result = subprocess.run([program, "map", *gateway.ask, "--once", "8080"], check=False,
                                preexec_fn=lambda: os.close(0), stdout=subprocess.PIPE,
                                timeout=PATIENCE_S)
        equal(result.returncode, 0, "the exit code")
        equal(gateway.log()[:3], ["opened tcp 8080 8080", "closed tcp 8080 8080 removed",
                                  "opened tcp 8080 8080"])


@test
def logs_go_to_standard_error(program):
    with Gateway(program) as gateway:
        arguments = ("probe", *gateway.ask, "--json")
        quiet = run(program, *arguments).expect(0)
        decisions = run(program, *arguments, "-v").expect(0)
        packets = run(program, *arguments, "-vv").expect(0)
        for result in (decisions, packets):
            equal(gateway.mask(result.out), gateway.mask(quiet.out))
        assert quiet.err == "" and decisions.err, "what -v prints"
        assert len(packets.err) > len(decisions.err), "what -vv prints beyond -v"

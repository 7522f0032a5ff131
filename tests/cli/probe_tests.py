# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole probe` and `porthole address` against the embedded gateway and against nothing."""

import json

from harness import CLIENT, Gateway, equal, free_network, run, test

HEAD = (f"Gateway GATEWAY, asked from {CLIENT} (loopback)\n\n"
        "Protocol  Answers          External address\n")
EXTERNAL = {"address": "EXTERNAL", "reach": "loopback"}
CLOSED = "no       the gateway has nothing listening on that port"


@test
def probe_tells_people(program):
    with Gateway(program) as gateway:
        equal(gateway.mask(run(program, "probe", *gateway.ask).expect(0).out),
              HEAD + "PCP       yes T ms  EXTERNAL (loopback)\n"
                     "NAT-PMP   yes T ms  EXTERNAL (loopback)\n"
                     "UPnP      yes T ms  EXTERNAL (loopback)\n"
                     "          porthole gateway, http://GATEWAY:PORT/rootDesc.xml\n")
        equal(gateway.log(), ["opened udp 9 9", "closed udp 9 9 removed"])


@test
def probe_tells_programs(program):
    with Gateway(program) as gateway:
        out = run(program, "probe", *gateway.ask, "--json").expect(0).out
        equal(out.count("\n"), 1, "the number of lines")
        answered = {"answered": True, "rtt_ms": 0, "external": EXTERNAL}
        equal(json.loads(gateway.mask(out)), {
            "gateway": "GATEWAY", "local": {"address": CLIENT, "reach": "loopback"},
            "elapsed_ms": 0,
            "pcp": {**answered, "epoch_s": 0}, "natpmp": {**answered, "epoch_s": 0},
            "upnp": {**answered, "device": "porthole gateway",
                     "url": "http://GATEWAY:PORT/rootDesc.xml"}})


@test
def probe_asks_only_what_it_may(program):
    with Gateway(program) as gateway:
        equal(gateway.mask(run(program, "probe", *gateway.ask, "-p", "natpmp").expect(0).out),
              HEAD + "PCP       not asked\n"
                     "NAT-PMP   yes T ms  EXTERNAL (loopback)\n"
                     "UPnP      not asked\n")
        probe = json.loads(run(program, "probe", *gateway.ask, "-p", "natpmp", "--json").out)
        equal((probe["pcp"], probe["upnp"]), (None, None), "what was not asked")
        equal(gateway.log(), [], "what was opened")


@test
def probe_tells_who_does_not_answer(program):
    with Gateway(program, "--no-natpmp", "--no-pcp") as gateway:
        out = gateway.mask(run(program, "probe", *gateway.ask).expect(0).out)
        equal(out.splitlines()[3:6], [f"PCP       {CLOSED}", f"NAT-PMP   {CLOSED}",
                                      "UPnP      yes T ms  EXTERNAL (loopback)"])
    with Gateway(program, "--no-pcp") as gateway:
        probe = json.loads(run(program, "probe", *gateway.ask, "--json").expect(0).out)
        equal(probe["pcp"]["answered"], False, "whether PCP answered")
        equal(probe["pcp"]["error"], "unsupported", "why it did not")
        equal(probe["natpmp"]["answered"], True, "whether NAT-PMP answered")


@test
def probe_of_nothing_is_exit_3(program):
    inside, _ = free_network()
    arguments = ("probe", "-g", inside, "-b", CLIENT, "-p", "pcp,natpmp")
    result = run(program, *arguments).expect(3)
    equal(result.out.splitlines()[3:],
          [f"PCP       {CLOSED}", f"NAT-PMP   {CLOSED}", "UPnP      not asked"])
    equal(result.err, "", "standard error")
    probe = json.loads(run(program, *arguments, "--json").expect(3).out)
    equal(probe["pcp"], {"answered": False, "error": "port_closed", "code": None,
                         "text": "the gateway has nothing listening on that port"})


@test
def silence_is_found_within_the_timeout(program):
    inside, _ = free_network()
    for command in ("probe", "address"):  # 10 s are the usual
        run(program, command, "-g", inside, "-b", CLIENT, "--timeout", "1", timeout=9).expect(3)


@test
def address_is_one_line(program):
    with Gateway(program, "--report-address", "203.0.112.9") as gateway:
        for options, line in (((), "203.0.112.9"), (("-p", "natpmp"), "203.0.112.9"),
                              (("-p", "upnp"), "203.0.112.9"), (("--local",), CLIENT),
                              (("--router",), gateway.internal)):
            result = run(program, "address", *gateway.ask, *options).expect(0)
            equal((result.out, result.err), (line + "\n", ""), repr(options))


@test
def address_as_json(program):
    with Gateway(program) as gateway:
        for options, line in ((("--json",), '{"external":{"address":"EXTERNAL"}}'),
                              (("--json", "--local"), f'{{"local":{{"address":"{CLIENT}"}}}}'),
                              (("--json", "--router"), '{"gateway":"GATEWAY"}')):
            result = run(program, "address", *gateway.ask, *options).expect(0)
            equal(gateway.mask(result.out), line + "\n")


@test
def address_of_nothing_is_exit_3(program):
    inside, _ = free_network()
    arguments = ("address", "-g", inside, "-b", CLIENT, "-p", "pcp,natpmp")
    result = run(program, *arguments).expect(3)
    equal((result.out, result.err), ("", "porthole address: no gateway answered\n"))
    equal(run(program, *arguments, "--json").expect(3).out,
          '{"error":"no_gateway","code":null,"text":"no gateway answered"}\n')

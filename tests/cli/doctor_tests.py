# SPDX-License-Identifier: MIT OR Apache-2.0
"""`porthole doctor` against the embedded gateway, with and without the faults of real routers. What
this machine tells of itself differs from machine to machine and is only looked at, not compared."""

import json
import os
import re
import socket

from harness import CLIENT, Gateway, Halfway, Held, equal, free_network, run, test, wait_until

OUTSIDE = ("--report-address", "203.0.112.9")  # an address that counts as public
GOOD = "Ports can be opened: the router does it, and its address is public"
RESTARTED = "The router's port service started N s ago: what was open before may be gone."
MEMBERS = {
    "": "verdict title good exit_code reason advice notes path version system host begun "
        "elapsed_ms redacted map_allowed interfaces routes neighbours internet firewall gateway "
        "local protocols devices attempts attempts_left_out",
    "path": "kind state label name inside outside note",
    "interfaces": "name link kind mac mtu up running addresses",
    "routes": "destination gateway interface metric",
    "neighbours": "address interface mac gateway resolved",
    "protocols": "via asked answered error code text rtt_ms external epoch_s trial",
    "devices": "address url server name maker model service gateway used",
    "attempts": "via what to from start_ms end_ms sent_ms sent outcome code text trial",
}


def doctor(program, gateway, *options):
    return run(program, "doctor", *gateway.ask, *options)


def report_of(result, code):
    """The report, and its verdict as the exit code has it."""
    result.expect(code)
    equal(result.err, "", "standard error")
    equal(result.out.count("\n"), 1, "the number of lines")
    report = json.loads(result.out)
    equal(report["exit_code"], code, "the exit code that it tells")
    return report


def verdict(program, gateway, code, *options):
    report = report_of(doctor(program, gateway, "--json", *options), code)
    return report["verdict"], report


def mask(gateway, text):
    """Output as it is in every run and on every machine."""
    text = gateway.mask(text)
    text = re.sub(r"(epoch|started) \d+ s", r"\1 N s", text)
    text = re.sub(r"\b[3-6]\d{4}\b", "PORT", text)
    text = re.sub(r"^ +\d+\.\d +\d+\.\d ", "  T T ", text, flags=re.M)
    return text


def section(text, title):
    """The lines below a title, without their indentation."""
    lines = text.split(f"\n{title}\n")[1].split("\n\n")[0].splitlines()
    return [line.strip() for line in lines]


# ---- What it says --------------------------------------------------------------------------------

@test
def doctor_tells_people_what_matters_first(program):
    with Gateway(program, *OUTSIDE) as gateway:
        text = mask(gateway, doctor(program, gateway).expect(0).out)
        equal(text.split("\n  Also")[0], f"""{GOOD}

  Why   The router opened a port for a moment by PCP, at 203.0.112.9, which is
        a public address, and gave it back when asked.
  Next  - `porthole map PORT` opens a port and keeps it open.
        - If nobody gets in all the same: is the service running, and does it
          listen on all addresses, not on 127.0.0.1 alone?""")
        host = socket.gethostname()
        equal([re.sub(r" +", " ", line) for line in section(text, "The path")],
              [f"[ok] this host {CLIENT} {host}", "|",
               "[ok] router GATEWAY | 203.0.112.9 porthole gateway", "|", "[ok] Internet"])


@test
def doctor_tells_people_what_was_asked_and_answered(program):
    with Gateway(program, *OUTSIDE) as gateway:
        text = mask(gateway, doctor(program, gateway).expect(0).out)
        told = "external address 203.0.112.9 (public)"
        trial = ("trial   tcp port PORT opened as 203.0.112.9:PORT for 120 s, after T ms; removed")
        equal([re.sub("after +T", "after T", line) for line in section(text, "Protocols")],
              [f"asked: GATEWAY, from {CLIENT} (loopback)",
               f"PCP      yes T ms, {told}, epoch N s", trial,
               f"NAT-PMP  yes T ms, {told}, epoch N s", trial,
               f"UPnP     yes T ms, {told}", trial])
        attempts = section(text, "Attempts, in milliseconds since the start")
        for line in ("T T  PCP      MAP udp 9 for 60 s to GATEWAY:5351: answered 0, "
                     "granted 203.0.112.9 port 9 for 60 s, epoch N s",
                     "T T  NAT-PMP  external address to GATEWAY:5351: answered 0, "
                     "203.0.112.9, epoch N s",
                     "T T  UPnP     AddPortMapping TCP PORT for 120 s to GATEWAY:PORT: "
                     "answered 200",
                     "T T  UPnP     DeletePortMapping TCP PORT to GATEWAY:PORT: answered 200"):
            equal(line in attempts, True, f"whether {line!r} is among {attempts}")
        equal(re.sub(" +", " ", section(text, "UPnP gateways")[0]),
              "GATEWAY porthole gateway, used")
        equal(section(text, "Verdict"), ["mapped, exit code 0, after T ms"])


@test
def doctor_tells_programs_all_of_it(program):
    with Gateway(program, *OUTSIDE) as gateway:
        report = report_of(doctor(program, gateway, "--json"), 0)
        equal(list(report), MEMBERS[""].split(), "the members")
        for name, members in MEMBERS.items():
            for one in report[name] if name else ():
                equal(list(one), members.split(), f"the members of {name}")
        equal((report["verdict"], report["title"], report["good"]), ("mapped", GOOD, True))
        equal((report["gateway"], report["local"]),
              (gateway.internal, {"address": CLIENT, "reach": "loopback"}))
        external = {"address": "203.0.112.9", "reach": "public"}
        for one in report["protocols"]:
            trial = one["trial"]
            equal((one["asked"], one["answered"], one["error"], one["external"]),
                  (True, True, None, external))
            equal((trial["opened"], trial["lifetime_s"], trial["fate"], trial["error"]),
                  (True, 120, "removed", None), one["via"])
            equal(trial["external"], {**external, "port": trial["internal_port"]})
        for one in report["attempts"]:
            equal(0 <= one["start_ms"] <= one["end_ms"] <= report["elapsed_ms"], True, "its times")
            # The trial may be over before its port was read back.
            equal(one["outcome"] in ("answered", "dropped"), True, one["what"])
        equal([one["trial"] for one in report["attempts"]][0], False, "whose the first one is")
        equal(any(one["trial"] for one in report["attempts"]), True, "whether there is a trial")
        notes = [re.sub(r"\d+ s ago", "N s ago", note) for note in report["notes"]]
        equal(RESTARTED in notes, True, f"whether it is in {notes}")


@test
def doctor_leaves_nothing_open(program):
    with Gateway(program, *OUTSIDE) as gateway:
        doctor(program, gateway).expect(0)
        log = gateway.log()
        opened = sorted(line.split()[2] for line in log if line.startswith("opened"))
        closed = sorted(line.split()[2] for line in log if line.startswith("closed"))
        equal(len(opened), 4, f"what was opened ({log})")
        equal(opened, closed, "what was closed")
        equal(all(line.endswith("removed") for line in log if line.startswith("closed")), True)


@test
def doctor_opens_no_port_when_it_may_not(program):
    with Gateway(program, *OUTSIDE) as gateway:
        name, report = verdict(program, gateway, 0, "--no-map")
        equal((name, report["map_allowed"]), ("mappable", False))
        equal([one["trial"] for one in report["protocols"]], [None, None, None], "the trials")
        equal(gateway.log(), ["opened udp 9 9", "closed udp 9 9 removed"], "what was opened")


@test
def doctor_asks_only_what_it_may(program):
    with Gateway(program, *OUTSIDE) as gateway:
        _, report = verdict(program, gateway, 0, "-p", "natpmp")
        equal([one["asked"] for one in report["protocols"]], [False, True, False])
        equal({one["via"] for one in report["attempts"]}, {"natpmp"}, "who was asked")
        equal("Not all protocols were asked (--protocol)." in report["notes"], True, "the notes")


@test
def doctor_redacts(program):
    with Gateway(program, *OUTSIDE) as gateway:
        for options in (("--redact",), ("--redact", "--json")):
            plain = report_of(doctor(program, gateway, "--json"), 0)
            out = doctor(program, gateway, *options).expect(0).out
            secrets = ["203.0.112.9", plain["devices"][0]["name"], socket.gethostname()]
            secrets += [one["mac"] for one in plain["interfaces"] if one["mac"]]
            secrets += [one["name"] for one in plain["interfaces"] if one["name"] != "lo"]
            secrets += [address["address"] for one in plain["interfaces"]
                        for address in one["addresses"] if address["reach"] != "loopback"]
            for secret in secrets:
                found = re.search(rf"(?<![\w.]){re.escape(secret)}(?![\w.])", out)
                equal(found is None, True, f"whether {secret} is left out of {out}")
            equal("public-1" in out, True, f"whether a substitute is in {out}")


# ---- Verdicts and exit codes ---------------------------------------------------------------------

FAULTS = {
    ("--quirk", "shared-address"): ("carrier_nat", 1),
    ("--quirk", "zero-address"): ("no_uplink", 4),
    ("--report-address", "192.168.100.2"): ("double_nat", 1),
    ("--report-address", "10.1.2.3"): ("double_nat", 1),
    ("--report-address", "192.0.2.7"): ("unclear", 1),
    ("--no-pcp", "--no-natpmp", "--no-upnp"): ("no_protocol", 3),
    ("--no-pcp", "--no-natpmp", "--quirk", "add-606", *OUTSIDE): ("refused", 4),
    ("--no-pcp", "--no-natpmp", "--quirk", "add-728", *OUTSIDE): ("refused", 4),
    ("--no-pcp", "--no-natpmp", "--quirk", "conflict-always", *OUTSIDE): ("refused", 4),
    ("--no-upnp", "--no-natpmp", "--quirk", "pcp-no-resources", *OUTSIDE): ("refused", 4),
    # Faults that are worked around are none to a user.
    ("--quirk", "pcp-no-resources", *OUTSIDE): ("mapped", 0),
    ("--quirk", "no-address", *OUTSIDE): ("mapped", 0),
    ("--quirk", "small-table", *OUTSIDE): ("mapped", 0),
    ("--quirk", "random-source-port,odd-spacing", "--no-pcp", *OUTSIDE): ("mapped", 0),
    ("--quirk", "all-only,no-read-back", "--no-pcp", "--no-natpmp", *OUTSIDE): ("mapped", 0),
    ("--quirk", "short-refusal", *OUTSIDE): ("mapped", 0),
    ("--silent-pcp", *OUTSIDE): ("mapped", 0),
}


@test
def doctor_has_a_verdict_on_each_fault(program):
    for options, (name, code) in FAULTS.items():
        with Gateway(program, *options) as gateway:
            got, report = verdict(program, gateway, code)
            equal(got, name, f"the verdict of {options} ({report['reason']})")
            equal(bool(report["reason"] and report["advice"]), True, "whether it says why")
            equal(report["good"], code == 0, "whether it is good")


@test
def doctor_keeps_raw_codes(program):
    with Gateway(program, "--no-pcp", "--no-natpmp", "--quirk", "add-606", *OUTSIDE) as gateway:
        name, report = verdict(program, gateway, 4)
        equal(name, "refused")
        trial = report["protocols"][2]["trial"]
        equal((trial["opened"], trial["error"], trial["code"], trial["text"]),
              (False, "not_authorized", 606, "ActionNotAuthorized (606)"))
        refused = [one for one in report["attempts"] if one["outcome"] == "refused"]
        equal([(one["what"].split()[0], one["code"]) for one in refused][0],
              ("AddPortMapping", 606))
    with Gateway(program, "--no-upnp", "--no-natpmp", "--quirk", "pcp-no-resources") as gateway:
        _, report = verdict(program, gateway, 4)
        equal([one["code"] for one in report["attempts"] if one["outcome"] == "refused"][0], 8)


@test
def doctor_of_nothing_is_exit_3(program):
    inside, _ = free_network()
    arguments = ("doctor", "-g", inside, "-b", CLIENT, "-p", "pcp,natpmp")
    report = report_of(run(program, *arguments, "--json"), 3)
    equal(report["verdict"], "no_protocol")
    equal([one["outcome"] for one in report["attempts"]], ["closed", "closed"])
    text = run(program, *arguments).expect(3).out
    equal(text.splitlines()[0], "The router is there, but opens ports for nobody")


@test
def doctor_notes_a_port_that_is_never_given_back(program):
    with Gateway(program, "--quirk", "permanent-only", *OUTSIDE) as gateway:
        _, report = verdict(program, gateway, 0)
        note = "UPnP opens ports without end: what is left behind stays until it is removed."
        equal(note in report["notes"], True, f"whether it is in {report['notes']}")


# ---- Arguments, terminals, signals ---------------------------------------------------------------

@test
def doctor_looks_at_one_port(program):
    with Gateway(program, *OUTSIDE) as gateway:
        for argument, number in (("8080", 8080), ("51820/udp", 51820), ("6881/both", 6881)):
            report = report_of(doctor(program, gateway, "--json", argument), 0)
            equal(report["firewall"]["port"], number)
            # It is not opened: another process may hold it.
            tried = [one["trial"]["internal_port"] for one in report["protocols"]]
            equal(number in tried, False, "whether it was tried")


@test
def doctor_shows_progress_on_a_terminal_alone(program):
    inside, _ = free_network()
    arguments = [program, "doctor", "-g", inside, "-b", CLIENT, "-p", "pcp"]
    mother, daughter = os.openpty()
    with Held(program, *arguments[1:], stderr=daughter) as held:
        os.close(daughter)
        seen = b""
        held.process.wait()
        while True:
            try:
                part = os.read(mother, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        os.close(mother)
    equal(b"asking the router: PCP MAP udp 9" in seen, True, f"whether it is in {seen}")
    equal(seen.endswith(b"\r\x1b[K"), True, f"whether it is wiped away at the end of {seen}")
    equal(run(program, *arguments[1:]).err, "", "standard error")


@test
def doctor_ends_early_when_interrupted(program):
    with Halfway() as gateway:  # it never opens the port that is tried
        with Held(program, "doctor", *gateway.ask, "-p", "natpmp", "-vv") as held:
            wait_until(lambda: "tcp" in held.err or held.process.poll() is not None, "the trial")
            held.end(1)
        equal(held.out, "", "standard output")
        equal(held.err.endswith("porthole doctor: interrupted\n"), True, held.err)

# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is said about wrong arguments: one line that names the argument, exit code 2, and nothing
has been sent by then. And the help texts."""

from harness import equal, run, subcommands, test

LONG = "9" * 200
PORT = "a port is a number from 1 to 65535"
AFTER_SLASH = "what follows the / must be tcp, udp or both"
LIFETIME = "is not a number of seconds from 20 to 4294967295"
TIMEOUT = "is not a number of seconds from 1 to 86400"
METHODS = "is not a list of pcp, natpmp and upnp"
HOST = "is not the address of a host"
ADDRESS = "is not an IPv4 or IPv6 address"
DESCRIPTION = "is not 1 to 63 characters of printable ASCII"

WRONG = {
    ("nonsense",): "porthole: 'nonsense' is not a command; see porthole --help",
    ("",): "porthole: '' is not a command; see porthole --help",
    ("help", "nonsense"): "porthole: 'nonsense' is not a command; see porthole --help",
    ("\x1b[31mred",): "porthole: '?[31mred' is not a command; see porthole --help",
    ("map",): "porthole map: no PORT is given; see porthole map --help",
    ("map", ""): f"porthole map: '': {PORT}",
    ("map", "0"): f"porthole map: '0': {PORT}",
    ("map", "65536"): f"porthole map: '65536': {PORT}",
    ("map", "80/sctp"): f"porthole map: '80/sctp': {AFTER_SLASH}",
    ("map", "80/"): f"porthole map: '80/': {AFTER_SLASH}",
    ("map", "80/tcp/udp"): f"porthole map: '80/tcp/udp': {AFTER_SLASH}",
    ("map", "/tcp"): f"porthole map: '/tcp': {PORT}",
    ("map", "0/both"): f"porthole map: '0/both': {PORT}",
    ("map", "-1"): "porthole map: '-1' is not an option here",
    ("map", "--", "-1"): f"porthole map: '-1': {PORT}",
    ("map", "+80"): f"porthole map: '+80': {PORT}",
    ("map", " 80"): f"porthole map: ' 80': {PORT}",
    ("map", "80 "): f"porthole map: '80 ': {PORT}",
    ("map", "0x50"): f"porthole map: '0x50': {PORT}",
    ("map", "8080,8081"): f"porthole map: '8080,8081': {PORT}",
    ("map", LONG): f"porthole map: '{LONG[:42]}...': {PORT}",
    ("map", "80\n81"): f"porthole map: '80?81': {PORT}",
    ("map", "80", "80"): "porthole map: '80': tcp port 80 is asked for twice",
    ("map", "80/udp", "80/both"): "porthole map: '80/both': udp port 80 is asked for twice",
    ("map", "-e", "9000", "80", "81"):
        "porthole map: --external 9000 and a second PORT, '81', contradict",
    ("map", "-e", "0", "80"): "porthole map: --external '0' is not a port from 1 to 65535",
    ("map", "--external=65536", "80"):
        "porthole map: --external '65536' is not a port from 1 to 65535",
    ("map", "-e", "80/tcp", "80"):
        "porthole map: --external '80/tcp' is not a port from 1 to 65535",
    ("map", "80", "-e"): "porthole map: '-e' needs a value",
    ("map", "80", "--timeout"): "porthole map: '--timeout' needs a value",
    ("map", "-t", "19", "80"): f"porthole map: --lifetime '19' {LIFETIME}",
    ("map", "-t", "60s", "80"): f"porthole map: --lifetime '60s' {LIFETIME}",
    ("map", "-t", "4294967296", "80"): f"porthole map: --lifetime '4294967296' {LIFETIME}",
    ("map", "--lifetime", "-60", "80"): f"porthole map: --lifetime '-60' {LIFETIME}",
    ("map", "--timeout", "0", "80"): f"porthole map: --timeout '0' {TIMEOUT}",
    ("map", "--timeout", "1.5", "80"): f"porthole map: --timeout '1.5' {TIMEOUT}",
    ("map", "--timeout", "86401", "80"): f"porthole map: --timeout '86401' {TIMEOUT}",
    ("map", "-p", "pcp,igd", "80"): f"porthole map: --protocol 'pcp,igd' {METHODS}",
    ("map", "-p", "pcp,", "80"): f"porthole map: --protocol 'pcp,' {METHODS}",
    ("map", "-p", "", "80"): f"porthole map: --protocol '' {METHODS}",
    ("map", "-p", "tcp", "80"): f"porthole map: --protocol 'tcp' {METHODS}",
    ("map", "-g", "router.lan", "80"): f"porthole map: --gateway 'router.lan' {ADDRESS}",
    ("map", "-g", "192.168.1", "80"): f"porthole map: --gateway '192.168.1' {ADDRESS}",
    ("map", "-g", "192.168.1.256", "80"): f"porthole map: --gateway '192.168.1.256' {ADDRESS}",
    ("map", "-g", "192.168.1.1:5351", "80"):
        f"porthole map: --gateway '192.168.1.1:5351' {ADDRESS}",
    ("map", "-g", "", "80"): f"porthole map: --gateway '' {ADDRESS}",
    ("map", "-g", "0.0.0.0", "80"): f"porthole map: --gateway '0.0.0.0' {HOST}",
    ("map", "-g", "239.255.255.250", "80"): f"porthole map: --gateway '239.255.255.250' {HOST}",
    ("map", "-b", "eth0", "80"): f"porthole map: --bind 'eth0' {ADDRESS}",
    ("map", "-b", "::", "80"): f"porthole map: --bind '::' {HOST}",
    ("map", "-g", "127.0.0.1", "-b", "::1", "80"):
        "porthole map: --bind '::1' and --gateway '127.0.0.1': one is IPv4, the other IPv6",
    ("map", "-d", "", "80"): f"porthole map: --description '' {DESCRIPTION}",
    ("map", "-d", "a\tb", "80"): f"porthole map: --description 'a?b' {DESCRIPTION}",
    ("map", "-d", "d" * 64, "80"): f"porthole map: --description '{'d' * 42}...' {DESCRIPTION}",
    ("map", "--bogus", "80"): "porthole map: '--bogus' is not an option here",
    ("map", "-vx", "80"): "porthole map: '-x' is not an option here",
    ("map", "--json=yes", "80"): "porthole map: '--json=yes' takes no value",
    ("map", "--local", "80"): "porthole map: '--local' is not an option here",
    ("map", "--refresh", "3", "80"):
        "porthole map: --refresh '3' is not a number of seconds from 4 to 4294967295",
    ("map", "80", "--once", "--refresh", "60"):
        "porthole map: --once and --refresh contradict: nothing is renewed",
    ("map", "80", "--state="): "porthole map: --state '' is empty",
    ("map", "80", "--state"): "porthole map: '--state' needs a value",
    ("map", "80", "--exec"): "porthole map: '--exec' needs a value",
    ("map", "80", "--exec", ""): "porthole map: --exec '' is empty",
    ("map", "80", "--file="): "porthole map: --file '' is empty",
    ("map", "80", "--exec-limit", "5"):
        "porthole map: --exec-limit is of --exec, which is not given",
    ("map", "80", "--exec", "true", "--exec-limit", "0"):
        "porthole map: --exec-limit '0' is not a number of seconds from 1 to 3600",
    ("map", "80", "--exec", "true", "--exec-limit=3601"):
        "porthole map: --exec-limit '3601' is not a number of seconds from 1 to 3600",
    ("map", "80", "--keep-going"): "porthole map: '--keep-going' is not an option here",
    ("run",): "porthole run: no PORT is given; see porthole run --help",
    ("run", "--", "true"): "porthole run: no PORT is given; see porthole run --help",
    ("run", "80"): "porthole run: no -- and CMD follow the ports; see porthole run --help",
    ("run", "80", "--"): "porthole run: no -- and CMD follow the ports; see porthole run --help",
    ("run", "80", "true"): "porthole run: no -- and CMD follow the ports; see porthole run --help",
    ("run", "80", "true", "--", "true"): f"porthole run: 'true': {PORT}",
    ("run", "0", "--", "true"): f"porthole run: '0': {PORT}",
    ("run", "80/sctp", "--", "true"): f"porthole run: '80/sctp': {AFTER_SLASH}",
    ("run", "80", "80/both", "--", "true"): "porthole run: '80/both': tcp port 80 is asked for twice",
    ("run", "-e", "9000", "80", "81", "--", "true"):
        "porthole run: --external 9000 and a second PORT, '81', contradict",
    ("run", "--json", "80", "--", "true"):
        "porthole run: '--json' is not an option here: standard output is CMD's",
    ("run", "--once", "80", "--", "true"): "porthole run: '--once' is not an option here",
    ("run", "80", "-e", "--", "true"): "porthole run: '-e' needs a value",
    ("run", "80", "-t", "1", "--", "true"): f"porthole run: --lifetime '1' {LIFETIME}",
    ("unmap",): "porthole unmap: no PORT is given; see porthole unmap --help",
    ("unmap", "0"): f"porthole unmap: '0': {PORT}",
    ("unmap", "80", "65536"): f"porthole unmap: '65536': {PORT}",
    ("unmap", "80/sctp"): f"porthole unmap: '80/sctp': {AFTER_SLASH}",
    ("unmap", "--all", "80"): "porthole unmap: --all and a PORT, '80', contradict",
    ("unmap", "--stale", "80"): "porthole unmap: --stale and a PORT, '80', contradict",
    ("unmap", "--all", "--stale"): "porthole unmap: --all and --stale contradict",
    ("unmap", "--stale", "--foreign"): "porthole unmap: --stale and --foreign contradict",
    ("unmap", "--all", "-e", "80"): "porthole unmap: --all and --external contradict",
    ("unmap", "-e", "80", "80", "81"):
        "porthole unmap: --external and a second PORT, '81', contradict",
    ("unmap", "-e", "0", "80"): "porthole unmap: --external '0' is not a port from 1 to 65535",
    ("unmap", "--key", "12", "80"): "porthole unmap: --key '12' is not 24 hexadecimal digits",
    ("unmap", "--key", "0123456789abcdef0123456g", "80"):
        "porthole unmap: --key '0123456789abcdef0123456g' is not 24 hexadecimal digits",
    ("unmap", "-t", "60", "80"): "porthole unmap: '-t' is not an option here",
    ("list", "8080"): "porthole list: '8080': no arguments are taken",
    ("list", ""): "porthole list: '': no arguments are taken",
    ("list", "--foreign"): "porthole list: '--foreign' is not an option here",
    ("list", "--ours=1"): "porthole list: '--ours=1' takes no value",
    ("list", "--state"): "porthole list: '--state' needs a value",
    ("list", "-p", "igd"): f"porthole list: --protocol 'igd' {METHODS}",
    ("list", "--timeout", "0"): f"porthole list: --timeout '0' {TIMEOUT}",
    ("list", "-g", "0.0.0.0"): f"porthole list: --gateway '0.0.0.0' {HOST}",
    ("list", "-g", "1.2.3.4", "-b", "::1"):
        "porthole list: --bind '::1' and --gateway '1.2.3.4': one is IPv4, the other IPv6",
    ("probe", "8080"): "porthole probe: '8080': no arguments are taken",
    ("probe", "-e", "80"): "porthole probe: '-e' is not an option here",
    ("probe", "--timeout", "x"): f"porthole probe: --timeout 'x' {TIMEOUT}",
    ("doctor", "0"): f"porthole doctor: '0': {PORT}",
    ("doctor", "65536"): f"porthole doctor: '65536': {PORT}",
    ("doctor", "-1"): "porthole doctor: '-1' is not an option here",
    ("doctor", ""): f"porthole doctor: '': {PORT}",
    ("doctor", LONG): f"porthole doctor: '{LONG[:42]}...': {PORT}",
    ("doctor", "80/sctp"): f"porthole doctor: '80/sctp': {AFTER_SLASH}",
    ("doctor", "80", "81"): "porthole doctor: '81': one port can be asked about at a time",
    ("doctor", "-e", "80"): "porthole doctor: '-e' is not an option here",
    ("doctor", "--redact=yes"): "porthole doctor: '--redact=yes' takes no value",
    ("doctor", "--timeout", "0"): f"porthole doctor: --timeout '0' {TIMEOUT}",
    ("doctor", "-p", "none"): f"porthole doctor: --protocol 'none' {METHODS}",
    ("doctor", "-g", "router"): f"porthole doctor: --gateway 'router' {ADDRESS}",
    ("doctor", "-g", "127.0.0.1", "-b", "::1"):
        "porthole doctor: --bind '::1' and --gateway '127.0.0.1': one is IPv4, the other IPv6",
    ("address", "1.2.3.4"): "porthole address: '1.2.3.4': no arguments are taken",
    ("address", "--local", "--router"): "porthole address: --local and --router contradict",
    ("address", "-g", "1"): f"porthole address: --gateway '1' {ADDRESS}",
    ("gateway", "x"): "porthole gateway: 'x': no arguments are taken",
    ("gateway", "--loss", "101"):
        "porthole gateway: --loss '101' is not a percentage from 0 to 100",
    ("gateway", "--announce", "x"): f"porthole gateway: --announce 'x' {HOST}",
    ("gateway", "--announce", "224.0.0.1"):
        "porthole gateway: --address and --announce: one is on loopback, the other is not",
    ("gateway", "--quirk", "add-501,no-such,ppp-only"):
        "porthole gateway: --quirk 'no-such': there is no such quirk; `list` names them",
    ("gateway", "--quirk", ""):
        "porthole gateway: --quirk '': there is no such quirk; `list` names them",
    ("gateway", "--no-pcp", "--silent-pcp"):
        "porthole gateway: --no-pcp and --silent-pcp contradict",
    ("gateway", "--http-port", "5000", "--no-upnp"):
        "porthole gateway: --no-upnp and --http-port contradict",
    ("gateway", "--external", "::1"):
        "porthole gateway: --address and --external: one is IPv4, the other IPv6",
    ("gateway", "--address", "x"): f"porthole gateway: --address 'x' {HOST}",
    ("demo", "x"): "porthole demo: 'x': no arguments are taken",
    ("demo", "-g", "127.0.0.1"): "porthole demo: '-g' is not an option here",
}

ROWS_MAX, COLUMNS_MAX = 24, 80


@test
def wrong_arguments_are_named_in_one_line(program):
    for arguments, line in WRONG.items():
        result = run(program, *arguments)
        equal((result.code, result.out, result.err), (2, "", line + "\n"), repr(arguments))


@test
def no_command_is_a_wrong_command(program):
    result = run(program).expect(2)
    equal(result.out, "", "standard output")
    equal(result.err, run(program, "--help").expect(0).out, "standard error")


@test
def version_is_one_line(program):
    words = run(program, "--version").expect(0).out.split(" ")
    equal((len(words), words[0], words[1].count(".")), (2, "porthole", 2), "the version")


@test
def help_fits_a_screen(program):
    problems = []
    for command in ((), *((name,) for name in subcommands(program))):
        result = run(program, *command, "--help").expect(0)
        lines = result.out.splitlines()
        equal(result.err, "", "standard error")
        name = " ".join(["porthole", *command])
        if len(lines) > ROWS_MAX:
            problems.append(f"{name}: {len(lines)} lines")
        problems += [f"{name}: {len(line)} columns: {line}" for line in lines
                     if len(line) > COLUMNS_MAX]
        if not any(line.startswith("usage: porthole") for line in lines):
            problems.append(f"{name}: no usage")
        if "exit codes: " not in result.out:
            problems.append(f"{name}: no exit codes")
        if f"\n  {name}" not in result.out:
            problems.append(f"{name}: no example")
    assert not problems, "\n".join(problems)


@test
def quirks_are_listed_one_a_line_with_their_source(program):
    lines = run(program, "gateway", "--quirk", "list").expect(0).out.splitlines()
    names = [line.split("  ")[0] for line in lines]
    equal(len(set(names)), len(lines), "names")
    for name in ("permanent-only", "same-port-forced", "add-733"):
        assert name in names, f"{name} is not in the list"
    assert all(line.endswith("]") and len(line) <= 130 for line in lines), "a line is too long"


@test
def help_is_found_in_every_way(program):
    for command in subcommands(program):
        text = run(program, command, "--help").expect(0).out
        equal(run(program, command, "-h").expect(0).out, text, f"{command} -h")
        equal(run(program, "help", command).expect(0).out, text, f"help {command}")
        assert f"  {command} " in run(program, "--help").out, f"{command} is not in --help"
    equal(run(program, "help").expect(0).out, run(program, "--help").out, "help")
    equal(run(program, "-h").expect(0).out, run(program, "--help").out, "-h")


@test
def help_wins_over_what_follows(program):
    run(program, "map", "-h", "0/sctp").expect(0)

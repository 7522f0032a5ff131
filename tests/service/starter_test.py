#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What starts `porthole serve`: the systemd unit says what the command relies on, systemd itself
takes it and finds it well shut in, where it is installed; the OpenRC script is a script; the example
of a configuration is good."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

EXPOSURE_MAX = 2.0  # of systemd-analyze security: 10 is a service that may do all


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, text=True, **{"check": True, **options})


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# ---- systemd -------------------------------------------------------------------------------------


def settings(text):
    """The unit's lines by their names, each a list: a name may come more than once."""
    found = {}
    for line in text.splitlines():
        if line and line[0] not in "#;[":
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
            assert "#" not in value, f"{line}: systemd has no comments behind a value"
    return found


def seconds(found, name):
    return int(found[name][0])


def check_structure(found):
    assert found["Type"] == ["notify"] and found["ExecStart"] == ["/usr/bin/porthole serve %i"]
    assert found["ExecReload"] == ["/usr/bin/porthole check-config %i", "/bin/kill -HUP $MAINPID"]
    assert found["Restart"] == ["on-failure"] and found["RestartPreventExitStatus"] == ["2"]
    assert "network-online.target" in found["After"][0].split()
    # cli/cmd_serve.c: 3 s for the gateway, 20 s for hooks, 2 s from SIGTERM to SIGKILL for the last.
    assert seconds(found, "TimeoutStopSec") > 3 + 20 + 2 and seconds(found, "WatchdogSec") >= 10
    assert found["KillMode"] == ["mixed"], "hooks would be ended before they are told the end"
    families = found["RestrictAddressFamilies"][0].split()
    for family in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"):
        assert family in families, f"{family} is needed"
    assert found["Environment"] == ["PORTHOLE_STATE=%S/porthole/%i/leases.json"]
    assert found["StateDirectory"] == ["porthole/%i"]
    for name, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                        ("MemoryDenyWriteExecute", "yes"), ("DynamicUser", "yes"),
                        ("CapabilityBoundingSet", "")):
        assert found[name] == [value], name
    assert found["SystemCallFilter"][0] == "@system-service", "hooks are programs of any kind"


def systemd(program, packaging):
    text = read(os.path.join(packaging, "systemd/porthole@.service"))
    check_structure(settings(text))
    if not shutil.which("systemd-analyze"):
        print("there is no systemd-analyze here: only the unit's text was checked")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "porthole@.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/bin/porthole", program))
        said = run("systemd-analyze", "verify", "--man=no", path, capture_output=True, check=False)
        about = [line for line in said.stderr.splitlines() if "porthole" in line]
        assert not about, about
        said = run("systemd-analyze", "security", "--offline=yes",
                   f"--threshold={int(10 * EXPOSURE_MAX)}", path, capture_output=True)
        print(said.stdout.splitlines()[-1])


# ---- The others ----------------------------------------------------------------------------------


def openrc(_program, packaging):
    script = os.path.join(packaging, "openrc/porthole")
    assert read(script).startswith("#!/sbin/openrc-run\n")
    run("sh", "-n", script)
    run("sh", "-n", os.path.join(packaging, "openrc/porthole.confd"))
    if shutil.which("shellcheck"):
        run("shellcheck", script)
    # As openrc-run reads it: what it sets for a further name, and that a reload begins with a check.
    with tempfile.TemporaryDirectory() as folder:
        for name in ("supervise-daemon", "command"):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(f'#!/bin/sh\necho {name} "$@"\n')
            os.chmod(os.path.join(folder, name), 0o755)
        told = run("sh", "-c", """
            checkpath() { :; }; ebegin() { echo "$@"; }; eend() { return "$1"; }
            RC_SVCNAME=porthole.home; . "$1"; command=$2
            checkconfig; echo "$command_args"; start_pre && reload""", "sh", script, os.path.join(folder, "command"),
                   capture_output=True,
                   env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}).stdout
    config = "/etc/porthole/home.conf"
    assert told == (f"command check-config {config}\nserve --config {config} \nReloading porthole.home\nsupervise-daemon "
                    "porthole.home --signal HUP --pidfile /run/porthole.home.pid\n"), told


def example(program, packaging):
    """Also with all that is commented out: keys, values and sections that are suggestions."""
    text = read(os.path.join(packaging, "porthole.conf"))
    lines = [line[1:] if line[:1] == "#" and line[1:2] not in (" ", "") else line
             for line in text.splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        for number, variant in enumerate((text, "\n".join(lines))):
            path = os.path.join(folder, f"{number}.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(variant)
            run(program, "check-config", path)
    assert lines != text.splitlines(), "nothing is commented out"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("systemd", "openrc", "example"))
    parser.add_argument("program")
    parser.add_argument("packaging")
    arguments = parser.parse_args()
    globals()[arguments.what](os.path.abspath(arguments.program), arguments.packaging)


if __name__ == "__main__":
    sys.exit(main())

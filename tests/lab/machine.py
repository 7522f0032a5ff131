# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether this machine can run a lab: root, the commands, and a kernel with network namespaces.

What cannot run is skipped with exit code 77, as ctest and automake know it; where CI=true says that
everything has to run, it is a failure.
"""

import os
import shutil
import sys

import netns

SKIP = 77
KEPT_VARIABLES = ("CI", "PORTHOLE", "PORTHOLE_LAB_BIN", "CC")


def exit_code_of_skip():
    return 1 if os.environ.get("CI") == "true" else SKIP


def cannot_run(why):
    """Says so in the form of a result, and ends the program."""
    print(f"the lab cannot run: {why}")
    code = exit_code_of_skip()
    print("0 passed, 0 failed, 1 skipped" if code == SKIP else "0 passed, 1 failed")
    sys.exit(code)


def become_root(script):
    """Runs the same command line again under sudo when not root."""
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if not sudo:
        cannot_run("it needs root or sudo")
    kept = [f"{name}={os.environ[name]}" for name in KEPT_VARIABLES if name in os.environ]
    silent = [] if sys.stdin.isatty() else ["-n"]  # nobody there to type a password
    if silent and os.system(f"{sudo} -n true 2>/dev/null") != 0:
        cannot_run("it needs root, and sudo asks for a password")
    sys.stdout.flush()
    command = [sys.executable, os.path.abspath(script), *sys.argv[1:]]
    os.execv(sudo, [sudo, *silent, "env", *kept, *command])


def check():
    missing = [name for name in netns.NEEDED_COMMANDS if netns.find_command(name) is None]
    if missing:
        cannot_run(f"not installed: {', '.join(missing)} "
                   "(Debian: iproute2 nftables miniupnpd-nftables)")
    try:
        netns.remove(netns.create(("trial",)).values())
    except (netns.LabError, OSError) as error:
        cannot_run(f"no network namespaces here: {error}")

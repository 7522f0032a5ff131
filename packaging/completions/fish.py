# SPDX-License-Identifier: MIT OR Apache-2.0
"""The completion for fish."""

TEMPLATE = r"""
# Whether this subcommand is being written, and not yet the command that it is to run.
function __porthole_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]; and not contains -- -- $words
end

# Whether no subcommand has been written.
function __porthole_begins
    test (count (commandline -opc)) -eq 1
end

# Whether this subcommand's "--" is the word before, or with a second argument somewhere before.
function __porthole_runs
    set -l words (commandline -opc)
    set -l dashes (contains -i -- -- $words); or return 1
    test "$words[2]" = $argv[1]; or return 1
    if set -q argv[2]
        test (count $words) -gt $dashes
    else
        test (count $words) -eq $dashes
    end
end

# A list with commas: what it has already is kept in front.
function __porthole_list
    set -l before (commandline -ct | string replace -r '^--[a-z-]+=' '' | string match -r '^.*,')
    printf '%s\n' "$before"$argv
end

function __porthole_protocols
    __porthole_list pcp natpmp upnp
end

function __porthole_quirks
    set -l words (commandline -opc)
    __porthole_list list ($words[1] gateway --quirk list 2>/dev/null | string replace -r ' .*' '')
end

function __porthole_local
    ip -o address show 2>/dev/null | string replace -rf '^.* inet6? ([^/ ]+).*$' '$1'
end

function __porthole_router
    ip route show default 2>/dev/null | string replace -rf '^default via (\S+).*$' '$1'
end

function __porthole_interface
    command ls /sys/class/net 2>/dev/null
end

# A configuration of `porthole serve`.
function __porthole_name
    for file in /etc/porthole/*.conf
        string replace -r '.*/(.*)\.conf' '$1' $file
    end
end

function __porthole_command
    complete -C (commandline -ct)
end

function __porthole_port
    set -l number (commandline -ct | string match -r '^[0-9]+(?=/)'); or return
    printf '%s\n' $number/tcp $number/udp $number/both
end

complete -c porthole -f
complete -c porthole -n __porthole_begins -s h -l help -d 'list the commands'
complete -c porthole -n __porthole_begins -l version -d 'print the version'
"""

KINDS = {"file": "-r -F", "folder": "-x -a '(__fish_complete_directories)'"}


def quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def option_line(command, option):
    words = [f"complete -c porthole -n '__porthole_is {command.name}'"]
    if option.letter:
        words.append(f"-s {option.letter[1:]}")
    words.append(f"-l {option.name[2:]}")
    if option.value:
        words.append(KINDS.get(option.kind) or
                     ("-x" + (f" -a '(__porthole_{option.kind})'" if option.kind else "")))
    return " ".join([*words, "-d", quote(option.summary())])


def make(head, commands):
    lines = []
    for name, summary in [*((c.name, c.summary) for c in commands),
                          ("help", "list the options of a command")]:
        lines.append(f"complete -c porthole -n __porthole_begins -a {name} -d {quote(summary)}")
    names = " ".join(command.name for command in commands)
    lines.append(f"complete -c porthole -n '__porthole_is help' -a {quote(names)}")
    for command in commands:
        lines.append("")
        about = f"complete -c porthole -n '__porthole_is {command.name}'"
        for kind in command.kinds:
            lines.append(about + (" -F" if kind == "file" else f" -a '(__porthole_{kind})'"))
        if command.runs_command:
            runs = f"complete -c porthole -n '__porthole_runs {command.name}"
            lines.append(f"{runs}' -a '(__porthole_command)'")
            lines.append(f"{runs} on' -F")
        lines += [option_line(command, option) for option in command.options]
    return head + TEMPLATE + "\n".join(lines) + "\n"

# SPDX-License-Identifier: MIT OR Apache-2.0
"""The completion for zsh, by its _arguments."""

TEMPLATE = r"""
_porthole_protocols() {
    _values -s , protocol pcp natpmp upnp
}

_porthole_quirks() {
    local -a quirks=(${(f)"$(_call_program quirks $porthole gateway --quirk list 2>/dev/null)"})
    _values -s , quirk list ${quirks%% *}
}

_porthole_local() {
    local -a addresses=(${(f)"$(_call_program addresses ip -o address show 2>/dev/null)"})
    addresses=(${${${addresses##*inet(6|) }%% *}%/*})
    _wanted addresses expl 'local address' compadd -a addresses
}

_porthole_router() {
    local -a addresses=(${(f)"$(_call_program routes ip route show default 2>/dev/null)"})
    addresses=(${${addresses#* via }%% *})
    _wanted addresses expl 'gateway' compadd -a addresses
}

_porthole_interface() {
    _net_interfaces
}

_porthole_file() {
    _files
}

_porthole_folder() {
    _files -/
}

# A configuration of `porthole serve`.
_porthole_name() {
    _wanted names expl 'configuration' compadd -- /etc/porthole/*.conf(N:t:r)
}

_porthole_command() {
    _command_names -e
}

_porthole_port() {
    if compset -P '<->/'; then
        _wanted protocols expl protocol compadd tcp udp both
    else
        _message 'port, port/tcp, port/udp or port/both'
    fi
}

_porthole_commands() {
    local -a commands=(
@COMMANDS@
        'help:list the options of a command')
    _describe -t commands command commands
}

_porthole() {
    local porthole=$words[1] expl
    local -i dashes=${words[(i)--]}
    if (( CURRENT == 2 )); then
        if [[ $words[2] == -* ]]; then
            _arguments '(- *)'{-h,--help}'[list the commands]' '(- *)--version[print the version]'
        else
            _porthole_commands
        fi
        return
    fi
    if [[ $words[2] == (@RUNNERS@) ]] && (( dashes < CURRENT )); then
        shift dashes words
        (( CURRENT -= dashes ))
        _normal
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
@CASES@
    help)
        _porthole_commands
        ;;
    esac
}

_porthole "$@"
"""


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def description(option):
    text = option.summary()
    for sign in "\\[]:":
        text = text.replace(sign, "\\" + sign)
    return f"[{text}]"


def specs(option):
    """What _arguments is told of an option."""
    value = f":{option.value.lower()}:" if option.value else ""
    if value:
        value += f"_porthole_{option.kind}" if option.kind else " "
    names = option.names()
    marks = [name + (("+" if len(name) == 2 else "=") if value else "") for name in names]
    if option.name == "--verbose":
        excluded = "*"  # it counts
    elif option.name == "--help":
        excluded = "(- *)"
    else:
        excluded = "(" + " ".join(names) + ")" if len(names) > 1 else ""
    return [quote(excluded + mark + description(option) + value) for mark in marks]


def case(command):
    lines = [f"    {command.name})", "        _arguments -s -S \\"]
    rows = [spec for option in command.options for spec in specs(option)]
    if command.kinds:
        several = "*" if "port" in command.kinds else ""
        actions = "; ".join(f"_porthole_{kind}" for kind in command.kinds)
        rows.append(f"'{several}:{' or '.join(command.kinds)}:{{{actions}}}'")
    lines += [f"            {row} \\" for row in rows[:-1]]
    return "\n".join([*lines, f"            {rows[-1]}", "        ;;"])


def make(head, commands):
    names = "\n".join("        " + quote(f"{c.name}:{c.summary}") for c in commands)
    runners = "|".join(command.name for command in commands if command.runs_command)
    text = TEMPLATE.replace("@COMMANDS@", names).replace("@RUNNERS@", runners)
    return "#compdef porthole\n" + head + text.replace("@CASES@", "\n".join(map(case, commands)))

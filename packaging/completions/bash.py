# SPDX-License-Identifier: MIT OR Apache-2.0
"""The completion for bash: plain bash, without the functions of the package bash-completion."""

TEMPLATE = r"""# shellcheck shell=bash disable=SC2207 # no word that is offered has a blank in it

_porthole_words() {
    COMPREPLY+=($(compgen -W "$1" -- "$2"))
}

# A list with commas: what it has already is kept in front.
_porthole_list() {
    local before=
    if [[ $2 == *,* ]]; then
        before=${2%,*},
    fi
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${2##*,}"))
    compopt -o nospace
}

_porthole_protocols() {
    _porthole_list "pcp natpmp upnp" "$1"
}

_porthole_quirks() {
    _porthole_list "list $("${COMP_WORDS[0]}" gateway --quirk list 2>/dev/null |
        while read -r name _; do echo "$name"; done)" "$1"
}

_porthole_local() {
    _porthole_words "$(ip -o address show 2>/dev/null |
        while read -r _ _ _ address _; do echo "${address%/*}"; done)" "$1"
}

_porthole_router() {
    _porthole_words "$(ip route show default 2>/dev/null |
        while read -r _ _ address _; do echo "$address"; done)" "$1"
}

_porthole_interface() {
    _porthole_words "$(cd /sys/class/net 2>/dev/null && echo *)" "$1"
}

_porthole_file() {
    compopt -o filenames
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$1")
}

_porthole_folder() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$1")
}

# A configuration of `porthole serve`.
_porthole_name() {
    _porthole_words "$(cd /etc/porthole 2>/dev/null &&
        for name in *.conf; do echo "${name%.conf}"; done)" "$1"
}

_porthole_command() {
    COMPREPLY=($(compgen -c -- "$1"))
}

_porthole_port() {
    if [[ $1 =~ ^([0-9]+)/ ]]; then
        _porthole_words "${1%%/*}/tcp ${1%%/*}/udp ${1%%/*}/both" "$1"
    fi
}

# The options of a subcommand.
_porthole_options() {
    case $1 in
@OPTIONS@
    esac
}

# The kind of value that an option of a subcommand takes: `any` is what only the user knows.
_porthole_kind() {
    case "$1 $2" in
@KINDS@
    esac
}

# The kinds of argument that a subcommand takes.
_porthole_arguments() {
    case $1 in
@ARGUMENTS@
    esac
}

_porthole() {
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option kind at
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        if [[ $current == -* ]]; then
            _porthole_words "-h --help --version" "$current"
        else
            _porthole_words "@COMMANDS@ help" "$current"
        fi
        return
    fi
    for ((at = 2; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} == -- ]]; then
            if [[ @RUNNERS@ == *" $command "* ]]; then
                if ((at + 1 < COMP_CWORD)); then
                    _porthole_file "$current"
                else
                    _porthole_command "$current"
                fi
            fi
            return
        fi
    done
    # readline takes "--option=value" for three words.
    option=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $current == = ]]; then
        current=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    kind=$(_porthole_kind "$command" "$option")
    if [[ -n $kind ]]; then
        if [[ $kind != any ]]; then
            "_porthole_$kind" "$current"
        fi
    elif [[ $current == -* ]]; then
        _porthole_words "$(_porthole_options "$command")" "$current"
    elif [[ $command == help ]]; then
        _porthole_words "@COMMANDS@" "$current"
    else
        for kind in $(_porthole_arguments "$command"); do
            "_porthole_$kind" "$current"
        done
        if [[ -z $kind ]]; then
            _porthole_words "$(_porthole_options "$command")" "$current"
        fi
    fi
}

complete -F _porthole porthole
"""


def cases(rows):
    return "\n".join(f"    {pattern}) echo {value} ;;" for pattern, value in rows)


def options_of(command):
    return " ".join(name for option in command.options for name in option.names())


def make(head, commands):
    kinds = {}
    for command in commands:
        for option in command.options:
            if option.value:
                kinds.setdefault(option.kind or "any", []).extend(
                    f'"{command.name} {name}"' for name in option.names())
    arguments = [(command.name, " ".join(command.kinds)) for command in commands if command.kinds]
    parts = {
        "@COMMANDS@": " ".join(command.name for command in commands),
        "@RUNNERS@": '" ' + " ".join(c.name for c in commands if c.runs_command) + ' "',
        "@OPTIONS@": cases((c.name, f'"{options_of(c)}"') for c in commands),
        "@KINDS@": cases((" | \\\n        ".join(names), kind)
                         for kind, names in sorted(kinds.items())),
        "@ARGUMENTS@": cases(arguments),
    }
    text = TEMPLATE
    for name, part in parts.items():
        text = text.replace(name, part)
    return head + text

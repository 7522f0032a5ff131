# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Completion for bash. Made of the command's --help by packaging/completions/generate.py:
# change the template there and run `./dev completions`.
# shellcheck shell=bash disable=SC2207 # no word that is offered has a blank in it

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
    map) echo "-e --external --exact -t --lifetime --refresh --exec --exec-limit --file --once --timeout -d --description --state -g --gateway -b --bind -p --protocol --json -v --verbose -h --help" ;;
    run) echo "-e --external --exact -t --lifetime --refresh --exec --exec-limit --file --keep-going --timeout -d --description --state -g --gateway -b --bind -p --protocol -v --verbose -h --help" ;;
    serve) echo "-c --config --json -v --verbose -h --help" ;;
    check-config) echo "--json -h --help" ;;
    unmap) echo "--all --stale --foreign --key -e --external --state -g --gateway -b --bind -p --protocol --timeout --json -v --verbose -h --help" ;;
    list) echo "--ours --tcp --udp --state -g --gateway -b --bind -p --protocol --timeout --json -v --verbose -h --help" ;;
    probe) echo "-g --gateway -b --bind -p --protocol --timeout --json -v --verbose -h --help" ;;
    doctor) echo "-g --gateway -b --bind -p --protocol --no-map --html --redact --timeout --json -v --verbose -h --help" ;;
    address) echo "--local --router -g --gateway -b --bind -p --protocol --timeout --json -v --verbose -h --help" ;;
    gateway) echo "--address --external --report-address --announce --no-pcp --no-natpmp --no-upnp --silent-pcp --igd-version --http-port --lease-max --quirk --loss --seed --no-forward --json -v --verbose -h --help" ;;
    demo) echo "--json -v --verbose -h --help" ;;
    esac
}

# The kind of value that an option of a subcommand takes: `any` is what only the user knows.
_porthole_kind() {
    case "$1 $2" in
    "map -e" | \
        "map --external" | \
        "map -t" | \
        "map --lifetime" | \
        "map --refresh" | \
        "map --exec-limit" | \
        "map --timeout" | \
        "map -d" | \
        "map --description" | \
        "run -e" | \
        "run --external" | \
        "run -t" | \
        "run --lifetime" | \
        "run --refresh" | \
        "run --exec-limit" | \
        "run --timeout" | \
        "run -d" | \
        "run --description" | \
        "unmap --key" | \
        "unmap -e" | \
        "unmap --external" | \
        "unmap --timeout" | \
        "list --timeout" | \
        "probe --timeout" | \
        "doctor --timeout" | \
        "address --timeout" | \
        "gateway --address" | \
        "gateway --external" | \
        "gateway --report-address" | \
        "gateway --announce" | \
        "gateway --igd-version" | \
        "gateway --http-port" | \
        "gateway --lease-max" | \
        "gateway --loss" | \
        "gateway --seed") echo any ;;
    "map --exec" | \
        "run --exec") echo command ;;
    "map --file" | \
        "map --state" | \
        "run --file" | \
        "run --state" | \
        "serve -c" | \
        "serve --config" | \
        "unmap --state" | \
        "list --state" | \
        "doctor --html") echo file ;;
    "map -b" | \
        "map --bind" | \
        "run -b" | \
        "run --bind" | \
        "unmap -b" | \
        "unmap --bind" | \
        "list -b" | \
        "list --bind" | \
        "probe -b" | \
        "probe --bind" | \
        "doctor -b" | \
        "doctor --bind" | \
        "address -b" | \
        "address --bind") echo local ;;
    "map -p" | \
        "map --protocol" | \
        "run -p" | \
        "run --protocol" | \
        "unmap -p" | \
        "unmap --protocol" | \
        "list -p" | \
        "list --protocol" | \
        "probe -p" | \
        "probe --protocol" | \
        "doctor -p" | \
        "doctor --protocol" | \
        "address -p" | \
        "address --protocol") echo protocols ;;
    "gateway --quirk") echo quirks ;;
    "map -g" | \
        "map --gateway" | \
        "run -g" | \
        "run --gateway" | \
        "unmap -g" | \
        "unmap --gateway" | \
        "list -g" | \
        "list --gateway" | \
        "probe -g" | \
        "probe --gateway" | \
        "doctor -g" | \
        "doctor --gateway" | \
        "address -g" | \
        "address --gateway") echo router ;;
    esac
}

# The kinds of argument that a subcommand takes.
_porthole_arguments() {
    case $1 in
    map) echo port ;;
    run) echo port ;;
    serve) echo name ;;
    check-config) echo file name ;;
    unmap) echo port ;;
    doctor) echo port ;;
    esac
}

_porthole() {
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option kind at
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        if [[ $current == -* ]]; then
            _porthole_words "-h --help --version" "$current"
        else
            _porthole_words "map run serve check-config unmap list probe doctor address gateway demo help" "$current"
        fi
        return
    fi
    for ((at = 2; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} == -- ]]; then
            if [[ " run " == *" $command "* ]]; then
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
        _porthole_words "map run serve check-config unmap list probe doctor address gateway demo" "$current"
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

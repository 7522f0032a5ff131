# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Completion for fish. Made of the command's --help by packaging/completions/generate.py:
# change the template there and run `./dev completions`.

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
complete -c porthole -n __porthole_begins -a map -d 'open ports and hold them until interrupted'
complete -c porthole -n __porthole_begins -a run -d 'open ports for as long as a command runs'
complete -c porthole -n __porthole_begins -a serve -d 'hold the ports of a configuration file: a service'
complete -c porthole -n __porthole_begins -a check-config -d 'say what is wrong with a configuration file'
complete -c porthole -n __porthole_begins -a unmap -d 'remove what an earlier process left open'
complete -c porthole -n __porthole_begins -a list -d 'show what the router has open, and whose it is'
complete -c porthole -n __porthole_begins -a probe -d 'show what the gateway speaks'
complete -c porthole -n __porthole_begins -a doctor -d 'find out why nobody can reach this host'
complete -c porthole -n __porthole_begins -a address -d 'print the external address'
complete -c porthole -n __porthole_begins -a gateway -d 'be a gateway, to try and test against'
complete -c porthole -n __porthole_begins -a demo -d 'watch ports being opened and used, on this machine alone'
complete -c porthole -n __porthole_begins -a help -d 'list the options of a command'
complete -c porthole -n '__porthole_is help' -a 'map run serve check-config unmap list probe doctor address gateway demo'

complete -c porthole -n '__porthole_is map' -a '(__porthole_port)'
complete -c porthole -n '__porthole_is map' -s e -l external -x -d 'the port wished for outside'
complete -c porthole -n '__porthole_is map' -l exact -d 'fail rather than take another port outside'
complete -c porthole -n '__porthole_is map' -s t -l lifetime -x -d 'lease to ask for, from 20 s'
complete -c porthole -n '__porthole_is map' -l refresh -x -d 'renew this often, from 4 s'
complete -c porthole -n '__porthole_is map' -l exec -x -a '(__porthole_command)' -d 'run by sh at every change, told by PORTHOLE_* variables'
complete -c porthole -n '__porthole_is map' -l exec-limit -x -d 'how long it may take'
complete -c porthole -n '__porthole_is map' -l file -r -F -d 'keep addresses and ports in this file'
complete -c porthole -n '__porthole_is map' -l once -d 'open, print, leave it to its lease, end'
complete -c porthole -n '__porthole_is map' -l timeout -x -d 'how long to wait for a result'
complete -c porthole -n '__porthole_is map' -s d -l description -x -d 'what a UPnP gateway shows'
complete -c porthole -n '__porthole_is map' -l state -r -F -d 'where leases are noted for later'
complete -c porthole -n '__porthole_is map' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is map' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is map' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is map' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is map' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is map' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is run' -a '(__porthole_port)'
complete -c porthole -n '__porthole_runs run' -a '(__porthole_command)'
complete -c porthole -n '__porthole_runs run on' -F
complete -c porthole -n '__porthole_is run' -s e -l external -x -d 'the port wished for outside'
complete -c porthole -n '__porthole_is run' -l exact -d 'fail rather than take another port outside'
complete -c porthole -n '__porthole_is run' -s t -l lifetime -x -d 'lease to ask for, from 20 s'
complete -c porthole -n '__porthole_is run' -l refresh -x -d 'renew this often, from 4 s'
complete -c porthole -n '__porthole_is run' -l exec -x -a '(__porthole_command)' -d 'run by sh at every change, told by PORTHOLE_* variables'
complete -c porthole -n '__porthole_is run' -l exec-limit -x -d 'how long it may take'
complete -c porthole -n '__porthole_is run' -l file -r -F -d 'keep addresses and ports in this file'
complete -c porthole -n '__porthole_is run' -l keep-going -d 'start CMD even if a port cannot be opened'
complete -c porthole -n '__porthole_is run' -l timeout -x -d 'how long to wait for a result'
complete -c porthole -n '__porthole_is run' -s d -l description -x -d 'what a UPnP gateway shows'
complete -c porthole -n '__porthole_is run' -l state -r -F -d 'where leases are noted for later'
complete -c porthole -n '__porthole_is run' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is run' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is run' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is run' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is run' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is serve' -a '(__porthole_name)'
complete -c porthole -n '__porthole_is serve' -s c -l config -r -F -d 'this file'
complete -c porthole -n '__porthole_is serve' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is serve' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is serve' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is check-config' -F
complete -c porthole -n '__porthole_is check-config' -a '(__porthole_name)'
complete -c porthole -n '__porthole_is check-config' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is check-config' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is unmap' -a '(__porthole_port)'
complete -c porthole -n '__porthole_is unmap' -l all -d 'all that no running porthole holds'
complete -c porthole -n '__porthole_is unmap' -l stale -d 'only what a porthole held that has crashed'
complete -c porthole -n '__porthole_is unmap' -l foreign -d 'also what other programs of this host opened'
complete -c porthole -n '__porthole_is unmap' -l key -x -d 'the lease\'s key, when the state file lacks it'
complete -c porthole -n '__porthole_is unmap' -s e -l external -x -d 'the port outside, when the state file lacks it'
complete -c porthole -n '__porthole_is unmap' -l state -r -F -d 'where the leases were noted'
complete -c porthole -n '__porthole_is unmap' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is unmap' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is unmap' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is unmap' -l timeout -x -d 'how long to wait for an answer'
complete -c porthole -n '__porthole_is unmap' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is unmap' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is unmap' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is list' -l ours -d 'only what porthole of this user holds, or left'
complete -c porthole -n '__porthole_is list' -l tcp -d 'only these'
complete -c porthole -n '__porthole_is list' -l udp -d 'only these'
complete -c porthole -n '__porthole_is list' -l state -r -F -d 'where the leases were noted'
complete -c porthole -n '__porthole_is list' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is list' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is list' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is list' -l timeout -x -d 'how long to wait for the router'
complete -c porthole -n '__porthole_is list' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is list' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is list' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is probe' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is probe' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is probe' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is probe' -l timeout -x -d 'how long to wait for answers'
complete -c porthole -n '__porthole_is probe' -l json -d 'one JSON object'
complete -c porthole -n '__porthole_is probe' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is probe' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is doctor' -a '(__porthole_port)'
complete -c porthole -n '__porthole_is doctor' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is doctor' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is doctor' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is doctor' -l no-map -d 'open no port to try it'
complete -c porthole -n '__porthole_is doctor' -l html -r -F -d 'write the report as a page for a browser, too'
complete -c porthole -n '__porthole_is doctor' -l redact -d 'replace names and addresses, for posting the report'
complete -c porthole -n '__porthole_is doctor' -l timeout -x -d 'how long to wait for answers'
complete -c porthole -n '__porthole_is doctor' -l json -d 'one JSON object'
complete -c porthole -n '__porthole_is doctor' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is doctor' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is address' -l local -d 'print this host\'s address towards the gateway instead'
complete -c porthole -n '__porthole_is address' -l router -d 'print the gateway\'s own address instead'
complete -c porthole -n '__porthole_is address' -s g -l gateway -x -a '(__porthole_router)' -d 'ask this gateway, not the default route\'s'
complete -c porthole -n '__porthole_is address' -s b -l bind -x -a '(__porthole_local)' -d 'ask from this local address'
complete -c porthole -n '__porthole_is address' -s p -l protocol -x -a '(__porthole_protocols)' -d 'only these of pcp,natpmp,upnp'
complete -c porthole -n '__porthole_is address' -l timeout -x -d 'how long to wait for an answer'
complete -c porthole -n '__porthole_is address' -l json -d '{"external":{"address":"..."}}, or local, or gateway'
complete -c porthole -n '__porthole_is address' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is address' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is gateway' -l address -x -d 'where clients reach it'
complete -c porthole -n '__porthole_is gateway' -l external -x -d 'where it opens ports'
complete -c porthole -n '__porthole_is gateway' -l report-address -x -d 'what it tells as its external address instead'
complete -c porthole -n '__porthole_is gateway' -l announce -x -d 'tell ADDR'
complete -c porthole -n '__porthole_is gateway' -l no-pcp -d 'answer PCP as a router that speaks NAT-PMP only'
complete -c porthole -n '__porthole_is gateway' -l no-natpmp -d 'answer NAT-PMP as a router that speaks PCP only'
complete -c porthole -n '__porthole_is gateway' -l no-upnp -d 'no UPnP'
complete -c porthole -n '__porthole_is gateway' -l silent-pcp -d 'give PCP no answer at all'
complete -c porthole -n '__porthole_is gateway' -l igd-version -x -d 'of the UPnP device'
complete -c porthole -n '__porthole_is gateway' -l http-port -x -d 'TCP port of UPnP'
complete -c porthole -n '__porthole_is gateway' -l lease-max -x -d 'grant no lease longer than that'
complete -c porthole -n '__porthole_is gateway' -l quirk -x -a '(__porthole_quirks)' -d 'faults of real routers'
complete -c porthole -n '__porthole_is gateway' -l loss -x -d 'lose P percent of datagrams, each way'
complete -c porthole -n '__porthole_is gateway' -l seed -x -d 'lose P percent of datagrams, each way'
complete -c porthole -n '__porthole_is gateway' -l no-forward -d 'keep mappings, but open no ports'
complete -c porthole -n '__porthole_is gateway' -l json -d 'one JSON object a line'
complete -c porthole -n '__porthole_is gateway' -s v -l verbose -d 'print every request'
complete -c porthole -n '__porthole_is gateway' -s h -l help -d 'print the options'

complete -c porthole -n '__porthole_is demo' -l json -d 'one JSON object a port'
complete -c porthole -n '__porthole_is demo' -s v -l verbose -d 'log decisions to standard error'
complete -c porthole -n '__porthole_is demo' -s h -l help -d 'print the options'

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_map.c: `porthole map`: opens ports, tells what became of each, and holds them until a signal;
 * with --once it leaves them to their leases. How is the affair of hold.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/stop.h"

static const char map_help[] =
    "usage: porthole map [OPTION]... PORT[/tcp|/udp|/both]...\n"
    "Opens ports, holds them until interrupted, and removes them. TCP is the default;\n"
    "both is TCP and UDP by one number outside, or neither.\n"
    "  -e, --external PORT    the port wished for outside (default: the same number)\n"
    "      --exact            fail rather than take another port outside\n"
    "  -t, --lifetime S       lease to ask for, from 20 s (default 7200)\n"
    "      --refresh S        renew this often, from 4 s (default: at half the lease)\n"
    "      --exec CMD         run by sh at every change, told by PORTHOLE_* variables\n"
    "      --exec-limit S     how long it may take (default 30)\n"
    "      --file PATH        keep addresses and ports in this file\n"
    "      --once             open, print, leave it to its lease, end\n"
    "      --timeout S        how long to wait for a result (default 10)\n"
    "  -d, --description TEXT what a UPnP gateway shows (default porthole)\n"
    "      --state FILE       where leases are noted for later; none = "
    "nowhere\n" PH_OPTIONS_HELP_TEXT "      --json             one JSON object a line\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "examples:\n"
    "  porthole map 22000 21027/udp -t 3600\n"
    "  porthole map 6881/both --exec 'transmission-remote -p $PORTHOLE_EXTERNAL_PORT'\n"
    "  addr=$(porthole map --once --json 8080 | jq -r .external.address)\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 no gateway, 4 refused, 5 timed out\n";

enum { OPTION_ONCE = PH_HOLD_OPTION_OWN };

static const struct option map_options[] = {
    PH_HOLD_TABLE, {"once", no_argument, NULL, OPTION_ONCE}, {NULL, 0, NULL, 0}};

/* Until a signal; an exit code. */
static int hold_until_signal(struct ph_hold *hold) {
    bool told = hold->talk == PH_HOLD_TALK_JSON || hold->live || !isatty(STDOUT_FILENO);
    ph_stop_catch_also(SIGUSR1);
    for (;;) {
        int number = ph_hold_turn(hold, -1);
        if (number == SIGINT || number == SIGTERM || number == SIGHUP)
            return PH_EXITCODE_DONE;
        if (number == SIGUSR1)
            ph_hold_refresh(hold);
        if (number < 0) {
            ph_output_error(hold->options.command, "%s", porthole_strerror(number));
            return PH_EXITCODE_FAILED;
        }
        if (!told && hold->unsettled == 0) {
            told = true;
            ph_output_line("Held until Ctrl-C.");
        }
        if (ph_output_failed())
            return PH_EXITCODE_FAILED;
    }
}

/* Until every port has its first result; an exit code. */
static int wait_once(struct ph_hold *hold) {
    int number = ph_hold_settle(hold);
    if (number == 0)
        return ph_exitcode_of(hold->first_error);
    if (!ph_output_failed())
        ph_output_error(hold->options.command, "%s",
                        number > 0 ? "interrupted" : porthole_strerror(number));
    return PH_EXITCODE_FAILED;
}

static int run_map(struct ph_hold *hold) {
    hold->talk = hold->options.json ? PH_HOLD_TALK_JSON : PH_HOLD_TALK_LINES;
    hold->is_live = !hold->options.json;
    int code = ph_hold_open(hold);
    if (code == PH_EXITCODE_DONE)
        code = hold->once ? wait_once(hold) : hold_until_signal(hold);
    code = ph_hold_close(hold, code);
    ph_options_advise(&hold->options, code);
    return code;
}

int ph_cmd_map(int argc, char **argv) {
    struct ph_hold hold = {.options = {.command = argv[0]}};
    bool refreshes = false;
    for (;;) {
        int option = ph_options_next(&hold.options, argc, argv, PH_HOLD_LETTERS, map_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(map_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == OPTION_ONCE)
            hold.once = true;
        else if (option == PH_OPTIONS_BAD || !ph_hold_option(&hold, option))
            return PH_EXITCODE_USAGE;
        refreshes = refreshes || option == PH_HOLD_OPTION_REFRESH;
    }
    int code = PH_EXITCODE_USAGE;
    if (hold.once && refreshes)
        ph_output_error(argv[0], "--once and --refresh contradict: nothing is renewed");
    else if (ph_options_agree(&hold.options))
        code = ph_hold_ports(&hold, argc - optind, argv + optind);
    if (code == PH_EXITCODE_DONE)
        code = run_map(&hold);
    ph_hold_free(&hold);
    return code;
}

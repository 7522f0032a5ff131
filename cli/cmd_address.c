/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_address.c: `porthole address`: prints one address and nothing else, for scripts: the external
 * one, or with an option the local one or the gateway's.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

static const char address_help[] =
    "usage: porthole address [OPTION]...\n"
    "Prints the external address, as the gateway tells it.\n"
    "\n"
    "      --local            print this host's address towards the gateway instead\n"
    "      --router           print the gateway's own address instead\n" PH_OPTIONS_HELP_TEXT
    "      --timeout S        how long to wait for an answer\n"
    "      --json             {\"external\":{\"address\":\"...\"}}, or local, or gateway\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole address\n"
    "  porthole address --local\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 no gateway, 4 it has none, 5 timed out\n";

enum which_address { ADDRESS_EXTERNAL, ADDRESS_LOCAL, ADDRESS_ROUTER };
enum { OPTION_LOCAL = PH_OPTION_OWN, OPTION_ROUTER };

static const struct option address_options[] = {PH_OPTIONS_TABLE,
                                                {"local", no_argument, NULL, OPTION_LOCAL},
                                                {"router", no_argument, NULL, OPTION_ROUTER},
                                                {NULL, 0, NULL, 0}};

static void print_address_json(enum which_address which, const char *address) {
    static const char *const members[] = {"external", "local", "gateway"};
    if (which == ADDRESS_ROUTER)
        ph_output_json(json_pack("{s:o}", members[which], ph_output_text(address)));
    else
        ph_output_json(json_pack("{s:{s:o}}", members[which], "address", ph_output_text(address)));
}

static int run_address(const struct ph_options *options, enum which_address which) {
    struct porthole *client;
    int code = ph_options_open(options, &client);
    if (code != PH_EXITCODE_DONE)
        return code;
    char address[PORTHOLE_ADDRESS_SIZE] = "";
    int result;
    ph_progress_begin(options);
    if (which == ADDRESS_LOCAL)
        result = porthole_local_address(client, address, sizeof address);
    else if (which == ADDRESS_ROUTER)
        result = porthole_gateway_address(client, address, sizeof address);
    else
        result = porthole_external_address(client, options->timeout_ms, address, sizeof address);
    ph_progress_end();
    porthole_close(client, 0);
    if (result < 0 && options->json)
        ph_output_json(ph_output_why(result, 0, ""));
    else if (result < 0)
        ph_output_error(options->command, "%s", porthole_strerror(result));
    else if (options->json)
        print_address_json(which, address);
    else
        ph_output_line("%s", address);
    ph_options_advise(options, ph_exitcode_of(result));
    return ph_exitcode_of(result);
}

int ph_cmd_address(int argc, char **argv) {
    struct ph_options options = {.command = argv[0]};
    enum which_address which = ADDRESS_EXTERNAL;
    for (;;) {
        int option = ph_options_next(&options, argc, argv, PH_OPTIONS_LETTERS, address_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(address_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == PH_OPTIONS_BAD)
            return PH_EXITCODE_USAGE;
        enum which_address wanted = option == OPTION_LOCAL ? ADDRESS_LOCAL : ADDRESS_ROUTER;
        if (which != ADDRESS_EXTERNAL && which != wanted) {
            ph_output_error(options.command, "--local and --router contradict");
            return PH_EXITCODE_USAGE;
        }
        which = wanted;
    }
    if (!ph_options_finish(&options, argc, argv))
        return PH_EXITCODE_USAGE;
    return run_address(&options, which);
}

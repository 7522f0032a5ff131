/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_list.c: `porthole list`: what the router has mapped, for this host and for others, with what
 * is porthole's own marked; and what porthole has by PCP and NAT-PMP, of which no router tells.
 * Nothing is changed.
 */
#include <porthole/list.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/leases.h"
#include "cli/list_rows.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

struct list_run {
    struct ph_options options;
    const char *state;
    struct ph_list_filter filter;
    char gateway[PORTHOLE_ADDRESS_SIZE];
    char local[PORTHOLE_ADDRESS_SIZE];
    struct porthole_listing *listing; /* NULL = the router was not asked, or cannot be */
    int error;                        /* why it told nothing, or not all */
    struct ph_lease *leases;
    int lease_count;
    struct ph_list_row *rows;
    int count;
    int elsewhere; /* leases that are noted for other gateways */
};

static const char list_help[] =
    "usage: porthole list [OPTION]...\n"
    "Shows what the router has open, by its own list (UPnP) and by porthole's record.\n"
    "\n"
    "      --ours             only what porthole of this user holds, or left\n"
    "      --tcp, --udp       only these\n"
    "      --state FILE       where the leases were noted\n" PH_OPTIONS_HELP_TEXT
    "      --timeout S        how long to wait for the router (default 15)\n"
    "      --json             one JSON object a line\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "whose: porthole (PID), by one that runs; porthole, left, by map --once;\n"
    "porthole, stale, by one that crashed; porthole, lost, which the router forgot;\n"
    "this host, by another program; another host.\n"
    "\n"
    "examples:\n"
    "  porthole list --ours --udp\n"
    "  porthole list --json | jq 'select(.owner == \"other\")'\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 no router, 4 refused, 5 timed out\n";

enum { LIST_OURS = PH_OPTION_OWN, LIST_TCP, LIST_UDP, LIST_STATE };

static const struct option list_options[] = {PH_OPTIONS_TABLE,
                                             {"ours", no_argument, NULL, LIST_OURS},
                                             {"tcp", no_argument, NULL, LIST_TCP},
                                             {"udp", no_argument, NULL, LIST_UDP},
                                             {"state", required_argument, NULL, LIST_STATE},
                                             {NULL, 0, NULL, 0}};

static bool read_list_option(struct list_run *run, int option) {
    if (option == LIST_STATE && !*optarg) {
        ph_output_error(run->options.command, "--state '' is empty");
        return false;
    }
    if (option == LIST_STATE)
        run->state = optarg;
    run->filter.ours |= option == LIST_OURS;
    run->filter.tcp |= option == LIST_TCP;
    run->filter.udp |= option == LIST_UDP;
    return true;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int list_router(struct list_run *run, struct porthole *client) {
    ph_progress_begin(&run->options);
    int result = porthole_list(client, run->options.timeout_ms, &run->listing);
    ph_progress_end();
    return result;
}

/* An exit code, when it cannot go on. */
static int ask_router(struct list_run *run) {
    struct porthole *client;
    unsigned methods = run->options.methods;
    int code = ph_options_open(&run->options, &client);
    if (code != PH_EXITCODE_DONE)
        return code;
    int error = porthole_gateway_address(client, run->gateway, sizeof run->gateway);
    if (error == 0)
        error = porthole_local_address(client, run->local, sizeof run->local);
    if (error == 0 && (methods == 0 || (methods & PORTHOLE_USE_UPNP)))
        error = list_router(run, client);
    run->error = error < 0 ? error : 0;
    porthole_close(client, 0);
    return PH_EXITCODE_DONE;
}

static bool read_record(struct list_run *run) {
    struct ph_leases *leases = ph_leases_open(run->options.command, run->state);
    run->lease_count = ph_leases_read(leases, &run->leases);
    ph_leases_close(leases);
    bool is_read = run->lease_count >= 0;
    if (!is_read)
        run->lease_count = 0;
    for (int i = 0; i < run->lease_count; i++)
        run->elsewhere += strcmp(run->leases[i].gateway, run->gateway) != 0;
    return is_read;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void print_list_json(const struct list_run *run) {
    const struct porthole_listing *listing = run->listing;
    unsigned flags = listing ? listing->flags : 0;
    for (int i = 0; i < run->count; i++)
        ph_list_print_json(&run->rows[i], run->gateway);
    bool is_asked = listing != NULL;
    json_t *why = run->error
                      ? ph_output_why(run->error, listing ? listing->code : 0,
                                      listing ? listing->text : porthole_strerror(run->error))
                      : json_pack("{s:n, s:n, s:n}", "error", "code", "text");
    json_t *object = json_pack("{s:s, s:i, s:o, s:o, s:o, s:b, s:b, s:b, s:i}", "event", "list",
                               "count", run->count, "gateway", ph_output_text(run->gateway),
                               "local", ph_output_text(run->local), "device",
                               ph_output_text(listing ? listing->device : ""), "asked", is_asked,
                               "cut", (flags & PORTHOLE_LIST_CUT) != 0, "changed",
                               (flags & PORTHOLE_LIST_CHANGED) != 0, "elsewhere", run->elsewhere);
    bool is_whole = object && why && json_object_update(object, why) == 0;
    json_decref(why);
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    ph_output_json(object);
}

/* What follows from the table, a line each, set apart from it. */
static void print_notes(const struct list_run *run) {
    unsigned flags = run->listing ? run->listing->flags : 0;
    bool has_stale = false;
    for (int i = 0; i < run->count; i++)
        has_stale |= run->rows[i].owner == PH_LIST_STALE;
    if (flags || has_stale || run->elsewhere > 0)
        ph_output_line("%s", "");
    if (flags & PORTHOLE_LIST_CUT)
        ph_output_line("The router's list does not end here: it has more, or never ends.");
    if (flags & PORTHOLE_LIST_CHANGED)
        ph_output_line("The router's list changed each time it was read: one may be missing.");
    if (has_stale)
        ph_output_line("What is stale is removed by: porthole unmap --stale");
    if (run->elsewhere > 0)
        ph_output_line("%d more noted for other gateways; see them with --gateway ADDR.",
                       run->elsewhere);
}

static void print_list_human(const struct list_run *run) {
    const struct porthole_listing *listing = run->listing;
    const char *device = listing ? listing->device : "";
    char reason[PH_OUTPUT_REASON_SIZE];
    if (run->error != 0) {
        ph_output_error(run->options.command, "UPnP: %s; PCP and NAT-PMP have no list%s",
                        ph_output_reason(run->error, listing ? listing->code : 0,
                                         listing ? listing->text : "", reason),
                        run->count > 0 ? ". What is known:" : "");
    } else {
        ph_output_line("Gateway %s%s%s%s, seen from %s", run->gateway, *device ? " (" : "", device,
                       *device ? ")" : "", run->local);
        ph_output_line("%s", "");
    }
    if (run->count > 0)
        ph_list_print_table(run->rows, run->count);
    else if (run->error == 0)
        ph_output_line("%s", run->filter.ours || !listing ? "Nothing of porthole's is known there."
                                                          : "Nothing is mapped.");
    print_notes(run);
}

static int run_list(struct list_run *run) {
    int code = ask_router(run);
    if (code != PH_EXITCODE_DONE)
        return code;
    bool is_read = read_record(run);
    run->count = ph_list_rows(run->listing, run->leases, run->lease_count, run->gateway, run->local,
                              &run->filter, &run->rows);
    if (run->count < 0) {
        ph_output_error(run->options.command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        code = PH_EXITCODE_FAILED;
    } else if (run->options.json) {
        print_list_json(run);
    } else {
        print_list_human(run);
    }
    if (code == PH_EXITCODE_DONE && run->error != 0)
        code = ph_exitcode_of(run->error);
    if (code == PH_EXITCODE_DONE && !is_read)
        code = PH_EXITCODE_FAILED;
    ph_options_advise(&run->options, code);
    porthole_listing_free(run->listing);
    free(run->leases);
    free(run->rows);
    return code;
}

int ph_cmd_list(int argc, char **argv) {
    struct list_run run = {.options = {.command = argv[0]}};
    for (;;) {
        int option = ph_options_next(&run.options, argc, argv, PH_OPTIONS_LETTERS, list_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(list_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == PH_OPTIONS_BAD || !read_list_option(&run, option))
            return PH_EXITCODE_USAGE;
    }
    if (!ph_options_finish(&run.options, argc, argv))
        return PH_EXITCODE_USAGE;
    run.filter.methods = run.options.methods;
    return run_list(&run);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_unmap.c: `porthole unmap`: removes what an earlier porthole left open on the gateway, by the
 * state file; with --foreign also what other programs of this host have. What a living porthole
 * holds is left to it.
 */
#include <porthole/porthole.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/leases.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/stop.h"

#define UNMAP_TIMEOUT_MS 15000

struct unmap_run;

/* One removal that is asked for. */
struct removal {
    struct unmap_run *run;
    struct porthole_request request;
    struct ph_lease lease; /* internal_port 0 = not in the state file */
    bool is_over;
};

struct unmap_run {
    struct ph_options options;
    const char *state;
    const char *key;
    uint32_t external_port;
    bool all;
    bool stale;
    bool foreign;
    struct ph_leases *leases;
    struct ph_lease *list;
    int list_count;
    char gateway[PORTHOLE_ADDRESS_SIZE];
    struct removal *removals;
    size_t count;
    size_t open;
    int first_error;
};

static const char unmap_help[] =
    "usage: porthole unmap [OPTION]... PORT[/tcp|/udp|/both]... | --all | --stale\n"
    "Removes what an earlier porthole of this user left open on the gateway.\n"
    "\n"
    "      --all              all that no running porthole holds\n"
    "      --stale            only what a porthole held that has crashed\n"
    "      --foreign          also what other programs of this host opened\n"
    "      --key KEY          the lease's key, when the state file lacks it (PCP)\n"
    "  -e, --external PORT    the port outside, when the state file lacks it (UPnP)\n"
    "      --state FILE       where the leases were noted\n" PH_OPTIONS_HELP_TEXT
    "      --timeout S        how long to wait for an answer (default 15)\n"
    "      --json             one JSON object a line\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole unmap 8080 51820/udp\n"
    "  porthole unmap --stale\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 no gateway, 4 refused, 5 timed out\n";

enum { UNMAP_ALL = PH_OPTION_OWN, UNMAP_STALE, UNMAP_FOREIGN, UNMAP_KEY, UNMAP_STATE };

static const struct option unmap_options[] = {PH_OPTIONS_TABLE,
                                              {"all", no_argument, NULL, UNMAP_ALL},
                                              {"stale", no_argument, NULL, UNMAP_STALE},
                                              {"foreign", no_argument, NULL, UNMAP_FOREIGN},
                                              {"key", required_argument, NULL, UNMAP_KEY},
                                              {"external", required_argument, NULL, 'e'},
                                              {"state", required_argument, NULL, UNMAP_STATE},
                                              {NULL, 0, NULL, 0}};

/* ---- Arguments ------------------------------------------------------------------------------- */

static bool read_unmap_option(struct unmap_run *run, int option) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    switch (option) {
    case 'e':
        return ph_options_number(&run->options, "--external", optarg, "a port", 1, UINT16_MAX,
                                 &run->external_port);
    case UNMAP_KEY:
        run->key = optarg;
        if (strlen(optarg) == PORTHOLE_KEY_SIZE - 1 &&
            strspn(optarg, "0123456789abcdefABCDEF") == PORTHOLE_KEY_SIZE - 1)
            return true;
        ph_output_error(run->options.command, "--key %s is not 24 hexadecimal digits",
                        ph_output_quote(optarg, quote));
        return false;
    case UNMAP_STATE:
        run->state = optarg;
        if (*optarg)
            return true;
        ph_output_error(run->options.command, "--state '' is empty");
        return false;
    case UNMAP_ALL:
        run->all = true;
        return true;
    case UNMAP_STALE:
        run->stale = true;
        return true;
    default:
        run->foreign = true;
        return true;
    }
}

static bool check_ports(const struct unmap_run *run, int argc, char **argv) {
    uint16_t port;
    bool tcp, udp;
    for (int i = 0; i < argc; i++)
        if (!ph_options_port(&run->options, argv[i], &port, &tcp, &udp))
            return false;
    return true;
}

static bool check_arguments(const struct unmap_run *run, int argc, char **argv) {
    const char *command = run->options.command;
    char quote[PH_OUTPUT_QUOTE_SIZE];
    const char *set = run->all ? "--all" : "--stale";
    if (run->all && run->stale)
        ph_output_error(command, "--all and --stale contradict");
    else if ((run->all || run->stale) && argc > 0)
        ph_output_error(command, "%s and a PORT, %s, contradict", set,
                        ph_output_quote(argv[0], quote));
    else if ((run->all || run->stale) && (run->key || run->external_port))
        ph_output_error(command, "%s and %s contradict", set, run->key ? "--key" : "--external");
    else if (run->stale && run->foreign)
        ph_output_error(command, "--stale and --foreign contradict");
    else if (argc == 0 && !run->all && !run->stale)
        ph_output_error(command, "no PORT is given; see porthole unmap --help");
    else if (argc > 1 && (run->key || run->external_port))
        ph_output_error(command, "%s and a second PORT, %s, contradict",
                        run->key ? "--key" : "--external", ph_output_quote(argv[1], quote));
    else
        return ph_options_agree(&run->options) && check_ports(run, argc, argv);
    return false;
}

/* ---- What is to be removed ------------------------------------------------------------------- */

static struct removal *add_removal(struct unmap_run *run, enum porthole_protocol protocol,
                                   uint16_t port) {
    struct removal *removal = &run->removals[run->count++];
    removal->run = run;
    removal->request = (struct porthole_request)PORTHOLE_REQUEST_INIT;
    removal->request.protocol = protocol;
    removal->request.internal_port = port;
    return removal;
}

static void add_lease(struct unmap_run *run, const struct ph_lease *lease) {
    struct removal *removal = add_removal(run, lease->protocol, lease->internal_port);
    removal->lease = *lease;
    /* Who crashed before it knew its port had asked for this one, and may have another. */
    if (lease->method != PORTHOLE_NONE)
        removal->request.external_port = lease->external_port;
    removal->request.key = removal->lease.key;
    if (lease->method != PORTHOLE_NONE && run->options.methods == 0 && !run->foreign)
        removal->request.methods = 1U << lease->method;
}

/* False: it may not be removed, which has been said. */
static bool add_port(struct unmap_run *run, enum porthole_protocol protocol, uint16_t port) {
    struct porthole_request wanted = PORTHOLE_REQUEST_INIT;
    wanted.protocol = protocol;
    wanted.internal_port = port;
    const struct ph_lease *lease =
        ph_leases_find(run->list, run->list_count, &wanted, run->gateway);
    if (lease && ph_leases_is_alive(&lease->holder)) {
        ph_output_error(run->options.command, "%s %u is held by process %lld: end that",
                        porthole_protocol_name(protocol), (unsigned)port,
                        (long long)lease->holder.number);
        return false;
    }
    if (!lease && !run->foreign && !run->key) {
        ph_output_error(run->options.command,
                        "%s %u: no lease of porthole's is known; --foreign removes it whoever "
                        "opened it, --key by its key",
                        porthole_protocol_name(protocol), (unsigned)port);
        return false;
    }
    if (lease)
        add_lease(run, lease);
    else
        (void)add_removal(run, protocol, port);
    struct removal *removal = &run->removals[run->count - 1];
    if (run->key)
        removal->request.key = run->key;
    if (run->external_port)
        removal->request.external_port = (uint16_t)run->external_port;
    return true;
}

static int collect(struct unmap_run *run, int argc, char **argv) {
    bool is_known = true;
    for (int i = 0; i < argc; i++) {
        uint16_t port;
        bool tcp, udp;
        (void)ph_options_port(&run->options, argv[i], &port, &tcp, &udp); /* it was checked */
        is_known &= !tcp || add_port(run, PORTHOLE_TCP, port);
        is_known &= !udp || add_port(run, PORTHOLE_UDP, port);
    }
    if (!is_known)
        return PH_EXITCODE_FAILED;
    for (int i = 0; i < run->list_count && (run->all || run->stale); i++) {
        const struct ph_lease *lease = &run->list[i];
        bool is_here = strcmp(lease->gateway, run->gateway) == 0;
        bool is_orphan = lease->holder.number != 0;
        if (is_here && !ph_leases_is_alive(&lease->holder) && (run->all || is_orphan))
            add_lease(run, lease);
    }
    if (run->count == 0 && !run->foreign && !run->options.json)
        ph_output_line("No lease of porthole's is known on %s.",
                       run->gateway[0] ? run->gateway : "any gateway");
    return PH_EXITCODE_DONE;
}

/* ---- Removing -------------------------------------------------------------------------------- */

static int error_of(const struct porthole_mapping *mapping) {
    bool is_gone = mapping->fate == PORTHOLE_FATE_REMOVED ||
                   (mapping->fate == PORTHOLE_FATE_NONE && mapping->error == 0);
    return is_gone ? 0 : mapping->error ? mapping->error : PORTHOLE_ERR_FAILED;
}

static void on_removed(struct porthole *client, const struct porthole_event *event, void *user) {
    struct removal *removal = user;
    struct unmap_run *run = removal->run;
    int error = error_of(&event->mapping);
    (void)client;
    removal->is_over = true;
    run->open--;
    if (error != 0 && run->first_error == 0)
        run->first_error = error;
    if (run->options.json && event->mapping.fate == PORTHOLE_FATE_NONE && error != 0) {
        struct porthole_event failed = *event;
        failed.type = PORTHOLE_EVENT_FAILED;
        ph_output_event_json(&failed);
    } else if (run->options.json) {
        ph_output_event_json(event);
    } else if (event->mapping.fate == PORTHOLE_FATE_NONE && error != 0) {
        ph_output_error(run->options.command, "%s %u: %s",
                        porthole_protocol_name(removal->request.protocol),
                        (unsigned)removal->request.internal_port, porthole_strerror(error));
    } else {
        ph_output_event_human(event, true, false);
    }
    struct ph_lease_change change = {.lease = removal->lease, .is_gone = true};
    if (error == 0 && removal->lease.internal_port != 0)
        (void)ph_leases_write(run->leases, &change, 1);
}

/* Asks for all of them and waits for their ends; an exit code. */
static int remove_all(struct unmap_run *run, struct porthole *client, int stop_fd) {
    int timeout_ms = run->options.timeout_ms ? run->options.timeout_ms : UNMAP_TIMEOUT_MS;
    int64_t until_ms = ph_drive_now_ms() + timeout_ms;
    for (size_t i = 0; i < run->count; i++) {
        struct removal *removal = &run->removals[i];
        porthole_id id;
        removal->request.on_event = on_removed;
        removal->request.user = removal;
        int error = porthole_remove(client, &removal->request, &id);
        if (error != 0) {
            ph_output_error(run->options.command, "%s", porthole_strerror(error));
            return ph_exitcode_of(error);
        }
        run->open++;
    }
    while (run->open > 0 && ph_drive_now_ms() < until_ms) {
        int result = ph_drive(client, stop_fd, until_ms);
        if (result != 0) {
            ph_output_error(run->options.command, "%s",
                            result > 0 ? "interrupted" : porthole_strerror(result));
            return PH_EXITCODE_FAILED;
        }
        if (ph_output_failed())
            return PH_EXITCODE_FAILED;
    }
    if (run->open == 0)
        return ph_exitcode_of(run->first_error);
    ph_output_error(run->options.command, "%s", porthole_strerror(PORTHOLE_ERR_TIMEOUT));
    return PH_EXITCODE_TIMEOUT;
}

/* With --all --foreign: after porthole's own, which need their keys, whatever else there is. */
static int remove_foreign(struct unmap_run *run, struct porthole *client, int stop_fd) {
    run->count = run->open = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct removal *removal = add_removal(run, i ? PORTHOLE_UDP : PORTHOLE_TCP, 0);
        memset(&removal->lease, 0, sizeof removal->lease);
        removal->request.flags = PORTHOLE_ALL_PORTS;
    }
    return remove_all(run, client, stop_fd);
}

static int run_unmap(struct unmap_run *run, int argc, char **argv) {
    struct porthole *client;
    int stop_fd = ph_stop_catch();
    if (stop_fd < 0) {
        ph_output_error(run->options.command, "no descriptor can be had");
        return PH_EXITCODE_FAILED;
    }
    int code = ph_options_open(&run->options, &client);
    if (code != PH_EXITCODE_DONE)
        return code;
    int error = porthole_gateway_address(client, run->gateway, sizeof run->gateway);
    if (error != 0) {
        ph_output_error(run->options.command, "%s", porthole_strerror(error));
        code = ph_exitcode_of(error);
    }
    run->list_count = ph_leases_read(run->leases, &run->list);
    run->removals =
        calloc((size_t)argc * 2 + 2 + (size_t)(run->list_count > 0 ? run->list_count : 0),
               sizeof *run->removals);
    if (!run->removals || run->list_count < 0)
        code = PH_EXITCODE_FAILED;
    if (code == PH_EXITCODE_DONE)
        code = collect(run, argc, argv);
    ph_progress_begin(&run->options);
    if (code == PH_EXITCODE_DONE)
        code = remove_all(run, client, stop_fd);
    if (code == PH_EXITCODE_DONE && run->all && run->foreign)
        code = remove_foreign(run, client, stop_fd);
    ph_progress_end();
    /* What still waits is given up, and its end is no news. */
    porthole_close(client, 0);
    free(run->removals);
    free(run->list);
    ph_options_advise(&run->options, code);
    return code;
}

int ph_cmd_unmap(int argc, char **argv) {
    struct unmap_run run = {.options = {.command = argv[0]}};
    for (;;) {
        int option =
            ph_options_next(&run.options, argc, argv, PH_OPTIONS_LETTERS "e:", unmap_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(unmap_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == PH_OPTIONS_BAD || !read_unmap_option(&run, option))
            return PH_EXITCODE_USAGE;
    }
    if (!check_arguments(&run, argc - optind, argv + optind))
        return PH_EXITCODE_USAGE;
    run.leases = ph_leases_open(run.options.command, run.state);
    int code = run_unmap(&run, argc - optind, argv + optind);
    ph_leases_close(run.leases);
    return code;
}

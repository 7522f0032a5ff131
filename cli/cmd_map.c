/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_map.c: `porthole map`: opens ports, tells what became of each, and holds them until a signal;
 * with --once it leaves them to their leases. It decides nothing about gateways: that is the
 * library's.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/leases.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/stop.h"

#define DEFAULT_TIMEOUT_MS 10000
/* The library's own verdict falls due at the same moment as --timeout, and says more. */
#define VERDICT_GRACE_MS 50
#define CLOSE_MS 3000
/* After a failed --once: for what may have been opened by a request whose answer was lost. */
#define GIVE_UP_MS 1000
/* struct porthole_request: a shorter lease cannot be renewed safely. */
#define LIFETIME_S_MIN 20U
#define REFRESH_S_MIN 4U
#define DESCRIPTION_MAX 63U

/* One port with one protocol. */
struct wish {
    struct map_run *run;
    enum porthole_protocol protocol;
    uint16_t port;
    porthole_id id;
    bool settled; /* its first result is known */
    bool opened;
    struct ph_lease found;       /* what the state file said of it; internal_port 0 = nothing */
    struct ph_lease_change note; /* what it is to say */
    bool is_noted;               /* and does */
};

struct map_run {
    struct ph_options options;
    uint16_t external_port;
    uint32_t lifetime_s;
    uint32_t refresh_s;
    const char *description;
    const char *state;
    struct ph_leases *leases;
    bool exact;
    bool once;
    struct wish *wishes;
    struct ph_lease_change *changes; /* room for one a wish */
    size_t count;
    size_t unsettled;
    int first_error; /* of the first wish that failed; 0 = none */
    bool quiet;      /* what still happens is no news */
    bool leftover;   /* something may be left on the gateway */
};

static const char map_help[] =
    "usage: porthole map [OPTION]... PORT[/tcp|/udp|/both]...\n"
    "Opens ports (TCP where nothing is said), holds them until interrupted, removes them.\n"
    "\n"
    "  -e, --external PORT    the port wished for outside; the same number if not given\n"
    "      --exact            fail rather than take another port outside\n"
    "  -t, --lifetime S       lease to ask for, from 20 s (default 7200); it is renewed\n"
    "      --refresh S        renew at least this often, from 4 s (default: at half of the lease)\n"
    "      --once             open, print, leave it to its lease, end\n"
    "      --timeout S        how long to wait for a result (default 10)\n"
    "  -d, --description TEXT what a UPnP gateway shows (default porthole)\n"
    "      --state FILE       where leases are noted for later; none = "
    "nowhere\n" PH_OPTIONS_HELP_TEXT "      --json             one JSON object a line\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole map 22000 21027/udp -t 3600\n"
    "  addr=$(porthole map --once --json 8080 | jq -r .external.address)\n"
    "exit codes: 0 done, 1 failed, 2 usage, 3 no gateway, 4 refused, 5 timed out\n";

enum { OPTION_EXACT = PH_OPTION_OWN, OPTION_ONCE, OPTION_REFRESH, OPTION_STATE };

static const struct option map_options[] = {PH_OPTIONS_TABLE,
                                            {"external", required_argument, NULL, 'e'},
                                            {"exact", no_argument, NULL, OPTION_EXACT},
                                            {"lifetime", required_argument, NULL, 't'},
                                            {"once", no_argument, NULL, OPTION_ONCE},
                                            {"refresh", required_argument, NULL, OPTION_REFRESH},
                                            {"state", required_argument, NULL, OPTION_STATE},
                                            {"description", required_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};

/* ---- Arguments ------------------------------------------------------------------------------- */

static bool read_description(struct map_run *run, const char *text) {
    size_t len = strlen(text);
    bool printable = true;
    for (size_t i = 0; i < len; i++)
        printable = printable && text[i] >= ' ' && text[i] <= '~';
    if (!printable || len == 0 || len > DESCRIPTION_MAX) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(run->options.command,
                        "--description %s is not 1 to 63 characters of printable ASCII",
                        ph_output_quote(text, quote));
        return false;
    }
    run->description = text;
    return true;
}

static bool read_option(struct map_run *run, int option) {
    uint32_t port;
    switch (option) {
    case 'e':
        if (!ph_options_number(&run->options, "--external", optarg, "a port", 1, UINT16_MAX, &port))
            return false;
        run->external_port = (uint16_t)port;
        return true;
    case 't':
        return ph_options_number(&run->options, "--lifetime", optarg, "a number of seconds",
                                 LIFETIME_S_MIN, UINT32_MAX, &run->lifetime_s);
    case 'd':
        return read_description(run, optarg);
    case OPTION_REFRESH:
        return ph_options_number(&run->options, "--refresh", optarg, "a number of seconds",
                                 REFRESH_S_MIN, UINT32_MAX, &run->refresh_s);
    case OPTION_STATE:
        run->state = optarg;
        return true;
    case OPTION_EXACT:
        run->exact = true;
        return true;
    default:
        run->once = true;
        return true;
    }
}

static bool add_wish(struct map_run *run, const char *text, enum porthole_protocol protocol,
                     uint16_t port) {
    /* Two bits a port: which protocols are asked for already. */
    static uint8_t asked[UINT16_MAX + 1];
    uint8_t bit = protocol == PORTHOLE_TCP ? 1 : 2;
    if (asked[port] & bit) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(run->options.command, "%s: %s port %u is asked for twice",
                        ph_output_quote(text, quote), porthole_protocol_name(protocol),
                        (unsigned)port);
        return false;
    }
    asked[port] |= bit;
    run->wishes[run->count++] = (struct wish){.run = run, .protocol = protocol, .port = port};
    return true;
}

static bool read_ports(struct map_run *run, int argc, char **argv) {
    if (argc == 0) {
        ph_output_error(run->options.command, "no PORT is given; see porthole map --help");
        return false;
    }
    if (run->external_port != 0 && argc > 1) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(run->options.command, "--external %u and a second PORT, %s, contradict",
                        (unsigned)run->external_port, ph_output_quote(argv[1], quote));
        return false;
    }
    for (int i = 0; i < argc; i++) {
        uint16_t port;
        bool tcp, udp;
        if (!ph_options_port(&run->options, argv[i], &port, &tcp, &udp) ||
            (tcp && !add_wish(run, argv[i], PORTHOLE_TCP, port)) ||
            (udp && !add_wish(run, argv[i], PORTHOLE_UDP, port)))
            return false;
    }
    return true;
}

/* ---- The state file -------------------------------------------------------------------------- */

/* Who may know of a lease before it is made, so that no crash leaves one that nobody has the key
 * of: an exit code. */
static int prepare_notes(struct map_run *run, struct porthole *client) {
    char gateway[PORTHOLE_ADDRESS_SIZE] = "";
    struct ph_lease *list;
    int count = ph_leases_read(run->leases, &list);
    int code = PH_EXITCODE_DONE;
    /* What is left to its lease is held by nobody. */
    struct ph_holder holder = {0};
    if (!run->once)
        holder = ph_leases_me();
    (void)porthole_gateway_address(client, gateway, sizeof gateway); /* "" = no network yet */
    for (size_t i = 0; i < run->count && code == PH_EXITCODE_DONE; i++) {
        struct wish *wish = &run->wishes[i];
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        request.protocol = wish->protocol;
        request.internal_port = wish->port;
        const struct ph_lease *found = ph_leases_find(list, count, &request, gateway);
        struct ph_lease *lease = &wish->note.lease;
        if (found && ph_leases_is_alive(&found->holder)) {
            ph_output_error(run->options.command, "%s %u is held by process %lld",
                            porthole_protocol_name(wish->protocol), (unsigned)wish->port,
                            (long long)found->holder.number);
            code = PH_EXITCODE_FAILED;
        } else if (found) {
            *lease = wish->found = *found;
        } else {
            lease->protocol = wish->protocol;
            lease->internal_port = wish->port;
            memcpy(lease->gateway, gateway, sizeof gateway);
            if (!ph_leases_draw_key(lease->key))
                lease->key[0] = '\0'; /* the library has other sources */
        }
        lease->holder = holder;
        lease->until_s = 0;
        wish->is_noted = run->once || gateway[0] == '\0' || lease->key[0] == '\0';
    }
    free(list);
    return code;
}

/* Writes all that is new, at once. */
static void write_notes(struct map_run *run) {
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->leases && !run->wishes[i].is_noted)
            run->changes[count++] = run->wishes[i].note;
        run->wishes[i].is_noted = true;
    }
    (void)ph_leases_write(run->leases, run->changes, count);
}

/* When its lease ends, by the system's clock; 0 = it does not. */
static int64_t end_of(const struct porthole_mapping *mapping) {
    return mapping->expires_in_ms ? ph_leases_now_s() + mapping->expires_in_ms / 1000 : 0;
}

static void note_end(struct ph_lease_change *note, const struct porthole_mapping *mapping) {
    note->lease.holder = (struct ph_holder){0};
    note->lease.until_s = end_of(mapping);
    note->is_gone = mapping->fate == PORTHOLE_FATE_REMOVED || mapping->fate == PORTHOLE_FATE_NONE;
}

/* Whether the state file says so already. */
static bool is_known(const struct ph_lease *found, const struct ph_lease *lease) {
    bool is_long_enough =
        found->until_s == 0 ? lease->until_s == 0 : found->until_s >= lease->until_s;
    return found->internal_port != 0 && found->holder.number == 0 && is_long_enough &&
           found->external_port == lease->external_port && found->method == lease->method &&
           strcmp(found->gateway, lease->gateway) == 0 && strcmp(found->key, lease->key) == 0;
}

static void note_event(struct wish *wish, const struct porthole_event *event) {
    const struct porthole_mapping *mapping = &event->mapping;
    struct ph_lease *lease = &wish->note.lease;
    bool is_open = event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED;
    if (lease->internal_port == 0 || (!is_open && event->type != PORTHOLE_EVENT_UNMAPPED))
        return;
    if (is_open) {
        memcpy(lease->gateway, mapping->gateway, sizeof lease->gateway);
        memcpy(lease->key, mapping->key, sizeof lease->key);
        lease->external_port = mapping->external_port;
        lease->method = mapping->method;
        wish->note.is_gone = mapping->method == PORTHOLE_DIRECT;
        if (wish->run->once) {
            lease->holder = (struct ph_holder){0};
            lease->until_s = end_of(mapping);
            if (is_known(&wish->found, lease))
                return;
            /* Twice the lease, so that one that is renewed again and again need not be noted each
             * time: replacing a file takes as long as all the rest. */
            if (lease->until_s)
                lease->until_s += mapping->lifetime_s;
        }
    } else if (!wish->opened && wish->found.internal_port != 0) {
        wish->note = (struct ph_lease_change){.lease = wish->found}; /* nothing new is known */
    } else if (wish->run->once && wish->opened) {
        return; /* left to its lease */
    } else {
        note_end(&wish->note, mapping);
    }
    wish->is_noted = lease->gateway[0] == '\0';
}

/* ---- Holding --------------------------------------------------------------------------------- */

static void settle(struct wish *wish, int error) {
    if (wish->settled)
        return;
    wish->settled = true;
    wish->run->unsettled--;
    if (error != 0 && wish->run->first_error == 0)
        wish->run->first_error = error;
}

static void on_map_event(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    struct wish *wish = user;
    struct map_run *run = wish->run;
    const struct porthole_mapping *mapping = &event->mapping;
    note_event(wish, event);
    /* With --once the first result is the result: what is granted after a refusal is given back. */
    if (run->once && wish->settled && !wish->opened)
        return;
    if (event->type == PORTHOLE_EVENT_MAPPED)
        settle(wish, 0);
    else if (event->type == PORTHOLE_EVENT_FAILED)
        settle(wish, mapping->error);
    else if (event->type == PORTHOLE_EVENT_UNMAPPED)
        run->leftover = run->leftover || mapping->fate == PORTHOLE_FATE_EXPIRES ||
                        mapping->fate == PORTHOLE_FATE_LEFT;
    if (!run->quiet) {
        if (run->options.json)
            ph_output_event_json(event);
        else
            ph_output_event_human(event, wish->opened, !run->once);
    }
    wish->opened = wish->opened || event->type == PORTHOLE_EVENT_MAPPED;
}

/* Asks for all mappings; an exit code. */
static int ask(struct map_run *run, struct porthole *client) {
    run->unsettled = run->count;
    int code = run->leases ? prepare_notes(run, client) : PH_EXITCODE_DONE;
    if (code != PH_EXITCODE_DONE)
        return code;
    /* A lease that is not held is noted when it is made: if this process is killed before, it ends
     * by itself. */
    if (!run->once)
        write_notes(run);
    for (size_t i = 0; i < run->count; i++) {
        struct wish *wish = &run->wishes[i];
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        request.protocol = wish->protocol;
        request.internal_port = wish->port;
        request.external_port =
            run->external_port ? run->external_port : wish->note.lease.external_port;
        request.key = wish->note.lease.key;
        request.refresh_s = run->refresh_s;
        request.flags = (run->exact ? PORTHOLE_EXACT_PORT : 0) | (run->once ? PORTHOLE_LEASE : 0);
        request.lifetime_s = run->lifetime_s;
        request.description = run->description;
        request.on_event = on_map_event;
        request.user = wish;
        int result = porthole_map(client, &request, &wish->id);
        if (result < 0) {
            ph_output_error(run->options.command, "%s port %u: %s",
                            porthole_protocol_name(wish->protocol), (unsigned)wish->port,
                            porthole_strerror(result));
            return ph_exitcode_of(result);
        }
    }
    return PH_EXITCODE_DONE;
}

/* Asks for all of them now, and tells how they are. */
static void refresh_all(struct map_run *run, struct porthole *client) {
    for (size_t i = 0; i < run->count; i++) {
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        if (porthole_query(client, run->wishes[i].id, &mapping) != 0)
            continue;
        if (run->options.json)
            ph_output_status_json(&mapping);
        else
            ph_output_status_human(&mapping);
        porthole_refresh(client, run->wishes[i].id);
    }
}

/* Until a signal; an exit code. */
static int hold(struct map_run *run, struct porthole *client, int stop_fd) {
    bool told = run->options.json || !isatty(STDOUT_FILENO);
    ph_stop_catch_refresh();
    for (;;) {
        int result = ph_drive(client, stop_fd, -1);
        write_notes(run);
        if (result > 0 && !ph_stop_is_refresh(stop_fd))
            return PH_EXITCODE_DONE;
        if (result > 0)
            refresh_all(run, client);
        if (result < 0) {
            ph_output_error(run->options.command, "%s", porthole_strerror(result));
            return PH_EXITCODE_FAILED;
        }
        if (!told && run->unsettled == 0) {
            told = true;
            ph_output_line("Held until Ctrl-C.");
        }
        if (ph_output_failed())
            return PH_EXITCODE_FAILED;
    }
}

/* Until every wish has its first result; an exit code. */
static int wait_once(struct map_run *run, struct porthole *client, int stop_fd) {
    int timeout_ms = run->options.timeout_ms ? run->options.timeout_ms : DEFAULT_TIMEOUT_MS;
    int64_t until_ms = ph_drive_now_ms() + timeout_ms + VERDICT_GRACE_MS;
    while (run->unsettled > 0 && ph_drive_now_ms() < until_ms) {
        int result = ph_drive(client, stop_fd, until_ms);
        if (result != 0) {
            ph_output_error(run->options.command, "%s",
                            result > 0 ? "interrupted" : porthole_strerror(result));
            return PH_EXITCODE_FAILED;
        }
        if (ph_output_failed())
            return PH_EXITCODE_FAILED;
    }
    for (size_t i = 0; i < run->count && run->unsettled > 0; i++)
        if (!run->wishes[i].settled) {
            struct porthole_event event = {.size = sizeof event, .type = PORTHOLE_EVENT_FAILED};
            event.mapping = (struct porthole_mapping)PORTHOLE_MAPPING_INIT;
            porthole_query(client, run->wishes[i].id, &event.mapping);
            event.mapping.error = PORTHOLE_ERR_TIMEOUT;
            on_map_event(client, &event, &run->wishes[i]);
        }
    return ph_exitcode_of(run->first_error);
}

/* Removes what is to be removed and ends the client; an exit code. */
static int finish_map(struct map_run *run, struct porthole *client, int code) {
    int close_ms = CLOSE_MS;
    if (run->once && !ph_output_failed()) {
        run->quiet = true;
        close_ms = run->first_error || code ? GIVE_UP_MS : 0;
        for (size_t i = 0; i < run->count; i++)
            if (!run->wishes[i].opened)
                porthole_unmap(client, run->wishes[i].id);
    } else {
        porthole_unmap_all(client);
    }
    porthole_close(client, close_ms);
    write_notes(run);
    if (ph_output_complain(run->options.command))
        return PH_EXITCODE_FAILED;
    if (code == PH_EXITCODE_DONE && run->leftover && !run->quiet)
        return PH_EXITCODE_FAILED;
    return code;
}

static int run_map(struct map_run *run) {
    int stop_fd = ph_stop_catch();
    if (stop_fd < 0) {
        ph_output_error(run->options.command, "no descriptor can be had");
        return PH_EXITCODE_FAILED;
    }
    struct porthole *client;
    int code = ph_options_open(&run->options, &client);
    if (code != PH_EXITCODE_DONE)
        return code;
    run->leases = ph_leases_open(run->options.command, run->state);
    code = ask(run, client);
    if (code == PH_EXITCODE_DONE)
        code = run->once ? wait_once(run, client, stop_fd) : hold(run, client, stop_fd);
    code = finish_map(run, client, code);
    ph_leases_close(run->leases);
    return code;
}

int ph_cmd_map(int argc, char **argv) {
    struct map_run run = {.options = {.command = argv[0]}};
    for (;;) {
        int option =
            ph_options_next(&run.options, argc, argv, PH_OPTIONS_LETTERS "e:t:d:", map_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(map_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == PH_OPTIONS_BAD || !read_option(&run, option))
            return PH_EXITCODE_USAGE;
    }
    run.wishes = calloc((size_t)argc * 2, sizeof *run.wishes);
    run.changes = calloc((size_t)argc * 2, sizeof *run.changes);
    if (!run.wishes || !run.changes) {
        ph_output_error(run.options.command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        return PH_EXITCODE_FAILED;
    }
    int code = PH_EXITCODE_USAGE;
    if (ph_options_agree(&run.options) && read_ports(&run, argc - optind, argv + optind))
        code = run_map(&run);
    free(run.wishes);
    free(run.changes);
    return code;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_gateway.c: `porthole gateway`: runs the embedded gateway until it is interrupted, and prints
 * what clients open and close. What the gateway does is gateway/'s affair.
 */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "gateway/io.h"

static const char gateway_help[] =
    "usage: porthole gateway [OPTION]...\n"
    "Is a NAT gateway on loopback addresses that speaks PCP, NAT-PMP and UPnP-IGD and\n"
    "relays TCP and UDP. It needs no privileges, and ends on SIGINT or SIGTERM.\n"
    "      --address ADDR         where clients reach it (127.77.0.1)\n"
    "      --external ADDR        where it opens ports (127.77.1.1)\n"
    "      --report-address ADDR  what it tells as its external address instead\n"
    "      --announce ADDR        tell ADDR (224.0.0.1: all) of its start and end\n"
    "      --no-pcp               answer PCP as a router that speaks NAT-PMP only\n"
    "      --no-natpmp            answer NAT-PMP as a router that speaks PCP only\n"
    "      --no-upnp              no UPnP\n"
    "      --silent-pcp           give PCP no answer at all\n"
    "      --igd-version N        of the UPnP device: 1 or 2 (2)\n"
    "      --http-port N          TCP port of UPnP (any free one)\n"
    "      --lease-max S          grant no lease longer than that (86400)\n"
    "      --quirk NAME[,NAME]    faults of real routers; `--quirk list` names them\n"
    "      --loss P, --seed N     lose P percent of datagrams, each way; seed (1)\n"
    "      --no-forward           keep mappings, but open no ports\n"
    "      --json                 one JSON object a line\n"
    "  -v, --verbose              print every request\n"
    "\n"
    "examples:\n"
    "  porthole gateway             and: porthole probe -g 127.77.0.1 -b 127.0.0.1\n"
    "  porthole gateway --quirk permanent-only   a router that knows no leases\n"
    "exit codes: 0 interrupted, 1 failed, 2 usage\n";

enum {
    OPTION_ADDRESS = PH_OPTION_OWN,
    OPTION_EXTERNAL,
    OPTION_REPORT_ADDRESS,
    OPTION_ANNOUNCE,
    OPTION_NO_PCP,
    OPTION_NO_NATPMP,
    OPTION_NO_UPNP,
    OPTION_SILENT_PCP,
    OPTION_IGD_VERSION,
    OPTION_HTTP_PORT,
    OPTION_LEASE_MAX,
    OPTION_QUIRK,
    OPTION_LOSS,
    OPTION_SEED,
    OPTION_NO_FORWARD
};

static const struct option gateway_options[] = {
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"report-address", required_argument, NULL, OPTION_REPORT_ADDRESS},
    {"announce", required_argument, NULL, OPTION_ANNOUNCE},
    {"no-pcp", no_argument, NULL, OPTION_NO_PCP},
    {"no-natpmp", no_argument, NULL, OPTION_NO_NATPMP},
    {"no-upnp", no_argument, NULL, OPTION_NO_UPNP},
    {"silent-pcp", no_argument, NULL, OPTION_SILENT_PCP},
    {"igd-version", required_argument, NULL, OPTION_IGD_VERSION},
    {"http-port", required_argument, NULL, OPTION_HTTP_PORT},
    {"lease-max", required_argument, NULL, OPTION_LEASE_MAX},
    {"quirk", required_argument, NULL, OPTION_QUIRK},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"no-forward", no_argument, NULL, OPTION_NO_FORWARD},
    {"json", no_argument, NULL, PH_OPTION_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

/* ---- Arguments ------------------------------------------------------------------------------- */

struct gateway_arguments {
    struct ph_options options;
    struct ph_gw_io_config config;
    struct ph_addr external;
    struct ph_addr reported; /* none = external */
};

static bool take_address(const struct ph_options *options, const char *name, struct ph_addr *ret) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    struct ph_addr addr;
    if (!ph_addr_parse(ph_span_of(optarg), &addr) || ph_addr_is_unspecified(&addr) ||
        ph_addr_is_multicast(&addr)) {
        ph_output_error(options->command, "%s %s is not the address of a host", name,
                        ph_output_quote(optarg, quote));
        return false;
    }
    *ret = addr;
    return true;
}

static bool take_announce(const struct ph_options *options, struct ph_addr *ret) {
    const struct ph_addr group = ph_addr_v4(224, 0, 0, 1);
    if (ph_addr_parse(ph_span_of(optarg), ret) && ph_addr_equal(ret, &group))
        return true;
    return take_address(options, "--announce", ret);
}

static bool take_number(const struct ph_options *options, const char *name, const char *what,
                        uint32_t min, uint32_t max, uint32_t *ret) {
    return ph_options_number(options, name, optarg, what, min, max, ret);
}

static bool take_quirks(const struct ph_options *options, uint64_t *ret) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    char name[40];
    struct ph_span unknown;
    if (ph_gw_quirk_parse(ph_span_of(optarg), ret, &unknown))
        return true;
    ph_span_print(unknown, name, sizeof name);
    ph_output_error(options->command, "--quirk %s: there is no such quirk; `list` names them",
                    ph_output_quote(name, quote));
    return false;
}

static void list_quirks(void) {
    const struct ph_gw_quirk_row *row;
    for (size_t i = 0; (row = ph_gw_quirk_row(i)) != NULL; i++)
        printf("%-20s  %s [%s]\n", row->name, row->summary, row->source);
}

/* The options that have a value. */
static bool take_value(struct gateway_arguments *arguments, int option) {
    const struct ph_options *options = &arguments->options;
    struct ph_gw_io_config *config = &arguments->config;
    uint32_t number = 0;
    bool ok;
    switch (option) {
    case OPTION_ADDRESS:
        return take_address(options, "--address", &config->server.internal);
    case OPTION_EXTERNAL:
        return take_address(options, "--external", &arguments->external);
    case OPTION_REPORT_ADDRESS:
        return take_address(options, "--report-address", &arguments->reported);
    case OPTION_ANNOUNCE:
        return take_announce(options, &config->announce_to);
    case OPTION_IGD_VERSION:
        ok = take_number(options, "--igd-version", "a version", 1, 2, &number);
        config->server.behaviour.igd_version = number;
        return ok;
    case OPTION_HTTP_PORT:
        ok = take_number(options, "--http-port", "a port", 1, 65535, &number);
        config->server.http_port = (uint16_t)number;
        return ok;
    case OPTION_LEASE_MAX:
        ok = take_number(options, "--lease-max", "a number of seconds", 1, UINT32_MAX, &number);
        config->server.behaviour.lease_max_s = number;
        return ok;
    case OPTION_QUIRK:
        return take_quirks(options, &config->server.behaviour.quirks);
    case OPTION_LOSS:
        ok = take_number(options, "--loss", "a percentage", 0, 100, &number);
        config->loss_percent = number;
        return ok;
    default: /* OPTION_SEED */
        ok = take_number(options, "--seed", "a number", 0, UINT32_MAX, &number);
        config->seed = number;
        return ok;
    }
}

static bool take_gateway_option(struct gateway_arguments *arguments, int option) {
    struct ph_gw_io_config *config = &arguments->config;
    switch (option) {
    case OPTION_NO_PCP:
        config->server.pcp = false;
        return true;
    case OPTION_NO_NATPMP:
        config->server.natpmp = false;
        return true;
    case OPTION_NO_UPNP:
        config->server.upnp = false;
        return true;
    case OPTION_SILENT_PCP:
        config->server.behaviour.silent_pcp = true;
        return true;
    case OPTION_NO_FORWARD:
        config->forward = false;
        return true;
    default:
        return take_value(arguments, option);
    }
}

static bool agree(const struct gateway_arguments *arguments) {
    const struct ph_gw_config *server = &arguments->config.server;
    const struct ph_addr *announce_to = &arguments->config.announce_to;
    const char *command = arguments->options.command;
    if (ph_addr_is_v4(&server->internal) != ph_addr_is_v4(&arguments->external))
        ph_output_error(command, "--address and --external: one is IPv4, the other IPv6");
    else if (!ph_addr_is_unspecified(announce_to) &&
             ph_addr_is_loopback(&server->internal) != ph_addr_is_loopback(announce_to))
        ph_output_error(command, "--address and --announce: one is on loopback, the other is not");
    else if (!server->pcp && server->behaviour.silent_pcp)
        ph_output_error(command, "--no-pcp and --silent-pcp contradict");
    else if (!server->upnp && server->http_port != 0)
        ph_output_error(command, "--no-upnp and --http-port contradict");
    else
        return true;
    return false;
}

/* Returns an exit code, or -1 to go on. */
static int read_gateway_arguments(struct gateway_arguments *arguments, int argc, char **argv) {
    struct ph_gw_config *server = &arguments->config.server;
    int option;
    while ((option = ph_options_next(&arguments->options, argc, argv, ":vh", gateway_options)) !=
           PH_OPTIONS_END) {
        if (option == PH_OPTIONS_BAD)
            return PH_EXITCODE_USAGE;
        if (option == PH_OPTIONS_HELP) {
            fputs(gateway_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == OPTION_QUIRK && strcmp(optarg, "list") == 0) {
            list_quirks();
            return PH_EXITCODE_DONE;
        }
        if (!take_gateway_option(arguments, option))
            return PH_EXITCODE_USAGE;
    }
    if (!ph_options_finish(&arguments->options, argc, argv) || !agree(arguments))
        return PH_EXITCODE_USAGE;
    arguments->config.listen_external = arguments->external;
    server->external =
        ph_addr_is_unspecified(&arguments->reported) ? arguments->external : arguments->reported;
    return -1;
}

/* ---- What happens ---------------------------------------------------------------------------- */

static const char *end_name(enum ph_gw_end end) {
    switch (end) {
    case PH_GW_REMOVED:
        return "removed";
    case PH_GW_EXPIRED:
        return "expired";
    case PH_GW_STOPPED:
        break;
    }
    return "stopped";
}

/* The two ends of a mapping. */
struct mapping_ends {
    struct ph_endpoint internal;
    struct ph_endpoint external;
};

static struct mapping_ends ends_of(const struct gateway_arguments *arguments,
                                   const struct ph_gw_facts *facts) {
    return (struct mapping_ends){{facts->client, facts->internal_port},
                                 {arguments->external, facts->external_port}};
}

static json_t *gateway_endpoint_json(const struct ph_endpoint *endpoint) {
    char text[PH_ADDR_TEXT_SIZE];
    return json_pack("{s:s, s:i}", "address", ph_addr_format(&endpoint->addr, text), "port",
                     (int)endpoint->port);
}

static json_t *mapping_json(const struct gateway_arguments *arguments, const char *event,
                            const struct ph_gw_facts *facts) {
    struct mapping_ends ends = ends_of(arguments, facts);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "event", event, "protocol",
                     porthole_protocol_name((enum porthole_protocol)facts->protocol), "via",
                     porthole_method_name(facts->made_by), "internal",
                     gateway_endpoint_json(&ends.internal), "external",
                     gateway_endpoint_json(&ends.external));
}

static void print_gateway_event_json(const struct gateway_arguments *arguments,
                                     const struct ph_gw_event *event) {
    char from[PH_ENDPOINT_TEXT_SIZE];
    json_t *object;
    if (event->type == PH_GW_EVENT_REQUEST) {
        object =
            json_pack("{s:s, s:s, s:o}", "event", "request", "from",
                      ph_endpoint_format(event->from, from), "text", ph_output_text(event->text));
    } else if (event->type == PH_GW_EVENT_OPENED) {
        object = mapping_json(arguments, "opened", &event->mapping->facts);
        json_object_set_new(object, "lifetime_s", json_integer((json_int_t)event->lifetime_s));
    } else {
        object = mapping_json(arguments, "closed", &event->mapping->facts);
        json_object_set_new(object, "reason", json_string(end_name(event->end)));
    }
    ph_output_json(object);
}

static void print_gateway_event_human(const struct gateway_arguments *arguments,
                                      const struct ph_gw_event *event) {
    char from[PH_ENDPOINT_TEXT_SIZE];
    char to[PH_ENDPOINT_TEXT_SIZE];
    if (event->type == PH_GW_EVENT_REQUEST) {
        ph_output_line("  %s %s", ph_endpoint_format(event->from, from), event->text);
        return;
    }
    const struct ph_gw_facts *facts = &event->mapping->facts;
    struct mapping_ends ends = ends_of(arguments, facts);
    const char *protocol = porthole_protocol_name((enum porthole_protocol)facts->protocol);
    ph_endpoint_format(&ends.external, from);
    ph_endpoint_format(&ends.internal, to);
    if (event->type == PH_GW_EVENT_CLOSED)
        ph_output_line("closed %s %s -> %s (%s)", protocol, from, to, end_name(event->end));
    else if (event->lifetime_s == 0)
        ph_output_line("opened %s %s -> %s (%s, without end)", protocol, from, to,
                       ph_output_method(facts->made_by));
    else
        ph_output_line("opened %s %s -> %s (%s, for %lu s)", protocol, from, to,
                       ph_output_method(facts->made_by), (unsigned long)event->lifetime_s);
}

static void on_gateway_event(void *user, const struct ph_gw_event *event) {
    const struct gateway_arguments *arguments = user;
    if (arguments->options.json)
        print_gateway_event_json(arguments, event);
    else
        print_gateway_event_human(arguments, event);
}

/* ---- Being a gateway ------------------------------------------------------------------------- */

static void print_listening_json(const struct gateway_arguments *arguments, uint16_t http_port) {
    const struct ph_gw_config *server = &arguments->config.server;
    char internal[PH_ADDR_TEXT_SIZE];
    char external[PH_ADDR_TEXT_SIZE];
    char reported[PH_ADDR_TEXT_SIZE];
    ph_output_json(json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:i}", "event", "listening",
                             "gateway", ph_addr_format(&server->internal, internal), "external",
                             ph_addr_format(&arguments->external, external), "reported",
                             ph_addr_format(&server->external, reported), "pcp",
                             server->pcp && !server->behaviour.silent_pcp, "natpmp", server->natpmp,
                             "upnp", server->upnp, "http_port", (int)http_port));
}

/* The first line is a command to copy. */
static void print_listening_human(const struct gateway_arguments *arguments, uint16_t http_port) {
    const struct ph_gw_config *server = &arguments->config.server;
    char internal[PH_ADDR_TEXT_SIZE];
    char external[PH_ADDR_TEXT_SIZE];
    const char *bind_to = "";
    ph_addr_format(&server->internal, internal);
    ph_addr_format(&arguments->external, external);
    if (ph_addr_is_loopback(&server->internal))
        bind_to = ph_addr_is_v4(&server->internal) ? " -b 127.0.0.1" : " -b ::1";
    ph_output_line("try: porthole probe -g %s%s", internal, bind_to);
    ph_output_line("gateway %s opens ports on %s:%s%s%s", internal, external,
                   server->pcp && !server->behaviour.silent_pcp ? " PCP" : "",
                   server->natpmp ? " NAT-PMP" : "", server->upnp ? " UPnP" : "");
    if (http_port > 0)
        ph_output_line("UPnP description: http://%s:%u/rootDesc.xml", internal, http_port);
}

int ph_cmd_gateway(int argc, char **argv) {
    struct gateway_arguments arguments = {.options = {.command = argv[0]}};
    char problem[PH_GW_PROBLEM_SIZE];
    struct ph_gw_io *io;
    ph_gw_io_config_init(&arguments.config);
    arguments.external = arguments.config.server.external;
    int code = read_gateway_arguments(&arguments, argc, argv);
    if (code >= 0)
        return code;
    arguments.config.report_requests = arguments.options.verbosity > 0;
    arguments.config.on_event = on_gateway_event;
    arguments.config.user = &arguments;
    int stop_fd = ph_stop_catch();
    if (stop_fd < 0 || ph_gw_io_new(&arguments.config, &io, problem) < 0) {
        ph_output_error(arguments.options.command, "%s",
                        stop_fd < 0 ? "cannot catch signals" : problem);
        return PH_EXITCODE_FAILED;
    }
    if (arguments.options.json)
        print_listening_json(&arguments, ph_gw_io_http_port(io));
    else
        print_listening_human(&arguments, ph_gw_io_http_port(io));
    int error = ph_gw_io_run(io, stop_fd);
    if (error < 0)
        ph_output_error(arguments.options.command, "%s", porthole_strerror(error));
    ph_gw_io_free(io);
    return error < 0 ? PH_EXITCODE_FAILED : PH_EXITCODE_DONE;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_arguments.c: see hold.h: the options and the ports of `porthole map` and `porthole run`.
 * Nothing has been sent or written when they have been read.
 */
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"

static bool read_text(const struct ph_hold *hold, const char *name, const char **ret) {
    *ret = optarg;
    if (*optarg)
        return true;
    ph_output_error(hold->options.command, "%s '' is empty", name);
    return false;
}

bool ph_hold_option(struct ph_hold *hold, int option) {
    const struct ph_options *options = &hold->options;
    struct ph_terms *terms = &hold->terms;
    uint32_t port;
    switch (option) {
    case 'e':
        if (!ph_options_number(options, "--external", optarg, "a port", 1, UINT16_MAX, &port))
            return false;
        terms->external_port = (uint16_t)port;
        return true;
    case 't':
        return ph_options_number(options, "--lifetime", optarg, "a number of seconds",
                                 PH_VALUE_LIFETIME_S_MIN, UINT32_MAX, &terms->lifetime_s);
    case 'd':
        terms->description = optarg;
        return ph_options_value(options, "--description", optarg, ph_value_description(optarg));
    case PH_HOLD_OPTION_REFRESH:
        return ph_options_number(options, "--refresh", optarg, "a number of seconds",
                                 PH_VALUE_REFRESH_S_MIN, UINT32_MAX, &terms->refresh_s);
    case PH_HOLD_OPTION_EXEC_LIMIT:
        return ph_options_number(options, "--exec-limit", optarg, "a number of seconds", 1,
                                 PH_VALUE_EXEC_LIMIT_S_MAX, &terms->exec_limit_s);
    case PH_HOLD_OPTION_EXEC:
        return read_text(hold, "--exec", &terms->exec);
    case PH_HOLD_OPTION_FILE:
        return read_text(hold, "--file", &terms->file);
    case PH_HOLD_OPTION_STATE:
        return read_text(hold, "--state", &hold->state);
    default:
        terms->exact = true;
        return true;
    }
}

/* ---- Ports ----------------------------------------------------------------------------------- */

/* Whether the command line has not had it yet. */
static bool is_new(const struct ph_hold *hold, const char *text, enum porthole_protocol protocol,
                   uint16_t port) {
    /* Two bits a port: which protocols are asked for already. */
    static uint8_t asked[UINT16_MAX + 1];
    uint8_t bit = protocol == PORTHOLE_TCP ? 1 : 2;
    if (asked[port] & bit) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(hold->options.command, "%s: %s port %u is asked for twice",
                        ph_output_quote(text, quote), porthole_protocol_name(protocol),
                        (unsigned)port);
        return false;
    }
    asked[port] |= bit;
    return true;
}

/* An exit code. */
static int read_port(struct ph_hold *hold, struct ph_group *group, const char *text) {
    struct ph_port port;
    if (!ph_options_port(&hold->options, text, &port.number, &port.tcp, &port.udp) ||
        (port.tcp && !is_new(hold, text, PORTHOLE_TCP, port.number)) ||
        (port.udp && !is_new(hold, text, PORTHOLE_UDP, port.number)))
        return PH_EXITCODE_USAGE;
    if (group && ph_set_add_port(&hold->set, hold, group, &port))
        return PH_EXITCODE_DONE;
    ph_output_error(hold->options.command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
    return PH_EXITCODE_FAILED;
}

int ph_hold_ports(struct ph_hold *hold, int argc, char **argv) {
    const char *command = hold->options.command;
    const struct ph_terms *terms = &hold->terms;
    if (argc == 0) {
        ph_output_error(command, "no PORT is given; see porthole %s --help", command);
        return PH_EXITCODE_USAGE;
    }
    if (terms->external_port != 0 && argc > 1) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(command, "--external %u and a second PORT, %s, contradict",
                        (unsigned)terms->external_port, ph_output_quote(argv[1], quote));
        return PH_EXITCODE_USAGE;
    }
    if (terms->exec_limit_s != 0 && !terms->exec) {
        ph_output_error(command, "--exec-limit is of --exec, which is not given");
        return PH_EXITCODE_USAGE;
    }
    struct ph_group *group = ph_set_add_group(&hold->set, "", terms);
    int code = PH_EXITCODE_DONE;
    for (int i = 0; i < argc && code == PH_EXITCODE_DONE; i++)
        code = read_port(hold, group, argv[i]);
    return code;
}

void ph_hold_free(struct ph_hold *hold) { ph_set_free(&hold->set); }

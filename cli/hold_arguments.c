/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_arguments.c: see hold.h: the options and the ports of `porthole map` and `porthole run`.
 * Nothing has been sent or written when they have been read.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/pair.h"

/* struct porthole_request: a shorter lease cannot be renewed safely. */
#define LIFETIME_S_MIN 20U
#define REFRESH_S_MIN 4U
#define EXEC_LIMIT_S_MAX 3600U
#define DESCRIPTION_MAX 63U

static bool read_description(struct ph_hold *hold, const char *text) {
    size_t len = strlen(text);
    bool printable = true;
    for (size_t i = 0; i < len; i++)
        printable = printable && text[i] >= ' ' && text[i] <= '~';
    if (!printable || len == 0 || len > DESCRIPTION_MAX) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(hold->options.command,
                        "--description %s is not 1 to 63 characters of printable ASCII",
                        ph_output_quote(text, quote));
        return false;
    }
    hold->description = text;
    return true;
}

static bool read_text(const struct ph_hold *hold, const char *name, const char **ret) {
    *ret = optarg;
    if (*optarg)
        return true;
    ph_output_error(hold->options.command, "%s '' is empty", name);
    return false;
}

bool ph_hold_option(struct ph_hold *hold, int option) {
    const struct ph_options *options = &hold->options;
    uint32_t port;
    switch (option) {
    case 'e':
        if (!ph_options_number(options, "--external", optarg, "a port", 1, UINT16_MAX, &port))
            return false;
        hold->external_port = (uint16_t)port;
        return true;
    case 't':
        return ph_options_number(options, "--lifetime", optarg, "a number of seconds",
                                 LIFETIME_S_MIN, UINT32_MAX, &hold->lifetime_s);
    case 'd':
        return read_description(hold, optarg);
    case PH_HOLD_OPTION_REFRESH:
        return ph_options_number(options, "--refresh", optarg, "a number of seconds", REFRESH_S_MIN,
                                 UINT32_MAX, &hold->refresh_s);
    case PH_HOLD_OPTION_EXEC_LIMIT:
        return ph_options_number(options, "--exec-limit", optarg, "a number of seconds", 1,
                                 EXEC_LIMIT_S_MAX, &hold->exec_limit_s);
    case PH_HOLD_OPTION_EXEC:
        return read_text(hold, "--exec", &hold->exec);
    case PH_HOLD_OPTION_FILE:
        return read_text(hold, "--file", &hold->file);
    case PH_HOLD_OPTION_STATE:
        return read_text(hold, "--state", &hold->state);
    default:
        hold->exact = true;
        return true;
    }
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static struct ph_wish *add_wish(struct ph_hold *hold, const char *text,
                                enum porthole_protocol protocol, uint16_t port) {
    /* Two bits a port: which protocols are asked for already. */
    static uint8_t asked[UINT16_MAX + 1];
    uint8_t bit = protocol == PORTHOLE_TCP ? 1 : 2;
    if (asked[port] & bit) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(hold->options.command, "%s: %s port %u is asked for twice",
                        ph_output_quote(text, quote), porthole_protocol_name(protocol),
                        (unsigned)port);
        return NULL;
    }
    asked[port] |= bit;
    hold->wishes[hold->count] = (struct ph_wish){.hold = hold, .protocol = protocol, .port = port};
    return &hold->wishes[hold->count++];
}

static bool read_port(struct ph_hold *hold, const char *text) {
    uint16_t port;
    bool tcp, udp;
    if (!ph_options_port(&hold->options, text, &port, &tcp, &udp))
        return false;
    struct ph_wish *first = tcp ? add_wish(hold, text, PORTHOLE_TCP, port) : NULL;
    struct ph_wish *second =
        udp && (first || !tcp) ? add_wish(hold, text, PORTHOLE_UDP, port) : NULL;
    if (first && second)
        ph_pair_join(&hold->pairs[hold->pair_count++], first, second);
    return (first || !tcp) && (second || !udp);
}

int ph_hold_ports(struct ph_hold *hold, int argc, char **argv) {
    const char *command = hold->options.command;
    if (argc == 0) {
        ph_output_error(command, "no PORT is given; see porthole %s --help", command);
        return PH_EXITCODE_USAGE;
    }
    if (hold->external_port != 0 && argc > 1) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(command, "--external %u and a second PORT, %s, contradict",
                        (unsigned)hold->external_port, ph_output_quote(argv[1], quote));
        return PH_EXITCODE_USAGE;
    }
    if (hold->exec_limit_s != 0 && !hold->exec) {
        ph_output_error(command, "--exec-limit is of --exec, which is not given");
        return PH_EXITCODE_USAGE;
    }
    hold->wishes = calloc((size_t)argc * 2, sizeof *hold->wishes);
    hold->changes = calloc((size_t)argc * 2, sizeof *hold->changes);
    hold->pairs = calloc((size_t)argc, sizeof *hold->pairs);
    if (!hold->wishes || !hold->changes || !hold->pairs) {
        ph_output_error(command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        return PH_EXITCODE_FAILED;
    }
    for (int i = 0; i < argc; i++)
        if (!read_port(hold, argv[i]))
            return PH_EXITCODE_USAGE;
    return PH_EXITCODE_DONE;
}

void ph_hold_free(struct ph_hold *hold) {
    free(hold->wishes);
    free(hold->changes);
    free(hold->pairs);
}

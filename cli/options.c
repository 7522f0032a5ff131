/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * options.c: see options.h. getopt_long's own messages are turned off, because each of ours names
 * the argument and the subcommand. Nothing here asks the network or the resolver.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/options.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/exitcode.h"
#include "cli/output.h"

#define MS_PER_S 1000

/* ---- Values ---------------------------------------------------------------------------------- */

bool ph_options_number(const struct ph_options *options, const char *name, const char *text,
                       const char *what, uint32_t min, uint32_t max, uint32_t *ret) {
    if (ph_value_number(text, min, max, ret))
        return true;
    char quote[PH_OUTPUT_QUOTE_SIZE];
    ph_output_error(options->command, "%s %s is not %s from %lu to %lu", name,
                    ph_output_quote(text, quote), what, (unsigned long)min, (unsigned long)max);
    return false;
}

bool ph_options_port(const struct ph_options *options, const char *text, uint16_t *ret_port,
                     bool *ret_tcp, bool *ret_udp) {
    struct ph_port port;
    const char *why = ph_value_port(ph_span_of(text), &port);
    char quote[PH_OUTPUT_QUOTE_SIZE];
    if (why) {
        ph_output_error(options->command, "%s: %s", ph_output_quote(text, quote), why);
        return false;
    }
    *ret_port = port.number;
    *ret_tcp = port.tcp;
    *ret_udp = port.udp;
    return true;
}

bool ph_options_value(const struct ph_options *options, const char *name, const char *text,
                      const char *why) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    if (why)
        ph_output_error(options->command, "%s %s %s", name, ph_output_quote(text, quote), why);
    return !why;
}

/* ---- Options --------------------------------------------------------------------------------- */

enum taken { TAKEN, TAKEN_NOT, TAKEN_BAD };

/* An option that all subcommands share; optarg is its value. */
static enum taken take_shared(struct ph_options *options, int option) {
    uint32_t seconds;
    switch (option) {
    case 'g':
        options->gateway = optarg;
        return ph_options_value(options, "--gateway", optarg, ph_value_address(optarg)) ? TAKEN
                                                                                        : TAKEN_BAD;
    case 'b':
        options->bind_address = optarg;
        return ph_options_value(options, "--bind", optarg, ph_value_address(optarg)) ? TAKEN
                                                                                     : TAKEN_BAD;
    case 'p':
        return ph_options_value(options, "--protocol", optarg,
                                ph_value_methods(ph_span_of(optarg), &options->methods))
                   ? TAKEN
                   : TAKEN_BAD;
    case 'v':
        options->verbosity++;
        return TAKEN;
    case PH_OPTION_JSON:
        options->json = true;
        return TAKEN;
    case PH_OPTION_TIMEOUT:
        if (!ph_options_number(options, "--timeout", optarg, "a number of seconds", 1,
                               PH_VALUE_TIMEOUT_S_MAX, &seconds))
            return TAKEN_BAD;
        options->timeout_ms = (int)seconds * MS_PER_S;
        return TAKEN;
    default:
        return TAKEN_NOT;
    }
}

/* getopt_long returned '?' or ':'. optopt is a letter, a code of the table, or 0. */
static void complain_option(const struct ph_options *options, char **argv, bool value_missing) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    char letter[] = {'-', (char)optopt, '\0'};
    const char *last = argv[optind - 1];
    /* In a cluster such as -vx, last is all of it, or the argument before it. */
    bool is_long = strncmp(last, "--", 2) == 0;
    const char *name = is_long || optopt == 0 || optopt >= PH_OPTION_JSON ? last : letter;
    if (value_missing)
        ph_output_error(options->command, "%s needs a value", ph_output_quote(name, quote));
    else if (is_long && optopt != 0 && strchr(last, '='))
        ph_output_error(options->command, "%s takes no value", ph_output_quote(name, quote));
    else
        ph_output_error(options->command, "%s is not an option here", ph_output_quote(name, quote));
}

int ph_options_next(struct ph_options *options, int argc, char **argv, const char *letters,
                    const struct option *table) {
    opterr = 0;
    for (;;) {
        int option = getopt_long(argc, argv, letters, table, NULL);
        if (option == '?' || option == ':') {
            complain_option(options, argv, option == ':');
            return PH_OPTIONS_BAD;
        }
        if (option == -1)
            return PH_OPTIONS_END;
        enum taken taken = take_shared(options, option);
        if (taken != TAKEN)
            return taken == TAKEN_BAD ? PH_OPTIONS_BAD : option;
    }
}

bool ph_options_agree(const struct ph_options *options) {
    if (ph_value_same_family(options->gateway, options->bind_address))
        return true;
    char quote[PH_OUTPUT_QUOTE_SIZE], other[PH_OUTPUT_QUOTE_SIZE];
    ph_output_error(options->command, "--bind %s and --gateway %s: one is IPv4, the other IPv6",
                    ph_output_quote(options->bind_address, quote),
                    ph_output_quote(options->gateway, other));
    return false;
}

bool ph_options_finish(const struct ph_options *options, int argc, char **argv) {
    if (optind < argc) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(options->command, "%s: no arguments are taken",
                        ph_output_quote(argv[optind], quote));
        return false;
    }
    return ph_options_agree(options);
}

/* ---- The client ------------------------------------------------------------------------------ */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* `user` is when the client was made. */
static void print_log(enum porthole_log_level level, const char *line, void *user) {
    const double *start = user;
    (void)level;
    fprintf(stderr, "[%9.4f] %s\n", seconds_now() - *start, line);
}

int ph_options_open(const struct ph_options *options, struct porthole **ret_client) {
    static double start;
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.flags = PORTHOLE_NO_THREAD;
    config.methods = options->methods;
    config.gateway = options->gateway;
    config.bind_address = options->bind_address;
    config.discover_timeout_ms = options->timeout_ms;
    config.mapping_timeout_ms = options->timeout_ms;
    if (options->verbosity > 0) {
        start = seconds_now();
        config.log_level = options->verbosity > 1 ? PORTHOLE_LOG_TRACE : PORTHOLE_LOG_DEBUG;
        config.on_log = print_log;
        config.log_user = &start;
    }
    int result = porthole_open(&config, ret_client);
    if (result == PORTHOLE_ERR_INVALID)
        ph_output_error(options->command, "--gateway or --bind: an address that cannot be used");
    else if (result < 0)
        ph_output_error(options->command, "cannot start: %s", porthole_strerror(result));
    return ph_exitcode_of(result);
}

void ph_options_advise(const struct ph_options *options, int code) {
    bool is_gateways = code == PH_EXITCODE_NO_GATEWAY || code == PH_EXITCODE_REFUSED ||
                       code == PH_EXITCODE_TIMEOUT;
    if (is_gateways && !options->json && isatty(STDERR_FILENO))
        fputs("`porthole doctor` tells why, and what to change.\n", stderr);
}

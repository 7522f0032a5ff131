/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * options.h: the command line. Options that several subcommands know are read here, once; what is
 * wrong with an argument is said in one line on standard error that names the argument, and the
 * caller then returns PH_EXITCODE_USAGE. Values point into argv.
 */
#ifndef PH_CLI_OPTIONS_H
#define PH_CLI_OPTIONS_H

#include <getopt.h>
#include <porthole/porthole.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/values.h"

struct ph_options {
    const char *command; /* the subcommand's name, for messages */
    const char *gateway; /* NULL = not given, as below */
    const char *bind_address;
    unsigned methods; /* PORTHOLE_USE_*; 0 = all */
    int timeout_ms;   /* 0 = not given */
    unsigned verbosity;
    bool json;
};

/* Codes of long options without a letter; a subcommand's own begin at PH_OPTION_OWN. */
enum { PH_OPTION_JSON = 256, PH_OPTION_TIMEOUT, PH_OPTION_OWN };

/* What ph_options_next() returns besides the code of a subcommand's own option. */
enum { PH_OPTIONS_END = -1, PH_OPTIONS_BAD = -2, PH_OPTIONS_HELP = 'h' };

/* The shared options, to put into a subcommand's letters and table. The ':' in front makes getopt
 * tell a missing value from an unknown option. */
#define PH_OPTIONS_LETTERS ":g:b:p:vh"
#define PH_OPTIONS_TABLE                                                                           \
    {"gateway", required_argument, NULL, 'g'}, {"bind", required_argument, NULL, 'b'},             \
        {"protocol", required_argument, NULL, 'p'}, {"verbose", no_argument, NULL, 'v'},           \
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, PH_OPTION_JSON}, {           \
        "timeout", required_argument, NULL, PH_OPTION_TIMEOUT                                      \
    }

/* And their lines of help. */
#define PH_OPTIONS_HELP_TEXT                                                                       \
    "  -g, --gateway ADDR     ask this gateway, not the default route's\n"                         \
    "  -b, --bind ADDR        ask from this local address\n"                                       \
    "  -p, --protocol LIST    only these of pcp,natpmp,upnp\n"

/* Reads on to the next option that is the subcommand's own (its value is optarg), to `-h`, or to
 * the end; then argv[optind] on are the arguments that are no options. */
int ph_options_next(struct ph_options *options, int argc, char **argv, const char *letters,
                    const struct option *table);
/* What can only be judged when all has been read; extra arguments are refused. */
bool ph_options_finish(const struct ph_options *options, int argc, char **argv);
/* The part of ph_options_finish() for subcommands with arguments. */
bool ph_options_agree(const struct ph_options *options);

/* A whole number in digits alone; `name` is the option or argument and `what` what it should be,
 * such as "a port". */
bool ph_options_number(const struct ph_options *options, const char *name, const char *text,
                       const char *what, uint32_t min, uint32_t max, uint32_t *ret);

/* PORT[/tcp|/udp|/both]; *ret_tcp and *ret_udp say for which. */
bool ph_options_port(const struct ph_options *options, const char *text, uint16_t *ret_port,
                     bool *ret_tcp, bool *ret_udp);
/* Whether a value is right: `why` is what a function of values.h said of it. */
bool ph_options_value(const struct ph_options *options, const char *name, const char *text,
                      const char *why);

/* Makes a client without a thread by these options. Returns an exit code, and has said why when it
 * is not 0. */
int ph_options_open(const struct ph_options *options, struct porthole **ret_client);

/* Tells a person at a terminal where to look, when the gateway is to blame for an exit code. */
void ph_options_advise(const struct ph_options *options, int code);

#endif

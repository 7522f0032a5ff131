/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_doctor.c: `porthole doctor`: finds out whether this host can be reached from the Internet,
 * why not, and what to do about it, and prints one report. Arguments and the order of things are
 * here; each part of the work is in a doctor_*.c of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/doctor_html.h"
#include "cli/doctor_parts.h"
#include "cli/exitcode.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/replace.h"

static const char doctor_help[] =
    "usage: porthole doctor [OPTION]... [PORT[/tcp|/udp|/both]]\n"
    "Finds out why nobody can reach this host, or that everybody can: looks at this\n"
    "host, asks the router by every protocol, opens a port for a moment, and gives it\n"
    "back. With PORT it also tells whether this host's firewall lets that port in.\n"
    "\n" PH_OPTIONS_HELP_TEXT "      --no-map           open no port to try it\n"
    "      --html FILE        write the report as a page for a browser, too\n"
    "      --redact           replace names and addresses, for posting the report\n"
    "      --timeout S        how long to wait for answers (6; for a port 10)\n"
    "      --json             one JSON object\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole doctor\n"
    "  porthole doctor 8080/tcp             is my own firewall in the way?\n"
    "  porthole doctor --redact > report    something to show to others\n"
    "  porthole doctor --html report.html   the same with pictures\n"
    "  porthole doctor --json | jq -r .verdict\n"
    "exit codes: 0 ports can be opened, 1 something is in the way, 2 usage,\n"
    "            3 nobody answers or no way out, 4 the router refuses\n";

enum { OPTION_NO_MAP = PH_OPTION_OWN, OPTION_REDACT, OPTION_HTML };

static const struct option doctor_options[] = {PH_OPTIONS_TABLE,
                                               {"no-map", no_argument, NULL, OPTION_NO_MAP},
                                               {"redact", no_argument, NULL, OPTION_REDACT},
                                               {"html", required_argument, NULL, OPTION_HTML},
                                               {NULL, 0, NULL, 0}};

struct doctor_arguments {
    struct ph_options options;
    struct ph_doctor_wish wish;
    bool redact;
    const char *page; /* NULL = none */
};

static bool take_arguments(struct doctor_arguments *arguments, int argc, char **argv) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    const struct ph_options *options = &arguments->options;
    if (optind < argc && !ph_options_port(options, argv[optind], &arguments->wish.port,
                                          &arguments->wish.tcp, &arguments->wish.udp))
        return false;
    if (optind + 1 < argc) {
        ph_output_error(options->command, "%s: one port can be asked about at a time",
                        ph_output_quote(argv[optind + 1], quote));
        return false;
    }
    if (arguments->page && (!*arguments->page || strcmp(arguments->page, "-") == 0)) {
        ph_output_error(options->command, "--html %s: the name of a file is needed",
                        ph_output_quote(arguments->page, quote));
        return false;
    }
    return ph_options_agree(options);
}

static void complain_page(const struct doctor_arguments *arguments) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    ph_output_error(arguments->options.command, "--html %s: %s",
                    ph_output_quote(arguments->page, quote), strerror(errno));
}

static int run_doctor(const struct doctor_arguments *arguments) {
    static struct ph_doctor_report report;
    /* Better now than when everything has been asked. */
    if (arguments->page && !ph_replace_try(arguments->page)) {
        complain_page(arguments);
        return PH_EXITCODE_FAILED;
    }
    ph_progress_begin(&arguments->options);
    int code = ph_doctor_gather(&arguments->options, &arguments->wish, &report);
    ph_progress_end();
    if (code != PH_EXITCODE_DONE)
        return code;
    ph_doctor_judge(&report);
    if (arguments->redact)
        ph_doctor_redact(&report);
    bool is_written = !arguments->page || ph_doctor_html_write(arguments->page, &report);
    if (!is_written)
        complain_page(arguments);
    if (arguments->options.json)
        ph_doctor_print_json(&report);
    else
        ph_doctor_print_text(&report);
    return is_written ? ph_doctor_exitcode(report.verdict) : PH_EXITCODE_FAILED;
}

int ph_cmd_doctor(int argc, char **argv) {
    struct doctor_arguments arguments = {.options = {.command = argv[0]}};
    int option;
    while ((option = ph_options_next(&arguments.options, argc, argv, PH_OPTIONS_LETTERS,
                                     doctor_options)) != PH_OPTIONS_END) {
        if (option == PH_OPTIONS_HELP) {
            fputs(doctor_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_BAD)
            return PH_EXITCODE_USAGE;
        arguments.wish.no_map = arguments.wish.no_map || option == OPTION_NO_MAP;
        arguments.redact = arguments.redact || option == OPTION_REDACT;
        if (option == OPTION_HTML)
            arguments.page = optarg;
    }
    return take_arguments(&arguments, argc, argv) ? run_doctor(&arguments) : PH_EXITCODE_USAGE;
}

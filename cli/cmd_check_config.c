/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_check_config.c: `porthole check-config`: reads a configuration file as `porthole serve`
 * would, and says all that is wrong with it, or in short what it asks for. It does nothing else.
 */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/exitcode.h"
#include "cli/options.h"
#include "cli/output.h"

#define DEFAULT_NAME "porthole"
#define SUMMARY_SIZE 400

static const char check_help[] =
    "usage: porthole check-config [--json] [FILE|NAME]\n"
    "Reads a configuration file of porthole serve, and prints a line for each mistake\n"
    "in it, with FILE:LINE, or what it asks for. NAME is /etc/porthole/NAME.conf\n"
    "(without any: porthole.conf); a FILE has a slash in it or ends in .conf.\n"
    "See porthole.conf(5).\n"
    "      --json             one JSON object a line\n"
    "examples:\n"
    "  porthole check-config home\n"
    "  porthole check-config ./ports.conf\n"
    "exit codes: 0 it is good, 1 failed, 2 usage, or it has mistakes\n";

static const struct option check_options[] = {{"json", no_argument, NULL, PH_OPTION_JSON},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void print_problem(const char *path, unsigned line, const char *text, bool json) {
    if (json)
        ph_output_json(json_pack(
            "{s:s, s:o, s:o, s:o}", "event", "problem", "file", ph_output_text(path), "line",
            line ? json_integer(line) : json_null(), "text", ph_output_text(text)));
    else if (line)
        ph_output_line("%s:%u: %s", path, line, text);
    else
        ph_output_line("%s: %s", path, text);
}

static void print_problems(const char *path, const struct ph_config_problems *problems, bool json) {
    char more[64];
    size_t shown =
        problems->count < PH_CONFIG_PROBLEMS_MAX ? problems->count : PH_CONFIG_PROBLEMS_MAX;
    for (size_t i = 0; i < shown; i++)
        print_problem(path, problems->list[i].line, problems->list[i].text, json);
    if (shown == problems->count)
        return;
    snprintf(more, sizeof more, "further problems: %lu", (unsigned long)(problems->count - shown));
    print_problem(path, 0, more, json);
}

/* ---- What it asks for ------------------------------------------------------------------------ */

static const char *protocols_of(const struct ph_port *port) {
    return port->tcp && port->udp ? "both" : port->tcp ? "tcp" : "udp";
}

static void print_section(const struct ph_config_section *section) {
    const struct ph_terms *terms = &section->terms;
    char text[SUMMARY_SIZE] = "";
    size_t len = 0;
    for (size_t i = 0; i < section->port_count && len + 64 < sizeof text; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%u/%s", i ? ", " : "",
                             (unsigned)section->ports[i].number, protocols_of(&section->ports[i]));
    if (terms->external_port)
        snprintf(text + len, sizeof text - len, " by %u outside", (unsigned)terms->external_port);
    ph_output_line("  %s: %s%s%s", section->name, text, terms->exec ? ", exec" : "",
                   terms->file ? ", file" : "");
}

static json_t *pack_section(const struct ph_config_section *section) {
    const struct ph_terms *terms = &section->terms;
    json_t *ports = json_array();
    for (size_t i = 0; i < section->port_count; i++)
        json_array_append_new(ports, json_pack("{s:i, s:s}", "port", (int)section->ports[i].number,
                                               "protocol", protocols_of(&section->ports[i])));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", section->name, "ports", ports, "external",
                     terms->external_port ? json_integer(terms->external_port) : json_null(),
                     "exec", ph_output_text(terms->exec ? terms->exec : ""), "file",
                     ph_output_text(terms->file ? terms->file : ""));
}

static void print_summary(const char *path, const struct ph_config *config, bool json) {
    unsigned long ports = 0;
    if (json) {
        json_t *sections = json_array();
        for (size_t i = 0; i < config->count; i++)
            json_array_append_new(sections, pack_section(&config->sections[i]));
        ph_output_json(json_pack("{s:s, s:o, s:o}", "event", "good", "file", ph_output_text(path),
                                 "sections", sections));
        return;
    }
    for (size_t i = 0; i < config->count; i++)
        ports += config->sections[i].port_count;
    ph_output_line("%s is good: %lu section%s, %lu port%s", path, (unsigned long)config->count,
                   config->count == 1 ? "" : "s", ports, ports == 1 ? "" : "s");
    for (size_t i = 0; i < config->count; i++)
        print_section(&config->sections[i]);
}

/* ---- Arguments ------------------------------------------------------------------------------- */

static int check_file(const char *path, bool json) {
    static struct ph_config_problems problems;
    struct ph_config config;
    if (!ph_config_load(path, &config, &problems)) {
        print_problems(path, &problems, json);
        return PH_EXITCODE_USAGE;
    }
    print_summary(path, &config, json);
    ph_config_free(&config);
    return PH_EXITCODE_DONE;
}

int ph_cmd_check_config(int argc, char **argv) {
    struct ph_options options = {.command = argv[0]};
    char path[PATH_MAX], quote[PH_OUTPUT_QUOTE_SIZE];
    int option = ph_options_next(&options, argc, argv, ":h", check_options);
    if (option == PH_OPTIONS_HELP) {
        fputs(check_help, stdout);
        return PH_EXITCODE_DONE;
    }
    if (option == PH_OPTIONS_BAD)
        return PH_EXITCODE_USAGE;
    if (optind + 1 < argc) {
        ph_output_error(argv[0], "%s: one FILE is taken", ph_output_quote(argv[optind + 1], quote));
        return PH_EXITCODE_USAGE;
    }
    const char *argument = optind < argc ? argv[optind] : DEFAULT_NAME;
    if (!ph_config_path(argument, path, sizeof path)) {
        ph_output_error(argv[0], "%s is not the name of a file", ph_output_quote(argument, quote));
        return PH_EXITCODE_USAGE;
    }
    return check_file(path, options.json);
}

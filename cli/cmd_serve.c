/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_serve.c: `porthole serve`: holds what a configuration file lists, in the foreground, until a
 * signal; reads the file again at SIGHUP; and tells the service manager how it is. Holding is the
 * affair of hold.c, what changes of hold_change.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/stop.h"

/* With what the gateway needs for its answers, well within the 90 s that systemd gives. */
#define END_LIMIT_S 20U
#define STATUS_SIZE 400U
#define DEFAULT_NAME "porthole"

static const char serve_help[] =
    "usage: porthole serve [OPTION]... [NAME]\n"
    "Holds the ports of /etc/porthole/NAME.conf (without a NAME: porthole.conf) until\n"
    "SIGTERM or SIGINT, then removes them. SIGHUP: reads the file again; what stays\n"
    "is not touched, and a file with a mistake changes nothing. See porthole.conf(5)\n"
    "and porthole check-config.\n"
    "  -c, --config FILE      this file\n"
    "      --json             one JSON object a line\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "examples:\n"
    "  porthole serve home\n"
    "  porthole serve --config ./ports.conf\n"
    "  systemctl enable --now porthole@home\n"
    "exit codes: 0 done, 1 failed, 2 usage, or the file is wrong\n";

static const struct option serve_options[] = {{"config", required_argument, NULL, 'c'},
                                              {"json", no_argument, NULL, PH_OPTION_JSON},
                                              {"verbose", no_argument, NULL, 'v'},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};

struct service {
    char path[PATH_MAX];
    struct ph_config config;
    struct ph_hold hold;
    bool is_ready;
    int64_t ready_ms; /* it is called ready then, whatever has not answered */
    bool has_bad_file;
};

/* ---- The file -------------------------------------------------------------------------------- */

/* False: it is wrong, which has been said. */
static bool load(const struct service *service, struct ph_config *ret) {
    static struct ph_config_problems problems;
    const char *command = service->hold.options.command;
    if (ph_config_load(service->path, ret, &problems))
        return true;
    for (size_t i = 0; i < problems.count && i < PH_CONFIG_PROBLEMS_MAX; i++) {
        const struct ph_config_problem *problem = &problems.list[i];
        if (problem->line)
            ph_output_error(command, "%s:%u: %s", service->path, problem->line, problem->text);
        else
            ph_output_error(command, "%s: %s", service->path, problem->text);
    }
    if (problems.count > PH_CONFIG_PROBLEMS_MAX)
        ph_output_error(command, "%s: further problems: %lu", service->path,
                        (unsigned long)(problems.count - PH_CONFIG_PROBLEMS_MAX));
    return false;
}

/* False: no memory, which has been said. */
static bool fill_set(struct ph_hold *hold, const struct ph_config *config, struct ph_set *set) {
    bool is_whole = true;
    for (size_t i = 0; i < config->count && is_whole; i++) {
        const struct ph_config_section *section = &config->sections[i];
        struct ph_group *group = ph_set_add_group(set, section->name, &section->terms);
        is_whole = group != NULL;
        for (size_t j = 0; j < section->port_count && is_whole; j++)
            is_whole = ph_set_add_port(set, hold, group, &section->ports[j]);
    }
    if (!is_whole)
        ph_output_error(hold->options.command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
    return is_whole;
}

static void set_options(struct ph_options *options, const struct ph_config *config) {
    options->gateway = config->gateway;
    options->bind_address = config->bind_address;
    options->methods = config->methods;
    options->timeout_ms = config->timeout_ms;
}

/* ---- What the manager is told ---------------------------------------------------------------- */

static size_t add_status(char *text, size_t len, const struct ph_wish *wish) {
    const struct porthole_mapping *newest = &wish->newest;
    char endpoint[PH_OUTPUT_ENDPOINT_SIZE], part[192];
    const char *protocol = porthole_protocol_name(wish->protocol);
    if (wish->is_open)
        snprintf(part, sizeof part, "%s %u at %s", protocol, (unsigned)wish->port,
                 ph_output_endpoint(newest->external_address, newest->external_port, endpoint));
    else if (newest->error != 0)
        snprintf(part, sizeof part, "%s %u not open (%s)", protocol, (unsigned)wish->port,
                 porthole_strerror(newest->error));
    else
        snprintf(part, sizeof part, "%s %u not open yet", protocol, (unsigned)wish->port);
    bool fits = len + strlen(part) + sizeof ", ..." < STATUS_SIZE;
    return len + (size_t)snprintf(text + len, STATUS_SIZE - len, "%s%s", len > 0 ? ", " : "",
                                  fits ? part : "...");
}

/* "2 of 3 ports open: tcp 8080 at 203.0.113.9:8080, ..." */
static void tell_status(struct service *service) {
    const struct ph_set *set = &service->hold.set;
    char text[STATUS_SIZE] = "", line[STATUS_SIZE + 128];
    unsigned long open = 0, count = 0;
    size_t len = 0;
    if (!service->hold.notify)
        return;
    for (size_t i = 0; i < set->count; i++) {
        const struct ph_wish *wish = set->wishes[i];
        if (wish->is_leaving)
            continue;
        count++;
        open += wish->is_open;
        bool is_full = len > 3 && strcmp(text + len - 3, "...") == 0;
        if (!is_full)
            len = add_status(text, len, wish);
    }
    snprintf(line, sizeof line, "%s%lu of %lu port%s open: %s",
             service->has_bad_file ? "the configuration file is wrong, the former one is in use; "
                                   : "",
             open, count, count == 1 ? "" : "s", text);
    ph_notify_status(service->hold.notify, line);
}

static void tell_ready(struct service *service) {
    if (service->is_ready)
        return;
    if (service->hold.unsettled > 0 && ph_drive_now_ms() < service->ready_ms)
        return;
    service->is_ready = true;
    ph_notify_ready(service->hold.notify);
}

static void begin_waiting(struct service *service) {
    service->is_ready = false;
    service->ready_ms = ph_drive_now_ms() + ph_hold_timeout_ms(&service->hold);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void reload(struct service *service) {
    struct ph_hold *hold = &service->hold;
    struct ph_config next;
    struct ph_hold_plan plan = {.options = hold->options};
    ph_notify_reloading(hold->notify);
    begin_waiting(service);
    bool is_loaded = load(service, &next);
    bool is_changed = is_loaded && fill_set(hold, &next, &plan.set);
    if (is_loaded) {
        set_options(&plan.options, &next);
        plan.state = next.state;
        plan.file = next.file;
    }
    if (is_changed)
        is_changed = ph_hold_change(hold, &plan) == PH_EXITCODE_DONE;
    ph_set_free(&plan.set);
    service->has_bad_file = !is_changed;
    if (is_changed) {
        ph_config_free(&service->config);
        service->config = next;
    } else {
        if (is_loaded)
            ph_config_free(&next);
        ph_output_error(hold->options.command, "%s was not taken; the former one is in use",
                        service->path);
    }
}

/* Until a signal; an exit code. */
static int serve_until_signal(struct service *service) {
    struct ph_hold *hold = &service->hold;
    for (;;) {
        tell_status(service);
        tell_ready(service);
        int number = ph_hold_turn(hold, service->is_ready ? -1 : service->ready_ms);
        if (number == SIGINT || number == SIGTERM)
            return PH_EXITCODE_DONE;
        if (number == SIGHUP)
            reload(service);
        if (number == SIGUSR1)
            ph_hold_refresh(hold);
        if (number < 0) {
            ph_output_error(hold->options.command, "%s", porthole_strerror(number));
            return PH_EXITCODE_FAILED;
        }
        if (ph_output_failed())
            return PH_EXITCODE_FAILED;
    }
}

static int serve(struct service *service) {
    struct ph_hold *hold = &service->hold;
    set_options(&hold->options, &service->config);
    hold->state = service->config.state;
    hold->file = service->config.file;
    hold->talk = hold->options.json ? PH_HOLD_TALK_JSON : PH_HOLD_TALK_LINES;
    hold->end_limit_s = END_LIMIT_S;
    if (!fill_set(hold, &service->config, &hold->set))
        return PH_EXITCODE_FAILED;
    hold->notify = ph_notify_new();
    begin_waiting(service);
    ph_stop_reload_by_hup();
    int code = ph_hold_open(hold);
    ph_stop_catch_also(SIGUSR1);
    if (code == PH_EXITCODE_DONE) {
        ph_hold_remove_stale(hold);
        code = serve_until_signal(service);
    }
    ph_notify_stopping(hold->notify);
    hold->leftover = false; /* of what a change gave back, and was said then */
    if (hold->client)
        ph_hold_leave_all(hold);
    code = ph_hold_close(hold, code);
    ph_notify_free(hold->notify);
    return code;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

/* Where the file is; false: the arguments are wrong, which has been said. */
static bool find_file(struct service *service, const char *config, int argc, char **argv) {
    const char *command = argv[0];
    char quote[PH_OUTPUT_QUOTE_SIZE];
    if (config && optind < argc) {
        ph_output_error(command, "--config and a NAME, %s, contradict",
                        ph_output_quote(argv[optind], quote));
        return false;
    }
    if (optind + 1 < argc) {
        ph_output_error(command, "%s: one NAME is taken", ph_output_quote(argv[optind + 1], quote));
        return false;
    }
    const char *name = optind < argc ? argv[optind] : DEFAULT_NAME;
    size_t len = config ? strlen(config) : 0;
    if (config && len > 0 && len < sizeof service->path) {
        memcpy(service->path, config, len + 1);
        return true;
    }
    if (!config && ph_config_path(name, service->path, sizeof service->path))
        return true;
    ph_output_error(command, "%s%s is not the name of a file", config ? "--config " : "",
                    ph_output_quote(config ? config : name, quote));
    return false;
}

int ph_cmd_serve(int argc, char **argv) {
    static struct service service;
    struct ph_options *options = &service.hold.options;
    const char *config = NULL;
    options->command = argv[0];
    for (;;) {
        int option = ph_options_next(options, argc, argv, ":c:vh", serve_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(serve_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == PH_OPTIONS_BAD)
            return PH_EXITCODE_USAGE;
        config = optarg;
    }
    if (!find_file(&service, config, argc, argv) || !load(&service, &service.config))
        return PH_EXITCODE_USAGE;
    int code = serve(&service);
    ph_hold_free(&service.hold);
    ph_config_free(&service.config);
    return code;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_gather.c: fills a doctor's report with facts: this host, what a probe is told, and what
 * becomes of a port that is opened for a moment and given back. The library asks; this file only
 * watches it and writes down. Progress is shown on standard error where that is a terminal.
 */
#define _POSIX_C_SOURCE 200809L

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "cli/doctor_parts.h"
#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "wire/http.h"

#define PROBE_MS 6000 /* the silent ones are given up after 3.25 s, slow ones are waited for */
#define TRIAL_MS 10000
#define REMOVAL_MS 3000
#define TRIAL_LIFETIME_S 120U /* if it cannot be removed, it is gone soon */

struct trial {
    porthole_id id; /* 0 = none */
    int fd;         /* keeps the port from being given to another program */
    double begun_ms;
    bool is_settled;
    bool is_over;
};

struct gathering {
    struct ph_doctor_report *report;
    struct ph_doctor_attempts attempts;
    struct porthole *client;
    struct trial trials[PH_DOCTOR_METHODS];
    double begun_ms;
    int timeout_ms;
    int stop_fd;
    int listener;   /* see ph_doctor_host_listen() */
    unsigned heard; /* answers to the search that reached the client */
    uint16_t search_port;
    bool is_stopped; /* somebody does not want to wait */
    bool shows_progress;
};

/* ---- Time and progress ----------------------------------------------------------------------- */

static double clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double since_begun_ms(const struct gathering *g) { return clock_ms() - g->begun_ms; }

static void show_progress(const struct gathering *g, const char *what, const char *more) {
    if (g->shows_progress)
        (void)fprintf(stderr, "\r\033[K%4.1f s  %.30s%.40s", since_begun_ms(g) / 1e3, what, more);
}

static void hide_progress(const struct gathering *g) {
    if (g->shows_progress)
        (void)fputs("\r\033[K", stderr);
}

/* A porthole_tap_fn. */
static void watch_packet(const struct porthole_packet *packet, void *user) {
    struct gathering *g = user;
    ph_doctor_attempts_see(&g->attempts, packet, since_begun_ms(g));
    size_t count = g->report->attempt_count;
    if (packet->channel == PORTHOLE_TAP_SEARCH && packet->type == PORTHOLE_TAP_SENT)
        g->search_port = packet->local_port;
    g->heard += packet->channel == PORTHOLE_TAP_SEARCH && packet->type == PORTHOLE_TAP_RECEIVED;
    if (packet->type == PORTHOLE_TAP_SENT && count > 0) {
        const struct ph_doctor_attempt *last = &g->report->attempts[count - 1];
        char more[80];
        ph_doctor_format(more, sizeof more, "%s %s", ph_output_method(last->method), last->what);
        show_progress(g,
                      g->attempts.is_trial ? "a port for a moment: " : "asking the router: ", more);
    }
}

/* ---- The probe ------------------------------------------------------------------------------- */

static void take_answer(struct ph_doctor_report *report, enum porthole_method which,
                        const struct porthole_probe_method *answer) {
    struct ph_doctor_method *method = ph_doctor_method_of(report, which);
    method->is_asked = answer->error != PORTHOLE_ERR_CANCELLED;
    method->error = answer->error;
    method->code = answer->code;
    ph_doctor_format(method->text, sizeof method->text, "%s", answer->text);
    method->rtt_ms = answer->rtt_ms;
    ph_doctor_set_address(&method->external, answer->external_address);
    method->epoch_s = answer->epoch_s;
    method->has_epoch = answer->error == 0 && which != PORTHOLE_UPNP;
}

/* The same place, whether or not it names HTTP's own port. */
static bool is_same_url(const char *a, const char *b) {
    struct ph_url one, other;
    return ph_url_parse(ph_span_of(a), &one) == 0 && ph_url_parse(ph_span_of(b), &other) == 0 &&
           ph_endpoint_equal(&one.host, &other.host) && strcmp(one.path, other.path) == 0;
}

static void mark_devices(struct ph_doctor_report *report, const char *used_url) {
    for (size_t i = 0; i < report->device_count; i++) {
        struct ph_doctor_device *device = &report->devices[i];
        device->is_gateway = strcmp(device->address, report->gateway) == 0;
        device->is_used = is_same_url(device->url, used_url);
    }
}

static void ask_gateway(struct gathering *g) {
    struct ph_doctor_report *report = g->report;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    int result = porthole_probe(g->client, g->timeout_ms ? g->timeout_ms : PROBE_MS, &probe);
    ph_doctor_attempts_end(&g->attempts, since_begun_ms(g));
    unsigned arrived = ph_doctor_host_heard(g->listener, report->local.text, g->search_port);
    report->firewall.dropped_answers = g->heard == 0 ? arrived : 0;
    report->probe_error = result < 0 ? result : 0;
    if (result < 0 && result != PORTHOLE_ERR_NO_GATEWAY)
        return;
    take_answer(report, PORTHOLE_PCP, &probe.pcp);
    take_answer(report, PORTHOLE_NATPMP, &probe.natpmp);
    take_answer(report, PORTHOLE_UPNP, &probe.upnp);
    mark_devices(report, probe.upnp.url);
}

/* ---- The trial ------------------------------------------------------------------------------- */

/* A port that nobody uses, and that nobody listens on: what comes in while it is open is refused.
 */
static int take_port(const char *local, uint16_t *ret_port) {
    struct ph_addr addr;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    socklen_t size = sizeof v4;
    if (!ph_addr_parse(ph_span_of(local), &addr) || !ph_addr_is_v4(&addr))
        return -1;
    memcpy(&v4.sin_addr, ph_addr_v4_bytes(&addr), sizeof v4.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&v4, sizeof v4) != 0 ||
        getsockname(fd, (struct sockaddr *)&v4, &size) != 0) {
        (void)close(fd);
        return -1;
    }
    *ret_port = ntohs(v4.sin_port);
    return fd;
}

/* A porthole_event_fn. */
static void take_event(struct porthole *client, const struct porthole_event *event, void *user) {
    struct gathering *g = user;
    const struct porthole_mapping *mapping = &event->mapping;
    (void)client;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        struct trial *trial = &g->trials[i];
        struct ph_doctor_method *method = &g->report->methods[i];
        if (trial->id != mapping->id)
            continue;
        if (event->type == PORTHOLE_EVENT_UNMAPPED) {
            method->trial_fate = mapping->fate;
            trial->is_over = true;
        }
        if (trial->is_settled)
            continue;
        trial->is_settled = true;
        method->trial_ms = since_begun_ms(g) - trial->begun_ms;
        method->trial_error = event->type == PORTHOLE_EVENT_MAPPED ? 0
                              : mapping->error != 0                ? mapping->error
                                                                   : PORTHOLE_ERR_FAILED;
        method->trial_code = mapping->code;
        ph_doctor_format(method->trial_text, sizeof method->trial_text, "%s", mapping->text);
        if (event->type != PORTHOLE_EVENT_MAPPED)
            continue;
        method->trial_external_port = mapping->external_port;
        method->trial_lifetime_s = mapping->lifetime_s;
        ph_doctor_set_address(&method->trial_external, mapping->external_address);
    }
}

static void start_trial(struct gathering *g, size_t i) {
    struct ph_doctor_method *method = &g->report->methods[i];
    struct trial *trial = &g->trials[i];
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    uint16_t port;
    if (!method->is_asked || method->error != 0)
        return;
    trial->fd = take_port(g->report->local.text, &port);
    if (trial->fd < 0)
        return;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = port;
    request.lifetime_s = TRIAL_LIFETIME_S;
    request.description = "porthole doctor";
    request.methods = 1U << method->method;
    request.on_event = take_event;
    request.user = g;
    trial->begun_ms = since_begun_ms(g);
    method->trial_error = PORTHOLE_ERR_TIMEOUT;
    if (porthole_map(g->client, &request, &trial->id) != 0)
        return;
    method->is_tried = true;
    method->trial_protocol = request.protocol;
    method->trial_internal_port = port;
}

/* Until all trials are settled, or over. */
static void drive_trials(struct gathering *g, bool until_over, int timeout_ms) {
    int64_t until_ms = ph_drive_now_ms() + timeout_ms;
    while (ph_drive_now_ms() < until_ms) {
        bool waits = false;
        for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
            const struct trial *trial = &g->trials[i];
            waits = waits || (trial->id != 0 && !(until_over ? trial->is_over : trial->is_settled));
        }
        int result = waits ? ph_drive(g->client, g->stop_fd, until_ms) : -1;
        if (result < 0)
            return;
        if (result == 1 && ph_stop_next(g->stop_fd) != 0) {
            g->is_stopped = true; /* what was opened is given back all the same */
            if (!until_over)
                return;
        }
    }
}

static void try_mappings(struct gathering *g) {
    g->attempts.is_trial = true;
    g->stop_fd = ph_stop_catch();
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        start_trial(g, i);
    drive_trials(g, false, g->timeout_ms ? g->timeout_ms : TRIAL_MS);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        struct trial *trial = &g->trials[i];
        if (trial->id != 0 && !trial->is_settled)
            g->report->methods[i].trial_ms = since_begun_ms(g) - trial->begun_ms;
        trial->is_settled = true;
        if (trial->id != 0)
            (void)porthole_unmap(g->client, trial->id);
    }
    drive_trials(g, true, REMOVAL_MS);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        if (g->trials[i].fd >= 0)
            (void)close(g->trials[i].fd);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void begin_report(struct ph_doctor_report *report, const struct ph_doctor_wish *wish) {
    static const enum porthole_method methods[PH_DOCTOR_METHODS] = {PORTHOLE_PCP, PORTHOLE_NATPMP,
                                                                    PORTHOLE_UPNP};
    time_t now = time(NULL);
    struct tm utc;
    ph_doctor_format(report->version, sizeof report->version, "%s", porthole_version());
    if (gmtime_r(&now, &utc))
        (void)strftime(report->begun, sizeof report->begun, "%Y-%m-%dT%H:%M:%SZ", &utc);
    report->is_map_allowed = !wish->no_map;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report->methods[i].method = methods[i];
}

static void look_at_paths(struct gathering *g) {
    struct ph_doctor_report *report = g->report;
    char local[PORTHOLE_ADDRESS_SIZE] = "";
    (void)porthole_gateway_address(g->client, report->gateway, sizeof report->gateway);
    if (porthole_local_address(g->client, local, sizeof local) != 0)
        ph_doctor_format(local, sizeof local, "%s", report->way.source);
    ph_doctor_set_address(&report->local, local);
}

int ph_doctor_gather(const struct ph_options *options, const struct ph_doctor_wish *wish,
                     struct ph_doctor_report *report) {
    struct gathering g = {.report = report,
                          .attempts = {.report = report},
                          .begun_ms = clock_ms(),
                          .timeout_ms = options->timeout_ms,
                          .stop_fd = -1,
                          .shows_progress = options->verbosity == 0 && isatty(STDERR_FILENO)};
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        g.trials[i].fd = -1;
    begin_report(report, wish);
    int code = ph_options_open(options, &g.client);
    if (code != PH_EXITCODE_DONE)
        return code;
    ph_doctor_host_look(report);
    look_at_paths(&g);
    g.listener = ph_doctor_host_listen(ph_doctor_interface_of(report, report->local.text));
    (void)porthole_tap(g.client, watch_packet, &g);
    show_progress(&g, "looking at this host", "");
    ask_gateway(&g);
    if (report->is_map_allowed && report->local.reach != PORTHOLE_REACH_PUBLIC)
        try_mappings(&g);
    (void)porthole_close(g.client, REMOVAL_MS);
    ph_doctor_attempts_end(&g.attempts, since_begun_ms(&g));
    if (g.is_stopped) {
        hide_progress(&g);
        ph_output_error(options->command, "interrupted");
        return PH_EXITCODE_FAILED;
    }
    show_progress(&g, "looking at this host", "");
    ph_doctor_host_neighbours(report);
    ph_doctor_firewall_look(report, wish);
    report->elapsed_ms = since_begun_ms(&g);
    hide_progress(&g);
    return PH_EXITCODE_DONE;
}

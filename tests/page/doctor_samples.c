/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_samples.c: see doctor_samples.h. A household with a router, a VPN and IPv6; each verdict
 * changes what differs there. Addresses are those for documentation, and none is anybody's.
 */
#include "tests/page/doctor_samples.h"

#include <stdio.h>
#include <string.h>

#define SET(field, ...) snprintf((field), sizeof(field), __VA_ARGS__)

static struct ph_doctor_address address_of(const char *text, enum porthole_reach reach,
                                           unsigned prefix) {
    struct ph_doctor_address address = {.reach = reach, .prefix = prefix};
    SET(address.text, "%s", text);
    return address;
}

/* ---- What is asked --------------------------------------------------------------------------- */

static struct ph_doctor_attempt *add_attempt(struct ph_doctor_report *report,
                                             enum porthole_method method, const char *what,
                                             double start_ms, double end_ms,
                                             enum ph_doctor_outcome outcome, const char *text) {
    struct ph_doctor_attempt *attempt = &report->attempts[report->attempt_count++];
    *attempt = (struct ph_doctor_attempt){.method = method,
                                          .start_ms = start_ms,
                                          .end_ms = end_ms,
                                          .outcome = outcome,
                                          .code = -1,
                                          .send_count = 1};
    attempt->send_ms[0] = start_ms;
    SET(attempt->what, "%s", what);
    SET(attempt->text, "%s", text);
    SET(attempt->to, "192.168.1.1:%s", method == PORTHOLE_UPNP ? "5000" : "5351");
    if (outcome == PH_DOCTOR_OUTCOME_ANSWERED || outcome == PH_DOCTOR_OUTCOME_REFUSED)
        memcpy(attempt->from, attempt->to, sizeof attempt->from);
    return attempt;
}

static void add_silent(struct ph_doctor_report *report, enum porthole_method method,
                       const char *what, double start_ms) {
    static const double later_ms[] = {0, 252, 768, 1790, 3110};
    struct ph_doctor_attempt *attempt =
        add_attempt(report, method, what, start_ms, start_ms + 3250, PH_DOCTOR_OUTCOME_SILENT, "");
    attempt->send_count = sizeof later_ms / sizeof later_ms[0];
    for (size_t i = 0; i < attempt->send_count; i++)
        attempt->send_ms[i] = start_ms + later_ms[i];
}

static void ask_upnp(struct ph_doctor_report *report, const char *external) {
    char text[64];
    struct ph_doctor_attempt *search =
        add_attempt(report, PORTHOLE_UPNP, "M-SEARCH InternetGatewayDevice:1", 26.9, 30.2,
                    PH_DOCTOR_OUTCOME_ANSWERED, "http://192.168.1.1:5000/rootDesc.xml");
    SET(search->to, "239.255.255.250:1900");
    SET(search->from, "192.168.1.1:1900");
    add_attempt(report, PORTHOLE_UPNP, "M-SEARCH InternetGatewayDevice:2", 26.9, 61.0,
                PH_DOCTOR_OUTCOME_DROPPED, "");
    add_attempt(report, PORTHOLE_UPNP, "GET /rootDesc.xml", 30.4, 41.7, PH_DOCTOR_OUTCOME_ANSWERED,
                "OK, 2841 bytes")
        ->code = 200;
    snprintf(text, sizeof text, "OK, %s", external);
    add_attempt(report, PORTHOLE_UPNP, "GetExternalIPAddress", 42.1, 60.8,
                PH_DOCTOR_OUTCOME_ANSWERED, text)
        ->code = 200;
}

static void try_upnp(struct ph_doctor_report *report) {
    struct ph_doctor_attempt *add =
        add_attempt(report, PORTHOLE_UPNP, "AddPortMapping tcp 52811 for 120 s", 3262.4, 3301.9,
                    PH_DOCTOR_OUTCOME_REFUSED, "OnlyPermanentLeasesSupported");
    add->code = 725;
    add->is_trial = true;
    add = add_attempt(report, PORTHOLE_UPNP, "AddPortMapping tcp 52811 for ever", 3302.3, 3340.5,
                      PH_DOCTOR_OUTCOME_ANSWERED, "OK");
    add->code = 200;
    add->is_trial = true;
    add = add_attempt(report, PORTHOLE_UPNP, "DeletePortMapping tcp 52811", 3341.0, 3377.2,
                      PH_DOCTOR_OUTCOME_ANSWERED, "OK");
    add->code = 200;
    add->is_trial = true;
}

/* ---- Who is there ---------------------------------------------------------------------------- */

static void add_interface(struct ph_doctor_report *report, const char *name,
                          enum ph_doctor_link link, const char *kind, const char *v4,
                          const char *v6) {
    struct ph_doctor_interface *interface = &report->interfaces[report->interface_count++];
    *interface = (struct ph_doctor_interface){
        .link = link, .mtu = 1500, .is_up = true, .is_running = *v4 != '\0'};
    SET(interface->name, "%s", name);
    SET(interface->kind, "%s", kind);
    if (link == PH_DOCTOR_LINK_ETHERNET)
        SET(interface->mac, "02:00:5e:10:00:01");
    if (*v4)
        interface->addresses[interface->address_count++] =
            address_of(v4, PORTHOLE_REACH_PRIVATE, 24);
    if (*v6)
        interface->addresses[interface->address_count++] =
            address_of(v6, PORTHOLE_REACH_PUBLIC, 64);
}

static void add_hop(struct ph_doctor_report *report, enum ph_doctor_hop_kind kind,
                    const char *label, const char *name, const char *inside, const char *outside) {
    struct ph_doctor_hop *hop = &report->hops[report->hop_count++];
    *hop = (struct ph_doctor_hop){.kind = kind, .state = PH_DOCTOR_HOP_FINE};
    SET(hop->label, "%s", label);
    SET(hop->name, "%s", name);
    SET(hop->inside, "%s", inside);
    SET(hop->outside, "%s", outside);
}

static void add_household(struct ph_doctor_report *report) {
    add_interface(report, "enp3s0", PH_DOCTOR_LINK_ETHERNET, "", "192.168.1.23",
                  "2001:db8:4c1e:7700:9d05:fe31:77a0:1c2b");
    add_interface(report, "wlp2s0", PH_DOCTOR_LINK_ETHERNET, "", "", "");
    add_interface(report, "wg-office", PH_DOCTOR_LINK_TUNNEL, "wireguard", "10.8.0.2", "");
    struct ph_doctor_route *route = &report->routes[report->route_count++];
    route->metric = 100;
    SET(route->destination, "default");
    SET(route->gateway, "192.168.1.1");
    SET(route->interface, "enp3s0");
    report->way = (struct ph_doctor_way){.is_there = true, .link = PH_DOCTOR_LINK_ETHERNET};
    SET(report->way.gateway, "192.168.1.1");
    SET(report->way.interface, "enp3s0");
    SET(report->way.source, "192.168.1.23");
    struct ph_doctor_neighbour *neighbour = &report->neighbours[report->neighbour_count++];
    neighbour->is_gateway = neighbour->is_resolved = true;
    SET(neighbour->address, "192.168.1.1");
    SET(neighbour->interface, "enp3s0");
    SET(neighbour->mac, "02:00:5e:10:00:ff");
    struct ph_doctor_device *device = &report->devices[report->device_count++];
    device->is_gateway = device->is_used = true;
    SET(device->address, "192.168.1.1");
    SET(device->url, "http://192.168.1.1:5000/rootDesc.xml");
    SET(device->server, "Linux/5.10 UPnP/1.1 MiniUPnPd/2.3.1");
    SET(device->name, "Attic router");
    SET(device->maker, "Example Networks");
    SET(device->model, "EN-2200");
    SET(device->service, "WANIPConnection:1");
    report->firewall.is_read = report->firewall.is_tcp_wanted = report->firewall.is_udp_wanted =
        true;
    SET(report->firewall.what, "nftables, 12 rules for input");
    report->firewall.answers.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    SET(report->firewall.answers.rule, "inet filter input, rule 4: accept");
    report->firewall.inbound_tcp.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    SET(report->firewall.inbound_tcp.rule, "the policy of inet filter input: accept");
    report->firewall.inbound_udp.effect = PH_DOCTOR_EFFECT_UNSURE;
    SET(report->firewall.inbound_udp.rule, "inet filter input, rule 7: by a set of addresses");
}

static void set_methods(struct ph_doctor_report *report, const char *external,
                        enum porthole_reach reach) {
    static const enum porthole_method methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report->methods[i] = (struct ph_doctor_method){.method = methods[i], .is_asked = true};
    struct ph_doctor_method *pcp = &report->methods[0], *natpmp = &report->methods[1];
    struct ph_doctor_method *upnp = &report->methods[2];
    pcp->error = PORTHOLE_ERR_NO_GATEWAY;
    SET(pcp->text, "the gateway did not answer");
    natpmp->error = PORTHOLE_ERR_NO_GATEWAY;
    SET(natpmp->text, "the gateway did not answer");
    upnp->rtt_ms = 18.7;
    upnp->external = address_of(external, reach, 0);
    upnp->is_tried = true;
    upnp->trial_protocol = PORTHOLE_TCP;
    upnp->trial_internal_port = upnp->trial_external_port = 52811;
    upnp->trial_external = upnp->external;
    upnp->trial_ms = 78.1;
    upnp->trial_fate = PORTHOLE_FATE_REMOVED;
}

static void begin(struct ph_doctor_report *report) {
    memset(report, 0, sizeof *report);
    SET(report->version, "0.1.0");
    SET(report->system, "Linux 6.1.0 x86_64");
    SET(report->host, "attic");
    SET(report->begun, "2026-03-01T12:00:00Z");
    report->elapsed_ms = 3391.8;
    report->is_map_allowed = true;
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

/* What a verdict looks like: who is on the way behind the router, and where it ends. */
struct case_of {
    const char *external;
    enum porthole_reach reach;
    size_t blocked;     /* index of the hop; 9 = none */
    const char *behind; /* the second NAT's label; NULL = there is none */
    const char *reason;
    const char *advice[4];
};

static const struct case_of cases[] = {
    [PH_DOCTOR_DIRECT] = {"203.0.113.9",
                          PORTHOLE_REACH_PUBLIC,
                          9,
                          NULL,
                          "This host has the public address 203.0.113.9 itself.",
                          {"Nothing is needed: listen on the port."}},
    [PH_DOCTOR_MAPPED] =
        {"203.0.113.9",
         PORTHOLE_REACH_PUBLIC,
         9,
         NULL,
         "A trial port was opened by UPnP and given back, and the router's external address, "
         "203.0.113.9, is public.",
         {"Run: porthole map PORT"}},
    [PH_DOCTOR_MAPPABLE] = {"203.0.113.9",
                            PORTHOLE_REACH_PUBLIC,
                            9,
                            NULL,
                            "The router answers by UPnP; no trial was made.",
                            {"Run the doctor without --no-map to be sure."}},
    [PH_DOCTOR_HOST_FIREWALL] =
        {"203.0.113.9",
         PORTHOLE_REACH_PUBLIC,
         0,
         NULL,
         "The router opened a trial port, but a rule of this host's firewall drops new connections "
         "from outside.",
         {"Allow the port: nft add rule inet filter input tcp dport PORT accept",
          "With ufw: ufw allow PORT/tcp"}},
    [PH_DOCTOR_DOUBLE_NAT] = {"192.168.0.14",
                              PORTHOLE_REACH_PRIVATE,
                              2,
                              "second router",
                              "The router's external address, 192.168.0.14, is private: behind it "
                              "is another router, and "
                              "that one does not know of the port.",
                              {"Switch one of the two to bridge mode.",
                               "Or forward the port in the outer router to 192.168.0.14.",
                               "Or connect this host to the outer router."}},
    [PH_DOCTOR_CARRIER_NAT] =
        {"100.72.14.9",
         PORTHOLE_REACH_SHARED,
         2,
         "carrier NAT",
         "The router opens ports, but its external address, 100.72.14.9, is one of those that "
         "providers share among customers (100.64.0.0/10). Connections from the Internet end "
         "at the provider.",
         {"Ask the provider for a public IPv4 address; some give one for nothing.",
          "Use IPv6 if the other side has it: it is not shared.",
          "Or rent a host with a public address and reach this one through a tunnel."}},
    [PH_DOCTOR_NO_UPLINK] = {"",
                             PORTHOLE_REACH_UNKNOWN,
                             1,
                             NULL,
                             "The router answers, but has no external address: it is not "
                             "connected to the provider.",
                             {"Look at the router's own page; restart it."}},
    [PH_DOCTOR_REFUSED] = {"203.0.113.9",
                           PORTHOLE_REACH_PUBLIC,
                           1,
                           NULL,
                           "The router answered every request to open a port with an error: "
                           "NotAuthorized (606).",
                           {"Allow UPnP for this host in the router's settings."}},
    [PH_DOCTOR_TWO_ROUTERS] = {"203.0.113.9",
                               PORTHOLE_REACH_PUBLIC,
                               9,
                               NULL,
                               "Both 192.168.1.1 and 192.168.1.254 offer to open ports; the "
                               "default route leads to the first.",
                               {"Switch UPnP off in the one that is not the way out."}},
    [PH_DOCTOR_FILTERED] = {"",
                            PORTHOLE_REACH_UNKNOWN,
                            0,
                            NULL,
                            "The gateway answers on the link, but no answer to a search comes "
                            "in, and this host's firewall drops such answers.",
                            {"Allow UDP from port 1900 of 192.168.1.1."}},
    [PH_DOCTOR_NO_PROTOCOL] =
        {"",
         PORTHOLE_REACH_UNKNOWN,
         1,
         NULL,
         "192.168.1.1 is there, but answers neither PCP nor NAT-PMP nor UPnP.",
         {"Switch on UPnP, NAT-PMP or PCP in the router's settings, often under NAT or Security.",
          "Or forward the port there by hand."}},
    [PH_DOCTOR_VPN] = {"",
                       PORTHOLE_REACH_UNKNOWN,
                       1,
                       NULL,
                       "All packets go through the tunnel wg-office, whose far end opens no ports.",
                       {"Use a VPN that forwards ports, or let this program go around it."}},
    [PH_DOCTOR_NO_ROUTE] = {"",
                            PORTHOLE_REACH_UNKNOWN,
                            0,
                            NULL,
                            "There is no default route: the cable or the radio link is missing.",
                            {"Connect this host to a network."}},
    [PH_DOCTOR_UNCLEAR] = {"",
                           PORTHOLE_REACH_UNKNOWN,
                           9,
                           NULL,
                           "The answers do not fit together.",
                           {"Send this page to the project, made with --redact."}}};

static void add_path(struct ph_doctor_report *report, const struct case_of *this_case) {
    bool has_router = report->verdict != PH_DOCTOR_DIRECT && report->verdict != PH_DOCTOR_NO_ROUTE;
    add_hop(report, PH_DOCTOR_HOP_HOST, "this host", "attic",
            has_router ? "192.168.1.23" : this_case->external, "");
    if (report->verdict == PH_DOCTOR_VPN)
        add_hop(report, PH_DOCTOR_HOP_TUNNEL, "VPN", "wg-office", "10.8.0.1", "");
    else if (has_router)
        add_hop(report, PH_DOCTOR_HOP_GATEWAY, "router", "Attic router", "192.168.1.1",
                this_case->external);
    if (this_case->behind)
        add_hop(report, PH_DOCTOR_HOP_NAT, this_case->behind, "", "", "");
    add_hop(report, PH_DOCTOR_HOP_INTERNET, "Internet", "", "", "");
    if (!ph_doctor_is_good(report->verdict))
        report->hops[report->hop_count - 1].state = PH_DOCTOR_HOP_UNKNOWN;
    if (this_case->blocked < report->hop_count) {
        struct ph_doctor_hop *blocked = &report->hops[this_case->blocked];
        blocked->state = PH_DOCTOR_HOP_BLOCKED;
        SET(blocked->note, "connections from outside end here");
    }
    if (report->verdict == PH_DOCTOR_UNCLEAR || report->verdict == PH_DOCTOR_MAPPABLE)
        report->hops[1].state = PH_DOCTOR_HOP_UNKNOWN;
}

void ph_sample_verdict(enum ph_doctor_verdict verdict, struct ph_doctor_report *ret) {
    const struct case_of *this_case = &cases[verdict];
    begin(ret);
    ret->verdict = verdict;
    SET(ret->reason, "%s", this_case->reason);
    for (; ret->advice_count < 4 && this_case->advice[ret->advice_count]; ret->advice_count++)
        SET(ret->advice[ret->advice_count], "%s", this_case->advice[ret->advice_count]);
    add_path(ret, this_case);
    set_methods(ret, this_case->external, this_case->reach);
    if (verdict == PH_DOCTOR_NO_ROUTE || verdict == PH_DOCTOR_VPN) {
        for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
            ret->methods[i] = (struct ph_doctor_method){.method = ret->methods[i].method};
        add_interface(ret, "enp3s0", PH_DOCTOR_LINK_ETHERNET, "", "", "");
        SET(ret->firewall.what, "the rules can be read by root only");
        return;
    }
    SET(ret->gateway, "192.168.1.1");
    ret->local = address_of("192.168.1.23", PORTHOLE_REACH_PRIVATE, 24);
    add_household(ret);
    add_silent(ret, PORTHOLE_PCP, "MAP udp 9 for 60 s", 3.1);
    add_silent(ret, PORTHOLE_NATPMP, "external address", 3.2);
    if (*this_case->external) {
        ask_upnp(ret, this_case->external);
        try_upnp(ret);
        ret->note_count = 1;
        SET(ret->notes[0], "The router grants leases without end only (error 725).");
    } else {
        ret->methods[2].error = PORTHOLE_ERR_NO_GATEWAY;
        ret->methods[2].is_tried = false;
        SET(ret->methods[2].text, "no device answered the search");
        add_silent(ret, PORTHOLE_UPNP, "M-SEARCH InternetGatewayDevice:1", 26.9);
        ret->device_count = 0;
        ret->firewall.dropped_answers = verdict == PH_DOCTOR_FILTERED ? 3 : 0;
        add_attempt(ret, PORTHOLE_NATPMP, "external address", 9.5, 9.9, PH_DOCTOR_OUTCOME_CLOSED,
                    "nothing listens there");
        add_attempt(ret, PORTHOLE_UPNP, "GET /", 12, 14, PH_DOCTOR_OUTCOME_FAILED,
                    "connection reset");
    }
}

/* ---- Extremes -------------------------------------------------------------------------------- */

void ph_sample_empty(struct ph_doctor_report *ret) {
    memset(ret, 0, sizeof *ret);
    ret->verdict = PH_DOCTOR_UNCLEAR;
    ret->methods[0].method = PORTHOLE_PCP;
    ret->methods[1].method = PORTHOLE_NATPMP;
    ret->methods[2].method = PORTHOLE_UPNP;
}

/* The text again and again until the field is full. */
static void fill(char *field, size_t size, const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0; i + 1 < size; i++)
        field[i] = text[i % len];
    field[size - 1] = '\0';
}
#define FILL(field) fill((field), sizeof(field), text)

static void fill_host(const char *text, struct ph_doctor_report *report) {
    report->interface_count = PH_DOCTOR_INTERFACES_MAX;
    for (size_t i = 0; i < PH_DOCTOR_INTERFACES_MAX; i++) {
        struct ph_doctor_interface *interface = &report->interfaces[i];
        FILL(interface->name);
        FILL(interface->kind);
        FILL(interface->mac);
        interface->link = PH_DOCTOR_LINK_TUNNEL;
        interface->mtu = 65536;
        interface->address_count = PH_DOCTOR_ADDRESSES_MAX;
        for (size_t k = 0; k < PH_DOCTOR_ADDRESSES_MAX; k++) {
            FILL(interface->addresses[k].text);
            interface->addresses[k].prefix = 128;
        }
    }
    report->route_count = PH_DOCTOR_ROUTES_MAX;
    for (size_t i = 0; i < PH_DOCTOR_ROUTES_MAX; i++) {
        FILL(report->routes[i].destination);
        FILL(report->routes[i].gateway);
        FILL(report->routes[i].interface);
    }
    report->neighbour_count = PH_DOCTOR_NEIGHBOURS_MAX;
    for (size_t i = 0; i < PH_DOCTOR_NEIGHBOURS_MAX; i++) {
        report->neighbours[i].is_resolved = i % 2;
        FILL(report->neighbours[i].address);
        FILL(report->neighbours[i].interface);
        FILL(report->neighbours[i].mac);
    }
    report->way.is_there = true;
    FILL(report->way.gateway);
    FILL(report->way.interface);
    FILL(report->way.source);
    report->firewall.is_read = report->firewall.is_tcp_wanted = report->firewall.is_udp_wanted =
        true;
    FILL(report->firewall.what);
    FILL(report->firewall.hint);
    FILL(report->firewall.answers.rule);
    FILL(report->firewall.inbound_tcp.rule);
    FILL(report->firewall.inbound_udp.rule);
}

static void fill_attempts(const char *text, struct ph_doctor_report *report) {
    static const double odd_ms[] = {-1, 0, 1e300, 59999};
    report->attempt_count = PH_DOCTOR_ATTEMPTS_MAX;
    report->attempts_left_out = 1000;
    for (size_t i = 0; i < PH_DOCTOR_ATTEMPTS_MAX; i++) {
        struct ph_doctor_attempt *attempt = &report->attempts[i];
        attempt->method = report->methods[i % PH_DOCTOR_METHODS].method;
        attempt->start_ms = odd_ms[i % 4];
        attempt->end_ms = odd_ms[i / 4 % 4];
        attempt->send_count = i;
        for (size_t k = 0; k < PH_DOCTOR_SENDS_MAX; k++)
            attempt->send_ms[k] = odd_ms[(i + k) % 4] / 2;
        attempt->outcome = (enum ph_doctor_outcome)(i % (PH_DOCTOR_OUTCOME_DROPPED + 1));
        attempt->code = -2147483647;
        attempt->is_trial = i % 2;
        FILL(attempt->what);
        FILL(attempt->to);
        FILL(attempt->from);
        FILL(attempt->text);
    }
}

static void fill_methods(const char *text, struct ph_doctor_report *report) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        struct ph_doctor_method *method = &report->methods[i];
        method->is_asked = method->is_tried = true;
        method->error = i == 1 ? PORTHOLE_ERR_REFUSED : 0;
        method->trial_error = i == 2 ? PORTHOLE_ERR_REFUSED : 0;
        method->rtt_ms = method->trial_ms = 1e300;
        method->has_epoch = true;
        method->epoch_s = method->trial_lifetime_s = UINT32_MAX;
        FILL(method->text);
        FILL(method->trial_text);
        FILL(method->external.text);
        FILL(method->trial_external.text);
    }
    report->device_count = PH_DOCTOR_DEVICES_MAX;
    for (size_t i = 0; i < PH_DOCTOR_DEVICES_MAX; i++) {
        FILL(report->devices[i].address);
        FILL(report->devices[i].url);
        FILL(report->devices[i].server);
        FILL(report->devices[i].name);
        FILL(report->devices[i].maker);
        FILL(report->devices[i].model);
        FILL(report->devices[i].service);
    }
}

void ph_sample_fill(const char *text, struct ph_doctor_report *ret) {
    ph_sample_empty(ret);
    FILL(ret->version);
    FILL(ret->system);
    FILL(ret->host);
    FILL(ret->begun);
    FILL(ret->gateway);
    FILL(ret->local.text);
    FILL(ret->reason);
    ret->is_redacted = true;
    ret->elapsed_ms = 1e300;
    ret->advice_count = PH_DOCTOR_ADVICE_MAX;
    for (size_t i = 0; i < PH_DOCTOR_ADVICE_MAX; i++)
        FILL(ret->advice[i]);
    ret->note_count = PH_DOCTOR_NOTES_MAX;
    for (size_t i = 0; i < PH_DOCTOR_NOTES_MAX; i++)
        FILL(ret->notes[i]);
    ret->hop_count = PH_DOCTOR_HOPS_MAX;
    for (size_t i = 0; i < PH_DOCTOR_HOPS_MAX; i++) {
        struct ph_doctor_hop *hop = &ret->hops[i];
        hop->kind = (enum ph_doctor_hop_kind)i;
        hop->state = i == 1 ? PH_DOCTOR_HOP_BLOCKED : PH_DOCTOR_HOP_UNKNOWN;
        FILL(hop->label);
        FILL(hop->name);
        FILL(hop->inside);
        FILL(hop->outside);
        FILL(hop->note);
    }
    fill_host(text, ret);
    fill_methods(text, ret);
    fill_attempts(text, ret);
}

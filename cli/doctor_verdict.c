/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_verdict.c: from the facts of a report to its verdict, and the picture of the path. It
 * reads the report alone, so that every case can be tested with facts that are made up.
 */
#include <string.h>

#include "cli/doctor_judge.h"

/* ---- What the facts say ---------------------------------------------------------------------- */

static bool is_answering(const struct ph_doctor_method *method) {
    return method->is_asked && method->error == 0;
}

static bool is_granted(const struct ph_doctor_method *method) {
    return method->is_tried && method->trial_error == 0;
}

/* The gateway said no, to the probe or the trial; a version or a method that it does not know is
 * none. */
static int refusal_of(const struct ph_doctor_method *method) {
    int error = method->is_tried && method->error == 0 ? method->trial_error : method->error;
    bool is_refusal = error <= PORTHOLE_ERR_REFUSED && error > PORTHOLE_ERR_MALFORMED &&
                      error != PORTHOLE_ERR_UNSUPPORTED;
    return method->is_asked && is_refusal ? error : 0;
}

const struct ph_doctor_address *ph_doctor_external_of(const struct ph_doctor_method *method) {
    return is_granted(method) && *method->trial_external.text ? &method->trial_external
                                                              : &method->external;
}

const struct ph_doctor_device *ph_doctor_used_device(const struct ph_doctor_report *report) {
    for (size_t i = 0; i < report->device_count; i++)
        if (report->devices[i].is_used)
            return &report->devices[i];
    return NULL;
}

const struct ph_doctor_neighbour *
ph_doctor_gateway_neighbour(const struct ph_doctor_report *report) {
    for (size_t i = 0; i < report->neighbour_count; i++)
        if (report->neighbours[i].is_gateway)
            return &report->neighbours[i];
    return NULL;
}

/* An address at which nobody is: a gateway without an uplink tells 0.0.0.0. */
static bool is_nowhere(const struct ph_doctor_address *address) {
    return !*address->text || strcmp(address->text, "0.0.0.0") == 0 ||
           strcmp(address->text, "::") == 0;
}

static void collect_methods(const struct ph_doctor_report *report, struct ph_doctor_findings *ret) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        const struct ph_doctor_method *method = &report->methods[i];
        const struct ph_doctor_address *external = ph_doctor_external_of(method);
        int refusal = refusal_of(method);
        ret->answers += is_answering(method) ? 1 : 0;
        ret->asked += method->is_asked ? 1 : 0;
        ret->tried += method->is_tried ? 1 : 0;
        if (is_granted(method) && !ret->granted)
            ret->granted = method;
        if (refusal == PORTHOLE_ERR_NO_UPLINK)
            ret->has_no_uplink = true;
        else if (refusal != 0 && !ret->refused)
            ret->refused = method;
        if (method->is_asked && !is_answering(method) && method->error < PORTHOLE_ERR_REFUSED &&
            !ret->odd && refusal == 0 && method->error != PORTHOLE_ERR_UNSUPPORTED)
            ret->odd = method;
        if (!is_answering(method))
            continue;
        if (is_nowhere(external))
            continue;
        if (!ret->told || (is_granted(method) && !is_granted(ret->told)))
            ret->told = method;
    }
    /* What two of them tell must be the same. */
    for (size_t i = 0; i < PH_DOCTOR_METHODS && ret->told; i++) {
        const struct ph_doctor_method *method = &report->methods[i];
        const struct ph_doctor_address *external = ph_doctor_external_of(method);
        if (is_answering(method) && !is_nowhere(external) && !ret->contrary &&
            strcmp(external->text, ph_doctor_external_of(ret->told)->text) != 0)
            ret->contrary = method;
    }
}

/* What the user's port needs and this host's firewall drops. */
static const struct ph_doctor_filter *find_shut(const struct ph_doctor_firewall *firewall) {
    if (firewall->port == 0)
        return NULL;
    if (firewall->is_tcp_wanted && firewall->inbound_tcp.effect == PH_DOCTOR_EFFECT_DROPPED)
        return &firewall->inbound_tcp;
    if (firewall->is_udp_wanted && firewall->inbound_udp.effect == PH_DOCTOR_EFFECT_DROPPED)
        return &firewall->inbound_udp;
    return NULL;
}

static void collect(const struct ph_doctor_report *report, struct ph_doctor_findings *ret) {
    const struct ph_doctor_device *used = ph_doctor_used_device(report);
    const struct ph_doctor_neighbour *neighbour = ph_doctor_gateway_neighbour(report);
    *ret = (struct ph_doctor_findings){.answers = 0};
    collect_methods(report, ret);
    ret->has_gateway = *report->gateway != '\0';
    ret->is_gateway_gone = neighbour && !neighbour->is_resolved;
    /* Mappings are made at another router than the one by which answers leave. */
    ret->is_other_router = used && !used->is_gateway &&
                           (!ret->granted || ret->granted->method == PORTHOLE_UPNP) &&
                           report->methods[0].error != 0 && report->methods[1].error != 0;
    ret->is_vpn = report->way.is_there && report->way.link == PH_DOCTOR_LINK_TUNNEL;
    /* The gateway that was asked is not the one beyond the tunnel. */
    ret->is_beside_vpn = ret->is_vpn && ret->has_gateway &&
                         report->local.reach != PORTHOLE_REACH_LOOPBACK &&
                         strcmp(report->local.text, report->way.source) != 0;
    ret->shut = find_shut(&report->firewall);
}

/* ---- The verdict ----------------------------------------------------------------------------- */

static enum ph_doctor_verdict judge_silence(const struct ph_doctor_report *report,
                                            const struct ph_doctor_findings *f) {
    bool all_unreachable = f->asked > 0;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        const struct ph_doctor_method *method = &report->methods[i];
        if (method->is_asked && method->error != PORTHOLE_ERR_UNREACHABLE)
            all_unreachable = false;
    }
    if (f->has_no_uplink)
        return PH_DOCTOR_NO_UPLINK;
    if (f->refused)
        return PH_DOCTOR_REFUSED;
    if (f->odd)
        return PH_DOCTOR_UNCLEAR;
    if (f->is_gateway_gone || all_unreachable || report->firewall.dropped_answers > 0 ||
        report->firewall.answers.effect == PH_DOCTOR_EFFECT_DROPPED)
        return PH_DOCTOR_FILTERED;
    return PH_DOCTOR_NO_PROTOCOL;
}

static enum ph_doctor_verdict judge_answers(const struct ph_doctor_report *report,
                                            const struct ph_doctor_findings *f) {
    if (f->contrary || f->is_other_router)
        return PH_DOCTOR_TWO_ROUTERS;
    enum porthole_reach reach =
        f->told ? ph_doctor_external_of(f->told)->reach : PORTHOLE_REACH_UNKNOWN;
    if (reach == PORTHOLE_REACH_PRIVATE)
        return PH_DOCTOR_DOUBLE_NAT;
    if (reach == PORTHOLE_REACH_SHARED)
        return PH_DOCTOR_CARRIER_NAT;
    if (!f->granted && f->refused && f->tried > 0)
        return PH_DOCTOR_REFUSED;
    if (!f->granted && (f->has_no_uplink || !f->told))
        return PH_DOCTOR_NO_UPLINK;
    if (!f->granted && f->tried > 0)
        return PH_DOCTOR_UNCLEAR;
    if (reach != PORTHOLE_REACH_PUBLIC)
        return PH_DOCTOR_UNCLEAR;
    if (f->shut)
        return PH_DOCTOR_HOST_FIREWALL;
    return report->is_map_allowed ? PH_DOCTOR_MAPPED : PH_DOCTOR_MAPPABLE;
}

static enum ph_doctor_verdict decide(const struct ph_doctor_report *report,
                                     const struct ph_doctor_findings *f) {
    bool is_public = f->told && ph_doctor_external_of(f->told)->reach == PORTHOLE_REACH_PUBLIC;
    if (!report->way.is_there && !f->has_gateway)
        return PH_DOCTOR_NO_ROUTE;
    if (f->is_beside_vpn || (f->is_vpn && !is_public))
        return PH_DOCTOR_VPN;
    if (report->local.reach == PORTHOLE_REACH_PUBLIC)
        return f->shut ? PH_DOCTOR_HOST_FIREWALL : PH_DOCTOR_DIRECT;
    if (!f->has_gateway) /* a link without a router: the provider's own, as by PPP */
        return report->local.reach == PORTHOLE_REACH_SHARED ? PH_DOCTOR_CARRIER_NAT
                                                            : PH_DOCTOR_UNCLEAR;
    if (f->asked == 0)
        return PH_DOCTOR_UNCLEAR;
    return f->answers > 0 ? judge_answers(report, f) : judge_silence(report, f);
}

/* ---- The picture ----------------------------------------------------------------------------- */

static struct ph_doctor_hop *add_hop(struct ph_doctor_report *report, enum ph_doctor_hop_kind kind,
                                     enum ph_doctor_hop_state state, const char *label) {
    struct ph_doctor_hop *hop = &report->hops[report->hop_count++];
    *hop = (struct ph_doctor_hop){.kind = kind, .state = state};
    ph_doctor_format(hop->label, sizeof hop->label, "%s", label);
    return hop;
}

static const char *gateway_note(const struct ph_doctor_report *report,
                                const struct ph_doctor_findings *f) {
    switch (report->verdict) {
    case PH_DOCTOR_NO_UPLINK:
        return "has no external address";
    case PH_DOCTOR_REFUSED:
        return "refuses to open ports";
    case PH_DOCTOR_FILTERED:
        return f->is_gateway_gone ? "does not answer, not even on the link"
                                  : "its answers do not arrive";
    case PH_DOCTOR_NO_PROTOCOL:
        return "speaks neither PCP nor NAT-PMP nor UPnP";
    case PH_DOCTOR_TWO_ROUTERS:
        return f->is_other_router ? "another router opens the ports"
                                  : "what it says contradicts itself";
    case PH_DOCTOR_DIRECT:
    case PH_DOCTOR_MAPPED:
    case PH_DOCTOR_MAPPABLE:
    case PH_DOCTOR_HOST_FIREWALL:
    case PH_DOCTOR_DOUBLE_NAT:
    case PH_DOCTOR_CARRIER_NAT:
    case PH_DOCTOR_VPN:
    case PH_DOCTOR_NO_ROUTE:
    case PH_DOCTOR_UNCLEAR:
        break;
    }
    return "";
}

static void add_gateway_hop(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    const struct ph_doctor_device *used = ph_doctor_used_device(report);
    const char *note = gateway_note(report, f);
    bool is_open = ph_doctor_is_good(report->verdict) || f->granted;
    struct ph_doctor_hop *hop = add_hop(report, PH_DOCTOR_HOP_GATEWAY,
                                        *note     ? PH_DOCTOR_HOP_BLOCKED
                                        : is_open ? PH_DOCTOR_HOP_FINE
                                                  : PH_DOCTOR_HOP_UNKNOWN,
                                        "router");
    ph_doctor_format(hop->inside, sizeof hop->inside, "%s", report->gateway);
    ph_doctor_format(hop->note, sizeof hop->note, "%s", note);
    if (used && used->is_gateway)
        ph_doctor_format(hop->name, sizeof hop->name, "%s", used->name);
    if (f->told && report->local.reach != PORTHOLE_REACH_PUBLIC)
        ph_doctor_format(hop->outside, sizeof hop->outside, "%s",
                         ph_doctor_external_of(f->told)->text);
}

static void add_host_hop(struct ph_doctor_report *report) {
    bool is_lost = report->verdict == PH_DOCTOR_NO_ROUTE;
    bool is_shut = report->verdict == PH_DOCTOR_HOST_FIREWALL;
    bool is_picky = report->firewall.port == 0 &&
                    report->firewall.inbound_tcp.effect == PH_DOCTOR_EFFECT_DROPPED;
    struct ph_doctor_hop *hop = add_hop(report, PH_DOCTOR_HOP_HOST,
                                        is_lost || is_shut ? PH_DOCTOR_HOP_BLOCKED
                                        : is_picky         ? PH_DOCTOR_HOP_UNKNOWN
                                                           : PH_DOCTOR_HOP_FINE,
                                        "this host");
    ph_doctor_format(hop->name, sizeof hop->name, "%s", report->host);
    ph_doctor_format(hop->inside, sizeof hop->inside, "%s",
                     report->verdict == PH_DOCTOR_VPN ? report->way.source : report->local.text);
    ph_doctor_format(hop->note, sizeof hop->note, "%s",
                     is_lost    ? "has no default route"
                     : is_shut  ? "its firewall shuts the port"
                     : is_picky ? "its firewall shuts ports that no rule names"
                                : "");
}

static void draw_path(struct ph_doctor_report *report, const struct ph_doctor_findings *f) {
    enum ph_doctor_verdict verdict = report->verdict;
    report->hop_count = 0;
    add_host_hop(report);
    if (verdict == PH_DOCTOR_VPN) {
        struct ph_doctor_hop *hop =
            add_hop(report, PH_DOCTOR_HOP_TUNNEL, PH_DOCTOR_HOP_BLOCKED, "VPN");
        ph_doctor_format(hop->name, sizeof hop->name, "%s", report->way.interface);
        ph_doctor_format(hop->inside, sizeof hop->inside, "%s", report->way.gateway);
        ph_doctor_format(hop->note, sizeof hop->note, "opens no ports");
    } else if (f->has_gateway) {
        add_gateway_hop(report, f);
    }
    if (verdict == PH_DOCTOR_DOUBLE_NAT || verdict == PH_DOCTOR_CARRIER_NAT) {
        struct ph_doctor_hop *hop =
            add_hop(report, PH_DOCTOR_HOP_NAT, PH_DOCTOR_HOP_BLOCKED,
                    verdict == PH_DOCTOR_DOUBLE_NAT ? "second router" : "carrier NAT");
        ph_doctor_format(hop->note, sizeof hop->note, "opens no port for this host");
    }
    (void)add_hop(report, PH_DOCTOR_HOP_INTERNET,
                  ph_doctor_is_good(verdict) ? PH_DOCTOR_HOP_FINE : PH_DOCTOR_HOP_UNKNOWN,
                  "Internet");
}

/* ---- All of it ------------------------------------------------------------------------------- */

void ph_doctor_judge(struct ph_doctor_report *report) {
    struct ph_doctor_findings findings;
    collect(report, &findings);
    report->verdict = decide(report, &findings);
    ph_doctor_advise(report, &findings);
    draw_path(report, &findings);
}

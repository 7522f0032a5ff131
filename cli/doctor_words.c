/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_words.c: the names by which a report's values are known to machines, the titles of the
 * verdicts, and small helpers for those who fill a report.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "cli/doctor_parts.h"
#include "cli/exitcode.h"

/* ---- Names ----------------------------------------------------------------------------------- */

#define NAME_OF(names, value)                                                                      \
    ((size_t)(value) < sizeof(names) / sizeof *(names) ? (names)[(size_t)(value)] : "?")

const char *ph_doctor_verdict_name(enum ph_doctor_verdict verdict) {
    static const char *const names[] = {
#define VERDICT_NAME(upper, name, title) name,
        PH_DOCTOR_VERDICT_TABLE(VERDICT_NAME)
#undef VERDICT_NAME
    };
    return NAME_OF(names, verdict);
}

const char *ph_doctor_verdict_title(enum ph_doctor_verdict verdict) {
    static const char *const titles[] = {
#define VERDICT_TITLE(upper, name, title) title,
        PH_DOCTOR_VERDICT_TABLE(VERDICT_TITLE)
#undef VERDICT_TITLE
    };
    return NAME_OF(titles, verdict);
}

const char *ph_doctor_link_name(enum ph_doctor_link link) {
    static const char *const names[] = {"other", "loopback", "ethernet", "bridge", "ppp", "tunnel"};
    return NAME_OF(names, link);
}

const char *ph_doctor_effect_name(enum ph_doctor_effect effect) {
    static const char *const names[] = {"unknown", "accepted", "dropped", "unsure"};
    return NAME_OF(names, effect);
}

const char *ph_doctor_outcome_name(enum ph_doctor_outcome outcome) {
    static const char *const names[] = {"silent", "answered", "refused",
                                        "closed", "failed",   "dropped"};
    return NAME_OF(names, outcome);
}

const char *ph_doctor_hop_kind_name(enum ph_doctor_hop_kind kind) {
    static const char *const names[] = {"host", "tunnel", "gateway", "nat", "internet"};
    return NAME_OF(names, kind);
}

const char *ph_doctor_hop_state_name(enum ph_doctor_hop_state state) {
    static const char *const names[] = {"fine", "blocked", "unknown"};
    return NAME_OF(names, state);
}

/* ---- What a verdict means to a script -------------------------------------------------------- */

bool ph_doctor_is_good(enum ph_doctor_verdict verdict) {
    return ph_doctor_exitcode(verdict) == PH_EXITCODE_DONE;
}

int ph_doctor_exitcode(enum ph_doctor_verdict verdict) {
    switch (verdict) {
    case PH_DOCTOR_DIRECT:
    case PH_DOCTOR_MAPPED:
    case PH_DOCTOR_MAPPABLE:
        return PH_EXITCODE_DONE;
    case PH_DOCTOR_FILTERED:
    case PH_DOCTOR_NO_PROTOCOL:
    case PH_DOCTOR_VPN:
    case PH_DOCTOR_NO_ROUTE:
        return PH_EXITCODE_NO_GATEWAY;
    case PH_DOCTOR_REFUSED:
    case PH_DOCTOR_NO_UPLINK:
        return PH_EXITCODE_REFUSED;
    case PH_DOCTOR_HOST_FIREWALL:
    case PH_DOCTOR_DOUBLE_NAT:
    case PH_DOCTOR_CARRIER_NAT:
    case PH_DOCTOR_TWO_ROUTERS:
    case PH_DOCTOR_UNCLEAR:
        break;
    }
    return PH_EXITCODE_FAILED;
}

/* ---- Helpers --------------------------------------------------------------------------------- */

void ph_doctor_format(char *ret, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ret, size, format, arguments);
    va_end(arguments);
}

struct ph_doctor_method *ph_doctor_method_of(struct ph_doctor_report *report,
                                             enum porthole_method method) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        if (report->methods[i].method == method)
            return &report->methods[i];
    return &report->methods[0];
}

const char *ph_doctor_interface_of(const struct ph_doctor_report *report, const char *address) {
    for (size_t i = 0; i < report->interface_count; i++)
        for (size_t k = 0; k < report->interfaces[i].address_count; k++)
            if (strcmp(report->interfaces[i].addresses[k].text, address) == 0)
                return report->interfaces[i].name;
    return "";
}

void ph_doctor_set_address(struct ph_doctor_address *ret, const char *text) {
    struct ph_addr addr;
    *ret = (struct ph_doctor_address){.reach = PORTHOLE_REACH_UNKNOWN};
    if (!ph_addr_parse(ph_span_of(text), &addr))
        return;
    ph_doctor_format(ret->text, sizeof ret->text, "%s", text);
    ret->reach = ph_addr_reach(&addr);
    ret->is_v6 = !ph_addr_is_v4(&addr);
}

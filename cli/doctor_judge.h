/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_judge.h: between the verdict and its words: what both need to know of a report's facts.
 * Nobody else includes it.
 */
#ifndef PH_CLI_DOCTOR_JUDGE_H
#define PH_CLI_DOCTOR_JUDGE_H

#include "cli/doctor_parts.h"

/* Methods are of the report, NULL = there is none. */
struct ph_doctor_findings {
    unsigned asked;
    unsigned answers;
    unsigned tried;
    const struct ph_doctor_method *granted;  /* the best whose trial was granted */
    const struct ph_doctor_method *told;     /* whose external address counts */
    const struct ph_doctor_method *contrary; /* tells another one */
    const struct ph_doctor_method *refused;
    const struct ph_doctor_method *odd; /* answers what cannot be used */
    bool has_gateway;
    bool has_no_uplink;
    bool is_gateway_gone; /* it does not answer on the link */
    bool is_other_router; /* ports are opened by another one than the default route's */
    bool is_vpn;
    bool is_beside_vpn;                  /* the gateway is asked, but packets leave by a VPN */
    const struct ph_doctor_filter *shut; /* by which this host's firewall shuts the user's port */
};

const struct ph_doctor_address *ph_doctor_external_of(const struct ph_doctor_method *method);
const struct ph_doctor_device *ph_doctor_used_device(const struct ph_doctor_report *report);
const struct ph_doctor_neighbour *
ph_doctor_gateway_neighbour(const struct ph_doctor_report *report);

/* doctor_advice.c: the reason, the advice and the notes of a report that has its verdict. */
void ph_doctor_advise(struct ph_doctor_report *report, const struct ph_doctor_findings *findings);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_rules.c: the input is the rules of a firewall, after one byte that chooses their language
 * and the packet. Whatever they are, the walk through them ends, with one of the four effects.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_parts.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct ph_doctor_rules rules;
    struct ph_doctor_filter filter;
    if (size == 0)
        return 0;
    const struct ph_doctor_packet packet = {.protocol = data[0] & 2 ? PORTHOLE_TCP : PORTHOLE_UDP,
                                            .interface = "eth0",
                                            .source = data[0] & 4 ? "192.168.1.1" : "",
                                            .destination = "192.168.1.5",
                                            .source_port = data[0] & 8 ? 1900 : 0,
                                            .destination_port = data[0] & 16 ? 8080 : 0,
                                            .is_answer = data[0] & 32};
    char *text = malloc(size);
    REQUIRE(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    memset(&rules, 0, sizeof rules);
    if (data[0] & 1)
        (void)ph_doctor_rules_iptables(&rules, &packet, text);
    else
        (void)ph_doctor_rules_nft(&rules, &packet, text, data[0] & 64);
    free(text);
    REQUIRE(rules.chain_count <= PH_DOCTOR_CHAINS_MAX && rules.rule_count <= PH_DOCTOR_RULES_MAX);
    ph_doctor_rules_judge(&rules, &filter);
    REQUIRE(filter.effect != PH_DOCTOR_EFFECT_UNKNOWN && filter.effect <= PH_DOCTOR_EFFECT_UNSURE);
    REQUIRE(memchr(filter.rule, '\0', sizeof filter.rule) != NULL);
    return 0;
}

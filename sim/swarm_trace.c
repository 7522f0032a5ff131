/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_trace.c: what a person reads after a breach, and the hash that tells two runs apart. Lines
 * are made only when somebody wants them; the hash takes the packets and events themselves, so that
 * it is the same with and without a trace.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/swarm_parts.h"
#include "wire/natpmp.h"

void ph_swarm_trace_line(struct swarm *s, const char *format, ...) {
    char line[600];
    if (!s->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    s->trace(s->trace_user, s->now - s->started, line);
}

void ph_swarm_trace_breach(struct swarm *s, const char *format, ...) {
    if (s->result->failed)
        return;
    s->result->failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->result->why, sizeof s->result->why, format, arguments);
    va_end(arguments);
    ph_swarm_trace_line(s, "BREACH: %s", s->result->why);
}

void ph_swarm_trace_mix(struct swarm *s, const void *bytes, size_t len) {
    /* FNV-1a, eight bytes at a time. */
    uint64_t hash = s->result->hash ^ s->now;
    const uint8_t *at = bytes;
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(&word, at, n);
        hash = (hash ^ word) * 0x100000001b3U;
        hash ^= hash >> 29;
        at += n;
        len -= n;
    }
    s->result->hash = hash * 0x100000001b3U;
}

/* ---- Datagrams in words ---------------------------------------------------------------------- */

static bool name_pcp(const uint8_t *bytes, size_t len, char *ret, size_t size) {
    struct ph_pcp_request request;
    struct ph_pcp_response response;
    if (ph_pcp_decode_request(bytes, len, &request) > 2 && request.version == PH_PCP_VERSION) {
        snprintf(ret, size, "PCP %s port %u to %u for %u s, nonce %02x%02x",
                 request.opcode == PH_PCP_MAP ? "MAP" : "ANNOUNCE", request.map.internal_port,
                 request.map.external_port, (unsigned)request.lifetime_s, request.map.nonce[0],
                 request.map.nonce[1]);
        return true;
    }
    if (ph_pcp_decode_response(bytes, len, &response) < 0 || response.version == 0)
        return false;
    snprintf(ret, size, "PCP %s %s port %u at %u for %u s, epoch %u, nonce %02x%02x",
             response.opcode == PH_PCP_MAP ? "MAP" : "ANNOUNCE",
             ph_pcp_result_name(response.result), response.map.internal_port,
             response.map.external_port, (unsigned)response.lifetime_s, (unsigned)response.epoch_s,
             response.map.nonce[0], response.map.nonce[1]);
    return true;
}

static bool name_natpmp(const uint8_t *bytes, size_t len, char *ret, size_t size) {
    struct ph_natpmp_request request;
    struct ph_natpmp_response response;
    char address[PH_ADDR_TEXT_SIZE];
    if (ph_natpmp_decode_request(bytes, len, &request) >= 0 && request.version == 0 &&
        request.opcode <= PH_NATPMP_MAP_TCP) {
        snprintf(ret, size, "NAT-PMP opcode %u port %u to %u for %u s", request.opcode,
                 request.internal_port, request.external_port, (unsigned)request.lifetime_s);
        return true;
    }
    if (ph_natpmp_decode_response(bytes, len, &response) < 0)
        return false;
    snprintf(ret, size, "NAT-PMP opcode %u %s port %u at %u for %u s %s, epoch %u", response.opcode,
             ph_natpmp_result_name(response.result), response.internal_port, response.external_port,
             (unsigned)response.lifetime_s, ph_addr_format(&response.external_addr, address),
             (unsigned)response.epoch_s);
    return true;
}

void ph_swarm_trace_datagram(struct swarm *s, const char *what, const struct swarm_client *c,
                             const struct ph_endpoint *peer, const uint8_t *bytes, size_t len) {
    char text[200];
    char host[PH_ENDPOINT_TEXT_SIZE];
    if (!s->trace)
        return;
    if (!name_natpmp(bytes, len, text, sizeof text) && !name_pcp(bytes, len, text, sizeof text)) {
        struct ph_span span = {(const char *)bytes, len < 90 ? len : 90};
        ph_span_print(span, text, sizeof text);
    }
    ph_swarm_trace_line(s, "client %u %s %s: %s", c->index, what, ph_endpoint_format(peer, host),
                        text);
}

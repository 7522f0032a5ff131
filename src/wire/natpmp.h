/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * natpmp.h: NAT-PMP, version 0 (RFC 6886): bytes to structs and back, for clients and servers: the
 * address request and the two mapping requests. The 4 bytes that all answers share are read first,
 * because some routers answer an error with no more than 8 bytes.
 */
#ifndef PH_WIRE_NATPMP_H
#define PH_WIRE_NATPMP_H

#include <stdint.h>

#include "base/addr.h"

#define PH_NATPMP_VERSION 0
#define PH_NATPMP_SIZE_MAX 16

enum ph_natpmp_opcode {
    PH_NATPMP_ADDRESS = 0,
    PH_NATPMP_MAP_UDP = 1,
    PH_NATPMP_MAP_TCP = 2,
    PH_NATPMP_ANSWER = 128 /* added to the opcode in an answer */
};

/* Result codes, §3.5. */
enum ph_natpmp_result {
    PH_NATPMP_SUCCESS = 0,
    PH_NATPMP_UNSUPP_VERSION = 1,
    PH_NATPMP_NOT_AUTHORIZED = 2,
    PH_NATPMP_NETWORK_FAILURE = 3,
    PH_NATPMP_OUT_OF_RESOURCES = 4,
    PH_NATPMP_UNSUPP_OPCODE = 5
};
const char *ph_natpmp_result_name(unsigned result);
int ph_natpmp_result_error(unsigned result);

struct ph_natpmp_request {
    uint8_t version;
    uint8_t opcode;         /* of enum ph_natpmp_opcode, ANSWER not added */
    uint16_t internal_port; /* mapping requests only, as the rest */
    uint16_t external_port;
    uint32_t lifetime_s; /* 0 deletes (§3.4) */
};

struct ph_natpmp_response {
    uint8_t version;
    uint8_t opcode; /* ANSWER taken off */
    uint16_t result;
    uint32_t epoch_s; /* 0 when the answer ends before it, and for UNSUPP_OPCODE (§3.5) */
    struct ph_addr external_addr; /* ADDRESS with result 0 only */
    uint16_t internal_port;       /* mapping answers, as far as they are there; else 0 */
    uint16_t external_port;
    uint32_t lifetime_s;
};

/* All return the number of bytes, or TRUNCATED, MALFORMED, TOO_LARGE. An answer with result 0 must
 * be whole (12 or 16 bytes); one with an error needs only its first 4 bytes, the rest is read where
 * it is there. Longer ones are accepted, the surplus is not looked at. A version other than 0 is
 * MALFORMED (for requests: returns 2 with version and opcode filled, so that a server can answer
 * UNSUPP_VERSION; likewise for an unknown opcode below 128 and UNSUPP_OPCODE). Answers with these
 * two results are encoded in 8 bytes, as are those to unknown opcodes. */
int ph_natpmp_encode_request(const struct ph_natpmp_request *request, void *ret, size_t size);
int ph_natpmp_decode_request(const void *bytes, size_t len, struct ph_natpmp_request *ret);
int ph_natpmp_encode_response(const struct ph_natpmp_response *response, void *ret, size_t size);
int ph_natpmp_decode_response(const void *bytes, size_t len, struct ph_natpmp_response *ret);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pcp.h: PCP, version 2 (RFC 6887): bytes to structs and back, for clients and servers. ANNOUNCE
 * and MAP are whole; other opcodes are recognised by their header. Options are walked and checked
 * by length; the ones we know are read, others skipped as §7.3 says.
 */
#ifndef PH_WIRE_PCP_H
#define PH_WIRE_PCP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define PH_PCP_PORT 5351        /* servers listen here, §19.1; NAT-PMP's too */
#define PH_PCP_CLIENT_PORT 5350 /* unsolicited answers are multicast to here */
#define PH_PCP_VERSION 2
#define PH_PCP_SIZE_MAX 1100 /* §7 */
#define PH_PCP_NONCE_SIZE 12

enum ph_pcp_opcode { PH_PCP_ANNOUNCE = 0, PH_PCP_MAP = 1, PH_PCP_PEER = 2 };

/* Result codes, §7.4. */
enum ph_pcp_result {
    PH_PCP_SUCCESS = 0,
    PH_PCP_UNSUPP_VERSION = 1,
    PH_PCP_NOT_AUTHORIZED = 2,
    PH_PCP_MALFORMED_REQUEST = 3,
    PH_PCP_UNSUPP_OPCODE = 4,
    PH_PCP_UNSUPP_OPTION = 5,
    PH_PCP_MALFORMED_OPTION = 6,
    PH_PCP_NETWORK_FAILURE = 7,
    PH_PCP_NO_RESOURCES = 8,
    PH_PCP_UNSUPP_PROTOCOL = 9,
    PH_PCP_USER_EX_QUOTA = 10,
    PH_PCP_CANNOT_PROVIDE_EXTERNAL = 11,
    PH_PCP_ADDRESS_MISMATCH = 12,
    PH_PCP_EXCESSIVE_REMOTE_PEERS = 13
};
/* "NO_RESOURCES"; "?" for a code that the RFC lacks. Static. */
const char *ph_pcp_result_name(unsigned result);
/* The error an application sees for a refusal: NOT_AUTHORIZED, NO_RESOURCES, ... never OK. */
int ph_pcp_result_error(unsigned result);

/* The body of MAP requests and answers, §11.1. In a request external_* are suggestions. */
struct ph_pcp_map {
    uint8_t nonce[PH_PCP_NONCE_SIZE];
    uint8_t protocol; /* IANA number; 0 = all */
    uint16_t internal_port;
    uint16_t external_port;
    struct ph_addr external_addr;
};

struct ph_pcp_request {
    uint8_t version;
    uint8_t opcode;
    uint32_t lifetime_s;
    struct ph_addr client_addr; /* the source address the client believes to have */
    struct ph_pcp_map map;      /* opcode MAP only */
    bool prefer_failure;        /* option 2, §13.2 */
    uint8_t unknown_option; /* decode: the first unknown mandatory option (code < 128), 0 = none */
    bool malformed_option;  /* decode: MALFORMED is an option's fault: answer MALFORMED_OPTION */
};

struct ph_pcp_response {
    uint8_t
        version; /* decode: 0 when a NAT-PMP server answered, then only opcode and result are set */
    uint8_t opcode;
    uint8_t result;
    uint32_t lifetime_s;
    uint32_t epoch_s;
    struct ph_pcp_map map; /* opcode MAP only */
};

/* All return the number of bytes, or TRUNCATED, MALFORMED, TOO_LARGE.
 *
 * Requests: 24 bytes and 36 for MAP and 4 for prefer_failure. decode_request is the server's side:
 * it also fills what could be read before an error, so that a server can answer it (§8.2): version,
 * opcode (128 or more: it is an answer, to be dropped), and the rest as far as it is there. A
 * version other than 2 decodes as far as the header's first two bytes and returns 2. The encoders
 * want version 2. */
int ph_pcp_encode_request(const struct ph_pcp_request *request, void *ret, size_t size);
int ph_pcp_decode_request(const void *bytes, size_t len, struct ph_pcp_request *ret);
/* Answers. decode_response refuses what is no answer (R bit), lengths that are no multiple of 4,
 * more than 1100 bytes, a version other than 2; but a version 0 answer with opcode 128 or 129 (or
 * 0, as RFC 6886 §3.5 draws it) and result 1 (UNSUPP_VERSION) of a NAT-PMP server, which is 8 or
 * more bytes long (RFC 6887 §9; some routers send just 8), decodes with version 0. MAP answers with
 * an error may be as short as their header: then less than 60 is returned and map is all zeros. */
int ph_pcp_encode_response(const struct ph_pcp_response *response, void *ret, size_t size);
int ph_pcp_decode_response(const void *bytes, size_t len, struct ph_pcp_response *ret);

#endif

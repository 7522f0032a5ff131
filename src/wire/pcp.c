/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pcp.c: see pcp.h. The layouts are those of RFC 6887: request header §7.1, answer header §7.2,
 * options §7.3, MAP §11.1, ANNOUNCE §14.1. What a message means is not judged here.
 */
#include "wire/pcp.h"

#include <stddef.h>
#include <string.h>

#define ANSWER_BIT 0x80U /* §7.2: R */
#define MAP_SIZE 36U
#define OPTION_PREFER_FAILURE 2U   /* §13.2 */
#define OPTION_OPTIONAL_FIRST 128U /* §7.3: codes from here on may be ignored */
#define NATPMP_REFUSAL_SIZE_MIN 8U
#define NATPMP_UNSUPP_VERSION 1U /* RFC 6886 §3.5 */

static const struct {
    const char *name;
    int error;
} pcp_results[] = {
    [PH_PCP_SUCCESS] = {"SUCCESS", PORTHOLE_ERR_REFUSED},
    [PH_PCP_UNSUPP_VERSION] = {"UNSUPP_VERSION", PORTHOLE_ERR_UNSUPPORTED},
    [PH_PCP_NOT_AUTHORIZED] = {"NOT_AUTHORIZED", PORTHOLE_ERR_NOT_AUTHORIZED},
    [PH_PCP_MALFORMED_REQUEST] = {"MALFORMED_REQUEST", PORTHOLE_ERR_REFUSED},
    [PH_PCP_UNSUPP_OPCODE] = {"UNSUPP_OPCODE", PORTHOLE_ERR_UNSUPPORTED},
    [PH_PCP_UNSUPP_OPTION] = {"UNSUPP_OPTION", PORTHOLE_ERR_UNSUPPORTED},
    [PH_PCP_MALFORMED_OPTION] = {"MALFORMED_OPTION", PORTHOLE_ERR_REFUSED},
    [PH_PCP_NETWORK_FAILURE] = {"NETWORK_FAILURE", PORTHOLE_ERR_NO_UPLINK},
    [PH_PCP_NO_RESOURCES] = {"NO_RESOURCES", PORTHOLE_ERR_NO_RESOURCES},
    [PH_PCP_UNSUPP_PROTOCOL] = {"UNSUPP_PROTOCOL", PORTHOLE_ERR_UNSUPPORTED},
    [PH_PCP_USER_EX_QUOTA] = {"USER_EX_QUOTA", PORTHOLE_ERR_NO_RESOURCES},
    [PH_PCP_CANNOT_PROVIDE_EXTERNAL] = {"CANNOT_PROVIDE_EXTERNAL", PORTHOLE_ERR_PORT_TAKEN},
    [PH_PCP_ADDRESS_MISMATCH] = {"ADDRESS_MISMATCH", PORTHOLE_ERR_REFUSED},
    [PH_PCP_EXCESSIVE_REMOTE_PEERS] = {"EXCESSIVE_REMOTE_PEERS", PORTHOLE_ERR_NO_RESOURCES},
};

#define PCP_RESULT_COUNT (sizeof pcp_results / sizeof pcp_results[0])

const char *ph_pcp_result_name(unsigned result) {
    return result < PCP_RESULT_COUNT ? pcp_results[result].name : "?";
}

int ph_pcp_result_error(unsigned result) {
    return result < PCP_RESULT_COUNT ? pcp_results[result].error : PORTHOLE_ERR_REFUSED;
}

/* ---- The body of MAP ------------------------------------------------------------------------- */

static void write_map(struct ph_writer *w, const struct ph_pcp_map *map,
                      const struct ph_addr *external_addr) {
    ph_write_bytes(w, map->nonce, sizeof map->nonce);
    ph_write_u8(w, map->protocol);
    ph_write_zeros(w, 3);
    ph_write_u16(w, map->internal_port);
    ph_write_u16(w, map->external_port);
    ph_write_bytes(w, external_addr->b, sizeof external_addr->b);
}

static void read_map(struct ph_reader *r, struct ph_pcp_map *ret) {
    ph_read_bytes(r, ret->nonce, sizeof ret->nonce);
    ret->protocol = ph_read_u8(r);
    ph_read_skip(r, 3);
    ret->internal_port = ph_read_u16(r);
    ret->external_port = ph_read_u16(r);
    ph_read_bytes(r, ret->external_addr.b, sizeof ret->external_addr.b);
}

/* ---- Options --------------------------------------------------------------------------------- */

struct pcp_option {
    uint8_t code;
    uint16_t len; /* of its data, without the padding to a multiple of 4 */
};

/* Moves past the next option. False at the end, and when it does not fit, which fails the reader.
 */
static bool next_option(struct ph_reader *r, struct pcp_option *ret) {
    if (ph_reader_left(r) == 0)
        return false;
    ret->code = ph_read_u8(r);
    ph_read_skip(r, 1);
    ret->len = ph_read_u16(r);
    ph_read_skip(r, (ret->len + 3U) & ~3U);
    return !r->failed;
}

static void read_request_options(struct ph_reader *r, struct ph_pcp_request *ret) {
    struct pcp_option option;
    while (next_option(r, &option)) {
        if (option.code == OPTION_PREFER_FAILURE && ret->opcode == PH_PCP_MAP) {
            /* §13.2: no data, and at most once. */
            if (option.len != 0 || ret->prefer_failure)
                ret->malformed_option = true;
            ret->prefer_failure = true;
        } else if (option.code == 0) {
            ret->malformed_option = true; /* §19.4 reserves it: no client has a use for it */
        } else if (option.code < OPTION_OPTIONAL_FIRST && ret->unknown_option == 0) {
            ret->unknown_option = option.code;
        }
    }
    if (r->failed)
        ret->malformed_option = true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

int ph_pcp_encode_request(const struct ph_pcp_request *request, void *ret, size_t size) {
    struct ph_writer w;
    if (request->version != PH_PCP_VERSION || request->opcode >= ANSWER_BIT)
        return PORTHOLE_ERR_MALFORMED;
    ph_writer_init(&w, ret, size);
    ph_write_u8(&w, request->version);
    ph_write_u8(&w, request->opcode);
    ph_write_zeros(&w, 2);
    ph_write_u32(&w, request->lifetime_s);
    ph_write_bytes(&w, request->client_addr.b, sizeof request->client_addr.b);
    if (request->opcode == PH_PCP_MAP) {
        /* §11.1: no wish is the all-zeros address of the family that is asked for. */
        struct ph_addr wish = request->map.external_addr;
        if (ph_addr_is_unspecified(&wish) && ph_addr_is_v4(&request->client_addr))
            wish = ph_addr_v4(0, 0, 0, 0);
        write_map(&w, &request->map, &wish);
        if (request->prefer_failure)
            ph_write_u32(&w, OPTION_PREFER_FAILURE << 24);
    }
    return ph_writer_result(&w);
}

/* §8.2 in its order, so that a server can tell an answer to drop from a request to refuse. */
int ph_pcp_decode_request(const void *bytes, size_t len, struct ph_pcp_request *ret) {
    struct ph_reader r;
    memset(ret, 0, sizeof *ret);
    ph_reader_init(&r, bytes, len);
    ret->version = ph_read_u8(&r);
    ret->opcode = ph_read_u8(&r);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->opcode & ANSWER_BIT)
        return PORTHOLE_ERR_MALFORMED;
    if (ret->version != PH_PCP_VERSION)
        return 2;
    if (len > PH_PCP_SIZE_MAX)
        return PORTHOLE_ERR_TOO_LARGE;
    ph_read_skip(&r, 2);
    ret->lifetime_s = ph_read_u32(&r);
    ph_read_bytes(&r, ret->client_addr.b, sizeof ret->client_addr.b);
    if (ret->opcode == PH_PCP_MAP)
        read_map(&r, &ret->map);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (len % 4 != 0)
        return PORTHOLE_ERR_MALFORMED;
    if (ret->opcode == PH_PCP_MAP || ret->opcode == PH_PCP_ANNOUNCE)
        read_request_options(&r, ret);
    return ret->malformed_option ? PORTHOLE_ERR_MALFORMED : (int)len;
}

int ph_pcp_encode_response(const struct ph_pcp_response *response, void *ret, size_t size) {
    struct ph_writer w;
    if (response->version != PH_PCP_VERSION || response->opcode >= ANSWER_BIT)
        return PORTHOLE_ERR_MALFORMED;
    ph_writer_init(&w, ret, size);
    ph_write_u8(&w, response->version);
    ph_write_u8(&w, (uint8_t)(response->opcode | ANSWER_BIT));
    ph_write_zeros(&w, 1);
    ph_write_u8(&w, response->result);
    ph_write_u32(&w, response->lifetime_s);
    ph_write_u32(&w, response->epoch_s);
    ph_write_zeros(&w, 12);
    if (response->opcode == PH_PCP_MAP)
        write_map(&w, &response->map, &response->map.external_addr);
    return ph_writer_result(&w);
}

/* A NAT-PMP server's UNSUPP_VERSION: opcode 128 and ours, or 0 as RFC 6886 §3.5 draws it; then 16
 * bits of result. */
static int decode_natpmp_refusal(struct ph_reader *r, size_t len, struct ph_pcp_response *ret) {
    uint8_t opcode = ph_read_u8(r);
    uint16_t result = ph_read_u16(r);
    if (len < NATPMP_REFUSAL_SIZE_MIN)
        return PORTHOLE_ERR_TRUNCATED;
    if ((opcode != 0 && opcode != ANSWER_BIT + PH_PCP_ANNOUNCE &&
         opcode != ANSWER_BIT + PH_PCP_MAP) ||
        result != NATPMP_UNSUPP_VERSION)
        return PORTHOLE_ERR_MALFORMED;
    ret->opcode = opcode & (uint8_t)~ANSWER_BIT;
    ret->result = PH_PCP_UNSUPP_VERSION;
    return (int)len;
}

static int decode_response_body(struct ph_reader *r, size_t len, struct ph_pcp_response *ret) {
    struct pcp_option option;
    bool is_whole = ph_reader_left(r) >= MAP_SIZE;
    if (ret->opcode == PH_PCP_MAP && is_whole)
        read_map(r, &ret->map);
    /* §8.3: a refusal may be a copy of what was refused, so its options are not judged, and some
     * servers send its header alone. */
    if (ret->result != PH_PCP_SUCCESS)
        return (int)len;
    if (ret->opcode == PH_PCP_MAP && !is_whole)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->opcode == PH_PCP_MAP || ret->opcode == PH_PCP_ANNOUNCE)
        while (next_option(r, &option)) {
        }
    return r->failed ? PORTHOLE_ERR_MALFORMED : (int)len;
}

int ph_pcp_decode_response(const void *bytes, size_t len, struct ph_pcp_response *ret) {
    struct ph_reader r;
    memset(ret, 0, sizeof *ret);
    if (len > PH_PCP_SIZE_MAX)
        return PORTHOLE_ERR_TOO_LARGE;
    ph_reader_init(&r, bytes, len);
    ret->version = ph_read_u8(&r);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->version == 0)
        return decode_natpmp_refusal(&r, len, ret);
    ret->opcode = ph_read_u8(&r);
    ph_read_skip(&r, 1);
    ret->result = ph_read_u8(&r);
    ret->lifetime_s = ph_read_u32(&r);
    ret->epoch_s = ph_read_u32(&r);
    ph_read_skip(&r, 12);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->version != PH_PCP_VERSION || !(ret->opcode & ANSWER_BIT) || len % 4 != 0)
        return PORTHOLE_ERR_MALFORMED;
    ret->opcode &= (uint8_t)~ANSWER_BIT;
    return decode_response_body(&r, len, ret);
}

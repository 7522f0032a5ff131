/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * natpmp.c: see natpmp.h. The layouts are those of RFC 6886: addresses §3.2, mappings §3.3, errors
 * §3.5. What a message means is not judged here.
 */
#include "wire/natpmp.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define OPCODE_BITS 0x7fU

static const struct {
    const char *name;
    int error;
} natpmp_results[] = {
    [PH_NATPMP_SUCCESS] = {"SUCCESS", PORTHOLE_ERR_REFUSED},
    [PH_NATPMP_UNSUPP_VERSION] = {"UNSUPP_VERSION", PORTHOLE_ERR_UNSUPPORTED},
    [PH_NATPMP_NOT_AUTHORIZED] = {"NOT_AUTHORIZED", PORTHOLE_ERR_NOT_AUTHORIZED},
    [PH_NATPMP_NETWORK_FAILURE] = {"NETWORK_FAILURE", PORTHOLE_ERR_NO_UPLINK},
    [PH_NATPMP_OUT_OF_RESOURCES] = {"OUT_OF_RESOURCES", PORTHOLE_ERR_NO_RESOURCES},
    [PH_NATPMP_UNSUPP_OPCODE] = {"UNSUPP_OPCODE", PORTHOLE_ERR_UNSUPPORTED},
};

#define NATPMP_RESULT_COUNT (sizeof natpmp_results / sizeof natpmp_results[0])

const char *ph_natpmp_result_name(unsigned result) {
    return result < NATPMP_RESULT_COUNT ? natpmp_results[result].name : "?";
}

int ph_natpmp_result_error(unsigned result) {
    return result < NATPMP_RESULT_COUNT ? natpmp_results[result].error : PORTHOLE_ERR_REFUSED;
}

static bool is_mapping(uint8_t opcode) {
    return opcode == PH_NATPMP_MAP_UDP || opcode == PH_NATPMP_MAP_TCP;
}

/* §3.5: answers to what the server did not understand have no more than the 8 common bytes. */
static bool is_without_body(uint16_t result) {
    return result == PH_NATPMP_UNSUPP_VERSION || result == PH_NATPMP_UNSUPP_OPCODE;
}

static int bytes_read(const struct ph_reader *r, const void *start) {
    return (int)(r->at - (const uint8_t *)start);
}

int ph_natpmp_encode_request(const struct ph_natpmp_request *request, void *ret, size_t size) {
    struct ph_writer w;
    if (request->version != PH_NATPMP_VERSION || request->opcode >= PH_NATPMP_ANSWER)
        return PORTHOLE_ERR_MALFORMED;
    ph_writer_init(&w, ret, size);
    ph_write_u8(&w, request->version);
    ph_write_u8(&w, request->opcode);
    if (is_mapping(request->opcode)) {
        ph_write_zeros(&w, 2);
        ph_write_u16(&w, request->internal_port);
        ph_write_u16(&w, request->external_port);
        ph_write_u32(&w, request->lifetime_s);
    }
    return ph_writer_result(&w);
}

int ph_natpmp_decode_request(const void *bytes, size_t len, struct ph_natpmp_request *ret) {
    struct ph_reader r;
    memset(ret, 0, sizeof *ret);
    ph_reader_init(&r, bytes, len);
    ret->version = ph_read_u8(&r);
    ret->opcode = ph_read_u8(&r);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->opcode >= PH_NATPMP_ANSWER)
        return PORTHOLE_ERR_MALFORMED;
    if (ret->version == PH_NATPMP_VERSION && is_mapping(ret->opcode)) {
        ph_read_skip(&r, 2);
        ret->internal_port = ph_read_u16(&r);
        ret->external_port = ph_read_u16(&r);
        ret->lifetime_s = ph_read_u32(&r);
    }
    return r.failed ? PORTHOLE_ERR_TRUNCATED : bytes_read(&r, bytes);
}

int ph_natpmp_encode_response(const struct ph_natpmp_response *response, void *ret, size_t size) {
    struct ph_writer w;
    bool has_address = response->result == PH_NATPMP_SUCCESS;
    if (response->version != PH_NATPMP_VERSION || response->opcode >= PH_NATPMP_ANSWER)
        return PORTHOLE_ERR_MALFORMED;
    ph_writer_init(&w, ret, size);
    ph_write_u8(&w, response->version);
    ph_write_u8(&w, response->opcode | PH_NATPMP_ANSWER);
    ph_write_u16(&w, response->result);
    ph_write_u32(&w, response->epoch_s);
    if (is_without_body(response->result))
        return ph_writer_result(&w);
    if (response->opcode == PH_NATPMP_ADDRESS) {
        if (has_address && !ph_addr_is_v4(&response->external_addr))
            return PORTHOLE_ERR_MALFORMED;
        ph_write_bytes(&w, ph_addr_v4_bytes(has_address ? &response->external_addr : &ph_addr_none),
                       4);
    } else if (is_mapping(response->opcode)) {
        ph_write_u16(&w, response->internal_port);
        ph_write_u16(&w, response->external_port);
        ph_write_u32(&w, response->lifetime_s);
    }
    return ph_writer_result(&w);
}

static void read_external_addr(struct ph_reader *r, struct ph_addr *ret) {
    uint8_t v4[4];
    ph_read_bytes(r, v4, sizeof v4);
    if (!r->failed)
        *ret = ph_addr_v4(v4[0], v4[1], v4[2], v4[3]);
}

int ph_natpmp_decode_response(const void *bytes, size_t len, struct ph_natpmp_response *ret) {
    struct ph_reader r;
    memset(ret, 0, sizeof *ret);
    ph_reader_init(&r, bytes, len);
    ret->version = ph_read_u8(&r);
    ret->opcode = ph_read_u8(&r);
    ret->result = ph_read_u16(&r);
    if (r.failed)
        return PORTHOLE_ERR_TRUNCATED;
    if (ret->version != PH_NATPMP_VERSION || ret->opcode < PH_NATPMP_ANSWER)
        return PORTHOLE_ERR_MALFORMED;
    ret->opcode &= OPCODE_BITS;
    /* §3.5: UNSUPP_OPCODE is the request itself with a result in it, so it has no clock to read. */
    if (ret->result != PH_NATPMP_UNSUPP_OPCODE)
        ret->epoch_s = ph_read_u32(&r);
    if (is_without_body(ret->result))
        return bytes_read(&r, bytes);
    if (is_mapping(ret->opcode)) {
        ret->internal_port = ph_read_u16(&r);
        ret->external_port = ph_read_u16(&r);
        ret->lifetime_s = ph_read_u32(&r);
    } else if (ret->result == PH_NATPMP_SUCCESS) {
        if (ret->opcode != PH_NATPMP_ADDRESS)
            return PORTHOLE_ERR_MALFORMED;
        read_external_addr(&r, &ret->external_addr);
    }
    if (r.failed && ret->result == PH_NATPMP_SUCCESS)
        return PORTHOLE_ERR_TRUNCATED;
    return bytes_read(&r, bytes);
}

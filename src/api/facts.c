/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * facts.c: see client.h. Public structs begin with their size and only ever grow at their end, so
 * that programs and libraries of different versions understand each other: what one side lacks is
 * zero or left out.
 */
#include <stdio.h>
#include <string.h>

#include "api/client.h"
#include "driver/clock.h"

/* Far above any version's structs: a larger size is one that was never set. */
#define STRUCT_SIZE_MAX 4096U

static size_t size_of(const void *given) {
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

int ph_facts_check(const void *given) {
    if (!given)
        return 0;
    size_t size = size_of(given);
    return size >= sizeof size && size <= STRUCT_SIZE_MAX ? 0 : PORTHOLE_ERR_INVALID;
}

int ph_facts_read(const void *given, void *ret, size_t known) {
    if (!given || ph_facts_check(given) != 0)
        return PORTHOLE_ERR_INVALID;
    const unsigned char *bytes = given;
    size_t size = size_of(given);
    for (size_t i = known; i < size; i++)
        if (bytes[i] != 0)
            return PORTHOLE_ERR_INVALID;
    memset(ret, 0, known);
    memcpy(ret, given, size < known ? size : known);
    return 0;
}

void ph_facts_write(void *ret, const void *from, size_t known) {
    if (!ret)
        return;
    size_t size = size_of(ret);
    size_t end = size < known ? size : known;
    size_t start = sizeof size;
    memcpy((char *)ret + start, (const char *)from + start, end - start);
}

void ph_facts_text(int error, enum porthole_method method, int code, char ret[PORTHOLE_TEXT_SIZE]) {
    const char *name = code != 0 ? ph_code_text(method, code) : "";
    if (error == 0)
        ret[0] = '\0';
    else if (code == 0)
        (void)snprintf(ret, PORTHOLE_TEXT_SIZE, "%s", porthole_strerror(error));
    else if (name[0] != '\0' && name[0] != '?')
        (void)snprintf(ret, PORTHOLE_TEXT_SIZE, "%s (%d)", name, code);
    else
        (void)snprintf(ret, PORTHOLE_TEXT_SIZE, "%s code %d", porthole_method_name(method), code);
}

int ph_facts_address(const struct ph_addr *addr, char *ret, size_t size) {
    char text[PH_ADDR_TEXT_SIZE];
    size_t needed = strlen(ph_addr_format(addr, text)) + 1;
    if (!ret || size < needed)
        return PORTHOLE_ERR_INVALID;
    memcpy(ret, text, needed);
    return 0;
}

/* Whole milliseconds that are left, rounded up: 0 says that there is no lease. */
static uint32_t left_ms(ph_us expires) {
    ph_us now = ph_clock_now();
    if (expires == PH_NEVER || expires <= now)
        return 0;
    ph_us ms = (expires - now - 1U) / 1000U + 1U;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* The same of what has passed, at least 1. */
static uint32_t since_ms(ph_us then) {
    ph_us now = ph_clock_now();
    ph_us ms = now > then ? (now - then) / 1000U + 1U : 1U;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static void write_key(const uint8_t key[PH_KEY_SIZE], char ret[PORTHOLE_KEY_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < PH_KEY_SIZE; i++) {
        ret[2 * i] = digits[key[i] >> 4];
        ret[2 * i + 1] = digits[key[i] & 15];
    }
    ret[2 * PH_KEY_SIZE] = '\0';
}

void ph_facts_mapping(const struct ph_mapping_info *info, void *user,
                      struct porthole_mapping *ret) {
    *ret = (struct porthole_mapping){
        .size = sizeof *ret,
        .id = info->id,
        .state = info->state,
        .protocol = info->protocol,
        .method = info->method,
        .internal_port = info->internal_port,
        .external_port = info->external.port,
        .reach = ph_addr_reach(&info->external.addr),
        .lifetime_s = info->lifetime_s,
        .expires_in_ms = left_ms(info->expires),
        .elapsed_ms = (double)info->elapsed / 1000.0,
        .error = info->error,
        .code = info->code,
        .fate = info->fate,
        .user = user,
    };
    write_key(info->key, ret->key);
    ret->granted_ago_ms = info->granted ? since_ms(info->granted) : 0;
    (void)ph_facts_address(&info->source, ret->internal_address, PORTHOLE_ADDRESS_SIZE);
    (void)ph_facts_address(&info->external.addr, ret->external_address, PORTHOLE_ADDRESS_SIZE);
    (void)ph_facts_address(&info->gateway, ret->gateway, PORTHOLE_ADDRESS_SIZE);
    ph_facts_text(info->error, info->error_method, info->code, ret->text);
}

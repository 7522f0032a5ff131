/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * bytes.c: see bytes.h. Every length is checked by subtraction from what is left, never by adding
 * to a pointer or a length that a peer chose.
 */
#include "base/bytes.h"

#include <limits.h>
#include <porthole/porthole.h>
#include <stdio.h>
#include <string.h>

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

struct ph_span ph_span_of(const char *text) {
    return (struct ph_span){text, text ? strlen(text) : 0};
}

bool ph_span_equal(struct ph_span a, struct ph_span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool ph_span_equal_nocase(struct ph_span a, struct ph_span b) {
    return a.len == b.len && ph_span_starts_nocase(a, b);
}

bool ph_span_starts_nocase(struct ph_span text, struct ph_span prefix) {
    if (text.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (lower(text.at[i]) != lower(prefix.at[i]))
            return false;
    return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct ph_span ph_span_trim(struct ph_span text) {
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

bool ph_span_to_u64(struct ph_span text, uint64_t max, uint64_t *ret) {
    uint64_t v = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        if (digit > max || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *ret = v;
    return true;
}

void ph_span_print(struct ph_span text, char *ret, size_t size) {
    size_t n = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < n; i++)
        ret[i] = text.at[i] >= 0x20 && text.at[i] <= 0x7e ? text.at[i] : '?';
    ret[n] = '\0';
}

void ph_reader_init(struct ph_reader *r, const void *bytes, size_t len) {
    static const uint8_t none[1];
    r->at = bytes ? bytes : none;
    r->end = r->at + (bytes ? len : 0);
    r->failed = false;
}

size_t ph_reader_left(const struct ph_reader *r) { return (size_t)(r->end - r->at); }

static const uint8_t *take(struct ph_reader *r, size_t len) {
    if (r->failed || ph_reader_left(r) < len) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += len;
    return at;
}

uint8_t ph_read_u8(struct ph_reader *r) {
    const uint8_t *p = take(r, 1);
    return p ? p[0] : 0;
}

uint16_t ph_read_u16(struct ph_reader *r) {
    const uint8_t *p = take(r, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t ph_read_u32(struct ph_reader *r) {
    const uint8_t *p = take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

void ph_read_bytes(struct ph_reader *r, void *ret, size_t len) {
    const uint8_t *p = take(r, len);
    if (p)
        memcpy(ret, p, len);
    else
        memset(ret, 0, len);
}

void ph_read_skip(struct ph_reader *r, size_t len) { (void)take(r, len); }

void ph_writer_init(struct ph_writer *w, void *buffer, size_t size) {
    w->start = buffer;
    w->len = 0;
    w->size = size;
    w->failed = false;
}

static uint8_t *grow(struct ph_writer *w, size_t len) {
    if (w->failed || w->size - w->len < len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *at = w->start + w->len;
    w->len += len;
    return at;
}

void ph_write_u8(struct ph_writer *w, uint8_t v) { ph_write_bytes(w, &v, 1); }

void ph_write_u16(struct ph_writer *w, uint16_t v) {
    ph_write_bytes(w, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

void ph_write_u32(struct ph_writer *w, uint32_t v) {
    ph_write_bytes(
        w, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

void ph_write_bytes(struct ph_writer *w, const void *bytes, size_t len) {
    uint8_t *at = grow(w, len);
    if (at && len > 0) /* of an empty span, `bytes` may be NULL */
        memcpy(at, bytes, len);
}

void ph_write_zeros(struct ph_writer *w, size_t len) {
    uint8_t *at = grow(w, len);
    if (at)
        memset(at, 0, len);
}

void ph_write_text(struct ph_writer *w, const char *text) { ph_write_bytes(w, text, strlen(text)); }

void ph_write_span(struct ph_writer *w, struct ph_span text) {
    ph_write_bytes(w, text.at, text.len);
}

void ph_write_decimal(struct ph_writer *w, uint64_t v) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
    ph_write_bytes(w, digits, (size_t)n);
}

int ph_writer_result(const struct ph_writer *w) {
    return w->failed || w->len > INT_MAX ? PORTHOLE_ERR_TOO_LARGE : (int)w->len;
}

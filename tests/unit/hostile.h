/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hostile.h: what a network does to a message, for tests of decoders: every truncation and every
 * corruption of one byte. The decoder gets a copy of exactly the message's size, so that a
 * sanitizer sees a read past its end.
 */
#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Checks what becomes of one message. `whole` is the length that it had before it was cut. */
typedef void hostile_fn(const uint8_t *bytes, size_t len, size_t whole);

static inline void hostile_exact(const uint8_t *bytes, size_t len, size_t whole,
                                 hostile_fn *check) {
    uint8_t *copy = calloc(1, len > 0 ? len : 1);
    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    check(copy, len, whole);
    free(copy);
}

/* With each length from 0 to `len`. */
static inline void hostile_truncate(const uint8_t *bytes, size_t len, hostile_fn *check) {
    for (size_t n = 0; n <= len; n++)
        hostile_exact(bytes, n, len, check);
}

/* With each byte replaced by each value, its own included. */
static inline void hostile_corrupt(const uint8_t *bytes, size_t len, hostile_fn *check) {
    uint8_t *copy = malloc(len);
    if (!copy)
        abort();
    memcpy(copy, bytes, len);
    for (size_t i = 0; i < len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            copy[i] = (uint8_t)value;
            hostile_exact(copy, len, len, check);
        }
        copy[i] = bytes[i];
    }
    free(copy);
}

#endif

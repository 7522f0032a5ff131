/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * bytes.h: a bounded reader and a bounded writer, the only way in which a codec touches bytes. Both
 * remember their first failure, so a codec reads or writes a whole structure and asks once at its
 * end. A failed read returns 0 and moves nothing; a failed write writes nothing.
 */
#ifndef PH_BASE_BYTES_H
#define PH_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed text or bytes, not NUL-terminated; `at` may be NULL when `len` is 0. */
struct ph_span {
    const char *at;
    size_t len;
};

/* A span of a string literal. */
#define PH_SPAN(literal) ((struct ph_span){(literal), sizeof(literal) - 1})

struct ph_span ph_span_of(const char *text);
bool ph_span_equal(struct ph_span a, struct ph_span b);
/* ASCII letters compare without case; other bytes as they are. */
bool ph_span_equal_nocase(struct ph_span a, struct ph_span b);
bool ph_span_starts_nocase(struct ph_span text, struct ph_span prefix);
/* Without blanks, tabs, CR and LF at either end. */
struct ph_span ph_span_trim(struct ph_span text);
/* Digits only, the whole span, at most `max`; false otherwise, with *ret untouched. */
bool ph_span_to_u64(struct ph_span text, uint64_t max, uint64_t *ret);
/* Copies with what does not fit cut off and every byte outside 0x20..0x7e as '?': text from the
 * network must not reach a terminal or a log as it came. Always terminates; size is at least 1. */
void ph_span_print(struct ph_span text, char *ret, size_t size);

struct ph_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void ph_reader_init(struct ph_reader *r, const void *bytes, size_t len);
size_t ph_reader_left(const struct ph_reader *r);
uint8_t ph_read_u8(struct ph_reader *r);
uint16_t ph_read_u16(struct ph_reader *r); /* network byte order, as all below */
uint32_t ph_read_u32(struct ph_reader *r);
void ph_read_bytes(struct ph_reader *r, void *ret, size_t len); /* zeros on failure */
void ph_read_skip(struct ph_reader *r, size_t len);

struct ph_writer {
    uint8_t *start;
    size_t len; /* written so far */
    size_t size;
    bool failed;
};

void ph_writer_init(struct ph_writer *w, void *buffer, size_t size);
void ph_write_u8(struct ph_writer *w, uint8_t v);
void ph_write_u16(struct ph_writer *w, uint16_t v);
void ph_write_u32(struct ph_writer *w, uint32_t v);
void ph_write_bytes(struct ph_writer *w, const void *bytes, size_t len);
void ph_write_zeros(struct ph_writer *w, size_t len);
void ph_write_text(struct ph_writer *w, const char *text);
void ph_write_span(struct ph_writer *w, struct ph_span text);
void ph_write_decimal(struct ph_writer *w, uint64_t v);
/* What was written in all, or PORTHOLE_ERR_TOO_LARGE when it did not fit. */
int ph_writer_result(const struct ph_writer *w);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * http_reader.c: the incremental reader of http.h (RFC 9112). It walks the stream byte position by
 * byte position, so that how the stream was split cannot matter, and it never allocates by a number
 * that the peer announced: memory grows with the bytes that came, and each byte is copied once.
 */
#include <porthole/porthole.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http.h"

#define CHUNK_LINE_MAX 256U /* size, extensions and line end */

enum reader_state {
    READ_START_LINE,
    READ_HEADERS,
    READ_LENGTH, /* body_left bytes of the body, then it is whole */
    READ_UNTIL_CLOSE,
    READ_CHUNK_SIZE,
    READ_CHUNK_DATA, /* body_left bytes of the chunk */
    READ_CHUNK_END,  /* the line end behind a chunk's data */
    READ_TRAILER,
    READ_DONE,
    READ_FAILED
};

struct octets {
    char *at;
    size_t len;
    size_t size;
};

struct ph_http_reader {
    enum ph_http_kind kind;
    enum reader_state state;
    int error;          /* READ_FAILED */
    struct octets text; /* the head, then the line being read */
    size_t line_start;  /* of the line being read, in text */
    size_t head_len;    /* of the head when it is whole: trailers may follow it in text */
    size_t head_left;   /* how many more bytes head, interim answers and trailers may have */
    struct octets body;
    size_t body_left;
    unsigned status;
    size_t method_len;   /* at the start of text */
    size_t target_start; /* in text */
    size_t target_len;
};

struct ph_http_reader *ph_http_reader_new(enum ph_http_kind kind) {
    struct ph_http_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->kind = kind;
    reader->state = READ_START_LINE;
    reader->head_left = PH_HTTP_HEAD_MAX;
    return reader;
}

void ph_http_reader_free(struct ph_http_reader *reader) {
    if (!reader)
        return;
    free(reader->text.at);
    free(reader->body.at);
    free(reader);
}

/* Callers have checked the caps, so len + n is small. */
static int append_octets(struct octets *o, const char *bytes, size_t n) {
    if (o->size - o->len < n) {
        size_t size = o->size ? o->size : 512;
        while (size - o->len < n)
            size *= 2;
        char *at = realloc(o->at, size);
        if (!at)
            return PORTHOLE_ERR_NO_MEMORY;
        o->at = at;
        o->size = size;
    }
    if (n > 0)
        memcpy(o->at + o->len, bytes, n);
    o->len += n;
    return 0;
}

static void consume(struct ph_span *input, size_t n) {
    input->at += n;
    input->len -= n;
}

static size_t at_most(size_t n, size_t max) { return n < max ? n : max; }

/* Moves bytes up to and with the next LF into text, at most *left of them. Returns 1 when the line
 * is whole, 0 when more is needed. */
static int collect_line(struct ph_http_reader *reader, struct ph_span *input, size_t *left) {
    const char *lf = memchr(input->at, '\n', input->len);
    size_t wanted = lf ? (size_t)(lf - input->at) + 1 : input->len;
    size_t n = at_most(wanted, *left);
    if (memchr(input->at, '\0', n))
        return PORTHOLE_ERR_MALFORMED;
    if (n < wanted)
        return PORTHOLE_ERR_TOO_LARGE;
    int r = append_octets(&reader->text, input->at, n);
    if (r < 0)
        return r;
    consume(input, n);
    *left -= n;
    return lf != NULL;
}

/* The whole line that collect_line() gathered, without its line end. */
static struct ph_span gathered_line(const struct ph_http_reader *reader) {
    size_t n = reader->text.len - reader->line_start - 1;
    const char *at = reader->text.at + reader->line_start;
    return (struct ph_span){at, n > 0 && at[n - 1] == '\r' ? n - 1 : n};
}

static void drop_line(struct ph_http_reader *reader) { reader->text.len = reader->line_start; }

static bool is_http_version(struct ph_span text) {
    return text.len == 8 && memcmp(text.at, "HTTP/1.", 7) == 0 && text.at[7] >= '0' &&
           text.at[7] <= '9';
}

/* RFC 9112 §4: HTTP-version SP status-code SP [reason]; the last blank is often forgotten. */
static int read_status_line(struct ph_http_reader *reader, struct ph_span line) {
    uint64_t status = 0;
    if (line.len < 12 || !is_http_version((struct ph_span){line.at, 8}) || line.at[8] != ' ' ||
        !ph_span_to_u64((struct ph_span){line.at + 9, 3}, 599, &status) || status < 100 ||
        (line.len > 12 && line.at[12] != ' '))
        return PORTHOLE_ERR_MALFORMED;
    reader->status = (unsigned)status;
    return 0;
}

/* RFC 9112 §3: method SP request-target SP HTTP-version. */
static int read_request_line(struct ph_http_reader *reader, struct ph_span line) {
    const char *blank = memchr(line.at, ' ', line.len);
    size_t method_len = blank ? (size_t)(blank - line.at) : 0;
    if (method_len == 0 || line.len < method_len + 11 || line.at[line.len - 9] != ' ' ||
        !is_http_version((struct ph_span){line.at + line.len - 8, 8}))
        return PORTHOLE_ERR_MALFORMED;
    for (size_t i = 0; i < line.len - 9; i++)
        if (i != method_len && (line.at[i] < 0x21 || line.at[i] > 0x7e))
            return PORTHOLE_ERR_MALFORMED;
    reader->method_len = method_len;
    reader->target_start = method_len + 1;
    reader->target_len = line.len - 9 - reader->target_start;
    return 0;
}

static int read_start_line(struct ph_http_reader *reader) {
    struct ph_span line = gathered_line(reader);
    if (line.len == 0) { /* RFC 9112 §2.2: empty lines before it are ignored */
        drop_line(reader);
        return 0;
    }
    reader->state = READ_HEADERS;
    reader->line_start = reader->text.len;
    return reader->kind == PH_HTTP_RESPONSE ? read_status_line(reader, line)
                                            : read_request_line(reader, line);
}

/* Content-Length: digits and nothing else, so no sign can turn it around. What the peer announces
 * beyond the cap is refused before any of it comes. */
static int read_content_length(struct ph_http_reader *reader, struct ph_span value) {
    uint64_t length = 0;
    if (!ph_span_to_u64(value, PH_HTTP_BODY_MAX, &length)) {
        for (size_t i = 0; i < value.len; i++)
            if (value.at[i] < '0' || value.at[i] > '9')
                return PORTHOLE_ERR_MALFORMED;
        return value.len > 0 ? PORTHOLE_ERR_TOO_LARGE : PORTHOLE_ERR_MALFORMED;
    }
    reader->body_left = (size_t)length;
    reader->state = length > 0 ? READ_LENGTH : READ_DONE;
    return 0;
}

/* Which kind of body follows: RFC 9112 §6.3. */
static int choose_framing(struct ph_http_reader *reader) {
    struct ph_span head = {reader->text.at, reader->head_len};
    struct ph_span coding, length;
    bool conflict;
    bool coded = ph_http_find_header(head, PH_SPAN("Transfer-Encoding"), &coding, &conflict);
    if (coded && (conflict || !ph_span_equal_nocase(coding, PH_SPAN("chunked"))))
        return PORTHOLE_ERR_MALFORMED;
    bool sized = ph_http_find_header(head, PH_SPAN("Content-Length"), &length, &conflict);
    if (sized && (conflict || coded))
        return PORTHOLE_ERR_MALFORMED;
    if (sized)
        return read_content_length(reader, length);
    if (coded)
        reader->state = READ_CHUNK_SIZE;
    else
        reader->state = reader->kind == PH_HTTP_RESPONSE ? READ_UNTIL_CLOSE : READ_DONE;
    return 0;
}

static int read_header_line(struct ph_http_reader *reader) {
    struct ph_span line = gathered_line(reader);
    reader->line_start = reader->text.len;
    if (line.len > 0) /* RFC 9112 §5.2: a line that continues the one before */
        return line.at[0] == ' ' || line.at[0] == '\t' ? PORTHOLE_ERR_MALFORMED : 0;

    unsigned status = reader->status;
    if (reader->kind == PH_HTTP_RESPONSE && status < 200 && status != 101) {
        reader->text.len = reader->line_start = 0;
        reader->state = READ_START_LINE;
        return 0;
    }
    reader->head_len = reader->text.len;
    if (reader->kind == PH_HTTP_RESPONSE && (status == 101 || status == 204 || status == 304)) {
        reader->state = READ_DONE;
        return 0;
    }
    return choose_framing(reader);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 9112 §7.1: hex digits, then blanks or an extension, which is ignored. The sum is checked
 * against the cap at each digit, so it cannot overflow. */
static int read_chunk_size(struct ph_http_reader *reader) {
    struct ph_span line = gathered_line(reader);
    size_t room = PH_HTTP_BODY_MAX - reader->body.len;
    size_t size = 0, i = 0;
    for (; i < line.len && hex_digit(line.at[i]) >= 0; i++) {
        size = size * 16 + (size_t)hex_digit(line.at[i]);
        if (size > room)
            return PORTHOLE_ERR_TOO_LARGE;
    }
    if (i == 0 || (i < line.len && line.at[i] != ';' && line.at[i] != ' ' && line.at[i] != '\t'))
        return PORTHOLE_ERR_MALFORMED;
    drop_line(reader);
    reader->body_left = size;
    reader->state = size > 0 ? READ_CHUNK_DATA : READ_TRAILER;
    return 0;
}

static int read_trailer_line(struct ph_http_reader *reader) {
    bool last = gathered_line(reader).len == 0;
    drop_line(reader);
    if (last)
        reader->state = READ_DONE;
    return 0;
}

/* The states that read lines. */
static int step_line(struct ph_http_reader *reader, struct ph_span *input) {
    size_t gathered = reader->text.len - reader->line_start;
    size_t chunk_line_left = CHUNK_LINE_MAX - at_most(gathered, CHUNK_LINE_MAX);
    bool chunk_line = reader->state == READ_CHUNK_SIZE || reader->state == READ_CHUNK_END;
    int r = collect_line(reader, input, chunk_line ? &chunk_line_left : &reader->head_left);
    if (r <= 0)
        return r;
    if (reader->state == READ_START_LINE)
        return read_start_line(reader);
    if (reader->state == READ_HEADERS)
        return read_header_line(reader);
    if (reader->state == READ_CHUNK_SIZE)
        return read_chunk_size(reader);
    if (reader->state == READ_TRAILER)
        return read_trailer_line(reader);
    if (gathered_line(reader).len > 0) /* READ_CHUNK_END */
        return PORTHOLE_ERR_MALFORMED;
    drop_line(reader);
    reader->state = READ_CHUNK_SIZE;
    return 0;
}

/* The states that read the body's bytes. */
static int step_body(struct ph_http_reader *reader, struct ph_span *input) {
    bool bounded = reader->state != READ_UNTIL_CLOSE;
    size_t room = PH_HTTP_BODY_MAX - reader->body.len;
    size_t n = at_most(input->len, bounded ? reader->body_left : room);
    if (n == 0)
        return PORTHOLE_ERR_TOO_LARGE;
    int r = append_octets(&reader->body, input->at, n);
    if (r < 0)
        return r;
    consume(input, n);
    if (!bounded)
        return 0;
    reader->body_left -= n;
    if (reader->body_left == 0)
        reader->state = reader->state == READ_LENGTH ? READ_DONE : READ_CHUNK_END;
    return 0;
}

int ph_http_reader_feed(struct ph_http_reader *reader, const void *bytes, size_t len) {
    struct ph_span input = {bytes, len};
    while (input.len > 0 && reader->state != READ_DONE && reader->state != READ_FAILED) {
        bool body = reader->state == READ_LENGTH || reader->state == READ_CHUNK_DATA ||
                    reader->state == READ_UNTIL_CLOSE;
        int r = body ? step_body(reader, &input) : step_line(reader, &input);
        if (r < 0) {
            reader->state = READ_FAILED;
            reader->error = r;
        }
    }
    if (reader->state == READ_FAILED)
        return reader->error;
    return reader->state == READ_DONE;
}

int ph_http_reader_end(struct ph_http_reader *reader) {
    if (reader->state == READ_FAILED)
        return reader->error;
    /* RFC 9112 §8: a chunked body is complete when its last chunk has come, trailers or not. */
    if (reader->state == READ_UNTIL_CLOSE || reader->state == READ_TRAILER)
        reader->state = READ_DONE;
    if (reader->state == READ_DONE)
        return 1;
    reader->state = READ_FAILED;
    reader->error = PORTHOLE_ERR_TRUNCATED;
    return reader->error;
}

struct ph_http_message ph_http_reader_message(const struct ph_http_reader *reader) {
    struct ph_http_message message = {
        .status = reader->status,
        .head = {reader->text.at, reader->head_len},
        .body = {reader->body.at, reader->body.len},
    };
    if (reader->kind == PH_HTTP_REQUEST) {
        message.method = (struct ph_span){reader->text.at, reader->method_len};
        message.target =
            (struct ph_span){reader->text.at + reader->target_start, reader->target_len};
    }
    return message;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * addr.c: see addr.h. Text is read from spans and written to fixed buffers; nothing here asks the
 * resolver or the system.
 */
#include "base/addr.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

const struct ph_addr ph_addr_none;

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct ph_addr ph_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return (struct ph_addr){{[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d}};
}

bool ph_addr_is_v4(const struct ph_addr *addr) {
    return memcmp(addr->b, mapped_prefix, sizeof mapped_prefix) == 0;
}

const uint8_t *ph_addr_v4_bytes(const struct ph_addr *addr) { return addr->b + 12; }

bool ph_addr_equal(const struct ph_addr *a, const struct ph_addr *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool ph_endpoint_equal(const struct ph_endpoint *a, const struct ph_endpoint *b) {
    return a->port == b->port && ph_addr_equal(&a->addr, &b->addr);
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static bool is_none(const struct ph_addr *addr) { return ph_addr_equal(addr, &ph_addr_none); }

bool ph_addr_is_unspecified(const struct ph_addr *addr) {
    const struct ph_addr any_v4 = ph_addr_v4(0, 0, 0, 0);
    return is_none(addr) || ph_addr_equal(addr, &any_v4);
}

bool ph_addr_is_loopback(const struct ph_addr *addr) {
    return ph_addr_reach(addr) == PORTHOLE_REACH_LOOPBACK;
}

bool ph_addr_is_multicast(const struct ph_addr *addr) {
    if (ph_addr_is_v4(addr))
        return (ph_addr_v4_bytes(addr)[0] & 0xf0) == 0xe0;
    return addr->b[0] == 0xff;
}

bool ph_addr_is_link_local(const struct ph_addr *addr) {
    const uint8_t *v4 = ph_addr_v4_bytes(addr);
    if (ph_addr_is_v4(addr))
        return v4[0] == 169 && v4[1] == 254;
    return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

struct range {
    uint8_t prefix[16];
    unsigned bits;
    enum porthole_reach reach;
};

#define PUBLIC PORTHOLE_REACH_PUBLIC
#define PRIVATE PORTHOLE_REACH_PRIVATE
#define SHARED PORTHOLE_REACH_SHARED
#define LOOPBACK PORTHOLE_REACH_LOOPBACK
#define OTHER PORTHOLE_REACH_OTHER

/* The IANA IPv4 Special-Purpose Address Registry, by its names. Multicast has a registry of its
 * own. A block whose reachability the registry leaves open ("N/A", or deprecated) is not PUBLIC. */
static const struct range v4_ranges[] = {
    {{0}, 8, OTHER},                   /* "This network", RFC 791 */
    {{0}, 32, OTHER},                  /* "This host on this network", RFC 1122 */
    {{10}, 8, PRIVATE},                /* Private-Use, RFC 1918 */
    {{100, 64}, 10, SHARED},           /* Shared Address Space, RFC 6598 */
    {{127}, 8, LOOPBACK},              /* Loopback, RFC 1122 */
    {{169, 254}, 16, OTHER},           /* Link Local, RFC 3927 */
    {{172, 16}, 12, PRIVATE},          /* Private-Use, RFC 1918 */
    {{192, 0, 0}, 24, OTHER},          /* IETF Protocol Assignments, RFC 6890 */
    {{192, 0, 0}, 29, OTHER},          /* IPv4 Service Continuity Prefix, RFC 7335 */
    {{192, 0, 0, 8}, 32, OTHER},       /* IPv4 dummy address, RFC 7600 */
    {{192, 0, 0, 9}, 32, PUBLIC},      /* Port Control Protocol Anycast, RFC 7723 */
    {{192, 0, 0, 10}, 32, PUBLIC},     /* TURN Anycast, RFC 8155 */
    {{192, 0, 0, 170}, 31, OTHER},     /* NAT64/DNS64 Discovery, RFC 8880, RFC 7050 */
    {{192, 0, 2}, 24, OTHER},          /* Documentation (TEST-NET-1), RFC 5737 */
    {{192, 31, 196}, 24, PUBLIC},      /* AS112-v4, RFC 7535 */
    {{192, 52, 193}, 24, PUBLIC},      /* AMT, RFC 7450 */
    {{192, 88, 99}, 24, OTHER},        /* Deprecated (6to4 Relay Anycast), RFC 7526 */
    {{192, 88, 99, 2}, 32, OTHER},     /* 6a44-relay anycast address, RFC 6751 */
    {{192, 168}, 16, PRIVATE},         /* Private-Use, RFC 1918 */
    {{192, 175, 48}, 24, PUBLIC},      /* Direct Delegation AS112 Service, RFC 7534 */
    {{198, 18}, 15, OTHER},            /* Benchmarking, RFC 2544 */
    {{198, 51, 100}, 24, OTHER},       /* Documentation (TEST-NET-2), RFC 5737 */
    {{203, 0, 113}, 24, OTHER},        /* Documentation (TEST-NET-3), RFC 5737 */
    {{224}, 4, OTHER},                 /* IPv4 Multicast Address Space, RFC 5771 */
    {{240}, 4, OTHER},                 /* Reserved, RFC 1112 */
    {{255, 255, 255, 255}, 32, OTHER}, /* Limited Broadcast, RFC 8190, RFC 919 */
};

/* The IANA IPv6 Special-Purpose Address Registry, by its names. ::/128 and ::ffff:0:0/96 are dealt
 * with before the table is asked. */
static const struct range v6_ranges[] = {
    {{0}, 0, OTHER},             /* what the rest of the table leaves: reserved by RFC 4291 */
    {{0x20}, 3, PUBLIC},         /* Global Unicast, IANA IPv6 Address Space */
    {{[15] = 1}, 128, LOOPBACK}, /* Loopback Address, RFC 4291 */
    {{0, 0x64, 0xff, 0x9b}, 96, PUBLIC},       /* IPv4-IPv6 Translat., RFC 6052 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, OTHER},  /* IPv4-IPv6 Translat., RFC 8215 */
    {{1}, 64, OTHER},                          /* Discard-Only, RFC 6666 */
    {{1, [7] = 1}, 64, OTHER},                 /* Dummy IPv6 Prefix, RFC 9780 */
    {{0x20, 1}, 23, OTHER},                    /* IETF Protocol Assignments, RFC 2928 */
    {{0x20, 1}, 32, OTHER},                    /* TEREDO, RFC 4380: N/A */
    {{0x20, 1, 0, 1, [15] = 1}, 128, PUBLIC},  /* PCP Anycast, RFC 7723 */
    {{0x20, 1, 0, 1, [15] = 2}, 128, PUBLIC},  /* TURN Anycast, RFC 8155 */
    {{0x20, 1, 0, 1, [15] = 3}, 128, PUBLIC},  /* DNS-SD SRP Anycast, RFC 9665 */
    {{0x20, 1, 0, 2}, 48, OTHER},              /* Benchmarking, RFC 5180 */
    {{0x20, 1, 0, 3}, 32, PUBLIC},             /* AMT, RFC 7450 */
    {{0x20, 1, 0, 4, 0x01, 0x12}, 48, PUBLIC}, /* AS112-v6, RFC 7535 */
    {{0x20, 1, 0, 0x10}, 28, OTHER},           /* Deprecated (ORCHID), RFC 4843 */
    {{0x20, 1, 0, 0x20}, 28, PUBLIC},          /* ORCHIDv2, RFC 7343 */
    {{0x20, 1, 0, 0x30}, 28, PUBLIC},          /* Drone Remote ID, RFC 9374 */
    {{0x20, 1, 0x0d, 0xb8}, 32, OTHER},        /* Documentation, RFC 3849 */
    {{0x20, 2}, 16, OTHER},                    /* 6to4, RFC 3056: N/A */
    {{0x26, 0x20, 0, 0x4f, 0x80}, 48, PUBLIC}, /* Direct Delegation AS112, RFC 7534 */
    {{0x3f, 0xff}, 20, OTHER},                 /* Documentation, RFC 9637 */
    {{0x5f}, 16, OTHER},                       /* Segment Routing SIDs, RFC 9602 */
    {{0xfc}, 7, PRIVATE},                      /* Unique-Local, RFC 4193, RFC 8190 */
    {{0xfe, 0x80}, 10, OTHER},                 /* Link-Local Unicast, RFC 4291 */
    {{0xff}, 8, OTHER},                        /* Multicast, RFC 4291 §2.7 */
};

#undef PUBLIC
#undef PRIVATE
#undef SHARED
#undef LOOPBACK
#undef OTHER

static bool has_prefix(const uint8_t *bytes, const struct range *range) {
    unsigned whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(bytes, range->prefix, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ range->prefix[whole]) >> (8 - rest) == 0;
}

/* The most specific entry decides, as the registries demand; so the order of rows is free. */
static enum porthole_reach range_reach(const struct range *ranges, size_t count,
                                       const uint8_t *bytes) {
    const struct range *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (has_prefix(bytes, &ranges[i]) && (!best || ranges[i].bits > best->bits))
            best = &ranges[i];
    return best ? best->reach : PORTHOLE_REACH_PUBLIC;
}

enum porthole_reach ph_addr_reach(const struct ph_addr *addr) {
    if (is_none(addr))
        return PORTHOLE_REACH_UNKNOWN;
    if (ph_addr_is_v4(addr))
        return range_reach(v4_ranges, LENGTH(v4_ranges), ph_addr_v4_bytes(addr));
    return range_reach(v6_ranges, LENGTH(v6_ranges), addr->b);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* "a.b.c.d"; a leading zero is refused, because some programs read it as octal. */
static bool parse_v4(struct ph_span text, uint8_t ret[4]) {
    uint8_t bytes[4];
    for (size_t i = 0; i < 4; i++) {
        const char *dot = i < 3 && text.len > 0 ? memchr(text.at, '.', text.len) : NULL;
        if (i < 3 && !dot)
            return false;
        struct ph_span part = {text.at, dot ? (size_t)(dot - text.at) : text.len};
        uint64_t v;
        if (!ph_span_to_u64(part, 255, &v) || (part.len > 1 && part.at[0] == '0'))
            return false;
        bytes[i] = (uint8_t)v;
        if (dot)
            text = (struct ph_span){dot + 1, text.len - part.len - 1};
    }
    memcpy(ret, bytes, sizeof bytes);
    return true;
}

static int group_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes one to four hex digits off the front. */
static bool take_group(struct ph_span *text, uint8_t ret[2]) {
    unsigned v = 0;
    size_t n = 0;
    while (n < text->len && n < 4 && group_digit(text->at[n]) >= 0)
        v = v << 4 | (unsigned)group_digit(text->at[n++]);
    ret[0] = (uint8_t)(v >> 8);
    ret[1] = (uint8_t)v;
    text->at += n;
    text->len -= n;
    return n > 0;
}

/* Groups parted by single colons, the last four bytes maybe dotted, as many as fit in `room`
 * bytes. Nothing at all is fine: so stands beside "::". */
static bool parse_groups(struct ph_span text, bool may_be_dotted, uint8_t *ret, size_t room,
                         size_t *ret_len) {
    size_t len = 0;
    while (text.len > 0) {
        if (may_be_dotted && room - len >= 4 && parse_v4(text, ret + len)) {
            *ret_len = len + 4;
            return true;
        }
        if (room - len < 2 || !take_group(&text, ret + len))
            return false;
        len += 2;
        if (text.len == 0)
            break;
        if (text.at[0] != ':' || text.len == 1)
            return false;
        text.at++;
        text.len--;
    }
    *ret_len = len;
    return true;
}

static size_t find_double_colon(struct ph_span text) {
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.at[i] == ':' && text.at[i + 1] == ':')
            return i;
    return text.len;
}

/* RFC 4291 §2.2: eight groups, or fewer with one "::" for at least one group of zeros. */
static bool parse_v6(struct ph_span text, struct ph_addr *ret) {
    struct ph_addr addr = ph_addr_none;
    size_t head_len;
    size_t gap = find_double_colon(text);
    if (gap == text.len) {
        if (!parse_groups(text, true, addr.b, sizeof addr.b, &head_len) || head_len < sizeof addr.b)
            return false;
    } else {
        uint8_t tail[sizeof addr.b];
        size_t tail_len;
        struct ph_span before = {text.at, gap};
        struct ph_span after = {text.at + gap + 2, text.len - gap - 2};
        if (!parse_groups(before, false, addr.b, sizeof addr.b - 2, &head_len) ||
            !parse_groups(after, true, tail, sizeof addr.b - 2 - head_len, &tail_len))
            return false;
        memcpy(addr.b + sizeof addr.b - tail_len, tail, tail_len);
    }
    *ret = addr;
    return true;
}

bool ph_addr_parse(struct ph_span text, struct ph_addr *ret) {
    uint8_t v4[4];
    if (parse_v4(text, v4)) {
        *ret = ph_addr_v4(v4[0], v4[1], v4[2], v4[3]);
        return true;
    }
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        text = (struct ph_span){text.at + 1, text.len - 2};
    return parse_v6(text, ret);
}

static unsigned group_at(const struct ph_addr *addr, size_t i) {
    return (unsigned)addr->b[2 * i] << 8 | addr->b[2 * i + 1];
}

/* RFC 5952 §4.2: the longest run of two or more zero groups, the first of equal ones. */
static size_t longest_zeros(const struct ph_addr *addr, size_t *ret_count) {
    size_t best = 8;
    size_t best_count = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;
        while (i + n < 8 && group_at(addr, i + n) == 0)
            n++;
        if (n > best_count) {
            best = i;
            best_count = n;
        }
    }
    *ret_count = best_count;
    return best;
}

static void format_v6(const struct ph_addr *addr, char ret[PH_ADDR_TEXT_SIZE]) {
    size_t zeros_count;
    size_t zeros = longest_zeros(addr, &zeros_count);
    size_t len = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i == zeros) {
            ret[len++] = ':';
            if (i == 0)
                ret[len++] = ':';
            i += zeros_count - 1;
            continue;
        }
        len += (size_t)snprintf(ret + len, PH_ADDR_TEXT_SIZE - len, i < 7 ? "%x:" : "%x",
                                group_at(addr, i));
    }
    ret[len] = '\0';
}

const char *ph_addr_format(const struct ph_addr *addr, char ret[PH_ADDR_TEXT_SIZE]) {
    const uint8_t *v4 = ph_addr_v4_bytes(addr);
    if (is_none(addr))
        ret[0] = '\0';
    else if (ph_addr_is_v4(addr))
        snprintf(ret, PH_ADDR_TEXT_SIZE, "%u.%u.%u.%u", v4[0], v4[1], v4[2], v4[3]);
    else
        format_v6(addr, ret);
    return ret;
}

const char *ph_endpoint_format(const struct ph_endpoint *endpoint,
                               char ret[PH_ENDPOINT_TEXT_SIZE]) {
    char text[PH_ADDR_TEXT_SIZE];
    if (ph_addr_is_v4(&endpoint->addr))
        snprintf(ret, PH_ENDPOINT_TEXT_SIZE, "%s:%u", ph_addr_format(&endpoint->addr, text),
                 endpoint->port);
    else {
        format_v6(&endpoint->addr, text);
        snprintf(ret, PH_ENDPOINT_TEXT_SIZE, "[%s]:%u", text, endpoint->port);
    }
    return ret;
}

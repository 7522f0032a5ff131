/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * markup.c: see markup.h. The one place where text becomes markup: the page's other files write
 * through it and never by fprintf().
 */
#include "cli/markup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT 0xfffdU
#define ELLIPSIS "\xe2\x80\xa6"

/* ---- Characters ------------------------------------------------------------------------------ */

/* Shown as a mark, because it would be invisible, or would change how its neighbours are shown. */
static bool is_unfit(uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || /* C0, DEL, C1 */
           (point >= 0xd800 && point < 0xe000) ||             /* surrogates: no characters */
           point == 0x061c ||
           (point >= 0x200b && point < 0x2010) || /* marks of direction, joiners */
           (point >= 0x2028 && point < 0x202f) || /* separators, embeddings */
           (point >= 0x2060 && point < 0x2070) || /* isolates, what is invisible */
           point == 0xfeff || (point & 0xfffe) == 0xfffe || point > 0x10ffff ||
           (point >= 0xe0000 && point < 0xe1000); /* tags */
}

/* How long the sequence is that a byte begins; 0 = none begins with it. */
static size_t sequence_length(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The character at *at, which is behind it afterwards. A byte that is no UTF-8 counts alone. */
static uint32_t next_point(const char **at) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned char first = (unsigned char)*(*at)++;
    size_t len = sequence_length(first);
    uint32_t point = first & bits[len];
    for (size_t i = 0; i + 1 < len; i++) {
        unsigned char more = (unsigned char)(*at)[i];
        if ((more & 0xc0) != 0x80)
            return REPLACEMENT;
        point = point << 6 | (more & 0x3f);
    }
    if (len == 0 || point < least[len])
        return REPLACEMENT;
    *at += len - 1;
    return is_unfit(point) ? REPLACEMENT : point;
}

/* Returns its length in UTF-8. */
static size_t encode_point(uint32_t point, char ret[4]) {
    if (point < 0x80) {
        ret[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; point >>= 6)
        ret[i] = (char)(unsigned char)(0x80 | (point & 0x3f));
    ret[0] = (char)(unsigned char)(marks[len] | point);
    return len;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_escaped(FILE *out, const char *text) {
    while (*text) {
        uint32_t point = next_point(&text);
        char bytes[4];
        switch (point) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fwrite(bytes, 1, encode_point(point, bytes), out);
        }
    }
}

static void print_number(FILE *out, double value) {
    char digits[64];
    if (!(value > -1e12 && value < 1e12)) /* nor is it a number then */
        value = 0;
    int len = snprintf(digits, sizeof digits, "%.1f", value);
    if (len > 2 && digits[len - 1] == '0')
        digits[len - 2] = '\0';
    fputs(strcmp(digits, "-0") == 0 ? "0" : digits, out);
}

void ph_markup_print(FILE *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            putc(*at, out);
            continue;
        }
        switch (*++at) {
        case 's':
            print_escaped(out, va_arg(arguments, const char *));
            break;
        case 'd':
            fprintf(out, "%d", va_arg(arguments, int));
            break;
        case 'u':
            fprintf(out, "%u", va_arg(arguments, unsigned));
            break;
        case 'z':
            at++;
            fprintf(out, "%zu", va_arg(arguments, size_t));
            break;
        case 'f':
            print_number(out, va_arg(arguments, double));
            break;
        default:
            putc('%', out);
        }
    }
    va_end(arguments);
}

/* ---- What fits ------------------------------------------------------------------------------- */

static size_t columns_of(uint32_t point) { return point < 0x80 ? 1 : 2; }

static size_t count_columns(const char *text) {
    size_t columns = 0;
    while (*text)
        columns += columns_of(next_point(&text));
    return columns;
}

/* Appends what fits of a text. */
static size_t take_columns(const char *text, size_t columns, char *ret, size_t len) {
    while (*text) {
        uint32_t point = next_point(&text);
        if (columns_of(point) > columns)
            break;
        columns -= columns_of(point);
        len += encode_point(point, ret + len);
    }
    ret[len] = '\0';
    return len;
}

static const char *cut(const char *text, size_t columns, bool in_middle, char *ret) {
    if (columns > PH_MARKUP_COLUMNS_MAX)
        columns = PH_MARKUP_COLUMNS_MAX;
    size_t left = count_columns(text);
    if (left <= columns || columns == 0) {
        take_columns(text, columns, ret, 0);
        return ret;
    }
    const char *tail = text;
    size_t tail_columns_max = in_middle ? columns / 2 : 0;
    while (left > tail_columns_max)
        left -= columns_of(next_point(&tail));
    size_t len = take_columns(text, columns - 1 - left, ret, 0);
    memcpy(ret + len, ELLIPSIS, sizeof ELLIPSIS);
    take_columns(tail, left, ret, len + sizeof ELLIPSIS - 1);
    return ret;
}

const char *ph_markup_cut(const char *text, size_t columns, char ret[PH_MARKUP_CUT_SIZE]) {
    return cut(text, columns, false, ret);
}

const char *ph_markup_cut_middle(const char *text, size_t columns, char ret[PH_MARKUP_CUT_SIZE]) {
    return cut(text, columns, true, ret);
}

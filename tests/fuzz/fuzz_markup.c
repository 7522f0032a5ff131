/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_markup.c: text that is filled into a page. Whatever it is, what comes out is UTF-8 without
 * control characters, holds no character that markup is made of, and a cut text fits.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <string.h>

#include "cli/markup.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many bytes a character has; 0: it is none, or one that must not be there. Table 3-7 of the
 * Unicode Standard. */
static size_t length_of(const unsigned char *at) {
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (at[0] < rows[i].first_min || at[0] > rows[i].first_max || at[1] < rows[i].second_min ||
            at[1] > rows[i].second_max)
            continue;
        for (size_t k = 2; k < rows[i].length; k++)
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        return at[0] == 0xc2 && at[1] < 0xa0 ? 0 : rows[i].length; /* C1 */
    }
    return 0;
}

/* Returns its columns. */
static size_t require_sound(const char *text) {
    size_t columns = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = length_of(at);
        REQUIRE(length > 0);
        columns += length == 1 ? 1 : 2;
        at += length;
    }
    return columns;
}

static void see_printed(const char *text) {
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    REQUIRE(file);
    ph_markup_print(file, "%s", text);
    fclose(file);
    require_sound(out);
    REQUIRE(!strpbrk(out, "<>\"'"));
    for (const char *at = out; (at = strchr(at, '&')); at++)
        REQUIRE(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0 ||
                strncmp(at, "&gt;", 4) == 0 || strncmp(at, "&quot;", 6) == 0 ||
                strncmp(at, "&#39;", 5) == 0);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[512], cut[PH_MARKUP_CUT_SIZE];
    if (size < 1)
        return 0;
    size_t columns = data[0], len = size - 1 < sizeof text ? size - 1 : sizeof text - 1;
    memcpy(text, data + 1, len);
    text[len] = '\0';
    see_printed(text);
    /* The mark of what is left out is one column wide, and three bytes long. */
    REQUIRE(require_sound(ph_markup_cut(text, columns, cut)) <= columns + 1);
    REQUIRE(require_sound(ph_markup_cut_middle(text, columns, cut)) <= columns + 1);
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * markup.h: writes HTML and SVG. Whatever is filled in is escaped on the way, so that no text from
 * the network can become an element, an attribute or a character that the page's reader is not
 * shown as it is.
 */
#ifndef PH_CLI_MARKUP_H
#define PH_CLI_MARKUP_H

#include <stddef.h>
#include <stdio.h>

#include "cli/output.h"

/* The format's own text is markup and written as it is. It knows %s (escaped; bytes that are no
 * UTF-8, control characters and those that turn the direction of writing become U+FFFD), %d, %u,
 * %zu, %f (one decimal, none where it would be 0) and %%. */
void ph_markup_print(FILE *out, const char *format, ...) PH_OUTPUT_PRINTF(2, 3);

/* Text that fits into so many columns of a typewriter font, with "…" where something is left out:
 * at its end, or in its middle, for addresses. What is not ASCII counts as two columns. At most
 * PH_MARKUP_COLUMNS_MAX. Returns ret. */
#define PH_MARKUP_COLUMNS_MAX 96U
#define PH_MARKUP_CUT_SIZE (4 * PH_MARKUP_COLUMNS_MAX + 4)
const char *ph_markup_cut(const char *text, size_t columns, char ret[PH_MARKUP_CUT_SIZE]);
const char *ph_markup_cut_middle(const char *text, size_t columns, char ret[PH_MARKUP_CUT_SIZE]);

#endif

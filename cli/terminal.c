/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * terminal.c: see terminal.h.
 */
#define _DEFAULT_SOURCE

#include "cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"

#define DEFAULT_ROWS 24U
#define DEFAULT_COLUMNS 80U

static size_t number_of(const char *name, size_t otherwise) {
    const char *text = getenv(name);
    uint64_t number;
    return text && ph_span_to_u64(ph_span_of(text), UINT16_MAX, &number) && number > 0
               ? (size_t)number
               : otherwise;
}

void ph_terminal_measure(size_t *ret_rows, size_t *ret_columns) {
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    *ret_rows = size.ws_row ? size.ws_row : number_of("LINES", DEFAULT_ROWS);
    *ret_columns = size.ws_col ? size.ws_col : number_of("COLUMNS", DEFAULT_COLUMNS);
}

size_t ph_terminal_columns(void) {
    size_t rows, columns;
    if (!isatty(STDOUT_FILENO))
        return 0;
    ph_terminal_measure(&rows, &columns);
    return columns;
}

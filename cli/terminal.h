/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * terminal.h: how large the terminal is on which standard output is shown.
 */
#ifndef PH_CLI_TERMINAL_H
#define PH_CLI_TERMINAL_H

#include <stddef.h>

/* As the system tells, else by LINES and COLUMNS, else 24 and 80. */
void ph_terminal_measure(size_t *ret_rows, size_t *ret_columns);
/* The columns; 0 when standard output is no terminal. */
size_t ph_terminal_columns(void);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * progress.h: one line on a terminal's standard error while an answer is awaited, from the first
 * second on: so that a person knows that something goes on. It is taken away before anything else
 * is printed. It needs SIGALRM; there is one at a time.
 */
#ifndef PH_CLI_PROGRESS_H
#define PH_CLI_PROGRESS_H

#include "cli/options.h"

/* Where standard error is no terminal or a dumb one, with --json and with --verbose, there is none,
 * and both do nothing. */
void ph_progress_begin(const struct ph_options *options);
void ph_progress_end(void);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * replace.h: writes a file as a whole, beside the old one, and renames it over it: who reads it
 * sees the old one or the new one and never a half.
 */
#ifndef PH_CLI_REPLACE_H
#define PH_CLI_REPLACE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Writes the content; what fails is seen on the file itself. */
typedef void ph_replace_write_fn(FILE *file, const void *user);

/* Each returns false with errno set when it cannot be done; what was there is then as it was.
 * ph_replace_try() leaves no trace: it tells beforehand whether a file can be written there. */
bool ph_replace_file(const char *path, mode_t mode, ph_replace_write_fn *write, const void *user);
bool ph_replace_try(const char *path);

#endif

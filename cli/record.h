/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * record.h: --file: where each mapping can be reached now, one line a mapping that is open, in a
 * file that is replaced as a whole, so that a reader never sees a half of it.
 */
#ifndef PH_CLI_RECORD_H
#define PH_CLI_RECORD_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>

struct ph_record;

/* For `count` mappings; the file is not touched yet. NULL: no memory. */
struct ph_record *ph_record_new(const char *path, const char *command, size_t count);
/* All below take NULL for no file. */
void ph_record_free(struct ph_record *record);

/* Counts at the next ph_record_write(). */
void ph_record_post(struct ph_record *record, size_t mapping, const struct porthole_event *event);
/* Replaces the file if something has changed since. False: it could not, which has been said. */
bool ph_record_write(struct ph_record *record);
/* Removes the file: nothing is open any more. */
void ph_record_remove(struct ph_record *record);

#endif

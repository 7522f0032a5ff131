/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * record.h: --file: where each mapping can be reached now, one line a mapping that is open, in a
 * file that is replaced as a whole, so that a reader never sees a half of it.
 */
#ifndef PH_CLI_RECORD_H
#define PH_CLI_RECORD_H

#include <stdbool.h>

struct ph_group;
struct ph_record;
struct ph_set;

/* The file is not touched yet. `word` is what it is called in messages, such as "--file"; all texts
 * outlive it. NULL: no memory. */
struct ph_record *ph_record_new(const char *path, const char *word, const char *command);
/* All below take NULL for no file. */
void ph_record_free(struct ph_record *record);
/* The same path in memory that lives on. */
void ph_record_set_path(struct ph_record *record, const char *path);

/* Something may have changed since the last ph_record_write(). */
void ph_record_touch(struct ph_record *record);
/* Replaces the file if something has changed: a line for each wish of the group that is open; NULL
 * = of all groups. False: it could not, which has been said. */
bool ph_record_write(struct ph_record *record, const struct ph_set *set,
                     const struct ph_group *group);
/* Removes the file: nothing is open any more. */
void ph_record_remove(struct ph_record *record);

#endif

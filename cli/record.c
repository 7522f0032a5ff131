/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * record.c: see record.h. The file is for other programs to read: its mode is 0644, whatever the
 * umask. How it is written is replace.c's.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hold.h"
#include "cli/output.h"
#include "cli/replace.h"

#define RECORD_MODE 0644
/* "udp 65535 ADDRESS 65535" and its newline. */
#define LINE_SIZE (PORTHOLE_ADDRESS_SIZE + 24)

struct ph_record {
    const char *path;
    const char *word;
    const char *command;
    char *text;     /* as the file is */
    bool is_fresh;  /* nothing can have changed since it was written */
    int told_errno; /* the last reason why not; said once */
};

struct ph_record *ph_record_new(const char *path, const char *word, const char *command) {
    struct ph_record *record = calloc(1, sizeof *record);
    if (record)
        *record = (struct ph_record){.path = path, .word = word, .command = command};
    return record;
}

void ph_record_free(struct ph_record *record) {
    if (!record)
        return;
    free(record->text);
    free(record);
}

void ph_record_set_path(struct ph_record *record, const char *path) {
    if (record)
        record->path = path;
}

void ph_record_touch(struct ph_record *record) {
    if (record)
        record->is_fresh = false;
}

/* What the file is to be; freed by the caller; NULL = no memory. */
static char *make_text(const struct ph_set *set, const struct ph_group *group) {
    char *text = malloc(set->count * LINE_SIZE + 1);
    size_t len = 0;
    if (!text)
        return NULL;
    text[0] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        const struct ph_wish *wish = set->wishes[i];
        const struct porthole_mapping *facts = &wish->newest;
        if (!wish->is_open || wish->is_leaving || (group && wish->group != group))
            continue;
        len += (size_t)snprintf(text + len, LINE_SIZE, "%s %u %s %u\n",
                                porthole_protocol_name(facts->protocol),
                                (unsigned)facts->internal_port,
                                *facts->external_address ? facts->external_address : "?",
                                (unsigned)facts->external_port);
    }
    return text;
}

static void write_text(FILE *file, const void *user) { fputs(user, file); }

bool ph_record_write(struct ph_record *record, const struct ph_set *set,
                     const struct ph_group *group) {
    if (!record || record->is_fresh)
        return true;
    char *text = make_text(set, group);
    bool is_same = text && record->text && strcmp(text, record->text) == 0;
    record->is_fresh =
        is_same || (text && ph_replace_file(record->path, RECORD_MODE, write_text, text));
    if (!record->is_fresh && record->told_errno != errno) {
        record->told_errno = errno;
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(record->command, "%s %s: %s", record->word,
                        ph_output_quote(record->path, quote), strerror(errno));
    }
    if (!record->is_fresh) {
        free(text);
        return false;
    }
    record->told_errno = 0;
    free(record->text);
    record->text = text;
    return true;
}

void ph_record_remove(struct ph_record *record) {
    if (record)
        unlink(record->path);
}

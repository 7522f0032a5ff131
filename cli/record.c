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

#include "cli/output.h"
#include "cli/replace.h"

#define RECORD_MODE 0644
/* "udp 65535 ADDRESS 65535" and its newline. */
#define LINE_SIZE (PORTHOLE_ADDRESS_SIZE + 24)

struct ph_record {
    const char *path;
    const char *command;
    char (*lines)[LINE_SIZE];
    size_t count;
    bool is_written; /* as it is now */
    int told_errno;  /* the last reason why not; said once */
};

struct ph_record *ph_record_new(const char *path, const char *command, size_t count) {
    struct ph_record *record = calloc(1, sizeof *record);
    if (!record)
        return NULL;
    *record = (struct ph_record){.path = path,
                                 .command = command,
                                 .lines = calloc(count, sizeof *record->lines),
                                 .count = count};
    if (record->lines)
        return record;
    ph_record_free(record);
    return NULL;
}

void ph_record_free(struct ph_record *record) {
    if (!record)
        return;
    free(record->lines);
    free(record);
}

void ph_record_post(struct ph_record *record, size_t mapping, const struct porthole_event *event) {
    if (!record)
        return;
    const struct porthole_mapping *facts = &event->mapping;
    char line[LINE_SIZE] = "";
    if (event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED)
        snprintf(line, sizeof line, "%s %u %s %u\n", porthole_protocol_name(facts->protocol),
                 (unsigned)facts->internal_port,
                 *facts->external_address ? facts->external_address : "?",
                 (unsigned)facts->external_port);
    if (strcmp(line, record->lines[mapping]) == 0)
        return;
    memcpy(record->lines[mapping], line, sizeof line);
    record->is_written = false;
}

static void write_lines(FILE *file, const void *user) {
    const struct ph_record *record = user;
    for (size_t i = 0; i < record->count; i++)
        fputs(record->lines[i], file);
}

bool ph_record_write(struct ph_record *record) {
    if (!record || record->is_written)
        return true;
    record->is_written = ph_replace_file(record->path, RECORD_MODE, write_lines, record);
    if (!record->is_written && record->told_errno != errno) {
        record->told_errno = errno;
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_output_error(record->command, "--file %s: %s", ph_output_quote(record->path, quote),
                        strerror(errno));
    }
    if (record->is_written)
        record->told_errno = 0;
    return record->is_written;
}

void ph_record_remove(struct ph_record *record) {
    if (record)
        unlink(record->path);
}

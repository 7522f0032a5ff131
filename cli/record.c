/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * record.c: see record.h. The new file is written beside the old one and renamed over it. It is for
 * other programs to read: its mode is 0644, whatever the umask.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"

#define RECORD_MODE 0644
/* "udp 65535 ADDRESS 65535" and its newline. */
#define LINE_SIZE (PORTHOLE_ADDRESS_SIZE + 24)

struct ph_record {
    const char *path;
    const char *command;
    char *temporary; /* the path's folder and name, as mkstemp() wants them */
    char (*lines)[LINE_SIZE];
    size_t count;
    bool is_written; /* as it is now */
    int told_errno;  /* the last reason why not; said once */
};

static const char suffix[] = ".XXXXXX";

struct ph_record *ph_record_new(const char *path, const char *command, size_t count) {
    struct ph_record *record = calloc(1, sizeof *record);
    if (!record)
        return NULL;
    *record = (struct ph_record){.path = path,
                                 .command = command,
                                 .temporary = malloc(strlen(path) + sizeof suffix),
                                 .lines = calloc(count, sizeof *record->lines),
                                 .count = count};
    if (record->temporary && record->lines)
        return record;
    ph_record_free(record);
    return NULL;
}

void ph_record_free(struct ph_record *record) {
    if (!record)
        return;
    free(record->temporary);
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

static bool write_lines(const struct ph_record *record, int fd) {
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return false;
    }
    bool ok = fchmod(fd, RECORD_MODE) == 0;
    for (size_t i = 0; i < record->count && ok; i++)
        ok = fputs(record->lines[i], file) >= 0;
    int error = ok ? 0 : errno;
    if (fclose(file) != 0 && ok) {
        error = errno;
        ok = false;
    }
    errno = error;
    return ok;
}

static bool replace(const struct ph_record *record) {
    snprintf(record->temporary, strlen(record->path) + sizeof suffix, "%s%s", record->path, suffix);
    int fd = mkstemp(record->temporary);
    if (fd < 0)
        return false;
    if (write_lines(record, fd) && rename(record->temporary, record->path) == 0)
        return true;
    int error = errno;
    unlink(record->temporary);
    errno = error;
    return false;
}

bool ph_record_write(struct ph_record *record) {
    if (!record || record->is_written)
        return true;
    record->is_written = replace(record);
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

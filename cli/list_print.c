/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list_print.c: the rows of `porthole list` as JSON lines and as a table: columns as wide as what
 * is in them, lines no longer than the terminal. Texts of the router are printable ASCII already.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/list_rows.h"
#include "cli/output.h"
#include "cli/terminal.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *owner_name(enum ph_list_owner owner) {
    static const char *const names[] = {"held", "left", "stale", "host", "other"};
    return names[owner];
}

static json_t *number_or_null(bool is_there, int64_t number) {
    return is_there ? json_integer(number) : json_null();
}

void ph_list_print_json(const struct ph_list_row *row, const char *gateway) {
    bool has_port = row->is_listed || row->external_port != 0;
    json_t *via = row->via ? json_string(porthole_method_name(row->via)) : json_null();
    ph_output_json(json_pack(
        "{s:s, s:s, s:o, s:b, s:b, s:o, s:s, s:{s:o}, s:{s:o, s:i}, s:o, s:b, s:b, s:o, s:o, "
        "s:o}",
        "event", "entry", "owner", owner_name(row->owner), "holder",
        number_or_null(row->holder != 0, row->holder), "listed", row->is_listed, "missing",
        row->is_missing, "via", via, "protocol", porthole_protocol_name(row->protocol), "external",
        "port", number_or_null(has_port, row->external_port), "internal", "address",
        ph_output_text(row->internal_address), "port", (int)row->internal_port, "remote_host",
        ph_output_text(row->remote_host), "enabled", row->is_enabled, "permanent",
        row->is_permanent, "lifetime_s", number_or_null(row->has_end, row->lifetime_s),
        "description", ph_output_text(row->description), "gateway", ph_output_text(gateway)));
}

/* ---- The table ------------------------------------------------------------------------------- */

#define COLUMNS 6
#define CELL_SIZE 160U
#define LINE_SIZE ((CELL_SIZE + 2) * COLUMNS)
#define LINE_LEAST 8U

typedef char row_cells[COLUMNS][CELL_SIZE];

static const char *const heads[COLUMNS] = {"Port", "Leads to", "Lease",
                                           "By",   "Whose",    "Description"};

static void write_lease(const struct ph_list_row *row, char *ret) {
    unsigned long s = row->lifetime_s;
    const char *at_most = row->is_listed ? "" : "< ";
    if (!row->has_end)
        snprintf(ret, CELL_SIZE, "%s",
                 row->is_permanent ? "permanent"
                 : row->is_renewed ? "renewed"
                                   : "?");
    else if (s >= 86400)
        snprintf(ret, CELL_SIZE, "%s%lu d %lu h", at_most, s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(ret, CELL_SIZE, "%s%lu h %lu min", at_most, s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(ret, CELL_SIZE, "%s%lu min", at_most, s / 60);
    else
        snprintf(ret, CELL_SIZE, "%s%lu s", at_most, s);
}

static void write_owner(const struct ph_list_row *row, char *ret) {
    static const char *const names[] = {"", "porthole, left", "porthole, stale", "this host",
                                        "another host"};
    if (row->is_missing)
        snprintf(ret, CELL_SIZE, "porthole, lost");
    else if (row->owner == PH_LIST_HELD)
        snprintf(ret, CELL_SIZE, "porthole (%" PRId64 ")", row->holder);
    else
        snprintf(ret, CELL_SIZE, "%s", names[row->owner]);
}

static void write_row(const struct ph_list_row *row, row_cells ret) {
    char endpoint[PH_OUTPUT_ENDPOINT_SIZE];
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)row->external_port);
    snprintf(ret[0], CELL_SIZE, "%s %s%s%s", porthole_protocol_name(row->protocol),
             row->external_port ? port
             : row->is_listed   ? "any"
                                : "?",
             *row->remote_host ? " from " : "", row->remote_host);
    if (*row->internal_address)
        snprintf(ret[1], CELL_SIZE, "%s",
                 ph_output_endpoint(row->internal_address, row->internal_port, endpoint));
    else
        snprintf(ret[1], CELL_SIZE, "port %u", (unsigned)row->internal_port);
    write_lease(row, ret[2]);
    snprintf(ret[3], CELL_SIZE, "%s", row->via ? ph_output_method(row->via) : "?");
    write_owner(row, ret[4]);
    snprintf(ret[5], CELL_SIZE, "%s%s", row->is_enabled ? "" : "(off) ", row->description);
}

static void widen(size_t widths[COLUMNS], row_cells cells) {
    for (size_t i = 0; i < COLUMNS; i++)
        if (strlen(cells[i]) > widths[i])
            widths[i] = strlen(cells[i]);
}

static void print_cells(const size_t widths[COLUMNS], row_cells cells, size_t columns) {
    char line[LINE_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%-*s%s", (int)widths[i], cells[i],
                                i + 1 < COLUMNS ? "  " : "");
    while (len > 0 && line[len - 1] == ' ')
        line[--len] = '\0';
    /* A character in the last column would make some terminals begin a line. */
    if (columns > LINE_LEAST && len > columns - 1)
        memcpy(line + columns - 4, "...", 4);
    ph_output_line("%s", line);
}

void ph_list_print_table(const struct ph_list_row *rows, int count) {
    size_t widths[COLUMNS] = {0};
    size_t columns = ph_terminal_columns();
    row_cells cells;
    for (size_t i = 0; i < COLUMNS; i++)
        snprintf(cells[i], CELL_SIZE, "%s", heads[i]);
    widen(widths, cells);
    for (int n = 0; n < count; n++) {
        write_row(&rows[n], cells);
        widen(widths, cells);
    }
    for (size_t i = 0; i < COLUMNS; i++)
        snprintf(cells[i], CELL_SIZE, "%s", heads[i]);
    print_cells(widths, cells, columns);
    for (int n = 0; n < count; n++) {
        write_row(&rows[n], cells);
        print_cells(widths, cells, columns);
    }
}

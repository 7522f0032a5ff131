/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * live.c: see live.h. A line is shorter than the terminal is wide, so that it is one row; what does
 * not fit is left out, the least important first. Only cursor up, erase and colours are used.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cli/drive.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/terminal.h"

/* No more of a row is used: beyond that it is one to read along with a ruler. */
#define LINE_SIZE 256
/* And the colour of one word. */
#define ROW_SIZE (LINE_SIZE + 24)
#define NAME_COLUMNS 9 /* "tcp 65535" */
#define STATE_COLUMNS 6
#define TICK_MS 1000
/* While nothing but a lease's minutes changes. */
#define CALM_TICK_MS 30000
/* Below the wishes: what to press. */
#define FOOT_ROWS 1

struct ph_live {
    const struct ph_hold *hold;
    size_t count;
    bool is_once;
    bool has_colour;
    bool is_off;                     /* the terminal is too low now: plain lines */
    enum porthole_event_type *types; /* told last; 0 = nothing */
    size_t rows, columns;            /* of the terminal */
    int64_t start_ms;
    int64_t due_ms;
    char *text, *shown; /* what is on the terminal above the cursor */
    size_t size;
};

/* ---- The terminal ---------------------------------------------------------------------------- */

static void measure(struct ph_live *live) {
    size_t rows, columns;
    ph_terminal_measure(&rows, &columns);
    live->rows = rows;
    live->columns = columns > 0 ? columns : 1;
    live->is_off = !live->is_once && live->count + FOOT_ROWS >= live->rows;
}

/* A terminal that has become narrower since has made several rows of one, as most do. */
static size_t rows_of(const char *text, size_t columns) {
    size_t rows = 0, len = 0;
    for (; *text; text++) {
        if (*text == '\n') {
            rows += len > columns ? (len + columns - 1) / columns : 1;
            len = 0;
        } else if (*text == '\x1b') {
            text += strcspn(text, "m");
        } else {
            len++;
        }
    }
    return rows;
}

/* Takes it from the terminal; the cursor is where its first row was. */
static void erase(void *user) {
    struct ph_live *live = user;
    char sequence[32];
    if (live->shown[0] == '\0')
        return;
    measure(live);
    snprintf(sequence, sizeof sequence, "\r\x1b[%luA\x1b[J",
             (unsigned long)rows_of(live->shown, live->columns));
    ph_output_screen(sequence);
    live->shown[0] = '\0';
}

struct ph_live *ph_live_new(const struct ph_hold *hold) {
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    if (!isatty(STDOUT_FILENO) || !term || !*term || strcmp(term, "dumb") == 0)
        return NULL;
    struct ph_live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    *live = (struct ph_live){.hold = hold,
                             .count = hold->set.count,
                             .is_once = hold->once,
                             .has_colour = !no_colour || !*no_colour,
                             .start_ms = ph_drive_now_ms(),
                             .due_ms = ph_drive_now_ms()};
    live->size = ((live->is_once ? 0 : live->count) + FOOT_ROWS) * ROW_SIZE + 1;
    measure(live);
    live->types = calloc(live->count, sizeof *live->types);
    live->text = calloc(1, live->size);
    live->shown = calloc(1, live->size);
    if (live->is_off || !live->types || !live->text || !live->shown) {
        ph_live_free(live);
        return NULL;
    }
    ph_output_before(erase, live);
    return live;
}

void ph_live_free(struct ph_live *live) {
    if (!live)
        return;
    if (live->is_once && live->shown)
        erase(live);
    ph_output_before(NULL, NULL);
    free(live->types);
    free(live->text);
    free(live->shown);
    free(live);
}

bool ph_live_post(struct ph_live *live, size_t wish, const struct porthole_event *event) {
    if (!live || live->is_once)
        return false;
    live->types[wish] = event->type;
    if (live->is_off)
        return false;
    if (event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED)
        ph_output_reach(&event->mapping);
    /* Standard error that goes elsewhere is a log, which has no view. */
    return event->type != PORTHOLE_EVENT_FAILED || isatty(STDERR_FILENO);
}

/* ---- A row ----------------------------------------------------------------------------------- */

struct row {
    char text[LINE_SIZE]; /* printable */
    size_t len, max;
};

/* Adds all of it, or nothing where it does not fit. */
static bool add_whole(struct row *row, const char *text) {
    size_t len = strlen(text);
    if (row->len + len > row->max)
        return false;
    memcpy(row->text + row->len, text, len + 1);
    row->len += len;
    return true;
}

/* Adds what fits, and dots where something did not. */
static void add_part(struct row *row, const char *text) {
    char printable[LINE_SIZE];
    ph_span_print(ph_span_of(text), printable, sizeof printable);
    if (add_whole(row, printable))
        return;
    size_t room = row->max - row->len;
    if (room < 4)
        return;
    memcpy(row->text + row->len, printable, room - 3);
    memcpy(row->text + row->len + room - 3, "...", 4);
    row->len += room;
}

/* "59 min", in the unit that a person would choose. */
static void write_span(uint32_t seconds, char *ret, size_t size) {
    if (seconds < 120)
        snprintf(ret, size, "%lu s", (unsigned long)seconds);
    else if (seconds < 7200 + 60)
        snprintf(ret, size, "%lu min", (unsigned long)(seconds / 60));
    else
        snprintf(ret, size, "%lu h", (unsigned long)(seconds / 3600));
}

static void add_open(struct ph_live *live, struct row *row, const struct ph_wish *wish) {
    struct porthole_mapping now = PORTHOLE_MAPPING_INIT;
    char endpoint[PH_OUTPUT_ENDPOINT_SIZE], text[LINE_SIZE], left[16];
    if (wish->id == 0 || porthole_query(wish->hold->client, wish->id, &now) != 0)
        now = wish->newest;
    ph_output_endpoint(now.external_address, now.external_port, endpoint);
    add_part(row, endpoint);
    if (now.method == PORTHOLE_DIRECT) {
        (void)add_whole(row, "  direct");
        return;
    }
    snprintf(text, sizeof text, "  %s by %s", ph_output_method(now.method), now.gateway);
    if (!add_whole(row, text)) {
        snprintf(text, sizeof text, "  %s", ph_output_method(now.method));
        (void)add_whole(row, text);
    }
    if (now.lifetime_s == 0) {
        (void)add_whole(row, "  no lease");
        return;
    }
    write_span(now.expires_in_ms / 1000, left, sizeof left);
    snprintf(text, sizeof text, "  lease ends in %s, renewed before", left);
    if (!add_whole(row, text)) {
        snprintf(text, sizeof text, "  %s", left);
        (void)add_whole(row, text);
    }
    if (now.expires_in_ms < 120 * 1000)
        live->due_ms = ph_drive_now_ms() + TICK_MS;
}

static void add_waiting(struct ph_live *live, struct row *row) {
    char text[32];
    int64_t now_ms = ph_drive_now_ms(), passed_ms = now_ms - live->start_ms;
    snprintf(text, sizeof text, "%ld s", (long)(passed_ms / 1000));
    (void)add_whole(row, text);
    live->due_ms = now_ms + TICK_MS - passed_ms % TICK_MS;
}

/* The word, its colour, and the rest of the row. */
static const char *add_state(struct ph_live *live, struct row *row, size_t index,
                             const char **ret_colour) {
    static const char green[] = "\x1b[32m", yellow[] = "\x1b[33m", red[] = "\x1b[31m";
    const struct ph_wish *wish = live->hold->set.wishes[index];
    const struct porthole_mapping *newest = &wish->newest;
    char reason[PH_OUTPUT_REASON_SIZE];
    if (live->types[index] == 0) {
        *ret_colour = yellow;
        add_waiting(live, row);
        return "asking";
    }
    switch (live->types[index]) {
    case PORTHOLE_EVENT_MAPPED:
    case PORTHOLE_EVENT_CHANGED:
        *ret_colour = green;
        add_open(live, row, wish);
        return "open";
    case PORTHOLE_EVENT_PENDING:
        *ret_colour = yellow;
        add_part(row, "asking again");
        return "lost";
    case PORTHOLE_EVENT_FAILED:
        *ret_colour = red;
        add_part(row, ph_output_reason(newest->error, newest->code, newest->text, reason));
        (void)add_whole(row, "; trying again");
        return "failed";
    case PORTHOLE_EVENT_UNMAPPED:
        break;
    }
    if (newest->fate != PORTHOLE_FATE_EXPIRES && newest->fate != PORTHOLE_FATE_LEFT) {
        *ret_colour = "";
        return "closed";
    }
    *ret_colour = red;
    add_part(row, newest->fate == PORTHOLE_FATE_LEFT ? "not confirmed; it may stay open"
                                                     : "not confirmed; it closes with its lease");
    return "left";
}

static void draw_wish(struct ph_live *live, size_t index, size_t max) {
    const struct ph_wish *wish = live->hold->set.wishes[index];
    char name[NAME_COLUMNS + 16];
    const char *colour = "";
    size_t head = NAME_COLUMNS + 1 + STATE_COLUMNS + 1;
    struct row row = {.max = max > head ? max - head : 0};
    const char *state = add_state(live, &row, index, &colour);
    bool coloured = live->has_colour && *colour;
    snprintf(name, sizeof name, "%s %u", porthole_protocol_name(wish->protocol),
             (unsigned)wish->port);
    size_t len = strlen(live->text);
    snprintf(live->text + len, live->size - len, "%-*s %s%-*s%s %.*s\n", NAME_COLUMNS, name,
             coloured ? colour : "", STATE_COLUMNS, state, coloured ? "\x1b[0m" : "", LINE_SIZE,
             row.text);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void draw_foot(struct ph_live *live, size_t max) {
    const struct ph_hold *hold = live->hold;
    struct row row = {.max = max};
    if (live->is_once) {
        add_part(&row, "asking the gateway, ");
        add_waiting(live, &row);
    } else if (hold->unsettled == 0 && !hold->is_ending) {
        add_part(&row, "Held until Ctrl-C.");
    } else {
        return;
    }
    size_t len = strlen(live->text);
    snprintf(live->text + len, live->size - len, "%s\n", row.text);
}

void ph_live_draw(struct ph_live *live) {
    if (!live)
        return;
    measure(live); /* SIGWINCH only wakes who waits */
    if (live->is_off) {
        erase(live);
        return;
    }
    /* The last column is left free: some terminals begin the next row when it is written. */
    size_t max = live->columns > 1 ? live->columns - 1 : 1;
    if (max > LINE_SIZE - 1)
        max = LINE_SIZE - 1;
    bool was_waiting = live->hold->unsettled > 0;
    live->text[0] = '\0';
    live->due_ms = ph_drive_now_ms() + CALM_TICK_MS;
    if (!live->is_once)
        for (size_t i = 0; i < live->count; i++)
            draw_wish(live, i, max);
    if (!live->is_once || was_waiting)
        draw_foot(live, max);
    /* What is answered at once needs no such line. */
    if (live->is_once && ph_drive_now_ms() < live->start_ms + TICK_MS)
        live->text[0] = '\0';
    if (strcmp(live->text, live->shown) == 0)
        return;
    erase(live);
    ph_output_screen(live->text);
    memcpy(live->shown, live->text, live->size);
}

int64_t ph_live_due_ms(const struct ph_live *live) {
    return live && !live->is_off ? live->due_ms : -1;
}

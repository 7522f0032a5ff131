/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold.h: what `porthole map` and `porthole run` share: the ports of a command line, asked for and
 * held, and all that is told of them: lines or a live view, the state file, --exec and --file. It
 * decides nothing about gateways: that is the library's.
 */
#ifndef PH_CLI_HOLD_H
#define PH_CLI_HOLD_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/hook.h"
#include "cli/leases.h"
#include "cli/live.h"
#include "cli/options.h"
#include "cli/record.h"

struct ph_hold;
struct ph_pair;

/* One port with one protocol. */
struct ph_wish {
    struct ph_hold *hold;
    struct ph_pair *pair; /* with the other protocol of PORT/both; NULL = alone */
    enum porthole_protocol protocol;
    uint16_t port;
    porthole_id id;                 /* 0 = not asked for now */
    bool settled;                   /* its first result is known */
    bool opened;                    /* it was open once */
    bool is_open;                   /* as it was told last, as is: */
    struct porthole_mapping newest; /* internal_port 0 = nothing was told */
    struct ph_lease found;          /* what the state file said; internal_port 0 = nothing */
    struct ph_lease_change note;    /* what it is to say */
    bool is_noted;                  /* and does */
    bool was_noted_open;
};

enum ph_hold_talk {
    PH_HOLD_TALK_LINES,
    PH_HOLD_TALK_JSON,
    PH_HOLD_TALK_TROUBLE /* only what goes wrong, on standard error: the output is another's */
};

struct ph_hold {
    /* The command line. */
    struct ph_options options;
    uint16_t external_port;
    uint32_t lifetime_s;
    uint32_t refresh_s;
    uint32_t exec_limit_s;
    const char *description;
    const char *state;
    const char *exec;
    const char *file;
    bool exact;
    bool once;
    enum ph_hold_talk talk;
    struct ph_wish *wishes;
    size_t count;
    struct ph_pair *pairs;
    size_t pair_count;
    /* What it becomes. */
    struct porthole *client;
    int stop_fd;
    struct ph_leases *leases;
    struct ph_lease_change *changes; /* room for one a wish */
    int64_t notes_rest_ms;           /* no note is written before: the last one could not be */
    struct ph_hook *hook;
    struct ph_record *record;
    struct ph_live *live;
    size_t unsettled;
    int first_error; /* of the first wish that failed; 0 = none */
    bool is_ending;  /* no wish is asked for again */
    bool quiet;      /* what still happens is no news */
    bool leftover;   /* something may be left on the gateway */
};

/* ---- Arguments (hold_arguments.c) ------------------------------------------------------------ */

enum {
    PH_HOLD_OPTION_EXACT = PH_OPTION_OWN,
    PH_HOLD_OPTION_REFRESH,
    PH_HOLD_OPTION_STATE,
    PH_HOLD_OPTION_EXEC,
    PH_HOLD_OPTION_EXEC_LIMIT,
    PH_HOLD_OPTION_FILE,
    PH_HOLD_OPTION_OWN /* a subcommand's own begin here */
};

#define PH_HOLD_LETTERS PH_OPTIONS_LETTERS "e:t:d:"
#define PH_HOLD_TABLE                                                                              \
    PH_OPTIONS_TABLE, {"external", required_argument, NULL, 'e'},                                  \
        {"exact", no_argument, NULL, PH_HOLD_OPTION_EXACT},                                        \
        {"lifetime", required_argument, NULL, 't'},                                                \
        {"refresh", required_argument, NULL, PH_HOLD_OPTION_REFRESH},                              \
        {"state", required_argument, NULL, PH_HOLD_OPTION_STATE},                                  \
        {"exec", required_argument, NULL, PH_HOLD_OPTION_EXEC},                                    \
        {"exec-limit", required_argument, NULL, PH_HOLD_OPTION_EXEC_LIMIT},                        \
        {"file", required_argument, NULL, PH_HOLD_OPTION_FILE}, {                                  \
        "description", required_argument, NULL, 'd'                                                \
    }

/* An option that both have. False: its value is wrong, which has been said. */
bool ph_hold_option(struct ph_hold *hold, int option);
/* The PORT arguments; an exit code. */
int ph_hold_ports(struct ph_hold *hold, int argc, char **argv);
void ph_hold_free(struct ph_hold *hold);

/* ---- Holding (hold.c) ------------------------------------------------------------------------ */

/* Catches signals, makes the client and asks for all ports; an exit code. The ports are to be given
 * back by ph_hold_close() whatever it returns. */
int ph_hold_open(struct ph_hold *hold);
/* One round, until `until_ms` at the latest (-1 = no limit). Returns the number of a signal that
 * came, 0, or a negative enum porthole_error. */
int ph_hold_turn(struct ph_hold *hold, int64_t until_ms);
/* Until every wish has its first result, or --timeout. Returns 0, or what ph_hold_turn() did. */
int ph_hold_settle(struct ph_hold *hold);
/* Asks for all of them now, and tells how they are. */
void ph_hold_refresh(struct ph_hold *hold);
/* Gives all back, or with `once` what was not opened, and waits for the last hooks; an exit code,
 * for what has had `code` so far. */
int ph_hold_close(struct ph_hold *hold, int code);

/* For pair.c: asks for a wish, and tells what became of it. An enum porthole_error. */
int ph_hold_ask(struct ph_wish *wish, uint16_t external_port, bool exact);
void ph_hold_tell(struct ph_wish *wish, const struct porthole_event *event);
/* How long it may take until a first result. */
int ph_hold_timeout_ms(const struct ph_hold *hold);

/* ---- The state file (hold_notes.c) ----------------------------------------------------------- */

/* Who may know of a lease before it is made, so that no crash leaves one that nobody has the key
 * of: an exit code. */
int ph_hold_notes_prepare(struct ph_hold *hold);
/* Counts at the next write. */
void ph_hold_notes_event(struct ph_wish *wish, const struct porthole_event *event);
/* Writes all that is new, at once. */
void ph_hold_notes_write(struct ph_hold *hold);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold.h: what `porthole map`, `run` and `serve` share: the ports of a command line or of a
 * configuration file, asked for and held, and all that is told of them: lines or a live view, the
 * state file, hooks, files and the service manager. It decides nothing about gateways: that is the
 * library's.
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
#include "cli/notify.h"
#include "cli/options.h"
#include "cli/record.h"

struct ph_hold;
struct ph_pair;

/* Ports that are wished for in the same terms, and told of together: those of a command line, or a
 * section of a configuration file. */
struct ph_group {
    char *name;            /* the section's; "" = the command line */
    struct ph_terms terms; /* with text of its own */
    struct ph_hook *hook;
    struct ph_record *record;
    bool is_leaving; /* not wished for any more */
};

/* One port with one protocol. */
struct ph_wish {
    struct ph_hold *hold;
    struct ph_group *group;
    struct ph_pair *pair; /* with the other protocol of PORT/both; NULL = alone */
    enum porthole_protocol protocol;
    uint16_t port;
    porthole_id id;                 /* 0 = not asked for now */
    size_t place;                   /* among all, as they were given */
    bool settled;                   /* its first result is known */
    bool opened;                    /* it was open once */
    bool is_open;                   /* as it was told last, as is: */
    struct porthole_mapping newest; /* internal_port 0 = nothing was told */
    struct ph_lease found;          /* what the state file said; internal_port 0 = nothing */
    struct ph_lease_change note;    /* what it is to say */
    bool is_noted;                  /* and does */
    bool was_noted_open;
    struct ph_hook_event *waits; /* what the hook has not been told yet */
    bool was_asked;              /* for the first time */
    bool stays;                  /* it is a part of the change that is being made */
    bool is_leaving;             /* it is not wished for any more, and goes with its last event */
    bool is_replaced;            /* ... by another for the same port, whose note it is now */
    bool is_stale;               /* ... and was an earlier process's */
};

/* Wishes and what they belong to; see hold_set.c. */
struct ph_set {
    struct ph_wish **wishes;
    struct ph_group **groups;
    struct ph_pair **pairs;
    size_t count, group_count, pair_count;
    size_t room, group_room, pair_room;
};

enum ph_hold_talk {
    PH_HOLD_TALK_LINES,
    PH_HOLD_TALK_JSON,
    PH_HOLD_TALK_TROUBLE /* only what goes wrong, on standard error: the output is another's */
};

struct ph_hold {
    /* What is asked for. */
    struct ph_options options;
    struct ph_terms terms; /* of the command line */
    const char *state;
    const char *file; /* of all groups; NULL = none */
    bool once;
    bool is_live; /* a live view is wanted where there can be one */
    enum ph_hold_talk talk;
    uint32_t end_limit_s; /* hooks have no more time than this at the end; 0 = each its own */
    struct ph_set set;
    /* What it becomes. */
    struct porthole *client;
    int stop_fd;
    int stop_number; /* a signal that is for the next round; 0 = none */
    struct ph_leases *leases;
    int64_t notes_rest_ms;    /* no note is written before: the last one could not be */
    struct ph_record *record; /* of `file` */
    struct ph_live *live;
    struct ph_notify *notify; /* NULL = nobody wants to know */
    size_t unsettled;
    int first_error;  /* of the first wish that failed; 0 = none */
    bool is_ending;   /* no wish is asked for again */
    bool quiet;       /* what still happens is no news */
    bool leftover;    /* something may be left on the gateway */
    bool is_changing; /* some are leaving while others stay */
};

/* ---- Sets (hold_set.c) ----------------------------------------------------------------------- */

/* An empty group; texts are copied. NULL: no memory. */
struct ph_group *ph_set_add_group(struct ph_set *set, const char *name,
                                  const struct ph_terms *terms);
/* One wish, or two, which for both protocols are a pair. False: no memory; what was added is in the
 * set. */
bool ph_set_add_port(struct ph_set *set, struct ph_hold *hold, struct ph_group *group,
                     const struct ph_port *port);
/* The wish for this port that is not leaving; NULL = none. */
struct ph_wish *ph_set_find(const struct ph_set *set, enum porthole_protocol protocol,
                            uint16_t port);
/* Room for so many more wishes and groups, so that ph_set_take() and ph_set_take_group() do not
 * fail. */
bool ph_set_reserve(struct ph_set *set, size_t wishes, size_t groups);
void ph_set_take(struct ph_set *set, struct ph_wish *wish);
void ph_set_take_group(struct ph_set *set, struct ph_group *group);
/* Frees the wishes that have left, and groups that nobody needs any more. True: none is leaving. */
bool ph_set_sweep(struct ph_set *set);
void ph_set_free_wish(struct ph_wish *wish);
/* The two of a pair are each alone. */
void ph_set_part(struct ph_set *set, struct ph_pair *pair);
void ph_set_free(struct ph_set *set);

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

/* For hold_change.c: asks for a wish for the first time, or for its removal; tells of an event that
 * the client has not told; a group's hook and file; what is due besides the client's own work; the
 * wish to have nothing any more. */
int ph_hold_begin(struct ph_wish *wish);
int ph_hold_remove(struct ph_wish *wish, struct porthole_request *request);
void ph_hold_tell_own(struct ph_wish *wish, enum porthole_event_type type, int error);
bool ph_hold_make_listeners(struct ph_hold *hold, struct ph_group *group);
void ph_hold_tend(struct ph_hold *hold);
void ph_hold_unmap_all(struct ph_hold *hold);

/* ---- While it is held (hold_change.c) -------------------------------------------------------- */

/* What is to be held instead. */
struct ph_hold_plan {
    struct ph_options options; /* of these gateway, bind_address, methods and timeout_ms */
    const char *state;
    const char *file;
    struct ph_set set; /* of ph_set_add_port() with this hold; it is empty afterwards */
};

/* Gives back what is no longer wished for, asks for what is new, and leaves alone what stays: the
 * same mapping on the gateway, for which nothing is sent. What is wished for in other terms is
 * given back and asked for again, with the port that it had. Where gateway, address or state file
 * are others, that is so of all. An exit code; when it is not 0 nothing has changed, and why was
 * said. Texts of the plan outlive the hold, or the next change. */
int ph_hold_change(struct ph_hold *hold, struct ph_hold_plan *plan);
/* Removes what an earlier process with this state file held when it ended without giving it back,
 * and what is not wished for any more. */
void ph_hold_remove_stale(struct ph_hold *hold);
/* Gives all back, in rounds, for at most 3 s; a signal to stop, or to
 * change again, is left for the next round. */
void ph_hold_leave_all(struct ph_hold *hold);

/* ---- The state file (hold_notes.c) ----------------------------------------------------------- */

/* Who may know of a lease before it is made, so that no crash leaves one that nobody has the key
 * of: for those of the wishes that do not know yet, an exit code. A client and a state file that
 * are not the hold's yet may be given. */
int ph_hold_notes_prepare(const struct ph_hold *hold, struct porthole *client,
                          struct ph_leases *leases, const struct ph_set *set);
/* Counts at the next write. */
void ph_hold_notes_event(struct ph_wish *wish, const struct porthole_event *event);
/* Writes all that is new, at once. */
void ph_hold_notes_write(struct ph_hold *hold);

#endif

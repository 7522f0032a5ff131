/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold.c: see hold.h. Events come in from the client, are made one where two protocols share a port
 * (pair.c), and go out to everybody who is to know. The file comes before the hook, which may read
 * it.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/hold.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/output.h"
#include "cli/pair.h"
#include "cli/progress.h"
#include "cli/stop.h"

#define DEFAULT_TIMEOUT_MS 10000
/* The library's own verdict falls due at the same moment as --timeout, and says more. */
#define VERDICT_GRACE_MS 50
#define CLOSE_MS 3000
/* After a failed --once: for what may have been opened by a request whose answer was lost. */
#define GIVE_UP_MS 1000

/* ---- Events ---------------------------------------------------------------------------------- */

static void settle(struct ph_wish *wish, int error) {
    if (wish->settled)
        return;
    wish->settled = true;
    wish->hold->unsettled--;
    if (error != 0 && wish->hold->first_error == 0)
        wish->hold->first_error = error;
}

/* What is printed; a live view shows it in its own way. */
static void talk(struct ph_wish *wish, const struct porthole_event *event) {
    struct ph_hold *hold = wish->hold;
    switch (hold->talk) {
    case PH_HOLD_TALK_JSON:
        ph_output_event_json(event);
        break;
    case PH_HOLD_TALK_LINES:
        if (!ph_live_post(hold->live, wish->place, event))
            ph_output_event_human(event, wish->opened, !hold->once);
        break;
    case PH_HOLD_TALK_TROUBLE:
        ph_output_event_trouble(event, wish->opened);
        break;
    }
}

void ph_hold_tell(struct ph_wish *wish, const struct porthole_event *event) {
    struct ph_hold *hold = wish->hold;
    const struct porthole_mapping *mapping = &event->mapping;
    bool is_open = event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED;
    /* With --once the first result is the result: what is granted after a refusal is given back. */
    if (hold->once && wish->settled && !wish->opened)
        return;
    wish->is_open = is_open;
    wish->newest = *mapping;
    if (event->type == PORTHOLE_EVENT_MAPPED)
        settle(wish, 0);
    else if (event->type == PORTHOLE_EVENT_FAILED)
        settle(wish, mapping->error);
    else if (event->type == PORTHOLE_EVENT_UNMAPPED)
        hold->leftover = hold->leftover || mapping->fate == PORTHOLE_FATE_EXPIRES ||
                         mapping->fate == PORTHOLE_FATE_LEFT;
    if (!hold->quiet) {
        talk(wish, event);
        ph_hook_post(wish->group->hook, &wish->waits, event);
        ph_record_touch(wish->group->record);
        ph_record_touch(hold->record);
    }
    wish->opened = wish->opened || event->type == PORTHOLE_EVENT_MAPPED;
}

static void on_hold_event(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    struct ph_wish *wish = user;
    if (wish->is_leaving && event->type != PORTHOLE_EVENT_UNMAPPED)
        return;
    if (event->type == PORTHOLE_EVENT_UNMAPPED)
        wish->id = 0;
    /* What is asked for again keeps its note, with the key. */
    if (event->type != PORTHOLE_EVENT_UNMAPPED || !wish->pair || !ph_pair_asks_again(wish))
        ph_hold_notes_event(wish, event);
    if (wish->pair)
        ph_pair_event(wish, event);
    else
        ph_hold_tell(wish, event);
}

/* An event that the client has not told, for a wish that it may not know any more. */
void ph_hold_tell_own(struct ph_wish *wish, enum porthole_event_type type, int error) {
    struct porthole_event event = {.size = sizeof event, .type = type};
    event.mapping = (struct porthole_mapping)PORTHOLE_MAPPING_INIT;
    if (wish->id == 0 || porthole_query(wish->hold->client, wish->id, &event.mapping) != 0) {
        event.mapping.protocol = wish->protocol;
        event.mapping.internal_port = wish->port;
    }
    event.mapping.error = error;
    ph_hold_tell(wish, &event);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

int ph_hold_ask(struct ph_wish *wish, uint16_t external_port, bool exact) {
    const struct ph_hold *hold = wish->hold;
    const struct ph_terms *terms = &wish->group->terms;
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = wish->protocol;
    request.internal_port = wish->port;
    request.external_port = external_port;
    request.key = wish->note.lease.key;
    request.refresh_s = terms->refresh_s;
    request.flags = (exact ? PORTHOLE_EXACT_PORT : 0) | (hold->once ? PORTHOLE_LEASE : 0);
    request.lifetime_s = terms->lifetime_s;
    request.methods = terms->methods;
    request.description = terms->description;
    request.on_event = on_hold_event;
    request.user = wish;
    return porthole_map(hold->client, &request, &wish->id);
}

static uint16_t wished_port(const struct ph_wish *wish) {
    uint16_t port = wish->group->terms.external_port;
    return port ? port : wish->note.lease.external_port;
}

int ph_hold_begin(struct ph_wish *wish) {
    wish->was_asked = true;
    int result = wish->pair ? ph_pair_begin(wish, wished_port(wish))
                            : ph_hold_ask(wish, wished_port(wish), wish->group->terms.exact);
    if (result < 0)
        ph_output_error(wish->hold->options.command, "%s port %u: %s",
                        porthole_protocol_name(wish->protocol), (unsigned)wish->port,
                        porthole_strerror(result));
    return result;
}

int ph_hold_remove(struct ph_wish *wish, struct porthole_request *request) {
    request->on_event = on_hold_event;
    request->user = wish;
    return porthole_remove(wish->hold->client, request, &wish->id);
}

static int ask_all(struct ph_hold *hold) {
    for (size_t i = 0; i < hold->set.count; i++) {
        int result = ph_hold_begin(hold->set.wishes[i]);
        if (result < 0)
            return ph_exitcode_of(result);
    }
    return PH_EXITCODE_DONE;
}

bool ph_hold_make_listeners(struct ph_hold *hold, struct ph_group *group) {
    const struct ph_terms *terms = &group->terms;
    const char *command = hold->options.command;
    if (terms->exec && !group->hook) {
        group->hook = ph_hook_new(terms->exec, group->name, command, terms->exec_limit_s,
                                  hold->talk == PH_HOLD_TALK_JSON);
        ph_stop_catch_also(SIGCHLD);
    }
    if (terms->file && !group->record)
        group->record = ph_record_new(terms->file, *group->name ? "file" : "--file", command);
    if ((!terms->exec || group->hook) && (!terms->file || group->record))
        return true;
    ph_output_error(command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
    return false;
}

/* Those who are to be told; an exit code. */
static int make_all_listeners(struct ph_hold *hold) {
    const char *command = hold->options.command;
    bool has_hooks = false, is_written = true;
    if (hold->file && !(hold->record = ph_record_new(hold->file, "file", command))) {
        ph_output_error(command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        return PH_EXITCODE_FAILED;
    }
    for (size_t i = 0; i < hold->set.group_count; i++) {
        if (!ph_hold_make_listeners(hold, hold->set.groups[i]))
            return PH_EXITCODE_FAILED;
        has_hooks = has_hooks || hold->set.groups[i]->hook;
    }
    /* What an earlier process wrote is not so any more; and now is the time to say that the file
     * cannot be written. */
    is_written = ph_record_write(hold->record, &hold->set, NULL);
    for (size_t i = 0; i < hold->set.group_count && is_written; i++)
        is_written = ph_record_write(hold->set.groups[i]->record, &hold->set, hold->set.groups[i]);
    if (!is_written)
        return PH_EXITCODE_FAILED;
    /* The lines of a log or a hook would be written into the view. */
    if (hold->is_live && !has_hooks && hold->options.verbosity == 0)
        hold->live = ph_live_new(hold);
    if (hold->live)
        ph_stop_catch_also(SIGWINCH);
    return PH_EXITCODE_DONE;
}

int ph_hold_open(struct ph_hold *hold) {
    hold->stop_fd = ph_stop_catch();
    if (hold->stop_fd < 0) {
        ph_output_error(hold->options.command, "no descriptor can be had");
        return PH_EXITCODE_FAILED;
    }
    hold->unsettled = hold->set.count;
    int code = ph_options_open(&hold->options, &hold->client);
    if (code != PH_EXITCODE_DONE)
        return code;
    hold->leases = ph_leases_open(hold->options.command, hold->state);
    (void)ph_leases_lock(hold->leases); /* so that of two that begin, one finds the other's note */
    code = ph_hold_notes_prepare(hold, hold->client, hold->leases, &hold->set);
    if (code == PH_EXITCODE_DONE)
        code = make_all_listeners(hold);
    if (code == PH_EXITCODE_DONE)
        ph_hold_notes_write(hold);
    ph_leases_unlock(hold->leases);
    return code == PH_EXITCODE_DONE ? ask_all(hold) : code;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

int ph_hold_timeout_ms(const struct ph_hold *hold) {
    return hold->options.timeout_ms ? hold->options.timeout_ms : DEFAULT_TIMEOUT_MS;
}

static int64_t sooner(int64_t one, int64_t other) {
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

static void tend_hooks(struct ph_hold *hold) {
    for (size_t i = 0; i < hold->set.group_count; i++)
        ph_hook_turn(hold->set.groups[i]->hook);
}

static int64_t hooks_due_ms(const struct ph_hold *hold) {
    int64_t due_ms = -1;
    for (size_t i = 0; i < hold->set.group_count; i++)
        due_ms = sooner(due_ms, ph_hook_due_ms(hold->set.groups[i]->hook));
    return due_ms;
}

void ph_hold_tend(struct ph_hold *hold) {
    struct ph_set *set = &hold->set;
    for (size_t i = 0; i < set->pair_count; i++)
        ph_pair_turn(set->pairs[i]);
    ph_hold_notes_write(hold);
    (void)ph_record_write(hold->record, set, NULL);
    for (size_t i = 0; i < set->group_count; i++)
        (void)ph_record_write(set->groups[i]->record, set, set->groups[i]);
    tend_hooks(hold);
    if (hold->is_changing)
        hold->is_changing = !ph_set_sweep(set);
    ph_live_draw(hold->live);
    ph_notify_turn(hold->notify);
}

int ph_hold_turn(struct ph_hold *hold, int64_t until_ms) {
    int number = hold->stop_number;
    hold->stop_number = 0;
    if (number != 0)
        return number;
    until_ms = sooner(until_ms, hooks_due_ms(hold));
    until_ms = sooner(until_ms, ph_live_due_ms(hold->live));
    until_ms = sooner(until_ms, ph_notify_due_ms(hold->notify));
    for (size_t i = 0; i < hold->set.pair_count; i++)
        until_ms = sooner(until_ms, ph_pair_due_ms(hold->set.pairs[i]));
    int result = ph_drive(hold->client, hold->stop_fd, until_ms);
    number = result > 0 ? ph_stop_next(hold->stop_fd) : result;
    ph_hold_tend(hold);
    return number;
}

static int settle_all(struct ph_hold *hold) {
    int64_t until_ms = ph_drive_now_ms() + ph_hold_timeout_ms(hold) + VERDICT_GRACE_MS;
    while (hold->unsettled > 0 && ph_drive_now_ms() < until_ms) {
        int number = ph_hold_turn(hold, until_ms);
        if (number != 0 && number != SIGCHLD && number != SIGWINCH)
            return number;
        if (ph_output_failed())
            return PORTHOLE_ERR_SYSTEM;
    }
    for (size_t i = 0; i < hold->set.count && hold->unsettled > 0; i++)
        if (!hold->set.wishes[i]->settled)
            ph_hold_tell_own(hold->set.wishes[i], PORTHOLE_EVENT_FAILED, PORTHOLE_ERR_TIMEOUT);
    ph_hold_tend(hold);
    return 0;
}

int ph_hold_settle(struct ph_hold *hold) {
    if (!hold->live)
        ph_progress_begin(&hold->options);
    int result = settle_all(hold);
    ph_progress_end();
    return result;
}

/* How a wish is now. Of a pair: as it was told, for one half of it may be elsewhere. */
static struct porthole_mapping status_of(const struct ph_wish *wish) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    if (wish->id != 0 && (!wish->pair || wish->is_open) &&
        porthole_query(wish->hold->client, wish->id, &mapping) == 0)
        return mapping;
    if (wish->newest.internal_port != 0)
        return wish->newest;
    mapping.state = PORTHOLE_PENDING;
    mapping.protocol = wish->protocol;
    mapping.internal_port = wish->port;
    return mapping;
}

void ph_hold_refresh(struct ph_hold *hold) {
    hold->notes_rest_ms = 0;
    for (size_t i = 0; i < hold->set.count; i++) {
        struct ph_wish *wish = hold->set.wishes[i];
        struct porthole_mapping mapping = status_of(wish);
        if (wish->is_leaving)
            continue;
        if (hold->talk == PH_HOLD_TALK_JSON)
            ph_output_status_json(&mapping);
        else
            ph_output_status_human(&mapping);
        if (wish->pair)
            ph_pair_refresh(wish->pair);
        if (wish->id != 0)
            porthole_refresh(hold->client, wish->id);
    }
}

/* The last hooks, and the manager's watchdog meanwhile. */
static void finish_hooks(struct ph_hold *hold) {
    uint32_t limit_s = hold->end_limit_s ? hold->end_limit_s : PH_VALUE_EXEC_LIMIT_S_MAX;
    for (size_t i = 0; i < hold->set.group_count; i++)
        ph_hook_end(hold->set.groups[i]->hook, limit_s);
    for (;;) {
        tend_hooks(hold);
        ph_notify_turn(hold->notify);
        int64_t due_ms = hooks_due_ms(hold);
        if (due_ms < 0)
            return;
        due_ms = sooner(due_ms, ph_notify_due_ms(hold->notify));
        int64_t left_ms = due_ms - ph_drive_now_ms();
        struct pollfd stop = {.fd = hold->stop_fd, .events = POLLIN};
        poll(&stop, 1, left_ms > 0 ? (int)left_ms : 0);
        while (ph_stop_next(hold->stop_fd) != 0)
            continue;
    }
}

void ph_hold_unmap_all(struct ph_hold *hold) {
    hold->is_ending = true;
    for (size_t i = 0; i < hold->set.pair_count && !hold->quiet; i++)
        ph_pair_end(hold->set.pairs[i]);
    porthole_unmap_all(hold->client);
}

int ph_hold_close(struct ph_hold *hold, int code) {
    struct ph_set *set = &hold->set;
    bool keeps = hold->once && !ph_output_failed();
    int close_ms = CLOSE_MS;
    hold->is_ending = true;
    hold->quiet = hold->quiet || keeps;
    if (keeps) {
        close_ms = hold->first_error || code ? GIVE_UP_MS : 0;
        for (size_t i = 0; i < set->count; i++)
            if (!set->wishes[i]->opened)
                porthole_unmap(hold->client, set->wishes[i]->id);
    } else if (hold->client) {
        ph_hold_unmap_all(hold);
    }
    porthole_close(hold->client, close_ms);
    ph_hold_notes_write(hold);
    ph_live_draw(hold->live);
    ph_live_free(hold->live);
    for (size_t i = 0; i < set->group_count && !keeps; i++)
        ph_record_remove(set->groups[i]->record);
    if (!keeps)
        ph_record_remove(hold->record);
    finish_hooks(hold);
    ph_record_free(hold->record);
    ph_leases_close(hold->leases);
    if (ph_output_complain(hold->options.command))
        return PH_EXITCODE_FAILED;
    if (code == PH_EXITCODE_DONE && hold->leftover && !hold->quiet)
        return PH_EXITCODE_FAILED;
    return code;
}

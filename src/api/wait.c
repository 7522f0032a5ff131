/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * wait.c: waiting for a mapping's first result, or for the end of a removal. See porthole.h for
 * what each function promises.
 */
#include "api/client.h"

struct watch {
    porthole_id id;
    bool was_there;
    struct porthole_mapping facts; /* as last seen */
};

/* Done when there is a result, or nothing more to wait for. */
static bool has_result(struct porthole *client, void *user) {
    struct watch *watch = user;
    if (!ph_map_facts(client, watch->id, &watch->facts)) {
        watch->facts.state = PORTHOLE_DESTROYED;
        return true;
    }
    watch->was_there = true;
    return watch->facts.state != PORTHOLE_PENDING;
}

/* Waits and fills *ret, which is zero but for what is known. */
static int wait_for(struct porthole *client, porthole_id id, ph_us deadline,
                    struct porthole_mapping *ret) {
    struct watch watch = {.id = id};
    int result = ph_client_wait(client, deadline, has_result, &watch);
    if (result == 0) {
        if (!watch.was_there)
            result = PORTHOLE_ERR_UNKNOWN_ID;
        else if (watch.facts.state == PORTHOLE_FAILURE)
            result = watch.facts.error;
        else if (watch.facts.state != PORTHOLE_SUCCESS)
            result = PORTHOLE_ERR_CANCELLED;
    }
    *ret = watch.facts;
    return result;
}

int porthole_wait(struct porthole *client, porthole_id id, int timeout_ms,
                  struct porthole_mapping *ret_mapping) {
    struct porthole_mapping facts;
    ph_us deadline = ph_client_deadline(timeout_ms);
    if (ph_facts_check(ret_mapping) != 0)
        return PORTHOLE_ERR_INVALID;
    int result = ph_client_enter_blocking(client);
    if (result != 0)
        return result;
    result = wait_for(client, id, deadline, &facts);
    if (result != PORTHOLE_ERR_UNKNOWN_ID)
        ph_facts_write(ret_mapping, &facts, sizeof facts);
    return ph_client_leave(client, result);
}

int porthole_map_wait(struct porthole *client, const struct porthole_request *request,
                      int timeout_ms, struct porthole_mapping *ret_mapping) {
    struct porthole_mapping facts;
    porthole_id id;
    ph_us deadline = ph_client_deadline(timeout_ms);
    if (ph_facts_check(ret_mapping) != 0)
        return PORTHOLE_ERR_INVALID;
    int result = ph_client_enter_blocking(client);
    if (result != 0)
        return result;
    result = ph_map_ask(client, PH_INPUT_MAP, request, true, &id);
    if (result != 0)
        return ph_client_leave(client, result);
    result = wait_for(client, id, deadline, &facts);
    if (result == 0) {
        ph_events_release(client, id);
    } else {
        ph_events_silence(client, id);
        ph_map_give_up(client, id);
    }
    ph_facts_write(ret_mapping, &facts, sizeof facts);
    return ph_client_leave(client, result);
}

/* ---- Removals -------------------------------------------------------------------------------- */

static bool has_ended(struct porthole *client, void *user) {
    struct watch *watch = user;
    watch->was_there = ph_events_ended(client, watch->id, &watch->facts);
    return watch->was_there;
}

/* In the place of a callback that is not given: an end without one would not be kept. */
static void tell_nobody(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    (void)event;
    (void)user;
}

static int result_of(const struct porthole_mapping *facts) {
    bool is_gone = facts->fate == PORTHOLE_FATE_REMOVED ||
                   (facts->fate == PORTHOLE_FATE_NONE && !facts->error);
    return is_gone ? 0 : facts->error;
}

int porthole_remove_wait(struct porthole *client, const struct porthole_request *request,
                         int timeout_ms, struct porthole_mapping *ret_mapping) {
    struct porthole_request asked;
    struct watch watch = {.was_there = false};
    ph_us deadline = ph_client_deadline(timeout_ms);
    if (ph_facts_check(ret_mapping) != 0 || ph_facts_read(request, &asked, sizeof asked) != 0)
        return PORTHOLE_ERR_INVALID;
    asked.size = sizeof asked;
    bool has_callback = asked.on_event != NULL;
    if (!has_callback)
        asked.on_event = tell_nobody;
    int result = ph_client_enter_blocking(client);
    if (result != 0)
        return result;
    result = ph_map_ask(client, PH_INPUT_REMOVE, &asked, true, &watch.id);
    if (result != 0)
        return ph_client_leave(client, result);
    result = ph_client_wait(client, deadline, has_ended, &watch);
    if (result == 0)
        result = result_of(&watch.facts);
    else
        (void)ph_map_facts(client, watch.id, &watch.facts);
    if (watch.was_there && has_callback) {
        ph_events_release(client, watch.id);
    } else {
        ph_events_silence(client, watch.id);
        ph_map_give_up(client, watch.id); /* which may be over */
    }
    ph_facts_write(ret_mapping, &watch.facts, sizeof watch.facts);
    return ph_client_leave(client, result);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * wait.c: waiting for a mapping's first result. See porthole.h for what each function promises.
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
    result = ph_map_ask(client, request, true, &id);
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

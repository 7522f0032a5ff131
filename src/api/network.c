/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * network.c: facts about the network: addresses, probes, and what goes over it. See porthole.h and
 * tap.h for what each function promises.
 */
#include <porthole/tap.h>
#include <stdio.h>

#include "api/client.h"
#include "driver/clock.h"

#define PROBE_TIMEOUT_MS 3250

/* ---- Addresses ------------------------------------------------------------------------------- */

static int give_address(struct porthole *client, bool is_local, char *ret_text, size_t size) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    const struct ph_path *path = ph_driver_path(client->driver);
    if (!path)
        return ph_client_leave(client, PORTHOLE_ERR_NO_NETWORK);
    error = ph_facts_address(is_local ? &path->source : &path->gateway, ret_text, size);
    return ph_client_leave(client, error);
}

int porthole_local_address(struct porthole *client, char *ret_text, size_t size) {
    return give_address(client, true, ret_text, size);
}

int porthole_gateway_address(struct porthole *client, char *ret_text, size_t size) {
    return give_address(client, false, ret_text, size);
}

/* ---- Watching -------------------------------------------------------------------------------- */

int porthole_tap(struct porthole *client, porthole_tap_fn *fn, void *user) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    ph_driver_tap(client->driver, (struct ph_tap){fn, user});
    return ph_client_leave(client, 0);
}

/* ---- Probes ---------------------------------------------------------------------------------- */

static bool is_probed(struct porthole *client, void *user) {
    (void)user;
    return ph_engine_probe(ph_driver_engine(client->driver))->done;
}

/* Asks and waits with the lock held; the result is then in the engine. */
static int probe(struct porthole *client, int timeout_ms, bool address_only) {
    struct ph_input input = {.type = PH_INPUT_PROBE};
    if (client->is_probing || client->is_closing)
        return PORTHOLE_ERR_STATE;
    input.u.probe.deadline = ph_client_deadline(timeout_ms > 0 ? timeout_ms : PROBE_TIMEOUT_MS);
    input.u.probe.address_only = address_only;
    int error = ph_driver_apply(client->driver, &input);
    if (error != 0)
        return error;
    /* The engine ends it at its deadline. */
    client->is_probing = true;
    error = ph_client_wait(client, PH_NEVER, is_probed, NULL);
    client->is_probing = false;
    /* Closing ends it as well, with whatever it has by then. */
    return client->is_closing ? PORTHOLE_ERR_CANCELLED : error;
}

static void show_method(const struct ph_probe_answer *answer, struct porthole_probe_method *ret) {
    ret->error = answer->error;
    ret->code = answer->code;
    ph_facts_text(answer->error, answer->error_method, answer->code, ret->text);
    ret->rtt_ms = (double)answer->rtt / 1000.0;
    (void)ph_facts_address(&answer->external, ret->external_address, PORTHOLE_ADDRESS_SIZE);
    ret->reach = ph_addr_reach(&answer->external);
    ret->epoch_s = answer->epoch_s;
    (void)snprintf(ret->device, sizeof ret->device, "%s", answer->device);
    (void)snprintf(ret->url, sizeof ret->url, "%s", answer->url);
}

static void show_probe(const struct ph_probe_result *result, struct porthole_probe *ret) {
    *ret = (struct porthole_probe)PORTHOLE_PROBE_INIT;
    (void)ph_facts_address(&result->path.gateway, ret->gateway, PORTHOLE_ADDRESS_SIZE);
    (void)ph_facts_address(&result->path.source, ret->local_address, PORTHOLE_ADDRESS_SIZE);
    ret->local_reach = ph_addr_reach(&result->path.source);
    ret->elapsed_ms = (double)result->elapsed / 1000.0;
    show_method(&result->answers[PORTHOLE_PCP], &ret->pcp);
    show_method(&result->answers[PORTHOLE_NATPMP], &ret->natpmp);
    show_method(&result->answers[PORTHOLE_UPNP], &ret->upnp);
}

static int count_answers(const struct ph_probe_result *result) {
    int count = 0;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++)
        count += result->answers[i].error == 0 ? 1 : 0;
    return count;
}

int porthole_probe(struct porthole *client, int timeout_ms, struct porthole_probe *ret_probe) {
    struct porthole_probe shown;
    if (timeout_ms < 0 || !ret_probe || ph_facts_check(ret_probe) != 0)
        return PORTHOLE_ERR_INVALID;
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    error = probe(client, timeout_ms, false);
    if (error != 0 && error != PORTHOLE_ERR_NO_NETWORK)
        return ph_client_leave(client, error);
    const struct ph_probe_result *result = ph_engine_probe(ph_driver_engine(client->driver));
    show_probe(result, &shown);
    ph_facts_write(ret_probe, &shown, sizeof shown);
    int count = count_answers(result);
    return ph_client_leave(client, error != 0  ? error
                                   : count > 0 ? count
                                               : PORTHOLE_ERR_NO_GATEWAY);
}

/* The address that a method told; in order of preference, should several have. */
static int best_external(const struct ph_probe_result *result, struct ph_addr *ret) {
    bool is_offline = count_answers(result) > 0;
    for (unsigned i = PORTHOLE_PCP; i <= PORTHOLE_UPNP; i++) {
        const struct ph_probe_answer *answer = &result->answers[i];
        if (!ph_addr_is_unspecified(&answer->external)) {
            *ret = answer->external;
            return 0;
        }
        is_offline = is_offline || answer->error == PORTHOLE_ERR_NO_UPLINK;
    }
    if (!result->has_path)
        return PORTHOLE_ERR_NO_NETWORK;
    return is_offline ? PORTHOLE_ERR_NO_UPLINK : PORTHOLE_ERR_NO_GATEWAY;
}

int porthole_external_address(struct porthole *client, int timeout_ms, char *ret_text,
                              size_t size) {
    struct ph_addr external;
    if (timeout_ms < 0 || !ret_text || size == 0)
        return PORTHOLE_ERR_INVALID;
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    const struct ph_path *path = ph_driver_path(client->driver);
    if (path && ph_addr_reach(&path->source) == PORTHOLE_REACH_PUBLIC) {
        external = path->source;
    } else {
        error = probe(client, timeout_ms, true);
        if (error == 0)
            error = best_external(ph_engine_probe(ph_driver_engine(client->driver)), &external);
    }
    if (error == 0)
        error = ph_facts_address(&external, ret_text, size);
    return ph_client_leave(client, error);
}

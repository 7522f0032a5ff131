/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list.c: what the router has mapped. See list.h of the public headers for what each function
 * promises. A listing is one block of memory that belongs to the caller and knows of no client.
 */
#include <porthole/list.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/client.h"

#define LIST_TIMEOUT_MS 15000

/* A listing with all that it points to. */
struct listing_block {
    struct porthole_listing listing;
    const struct porthole_entry **pointers;
    struct porthole_entry entries[];
};

static void show_entry(const struct porthole *client, const struct ph_portlist_entry *from,
                       const struct ph_path *path, struct porthole_entry *ret) {
    *ret = (struct porthole_entry){
        .size = sizeof *ret,
        .protocol = (enum porthole_protocol)from->protocol,
        .external_port = from->external_port,
        .internal_port = from->internal_port,
        .lifetime_s = from->lease_s,
        .is_enabled = from->is_enabled,
        .is_local = ph_addr_equal(&from->client, &path->source),
    };
    /* An address as everywhere else, "010.0.0.1" not; anything else as it came. */
    if (ph_addr_is_unspecified(&from->client))
        (void)snprintf(ret->internal_address, sizeof ret->internal_address, "%s",
                       from->client_name);
    else
        (void)ph_facts_address(&from->client, ret->internal_address, PORTHOLE_ADDRESS_SIZE);
    (void)snprintf(ret->remote_host, sizeof ret->remote_host, "%s", from->remote_host);
    (void)snprintf(ret->description, sizeof ret->description, "%s", from->description);
    if (ret->is_local)
        ret->id = ph_engine_holder(ph_driver_engine(client->driver), from);
}

/* NULL: out of memory. */
static struct porthole_listing *show_listing(const struct porthole *client,
                                             const struct ph_list_result *result, int error) {
    struct listing_block *block =
        calloc(1, sizeof *block + result->count * sizeof block->entries[0]);
    if (!block)
        return NULL;
    block->pointers = calloc(result->count + 1, sizeof *block->pointers);
    if (!block->pointers) {
        free(block);
        return NULL;
    }
    struct porthole_listing *listing = &block->listing;
    listing->size = sizeof *listing;
    if (result->has_path) {
        (void)ph_facts_address(&result->path.gateway, listing->gateway, PORTHOLE_ADDRESS_SIZE);
        (void)ph_facts_address(&result->path.source, listing->local_address, PORTHOLE_ADDRESS_SIZE);
    }
    (void)snprintf(listing->device, sizeof listing->device, "%s", result->device);
    listing->elapsed_ms = (double)result->elapsed / 1000.0;
    listing->error = error;
    listing->code = result->code;
    listing->flags = result->flags;
    ph_facts_text(error, PORTHOLE_UPNP, result->code, listing->text);
    listing->count = result->count;
    listing->entries = block->pointers;
    for (size_t i = 0; i < result->count; i++) {
        show_entry(client, &result->entries[i], &result->path, &block->entries[i]);
        block->pointers[i] = &block->entries[i];
    }
    return listing;
}

static bool is_listed(struct porthole *client, void *user) {
    (void)user;
    return ph_engine_list(ph_driver_engine(client->driver))->done;
}

/* Asks and waits with the lock held; the result is then in the engine. */
static int ask_list(struct porthole *client, int timeout_ms) {
    struct ph_input input = {.type = PH_INPUT_LIST};
    input.u.list_deadline = ph_client_deadline(timeout_ms > 0 ? timeout_ms : LIST_TIMEOUT_MS);
    int error = ph_driver_apply(client->driver, &input);
    if (error != 0)
        return error;
    /* The engine ends it at its deadline. */
    client->is_listing = true;
    error = ph_client_wait(client, PH_NEVER, is_listed, NULL);
    client->is_listing = false;
    if (client->is_closing)
        return PORTHOLE_ERR_CANCELLED;
    return error ? error : ph_engine_list(ph_driver_engine(client->driver))->error;
}

int porthole_list(struct porthole *client, int timeout_ms, struct porthole_listing **ret_listing) {
    if (timeout_ms < 0 || !ret_listing)
        return PORTHOLE_ERR_INVALID;
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    if (client->is_listing || client->is_closing)
        return ph_client_leave(client, PORTHOLE_ERR_STATE);
    error = ask_list(client, timeout_ms);
    if (error == PORTHOLE_ERR_STATE || error == PORTHOLE_ERR_CANCELLED ||
        error == PORTHOLE_ERR_NO_MEMORY)
        return ph_client_leave(client, error);
    const struct ph_engine *engine = ph_driver_engine(client->driver);
    struct porthole_listing *listing = show_listing(client, ph_engine_list(engine), error);
    if (!listing)
        return ph_client_leave(client, PORTHOLE_ERR_NO_MEMORY);
    *ret_listing = listing;
    return ph_client_leave(client, error ? error : (int)listing->count);
}

void porthole_listing_free(struct porthole_listing *listing) {
    if (!listing)
        return;
    struct listing_block *block = (struct listing_block *)(void *)listing;
    free(block->pointers);
    free(block);
}

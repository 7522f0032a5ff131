/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_client.c: a whole life of a client in front of the embedded gateway, whose answers the input
 * meddles with: each byte says what becomes of one answer, lost, late, doubled, cut off or changed.
 * Whatever it does, ends are told once, nobody else is written to, nothing is sent after the stop,
 * and once the input is used up the ports get open.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "sim/world.h"

#define ANSWER_SIZE 2048U
#define MAPPINGS 3U

/* The first byte chooses what the gateway speaks; the others are used up one by one. */
struct tape {
    const uint8_t *at;
    size_t left;
};

static uint8_t pull(struct tape *tape) {
    if (tape->left == 0)
        return 0; /* as it should be */
    tape->left--;
    return *tape->at++;
}

enum meddling { PASS, LOSE, DELAY, DOUBLE, CUT, CHANGE, CHANGE_MORE, APPEND, MEDDLINGS };

/* Changes the bytes; the new length. */
static size_t spoil(struct tape *tape, enum meddling how, uint8_t *bytes, size_t len, size_t size) {
    if (how == CUT)
        return len ? pull(tape) * len / 256 : 0;
    unsigned count = how == CHANGE ? 1U : how == CHANGE_MORE ? 4U : 0U;
    for (unsigned i = 0; i < count && len > 0; i++) {
        size_t at = ((size_t)pull(tape) << 8 | pull(tape)) % len;
        bytes[at] = pull(tape);
    }
    for (unsigned i = pull(tape) % 16U; how == APPEND && i > 0 && len < size; i--)
        bytes[len++] = pull(tape);
    return len;
}

static void meddle(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                   const uint8_t *bytes, size_t len) {
    struct tape *tape = world->options.user;
    uint8_t copy[ANSWER_SIZE];
    enum meddling how = (enum meddling)(pull(tape) % MEDDLINGS);
    REQUIRE(len <= sizeof copy);
    memcpy(copy, bytes, len);
    if (how >= CUT)
        len = spoil(tape, how, copy, len, sizeof copy);
    if (how == DOUBLE)
        ph_world_answer_late(world, port, from, copy, len, PH_MS(20) * pull(tape));
    if (how != LOSE)
        ph_world_answer_late(world, port, from, copy, len,
                             how == DELAY ? PH_MS(20) * pull(tape) : 0);
}

static size_t meddle_http(struct ph_world *world, const struct ph_endpoint *to,
                          const struct ph_http_message *request, uint8_t *ret, size_t size) {
    struct tape *tape = world->options.user;
    size_t len = 0;
    if (ph_addr_equal(&to->addr, &world->path.gateway) &&
        to->port == world->server_config.http_port)
        len = ph_world_serve_http(world, request, ret, size);
    enum meddling how = (enum meddling)(pull(tape) % MEDDLINGS);
    if (how == LOSE)
        return 0;
    if (how == DELAY)
        return PH_WORLD_NO_ANSWER;
    return how >= CUT && len > 0 ? spoil(tape, how, ret, len, size) : len;
}

static unsigned ends_told(const struct ph_world *world, porthole_id id) {
    return ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED);
}

static bool are_all_open(struct ph_world *world) {
    for (porthole_id id = 1; id <= MAPPINGS; id++)
        if (ph_world_query(world, id).state != PORTHOLE_SUCCESS)
            return false;
    return true;
}

/* Until the input is used up, but not for ever: what is never asked for uses up nothing. */
static void live(struct ph_world *world, const porthole_id *ids) {
    struct tape *tape = world->options.user;
    for (unsigned i = 0; i < 12 && tape->left > 0; i++) {
        ph_world_run(world, PH_SECONDS(300));
        ph_world_refresh(world, ids[i % MAPPINGS]);
        if (i % 4 == 1)
            ph_world_restart_gateway(world);
    }
    tape->left = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint16_t ports[MAPPINGS] = {8080, 8081, 9};
    struct tape tape = {data, size};
    struct ph_world_options options;
    porthole_id ids[MAPPINGS];
    ph_world_options_init(&options);
    uint8_t what = pull(&tape);
    options.pcp = !(what & 1);
    options.natpmp = !(what & 2);
    options.upnp = !(what & 4) || (!options.pcp && !options.natpmp);
    options.lease_max_s = what & 8 ? 60 : 0;
    options.silent_pcp = (what & 16) && (options.natpmp || options.upnp);
    options.meddle = meddle;
    options.http = meddle_http;
    options.user = &tape;
    struct ph_world *world = ph_world_new(&options);
    for (unsigned i = 0; i < MAPPINGS; i++)
        ids[i] = ph_world_map(world, i == 1 ? PORTHOLE_UDP : PORTHOLE_TCP, ports[i]);
    live(world, ids);
    /* The longest pause is 5 minutes; a lie about a lease is believed for a day at most. */
    REQUIRE(ph_world_run_until(world, PH_SECONDS(86400 + 1200), are_all_open));
    ph_world_unmap(world, ids[0]);
    ph_world_run(world, PH_SECONDS(20));
    REQUIRE(ends_told(world, ids[0]) == 1);
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(3));
    REQUIRE(ph_engine_is_stopped(world->engine));
    size_t sent = world->sent_count;
    ph_world_run(world, PH_SECONDS(3600));
    REQUIRE(world->sent_count == sent && ph_engine_deadline(world->engine) == PH_NEVER);
    for (unsigned i = 0; i < MAPPINGS; i++)
        REQUIRE(ends_told(world, ids[i]) == 1);
    REQUIRE(world->strays == 0 && world->exchanges_open == 0);
    ph_world_free(world);
    return 0;
}

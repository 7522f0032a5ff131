/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * effect.c: the list of what the outside is to do after this step: send a datagram, make an HTTP
 * exchange, drop one, listen to a gateway, forget one. Nothing is done here.
 */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

static struct ph_effect *add_effect(struct ph_engine *e, enum ph_effect_type type) {
    if (e->effect_count == e->effect_size) {
        size_t size = e->effect_size ? e->effect_size * 2 : 16;
        struct ph_effect *grown = realloc(e->effects, size * sizeof *grown);
        if (!grown)
            return NULL;
        e->effects = grown;
        e->effect_size = size;
    }
    struct ph_effect *effect = &e->effects[e->effect_count++];
    *effect = (struct ph_effect){.type = type};
    return effect;
}

static bool add_bytes(struct ph_engine *e, struct ph_effect *effect, const void *bytes,
                      size_t len) {
    if (e->byte_size - e->byte_count < len) {
        size_t size = e->byte_size ? e->byte_size : 1024;
        while (size - e->byte_count < len)
            size *= 2;
        uint8_t *grown = realloc(e->bytes, size);
        if (!grown)
            return false;
        e->bytes = grown;
        e->byte_size = size;
    }
    memcpy(e->bytes + e->byte_count, bytes, len);
    effect->offset = e->byte_count;
    effect->len = len;
    e->byte_count += len;
    return true;
}

/* An effect with bytes, whole or not at all. */
static struct ph_effect *add_output(struct ph_gateway *g, enum ph_effect_type type,
                                    const struct ph_endpoint *to, const void *bytes, size_t len) {
    struct ph_engine *e = g->engine;
    struct ph_effect *effect = add_effect(e, type);
    if (!effect)
        return NULL;
    if (!add_bytes(e, effect, bytes, len)) {
        e->effect_count--;
        return NULL;
    }
    effect->gateway = g->id;
    effect->to = *to;
    return effect;
}

bool ph_effect_send(struct ph_gateway *g, enum ph_channel channel, const struct ph_endpoint *to,
                    const void *bytes, size_t len) {
    struct ph_effect *effect = add_output(g, PH_EFFECT_SEND, to, bytes, len);
    if (!effect)
        return false;
    effect->channel = channel;
    return true;
}

uint32_t ph_effect_http(struct ph_gateway *g, const struct ph_endpoint *to, const void *bytes,
                        size_t len, ph_us deadline) {
    struct ph_effect *effect = add_output(g, PH_EFFECT_HTTP, to, bytes, len);
    if (!effect)
        return 0;
    effect->deadline = deadline;
    effect->exchange = ++g->engine->last_exchange;
    return effect->exchange;
}

void ph_effect_cancel(struct ph_engine *e, uint32_t exchange) {
    /* When there is no room for it, the exchange runs to its end and its answer finds nobody. */
    struct ph_effect *effect = add_effect(e, PH_EFFECT_CANCEL);
    if (effect)
        effect->exchange = exchange;
}

static void add_word(struct ph_engine *e, enum ph_effect_type type, uint32_t gateway) {
    struct ph_effect *effect = add_effect(e, type);
    if (effect)
        effect->gateway = gateway;
}

void ph_effect_forget(struct ph_engine *e, uint32_t gateway) {
    add_word(e, PH_EFFECT_FORGET, gateway);
}

void ph_effect_listen(struct ph_gateway *g) { add_word(g->engine, PH_EFFECT_LISTEN, g->id); }

void ph_effect_deafen(struct ph_gateway *g) { add_word(g->engine, PH_EFFECT_DEAFEN, g->id); }

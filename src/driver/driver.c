/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * driver.c: see driver.h. A failure that shows while an effect is carried out is kept with the
 * channel or the exchange and told to the engine after the step, never from inside it. What a step
 * takes away is marked and freed at the end of the call, so that loops over it stay valid.
 */
#include "driver/driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/table.h"
#include "driver/clock.h"
#include "driver/exchange.h"
#include "driver/lookout.h"
#include "driver/sock.h"
#include "wire/pcp.h"
#include "wire/ssdp.h"

#define BATCH_MAX 64U /* datagrams of one channel a turn: a flood must not keep timers waiting */
#define ROUNDS_MAX 16U
#define LOST_MAX 16U /* more exchanges than the core has under way at once */

struct channel {
    int fd;    /* -1 = not open */
    int error; /* to be told to the engine; 0 = none */
};

/* The channels of one gateway. */
struct channels {
    struct ph_link link;
    uint32_t gateway; /* 0 = forgotten */
    struct channel at[PH_CHANNELS];
};

struct ph_driver {
    struct ph_engine *engine;
    ph_driver_event_fn *on_event;
    void *user;
    ph_us now;
    struct ph_tap tap;
    struct ph_lookout lookout;
    struct ph_link channels;
    struct ph_link exchanges;
    unsigned changes;
    unsigned lost_count;
    uint32_t lost[LOST_MAX]; /* exchanges that there was no memory for */
};

/* The clock, which the engine must not see going back. */
static ph_us driver_now(struct ph_driver *d) {
    ph_us now = ph_clock_now();
    if (now > d->now)
        d->now = now;
    return d->now;
}

/* ---- Effects --------------------------------------------------------------------------------- */

static struct channels *find_channels(struct ph_driver *d, uint32_t gateway) {
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = link->next) {
        struct channels *set = PH_CONTAINER(link, struct channels, link);
        if (set->gateway == gateway)
            return set;
    }
    return NULL;
}

static struct channels *add_channels(struct ph_driver *d, uint32_t gateway) {
    struct channels *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->gateway = gateway;
    for (unsigned i = 0; i < PH_CHANNELS; i++)
        set->at[i].fd = -1;
    ph_link_init(&set->link);
    ph_list_append(&d->channels, &set->link);
    return set;
}

static void close_channel(struct ph_driver *d, struct channel *channel) {
    if (channel->fd < 0)
        return;
    (void)close(channel->fd);
    channel->fd = -1;
    d->changes++;
}

static void fail_channel(struct channel *channel, int error) {
    bool is_closed = error == PORTHOLE_ERR_PORT_CLOSED;
    channel->error = is_closed ? PORTHOLE_ERR_PORT_CLOSED : PORTHOLE_ERR_UNREACHABLE;
}

static struct channels *need_channels(struct ph_driver *d, uint32_t gateway) {
    struct channels *set = find_channels(d, gateway);
    return set ? set : add_channels(d, gateway);
}

static void do_send(struct ph_driver *d, const struct ph_effect *effect, const void *bytes) {
    const struct ph_path *path = ph_engine_path(d->engine, effect->gateway);
    bool is_control = effect->channel == PH_CHANNEL_CONTROL;
    if (!path || !ph_sock_may_send(path, &effect->to))
        return;
    struct channels *set = need_channels(d, effect->gateway);
    if (!set)
        return; /* as good as lost on the way: the core sends it again */
    struct channel *channel = &set->at[effect->channel];
    if (channel->fd < 0) {
        int fd = is_control ? ph_sock_control(path) : ph_sock_search(path);
        if (fd < 0) {
            fail_channel(channel, fd);
            return;
        }
        channel->fd = fd;
        d->changes++;
    }
    /* The control socket is connected to the one peer that its datagrams may go to. */
    assert(!is_control ||
           (ph_addr_equal(&effect->to.addr, &path->gateway) && effect->to.port == PH_PCP_PORT));
    int n = ph_sock_send(channel->fd, path, is_control ? NULL : &effect->to, bytes, effect->len);
    if (n != PH_SOCK_NOT_NOW)
        ph_tap_datagram(&d->tap, channel->fd, effect->channel, &effect->to, bytes, effect->len);
    if (n < 0 && n != PH_SOCK_NOT_NOW)
        fail_channel(channel, n);
}

static void do_http(struct ph_driver *d, const struct ph_effect *effect, const void *bytes) {
    const struct ph_path *path = ph_engine_path(d->engine, effect->gateway);
    struct ph_exchange *x = NULL;
    ph_tap_request(&d->tap, effect->exchange, &effect->to, bytes, effect->len);
    if (path)
        x = ph_exchange_new(path, &effect->to, bytes, effect->len, effect->deadline);
    if (!x) {
        assert(d->lost_count < LOST_MAX);
        d->lost[d->lost_count++] = effect->exchange;
        return;
    }
    x->id = effect->exchange;
    ph_list_append(&d->exchanges, &x->link);
    d->changes++;
}

/* What cannot be opened is told to the engine, and no more: it only hurries things. */
static void do_listen(struct ph_driver *d, uint32_t gateway) {
    const struct ph_path *path = ph_engine_path(d->engine, gateway);
    struct channels *set = path ? need_channels(d, gateway) : NULL;
    for (unsigned i = PH_CHANNEL_ANNOUNCE; set && i < PH_CHANNELS; i++) {
        if (set->at[i].fd >= 0)
            continue;
        int fd = ph_sock_hint(path, (enum ph_channel)i);
        set->at[i].fd = fd < 0 ? -1 : fd;
        set->at[i].error = fd < 0 && fd != PH_SOCK_NOT_NOW ? PORTHOLE_ERR_NOT_AVAILABLE : 0;
        d->changes++;
    }
}

static void do_deafen(struct ph_driver *d, uint32_t gateway) {
    struct channels *set = find_channels(d, gateway);
    for (unsigned i = PH_CHANNEL_ANNOUNCE; set && i < PH_CHANNELS; i++) {
        close_channel(d, &set->at[i]);
        set->at[i].error = 0;
    }
}

/* Id 0 marks an exchange that is over and waits to be freed. */
static void do_cancel(struct ph_driver *d, uint32_t exchange) {
    ph_tap_no_reply(&d->tap, exchange, 0);
    for (struct ph_link *link = d->exchanges.next; link != &d->exchanges; link = link->next) {
        struct ph_exchange *x = PH_CONTAINER(link, struct ph_exchange, link);
        if (x->id == exchange)
            x->id = 0;
    }
}

static void do_forget(struct ph_driver *d, uint32_t gateway) {
    struct channels *set = find_channels(d, gateway);
    if (!set)
        return;
    set->gateway = 0;
    for (unsigned i = 0; i < PH_CHANNELS; i++)
        close_channel(d, &set->at[i]);
}

/* After each step, so that no event covers an earlier one of the same mapping. */
static void tell_owner(struct ph_driver *d) {
    struct ph_event event;
    while (ph_engine_first_event(d->engine, &event) && d->on_event(d->user, &event)) {
        ph_engine_drop_event(d->engine);
        if (event.type == PORTHOLE_EVENT_FAILED)
            ph_watch_trouble(&d->lookout.watch);
    }
}

static int do_step(struct ph_driver *d, const struct ph_input *input) {
    struct ph_effects effects = {NULL, 0, NULL};
    int result = ph_engine_step(d->engine, driver_now(d), input, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct ph_effect *effect = &effects.at[i];
        switch (effect->type) {
        case PH_EFFECT_SEND:
            do_send(d, effect, ph_effect_bytes(&effects, effect));
            break;
        case PH_EFFECT_HTTP:
            do_http(d, effect, ph_effect_bytes(&effects, effect));
            break;
        case PH_EFFECT_CANCEL:
            do_cancel(d, effect->exchange);
            break;
        case PH_EFFECT_LISTEN:
            do_listen(d, effect->gateway);
            break;
        case PH_EFFECT_DEAFEN:
            do_deafen(d, effect->gateway);
            break;
        case PH_EFFECT_FORGET:
            do_forget(d, effect->gateway);
            break;
        }
    }
    tell_owner(d);
    return result;
}

/* ---- The network ----------------------------------------------------------------------------- */

/* The one place that asks the system where the gateways are. */
static int driver_look_at_network(struct ph_driver *d) {
    struct ph_network network;
    int result = ph_lookout_look(&d->lookout, driver_now(d), &network);
    if (result != 1)
        return result;
    int error = do_step(d, &(struct ph_input){.type = PH_INPUT_NETWORK, .u.network = &network});
    if (error == 0)
        d->lookout.network = network;
    else
        ph_watch_again(&d->lookout.watch); /* it had no memory for it */
    return error;
}

/* Before something is asked of the network: what was seen long ago may be no more. */
static void look_if_stale(struct ph_driver *d) {
    if (ph_watch_is_stale(&d->lookout.watch, driver_now(d)))
        (void)driver_look_at_network(d);
}

/* Leases ran on while the host slept, and the network may be another one. */
static void look_after_sleep(struct ph_driver *d) {
    if (!ph_lookout_slept(&d->lookout))
        return;
    (void)driver_look_at_network(d);
    (void)do_step(d, &(struct ph_input){.type = PH_INPUT_RESUMED});
}

struct trouble {
    const struct ph_engine *engine;
    bool found;
};

static void note_trouble(void *user, porthole_id id) {
    struct trouble *trouble = user;
    struct ph_mapping_info info;
    if (!trouble->found && ph_engine_query(trouble->engine, id, &info))
        trouble->found = info.state == PORTHOLE_FAILURE;
}

static void look_when_due(struct ph_driver *d) {
    struct trouble trouble = {d->engine, false};
    if (!ph_watch_is_due(&d->lookout.watch, driver_now(d)))
        return;
    (void)driver_look_at_network(d);
    ph_engine_each(d->engine, note_trouble, &trouble);
    if (trouble.found)
        ph_watch_trouble(&d->lookout.watch);
}

/* ---- What happened --------------------------------------------------------------------------- */

static void read_channel(struct ph_driver *d, struct channels *set, enum ph_channel which) {
    struct channel *channel = &set->at[which];
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    struct ph_endpoint from;
    for (unsigned i = 0; i < BATCH_MAX && channel->fd >= 0; i++) {
        int n = ph_sock_receive(channel->fd, &from, bytes, sizeof bytes);
        if (n == PH_SOCK_NOT_NOW)
            return;
        if (n > 0) {
            struct ph_input input = {.type = PH_INPUT_DATAGRAM};
            input.u.datagram.gateway = set->gateway;
            input.u.datagram.channel = which;
            input.u.datagram.from = from;
            input.u.datagram.bytes = bytes;
            input.u.datagram.len = (size_t)n;
            ph_tap_datagram(&d->tap, -1, which, &from, bytes, (size_t)n);
            (void)do_step(d, &input);
        } else if (n < 0) {
            fail_channel(channel, n);
            if (which >= PH_CHANNEL_ANNOUNCE)
                channel->error = 0; /* nothing was sent there */
            /* Reading clears what the network did, but not what is wrong with the socket. */
            if (n != PORTHOLE_ERR_PORT_CLOSED && n != PORTHOLE_ERR_UNREACHABLE)
                close_channel(d, channel);
        }
    }
}

static void read_channels(struct ph_driver *d) {
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = link->next) {
        struct channels *set = PH_CONTAINER(link, struct channels, link);
        for (unsigned i = 0; i < PH_CHANNELS; i++)
            read_channel(d, set, (enum ph_channel)i);
    }
}

/* Each of these returns whether it had something to tell the engine. */

static bool tell_unreachable(struct ph_driver *d, struct channels *set, enum ph_channel which) {
    struct channel *channel = &set->at[which];
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    if (set->gateway == 0 || channel->error == 0)
        return false;
    input.u.unreachable.gateway = set->gateway;
    input.u.unreachable.channel = which;
    input.u.unreachable.error = channel->error;
    if (channel->error == PORTHOLE_ERR_UNREACHABLE)
        ph_watch_trouble(&d->lookout.watch);
    channel->error = 0;
    ph_tap_unreachable(&d->tap, which, input.u.unreachable.error);
    (void)do_step(d, &input);
    return true;
}

static void tell_http_failed(struct ph_driver *d, uint32_t exchange, int error) {
    struct ph_input input = {.type = PH_INPUT_HTTP_FAILED};
    input.u.http_failed.exchange = exchange;
    input.u.http_failed.error = error;
    ph_tap_no_reply(&d->tap, exchange, error);
    (void)do_step(d, &input);
}

static bool run_exchange(struct ph_driver *d, struct ph_exchange *x) {
    uint32_t id = x->id;
    int result = id == 0 ? 0 : ph_exchange_run(x, driver_now(d));
    if (result == 0)
        return false;
    x->id = 0;
    if (result == 1) {
        struct ph_http_message message = ph_exchange_message(x);
        struct ph_input input = {.type = PH_INPUT_HTTP_REPLY};
        input.u.http_reply.exchange = id;
        input.u.http_reply.message = &message;
        ph_tap_reply(&d->tap, id, &message);
        (void)do_step(d, &input);
    } else {
        tell_http_failed(d, id, result);
    }
    return true;
}

static bool tell_lost(struct ph_driver *d) {
    if (d->lost_count == 0)
        return false;
    tell_http_failed(d, d->lost[--d->lost_count], PORTHOLE_ERR_NO_MEMORY);
    return true;
}

static bool tell_once(struct ph_driver *d) {
    bool told = tell_lost(d);
    for (struct ph_link *link = d->exchanges.next; link != &d->exchanges; link = link->next)
        told |= run_exchange(d, PH_CONTAINER(link, struct ph_exchange, link));
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = link->next) {
        struct channels *set = PH_CONTAINER(link, struct channels, link);
        for (unsigned i = 0; i < PH_CHANNELS; i++)
            told |= tell_unreachable(d, set, (enum ph_channel)i);
    }
    return told;
}

static void free_finished(struct ph_driver *d, bool all) {
    struct ph_link *next;
    for (struct ph_link *link = d->exchanges.next; link != &d->exchanges; link = next) {
        struct ph_exchange *x = PH_CONTAINER(link, struct ph_exchange, link);
        next = link->next;
        if (x->id == 0 || all) {
            ph_link_remove(link);
            ph_exchange_free(x);
            d->changes++;
        }
    }
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = next) {
        struct channels *set = PH_CONTAINER(link, struct channels, link);
        next = link->next;
        if (set->gateway == 0 || all) {
            for (unsigned i = 0; i < PH_CHANNELS; i++)
                close_channel(d, &set->at[i]);
            ph_link_remove(link);
            free(set);
        }
    }
}

/* Until there is nothing more to tell. Each failure may make the core try something else that fails
 * at once; the bound is far above what it has to try, and what is left waits for the next turn. */
static void tell_all(struct ph_driver *d) {
    for (unsigned i = 0; i < ROUNDS_MAX && tell_once(d); i++)
        ;
    free_finished(d, false);
}

/* ---- For the owner --------------------------------------------------------------------------- */

int ph_driver_new(const struct ph_driver_config *config, struct ph_driver **ret) {
    struct ph_engine_config engine = config->engine;
    struct ph_driver *d = calloc(1, sizeof *d);
    if (!d)
        return PORTHOLE_ERR_NO_MEMORY;
    ph_link_init(&d->channels);
    ph_link_init(&d->exchanges);
    ph_lookout_init(&d->lookout, &config->choice);
    d->on_event = config->on_event;
    d->user = config->user;
    engine.random = (struct ph_random){ph_clock_random, NULL};
    d->engine = ph_engine_new(&engine);
    int error = 0;
    if (!d->engine)
        error = PORTHOLE_ERR_NO_MEMORY;
    else if (!ph_clock_has_random())
        error = PORTHOLE_ERR_SYSTEM;
    else
        error = driver_look_at_network(d);
    if (error != 0) {
        ph_driver_free(d);
        return error;
    }
    *ret = d;
    return 0;
}

void ph_driver_free(struct ph_driver *driver) {
    if (!driver)
        return;
    free_finished(driver, true);
    ph_lookout_done(&driver->lookout);
    ph_engine_free(driver->engine);
    free(driver);
}

void ph_driver_tap(struct ph_driver *driver, struct ph_tap tap) { driver->tap = tap; }

int ph_driver_apply(struct ph_driver *driver, const struct ph_input *input) {
    if (input->type == PH_INPUT_MAP || input->type == PH_INPUT_REMOVE ||
        input->type == PH_INPUT_REFRESH || input->type == PH_INPUT_PROBE)
        look_if_stale(driver);
    int result = do_step(driver, input);
    if (input->type == PH_INPUT_MAP && result == 0)
        ph_watch_want(&driver->lookout.watch, driver_now(driver));
    tell_all(driver);
    ph_lookout_set_alarm(&driver->lookout, driver_now(driver), ph_driver_deadline(driver));
    return result;
}

void ph_driver_tell(struct ph_driver *driver) { tell_owner(driver); }

void ph_driver_process(struct ph_driver *driver) {
    /* What has arrived comes first: an answer in the buffer beats the timer that waited for it. */
    read_channels(driver);
    tell_all(driver);
    look_after_sleep(driver);
    driver->changes += ph_lookout_turn(&driver->lookout, driver_now(driver)) ? 1 : 0;
    look_when_due(driver);
    if (ph_engine_deadline(driver->engine) <= driver_now(driver))
        (void)do_step(driver, &(struct ph_input){.type = PH_INPUT_TIMER});
    tell_all(driver);
    ph_lookout_set_alarm(&driver->lookout, driver_now(driver), ph_driver_deadline(driver));
}

static size_t add_pollfd(struct pollfd *ret, size_t count, size_t at, struct pollfd entry) {
    if (entry.fd < 0)
        return at;
    if (at < count)
        ret[at] = entry;
    return at + 1;
}

size_t ph_driver_pollfds(const struct ph_driver *driver, struct pollfd *ret, size_t count) {
    const struct ph_driver *d = driver;
    size_t n = 0;
    struct pollfd lookout[2];
    ph_lookout_pollfds(&d->lookout, lookout);
    for (unsigned i = 0; i < 2; i++)
        n = add_pollfd(ret, count, n, lookout[i]);
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = link->next) {
        struct channels *set = PH_CONTAINER(link, struct channels, link);
        for (unsigned i = 0; i < PH_CHANNELS; i++)
            n = add_pollfd(ret, count, n, (struct pollfd){.fd = set->at[i].fd, .events = POLLIN});
    }
    for (struct ph_link *link = d->exchanges.next; link != &d->exchanges; link = link->next)
        n = add_pollfd(ret, count, n,
                       ph_exchange_pollfd(PH_CONTAINER(link, struct ph_exchange, link)));
    return n;
}

unsigned ph_driver_changes(const struct ph_driver *driver) { return driver->changes; }

static ph_us earlier(ph_us a, ph_us b) { return a < b ? a : b; }

ph_us ph_driver_deadline(const struct ph_driver *driver) {
    const struct ph_driver *d = driver;
    ph_us deadline = earlier(ph_engine_deadline(d->engine), ph_watch_deadline(&d->lookout.watch));
    if (d->lost_count > 0)
        return 0;
    for (struct ph_link *link = d->exchanges.next; link != &d->exchanges; link = link->next) {
        const struct ph_exchange *x = PH_CONTAINER(link, struct ph_exchange, link);
        deadline = earlier(deadline, x->result == 0 ? x->deadline : 0);
    }
    for (struct ph_link *link = d->channels.next; link != &d->channels; link = link->next) {
        const struct channels *set = PH_CONTAINER(link, struct channels, link);
        for (unsigned i = 0; i < PH_CHANNELS; i++)
            if (set->at[i].error != 0)
                return 0;
    }
    return deadline;
}

const struct ph_engine *ph_driver_engine(const struct ph_driver *driver) { return driver->engine; }

const struct ph_path *ph_driver_path(struct ph_driver *driver) {
    look_if_stale(driver);
    tell_all(driver);
    const struct ph_path *path = ph_engine_path(driver->engine, 0);
    if (!path && driver->lookout.network.count > 0)
        path = &driver->lookout.network.paths[0];
    return path;
}

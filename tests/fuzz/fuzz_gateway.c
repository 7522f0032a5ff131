/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_gateway.c: the input is a script for the sans-IO gateway: one byte of settings, then records
 * of one byte what, two bytes length, and that many bytes: a datagram, an HTTP request, time, or
 * another client. Whatever clients send, answers stay well formed, and the table agrees with itself
 * and with what the hooks were told.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/server.h"
#include "gateway/server_parts.h"
#include "require.h"
#include "wire/ssdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum record { CONTROL, SSDP, HTTP, TIME, CLIENT, RECORDS };

struct play {
    struct ph_gw_server *server;
    ph_us now;
    struct ph_endpoint client;
    bool is_refusing; /* the host has every third port taken */
    size_t open;
};

static int on_open(void *user, struct ph_gw_mapping *mapping) {
    struct play *play = user;
    if (play->is_refusing && mapping->facts.external_port % 3 == 0)
        return PORTHOLE_ERR_PORT_TAKEN;
    play->open++;
    return 0;
}

static void on_close(void *user, struct ph_gw_mapping *mapping, enum ph_gw_end end) {
    struct play *play = user;
    REQUIRE(play->open > 0 && mapping->facts.external_port > 0 && end <= PH_GW_STOPPED);
    play->open--;
}

static void on_request(void *user, const struct ph_endpoint *from, const char *line) {
    const struct play *play = user;
    REQUIRE(ph_endpoint_equal(from, &play->client));
    for (; *line; line++)
        REQUIRE(*line >= 0x20 && *line <= 0x7e);
}

static void play_control(struct play *play, const uint8_t *bytes, size_t len) {
    uint8_t answer[PH_GW_CONTROL_SIZE];
    size_t n = ph_gw_server_control(play->server, play->now, &play->client, bytes, len, answer,
                                    sizeof answer);
    if (n == 0)
        return;
    REQUIRE(n >= 8 && n <= 60 && n % 4 == 0);
    REQUIRE(answer[0] == 0 || answer[0] == 2);
    REQUIRE(answer[1] == (bytes[1] | 128));
}

static void on_answer(void *user, const void *bytes, size_t len) {
    struct ph_ssdp_message message;
    unsigned *answers = user;
    REQUIRE(ph_ssdp_decode(bytes, len, &message) == 0 && message.type == PH_SSDP_ANSWER);
    REQUIRE(message.location.len > 0 && message.usn.len > 0 && message.target.len > 0);
    REQUIRE(++*answers <= 10);
}

static void play_http(struct play *play, const uint8_t *bytes, size_t len) {
    static uint8_t answer[PH_GW_HTTP_SIZE];
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    REQUIRE(reader);
    int result = ph_http_reader_feed(reader, bytes, len);
    if (result == 0)
        result = ph_http_reader_end(reader);
    size_t n;
    if (result == 1) {
        struct ph_http_message request = ph_http_reader_message(reader);
        n = ph_gw_server_http(play->server, play->now, &play->client, &request, answer,
                              sizeof answer);
    } else {
        n = ph_gw_server_http_refuse(result, answer, sizeof answer);
    }
    ph_http_reader_free(reader);
    reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    REQUIRE(reader && n > 0);
    REQUIRE(ph_http_reader_feed(reader, answer, n) == 1);
    ph_http_reader_free(reader);
}

static void play_record(struct play *play, enum record record, const uint8_t *bytes, size_t len) {
    unsigned answers = 0;
    switch (record) {
    case CONTROL:
        play_control(play, bytes, len);
        break;
    case SSDP:
        ph_gw_server_ssdp(play->server, play->now, &play->client, bytes, len, on_answer, &answers);
        break;
    case HTTP:
        play_http(play, bytes, len);
        break;
    case TIME:
        for (size_t i = 0; i < len; i++)
            play->now += PH_SECONDS(bytes[i]) * 60;
        ph_gw_server_tick(play->server, play->now);
        REQUIRE(ph_gw_server_deadline(play->server) > play->now);
        break;
    case CLIENT:
        play->client.addr = ph_addr_v4(192, 168, 1, len > 0 ? bytes[0] : 50);
        break;
    case RECORDS:
        break;
    }
}

static void check_table(const struct play *play) {
    const struct ph_gw_table *table = &play->server->table;
    REQUIRE(play->open == ph_gw_server_count(play->server));
    REQUIRE(table->count <= play->server->config.behaviour.mappings_max);
    for (size_t i = 0; i < table->count; i++) {
        const struct ph_gw_facts *facts = &table->all[i]->facts;
        REQUIRE(ph_gw_table_at_external(table, facts->protocol, facts->external_port) ==
                table->all[i]);
        if (facts->made_by != PORTHOLE_UPNP)
            REQUIRE(ph_gw_table_of_client(table, facts->made_by, &facts->client, facts->protocol,
                                          facts->internal_port) == table->all[i]);
        REQUIRE(facts->internal_port > 0 && table->all[i]->lease.due > play->now);
    }
}

static void start(struct play *play, struct ph_seeded *seeded, struct ph_reader *r) {
    uint8_t settings = ph_read_u8(r);
    struct ph_gw_config config;
    ph_gw_config_init(&config);
    config.internal = ph_addr_v4(192, 168, 1, 1);
    config.external = ph_addr_v4(203, 0, 113, 7);
    config.http_port = 5000;
    config.pcp = !(settings & 1);
    config.natpmp = !(settings & 2);
    config.behaviour.silent_pcp = settings & 4;
    config.behaviour.igd_version = settings & 8 ? 1 : 2;
    config.behaviour.mappings_max = settings & 16 ? 3 : 100;
    config.behaviour.lease_max_s = settings & 32 ? 60 : UINT32_MAX;
    /* Two router models, which may be the same. */
    for (unsigned i = 0; i < 2 && settings & 128; i++)
        config.behaviour.quirks |= PH_GW_QUIRK_BIT(ph_read_u8(r) % PH_GW_QUIRK_COUNT);
    config.random = (struct ph_random){ph_seeded_fill, seeded};
    config.hooks = (struct ph_gw_hooks){on_open, on_close, on_request, play, NULL};
    play->is_refusing = settings & 64;
    play->client = (struct ph_endpoint){ph_addr_v4(192, 168, 1, 50), 40000};
    play->server = ph_gw_server_new(&config, play->now);
    REQUIRE(play->server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct play play = {.now = PH_SECONDS(5)};
    struct ph_seeded seeded = {1};
    struct ph_reader r;
    ph_reader_init(&r, data, size);
    start(&play, &seeded, &r);
    while (ph_reader_left(&r) >= 3) {
        uint8_t record = ph_read_u8(&r);
        size_t len = ph_read_u16(&r);
        len = len < ph_reader_left(&r) ? len : ph_reader_left(&r);
        /* A copy of exactly its size, so that a read past its end is seen. */
        uint8_t *bytes = malloc(len > 0 ? len : 1);
        REQUIRE(bytes);
        ph_read_bytes(&r, bytes, len);
        play_record(&play, (enum record)(record % RECORDS), bytes, len);
        free(bytes);
        check_table(&play);
    }
    ph_gw_server_free(play.server);
    REQUIRE(play.open == 0);
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * swarm_attacker.c: two hosts on the link that lie. They answer searches with places to look that
 * are not theirs, serve descriptions that lead elsewhere, copy what gateways answer and change it,
 * and forge answers to PCP requests whose nonce they cannot know. They do not have the gateway's
 * address on the control channel otherwise: a NAT-PMP answer has nothing that could tell it from a
 * true one.
 */
#include <stdio.h>
#include <string.h>

#include "sim/swarm_parts.h"
#include "wire/natpmp.h"
#include "wire/ssdp.h"

const struct ph_addr ph_swarm_attacker_hosts[SWARM_LIARS] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 77, 66}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 77, 67}},
};

static unsigned draw(struct swarm *s, unsigned below) {
    return ph_swarm_below(&s->attack_seed, below);
}

/* ---- SSDP ------------------------------------------------------------------------------------ */

/* Nobody may ask what is behind the others: the hosts that never said anything, addresses that are
 * nobody's or this host's own, and what is no URL. The first is the liar itself. */
static void draw_location(struct swarm *s, unsigned liar, char *ret, size_t size) {
    static const char *const lies[] = {
        "http://192.168.77.99:5000/rootDesc.xml",
        "http://203.0.113.9/rootDesc.xml",
        "http://127.0.0.1:5000/rootDesc.xml",
        "http://[::1]:5000/rootDesc.xml",
        "http://169.254.3.4/rootDesc.xml",
        "https://192.168.77.1/rootDesc.xml",
        "http://router.example/rootDesc.xml",
        "http://10.9.9.9:80/",
        "http://192.168.78.66/x.xml",
        "rootDesc.xml",
        "http://0.0.0.0/x.xml",
        "http://239.255.255.250/x.xml",
    };
    unsigned n = draw(s, 16);
    if (n < 12)
        snprintf(ret, size, "%s", lies[n]);
    else
        snprintf(ret, size, "http://192.168.77.%u:%u/d%u.xml", n < 15 ? 66 + liar : 1,
                 5000 + draw(s, 3), draw(s, 4));
}

static void answer_search(struct swarm *s, struct swarm_client *c, unsigned liar) {
    char location[100];
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    draw_location(s, liar, location, sizeof location);
    struct ph_ssdp_answer answer = {.target = PH_SSDP_TARGET_IGD1,
                                    .usn = "uuid:00000000::" PH_SSDP_TARGET_IGD1,
                                    .location = location,
                                    .server = "x",
                                    .max_age_s = 1800};
    const char *notify = draw(s, 4) == 0 ? (draw(s, 2) ? "ssdp:alive" : "ssdp:byebye") : NULL;
    int len = ph_ssdp_encode_answer(&answer, notify, bytes, sizeof bytes);
    if (len > 40 && draw(s, 8) == 0)
        bytes[draw(s, (unsigned)len)] = (uint8_t)draw(s, 256);
    struct ph_endpoint from = {ph_swarm_attacker_hosts[liar], PH_SSDP_PORT};
    /* From far away, which a router lets through when it should not. */
    if (strncmp(location, "http://203.", 11) == 0 && draw(s, 2))
        from.addr = ph_addr_v4(203, 0, 113, 9);
    char own[40];
    snprintf(own, sizeof own, "http://192.168.77.%u:", 66 + liar);
    /* An address that is nobody's is taken for the sender's own. */
    bool is_nobody =
        strstr(location, "/127.") || strstr(location, "/[::1]") || strstr(location, "/0.0.0.0/");
    c->has_heard[liar] |= is_nobody || strncmp(location, own, strlen(own)) == 0;
    s->result->lies++;
    if (len > 0)
        ph_swarm_link_to_client(s, c, SWARM_SEARCH, &from, bytes, (size_t)len);
}

void ph_swarm_attacker_search(struct swarm *s, struct swarm_client *c) {
    if (s->is_calm || !s->options.attacker)
        return;
    for (unsigned i = draw(s, 3); i > 0; i--)
        answer_search(s, c, draw(s, SWARM_LIARS));
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

#define DESCRIPTION(base, url)                                                                     \
    "<root>" base "<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1"        \
    "</deviceType><serviceList><service><serviceType>urn:schemas-upnp-org:service:"                \
    "WANIPConnection:1</serviceType><controlURL>" url "</controlURL></service></serviceList>"      \
    "</device></root>"

#define NO_ADDRESS                                                                                 \
    "<s:Envelope><s:Body><u:GetExternalIPAddressResponse><NewExternalIPAddress>0.0.0.0"            \
    "</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>"

size_t ph_swarm_attacker_http(struct swarm *s, unsigned liar, uint8_t *ret, size_t size) {
    static const char *const bodies[] = {
        DESCRIPTION("", "http://192.168.77.99/ctl"),
        DESCRIPTION("<URLBase>http://192.168.77.99:80/</URLBase>", "/ctl"),
        DESCRIPTION("", "http://203.0.113.9/ctl"),
        DESCRIPTION("", "/ctl"),
        DESCRIPTION("", "//192.168.77.99/ctl"),
        "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><root>&a;</root>",
        NO_ADDRESS,
        "no XML",
    };
    unsigned n = draw(s, 12);
    (void)liar;
    s->result->lies++;
    if (n == 8)
        return 0;
    if (n == 9)
        return SIZE_MAX;
    const char *body = n < 8 ? bodies[n] : "";
    const char *head = n == 10 ? "302 Found\r\nLocation: http://192.168.77.99/d.xml" : "200 OK";
    int len = snprintf((char *)ret, size, "HTTP/1.1 %s\r\nContent-Length: %lu\r\n\r\n%s", head,
                       (unsigned long)strlen(body), body);
    return len > 0 ? (size_t)len : 0;
}

/* ---- The control channel --------------------------------------------------------------------- */

/* A copy of a true answer with a few bytes changed; from a neighbour, which the socket would not
 * even let through. */
static void replay(struct swarm *s, struct swarm_client *c) {
    uint8_t bytes[sizeof s->overheard];
    struct ph_endpoint from = {ph_swarm_attacker_hosts[0], PH_PCP_PORT};
    memcpy(bytes, s->overheard, s->overheard_len);
    for (unsigned i = draw(s, 4); i > 0 && s->overheard_len > 0; i--)
        bytes[draw(s, (unsigned)s->overheard_len)] = (uint8_t)draw(s, 256);
    ph_swarm_link_to_client(s, c, SWARM_CONTROL, &from, bytes, s->overheard_len);
}

/* Forged in the gateway's name: an answer to this request that has all but the nonce, and often
 * most of that. */
static void forge_map(struct swarm *s, struct swarm_client *c, const struct ph_pcp_map *map) {
    uint8_t bytes[PH_PCP_SIZE_MAX];
    struct ph_endpoint from = {c->path.gateway, PH_PCP_PORT};
    struct ph_pcp_response response = {
        .version = PH_PCP_VERSION,
        .opcode = PH_PCP_MAP,
        .result = (uint8_t)(draw(s, 3) ? PH_PCP_SUCCESS : draw(s, 14)),
        .lifetime_s = draw(s, 4) ? 7200 : 0,
        .epoch_s = draw(s, 100000),
        .map = *map,
    };
    response.map.external_port = (uint16_t)(1024 + draw(s, 60000));
    response.map.external_addr = ph_addr_v4(6, 6, 6, 6);
    size_t known = draw(s, 2) ? 8 : 0;
    ph_seeded_fill(&s->attack_seed, response.map.nonce + known, PH_PCP_NONCE_SIZE - known);
    int len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
    s->result->lies++;
    if (len > 0)
        ph_swarm_link_to_client(s, c, SWARM_CONTROL, &from, bytes, (size_t)len);
}

/* NAT-PMP's answers have no secret at all, but these do not come from the gateway. */
static void answer_natpmp(struct swarm *s, struct swarm_client *c,
                          const struct ph_natpmp_request *request) {
    uint8_t bytes[PH_NATPMP_SIZE_MAX];
    struct ph_endpoint from = {ph_swarm_attacker_hosts[0], PH_PCP_PORT};
    struct ph_natpmp_response response = {
        .opcode = request->opcode,
        .epoch_s = draw(s, 100000),
        .external_addr = ph_addr_v4(6, 6, 6, 6),
        .internal_port = request->internal_port,
        .external_port = (uint16_t)(1024 + draw(s, 60000)),
        .lifetime_s = request->lifetime_s,
    };
    int len = ph_natpmp_encode_response(&response, bytes, sizeof bytes);
    s->result->lies++;
    if (len > 0)
        ph_swarm_link_to_client(s, c, SWARM_CONTROL, &from, bytes, (size_t)len);
}

void ph_swarm_attacker_control(struct swarm *s, struct swarm_client *c, const uint8_t *bytes,
                               size_t len) {
    struct ph_pcp_request request;
    struct ph_natpmp_request natpmp;
    if (s->is_calm || !s->options.attacker || draw(s, 4) != 0)
        return;
    if (ph_natpmp_decode_request(bytes, len, &natpmp) >= 2 && natpmp.version == PH_NATPMP_VERSION)
        answer_natpmp(s, c, &natpmp);
    else if (ph_pcp_decode_request(bytes, len, &request) > 2 && request.opcode == PH_PCP_MAP)
        forge_map(s, c, &request.map);
}

static void forge_any(struct swarm *s, struct swarm_client *c) {
    const struct swarm_mapping *m =
        c->mapping_count ? &c->mappings[draw(s, (unsigned)c->mapping_count)] : NULL;
    struct ph_pcp_map map = {.protocol = PORTHOLE_TCP, .internal_port = 5000};
    if (m) {
        map.protocol = (uint8_t)m->protocol;
        map.internal_port = m->internal_port;
        memcpy(map.nonce, m->nonce, sizeof map.nonce);
    }
    forge_map(s, c, &map);
}

/* An announcement in the gateway's name: it may make the client ask, and no more. */
static void forge_hint(struct swarm *s, struct swarm_client *c) {
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    struct ph_endpoint from = {c->path.gateway, PH_PCP_PORT};
    struct ph_pcp_response response = {
        .version = PH_PCP_VERSION, .opcode = PH_PCP_ANNOUNCE, .epoch_s = draw(s, 100000)};
    struct ph_ssdp_answer notify = {.target = PH_SSDP_TARGET_IGD1,
                                    .usn = "uuid:00000000::" PH_SSDP_TARGET_IGD1,
                                    .location = "http://192.168.77.99:5000/x.xml",
                                    .server = "x",
                                    .boot_id = 1 + draw(s, 100),
                                    .max_age_s = 1800};
    bool is_ssdp = draw(s, 2) != 0;
    int len = is_ssdp ? ph_ssdp_encode_answer(&notify, draw(s, 2) ? "ssdp:alive" : "ssdp:byebye",
                                              bytes, sizeof bytes)
                      : ph_pcp_encode_response(&response, bytes, sizeof bytes);
    if (is_ssdp)
        from.port = PH_SSDP_PORT;
    if (len > 0 && c->listening)
        ph_swarm_link_to_client(s, c, is_ssdp ? SWARM_NOTIFY : SWARM_ANNOUNCE, &from, bytes,
                                (size_t)len);
}

void ph_swarm_attacker_next(struct swarm *s) {
    struct swarm_client *c = &s->clients[draw(s, s->options.clients)];
    for (unsigned i = 1 + draw(s, 10); i > 0 && c->channel; i--) {
        unsigned kind = draw(s, 5);
        s->result->lies++;
        if (kind == 0)
            answer_search(s, c, draw(s, SWARM_LIARS));
        else if (kind == 1)
            forge_any(s, c);
        else if (kind == 4)
            forge_hint(s, c);
        else
            replay(s, c);
    }
    ph_swarm_link_post(s, ITEM_ATTACK,
                       ph_swarm_interval(&s->attack_seed, s->options.storm / 100 + PH_MS(100)), "",
                       0);
}

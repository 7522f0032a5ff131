/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io.c: see io.h. It decides nothing but what is lost on the way.
 */
#define _GNU_SOURCE

#include "gateway/io.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/forward.h"
#include "gateway/io_http.h"
#include "gateway/io_late.h"
#include "gateway/loop.h"
#include "gateway/sock.h"
#include "wire/pcp.h"
#include "wire/ssdp.h"

#define DATAGRAMS_MAX 64U
#define DATAGRAM_SIZE (PH_SSDP_SIZE_MAX + 1U)  /* one more than any that is answered */
#define RECEIVE_BUFFER_BYTES (4 * 1024 * 1024) /* a burst of thousands of requests must fit */

struct batch {
    struct mmsghdr headers[DATAGRAMS_MAX];
    struct iovec vectors[DATAGRAMS_MAX];
    struct sockaddr_storage senders[DATAGRAMS_MAX];
    uint8_t bytes[DATAGRAMS_MAX][DATAGRAM_SIZE];
};

struct ph_gw_io {
    struct ph_gw_io_config config;
    struct ph_gw_loop *loop;
    struct ph_gw_server *server;
    struct ph_gw_forward *forward; /* NULL: mappings exist in name only */
    struct ph_gw_http *http;       /* NULL: UPnP is off */
    struct ph_gw_source control;
    struct ph_gw_source ssdp;
    struct ph_gw_source ssdp_group;
    struct ph_gw_late late; /* SSDP answers that a router model holds up */
    struct ph_gw_source stop;
    bool is_stopped;
    struct ph_seeded loss;
    struct batch batch;
};

void ph_gw_io_config_init(struct ph_gw_io_config *config) {
    *config = (struct ph_gw_io_config){.forward = true, .seed = 1};
    ph_gw_config_init(&config->server);
    config->server.internal = ph_addr_v4(127, 77, 0, 1);
    config->server.external = ph_addr_v4(127, 77, 1, 1);
}

uint16_t ph_gw_io_http_port(const struct ph_gw_io *io) {
    const struct ph_gw_config *config = ph_gw_server_config(io->server);
    return config->upnp ? config->http_port : 0;
}

/* ---- Datagrams ------------------------------------------------------------------------------- */

static bool is_lost(struct ph_gw_io *io) {
    struct ph_random random = {ph_seeded_fill, &io->loss};
    return io->config.loss_percent > 0 && ph_random_below(&random, 100) < io->config.loss_percent;
}

struct sender {
    struct ph_gw_io *io;
    int fd;
    const struct mmsghdr *request;
};

static void send_back(void *user, const void *bytes, size_t len) {
    const struct sender *to = user;
    const struct msghdr *header = &to->request->msg_hdr;
    /* What does not fit into the socket's buffer is lost, as on any link. */
    if (!is_lost(to->io))
        (void)sendto(to->fd, bytes, len, MSG_NOSIGNAL, header->msg_name, header->msg_namelen);
}

/* In the manner of the router model: late, or from another port. */
static void send_ssdp_back(void *user, const void *bytes, size_t len) {
    const struct sender *to = user;
    struct ph_gw_io *io = to->io;
    struct ph_gw_ssdp_manner manner = ph_gw_server_ssdp_manner(io->server);
    const struct msghdr *header = &to->request->msg_hdr;
    if (manner.delay == 0 && manner.port == PH_SSDP_PORT) {
        send_back(user, bytes, len);
        return;
    }
    if (is_lost(io))
        return;
    struct ph_endpoint from = {io->config.server.internal, manner.port};
    ph_gw_late_add(&io->late, ph_gw_loop_now() + manner.delay, &from, header->msg_name,
                   header->msg_namelen, bytes, len);
    ph_gw_late_tick(&io->late, ph_gw_loop_now(), io->ssdp.fd);
}

static unsigned receive_batch(struct ph_gw_io *io, int fd) {
    struct batch *b = &io->batch;
    for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
        b->vectors[i] = (struct iovec){b->bytes[i], DATAGRAM_SIZE};
        b->headers[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &b->senders[i],
                                                     .msg_namelen = sizeof b->senders[i],
                                                     .msg_iov = &b->vectors[i],
                                                     .msg_iovlen = 1}};
    }
    int n = recvmmsg(fd, b->headers, DATAGRAMS_MAX, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

static void on_control_socket(struct ph_gw_source *source, ph_us now, bool failed) {
    struct ph_gw_io *io = PH_CONTAINER(source, struct ph_gw_io, control);
    uint8_t answer[PH_GW_CONTROL_SIZE];
    unsigned count = receive_batch(io, source->fd);
    (void)failed;
    for (unsigned i = 0; i < count; i++) {
        struct sender to = {io, source->fd, &io->batch.headers[i]};
        struct ph_endpoint from = ph_gw_sock_decode(&io->batch.senders[i]);
        if (is_lost(io))
            continue;
        size_t len = ph_gw_server_control(io->server, now, &from, io->batch.bytes[i],
                                          to.request->msg_len, answer, sizeof answer);
        if (len > 0)
            send_back(&to, answer, len);
    }
}

static void serve_ssdp(struct ph_gw_io *io, int fd, ph_us now) {
    unsigned count = receive_batch(io, fd);
    for (unsigned i = 0; i < count; i++) {
        /* Answers to multicasts leave by the unicast socket too: they must come from our address,
         * not from the group's. */
        struct sender to = {io, io->ssdp.fd, &io->batch.headers[i]};
        struct ph_endpoint from = ph_gw_sock_decode(&io->batch.senders[i]);
        if (!is_lost(io))
            ph_gw_server_ssdp(io->server, now, &from, io->batch.bytes[i], to.request->msg_len,
                              send_ssdp_back, &to);
    }
}

static void on_ssdp(struct ph_gw_source *source, ph_us now, bool failed) {
    (void)failed;
    serve_ssdp(PH_CONTAINER(source, struct ph_gw_io, ssdp), source->fd, now);
}

static void on_ssdp_group(struct ph_gw_source *source, ph_us now, bool failed) {
    (void)failed;
    serve_ssdp(PH_CONTAINER(source, struct ph_gw_io, ssdp_group), source->fd, now);
}

/* ---- The server's hooks ---------------------------------------------------------------------- */

static void report(const struct ph_gw_io *io, const struct ph_gw_event *event) {
    if (io->config.on_event)
        io->config.on_event(io->config.user, event);
}

static int open_mapping(void *user, struct ph_gw_mapping *mapping) {
    struct ph_gw_io *io = user;
    int error = 0;
    if (io->forward)
        error = ph_gw_forward_open(io->forward, &mapping->facts, &mapping->listener);
    if (error == 0)
        report(io, &(struct ph_gw_event){.type = PH_GW_EVENT_OPENED,
                                         .mapping = mapping,
                                         .lifetime_s =
                                             ph_gw_mapping_left_s(mapping, ph_gw_loop_now())});
    return error;
}

static void close_mapping(void *user, struct ph_gw_mapping *mapping, enum ph_gw_end end) {
    struct ph_gw_io *io = user;
    if (io->forward)
        ph_gw_forward_close(io->forward, mapping->listener);
    report(io, &(struct ph_gw_event){.type = PH_GW_EVENT_CLOSED, .mapping = mapping, .end = end});
}

static void report_request(void *user, const struct ph_endpoint *from, const char *line) {
    const struct ph_gw_io *io = user;
    report(io, &(struct ph_gw_event){.type = PH_GW_EVENT_REQUEST, .from = from, .text = line});
}

/* By the sockets of PCP and SSDP: announcements come from their ports. */
static void announce(void *user, uint16_t port, const void *bytes, size_t len) {
    struct ph_gw_io *io = user;
    bool is_ssdp = port == PH_SSDP_PORT;
    bool is_group = ph_addr_is_multicast(&io->config.announce_to);
    struct ph_endpoint to = {io->config.announce_to, port};
    struct sockaddr_storage address;
    if (is_ssdp && is_group)
        to.addr = ph_ssdp_group_v4;
    socklen_t address_len = ph_gw_sock_encode(&to, &address);
    if (!is_lost(io))
        (void)sendto(is_ssdp ? io->ssdp.fd : io->control.fd, bytes, len, MSG_NOSIGNAL,
                     (struct sockaddr *)&address, address_len);
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* While ph_gw_io_new runs: the first thing that failed. */
struct startup {
    struct ph_gw_io *io;
    char *problem; /* may be NULL */
};

static int fail_startup(const struct startup *startup, const char *what, const char *where) {
    const char *reason = strerror(errno);
    if (startup->problem)
        snprintf(startup->problem, PH_GW_PROBLEM_SIZE, "%s%s%s: %s", what, *where ? " " : "", where,
                 reason);
    return PORTHOLE_ERR_SYSTEM;
}

static int fail_startup_at(const struct startup *startup, const char *what,
                           const struct ph_endpoint *at) {
    char text[PH_ENDPOINT_TEXT_SIZE];
    return fail_startup(startup, what, ph_endpoint_format(at, text));
}

static void fill_from_system(void *user, void *ret, size_t len) {
    uint8_t *at = ret;
    (void)user;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0)
            continue; /* EINTR: nothing else can happen to a valid buffer */
        at += n;
        len -= (size_t)n;
    }
}

static int open_datagrams(const struct startup *startup, const char *what, uint16_t port,
                          struct ph_gw_source *source) {
    struct ph_gw_io *io = startup->io;
    struct ph_endpoint at = {io->config.server.internal, port};
    int bytes = RECEIVE_BUFFER_BYTES;
    source->fd = ph_gw_sock_udp(&at, port == PH_SSDP_PORT);
    if (source->fd < 0 || !ph_gw_loop_add(io->loop, source, PH_GW_READ))
        return fail_startup_at(startup, what, &at);
    (void)setsockopt(source->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (ph_addr_is_v4(&at.addr)) {
        struct in_addr interface;
        memcpy(&interface, ph_addr_v4_bytes(&at.addr), sizeof interface);
        (void)setsockopt(source->fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface);
    }
    return 0;
}

/* A socket of its own for the group: the one bound to our address gets no multicasts. */
static int join_group(const struct startup *startup) {
    struct ph_gw_io *io = startup->io;
    const struct ph_addr *internal = &io->config.server.internal;
    struct ph_endpoint at = {ph_ssdp_group_v4, PH_SSDP_PORT};
    struct ip_mreqn membership = {.imr_ifindex = 0};
    int off = 0;
    if (!ph_addr_is_v4(internal))
        return 0;
    memcpy(&membership.imr_multiaddr, ph_addr_v4_bytes(&at.addr), 4);
    memcpy(&membership.imr_address, ph_addr_v4_bytes(internal), 4);
    io->ssdp_group.fd = ph_gw_sock_udp(&at, true);
    /* Without IP_MULTICAST_ALL off, what arrives at interfaces that others on this host joined
     * would be answered too. */
    if (io->ssdp_group.fd >= 0 &&
        setsockopt(io->ssdp_group.fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) == 0 &&
        setsockopt(io->ssdp_group.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership,
                   sizeof membership) == 0 &&
        ph_gw_loop_add(io->loop, &io->ssdp_group, PH_GW_READ))
        return 0;
    /* On loopback, unicast is what matters: not every system has multicasts there. */
    return ph_addr_is_loopback(internal) ? 0 : fail_startup_at(startup, "cannot join", &at);
}

/* Returns the listening socket of UPnP, or -1 with *ret set; fills in the port. */
static int open_http(const struct startup *startup, int *ret) {
    struct ph_gw_config *config = &startup->io->config.server;
    struct ph_endpoint at = {config->internal, config->http_port};
    int fd = ph_gw_sock_listen(&at);
    if (fd < 0)
        *ret = fail_startup_at(startup, "cannot listen on", &at);
    else
        config->http_port = ph_gw_sock_port(fd);
    return fd;
}

static int open_servers(const struct startup *startup) {
    struct ph_gw_io *io = startup->io;
    struct ph_gw_config *config = &io->config.server;
    int error = 0;
    int http_fd = -1;
    if (config->pcp || config->natpmp || config->behaviour.silent_pcp)
        error = open_datagrams(startup, "cannot bind", PH_PCP_PORT, &io->control);
    if (error == 0 && config->upnp)
        error = open_datagrams(startup, "cannot bind", PH_SSDP_PORT, &io->ssdp);
    if (error == 0 && config->upnp)
        error = join_group(startup);
    if (error == 0 && config->upnp)
        http_fd = open_http(startup, &error);
    if (error < 0)
        return error;
    io->server = ph_gw_server_new(config, ph_gw_loop_now());
    if (http_fd >= 0 && io->server)
        io->http = ph_gw_http_new(io->loop, io->server, http_fd);
    else if (http_fd >= 0)
        close(http_fd);
    return io->server && (io->http || http_fd < 0) ? 0 : PORTHOLE_ERR_NO_MEMORY;
}

static int open_forward(const struct startup *startup) {
    struct ph_gw_io *io = startup->io;
    if (!io->config.forward)
        return 0;
    struct ph_endpoint at = {ph_addr_is_unspecified(&io->config.listen_external)
                                 ? io->config.server.external
                                 : io->config.listen_external,
                             0};
    char text[PH_ADDR_TEXT_SIZE];
    /* An address that is not this host's shows now, not with the first mapping. */
    int probe = ph_gw_sock_udp(&at, false);
    if (probe < 0)
        return fail_startup(startup, "cannot use the external address",
                            ph_addr_format(&at.addr, text));
    close(probe);
    io->forward = ph_gw_forward_new(io->loop, &at.addr);
    return io->forward ? 0 : PORTHOLE_ERR_NO_MEMORY;
}

static void on_stop_fd(struct ph_gw_source *source, ph_us now, bool failed) {
    (void)now;
    (void)failed;
    PH_CONTAINER(source, struct ph_gw_io, stop)->is_stopped = true;
}

/* Never to the networks of this host by a gateway that is on none of them. */
static bool is_announced(const struct ph_gw_io_config *config) {
    const struct ph_addr *to = &config->announce_to;
    bool is_loopback = ph_addr_is_loopback(&config->server.internal);
    return !ph_addr_is_unspecified(to) && is_loopback == ph_addr_is_loopback(to);
}

static struct ph_gw_io *make_io(const struct ph_gw_io_config *config) {
    struct ph_gw_io *io = calloc(1, sizeof *io);
    if (!io)
        return NULL;
    io->config = *config;
    io->loss.state = config->seed;
    io->control = (struct ph_gw_source){-1, on_control_socket};
    io->ssdp = (struct ph_gw_source){-1, on_ssdp};
    io->ssdp_group = (struct ph_gw_source){-1, on_ssdp_group};
    io->stop = (struct ph_gw_source){-1, on_stop_fd};
    struct ph_gw_config *server = &io->config.server;
    if (server->boot_id == 0)
        server->boot_id = (uint32_t)time(NULL);
    if (!server->random.fill)
        server->random.fill = fill_from_system;
    server->hooks = (struct ph_gw_hooks){open_mapping, close_mapping,
                                         config->report_requests ? report_request : NULL, io,
                                         is_announced(config) ? announce : NULL};
    return io;
}

int ph_gw_io_new(const struct ph_gw_io_config *config, struct ph_gw_io **ret,
                 char ret_problem[PH_GW_PROBLEM_SIZE]) {
    struct ph_gw_io *io = make_io(config);
    struct startup startup = {io, ret_problem};
    if (ret_problem)
        snprintf(ret_problem, PH_GW_PROBLEM_SIZE, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
    if (!io)
        return PORTHOLE_ERR_NO_MEMORY;
    io->loop = ph_gw_loop_new();
    int error =
        io->loop ? open_forward(&startup) : fail_startup(&startup, "cannot wait for sockets", "");
    if (error == 0)
        error = open_servers(&startup);
    if (error < 0) {
        ph_gw_io_free(io);
        return error;
    }
    *ret = io;
    return 0;
}

/* ---- Running --------------------------------------------------------------------------------- */

static ph_us io_earlier(ph_us a, ph_us b) { return a < b ? a : b; }

static ph_us io_deadline(const struct ph_gw_io *io) {
    ph_us until = io_earlier(ph_gw_server_deadline(io->server), ph_gw_late_deadline(&io->late));
    if (io->http)
        until = io_earlier(until, ph_gw_http_deadline(io->http));
    if (io->forward)
        until = io_earlier(until, ph_gw_forward_deadline(io->forward));
    return until;
}

int ph_gw_io_run(struct ph_gw_io *io, int stop_fd) {
    bool ok = true;
    io->is_stopped = false;
    io->stop.fd = stop_fd;
    if (stop_fd >= 0 && !ph_gw_loop_add(io->loop, &io->stop, PH_GW_READ))
        return PORTHOLE_ERR_SYSTEM;
    while (ok && !io->is_stopped) {
        ok = ph_gw_loop_wait(io->loop, io_deadline(io));
        ph_us now = ph_gw_loop_now();
        ph_gw_server_tick(io->server, now);
        ph_gw_late_tick(&io->late, now, io->ssdp.fd);
        if (io->http)
            ph_gw_http_tick(io->http, now);
        if (io->forward)
            ph_gw_forward_tick(io->forward, now);
    }
    if (stop_fd >= 0)
        ph_gw_loop_remove(io->loop, &io->stop);
    return ok ? 0 : PORTHOLE_ERR_SYSTEM;
}

static void close_source(struct ph_gw_io *io, struct ph_gw_source *source) {
    if (source->fd >= 0)
        ph_gw_loop_close(io->loop, source);
}

void ph_gw_io_free(struct ph_gw_io *io) {
    if (!io)
        return;
    ph_gw_http_free(io->http);
    if (io->server)
        ph_gw_server_farewell(io->server);
    ph_gw_server_free(io->server); /* closes the mappings, by the forwarder */
    ph_gw_forward_free(io->forward);
    close_source(io, &io->control);
    close_source(io, &io->ssdp);
    close_source(io, &io->ssdp_group);
    ph_gw_loop_free(io->loop);
    free(io);
}

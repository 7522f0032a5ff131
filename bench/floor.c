// SPDX-License-Identifier: MIT OR Apache-2.0
//
// bench-floor: the least that opening a port can take, as bare requests to the same router. One
// fresh process for each figure, as the measured programs are. pcp and natpmp: one MAP request (or
// N of them, W in flight). natpmp-2: the external address, then the map. upnp: see floor_upnp.c.
#define _GNU_SOURCE
#include "floor.h"
#include "timing.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONTROL_PORT = 5351,
    FIRST_PORT = 20000,
    LIFETIME_S = 7200,
    REQUESTS_MAX = 20000,
    PCP_MAP_BYTES = 60,
    NATPMP_MAP_BYTES = 12,
    RESEND_MS = 1000,
    ATTEMPTS_MAX = 5
};

struct flight {
    double sent_ms;
    int attempts;
    bool answered;
};

struct burst {
    bool pcp;
    int fd;
    int wanted;
    int window;
    int begun;
    int answered;
    int failed;
    unsigned char client[4];
    unsigned char secret[8]; // the same part of every nonce; the rest is the request's index
    struct flight flights[REQUESTS_MAX];
};

static struct burst burst;

static void put16(unsigned char *at, unsigned value) {
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static unsigned get16(const unsigned char *at) { return (unsigned)at[0] << 8 | at[1]; }

static uint32_t get32(const unsigned char *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

int floor_connect(int type, const struct in_addr *address, unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = *address};
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("bench-floor: connect");
        exit(1);
    }
    return fd;
}

void floor_own_address(int fd, unsigned char ret_address[4]) {
    struct sockaddr_in own;
    socklen_t bytes = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &bytes) != 0) {
        perror("bench-floor: getsockname");
        exit(1);
    }
    memcpy(ret_address, &own.sin_addr, 4);
}

// RFC 6887 §7.1 (header) and §11.1 (MAP): TCP, the suggested port is the internal one.
static size_t write_pcp_map(unsigned char *out, int index) {
    memset(out, 0, PCP_MAP_BYTES);
    out[0] = 2;
    out[1] = 1;
    put32(out + 4, LIFETIME_S);
    out[18] = out[19] = 0xff;
    memcpy(out + 20, burst.client, 4);
    put32(out + 24, (uint32_t)index);
    memcpy(out + 28, burst.secret, sizeof burst.secret);
    out[36] = 6;
    put16(out + 40, (unsigned)(FIRST_PORT + index));
    put16(out + 42, (unsigned)(FIRST_PORT + index));
    out[54] = out[55] = 0xff;
    return PCP_MAP_BYTES;
}

// RFC 6886 §3.3: opcode 2 is TCP.
static size_t write_natpmp_map(unsigned char *out, int index) {
    memset(out, 0, NATPMP_MAP_BYTES);
    out[1] = 2;
    put16(out + 4, (unsigned)(FIRST_PORT + index));
    put16(out + 6, (unsigned)(FIRST_PORT + index));
    put32(out + 8, LIFETIME_S);
    return NATPMP_MAP_BYTES;
}

static void send_request(int index) {
    unsigned char bytes[PCP_MAP_BYTES];
    size_t length = burst.pcp ? write_pcp_map(bytes, index) : write_natpmp_map(bytes, index);
    burst.flights[index].sent_ms = timing_now_ms();
    burst.flights[index].attempts++;
    (void)send(burst.fd, bytes, length, 0); // an ICMP error shows as a request without answer
}

// Which request a datagram answers; -1 for none. *ret_ok says whether the router agreed.
static int read_answer(const unsigned char *bytes, size_t length, bool *ret_ok) {
    if (burst.pcp) {
        if (length < PCP_MAP_BYTES || bytes[0] != 2 || bytes[1] != 129 ||
            memcmp(bytes + 28, burst.secret, sizeof burst.secret) != 0) {
            return -1;
        }
        *ret_ok = bytes[3] == 0;
        uint32_t index = get32(bytes + 24);
        return index < (uint32_t)burst.wanted ? (int)index : -1;
    }
    if (length < 16 || bytes[0] != 0 || bytes[1] != 130) {
        return -1;
    }
    *ret_ok = get16(bytes + 2) == 0;
    int index = (int)get16(bytes + 8) - FIRST_PORT;
    return index >= 0 && index < burst.wanted ? index : -1;
}

static void take_answers(void) {
    unsigned char bytes[1100];
    ssize_t got;
    while ((got = recv(burst.fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        bool agreed = false;
        int index = read_answer(bytes, (size_t)got, &agreed);
        if (index >= 0 && !burst.flights[index].answered) {
            burst.flights[index].answered = true;
            burst.answered++;
            burst.failed += agreed ? 0 : 1;
        }
    }
}

// Sends again what has waited long. Returns false when a request has used up its attempts.
static bool resend_late(void) {
    double now_ms = timing_now_ms();
    for (int i = 0; i < burst.begun; i++) {
        struct flight *flight = &burst.flights[i];
        if (!flight->answered && now_ms - flight->sent_ms > RESEND_MS) {
            if (flight->attempts == ATTEMPTS_MAX) {
                return false;
            }
            send_request(i);
        }
    }
    return true;
}

static int run_burst(bool pcp, const struct in_addr *gateway, int wanted, int window) {
    double started_ms = timing_now_ms();
    burst.pcp = pcp;
    burst.wanted = wanted;
    burst.window = window;
    if (getrandom(burst.secret, sizeof burst.secret, 0) != (ssize_t)sizeof burst.secret) {
        return timing_report(0, wanted, started_ms, "no random bytes");
    }
    burst.fd = floor_connect(SOCK_DGRAM, gateway, CONTROL_PORT);
    floor_own_address(burst.fd, burst.client);
    while (burst.answered < wanted) {
        while (burst.begun < wanted && burst.begun - burst.answered < window) {
            send_request(burst.begun++);
        }
        struct pollfd waiting = {.fd = burst.fd, .events = POLLIN};
        int ready = poll(&waiting, 1, RESEND_MS / 4);
        take_answers();
        if (ready == 0 && !resend_late()) {
            break;
        }
    }
    return timing_report(burst.answered - burst.failed, wanted, started_ms, "");
}

static bool ask(int fd, const void *request, size_t bytes, unsigned char *reply, size_t room) {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (send(fd, request, bytes, 0) < 0) {
            continue;
        }
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, RESEND_MS) == 1) {
            return recv(fd, reply, room, 0) > 0;
        }
    }
    return false;
}

// What a client needs to tell its user the address: RFC 6886 §3.2, then §3.3.
static int run_natpmp_2(const struct in_addr *gateway) {
    double started_ms = timing_now_ms();
    unsigned char reply[64], map[NATPMP_MAP_BYTES];
    int fd = floor_connect(SOCK_DGRAM, gateway, CONTROL_PORT);
    bool ok = ask(fd, "\0\0", 2, reply, sizeof reply) && get16(reply + 2) == 0;
    ok = ok && ask(fd, map, write_natpmp_map(map, 0), reply, sizeof reply) && get16(reply + 2) == 0;
    return timing_report(ok ? 1 : 0, 1, started_ms, "");
}

int main(int argc, char **argv) {
    struct in_addr gateway;
    if (argc < 3 || inet_pton(AF_INET, argv[2], &gateway) != 1) {
        fputs("usage: bench-floor pcp|natpmp GATEWAY [N [WINDOW]] | natpmp-2 GATEWAY | "
              "upnp GATEWAY\n",
              stderr);
        return 2;
    }
    int wanted = argc > 3 ? atoi(argv[3]) : 1;
    int window = argc > 4 ? atoi(argv[4]) : 1;
    if (wanted < 1 || wanted > REQUESTS_MAX || window < 1) {
        return 2;
    }
    if (strcmp(argv[1], "natpmp-2") == 0) {
        return run_natpmp_2(&gateway);
    }
    if (strcmp(argv[1], "upnp") == 0) {
        return floor_upnp(FIRST_PORT);
    }
    return run_burst(strcmp(argv[1], "pcp") == 0, &gateway, wanted, window);
}

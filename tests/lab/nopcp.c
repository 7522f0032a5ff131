// SPDX-License-Identifier: MIT OR Apache-2.0
//
// lab-nopcp: gives a PCP router the manners of one that knows NAT-PMP only.
// Runs on the router beside the real daemon. A firewall rule keeps PCP requests (version 2) from
// the daemon; this program reads them off the wire and answers as a NAT-PMP-only build of miniupnpd
// does: 8 bytes, version 0, opcode 128 + request's, result 1 (RFC 6886 §3.5, unsupported version).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PCP_PORT = 5351, PCP_VERSION = 2, UNSUPP_VERSION = 1 };

// The UDP header and 8 bytes of NAT-PMP.
enum { UDP_BYTES = 8, REPLY_BYTES = 16 };

struct request {
    struct in_addr client;
    struct in_addr router;
    in_port_t client_port; // network order, as it goes back
    uint8_t opcode;
};

static void die(const char *what) {
    fprintf(stderr, "lab-nopcp: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_wire(const char *interface) {
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket(AF_PACKET)");
    }
    int one = 1;
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0) {
        die("PACKET_IGNORE_OUTGOING");
    }
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    address.sll_ifindex = (int)if_nametoindex(interface);
    if (address.sll_ifindex == 0) {
        die(interface);
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("bind");
    }
    return fd;
}

// Returns 1 when the packet is a PCP request to this router.
static int read_request(const unsigned char *packet, size_t bytes, struct request *ret_request) {
    struct iphdr ip;
    struct udphdr udp;
    if (bytes < sizeof ip) {
        return 0;
    }
    memcpy(&ip, packet, sizeof ip);
    size_t ip_bytes = (size_t)ip.ihl * 4U;
    if (ip.version != 4 || ip.protocol != IPPROTO_UDP || bytes < ip_bytes + sizeof udp + 2) {
        return 0;
    }
    memcpy(&udp, packet + ip_bytes, sizeof udp);
    const unsigned char *payload = packet + ip_bytes + sizeof udp;
    if (udp.dest != htons(PCP_PORT) || payload[0] != PCP_VERSION || payload[1] > 127) {
        return 0;
    }
    ret_request->client.s_addr = ip.saddr;
    ret_request->router.s_addr = ip.daddr;
    ret_request->client_port = udp.source;
    ret_request->opcode = payload[1];
    return 1;
}

static uint32_t add_words(uint32_t sum, const unsigned char *data, size_t bytes) {
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    }
    return sum;
}

static void put16(unsigned char *at, uint32_t value) {
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

// RFC 768: the sum covers a pseudo header of addresses, protocol and length.
static uint32_t udp_checksum(const struct request *request, const unsigned char *reply) {
    unsigned char addresses[8];
    memcpy(addresses, &request->router, 4);
    memcpy(addresses + 4, &request->client, 4);
    uint32_t sum = IPPROTO_UDP + REPLY_BYTES;
    sum = add_words(sum, addresses, sizeof addresses);
    sum = add_words(sum, reply, REPLY_BYTES);
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum == 0xffff ? 0xffff : ~sum & 0xffff;
}

// A raw socket, because the daemon owns UDP port 5351 and answers must come from it.
static void refuse(int raw_fd, const struct request *request, time_t started_s) {
    unsigned char reply[REPLY_BYTES] = {0};
    uint32_t epoch_s = (uint32_t)(time(NULL) - started_s);
    put16(reply, PCP_PORT);
    put16(reply + 2, ntohs(request->client_port));
    put16(reply + 4, REPLY_BYTES);
    reply[UDP_BYTES + 1] = (unsigned char)(128 + request->opcode);
    put16(reply + UDP_BYTES + 2, UNSUPP_VERSION);
    put16(reply + UDP_BYTES + 4, epoch_s >> 16);
    put16(reply + UDP_BYTES + 6, epoch_s);
    put16(reply + 6, udp_checksum(request, reply));

    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = request->client};
    if (sendto(raw_fd, reply, sizeof reply, 0, (struct sockaddr *)&to, sizeof to) < 0) {
        fprintf(stderr, "lab-nopcp: sendto: %s\n", strerror(errno));
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: lab-nopcp INTERFACE ROUTER_ADDRESS\n", stderr);
        return 2;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); // never outlive the lab
    struct sockaddr_in own = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, argv[2], &own.sin_addr) != 1) {
        fputs("lab-nopcp: not an IPv4 address\n", stderr);
        return 2;
    }
    int wire_fd = open_wire(argv[1]);
    int raw_fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
    if (raw_fd < 0 || bind(raw_fd, (struct sockaddr *)&own, sizeof own) != 0) {
        die("raw socket");
    }
    time_t started_s = time(NULL);
    puts("ready");
    fflush(stdout);
    for (;;) {
        unsigned char packet[2048];
        ssize_t got = recv(wire_fd, packet, sizeof packet, 0);
        struct request request;
        if (got < 0 && errno != EINTR && errno != ENETDOWN) {
            die("recv");
        }
        if (got > 0 && read_request(packet, (size_t)got, &request) == 1 &&
            request.router.s_addr == own.sin_addr.s_addr) {
            refuse(raw_fd, &request, started_s);
        }
    }
}

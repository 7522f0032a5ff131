// SPDX-License-Identifier: MIT OR Apache-2.0
//
// lab-link: carries Ethernet frames between two interfaces, with a delay and a loss.
// The lab's client and router sit at its two ends. It exists because not every kernel has netem:
// AF_PACKET is everywhere. PACKET_VNET_HDR carries unfinished checksums and segmentation
// across unharmed. Order is kept in each direction; a seed makes the losses repeatable.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// A frame with segmentation left to the network card may be 64 KiB; a full queue drops, as a
// router's would.
enum { FRAME_BYTES_MAX = 66 * 1024, QUEUE_FRAMES_MAX = 16384, SOCKET_BUFFER_BYTES = 8 << 20 };

struct frame {
    uint64_t due_ns;
    size_t bytes;
    unsigned char *data; // a virtio_net_hdr, then the frame
};

// One direction: frames read from one interface and written to the other.
struct lane {
    const char *name;
    int from_fd;
    int to_fd;
    uint64_t rng;
    uint64_t delivered;
    uint64_t lost;
    uint64_t overflowed;
    size_t head;
    size_t count;
    struct frame queue[QUEUE_FRAMES_MAX];
};

struct options {
    uint64_t delay_ns;
    double loss_percent;
    uint64_t seed;
    const char *interface[2];
};

static struct lane lanes[2];

static void die(const char *what) {
    fprintf(stderr, "lab-link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

// splitmix64: one number of state, every seed is a good one.
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static bool is_lost(struct lane *lane, double loss_percent) {
    if (loss_percent <= 0.0) {
        return false;
    }
    double uniform = (double)(next_random(&lane->rng) >> 11) / 9007199254740992.0;
    return uniform * 100.0 < loss_percent;
}

static int open_interface(const char *name) {
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket(AF_PACKET)");
    }
    int one = 1;
    int buffer = SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0) {
        die("PACKET_VNET_HDR");
    }
    // Without this the forwarder would read back what it wrote, for ever.
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0) {
        die("PACKET_IGNORE_OUTGOING");
    }
    // Larger buffers are a favour, not a need.
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);

    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    address.sll_ifindex = (int)if_nametoindex(name);
    if (address.sll_ifindex == 0) {
        die(name);
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("bind");
    }
    return fd;
}

static void deliver(struct lane *lane, const unsigned char *data, size_t bytes) {
    for (;;) {
        ssize_t sent = send(lane->to_fd, data, bytes, 0);
        if (sent >= 0) {
            lane->delivered++;
            return;
        }
        if (errno == EINTR) {
            continue;
        }
        lane->overflowed++; // ENOBUFS, EAGAIN or an interface that is down: a wire would lose it
                            // too
        return;
    }
}

static void keep_for_later(struct lane *lane, const unsigned char *data, size_t bytes,
                           uint64_t due_ns) {
    unsigned char *copy = lane->count < QUEUE_FRAMES_MAX ? malloc(bytes) : NULL;
    if (copy == NULL) {
        lane->overflowed++;
        return;
    }
    memcpy(copy, data, bytes);
    size_t slot = (lane->head + lane->count++) % QUEUE_FRAMES_MAX;
    lane->queue[slot] = (struct frame){.due_ns = due_ns, .bytes = bytes, .data = copy};
}

static void read_frames(struct lane *lane, const struct options *options) {
    static unsigned char buffer[FRAME_BYTES_MAX];
    for (;;) {
        ssize_t got = recv(lane->from_fd, buffer, sizeof buffer, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return; // EAGAIN: read empty; ENETDOWN: the lab is being taken down
        }
        if ((size_t)got <= sizeof(struct virtio_net_hdr)) {
            continue;
        }
        if (is_lost(lane, options->loss_percent)) {
            lane->lost++;
        } else if (options->delay_ns == 0) {
            deliver(lane, buffer, (size_t)got);
        } else {
            keep_for_later(lane, buffer, (size_t)got, now_ns() + options->delay_ns);
        }
    }
}

static void send_due(struct lane *lane) {
    while (lane->count > 0 && lane->queue[lane->head].due_ns <= now_ns()) {
        struct frame *frame = &lane->queue[lane->head];
        deliver(lane, frame->data, frame->bytes);
        free(frame->data);
        frame->data = NULL;
        lane->head = (lane->head + 1) % QUEUE_FRAMES_MAX;
        lane->count--;
    }
}

static void print_counters(void) {
    for (int i = 0; i < 2; i++) {
        const struct lane *lane = &lanes[i];
        printf("%s delivered %" PRIu64 " lost %" PRIu64 " overflowed %" PRIu64 "%s", lane->name,
               lane->delivered, lane->lost, lane->overflowed, i == 0 ? ", " : "\n");
    }
    fflush(stdout);
}

// Returns NULL for "no frame waits", so that an idle link sleeps.
static const struct timespec *time_to_next(struct timespec *ret_wait) {
    uint64_t due = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        if (lanes[i].count > 0 && lanes[i].queue[lanes[i].head].due_ns < due) {
            due = lanes[i].queue[lanes[i].head].due_ns;
        }
    }
    if (due == UINT64_MAX) {
        return NULL;
    }
    uint64_t now = now_ns();
    uint64_t wait_ns = due > now ? due - now : 0;
    ret_wait->tv_sec = (time_t)(wait_ns / 1000000000U);
    ret_wait->tv_nsec = (long)(wait_ns % 1000000000U);
    return ret_wait;
}

static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        die("sigprocmask");
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0) {
        die("signalfd");
    }
    return fd;
}

static void forward(const struct options *options, int signal_fd) {
    struct pollfd fds[3] = {{.fd = lanes[0].from_fd, .events = POLLIN},
                            {.fd = lanes[1].from_fd, .events = POLLIN},
                            {.fd = signal_fd, .events = POLLIN}};
    for (;;) {
        struct timespec wait;
        if (ppoll(fds, 3, time_to_next(&wait), NULL) < 0 && errno != EINTR) {
            die("ppoll");
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents != 0) {
                read_frames(&lanes[i], options);
            }
            send_due(&lanes[i]);
        }
        if (fds[2].revents != 0) {
            struct signalfd_siginfo info;
            if (read(signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
                print_counters();
                if (info.ssi_signo != SIGUSR1) {
                    return;
                }
            }
        }
    }
}

static void usage(FILE *out) {
    fputs(
        "usage: lab-link [--delay-us N] [--loss-percent P] [--seed N] UP_INTERFACE DOWN_INTERFACE\n"
        "Carries frames between two interfaces until SIGTERM; says \"ready\" when it does.\n"
        "\"up\" is from the first to the second. SIGUSR1 and the end print the counters.\n",
        out);
}

static struct options read_options(int argc, char **argv) {
    static const struct option names[] = {{"delay-us", required_argument, NULL, 'd'},
                                          {"loss-percent", required_argument, NULL, 'l'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.seed = 1};
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (c) {
        case 'd':
            options.delay_ns = strtoull(optarg, NULL, 10) * 1000U;
            break;
        case 'l':
            options.loss_percent = strtod(optarg, NULL);
            break;
        case 's':
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        exit(2);
    }
    options.interface[0] = argv[optind];
    options.interface[1] = argv[optind + 1];
    return options;
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); // never outlive the lab
    (void)prctl(PR_SET_TIMERSLACK, 1UL); // the default slack of 50 us would be part of every delay
    // Real-time order, where we may: a busy machine then delays the programs under test, not the
    // wire.
    (void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});

    int signal_fd = open_signals();
    int up_fd = open_interface(options.interface[0]);
    int down_fd = open_interface(options.interface[1]);
    lanes[0].name = "up";
    lanes[0].from_fd = up_fd;
    lanes[0].to_fd = down_fd;
    lanes[0].rng = options.seed;
    lanes[1].name = "down";
    lanes[1].from_fd = down_fd;
    lanes[1].to_fd = up_fd;
    lanes[1].rng = options.seed ^ 0x5851f42d4c957f2dU;
    puts("ready");
    fflush(stdout);
    forward(&options, signal_fd);
    return 0;
}

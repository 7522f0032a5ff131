/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_demo.c: `porthole demo`: a story of ports being opened, used from outside and shut, told with
 * real sockets. Every sentence is checked before it is printed: what is not as promised ends the
 * story with a failure. All of it happens on 127.0.0.0/8.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/demo_gateway.h"
#include "cli/demo_wire.h"
#include "cli/exitcode.h"
#include "cli/options.h"
#include "cli/output.h"

#define CLIENT "127.0.0.1"
#define MAP_MS 4000
#define CLOSE_MS 2000
#define ARRIVE_MS 2000
/* How long a datagram that must not arrive is waited for, where no error tells sooner. */
#define SILENCE_MS 100
#define TEXT_SIZE 80

static const char demo_help[] =
    "usage: porthole demo [OPTION]...\n"
    "Starts a gateway on loopback addresses, opens a TCP and a UDP port by each\n"
    "protocol, sends bytes in from the far side, closes the ports and shows that they\n"
    "are shut. Nothing leaves this machine.\n"
    "\n"
    "      --json             one JSON object a port\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole demo\n"
    "  porthole demo --json | jq .opened_ms\n"
    "Colours only on a terminal, and not with NO_COLOR set.\n"
    "exit codes: 0 all as promised, 1 not so\n";

static const struct option demo_options[] = {{"json", no_argument, NULL, PH_OPTION_JSON},
                                             {"verbose", no_argument, NULL, 'v'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct demo {
    struct ph_options options;
    struct ph_demo_gateway gateway;
    bool colour;
    enum porthole_method method; /* the chapter's */
    enum porthole_protocol protocol;
    struct porthole *client;
    int listener;
    uint16_t port; /* of the listener */
    struct porthole_mapping mapping;
    double sent_ms, answered_ms, closed_ms; /* how long each took */
    enum porthole_fate fate;
};

/* ---- Telling --------------------------------------------------------------------------------- */

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

enum tone { TONE_PLAIN, TONE_BOLD, TONE_GREEN, TONE_YELLOW };

static const char *tone_code(const struct demo *demo, enum tone tone) {
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[32m", "\033[33m"};
    return demo->colour ? codes[tone] : "";
}

/* A line of the story: what is done, and what came of it. */
static void tell(const struct demo *demo, const char *deed, enum tone tone, const char *format, ...)
    PH_OUTPUT_PRINTF(4, 5);

static void tell(const struct demo *demo, const char *deed, enum tone tone, const char *format,
                 ...) {
    if (demo->options.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    printf("    %-48s %s", deed, tone_code(demo, tone));
    vprintf(format, arguments);
    printf("%s\n", tone_code(demo, TONE_PLAIN));
    va_end(arguments);
    fflush(stdout);
}

static void title(const struct demo *demo, const char *text) {
    if (!demo->options.json)
        printf("\n%s%s%s\n", tone_code(demo, TONE_BOLD), text, tone_code(demo, TONE_PLAIN));
}

static bool broken(const struct demo *demo, const char *format, ...) PH_OUTPUT_PRINTF(2, 3);

/* Ends the story: says what is not as promised, returns false. */
static bool broken(const struct demo *demo, const char *format, ...) {
    char text[TEXT_SIZE * 4];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ph_output_error(demo->options.command, "not as promised: %s, %s port %u: %s",
                    ph_output_method(demo->method), porthole_protocol_name(demo->protocol),
                    (unsigned)demo->port, text);
    return false;
}

/* ---- The steps: each returns false after broken() -------------------------------------------- */

static bool knock_tcp(const struct demo *demo, const char *deed, uint16_t port) {
    int fd =
        ph_demo_wire_connect(PORTHOLE_TCP, demo->gateway.outside, demo->gateway.external, port);
    if (fd >= 0) {
        close(fd);
        return broken(demo, "a stranger could connect to %s:%u though it should be shut",
                      demo->gateway.external, (unsigned)port);
    }
    if (fd != -ECONNREFUSED)
        return broken(demo, "knocking at a shut port: %s", strerror(-fd));
    tell(demo, deed, TONE_YELLOW, "connection refused: it is shut");
    return true;
}

static bool knock_udp(const struct demo *demo, const char *deed, uint16_t port) {
    char text[TEXT_SIZE];
    int fd =
        ph_demo_wire_connect(PORTHOLE_UDP, demo->gateway.outside, demo->gateway.external, port);
    if (fd < 0)
        return broken(demo, "knocking at a shut port: %s", strerror(-fd));
    ph_demo_wire_send(fd, "knock");
    int refused = ph_demo_wire_receive(fd, text, sizeof text, SILENCE_MS);
    close(fd);
    if (ph_demo_wire_receive(demo->listener, text, sizeof text, 0) >= 0)
        return broken(demo, "a stranger's datagram to %s:%u came in though it should be shut",
                      demo->gateway.external, (unsigned)port);
    tell(demo, deed, TONE_YELLOW,
         refused == -ECONNREFUSED ? "port unreachable: it is shut" : "nothing arrives: it is shut");
    return true;
}

static bool knock(const struct demo *demo, const char *deed, uint16_t port) {
    return demo->protocol == PORTHOLE_TCP ? knock_tcp(demo, deed, port)
                                          : knock_udp(demo, deed, port);
}

static void on_demo_event(struct porthole *client, const struct porthole_event *event, void *user) {
    (void)client;
    struct demo *demo = user;
    if (event->type == PORTHOLE_EVENT_UNMAPPED)
        demo->fate = event->mapping.fate;
}

static bool open_port(struct demo *demo) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = demo->protocol;
    request.internal_port = demo->port;
    request.description = "porthole demo";
    request.on_event = on_demo_event;
    request.user = demo;
    demo->mapping = (struct porthole_mapping)PORTHOLE_MAPPING_INIT;
    int result = porthole_map_wait(demo->client, &request, MAP_MS, &demo->mapping);
    if (result < 0) {
        char reason[PH_OUTPUT_REASON_SIZE];
        ph_output_reason(result, demo->mapping.code, demo->mapping.text, reason);
        return broken(demo, "asking for it: %s", reason);
    }
    if (demo->mapping.method != demo->method)
        return broken(demo, "it was opened by %s", ph_output_method(demo->mapping.method));
    if (strcmp(demo->mapping.external_address, demo->gateway.external) != 0)
        return broken(demo, "the external address is said to be %s",
                      demo->mapping.external_address);
    tell(demo, "we ask the gateway to open it", TONE_GREEN, "open at %s:%u after %.2f ms",
         demo->mapping.external_address, (unsigned)demo->mapping.external_port,
         demo->mapping.elapsed_ms);
    return true;
}

static bool send_words(const struct demo *demo, int fd, const char *words) {
    int sent = ph_demo_wire_send(fd, words);
    if (sent != (int)strlen(words))
        return broken(demo, "sending: %s", sent < 0 ? strerror(-sent) : "cut short");
    return true;
}

/* What was said at `start_ms` must arrive, and nothing else. */
static bool hear_words(const struct demo *demo, const char *who, int fd, const char *words,
                       double start_ms, double *ret_ms) {
    char heard[TEXT_SIZE], deed[TEXT_SIZE];
    int len = ph_demo_wire_receive(fd, heard, sizeof heard, ARRIVE_MS);
    if (len < 0)
        return broken(demo, "\"%s\" never arrived: %s", words, strerror(-len));
    if (strcmp(heard, words) != 0)
        return broken(demo, "\"%s\" arrived as \"%s\"", words, heard);
    *ret_ms = now_ms() - start_ms;
    snprintf(deed, sizeof deed, "%s \"%s\"", who, words);
    tell(demo, deed, TONE_GREEN, "%d bytes arrived after %.2f ms", len, *ret_ms);
    return true;
}

/* The stranger speaks first, so that the gateway has to let somebody in. */
static bool talk(struct demo *demo, int stranger) {
    static const char question[] = "Is anybody in?";
    char answer[TEXT_SIZE / 2];
    snprintf(answer, sizeof answer, "Come in, by %s!", ph_output_method(demo->method));
    double start_ms = now_ms();
    if (!send_words(demo, stranger, question))
        return false;
    int visitor = ph_demo_wire_accept(demo->protocol, demo->listener, ARRIVE_MS);
    if (visitor < 0)
        return broken(demo, "nobody came in: %s", strerror(-visitor));
    bool good =
        hear_words(demo, "a stranger outside says", visitor, question, start_ms, &demo->sent_ms);
    start_ms = now_ms();
    good = good && send_words(demo, visitor, answer) &&
           hear_words(demo, "we answer", stranger, answer, start_ms, &demo->answered_ms);
    ph_demo_wire_leave(demo->protocol, visitor);
    return good;
}

static bool use_port(struct demo *demo) {
    int stranger =
        ph_demo_wire_connect(demo->protocol, demo->gateway.outside, demo->mapping.external_address,
                             demo->mapping.external_port);
    if (stranger < 0)
        return broken(demo, "a stranger could not connect: %s", strerror(-stranger));
    bool good = talk(demo, stranger);
    close(stranger);
    return good;
}

/* Ends the client too, and with it what it may hold. */
static bool close_port(struct demo *demo) {
    double start = now_ms();
    demo->fate = PORTHOLE_FATE_NONE;
    porthole_close(demo->client, CLOSE_MS);
    demo->client = NULL;
    demo->closed_ms = now_ms() - start;
    if (demo->fate != PORTHOLE_FATE_REMOVED)
        return broken(demo, "giving it back: %s instead of removed",
                      porthole_fate_name(demo->fate));
    tell(demo, "we give the port back", TONE_YELLOW, "the gateway confirmed after %.2f ms",
         demo->closed_ms);
    return true;
}

/* ---- The story ------------------------------------------------------------------------------- */

static void print_port_json(const struct demo *demo) {
    ph_output_json(json_pack(
        "{s:s, s:s, s:{s:s, s:i}, s:{s:s, s:i}, s:o, s:o, s:o, s:o}", "via",
        porthole_method_name(demo->method), "protocol", porthole_protocol_name(demo->protocol),
        "internal", "address", CLIENT, "port", (int)demo->port, "external", "address",
        demo->mapping.external_address, "port", (int)demo->mapping.external_port, "opened_ms",
        ph_output_ms(demo->mapping.elapsed_ms), "sent_ms", ph_output_ms(demo->sent_ms),
        "answered_ms", ph_output_ms(demo->answered_ms), "closed_ms",
        ph_output_ms(demo->closed_ms)));
}

static bool steps(struct demo *demo) {
    char deed[TEXT_SIZE];
    if (!demo->options.json)
        printf("  %s port %u\n", demo->protocol == PORTHOLE_TCP ? "TCP" : "UDP",
               (unsigned)demo->port);
    snprintf(deed, sizeof deed, "a stranger outside knocks at %s:%u", demo->gateway.external,
             (unsigned)demo->port);
    return knock(demo, deed, demo->port) && open_port(demo) && use_port(demo) && close_port(demo) &&
           knock(demo, "the stranger knocks again", demo->mapping.external_port);
}

static bool play_port(struct demo *demo) {
    struct ph_options asked = demo->options;
    asked.gateway = demo->gateway.internal;
    asked.bind_address = CLIENT;
    asked.methods = 1U << demo->method;
    demo->listener = ph_demo_wire_listen(demo->protocol, CLIENT, &demo->port);
    if (demo->listener < 0)
        return broken(demo, "listening on %s: %s", CLIENT, strerror(-demo->listener));
    bool good = ph_options_open(&asked, &demo->client) == PH_EXITCODE_DONE && steps(demo);
    porthole_close(demo->client, CLOSE_MS);
    demo->client = NULL;
    close(demo->listener);
    if (good && demo->options.json)
        print_port_json(demo);
    return good;
}

static bool play(struct demo *demo) {
    static const struct {
        enum porthole_method method;
        const char *title;
    } chapters[] = {{PORTHOLE_PCP, "1. PCP, the Port Control Protocol (RFC 6887)"},
                    {PORTHOLE_NATPMP, "2. NAT-PMP, its forerunner (RFC 6886)"},
                    {PORTHOLE_UPNP, "3. UPnP-IGD, which most home routers speak"}};
    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++) {
        title(demo, chapters[i].title);
        demo->method = chapters[i].method;
        demo->protocol = PORTHOLE_TCP;
        if (!play_port(demo))
            return false;
        demo->protocol = PORTHOLE_UDP;
        if (!play_port(demo))
            return false;
        if (ph_output_failed())
            return false;
    }
    return true;
}

static void introduce(const struct demo *demo) {
    if (demo->options.json)
        return;
    printf("%sHow a port is opened through a router, and shut again%s\n\n"
           "A small gateway now runs on this machine, as a router between a home and the\n"
           "Internet. The home is %s, the router's home side %s, its Internet\n"
           "side %s. A stranger at %s is the Internet. Nothing leaves this machine.\n",
           tone_code(demo, TONE_BOLD), tone_code(demo, TONE_PLAIN), CLIENT, demo->gateway.internal,
           demo->gateway.external, demo->gateway.outside);
}

static int run_demo(struct demo *demo) {
    char problem[PH_DEMO_GATEWAY_PROBLEM_SIZE];
    double start = now_ms();
    if (!ph_demo_gateway_start(&demo->gateway, problem)) {
        ph_output_error(demo->options.command, "the gateway cannot start: %s", problem);
        return PH_EXITCODE_FAILED;
    }
    introduce(demo);
    bool good = play(demo);
    ph_demo_gateway_stop(&demo->gateway);
    if (!good)
        return PH_EXITCODE_FAILED;
    if (!demo->options.json)
        printf("\n%sAll as promised:%s six ports opened, used from outside and shut, in %.0f ms.\n"
               "For a port of yours through your own router: porthole map 8080\n",
               tone_code(demo, TONE_BOLD), tone_code(demo, TONE_PLAIN), now_ms() - start);
    return PH_EXITCODE_DONE;
}

static bool wants_colour(void) {
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && !(terminal && strcmp(terminal, "dumb") == 0);
}

int ph_cmd_demo(int argc, char **argv) {
    struct demo demo = {.options = {.command = argv[0]}};
    int option = ph_options_next(&demo.options, argc, argv, ":vh", demo_options);
    if (option == PH_OPTIONS_HELP) {
        fputs(demo_help, stdout);
        return PH_EXITCODE_DONE;
    }
    if (option == PH_OPTIONS_BAD || !ph_options_finish(&demo.options, argc, argv))
        return PH_EXITCODE_USAGE;
    demo.colour = !demo.options.json && wants_colour();
    return run_demo(&demo);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_firewall.c: asks the system's own programs for the rules of this host's firewall, and
 * judges what they would do with the packets that matter here. It only reads. The kernel shows its
 * rules to root alone; without that, what can be seen from outside is told, and no more.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor_parts.h"
#include "cli/drive.h"

#define RULES_SIZE_MAX (4U * 1024U * 1024U)
#define PATIENCE_MS 3000
/* A port that the system gives to who asks for any. */
#define EPHEMERAL_PORT 45000U
#define SSDP_PORT 1900U
#define CONTROL_PORT 5351U

/* ---- Running a program ----------------------------------------------------------------------- */

/* Reads to the end or until the patience is over. */
static char *read_all(int fd) {
    char *text = malloc(RULES_SIZE_MAX);
    size_t len = 0;
    int64_t until_ms = ph_drive_now_ms() + PATIENCE_MS;
    while (text && len < RULES_SIZE_MAX - 1) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int64_t left_ms = until_ms - ph_drive_now_ms();
        if (left_ms <= 0 || poll(&waiting, 1, (int)left_ms) <= 0)
            break;
        ssize_t n = read(fd, text + len, RULES_SIZE_MAX - 1 - len);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    if (text)
        text[len] = '\0';
    return text;
}

/* Its standard output, to be freed; NULL when it failed. */
static char *output_of(char *const argv[]) {
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0)
        return NULL;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    char language[] = "LC_ALL=C";
    char *environment[] = {language, NULL};
    int failed = posix_spawn(&pid, argv[0], &actions, NULL, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    char *text = failed ? NULL : read_all(ends[0]);
    (void)close(ends[0]);
    if (failed)
        return NULL;
    int status = 0;
    if (!text)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (text && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return text;
    free(text);
    return NULL;
}

/* NULL: it is not installed, or failed; *ret_found tells which. The search path is not used: root
 * runs this. */
static char *run_tool(const char *name, const char *const arguments[], bool *ret_found) {
    static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[64], words[3][16];
        char *argv[5] = {path, NULL, NULL, NULL, NULL};
        ph_doctor_format(path, sizeof path, "%s/%s", folders[i], name);
        if (access(path, X_OK) != 0)
            continue;
        *ret_found = true;
        for (size_t k = 0; k < 3 && arguments[k]; k++) {
            ph_doctor_format(words[k], sizeof words[k], "%s", arguments[k]);
            argv[k + 1] = words[k];
        }
        return output_of(argv);
    }
    return NULL;
}

/* ---- Without root ---------------------------------------------------------------------------- */

/* Whether a file has a line that begins so. */
static bool has_line(const char *path, const char *beginning) {
    FILE *file = fopen(path, "re");
    char line[256];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, beginning, strlen(beginning)) == 0;
    if (file)
        (void)fclose(file);
    return found;
}

static void look_from_outside(struct ph_doctor_firewall *firewall) {
    if (has_line("/etc/ufw/ufw.conf", "ENABLED=yes"))
        ph_doctor_format(firewall->hint, sizeof firewall->hint, "ufw is switched on%s",
                         has_line("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"ACCEPT\"")
                             ? ", and accepts what no rule forbids"
                             : ", and drops what no rule allows");
    else if (access("/run/firewalld", F_OK) == 0)
        ph_doctor_format(firewall->hint, sizeof firewall->hint,
                         "firewalld runs, and drops what no rule allows");
}

/* ---- Judging --------------------------------------------------------------------------------- */

struct texts {
    char *nft;
    char *iptables;
};

static size_t judge_packet(const struct texts *texts, const struct ph_doctor_packet *packet,
                           struct ph_doctor_filter *ret) {
    struct ph_doctor_rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        return 0;
    /* What iptables keeps in nftables is read in its own language, which says more. */
    bool has_iptables = texts->iptables && ph_doctor_rules_iptables(rules, packet, texts->iptables);
    if (texts->nft)
        (void)ph_doctor_rules_nft(rules, packet, texts->nft, has_iptables);
    ph_doctor_rules_judge(rules, ret);
    size_t count = 0;
    for (size_t i = 0; i < rules->chain_count; i++)
        count += rules->chains[i].is_base ? 1 : 0;
    free(rules);
    return count;
}

/* What is worse for who waits for a packet. */
static bool is_worse(const struct ph_doctor_filter *a, const struct ph_doctor_filter *b) {
    static const int badness[] = {[PH_DOCTOR_EFFECT_UNKNOWN] = 1,
                                  [PH_DOCTOR_EFFECT_ACCEPTED] = 0,
                                  [PH_DOCTOR_EFFECT_DROPPED] = 3,
                                  [PH_DOCTOR_EFFECT_UNSURE] = 2};
    return badness[a->effect] > badness[b->effect];
}

static void judge_packets(struct ph_doctor_report *report, const struct texts *texts) {
    struct ph_doctor_firewall *firewall = &report->firewall;
    struct ph_doctor_packet packet = {.protocol = PORTHOLE_UDP,
                                      .interface =
                                          ph_doctor_interface_of(report, report->local.text),
                                      .source = report->gateway,
                                      .destination = report->local.text,
                                      .source_port = CONTROL_PORT,
                                      .destination_port = EPHEMERAL_PORT,
                                      .is_answer = true};
    struct ph_doctor_filter other = {.effect = PH_DOCTOR_EFFECT_UNKNOWN};
    size_t chains = judge_packet(texts, &packet, &firewall->answers);
    packet.source_port = SSDP_PORT;
    (void)judge_packet(texts, &packet, &other);
    if (is_worse(&other, &firewall->answers))
        firewall->answers = other;

    packet.source_port = 0;
    packet.is_answer = false;
    (void)judge_packet(texts, &packet, &firewall->strays);

    packet.source = "";
    packet.destination_port = firewall->port;
    (void)judge_packet(texts, &packet, &firewall->inbound_udp);
    packet.protocol = PORTHOLE_TCP;
    (void)judge_packet(texts, &packet, &firewall->inbound_tcp);

    if (chains == 0)
        ph_doctor_format(firewall->what, sizeof firewall->what, "no rules for what comes in");
    else
        ph_doctor_format(firewall->what, sizeof firewall->what, "%s%s%s, %zu chain%s for input",
                         texts->nft ? "nftables" : "", texts->nft && texts->iptables ? " and " : "",
                         texts->iptables ? "iptables" : "", chains, chains == 1 ? "" : "s");
}

void ph_doctor_firewall_look(struct ph_doctor_report *report, const struct ph_doctor_wish *wish) {
    static const char *const nft[] = {"-j", "list", "ruleset", NULL};
    static const char *const save[] = {NULL};
    struct ph_doctor_firewall *firewall = &report->firewall;
    bool is_found = false;
    firewall->port = wish->port;
    firewall->is_tcp_wanted = wish->tcp || wish->port == 0;
    firewall->is_udp_wanted = wish->udp || wish->port == 0;
    struct texts texts = {run_tool("nft", nft, &is_found),
                          run_tool("iptables-save", save, &is_found)};
    firewall->is_read = texts.nft || texts.iptables;
    if (firewall->is_read)
        judge_packets(report, &texts);
    else
        ph_doctor_format(firewall->what, sizeof firewall->what, "%s",
                         !is_found        ? "neither nft nor iptables-save is installed"
                         : geteuid() == 0 ? "nft and iptables-save would not show the rules"
                                          : "only root may read the rules");
    if (!firewall->is_read)
        look_from_outside(firewall);
    free(texts.nft);
    free(texts.iptables);
}

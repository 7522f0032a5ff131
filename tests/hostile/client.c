/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * client.c: a program of the library's users, for the hostile gateway: clients with threads of
 * their own, all at once in one process, ask it for a mapping each, tell what came of it, one JSON
 * object a line, and end. The last line tells what they left behind in the process. It judges
 * nothing.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <poll.h>
#include <porthole/porthole.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 256
#define PORT 8080
/* Beyond the library's own verdict, which is what is to be seen. */
#define GRACE_MS 1000
#define CLOSE_MS 1000

struct user {
    struct porthole *client;
    porthole_id id;
    int asked;
    int ends; /* UNMAPPED events */
};

/* How many descriptors or threads this process has: entries of a folder of /proc/self. */
static int count_entries(const char *path) {
    int count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

/* A thread that was joined stays in the folder until the system has buried it. */
static int count_threads(int wanted) {
    int count = count_entries("/proc/self/task");
    for (int tries = 0; count > wanted && tries < 200; tries++) {
        (void)poll(NULL, 0, 1);
        count = count_entries("/proc/self/task");
    }
    return count;
}

/* The largest resident size there was, in KiB; 0 = not known. */
static long peak_kib(void) {
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        (void)fclose(file);
    return kib;
}

static void on_event(struct porthole *client, const struct porthole_event *event, void *user) {
    struct user *of = user;
    (void)client;
    of->ends += event->type == PORTHOLE_EVENT_UNMAPPED;
}

static int ask(struct user *user, const struct porthole_config *config) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    request.protocol = PORTHOLE_TCP;
    request.internal_port = PORT;
    request.on_event = on_event;
    request.user = user;
    int result = porthole_open(config, &user->client);
    return result < 0 ? result : porthole_map(user->client, &request, &user->id);
}

static void tell(struct user *user, int timeout_ms) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    int result = user->asked;
    if (result == 0)
        result = porthole_wait(user->client, user->id, timeout_ms, &mapping);
    printf("{\"event\":\"%s\",\"error\":\"%s\",\"code\":%d,\"text\":\"%s\",\"external\":\"%s\"}\n",
           result == 0 ? "mapped" : "failed", porthole_errname(result), mapping.code, mapping.text,
           mapping.external_address);
}

/* What the first client makes a system or a sanitizer keep is not left behind by the others. */
static void warm_up(const struct porthole_config *config) {
    struct porthole *client;
    if (porthole_open(config, &client) == 0)
        (void)porthole_close(client, 0);
}

int main(int argc, char **argv) {
    static struct user users[CLIENTS_MAX];
    if (argc != 6) {
        fprintf(stderr, "usage: client GATEWAY BIND METHODS TIMEOUT_MS CLIENTS\n");
        return 2;
    }
    struct porthole_config config = PORTHOLE_CONFIG_INIT;
    config.gateway = argv[1];
    config.bind_address = argv[2];
    config.methods = (unsigned)strtoul(argv[3], NULL, 10);
    config.discover_timeout_ms = config.mapping_timeout_ms = (int)strtol(argv[4], NULL, 10);
    size_t count = strtoul(argv[5], NULL, 10);
    if (count > CLIENTS_MAX)
        return 2;
    warm_up(&config);
    int fds = count_entries("/proc/self/fd");
    int threads = count_threads(1);
    for (size_t i = 0; i < count; i++)
        users[i].asked = ask(&users[i], &config);
    for (size_t i = 0; i < count; i++)
        tell(&users[i], config.mapping_timeout_ms + GRACE_MS);
    for (size_t i = 0; i < count; i++)
        (void)porthole_unmap(users[i].client, users[i].id);
    int unended = 0;
    for (size_t i = 0; i < count; i++) {
        (void)porthole_close(users[i].client, CLOSE_MS);
        unended += users[i].ends != 1;
    }
    printf("{\"event\":\"closed\",\"fds\":%d,\"threads\":%d,\"unended\":%d,\"peak_kib\":%ld}\n",
           count_entries("/proc/self/fd") - fds, count_threads(threads) - threads, unended,
           peak_kib());
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * notify.c: see notify.h. A manager that does not read is waited for, but not long: it is better to
 * go on without having told it than to stand still. The watchdog is fed by the command's own loop
 * and by nothing else, so that a loop that stands still is noticed.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cli/drive.h"

/* For a manager whose socket is full. */
#define SEND_LIMIT_S 2
#define STATUS_SIZE 512
#define US_PER_MS 1000

struct ph_notify {
    int fd;
    int64_t feed_ms; /* half of the watchdog's time; 0 = no watchdog */
    int64_t fed_ms;
    char status[STATUS_SIZE]; /* as it was told last */
};

static void send_text(struct ph_notify *notify, const char *text) {
    /* A manager that is gone will not be told; what is held is held. */
    (void)send(notify->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A path, or a name in Linux's abstract namespace behind an @. */
static bool connect_to(int fd, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return connect(fd, (struct sockaddr *)&address, size) == 0;
}

/* Half of the watchdog's time in ms; 0 = it is not for this process. */
static int64_t feed_time(void) {
    const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t time_us, number;
    if (!text || !ph_span_to_u64(ph_span_of(text), INT64_MAX, &time_us) || time_us == 0)
        return 0;
    if (pid &&
        (!ph_span_to_u64(ph_span_of(pid), INT64_MAX, &number) || number != (uint64_t)getpid()))
        return 0;
    int64_t half_ms = (int64_t)(time_us / 2 / US_PER_MS);
    return half_ms > 0 ? half_ms : 1;
}

struct ph_notify *ph_notify_new(void) {
    const struct timeval limit = {.tv_sec = SEND_LIMIT_S};
    const char *name = getenv("NOTIFY_SOCKET");
    struct ph_notify *notify = name ? calloc(1, sizeof *notify) : NULL;
    if (notify) {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        notify->feed_ms = feed_time();
        if (notify->fd < 0 || !connect_to(notify->fd, name)) {
            ph_notify_free(notify);
            notify = NULL;
        }
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (notify)
        setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return notify;
}

void ph_notify_free(struct ph_notify *notify) {
    if (!notify)
        return;
    if (notify->fd >= 0)
        close(notify->fd);
    free(notify);
}

void ph_notify_ready(struct ph_notify *notify) {
    if (notify)
        send_text(notify, "READY=1");
}

void ph_notify_reloading(struct ph_notify *notify) {
    struct timespec now;
    char text[64];
    if (!notify)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    send_text(notify, text);
}

void ph_notify_stopping(struct ph_notify *notify) {
    if (notify)
        send_text(notify, "STOPPING=1");
}

void ph_notify_status(struct ph_notify *notify, const char *line) {
    char text[sizeof "STATUS=" + STATUS_SIZE];
    if (!notify || strncmp(notify->status, line, STATUS_SIZE - 1) == 0)
        return;
    ph_span_print(ph_span_of(line), notify->status, sizeof notify->status);
    snprintf(text, sizeof text, "STATUS=%s", notify->status);
    send_text(notify, text);
}

int64_t ph_notify_due_ms(const struct ph_notify *notify) {
    return notify && notify->feed_ms ? notify->fed_ms + notify->feed_ms : -1;
}

void ph_notify_turn(struct ph_notify *notify) {
    int64_t due_ms = ph_notify_due_ms(notify);
    if (due_ms < 0 || ph_drive_now_ms() < due_ms)
        return;
    notify->fed_ms = ph_drive_now_ms();
    send_text(notify, "WATCHDOG=1");
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hook.c: see hook.h. The command has a process group of its own, so that Ctrl-C does not reach it
 * and all that it started can be ended with it. Its leader is reaped last: until then the group's
 * number is nobody else's.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/hook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cli/drive.h"
#include "cli/output.h"
#include "cli/stop.h"

/* Between SIGTERM and SIGKILL. */
#define GRACE_MS 2000
#define NUMBER_SIZE 16
#define NAME_SIZE 48

struct ph_hook_event {
    struct porthole_event event;
    struct ph_hook_event *next;
    struct ph_hook_event **place; /* who replaces it by a newer one; NULL = nobody */
};

struct ph_hook {
    const char *text;
    const char *section;
    const char *command;
    bool is_machine_read;
    int limit_ms;
    struct ph_hook_event *first, **end; /* those that wait */
    pid_t pid;                          /* 0 = none runs */
    int64_t due_ms;
    int64_t end_ms;        /* no time is left from then on; -1 = no end is in sight */
    bool is_overdue;       /* it was asked to end */
    char name[NAME_SIZE];  /* "mapped of tcp 8080", of the one that runs */
    char label[NAME_SIZE]; /* "exec of [web]", for messages */
};

/* ---- The queue ------------------------------------------------------------------------------- */

struct ph_hook *ph_hook_new(const char *text, const char *section, const char *command,
                            uint32_t limit_s, bool is_machine_read) {
    struct ph_hook *hook = calloc(1, sizeof *hook);
    if (!hook)
        return NULL;
    hook->command = command;
    hook->is_machine_read = is_machine_read;
    hook->end = &hook->first;
    hook->end_ms = -1;
    ph_hook_set(hook, text, section, limit_s);
    return hook;
}

void ph_hook_set(struct ph_hook *hook, const char *text, const char *section, uint32_t limit_s) {
    if (!hook)
        return;
    hook->text = text;
    hook->section = section;
    if (*section)
        snprintf(hook->label, sizeof hook->label, "exec of [%s]", section);
    else
        snprintf(hook->label, sizeof hook->label, "--exec");
    hook->limit_ms = (int)(limit_s ? limit_s : PH_HOOK_LIMIT_S) * 1000;
}

void ph_hook_leave(struct ph_hook_event **place) {
    if (*place)
        (*place)->place = NULL;
    *place = NULL;
}

/* Takes the first one out of the queue; freed by the caller. */
static struct ph_hook_event *take_first(struct ph_hook *hook) {
    struct ph_hook_event *first = hook->first;
    hook->first = first->next;
    if (!hook->first)
        hook->end = &hook->first;
    if (first->place)
        *first->place = NULL;
    return first;
}

void ph_hook_free(struct ph_hook *hook) {
    if (!hook)
        return;
    while (hook->first)
        free(take_first(hook));
    free(hook);
}

void ph_hook_post(struct ph_hook *hook, struct ph_hook_event **place,
                  const struct porthole_event *event) {
    if (!hook)
        return;
    if (*place) {
        (*place)->event = *event;
        return;
    }
    struct ph_hook_event *last = malloc(sizeof *last);
    if (!last) {
        ph_output_error(hook->command, "%s: %s", hook->label,
                        porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        return;
    }
    *last = (struct ph_hook_event){.event = *event, .place = place};
    *place = last;
    *hook->end = last;
    hook->end = &last->next;
}

/* ---- The child ------------------------------------------------------------------------------- */

static void set_fact(const char *name, const char *value) {
    char printable[2 * PORTHOLE_TEXT_SIZE];
    ph_span_print(ph_span_of(value), printable, sizeof printable);
    setenv(name, printable, 1);
}

/* 0 where nothing is known is "", so that a script can ask for it by [ -n ]. */
static void set_number(const char *name, bool known, long long value) {
    char digits[NUMBER_SIZE + 8] = "";
    if (known)
        snprintf(digits, sizeof digits, "%lld", value);
    setenv(name, digits, 1);
}

static void set_facts(const char *section, const struct porthole_event *event) {
    const struct porthole_mapping *mapping = &event->mapping;
    bool failed = event->type == PORTHOLE_EVENT_FAILED;
    bool known = !failed && mapping->method != PORTHOLE_NONE;
    bool ended = event->type == PORTHOLE_EVENT_UNMAPPED;
    bool wrong = mapping->error != 0 && (failed || ended);
    set_fact("PORTHOLE_SECTION", section);
    set_fact("PORTHOLE_EVENT", porthole_event_name(event->type));
    set_fact("PORTHOLE_PROTOCOL", porthole_protocol_name(mapping->protocol));
    set_fact("PORTHOLE_INTERNAL_ADDRESS", mapping->internal_address);
    set_number("PORTHOLE_INTERNAL_PORT", true, mapping->internal_port);
    set_fact("PORTHOLE_EXTERNAL_ADDRESS", known ? mapping->external_address : "");
    set_number("PORTHOLE_EXTERNAL_PORT", known, mapping->external_port);
    set_fact("PORTHOLE_REACH", known ? porthole_reach_name(mapping->reach) : "");
    set_fact("PORTHOLE_METHOD", known ? porthole_method_name(mapping->method) : "");
    set_fact("PORTHOLE_GATEWAY", mapping->gateway);
    set_number("PORTHOLE_LIFETIME", known, mapping->lifetime_s);
    set_fact("PORTHOLE_ERROR", wrong ? porthole_errname(mapping->error) : "");
    set_number("PORTHOLE_CODE", wrong && mapping->code != 0, mapping->code);
    set_fact("PORTHOLE_TEXT", !wrong           ? ""
                              : *mapping->text ? mapping->text
                                               : porthole_strerror(mapping->error));
    set_fact("PORTHOLE_FATE", ended ? porthole_fate_name(mapping->fate) : "");
}

/* Also those that this process was started with: a hook may outlive it, and would hold them. */
static void close_descriptors(void) {
    DIR *folder = opendir("/dev/fd");
    if (!folder) {
        long max = sysconf(_SC_OPEN_MAX);
        for (int fd = STDERR_FILENO + 1; fd < (max > 0 && max < 65536 ? (int)max : 65536); fd++)
            close(fd);
        return;
    }
    int own = dirfd(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        uint64_t fd;
        if (ph_span_to_u64(ph_span_of(entry->d_name), INT32_MAX, &fd) && (int)fd > STDERR_FILENO &&
            (int)fd != own)
            fcntl((int)fd, F_SETFD, FD_CLOEXEC); /* reading goes on while it lasts */
    }
    closedir(folder);
}

static _Noreturn void become_command(const struct ph_hook *hook,
                                     const struct porthole_event *event) {
    setpgid(0, 0);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        (hook->is_machine_read && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        _exit(126);
    close_descriptors();
    set_facts(hook->section, event);
    ph_stop_leave_to_child();
    execl("/bin/sh", "sh", "-c", hook->text, (char *)NULL);
    _exit(127);
}

static void start_next(struct ph_hook *hook) {
    struct ph_hook_event *next = take_first(hook);
    snprintf(hook->name, sizeof hook->name, "%s of %s %u", porthole_event_name(next->event.type),
             porthole_protocol_name(next->event.mapping.protocol),
             (unsigned)next->event.mapping.internal_port);
    /* No handler of this process may run in the child: it has the same pipe. */
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        become_command(hook, &next->event);
    sigprocmask(SIG_SETMASK, &old, NULL);
    free(next);
    if (pid < 0) {
        ph_output_error(hook->command, "%s for %s: %s", hook->label, hook->name, strerror(errno));
        return;
    }
    setpgid(pid, pid); /* whoever comes first; a signal to the group must find it */
    hook->pid = pid;
    hook->is_overdue = false;
    hook->due_ms = ph_drive_now_ms() + hook->limit_ms;
}

static void tell_end(const struct ph_hook *hook, int status) {
    if (hook->is_overdue)
        ph_output_error(hook->command, "%s for %s: ended after %d s", hook->label, hook->name,
                        hook->limit_ms / 1000);
    else if (WIFSIGNALED(status))
        ph_output_error(hook->command, "%s for %s: killed by signal %d", hook->label, hook->name,
                        WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        ph_output_error(hook->command, "%s for %s: exit code %d", hook->label, hook->name,
                        WEXITSTATUS(status));
}

/* True: none runs any more. */
static bool reap(struct ph_hook *hook) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)hook->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return false;
    if (hook->is_overdue)
        kill(-hook->pid, SIGKILL); /* what did not heed SIGTERM */
    int status = 0;
    while (waitpid(hook->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    tell_end(hook, status);
    hook->pid = 0;
    return true;
}

/* What waits when the end has come is not told. */
static void drop_waiting(struct ph_hook *hook) {
    unsigned long count = 0;
    for (; hook->first; count++)
        free(take_first(hook));
    if (count > 0)
        ph_output_error(hook->command, "%s: no time is left; events not told: %lu", hook->label,
                        count);
}

void ph_hook_turn(struct ph_hook *hook) {
    if (!hook)
        return;
    int64_t now_ms = ph_drive_now_ms();
    if (hook->end_ms >= 0 && now_ms >= hook->end_ms)
        drop_waiting(hook);
    if (hook->pid != 0 && !reap(hook)) {
        if (now_ms < ph_hook_due_ms(hook))
            return;
        kill(-hook->pid, hook->is_overdue ? SIGKILL : SIGTERM);
        hook->is_overdue = true;
        hook->due_ms = now_ms + GRACE_MS;
        return;
    }
    if (hook->first)
        start_next(hook);
}

int64_t ph_hook_due_ms(const struct ph_hook *hook) {
    if (!hook || (hook->pid == 0 && !hook->first))
        return -1;
    if (hook->pid == 0)
        return ph_drive_now_ms();
    bool is_cut = hook->end_ms >= 0 && !hook->is_overdue && hook->end_ms < hook->due_ms;
    return is_cut ? hook->end_ms : hook->due_ms;
}

void ph_hook_end(struct ph_hook *hook, uint32_t limit_s) {
    if (!hook)
        return;
    int64_t limit_ms = (int64_t)limit_s * 1000;
    hook->end_ms = ph_drive_now_ms() + (hook->limit_ms < limit_ms ? hook->limit_ms : limit_ms);
}

bool ph_hook_is_idle(const struct ph_hook *hook) {
    return !hook || (hook->pid == 0 && !hook->first);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * leases.c: see leases.h. The file is replaced as a whole by a rename, under a lock beside it, so
 * that a process killed at any byte leaves the old or the new one. It is not synced to the disk: a
 * power cut that loses it has also cut what it speaks of, or a lease's end will. What cannot be
 * read is set aside and said, never trusted.
 */
#define _DEFAULT_SOURCE

#include "cli/leases.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "cli/output.h"

#define VERSION 1
/* Far more than one host maps; a larger file is not ours. */
#define FILE_SIZE_MAX (16U << 20)
#define LOCK_TRIES 200
#define LOCK_PAUSE_NS 10000000L /* 2 s in all: others hold it for milliseconds */

struct ph_leases {
    const char *command;
    bool has_complained;
    int lock_fd;              /* -1 = not locked by this process */
    char path[PATH_MAX - 32]; /* room for the suffixes of what lies beside it */
};

static void complain(struct ph_leases *leases, const char *what, const char *why) {
    if (!leases->has_complained)
        ph_output_error(leases->command, "state file %s: %s: %s", leases->path, what, why);
    leases->has_complained = true;
}

/* ---- Where ----------------------------------------------------------------------------------- */

/* False: the text is too long. */
static bool set_path(struct ph_leases *leases, const char *folder, const char *rest) {
    int len = snprintf(leases->path, sizeof leases->path, "%s%s", folder, rest);
    return len > 0 && (size_t)len < sizeof leases->path;
}

static bool choose_path(struct ph_leases *leases, const char *path) {
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (path)
        return set_path(leases, path, "");
    /* The specification has relative paths ignored. */
    if (state && state[0] == '/')
        return set_path(leases, state, "/porthole/leases.json");
    if (home && home[0] == '/')
        return set_path(leases, home, "/.local/state/porthole/leases.json");
    return geteuid() == 0 && set_path(leases, "/var/lib", "/porthole/leases.json");
}

struct ph_leases *ph_leases_open(const char *command, const char *path) {
    bool is_chosen = path != NULL;
    if (!path)
        path = getenv("PORTHOLE_STATE");
    if (path && path[0] == '\0')
        path = NULL;
    if (path && strcmp(path, "none") == 0)
        return NULL;
    struct ph_leases *leases = calloc(1, sizeof *leases);
    if (leases)
        *leases = (struct ph_leases){.command = command, .lock_fd = -1};
    if (leases && choose_path(leases, path))
        return leases;
    free(leases);
    if (is_chosen)
        ph_output_error(command, "--state: the path is too long");
    return NULL;
}

void ph_leases_close(struct ph_leases *leases) {
    ph_leases_unlock(leases);
    free(leases);
}

/* The folders above the file, closed to others, as the XDG specification has it. */
static void make_folders(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700); /* opening the file tells when that failed */
        *slash = '/';
    }
}

static void beside(const struct ph_leases *leases, const char *suffix, char ret[PATH_MAX]) {
    snprintf(ret, PATH_MAX, "%s%s", leases->path, suffix);
}

/* ---- The lock -------------------------------------------------------------------------------- */

static int open_lock(const struct ph_leases *leases) {
    char name[PATH_MAX];
    beside(leases, ".lock", name);
    int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    make_folders(leases->path);
    return open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool ph_leases_lock(struct ph_leases *leases) {
    if (!leases || leases->lock_fd >= 0)
        return true;
    int fd = open_lock(leases);
    if (fd < 0) {
        complain(leases, "cannot be locked", strerror(errno));
        return false;
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            leases->lock_fd = fd;
            return true;
        }
        const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
        nanosleep(&pause, NULL);
    }
    complain(leases, "cannot be locked", "another process keeps it");
    close(fd);
    return false;
}

void ph_leases_unlock(struct ph_leases *leases) {
    if (!leases || leases->lock_fd < 0)
        return;
    close(leases->lock_fd);
    leases->lock_fd = -1;
}

/* ---- From JSON ------------------------------------------------------------------------------- */

static bool read_text(const json_t *object, const char *name, char *ret, size_t size) {
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= size)
        return false;
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

static bool read_number(const json_t *object, const char *name, int64_t min, int64_t max,
                        int64_t *ret) {
    const json_t *number = json_object_get(object, name);
    *ret = json_integer_value(number);
    return json_is_integer(number) && *ret >= min && *ret <= max;
}

static bool read_protocol(const json_t *object, enum porthole_protocol *ret) {
    const char *name = json_string_value(json_object_get(object, "protocol"));
    *ret = name && strcmp(name, porthole_protocol_name(PORTHOLE_UDP)) == 0 ? PORTHOLE_UDP
                                                                           : PORTHOLE_TCP;
    return name && strcmp(name, porthole_protocol_name(*ret)) == 0;
}

/* null = not made yet. */
static bool read_method(const json_t *object, enum porthole_method *ret) {
    const json_t *value = json_object_get(object, "via");
    *ret = PORTHOLE_NONE;
    if (json_is_null(value))
        return true;
    for (int i = PORTHOLE_PCP; i <= PORTHOLE_UPNP && json_is_string(value); i++)
        if (strcmp(json_string_value(value), porthole_method_name((enum porthole_method)i)) == 0)
            *ret = (enum porthole_method)i;
    return *ret != PORTHOLE_NONE;
}

static bool is_key(const char *text) {
    return strlen(text) == PORTHOLE_KEY_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == PORTHOLE_KEY_SIZE - 1;
}

static bool read_lease(const json_t *object, struct ph_lease *ret) {
    int64_t internal_port, external_port;
    struct ph_addr gateway;
    if (!read_protocol(object, &ret->protocol) || !read_method(object, &ret->method) ||
        !read_number(object, "internal", 1, UINT16_MAX, &internal_port) ||
        !read_number(object, "external", 0, UINT16_MAX, &external_port) ||
        !read_number(object, "until", 0, INT64_MAX, &ret->until_s) ||
        !read_number(object, "holder", 0, INT32_MAX, &ret->holder.number) ||
        !read_number(object, "holder_started", 0, INT64_MAX, &ret->holder.started) ||
        !read_text(object, "gateway", ret->gateway, sizeof ret->gateway) ||
        !read_text(object, "key", ret->key, sizeof ret->key) || !is_key(ret->key) ||
        !ph_addr_parse(ph_span_of(ret->gateway), &gateway))
        return false;
    ret->internal_port = (uint16_t)internal_port;
    ret->external_port = (uint16_t)external_port;
    return true;
}

static bool is_newer(const json_t *root) {
    int64_t version;
    return read_number(root, "version", VERSION + 1, INT64_MAX, &version);
}

/* -1: it is not a state file. */
static int read_list(const json_t *root, struct ph_lease **ret) {
    const json_t *list = json_object_get(root, "leases");
    int64_t version;
    size_t count = json_array_size(list);
    if (!read_number(root, "version", VERSION, VERSION, &version) || !json_is_array(list))
        return -1;
    *ret = calloc(count + 1, sizeof **ret);
    if (!*ret)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!read_lease(json_array_get(list, i), &(*ret)[i])) {
            free(*ret);
            *ret = NULL;
            return -1;
        }
    }
    return (int)count;
}

/* What cannot be read is kept for whoever wants to know, out of the way. */
static void set_aside(struct ph_leases *leases, const char *why) {
    char aside[PATH_MAX];
    beside(leases, ".damaged", aside);
    if (rename(leases->path, aside) == 0)
        ph_output_error(leases->command, "state file %s is damaged (%s); it is now %s",
                        leases->path, why, aside);
    else
        complain(leases, "damaged, and cannot be set aside", strerror(errno));
}

/* In one read: jansson's own asks for a byte at a time. */
static json_t *load_json(int fd, off_t size, json_error_t *ret_error) {
    char *text = size <= (off_t)FILE_SIZE_MAX ? malloc((size_t)size + 1) : NULL;
    ssize_t len = text ? read(fd, text, (size_t)size) : -1;
    json_t *root =
        len >= 0 ? json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, ret_error) : NULL;
    free(text);
    return root;
}

/* What the file holds; NULL and `is_there`: nothing that can be read. False: it cannot be had,
 * which has been said. */
static bool load(struct ph_leases *leases, json_t **ret, json_error_t *ret_error, bool *is_there) {
    struct stat facts;
    int fd = open(leases->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *ret = NULL;
    *is_there = fd >= 0;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (fd < 0 || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        complain(leases, "cannot be read", fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret = load_json(fd, facts.st_size, ret_error);
    close(fd);
    if (!is_newer(*ret))
        return true;
    complain(leases, "left alone", "a newer porthole has written it");
    json_decref(*ret);
    return false;
}

/* -1: it cannot be had; -2: it is damaged, and is to be looked at again under the lock, for another
 * process may have replaced it by now. */
static int read_file(struct ph_leases *leases, struct ph_lease **ret) {
    json_error_t error = {.text = "too large"};
    json_t *root;
    bool is_there;
    if (!load(leases, &root, &error, &is_there))
        return -1;
    int count = root ? read_list(root, ret) : is_there ? -1 : 0;
    bool is_damaged = count < 0;
    if (is_damaged && leases->lock_fd >= 0)
        set_aside(leases, root ? "not a list of leases" : error.text);
    json_decref(root);
    if (!is_damaged)
        return count;
    return leases->lock_fd >= 0 ? 0 : -2;
}

static bool is_over(const struct ph_lease *lease) {
    return lease->until_s > 0 && lease->holder.number == 0 && lease->until_s < ph_leases_now_s();
}

/* Leases that have ended are nobody's concern. */
static int drop_ended(struct ph_lease *list, int count) {
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (!is_over(&list[i]))
            list[kept++] = list[i];
    return kept;
}

int ph_leases_read(struct ph_leases *leases, struct ph_lease **ret) {
    *ret = NULL;
    if (!leases)
        return 0;
    int count = read_file(leases, ret);
    if (count == -2 && ph_leases_lock(leases)) {
        count = read_file(leases, ret);
        ph_leases_unlock(leases);
    }
    return count < 0 ? -1 : drop_ended(*ret, count);
}

static bool is_same(const struct ph_lease *a, const struct ph_lease *b) {
    return a->protocol == b->protocol && a->internal_port == b->internal_port &&
           strcmp(a->gateway, b->gateway) == 0;
}

const struct ph_lease *ph_leases_find(const struct ph_lease *list, int count,
                                      const struct porthole_request *request, const char *gateway) {
    for (int i = 0; i < count; i++)
        if (list[i].protocol == request->protocol &&
            list[i].internal_port == request->internal_port &&
            strcmp(list[i].gateway, gateway) == 0)
            return &list[i];
    return NULL;
}

/* ---- To JSON --------------------------------------------------------------------------------- */

static json_t *pack_lease(const struct ph_lease *lease) {
    json_t *via = lease->method == PORTHOLE_NONE ? json_null()
                                                 : json_string(porthole_method_name(lease->method));
    return json_pack("{s:s, s:i, s:i, s:o, s:s, s:s, s:I, s:I, s:I}", "protocol",
                     porthole_protocol_name(lease->protocol), "internal", (int)lease->internal_port,
                     "external", (int)lease->external_port, "via", via, "gateway", lease->gateway,
                     "key", lease->key, "until", (json_int_t)lease->until_s, "holder",
                     (json_int_t)lease->holder.number, "holder_started",
                     (json_int_t)lease->holder.started);
}

static bool is_changed(const struct ph_lease *lease, const struct ph_lease_change *changes,
                       size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_same(lease, &changes[i].lease))
            return true;
    return false;
}

static json_t *pack_list(const struct ph_lease *list, int list_count,
                         const struct ph_lease_change *changes, size_t count) {
    json_t *leases = json_array();
    for (int i = 0; i < list_count; i++)
        if (!is_changed(&list[i], changes, count))
            json_array_append_new(leases, pack_lease(&list[i]));
    for (size_t i = 0; i < count; i++)
        if (!changes[i].is_gone)
            json_array_append_new(leases, pack_lease(&changes[i].lease));
    return json_pack("{s:i, s:o}", "version", VERSION, "leases", leases);
}

static bool write_whole(int fd, const char *text) {
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t written = write(fd, text, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        len -= (size_t)written;
    }
    return true;
}

static bool save(struct ph_leases *leases, const json_t *root) {
    char next[PATH_MAX];
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    beside(leases, ".new", next);
    /* One that was killed may have left it; the lock says that nobody writes it now. */
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool is_written = text && fd >= 0 && write_whole(fd, text);
    if (fd >= 0 && close(fd) != 0)
        is_written = false;
    free(text);
    if (is_written && rename(next, leases->path) == 0) {
        leases->has_complained = false;
        return true;
    }
    complain(leases, "cannot be written", strerror(errno));
    (void)unlink(next);
    return false;
}

bool ph_leases_write(struct ph_leases *leases, const struct ph_lease_change *changes,
                     size_t count) {
    struct ph_lease *list;
    if (!leases || count == 0)
        return true;
    bool was_locked = leases->lock_fd >= 0;
    if (!ph_leases_lock(leases))
        return false;
    int list_count = ph_leases_read(leases, &list);
    bool is_saved = false;
    if (list_count >= 0) {
        json_t *root = pack_list(list, list_count, changes, count);
        is_saved = root && save(leases, root);
        json_decref(root);
    }
    free(list);
    if (!was_locked)
        ph_leases_unlock(leases);
    return is_saved;
}

/* ---- Processes and keys ---------------------------------------------------------------------- */

/* When a process was started, in clock ticks since the boot: the 22nd field, counted behind the
 * name, which may hold anything; 0 = no such process, or a system that does not tell. */
static int64_t start_of(int64_t number) {
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : 0;
}

struct ph_holder ph_leases_me(void) {
    struct ph_holder me = {.number = getpid()};
    me.started = start_of(me.number);
    return me;
}

bool ph_leases_is_alive(const struct ph_holder *holder) {
    if (holder->number <= 0)
        return false;
    if (kill((pid_t)holder->number, 0) != 0 && errno == ESRCH)
        return false;
    return start_of(holder->number) == holder->started;
}

bool ph_leases_draw_key(char ret[PORTHOLE_KEY_SIZE]) {
    unsigned char bytes[(PORTHOLE_KEY_SIZE - 1) / 2];
    if (getentropy(bytes, sizeof bytes) != 0)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

int64_t ph_leases_now_s(void) { return (int64_t)time(NULL); }

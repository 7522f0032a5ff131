/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * replace.c: see replace.h. A file in the same folder is written and renamed; it is removed where
 * that fails. Its name is always the same, so that who is killed leaves one of them and not many;
 * so it is locked, or two that write at a time would rename each other's half.
 */
#define _DEFAULT_SOURCE

#include "cli/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 10000000L /* 1 s in all: others write for milliseconds */

static const char suffix[] = ".new";

/* The lock stays with `locked_fd`. */
static bool fill(int locked_fd, mode_t mode, ph_replace_write_fn *write, const void *user) {
    int fd = fcntl(locked_fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = fchmod(fd, mode) == 0;
    if (ok) {
        errno = EIO; /* should what fails not say why */
        write(file, user);
        ok = !ferror(file);
    }
    int error = ok ? 0 : errno;
    if (fclose(file) != 0 && ok) {
        error = errno;
        ok = false;
    }
    errno = error;
    return ok;
}

/* A device or a pipe is no file that can be replaced. */
static bool is_replaceable(const char *path) {
    struct stat facts;
    if (stat(path, &facts) != 0 || S_ISREG(facts.st_mode))
        return true;
    errno = S_ISDIR(facts.st_mode) ? EISDIR : EOPNOTSUPP;
    return false;
}

/* A file that is being made. */
struct making {
    char *path; /* behind all symbolic links, which stay */
    char *name; /* the new file's, beside it */
    int fd;
};

/* Whether it is locked, and nobody has renamed or removed it before it was. */
static bool lock_by_name(int fd, const char *name, struct stat *ret_facts) {
    struct stat named;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, ret_facts) == 0 &&
           lstat(name, &named) == 0 && named.st_ino == ret_facts->st_ino &&
           named.st_dev == ret_facts->st_dev;
}

/* What one who was killed has left is taken over; what somebody else put there, in a folder of all,
 * is not. */
static int open_own(const char *name) {
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct stat facts;
        int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        if (lock_by_name(fd, name, &facts)) {
            if (S_ISREG(facts.st_mode) && facts.st_uid == geteuid() && facts.st_nlink == 1 &&
                ftruncate(fd, 0) == 0)
                return fd;
            close(fd);
            errno = EEXIST;
            return -1;
        }
        close(fd);
        const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
        nanosleep(&pause, NULL);
    }
    errno = EBUSY;
    return -1;
}

static void forget(struct making *making) {
    int error = errno;
    free(making->path);
    free(making->name);
    errno = error;
}

static bool open_beside(const char *path, struct making *ret) {
    if (!is_replaceable(path))
        return false;
    char *end = realpath(path, NULL); /* NULL: there is none yet */
    *ret = (struct making){.path = end ? end : strdup(path), .fd = -1};
    size_t size = ret->path ? strlen(ret->path) + sizeof suffix : 0;
    ret->name = size ? malloc(size) : NULL;
    if (ret->path && ret->name) {
        snprintf(ret->name, size, "%s%s", ret->path, suffix);
        ret->fd = open_own(ret->name);
    }
    if (ret->fd < 0)
        forget(ret);
    return ret->fd >= 0;
}

bool ph_replace_file(const char *path, mode_t mode, ph_replace_write_fn *write, const void *user) {
    struct making making;
    if (!open_beside(path, &making))
        return false;
    bool ok = fill(making.fd, mode, write, user) && rename(making.name, making.path) == 0;
    int error = errno;
    if (!ok)
        unlink(making.name);
    close(making.fd);
    errno = error;
    forget(&making);
    return ok;
}

bool ph_replace_try(const char *path) {
    struct making making;
    if (!open_beside(path, &making))
        return false;
    unlink(making.name);
    close(making.fd);
    forget(&making);
    return true;
}

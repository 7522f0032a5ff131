/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * replace.c: see replace.h. A file of a random name in the same folder is written and renamed; it
 * is removed where that fails.
 */
#define _XOPEN_SOURCE 700

#include "cli/replace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = ".XXXXXX";

/* Takes the descriptor over. */
static bool fill(int fd, mode_t mode, ph_replace_write_fn *write, const void *user) {
    FILE *file = fdopen(fd, "w");
    if (!file) {
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
        ret->fd = mkstemp(ret->name);
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
    errno = error;
    forget(&making);
    return ok;
}

bool ph_replace_try(const char *path) {
    struct making making;
    if (!open_beside(path, &making))
        return false;
    close(making.fd);
    unlink(making.name);
    forget(&making);
    return true;
}

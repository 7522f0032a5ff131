/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * replay.c: runs each file of a corpus folder, given as the one argument, through a fuzz target, so
 * that what a fuzzer found once is tested by every compiler in every build. An empty or missing
 * corpus is a failure: it would be a test that cannot fail.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20, PATH_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    size_t size = buffer ? fread(buffer, 1, INPUT_BYTES_MAX, file) : 0;
    int failed = !buffer || ferror(file) || size == INPUT_BYTES_MAX;
    fclose(file);
    /* A copy of exactly its size, so that a read past its end is seen by the sanitizer. */
    uint8_t *input = failed ? NULL : malloc(size > 0 ? size : 1);
    if (input) {
        memcpy(input, buffer, size);
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(input, size);
    } else {
        fprintf(stderr, "%s: cannot be read, or is too large\n", path);
    }
    free(input);
    free(buffer);
    return input ? 0 : -1;
}

/* The number of files replayed; negative when one could not be. */
static int replay_folder(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) {
        perror(folder);
        return -1;
    }
    int count = 0;
    const struct dirent *entry;
    while (count >= 0 && (entry = readdir(dir)) != NULL) {
        char path[PATH_BYTES_MAX];
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof path || replay_file(path) < 0)
            count = -1;
        else
            count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    int count = replay_folder(argv[1]);
    if (count == 0)
        fprintf(stderr, "%s: the corpus is empty\n", argv[1]);
    else if (count > 0)
        printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}

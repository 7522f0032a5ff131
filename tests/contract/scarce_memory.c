/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scarce_memory.c: see scarce_memory.h. What is allocated is remembered by its address, because the
 * system's own libraries allocate and free beside it.
 */
#include "tests/contract/scarce_memory.h"

#include <expat.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define KNOWN_MAX 16384U

/* The names are the linker's: --wrap=malloc makes malloc() __wrap_malloc(). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void __real_free(void *at);
void __wrap_free(void *at);
XML_Parser __wrap_XML_ParserCreate(const char *encoding);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool is_spared;
static struct {
    bool is_counting;
    unsigned count;
    unsigned first;
    unsigned failures;
    unsigned left;
    bool has_failed;
    void *known[KNOWN_MAX]; /* by open addressing; NULL = never used */
} memory;
static char gone; /* its address stands for one that was freed */

void scarce_spare_thread(void) { is_spared = true; }

void scarce_begin(unsigned first, unsigned failures) {
    pthread_mutex_lock(&lock);
    memory.is_counting = true;
    memory.count = 0;
    memory.first = first;
    memory.failures = failures;
    memory.left = 0;
    memory.has_failed = false;
    for (unsigned i = 0; i < KNOWN_MAX; i++)
        memory.known[i] = NULL;
    pthread_mutex_unlock(&lock);
}

unsigned scarce_end(void) {
    pthread_mutex_lock(&lock);
    unsigned count = memory.count;
    memory.is_counting = false;
    pthread_mutex_unlock(&lock);
    return count;
}

unsigned scarce_left(void) {
    pthread_mutex_lock(&lock);
    unsigned left = memory.left;
    pthread_mutex_unlock(&lock);
    return left;
}

bool scarce_has_failed(void) {
    pthread_mutex_lock(&lock);
    bool has_failed = memory.has_failed;
    pthread_mutex_unlock(&lock);
    return has_failed;
}

/* Where the address is, or where a new one may go. */
static void **place_of(const void *at, bool is_new) {
    uint32_t hash = (uint32_t)((uintptr_t)at >> 4) * 2654435761U;
    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        void **place = &memory.known[(hash + i) % KNOWN_MAX];
        if (*place == at || !*place || (is_new && *place == (void *)&gone))
            return place;
    }
    abort(); /* the table is too small for this test */
}

static void remember(void *at) {
    *place_of(at, true) = at;
    memory.left++;
}

static bool forget(const void *at) {
    void **place = place_of(at, false);
    if (*place != at)
        return false;
    *place = &gone;
    memory.left--;
    return true;
}

/* Counts an allocation; whether it is to fail. */
static bool is_denied(void) {
    if (!memory.is_counting || is_spared)
        return false;
    unsigned number = ++memory.count;
    bool fails = number >= memory.first && number - memory.first < memory.failures;
    memory.has_failed |= fails;
    return fails;
}

/* Each takes the lock, and lets the system do its part within, so that an address is never handed
 * out again before it was forgotten. */

static void *finish_allocation(void *at) {
    if (at && memory.is_counting && !is_spared)
        remember(at);
    pthread_mutex_unlock(&lock);
    return at;
}

void *__wrap_malloc(size_t size) {
    pthread_mutex_lock(&lock);
    return finish_allocation(is_denied() ? NULL : __real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    pthread_mutex_lock(&lock);
    return finish_allocation(is_denied() ? NULL : __real_calloc(count, size));
}

void *__wrap_realloc(void *at, size_t size) {
    pthread_mutex_lock(&lock);
    if (is_denied()) {
        pthread_mutex_unlock(&lock);
        return NULL;
    }
    bool was_known = at && forget(at);
    void *moved = __real_realloc(at, size);
    if (!moved && was_known)
        remember(at);
    return finish_allocation(moved);
}

void __wrap_free(void *at) {
    pthread_mutex_lock(&lock);
    if (at)
        (void)forget(at);
    __real_free(at);
    pthread_mutex_unlock(&lock);
}

XML_Parser __wrap_XML_ParserCreate(const char *encoding) {
    static const XML_Memory_Handling_Suite suite = {__wrap_malloc, __wrap_realloc, __wrap_free};
    return XML_ParserCreate_MM(encoding, &suite, NULL);
}

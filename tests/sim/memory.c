/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * memory.c: counts the bytes that engines hold: the linker puts these functions in the place of the
 * allocator's (--wrap). What is allocated while an engine runs is on that client's account.
 */
#include <malloc.h>
#include <stddef.h>

#include "sim/swarm.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static void *account(void *memory) {
    if (ph_swarm_memory && memory)
        *ph_swarm_memory += malloc_usable_size(memory);
    return memory;
}

static void discount(void *memory) {
    if (ph_swarm_memory && memory)
        *ph_swarm_memory -= malloc_usable_size(memory);
}

void *__wrap_malloc(size_t size) { return account(__real_malloc(size)); }

void *__wrap_calloc(size_t count, size_t size) { return account(__real_calloc(count, size)); }

void *__wrap_realloc(void *memory, size_t size) {
    discount(memory);
    void *grown = __real_realloc(memory, size);
    account(grown ? grown : memory);
    return grown;
}

void __wrap_free(void *memory) {
    discount(memory);
    __real_free(memory);
}

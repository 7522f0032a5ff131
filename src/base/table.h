/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * table.h: a hash table of nodes that live inside the objects they belong to, by a 64-bit key;
 * several nodes may have the same key. It grows with its content, so that look-ups stay O(1);
 * growing may fail, and then the table goes on with longer chains.
 */
#ifndef PH_BASE_TABLE_H
#define PH_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph_node {
    struct ph_node *next;
    uint64_t key;
};

struct ph_table {
    struct ph_node **buckets;
    size_t size; /* a power of two */
    size_t count;
};

/* False: out of memory. */
bool ph_table_init(struct ph_table *table);
/* Frees the buckets; the nodes are their owners'. */
void ph_table_done(struct ph_table *table);
void ph_table_add(struct ph_table *table, struct ph_node *node, uint64_t key);
/* The node must be in the table. */
void ph_table_remove(struct ph_table *table, struct ph_node *node);
/* A node with this key, and the next one with the same key; NULL when there is none. */
struct ph_node *ph_table_find(const struct ph_table *table, uint64_t key);
struct ph_node *ph_table_find_next(const struct ph_node *node);

/* From a member to the object that holds it. */
#define PH_CONTAINER(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * table.c: see table.h. Chained buckets; the number of buckets doubles when there are more nodes
 * than buckets.
 */
#include "base/table.h"

#include <stdlib.h>

#define TABLE_FIRST_SIZE 16

/* Keys are often consecutive or differ in their upper bits only (an address beside a port), so all
 * bits are mixed into the lower ones. */
static size_t bucket_of(uint64_t key, size_t size) {
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15U;
    key ^= key >> 32;
    return (size_t)key & (size - 1);
}

bool ph_table_init(struct ph_table *table) {
    *table = (struct ph_table){0};
    table->buckets = calloc(TABLE_FIRST_SIZE, sizeof(struct ph_node *));
    if (!table->buckets)
        return false;
    table->size = TABLE_FIRST_SIZE;
    return true;
}

void ph_table_done(struct ph_table *table) {
    free(table->buckets);
    *table = (struct ph_table){0};
}

static void bucket_push(struct ph_node **buckets, size_t size, struct ph_node *node) {
    struct ph_node **bucket = &buckets[bucket_of(node->key, size)];
    node->next = *bucket;
    *bucket = node;
}

static void enlarge(struct ph_table *table) {
    size_t size = 2 * table->size;
    struct ph_node **buckets = calloc(size, sizeof(struct ph_node *));
    if (!buckets)
        return;
    for (size_t i = 0; i < table->size; i++) {
        struct ph_node *node = table->buckets[i];
        while (node) {
            struct ph_node *next = node->next;
            bucket_push(buckets, size, node);
            node = next;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->size = size;
}

void ph_table_add(struct ph_table *table, struct ph_node *node, uint64_t key) {
    if (table->count >= table->size)
        enlarge(table);
    node->key = key;
    bucket_push(table->buckets, table->size, node);
    table->count++;
}

void ph_table_remove(struct ph_table *table, struct ph_node *node) {
    struct ph_node **at = &table->buckets[bucket_of(node->key, table->size)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    table->count--;
}

struct ph_node *ph_table_find(const struct ph_table *table, uint64_t key) {
    struct ph_node *node = table->buckets[bucket_of(key, table->size)];
    while (node && node->key != key)
        node = node->next;
    return node;
}

struct ph_node *ph_table_find_next(const struct ph_node *node) {
    struct ph_node *next = node->next;
    while (next && next->key != node->key)
        next = next->next;
    return next;
}

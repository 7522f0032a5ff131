/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_table.c: the hash table of nodes inside objects.
 */
#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { OBJECTS = 5000 };

struct object {
    unsigned seen;
    int value;
    struct ph_node node;
};

static struct object objects[OBJECTS];

static void finds_what_was_added_and_nothing_else(void **state) {
    struct ph_table table;
    struct object a = {.value = 1};
    struct object b = {.value = 2};
    (void)state;
    assert_true(ph_table_init(&table));
    assert_null(ph_table_find(&table, 0));
    ph_table_add(&table, &a.node, 0);
    ph_table_add(&table, &b.node, UINT64_MAX);
    assert_ptr_equal(PH_CONTAINER(ph_table_find(&table, 0), struct object, node), &a);
    assert_ptr_equal(PH_CONTAINER(ph_table_find(&table, UINT64_MAX), struct object, node), &b);
    assert_null(ph_table_find(&table, 1));
    assert_null(ph_table_find_next(&a.node));
    ph_table_remove(&table, &a.node);
    assert_null(ph_table_find(&table, 0));
    assert_int_equal(table.count, 1);
    ph_table_done(&table);
}

static void one_key_may_have_several_nodes(void **state) {
    struct ph_table table;
    struct object some[3] = {{.value = 0}};
    (void)state;
    assert_true(ph_table_init(&table));
    for (int i = 0; i < 3; i++)
        ph_table_add(&table, &some[i].node, 77);
    unsigned found = 0;
    for (struct ph_node *n = ph_table_find(&table, 77); n; n = ph_table_find_next(n)) {
        PH_CONTAINER(n, struct object, node)->seen++;
        found++;
    }
    assert_int_equal(found, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(some[i].seen, 1);
    /* Each one leaves alone. */
    ph_table_remove(&table, &some[1].node);
    for (struct ph_node *n = ph_table_find(&table, 77); n; n = ph_table_find_next(n))
        assert_ptr_not_equal(n, &some[1].node);
    ph_table_remove(&table, &some[0].node);
    assert_ptr_equal(ph_table_find(&table, 77), &some[2].node);
    ph_table_done(&table);
}

static size_t bucket_with(const struct ph_table *table, const struct ph_node *node) {
    for (size_t i = 0; i < table->size; i++)
        for (const struct ph_node *n = table->buckets[i]; n; n = n->next)
            if (n == node)
                return i;
    return table->size;
}

static void another_key_between_two_equal_ones_is_passed_over(void **state) {
    struct ph_table table;
    struct object first = {.value = 1};
    struct object between = {.value = 2};
    struct object second = {.value = 3};
    uint64_t key = 77;
    (void)state;
    assert_true(ph_table_init(&table));
    ph_table_add(&table, &first.node, 77);
    ph_table_add(&table, &between.node, ++key);
    while (bucket_with(&table, &between.node) != bucket_with(&table, &first.node)) {
        ph_table_remove(&table, &between.node);
        ph_table_add(&table, &between.node, ++key);
    }
    ph_table_add(&table, &second.node, 77);
    const struct ph_node *found = ph_table_find(&table, 77);
    assert_ptr_equal(found, &second.node);
    assert_ptr_equal(ph_table_find_next(found), &first.node);
    assert_null(ph_table_find_next(&first.node));
    assert_ptr_equal(ph_table_find(&table, key), &between.node);
    ph_table_done(&table);
}

/* Keys that differ in their upper bits only must not all meet in one chain. */
static size_t longest_chain(const struct ph_table *table) {
    size_t longest = 0;
    for (size_t i = 0; i < table->size; i++) {
        size_t len = 0;
        for (const struct ph_node *n = table->buckets[i]; n; n = n->next)
            len++;
        longest = len > longest ? len : longest;
    }
    return longest;
}

static void check_growth(unsigned shift) {
    struct ph_table table;
    assert_true(ph_table_init(&table));
    for (uint64_t i = 0; i < OBJECTS; i++)
        ph_table_add(&table, &objects[i].node, i << shift);
    assert_int_equal(table.count, OBJECTS);
    assert_true(table.size >= OBJECTS);
    assert_in_range(longest_chain(&table), 1, 12);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_ptr_equal(ph_table_find(&table, i << shift), &objects[i].node);
    for (uint64_t i = 0; i < OBJECTS; i += 2)
        ph_table_remove(&table, &objects[i].node);
    for (uint64_t i = 0; i < OBJECTS; i++)
        assert_ptr_equal(ph_table_find(&table, i << shift), i % 2 ? &objects[i].node : NULL);
    assert_int_equal(table.count, OBJECTS / 2);
    ph_table_done(&table);
}

static void table_grows_and_still_finds_all(void **state) {
    (void)state;
    check_growth(0);
    check_growth(16);
    check_growth(32);
    check_growth(48);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added_and_nothing_else),
        cmocka_unit_test(one_key_may_have_several_nodes),
        cmocka_unit_test(another_key_between_two_equal_ones_is_passed_over),
        cmocka_unit_test(table_grows_and_still_finds_all),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}

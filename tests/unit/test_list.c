/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_list.c: the list of links inside objects.
 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The list is exactly these links, in both directions. */
static void assert_list(const struct ph_link *head, const struct ph_link *const *links,
                        size_t count) {
    const struct ph_link *at = head;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(at->next, links[i]);
        assert_ptr_equal(links[i]->prev, at);
        at = at->next;
    }
    assert_ptr_equal(at->next, head);
    assert_ptr_equal(head->prev, at);
    assert_int_equal(ph_list_is_empty(head), count == 0);
}

static void links_are_kept_in_the_order_of_appending(void **state) {
    struct ph_link head, a, b, c;
    (void)state;
    ph_link_init(&head);
    ph_link_init(&a);
    ph_link_init(&b);
    ph_link_init(&c);
    assert_list(&head, NULL, 0);
    assert_false(ph_link_is_in(&a));
    ph_list_append(&head, &a);
    ph_list_append(&head, &b);
    ph_list_append(&head, &c);
    assert_true(ph_link_is_in(&a));
    assert_list(&head, (const struct ph_link *[]){&a, &b, &c}, 3);
}

static void links_leave_from_any_place(void **state) {
    struct ph_link head, a, b, c;
    (void)state;
    ph_link_init(&head);
    ph_list_append(&head, &a);
    ph_list_append(&head, &b);
    ph_list_append(&head, &c);
    ph_link_remove(&b);
    assert_false(ph_link_is_in(&b));
    assert_list(&head, (const struct ph_link *[]){&a, &c}, 2);
    ph_link_remove(&c);
    ph_link_remove(&a);
    assert_list(&head, NULL, 0);
}

static void removing_twice_is_harmless(void **state) {
    struct ph_link head, a, b;
    (void)state;
    ph_link_init(&head);
    ph_list_append(&head, &a);
    ph_list_append(&head, &b);
    ph_link_remove(&a);
    ph_link_remove(&a);
    assert_list(&head, (const struct ph_link *[]){&b}, 1);
    ph_list_append(&head, &a);
    assert_list(&head, (const struct ph_link *[]){&b, &a}, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_kept_in_the_order_of_appending),
        cmocka_unit_test(links_leave_from_any_place),
        cmocka_unit_test(removing_twice_is_harmless),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}

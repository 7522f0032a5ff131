/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_rng.c: the range of random numbers, and the seeded generator.
 */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A source whose every byte is the one that `user` points to. */
static void fill_with(void *user, void *ret, size_t len) {
    memset(ret, *(const unsigned char *)user, len);
}

static void below_reaches_both_ends_of_its_range(void **state) {
    unsigned char lowest = 0x00;
    unsigned char highest = 0xff;
    const struct ph_random low = {fill_with, &lowest};
    const struct ph_random high = {fill_with, &highest};
    (void)state;
    assert_int_equal(ph_random_below(&low, 1), 0);
    assert_int_equal(ph_random_below(&high, 1), 0);
    assert_int_equal(ph_random_below(&low, 10), 0);
    assert_int_equal(ph_random_below(&high, 10), 9);
    assert_int_equal(ph_random_below(&high, UINT32_MAX), UINT32_MAX - 1);
}

static void below_is_even(void **state) {
    struct ph_seeded seeded = {1};
    const struct ph_random source = {ph_seeded_fill, &seeded};
    unsigned counts[6] = {0};
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        uint32_t v = ph_random_below(&source, 6);
        assert_true(v < 6);
        counts[v]++;
    }
    /* 10000 each; six standard deviations of 91. */
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(counts[i], 9450, 10550);
}

/* The published first outputs of splitmix64 for these seeds. */
static void seeded_is_splitmix64(void **state) {
    static const uint64_t expected[] = {6457827717110365317U, 3203168211198807973U,
                                        9817491932198370423U};
    struct ph_seeded seeded = {1234567};
    struct ph_seeded zero = {0};
    uint64_t got[3];
    uint64_t first;
    (void)state;
    ph_seeded_fill(&seeded, got, sizeof got);
    assert_memory_equal(got, expected, sizeof got);
    ph_seeded_fill(&zero, &first, sizeof first);
    assert_true(first == 0xe220a8397b1dcdafU);
}

static void one_seed_is_one_run(void **state) {
    struct ph_seeded a = {7};
    struct ph_seeded b = {7};
    struct ph_seeded c = {8};
    unsigned char from_a[20];
    unsigned char from_b[20];
    unsigned char from_c[20];
    (void)state;
    ph_seeded_fill(&a, from_a, sizeof from_a);
    ph_seeded_fill(&b, from_b, sizeof from_b);
    ph_seeded_fill(&c, from_c, sizeof from_c);
    assert_memory_equal(from_a, from_b, sizeof from_a);
    assert_memory_not_equal(from_a, from_c, sizeof from_a);
}

static void seeded_fills_exactly_what_is_asked(void **state) {
    struct ph_seeded seeded = {3};
    unsigned char bytes[16];
    (void)state;
    for (size_t len = 0; len < sizeof bytes; len++) {
        memset(bytes, 0xee, sizeof bytes);
        ph_seeded_fill(&seeded, bytes, len);
        for (size_t i = len; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0xee);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_reaches_both_ends_of_its_range),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(seeded_is_splitmix64),
        cmocka_unit_test(one_seed_is_one_run),
        cmocka_unit_test(seeded_fills_exactly_what_is_asked),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_program.c: the contract test of the libplum interface: a program as libplum's users write
 * them. `offline` sends nothing and runs anywhere; the other sets of tests need the network that
 * run_compat.py makes, for the library finds its router by the default route.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plum_stories.h"

static void run_offline(void) {
    run_layout_tests();
    run_argument_tests();
}

static void run_rules(void) {
    run_mapping_tests();
    run_callback_tests();
    run_thread_tests();
}

static void run_hold(void) { RUN(story_of_a_hold); }
static void run_nobody(void) { RUN(story_of_nobody_there); }
static void run_destroyed(void) { RUN(story_of_a_failed_one_destroyed); }
static void run_unanswered(void) { RUN(story_of_an_unanswered_mapping); }
static void run_filter(void) { RUN(story_of_a_filter); }
static void run_no_route(void) {
    RUN(story_of_no_route);
    RUN(story_of_instant_ends);
}
static void run_restart(void) { RUN(story_of_a_restart); }

static const struct {
    const char *name;
    void (*run)(void);
} sets[] = {
    {"offline", run_offline}, {"rules", run_rules},         {"hold", run_hold},
    {"nobody", run_nobody},   {"destroyed", run_destroyed}, {"unanswered", run_unanswered},
    {"filter", run_filter},   {"no-route", run_no_route},   {"restart", run_restart},
};

static int number_of(const char *word, const char *const names[], int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    (void)fprintf(stderr, "plum_program: unknown word %s\n", word);
    exit(2);
}

/* Words of the form NAME VALUE. */
static void read_surroundings(char **words) {
    static const char *const methods[] = {"none", "pcp", "natpmp", "upnp"};
    static const char *const filters[] = {"any", "pcp", "upnp"};
    for (; words[0] && words[1]; words += 2) {
        if (strcmp(words[0], "local") == 0)
            surroundings.local = words[1];
        else if (strcmp(words[0], "external") == 0)
            surroundings.external = words[1];
        else if (strcmp(words[0], "method") == 0)
            surroundings.method = (plum_mapping_protocol_t)number_of(words[1], methods, 4);
        else if (strcmp(words[0], "filter") == 0)
            surroundings.filter = (plum_protocol_t)number_of(words[1], filters, 3);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: plum_program SET [local ADDR] [external ADDR] "
                              "[method pcp|natpmp|upnp] [filter any|pcp|upnp]\n");
        return 2;
    }
    read_surroundings(argv + 2);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strcmp(sets[i].name, argv[1]) == 0) {
            sets[i].run();
            return finish_tests();
        }
    }
    (void)fprintf(stderr, "plum_program: no set of tests is called %s\n", argv[1]);
    return 2;
}

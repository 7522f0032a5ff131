/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_check.h: what the files of the libplum contract test share: checks, and a mapping that keeps
 * what its callback was told. Nothing here or in the tests includes anything of ours but plum.h.
 */
#ifndef TESTS_COMPAT_PLUM_CHECK_H
#define TESTS_COMPAT_PLUM_CHECK_H

#include <plum/plum.h>
#include <stdbool.h>

/* What the program was told about where it runs; NULL = not told. */
struct surroundings {
    const char *local;    /* the address that this host must find to be its own */
    const char *external; /* the router's on the other side */
    plum_mapping_protocol_t method;
    plum_protocol_t filter;
};
extern struct surroundings surroundings;

void check(bool is_right, const char *what, const char *file, int line);
void check_equal(long got, long wanted, const char *what, const char *file, int line);
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(got, wanted) check_equal((long)(got), (long)(wanted), #got, __FILE__, __LINE__)

/* Runs one test and prints how it went. */
void run_test(const char *name, void (*test)(void));
#define RUN(test) run_test(#test, test)
/* Prints "N passed, N failed"; the program's exit code. */
int finish_tests(void);

/* One mapping: ask() makes the library call remember() for it. */
struct watched {
    int id;
    plum_ip_protocol_t protocol;
    uint16_t port;
    uint16_t wished;
    /* Counted by remember(), under its lock; read through the functions below. */
    int successes;
    int failures;
    int ends;
    int strays; /* another state, another id, or after the end */
    plum_mapping_t last;
    void (*then)(struct watched *watched,
                 plum_state_t state); /* called from the callback; or NULL */
};
#define WATCHED_TCP(number)                                                                        \
    { .id = -1, .protocol = PLUM_IP_PROTOCOL_TCP, .port = (number) }
#define WATCHED_UDP(number)                                                                        \
    { .id = -1, .protocol = PLUM_IP_PROTOCOL_UDP, .port = (number) }

/* The clock that deadlines are of, in milliseconds. */
long now_ms(void);
/* plum_init() with `config`, whose log is off where it says nothing else. */
plum_config_t quiet_config(void);
void start(const plum_config_t *config);
void start_quietly(void);
void stop(void);

/* plum_create_mapping(); gives and keeps the id. */
int ask(struct watched *watched);
/* Waits until a counter is at least that; false when it is not after a minute. */
bool wait_for(const int *counter, int at_least);
bool wait_within(const int *counter, int at_least, long patience_ms);
int count_of(const int *counter);
plum_mapping_t last_of(const struct watched *watched);
plum_state_t state_of(int id);
/* That it was told an end once, as the last thing, and nothing strange. */
void check_ended(const struct watched *watched);

/* The tests, by file. */
void run_layout_tests(void);   /* plum_layout.c: need no network and send nothing */
void run_argument_tests(void); /* plum_arguments.c: the same */
void run_mapping_tests(void);  /* plum_mappings.c: need a router */
void run_callback_tests(void); /* plum_callbacks.c: need a router */
void run_thread_tests(void);   /* plum_threads.c: need a router */

#endif

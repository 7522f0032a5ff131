/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sim.c: runs seeds of the simulation (sim/swarm.h) and tells which breach a property, with the
 * command that shows such a run again and the end of its trace.
 *
 *     sim [--seeds N] [--from S] [--jobs J]    N seeds from S on, in J processes
 *     sim --seed S [--trace]                   one seed, with all of its trace
 *     sim --same S                             the seed twice: both runs must be the same
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/swarm.h"

#define TAIL_LINES 120U
#define LINE_SIZE 600U
#define FAILURES_MAX 5U /* told in full by one process */

static const char *command = "./dev sim";
static volatile uint64_t running; /* the seed, for the last words */

/* ---- Last words ------------------------------------------------------------------------------ */

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

/* An assertion or a sanitizer ends the process within a seed. */
static void on_crash(int signal_number) {
    char digits[24];
    size_t at = sizeof digits - 1;
    uint64_t seed = running;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + seed % 10);
    while ((seed /= 10) > 0);
    say("seed ");
    say(digits + at);
    say(" crashes\nreplay: ");
    say(command);
    say(" --seed ");
    say(digits + at);
    say("\n");
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal_number, &action, NULL);
    raise(signal_number);
}

static void watch_crashes(void) {
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = on_crash};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

/* ---- Traces ---------------------------------------------------------------------------------- */

struct tail {
    unsigned count;
    ph_us times[TAIL_LINES];
    char lines[TAIL_LINES][LINE_SIZE];
};

static void print_line(void *user, ph_us at, const char *line) {
    (void)user;
    printf("%14.6f %s\n", (double)at / 1e6, line);
}

static void keep_line(void *user, ph_us at, const char *line) {
    struct tail *tail = user;
    unsigned i = tail->count++ % TAIL_LINES;
    tail->times[i] = at;
    snprintf(tail->lines[i], LINE_SIZE, "%s", line);
}

/* The run once more, now with its trace. */
static void tell_failure(uint64_t seed, const struct ph_swarm_result *result) {
    static struct tail tail;
    struct ph_swarm_result again;
    char options[400];
    tail.count = 0;
    ph_swarm_describe(seed, options, sizeof options);
    ph_swarm_run(seed, keep_line, &tail, &again);
    printf("seed %lu: %s\n%s\n", (unsigned long)seed, result->why, options);
    for (unsigned i = tail.count > TAIL_LINES ? tail.count - TAIL_LINES : 0; i < tail.count; i++)
        print_line(NULL, tail.times[i % TAIL_LINES], tail.lines[i % TAIL_LINES]);
    printf("seed %lu: %s\nreplay: %s --seed %lu\n\n", (unsigned long)seed, result->why, command,
           (unsigned long)seed);
}

/* ---- Many seeds ------------------------------------------------------------------------------ */

struct totals {
    uint64_t seeds;
    uint64_t failed;
    uint64_t steps;
    uint64_t sent;
    uint64_t events;
    uint64_t faults;
    uint64_t lies;
    uint64_t success;
    uint64_t blocked;
    double days;
    unsigned rate_percent;
    unsigned memory_percent;
    unsigned belief_percent;
    uint64_t direct; /* seeds with mappings at public addresses */
    uint64_t removals;
    uint64_t fault_kinds[PH_SWARM_FAULT_KINDS];
    uint64_t models[64]; /* seeds in which a gateway was one */
};

static void greater(unsigned *most, unsigned value) { *most = value > *most ? value : *most; }

static void add_result(struct totals *t, const struct ph_swarm_result *r) {
    t->seeds++;
    t->failed += r->failed;
    t->steps += r->steps;
    t->sent += r->sent;
    t->events += r->events;
    t->faults += r->faults;
    t->lies += r->lies;
    t->direct += r->direct > 0;
    t->removals += r->removals;
    t->success += r->success;
    t->blocked += r->blocked;
    t->days += (double)r->simulated / 86400e6;
    for (unsigned i = 0; i < PH_SWARM_FAULT_KINDS; i++)
        t->fault_kinds[i] += r->fault_kinds[i];
    for (unsigned i = 0; i < 64; i++)
        t->models[i] += r->models >> i & 1;
    greater(&t->rate_percent, r->rate_percent);
    greater(&t->memory_percent, r->memory_percent);
    greater(&t->belief_percent, r->belief_percent);
}

static void add_totals(struct totals *t, const struct totals *more) {
    t->seeds += more->seeds;
    t->failed += more->failed;
    t->steps += more->steps;
    t->sent += more->sent;
    t->events += more->events;
    t->faults += more->faults;
    t->lies += more->lies;
    t->direct += more->direct;
    t->removals += more->removals;
    t->success += more->success;
    t->blocked += more->blocked;
    t->days += more->days;
    for (unsigned i = 0; i < PH_SWARM_FAULT_KINDS; i++)
        t->fault_kinds[i] += more->fault_kinds[i];
    for (unsigned i = 0; i < 64; i++)
        t->models[i] += more->models[i];
    greater(&t->rate_percent, more->rate_percent);
    greater(&t->memory_percent, more->memory_percent);
    greater(&t->belief_percent, more->belief_percent);
}

static void run_lane(uint64_t from, uint64_t seeds, unsigned lane, unsigned lanes,
                     struct totals *totals) {
    for (uint64_t i = lane; i < seeds; i += lanes) {
        struct ph_swarm_result result;
        running = from + i;
        ph_swarm_run(from + i, NULL, NULL, &result);
        add_result(totals, &result);
        if (result.failed && totals->failed <= FAILURES_MAX)
            tell_failure(from + i, &result);
        else if (result.failed)
            printf("seed %lu: %s\n", (unsigned long)(from + i), result.why);
        fflush(stdout);
    }
}

static bool run_jobs(uint64_t from, uint64_t seeds, unsigned jobs, struct totals *totals) {
    int pipes[2];
    bool is_well = pipe(pipes) == 0;
    for (unsigned lane = 0; lane < jobs && is_well; lane++) {
        pid_t child = fork();
        is_well = child >= 0;
        if (child != 0)
            continue;
        struct totals part = {0};
        run_lane(from, seeds, lane, jobs, &part);
        _exit(write(pipes[1], &part, sizeof part) == (ssize_t)sizeof part ? 0 : 1);
    }
    close(pipes[1]);
    struct totals part;
    while (read(pipes[0], &part, sizeof part) == (ssize_t)sizeof part)
        add_totals(totals, &part);
    int status;
    while (wait(&status) > 0 || errno == EINTR)
        is_well &= status == 0;
    close(pipes[0]);
    return is_well;
}

static int run_seeds(uint64_t from, uint64_t seeds, unsigned jobs) {
    struct totals totals = {0};
    bool is_well = true;
    if (jobs > 1)
        is_well = run_jobs(from, seeds, jobs, &totals);
    else
        run_lane(from, seeds, 0, 1, &totals);
    printf("%lu seeds from %lu, %lu failed: %.0f days, %lu steps, %lu packets, %lu events, "
           "%lu faults, %lu lies; at the end of the calms %lu mapped, %lu blocked; of the bounds: "
           "rate %u %%, memory %u %%, belief %u %%\n",
           (unsigned long)totals.seeds, (unsigned long)from, (unsigned long)totals.failed,
           totals.days, (unsigned long)totals.steps, (unsigned long)totals.sent,
           (unsigned long)totals.events, (unsigned long)totals.faults, (unsigned long)totals.lies,
           (unsigned long)totals.success, (unsigned long)totals.blocked, totals.rate_percent,
           totals.memory_percent, totals.belief_percent);
    printf("direct in %lu seeds, removals %lu, faults:", (unsigned long)totals.direct,
           (unsigned long)totals.removals);
    for (unsigned i = 0; ph_swarm_fault_name(i); i++)
        printf(" %s %lu", ph_swarm_fault_name(i), (unsigned long)totals.fault_kinds[i]);
    printf("\nrouter models, each in so many seeds:");
    for (unsigned i = 0; ph_swarm_model_name(i); i++)
        printf(" %s %lu", ph_swarm_model_name(i), (unsigned long)totals.models[i]);
    printf("\n");
    return totals.failed || !is_well || totals.seeds < seeds ? 1 : 0;
}

/* ---- One seed -------------------------------------------------------------------------------- */

static int run_one(uint64_t seed, bool trace) {
    struct ph_swarm_result result;
    char options[400];
    ph_swarm_describe(seed, options, sizeof options);
    printf("%s\n", options);
    if (trace) {
        ph_swarm_run(seed, print_line, NULL, &result);
    } else {
        ph_swarm_run(seed, NULL, NULL, &result);
        if (result.failed)
            tell_failure(seed, &result);
    }
    printf("seed %lu: %s; %.2f days, %lu packets, hash %016lx\n", (unsigned long)seed,
           result.failed ? result.why : "all properties hold", (double)result.simulated / 86400e6,
           (unsigned long)result.sent, (unsigned long)result.hash);
    return result.failed ? 1 : 0;
}

static int run_same(uint64_t seed) {
    struct ph_swarm_result a;
    struct ph_swarm_result b;
    static struct tail tail;
    ph_swarm_run(seed, NULL, NULL, &a);
    ph_swarm_run(seed, keep_line, &tail, &b);
    printf("seed %lu: hash %016lx, and with a trace %016lx\n", (unsigned long)seed,
           (unsigned long)a.hash, (unsigned long)b.hash);
    return a.hash == b.hash && a.sent == b.sent && tail.count > 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    uint64_t values[4] = {0, 300, 1, 1}; /* seed, seeds, from, jobs */
    static const char *const names[] = {"--seed", "--seeds", "--from", "--jobs"};
    bool trace = false;
    bool same = false;
    bool one = false;
    for (int i = 1; i < argc; i++) {
        trace |= strcmp(argv[i], "--trace") == 0;
        same |= strcmp(argv[i], "--same") == 0;
        one |= strcmp(argv[i], "--seed") == 0;
        for (unsigned n = 0; n < 4 && i + 1 < argc; n++)
            if (strcmp(argv[i], n == 0 && same ? "--same" : names[n]) == 0)
                values[n] = strtoull(argv[i + 1], NULL, 10);
    }
    watch_crashes();
    running = values[0];
    if (same)
        return run_same(values[0]);
    if (one)
        return run_one(values[0], trace);
    return run_seeds(values[2], values[1], (unsigned)values[3]);
}

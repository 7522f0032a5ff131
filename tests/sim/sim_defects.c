/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sim_defects.c: shows that the simulation can fail: each of the defects of defects.txt is switched
 * on, and one of the first seeds must breach a property, or one of the stories that the simulation
 * has led to must fail; without a defect all must hold.
 *
 *     sim_defects [--seeds N] [--clean N] [--stories PROGRAM] [NAME]    only that one
 *
 * Each defect has a process of its own, because some end in an assertion, which counts as well.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/swarm.h"
#include "tests/sim/defects.h"

#define LIMIT_S 60U /* of one defect */
#define CAUGHT 10   /* a child's exit code */

static const char *stories; /* NULL = none */

static bool run_seeds(uint64_t seeds) {
    struct ph_swarm_result result;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        ph_swarm_run(seed, NULL, NULL, &result);
        if (!result.failed)
            continue;
        printf("seed %lu: %s\n", (unsigned long)seed, result.why);
        fflush(stdout);
        return true;
    }
    return false;
}

/* The program has the defects as well, and takes the number of the one from its environment. */
static bool is_story_failing(unsigned defect) {
    char number[16];
    int status;
    snprintf(number, sizeof number, "%u", defect);
    pid_t child = fork();
    if (child == 0) {
        setenv("PH_DEFECT", number, 1);
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(0);
        execl(stories, stories, (char *)NULL);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child &&
           !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Whether a seed breaches a property, or an assertion of the engine. */
static bool is_caught(unsigned defect, uint64_t seeds) {
    int status;
    printf("%-42s ", ph_defects_names[defect - 1]);
    fflush(stdout);
    if (ph_defects_stale[defect - 1]) {
        printf("STALE: the source has changed; mend tests/sim/defects.txt\n");
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        ph_defects_active = defect;
        /* Of its own time: other work on the machine must not make it fail. */
        const struct rlimit limit = {LIMIT_S, LIMIT_S + 1};
        setrlimit(RLIMIT_CPU, &limit);
        _exit(run_seeds(seeds) ? CAUGHT : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    bool is_assertion = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && stories && is_story_failing(defect)) {
        printf("a story\n");
        return true;
    }
    if (is_assertion)
        printf("an assertion\n");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != CAUGHT)
        printf("NOT CAUGHT%s\n", WIFEXITED(status) ? "" : ": it crashes or goes on for ever");
    return is_assertion || (WIFEXITED(status) && WEXITSTATUS(status) == CAUGHT);
}

int main(int argc, char **argv) {
    uint64_t seeds = 400;
    uint64_t clean = 40;
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--clean") == 0 && i + 1 < argc)
            clean = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--stories") == 0 && i + 1 < argc)
            stories = argv[++i];
        else
            only = argv[i];
    }
    unsigned count = 0;
    unsigned caught = 0;
    bool is_clean = !run_seeds(clean) && !(stories && is_story_failing(0));
    for (unsigned defect = 1; ph_defects_names[defect - 1]; defect++) {
        if (only && strcmp(only, ph_defects_names[defect - 1]) != 0)
            continue;
        count++;
        caught += is_caught(defect, seeds);
    }
    printf("%u of %u defects are caught within %lu seeds or by a story%s\n", caught, count,
           (unsigned long)seeds, is_clean ? "" : "; but something fails without any");
    return is_clean && count > 0 && caught == count ? 0 : 1;
}

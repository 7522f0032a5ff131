/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cli-killer: runs a program and kills it at a moment that is exact: when it is about to make its
 * N-th system call, counted from its first socket. So each of them is a place to crash at, which a
 * signal after some time is not. Linux only. It knows nothing of what the program does.
 *
 * usage: cli-killer N PROGRAM [ARGUMENT...]      (N = 0: never; the last line on standard error is
 * "calls COUNT"). Ends as the program did; a death by signal is exit code 128 + its number.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS ((void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC))
#define SYSCALL_STOP (SIGTRAP | 0x80)

static volatile sig_atomic_t child;

static void forward(int number) {
    if (child > 0)
        kill((pid_t)child, number);
}

static _Noreturn void die(const char *what) {
    fprintf(stderr, "cli-killer: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* The number of the system call that is about to be made; -1 = one has just returned. */
static long long entered(void) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, (pid_t)child, (void *)sizeof info, &info) < 0)
        return -1; /* it has died meanwhile */
    return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long long)info.entry.nr : -1;
}

static int wait_for_child(void) {
    int status;
    while (waitpid((pid_t)child, &status, __WALL) < 0)
        if (errno != EINTR)
            die("waitpid");
    return status;
}

static void start(char **argv) {
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            die("no tracing here");
        raise(SIGSTOP);
        execv(argv[0], argv);
        die(argv[0]);
    }
    child = pid;
    if (!WIFSTOPPED(wait_for_child()) || ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS) != 0)
        die("no tracing here");
}

int main(int argc, char **argv) {
    static const int forwarded[] = {SIGINT, SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = forward};
    unsigned long at = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, calls = 0;
    long stop = 0;
    if (argc < 3) {
        fputs("usage: cli-killer N PROGRAM [ARGUMENT...]\n", stderr);
        return 125;
    }
    start(argv + 2);
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        sigaction(forwarded[i], &action, NULL);
    for (;;) {
        (void)ptrace(PTRACE_SYSCALL, (pid_t)child, NULL, (void *)stop);
        int status = wait_for_child();
        stop = 0;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (at == 0)
                fprintf(stderr, "calls %lu\n", calls);
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (WSTOPSIG(status) == SYSCALL_STOP) {
            long long number = entered();
            calls += number == SYS_socket || (number >= 0 && calls > 0);
            if (at > 0 && calls == at && number >= 0)
                kill((pid_t)child, SIGKILL);
        } else if (status >> 16 == 0) {
            stop = WSTOPSIG(status);
        }
    }
}

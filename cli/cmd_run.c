/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_run.c: `porthole run`: opens ports, runs a command that is told where they are, and holds
 * them until it ends. The command has the standard descriptors and the terminal: it stays in this
 * process group, and nothing but trouble is printed beside it.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/stop.h"

/* As shells have it. */
#define CODE_NOT_EXECUTABLE 126
#define CODE_NOT_FOUND 127
#define CODE_SIGNAL 128
#define NAME_SIZE 64
#define PORT_SIZE 8

static const char run_help[] =
    "usage: porthole run [OPTION]... PORT[/tcp|/udp|/both]... -- CMD [ARG]...\n"
    "Opens ports, runs a command, holds them until it ends, and removes them. In ARG,\n"
    "{address} and {port} become the first port's outside. CMD has the same in\n"
    "PORTHOLE_EXTERNAL_ADDRESS and PORTHOLE_EXTERNAL_PORT, and each port's in\n"
    "PORTHOLE_EXTERNAL_PORT_TCP_8080 and so on.\n"
    "  -e, --external PORT    the port wished for outside (default: the same number)\n"
    "      --exact            fail rather than take another port outside\n"
    "  -t, --lifetime S       lease to ask for, from 20 s (default 7200)\n"
    "      --refresh S        renew this often, from 4 s (default: at half the lease)\n"
    "      --exec CMD         run by sh at every change, told by PORTHOLE_* variables\n"
    "      --exec-limit S     how long it may take (default 30)\n"
    "      --file PATH        keep addresses and ports in this file\n"
    "      --keep-going       start CMD even if a port cannot be opened\n"
    "      --timeout S        how long to wait for a result (default 10)\n"
    "  -d, --description TEXT what a UPnP gateway shows (default porthole)\n"
    "      --state FILE       where leases are noted for later; none = "
    "nowhere\n" PH_OPTIONS_HELP_TEXT
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "examples:\n"
    "  porthole run 25565/both -- java -jar server.jar\n"
    "  porthole run 8080 -- my-server --public-url http://{address}:{port}/\n"
    "exit codes: CMD's, or 1 failed, 2 usage, 3 no gateway, 4 refused, 5 timed out\n";

enum { OPTION_KEEP_GOING = PH_HOLD_OPTION_OWN };

static const struct option run_options[] = {
    PH_HOLD_TABLE, {"keep-going", no_argument, NULL, OPTION_KEEP_GOING}, {NULL, 0, NULL, 0}};

/* ---- The command's arguments and environment ------------------------------------------------- */

/* Replaces {port} and {address}; NULL = no memory. */
static char *fill_in(const char *text, const char *address, const char *port) {
    static const struct {
        const char *name;
        size_t len;
    } holders[] = {{"{port}", 6}, {"{address}", 9}};
    size_t longest = strlen(address) > PORT_SIZE ? strlen(address) : PORT_SIZE;
    char *filled = malloc(strlen(text) * (longest + 1) + 1), *end = filled;
    if (!filled)
        return NULL;
    while (*text) {
        size_t i = 0;
        while (i < 2 && strncmp(text, holders[i].name, holders[i].len) != 0)
            i++;
        if (i == 2) {
            *end++ = *text++;
            continue;
        }
        const char *value = i == 0 ? port : address;
        memcpy(end, value, strlen(value));
        end += strlen(value);
        text += holders[i].len;
    }
    *end = '\0';
    return filled;
}

static void write_port(const struct ph_wish *wish, char ret[PORT_SIZE]) {
    ret[0] = '\0';
    if (wish->is_open)
        snprintf(ret, PORT_SIZE, "%u", (unsigned)wish->newest.external_port);
}

static bool set_environment(const struct ph_hold *hold) {
    bool ok = true;
    for (size_t i = 0; i < hold->set.count && ok; i++) {
        const struct ph_wish *wish = hold->set.wishes[i];
        const char *protocol = wish->protocol == PORTHOLE_TCP ? "TCP" : "UDP";
        const char *address = wish->is_open ? wish->newest.external_address : "";
        char name[NAME_SIZE], port[PORT_SIZE];
        write_port(wish, port);
        snprintf(name, sizeof name, "PORTHOLE_EXTERNAL_PORT_%s_%u", protocol, (unsigned)wish->port);
        ok = setenv(name, port, 1) == 0;
        snprintf(name, sizeof name, "PORTHOLE_EXTERNAL_ADDRESS_%s_%u", protocol,
                 (unsigned)wish->port);
        ok = ok && setenv(name, address, 1) == 0;
        if (i == 0)
            ok = ok && setenv("PORTHOLE_EXTERNAL_PORT", port, 1) == 0 &&
                 setenv("PORTHOLE_EXTERNAL_ADDRESS", address, 1) == 0;
    }
    return ok;
}

static _Noreturn void become_command(const struct ph_hold *hold, char **argv) {
    const struct ph_wish *first = hold->set.wishes[0];
    char port[PORT_SIZE], quote[PH_OUTPUT_QUOTE_SIZE];
    bool ok = set_environment(hold);
    write_port(first, port);
    for (char **argument = argv + 1; ok && *argument; argument++)
        ok = (*argument = fill_in(*argument, first->is_open ? first->newest.external_address : "",
                                  port)) != NULL;
    ph_stop_leave_to_child();
    if (ok)
        execvp(argv[0], argv);
    int error = errno;
    ph_output_error(hold->options.command, "%s: %s", ph_output_quote(argv[0], quote),
                    strerror(error));
    _exit(error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE);
}

/* ---- Running it ------------------------------------------------------------------------------ */

static bool has_ended(pid_t pid, int *ret_status) {
    pid_t result;
    while ((result = waitpid(pid, ret_status, WNOHANG)) < 0 && errno == EINTR)
        continue;
    return result != 0;
}

/* Until the command ends: its exit status, or 128 and the signal that ended it. */
static int run_command(struct ph_hold *hold, char **argv) {
    int status = 0;
    sigset_t all, old;
    ph_stop_catch_also(SIGCHLD);
    ph_stop_forward();
    fflush(NULL);
    /* No handler of this process may run in the child: it has the same pipe. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        become_command(hold, argv);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (pid < 0) {
        ph_output_error(hold->options.command, "cannot start a process: %s", strerror(errno));
        return PH_EXITCODE_FAILED;
    }
    while (!has_ended(pid, &status)) {
        int number = ph_hold_turn(hold, -1);
        if (number > 0 && number != SIGCHLD)
            kill(pid, number);
        if (number < 0) {
            /* The command is worth more than its port. */
            ph_output_error(hold->options.command, "%s", porthole_strerror(number));
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
            break;
        }
    }
    ph_stop_forward_end();
    return WIFSIGNALED(status) ? CODE_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_with_ports(struct ph_hold *hold, bool keeps_going, char **argv) {
    hold->talk = PH_HOLD_TALK_TROUBLE;
    ph_output_give_away();
    int code = ph_hold_open(hold);
    if (code != PH_EXITCODE_DONE)
        return ph_hold_close(hold, code);
    int number = ph_hold_settle(hold);
    if (number > 0) {
        ph_output_error(hold->options.command, "interrupted");
        return ph_hold_close(hold, CODE_SIGNAL + number);
    }
    if (number < 0)
        ph_output_error(hold->options.command, "%s", porthole_strerror(number));
    code = ph_exitcode_of(number < 0 ? number : hold->first_error);
    if (code != PH_EXITCODE_DONE && !keeps_going) {
        code = ph_hold_close(hold, code);
        ph_options_advise(&hold->options, code);
        return code;
    }
    code = run_command(hold, argv);
    (void)ph_hold_close(hold, code);
    return code;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

/* Where the command begins: behind the first --; argc = there is none. */
static int find_command(int argc, char **argv) {
    int at = 1;
    while (at < argc && strcmp(argv[at], "--") != 0)
        at++;
    return at;
}

int ph_cmd_run(int argc, char **argv) {
    struct ph_hold hold = {.options = {.command = argv[0]}};
    bool keeps_going = false;
    int own = find_command(argc, argv);
    for (;;) {
        int option = ph_options_next(&hold.options, own, argv, PH_HOLD_LETTERS, run_options);
        if (option == PH_OPTIONS_HELP) {
            fputs(run_help, stdout);
            return PH_EXITCODE_DONE;
        }
        if (option == PH_OPTIONS_END)
            break;
        if (option == OPTION_KEEP_GOING)
            keeps_going = true;
        else if (option == PH_OPTIONS_BAD || !ph_hold_option(&hold, option))
            return PH_EXITCODE_USAGE;
    }
    if (hold.options.json) {
        ph_output_error(argv[0], "'--json' is not an option here: standard output is CMD's");
        return PH_EXITCODE_USAGE;
    }
    if (own + 1 >= argc && own > optind) {
        ph_output_error(argv[0], "no -- and CMD follow the ports; see porthole run --help");
        return PH_EXITCODE_USAGE;
    }
    int code = PH_EXITCODE_USAGE;
    if (ph_options_agree(&hold.options))
        code = ph_hold_ports(&hold, own - optind, argv + optind);
    if (code == PH_EXITCODE_DONE)
        code = run_with_ports(&hold, keeps_going, argv + own + 1);
    ph_hold_free(&hold);
    return code;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * main.c: the command `porthole`: finds the subcommand in a table and runs it. It also sees to what
 * all of them rely on: the three standard descriptors are taken, writing to a closed pipe or to a
 * file that is as large as it may be is an error instead of a death, and output that could not be
 * written is reported.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <porthole/porthole.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/output.h"

static const struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"map", ph_cmd_map, "open ports and hold them until interrupted"},
    {"run", ph_cmd_run, "open ports for as long as a command runs"},
    {"serve", ph_cmd_serve, "hold the ports of a configuration file: a service"},
    {"check-config", ph_cmd_check_config, "say what is wrong with a configuration file"},
    {"unmap", ph_cmd_unmap, "remove what an earlier process left open"},
    {"list", ph_cmd_list, "show what the router has open, and whose it is"},
    {"probe", ph_cmd_probe, "show what the gateway speaks"},
    {"doctor", ph_cmd_doctor, "find out why nobody can reach this host"},
    {"address", ph_cmd_address, "print the external address"},
    {"gateway", ph_cmd_gateway, "be a gateway, to try and test against"},
    {"demo", ph_cmd_demo, "watch ports being opened and used, on this machine alone"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *out) {
    fputs("porthole opens a port through the router in the way (PCP, NAT-PMP, UPnP-IGD),\n"
          "keeps it open, and gives it back.\n"
          "usage: porthole COMMAND [OPTION]... [ARGUMENT]...\n"
          "\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "examples:\n"
          "  porthole map 8080                      open TCP port 8080 until Ctrl-C\n"
          "  porthole map --once --json 25565/udp   open, print, leave it to its lease\n"
          "  porthole run 8080 -- python3 -m http.server 8080\n"
          "  porthole doctor                        why can nobody reach me?\n"
          "`porthole help COMMAND` lists its options, `porthole --version` the version.\n"
          "exit codes: 0 done, 1 failed, 2 usage, 3 no gateway, 4 refused, 5 timed out\n",
          out);
}

static int unknown_command(const char *name) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    ph_output_error(NULL, "%s is not a command; see porthole --help", ph_output_quote(name, quote));
    return PH_EXITCODE_USAGE;
}

static int help(int argc, char **argv) {
    if (argc < 2) {
        print_help(stdout);
        return PH_EXITCODE_DONE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    char option[] = "--help";
    char *arguments[] = {argv[1], option, NULL};
    return command->main(2, arguments);
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return PH_EXITCODE_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0) {
        ph_output_line("porthole %s", porthole_version());
        return PH_EXITCODE_DONE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return help(1, argv + 1);
    if (strcmp(first, "help") == 0)
        return help(argc - 1, argv + 1);
    const struct command *command = find_command(first);
    return command ? command->main(argc - 1, argv + 1) : unknown_command(first);
}

/* A descriptor 0, 1 or 2 that is closed would be given to the next socket, and the text meant for
 * it would go there. It is filled with something that fails when it is used. */
static void take_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

int main(int argc, char **argv) {
    take_standard_descriptors();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
    int code = run(argc, argv);
    if (ph_output_complain(NULL) && code == PH_EXITCODE_DONE)
        code = PH_EXITCODE_FAILED;
    return code;
}

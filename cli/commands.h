/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * commands.h: the subcommands of `porthole`. Each is a main function of its own: argv[0] is the
 * subcommand's name, the return value is the exit code (exitcode.h). They share options.h for
 * arguments and output.h for what is printed; the table of them is in main.c.
 */
#ifndef PH_CLI_COMMANDS_H
#define PH_CLI_COMMANDS_H

int ph_cmd_map(int argc, char **argv);
int ph_cmd_run(int argc, char **argv);
int ph_cmd_serve(int argc, char **argv);
int ph_cmd_check_config(int argc, char **argv);
int ph_cmd_unmap(int argc, char **argv);
int ph_cmd_list(int argc, char **argv);
int ph_cmd_probe(int argc, char **argv);
int ph_cmd_doctor(int argc, char **argv);
int ph_cmd_address(int argc, char **argv);
int ph_cmd_gateway(int argc, char **argv);
int ph_cmd_demo(int argc, char **argv);

#endif

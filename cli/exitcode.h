/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * exitcode.h: what the command's exit codes mean. They are a contract with scripts: numbers are
 * never given another meaning.
 */
#ifndef PH_CLI_EXITCODE_H
#define PH_CLI_EXITCODE_H

enum ph_exitcode {
    PH_EXITCODE_DONE = 0,
    PH_EXITCODE_FAILED = 1,
    PH_EXITCODE_USAGE = 2,
    PH_EXITCODE_NO_GATEWAY = 3, /* none answered, or there is no way to one */
    PH_EXITCODE_REFUSED = 4,    /* the gateway said no */
    PH_EXITCODE_TIMEOUT = 5
};

/* The exit code for a number of enum porthole_error; 0 or more is DONE. */
int ph_exitcode_of(int error);

#endif

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * demo_gateway.h: the demo's gateway, the embedded one in a process of its own, on loopback
 * addresses that are free. It ends when it is stopped, and also when the demo dies.
 */
#ifndef PH_CLI_DEMO_GATEWAY_H
#define PH_CLI_DEMO_GATEWAY_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <sys/types.h>

#define PH_DEMO_GATEWAY_PROBLEM_SIZE 160
#define PH_DEMO_GATEWAY_ADDRESS_SIZE 24

struct ph_demo_gateway {
    pid_t pid;
    int stop_fd;  /* closing it ends the gateway */
    int alive_fd; /* at its end when the gateway is gone */
    char internal[PH_DEMO_GATEWAY_ADDRESS_SIZE];
    char external[PH_DEMO_GATEWAY_ADDRESS_SIZE];
    char outside[PH_DEMO_GATEWAY_ADDRESS_SIZE]; /* for somebody on the far side */
};

/* It serves when this returns. False: ret_problem says why not, and nothing is left to stop. */
bool ph_demo_gateway_start(struct ph_demo_gateway *gateway,
                           char ret_problem[PH_DEMO_GATEWAY_PROBLEM_SIZE]);
void ph_demo_gateway_stop(struct ph_demo_gateway *gateway);

#endif

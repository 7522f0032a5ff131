/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_host_stub.c: where nobody has written yet how this system tells its interfaces and routes.
 * The report then has what the library knows, and no more.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/utsname.h>
#include <unistd.h>

#include "cli/doctor_parts.h"

void ph_doctor_host_look(struct ph_doctor_report *report) {
    struct utsname system;
    if (uname(&system) != 0)
        return;
    ph_doctor_format(report->system, sizeof report->system, "%.20s %.60s %.20s", system.sysname,
                     system.release, system.machine);
    ph_span_print(ph_span_of(system.nodename), report->host, sizeof report->host);
    report->way.is_there = true; /* the router's word counts */
}

void ph_doctor_host_neighbours(struct ph_doctor_report *report) { report->neighbour_count = 0; }

int ph_doctor_host_listen(const char *interface) {
    (void)interface;
    return -1;
}

unsigned ph_doctor_host_heard(int fd, const char *local, uint16_t port) {
    (void)fd;
    (void)local;
    (void)port;
    return 0;
}

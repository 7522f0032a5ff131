// SPDX-License-Identifier: MIT OR Apache-2.0
//
// bench-peer-natpmp: libnatpmp, used as its own natpmpc uses it: the external address, then one
// mapping (or N, one after another: the library keeps one request in flight). From init to mapped.
#define _DEFAULT_SOURCE
#include "timing.h"
#include <errno.h>
#include <natpmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/select.h>

enum { FIRST_PORT = 20000, LIFETIME_S = 7200 };

static int wait_reply(natpmp_t *natpmp, natpmpresp_t *ret_reply) {
    int result;
    do {
        fd_set readable;
        struct timeval timeout;
        FD_ZERO(&readable);
        FD_SET(natpmp->s, &readable);
        getnatpmprequesttimeout(natpmp, &timeout);
        select(FD_SETSIZE, &readable, NULL, NULL, &timeout);
        result = readnatpmpresponseorretry(natpmp, ret_reply);
    } while (result == NATPMP_TRYAGAIN);
    return result;
}

int main(int argc, char **argv) {
    int wanted = argc > 1 ? atoi(argv[1]) : 1;
    double started_ms = timing_now_ms();
    natpmp_t natpmp;
    natpmpresp_t reply;
    if (initnatpmp(&natpmp, 0, 0) < 0 || sendpublicaddressrequest(&natpmp) < 0) {
        return timing_report(0, wanted, started_ms, "init");
    }
    if (wait_reply(&natpmp, &reply) != 0) {
        return timing_report(0, wanted, started_ms, "no address");
    }
    int ok = 0;
    for (int i = 0; i < wanted; i++) {
        uint16_t port = (uint16_t)(FIRST_PORT + i);
        if (sendnewportmappingrequest(&natpmp, NATPMP_PROTOCOL_TCP, port, port, LIFETIME_S) >= 0 &&
            wait_reply(&natpmp, &reply) == 0) {
            ok++;
        }
    }
    int code = timing_report(ok, wanted, started_ms, "");
    closenatpmp(&natpmp);
    return code;
}

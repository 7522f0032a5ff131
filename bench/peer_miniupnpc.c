// SPDX-License-Identifier: MIT OR Apache-2.0
//
// bench-peer-miniupnpc: miniupnpc, used as its own upnpc uses it: discovery with the usual 2 s,
// a valid IGD, its external address, then one mapping (or N). From discovery to mapped.
#define _DEFAULT_SOURCE
#include "timing.h"
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>
#include <stdlib.h>

enum { FIRST_PORT = 20000, DISCOVERY_MS = 2000 };

static int valid_igd(struct UPNPDev *devices, struct UPNPUrls *urls, struct IGDdatas *data,
                     char *own, int own_bytes) {
#if MINIUPNPC_API_VERSION >= 18
    char external[64];
    return UPNP_GetValidIGD(devices, urls, data, own, own_bytes, external, sizeof external);
#else
    return UPNP_GetValidIGD(devices, urls, data, own, own_bytes);
#endif
}

int main(int argc, char **argv) {
    int wanted = argc > 1 ? atoi(argv[1]) : 1;
    double started_ms = timing_now_ms();
    int error = 0;
    struct UPNPUrls urls;
    struct IGDdatas data;
    char own[64] = "", external[64] = "";
    struct UPNPDev *devices = upnpDiscover(DISCOVERY_MS, NULL, NULL, 0, 0, 2, &error);
    if (devices == NULL) {
        return timing_report(0, wanted, started_ms, "no device");
    }
    if (valid_igd(devices, &urls, &data, own, sizeof own) != 1 ||
        UPNP_GetExternalIPAddress(urls.controlURL, data.first.servicetype, external) != 0) {
        return timing_report(0, wanted, started_ms, "no gateway");
    }
    int ok = 0;
    for (int i = 0; i < wanted; i++) {
        char port[16];
        snprintf(port, sizeof port, "%d", FIRST_PORT + i);
        if (UPNP_AddPortMapping(urls.controlURL, data.first.servicetype, port, port, own, "bench",
                                "TCP", NULL, "7200") == UPNPCOMMAND_SUCCESS) {
            ok++;
        }
    }
    int code = timing_report(ok, wanted, started_ms, "");
    FreeUPNPUrls(&urls);
    freeUPNPDevlist(devices);
    return code;
}

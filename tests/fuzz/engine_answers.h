/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * engine_answers.h: what fuzz_engine.c has a UPnP device answer: bodies that suit the request, or
 * another one. Only fuzz_engine.c includes it.
 */
#ifndef TESTS_FUZZ_ENGINE_ANSWERS_H
#define TESTS_FUZZ_ENGINE_ANSWERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/soap.h"

static const char description[] =
    "<root><device><friendlyName>d</friendlyName><serviceList>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
    "<controlURL>/0</controlURL></service>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType>"
    "<controlURL>http://8.8.4.4/1</controlURL></service>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType>"
    "<controlURL>2</controlURL></service></serviceList></device></root>";

/* The body of an answer that suits the request, or of another one. */
static inline size_t write_body(const char *request, uint8_t kind, uint8_t detail, char *ret,
                                size_t size) {
    static const char *const addresses[] = {"1.2.3.4", "1.2.3.5", "0.0.0.0", "192.168.1.9", "x"};
    static const unsigned faults[] = {402, 501, 606, 714, 718, 725, 728, 729};
    static const struct ph_soap_argument entry[] = {{"NewExternalPort", "8080"},
                                                    {"NewProtocol", "TCP"},
                                                    {"NewInternalPort", "8080"},
                                                    {"NewInternalClient", "10.0.0.2"},
                                                    {"NewPortListing", "<l/>"}};
    bool is_entry = strstr(request, "GetGeneric") || strstr(request, "GetListOf");
    bool is_address = strstr(request, "GetExternalIPAddress") != NULL;
    struct ph_soap_argument address = {"NewExternalIPAddress", addresses[detail % 5]};
    int len = 0;
    if (kind == 1)
        len = ph_soap_encode_fault(faults[detail % (sizeof faults / sizeof faults[0])], "fault",
                                   ret, size);
    else if (strncmp(request, "GET", 3) == 0)
        len = snprintf(ret, size, "%s", description);
    else if (is_entry)
        len = ph_soap_encode_reply("urn:x", "Entry", entry, 1 + detail % 5U, ret, size);
    else
        len = ph_soap_encode_reply("urn:x", is_address ? "GetExternalIPAddress" : "AnyOther",
                                   &address, is_address ? 1 : 0, ret, size);
    if (len <= 0)
        abort();
    return (size_t)len;
}

#endif

// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The UPnP half of bench-floor: SSDP search, description, external address, AddPortMapping, each
// begun as soon as the one before is answered. Made for miniupnpd alone: it looks for strings and
// trusts them, which a real client must not do.
#define _GNU_SOURCE
#include "floor.h"
#include "timing.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, REPLY_BYTES_MAX = 65536 };

#define SERVICE "urn:schemas-upnp-org:service:WANIPConnection:"

struct place {
    struct in_addr address;
    unsigned port;
    char path[256];
    char version; // of the service: IGD:1 has WANIPConnection:1, IGD:2 has WANIPConnection:2
};

static char reply[REPLY_BYTES_MAX];

static bool search(struct place *ret_place) {
    static const char request[] = "M-SEARCH * HTTP/1.1\r\n"
                                  "HOST: 239.255.255.250:1900\r\n"
                                  "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                                  "MAN: \"ssdp:discover\"\r\n"
                                  "MX: 1\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1900)};
    inet_pton(AF_INET, "239.255.255.250", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        sendto(fd, request, sizeof request - 1, 0, (struct sockaddr *)&to, sizeof to) < 0) {
        return false;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ssize_t got = poll(&waiting, 1, PATIENCE_MS) == 1 ? recv(fd, reply, sizeof reply - 1, 0) : -1;
    close(fd);
    if (got <= 0) {
        return false;
    }
    reply[got] = '\0';
    const char *location = strcasestr(reply, "location:");
    char address[64];
    return location != NULL &&
           sscanf(location + strlen("location:"), " http://%63[0-9.]:%u%255[^\r\n ]", address,
                  &ret_place->port, ret_place->path) == 3 &&
           inet_pton(AF_INET, address, &ret_place->address) == 1;
}

// One exchange on a connection of its own; the answer, to its end, is in reply.
static bool exchange(const struct place *place, const char *request, int bytes, char *ret_own) {
    int fd = floor_connect(SOCK_STREAM, &place->address, place->port);
    if (ret_own != NULL) {
        unsigned char own[4];
        floor_own_address(fd, own);
        inet_ntop(AF_INET, own, ret_own, INET_ADDRSTRLEN);
    }
    if (send(fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
        close(fd);
        return false;
    }
    size_t used = 0;
    for (;;) {
        ssize_t got = recv(fd, reply + used, sizeof reply - 1 - used, 0);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
        reply[used] = '\0';
        const char *body = strstr(reply, "\r\n\r\n");
        const char *length = strcasestr(reply, "content-length:");
        if (body != NULL && length != NULL && length < body &&
            used >= (size_t)(body + 4 - reply) +
                        strtoul(length + strlen("content-length:"), NULL, 10)) {
            break; // not waiting for the connection's end saves a packet's time
        }
    }
    close(fd);
    return used > 0 && strstr(reply, " 200 ") != NULL;
}

static bool get_description(struct place *place, char *ret_own) {
    char request[512];
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &place->address, address, sizeof address);
    int bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n",
                         place->path, address, place->port);
    if (!exchange(place, request, bytes, ret_own)) {
        return false;
    }
    const char *service = strstr(reply, SERVICE);
    const char *url = service != NULL ? strstr(service, "<controlURL>") : NULL;
    if (url == NULL) {
        return false;
    }
    place->version = service[strlen(SERVICE)];
    return sscanf(url, "<controlURL>%255[^<]", place->path) == 1;
}

static bool call(const struct place *place, const char *action, const char *arguments) {
    char body[1024], request[2048], address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &place->address, address, sizeof address);
    int bytes = snprintf(body, sizeof body,
                         "<?xml version=\"1.0\"?>\r\n"
                         "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                         "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
                         "<u:%s xmlns:u=\"" SERVICE "%c\">%s</u:%s></s:Body></s:Envelope>",
                         action, place->version, arguments, action);
    bytes = snprintf(request, sizeof request,
                     "POST %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Length: %d\r\n"
                     "Content-Type: text/xml; charset=\"utf-8\"\r\n"
                     "SOAPAction: \"" SERVICE "%c#%s\"\r\n\r\n%s",
                     place->path, address, place->port, bytes, place->version, action, body);
    return exchange(place, request, bytes, NULL);
}

int floor_upnp(int port) {
    double started_ms = timing_now_ms();
    struct place place;
    char own[INET_ADDRSTRLEN] = "";
    char arguments[512];
    if (!search(&place)) {
        return timing_report(0, 1, started_ms, "no answer to the search");
    }
    if (!get_description(&place, own)) {
        return timing_report(0, 1, started_ms, "no description");
    }
    if (!call(&place, "GetExternalIPAddress", "")) {
        return timing_report(0, 1, started_ms, "no external address");
    }
    snprintf(arguments, sizeof arguments,
             "<NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort>"
             "<NewProtocol>TCP</NewProtocol><NewInternalPort>%d</NewInternalPort>"
             "<NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>"
             "<NewPortMappingDescription>floor</NewPortMappingDescription>"
             "<NewLeaseDuration>7200</NewLeaseDuration>",
             port, port, own);
    bool ok = call(&place, "AddPortMapping", arguments);
    return timing_report(ok ? 1 : 0, 1, started_ms, ok ? "" : "not added");
}

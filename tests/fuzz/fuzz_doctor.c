/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_doctor.c: the input is a list of packets as a client's tap shows them, each with a kind, a
 * peer and an exchange. Whatever arrives, a report comes of it: judged, redacted, and every text in
 * it printable.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cli/doctor_parts.h"
#include "require.h"

#define HEAD_SIZE 5U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_printable(const char *text, size_t size) {
    REQUIRE(memchr(text, '\0', size) != NULL);
    for (const char *at = text; *at; at++)
        REQUIRE(*at >= 0x20 && *at <= 0x7e);
}

#define PRINTABLE(field) require_printable(field, sizeof(field))

static void check_report(const struct ph_doctor_report *report) {
    REQUIRE(report->attempt_count <= PH_DOCTOR_ATTEMPTS_MAX);
    REQUIRE(report->device_count <= PH_DOCTOR_DEVICES_MAX);
    for (size_t i = 0; i < report->attempt_count; i++) {
        const struct ph_doctor_attempt *one = &report->attempts[i];
        PRINTABLE(one->what);
        PRINTABLE(one->to);
        PRINTABLE(one->from);
        PRINTABLE(one->text);
        REQUIRE(one->start_ms <= one->end_ms && one->send_count > 0);
    }
    for (size_t i = 0; i < report->device_count; i++) {
        const struct ph_doctor_device *device = &report->devices[i];
        PRINTABLE(device->address);
        PRINTABLE(device->url);
        PRINTABLE(device->server);
        PRINTABLE(device->name);
        PRINTABLE(device->maker);
        PRINTABLE(device->model);
        PRINTABLE(device->service);
    }
    PRINTABLE(report->reason);
    for (size_t i = 0; i < report->note_count; i++)
        PRINTABLE(report->notes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const peers[] = {"192.168.1.1", "192.168.1.3", "239.255.255.250", ""};
    static struct ph_doctor_report report;
    static struct ph_doctor_attempts attempts;
    double at_ms = 0;
    memset(&report, 0, sizeof report);
    memset(&attempts, 0, sizeof attempts);
    attempts.report = &report;
    report.way.is_there = true;
    ph_doctor_format(report.gateway, sizeof report.gateway, "%s", peers[0]);
    ph_doctor_set_address(&report.local, "192.168.1.5");
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i].method = (enum porthole_method)(PORTHOLE_PCP + (int)i);

    while (size >= HEAD_SIZE) {
        size_t len = (size_t)data[3] << 8 | data[4];
        struct porthole_packet packet = {.size = sizeof packet,
                                         .type = (enum porthole_tap_type)(1 + (data[0] & 3)),
                                         .channel =
                                             (enum porthole_tap_channel)(1 + (data[0] >> 2 & 3)),
                                         .port = 1900,
                                         .exchange = data[2] & 7U,
                                         .error = -(int)data[2],
                                         .status = data[2] & 8 ? 200 : 500};
        ph_doctor_format(packet.peer, sizeof packet.peer, "%s", peers[data[1] & 3]);
        data += HEAD_SIZE;
        size -= HEAD_SIZE;
        packet.len = len < size ? len : size;
        packet.bytes = data;
        data += packet.len;
        size -= packet.len;
        ph_doctor_attempts_see(&attempts, &packet, at_ms++);
    }
    ph_doctor_attempts_end(&attempts, at_ms);
    ph_doctor_judge(&report);
    check_report(&report);
    ph_doctor_redact(&report);
    check_report(&report);
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_doctor_redact.c: a report that is to be posted holds nothing of what tells who or where it
 * is about: not in what is printed, and nowhere else in the struct either.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/doctor_parts.h"

#define HOST "annas-laptop"
#define INTERFACE "wlp3s0"
#define TUNNEL "wg-office"
#define LOCAL "192.168.178.23"
#define LOCAL_V6 "2001:db9:12:34::5"
#define GATEWAY "192.168.178.1"
#define OTHER "10.20.30.40"
#define WAN "81.2.69.160"
#define SHARED "100.70.80.90"
#define MAC "dc:a6:32:12:34:56"
#define GATEWAY_MAC "44-4e-6d-ab-cd-ef"
#define DEVICE "Familie Muster 7490"
#define UUID "75802409-bccb-40e7-8e6c-444e6dabcdef"
#define SERIAL "00040E123456"

static const char *const secrets[] = {HOST,    INTERFACE,   TUNNEL, LOCAL,  LOCAL_V6,
                                      GATEWAY, OTHER,       WAN,    SHARED, MAC,
                                      DEVICE,  GATEWAY_MAC, UUID,   SERIAL};
#define SECRETS (sizeof secrets / sizeof *secrets)

static struct ph_doctor_report report;

#define SET(field, ...) ph_doctor_format((field), sizeof(field), __VA_ARGS__)

static void fill_host(void) {
    SET(report.host, "%s", HOST);
    SET(report.system, "Linux 6.1.0-18-amd64 x86_64");
    report.interface_count = 2;
    SET(report.interfaces[0].name, "%s", INTERFACE);
    SET(report.interfaces[0].mac, "%s", MAC);
    report.interfaces[0].address_count = 2;
    ph_doctor_set_address(&report.interfaces[0].addresses[0], LOCAL);
    ph_doctor_set_address(&report.interfaces[0].addresses[1], LOCAL_V6);
    SET(report.interfaces[1].name, "%s", TUNNEL);
    report.route_count = 2;
    SET(report.routes[0].destination, "default");
    SET(report.routes[0].gateway, "%s", GATEWAY);
    SET(report.routes[0].interface, "%s", INTERFACE);
    SET(report.routes[1].destination, "0.0.0.0/1");
    SET(report.routes[1].gateway, "%s", OTHER);
    SET(report.routes[1].interface, "%s", TUNNEL);
    report.neighbour_count = 1;
    SET(report.neighbours[0].address, "%s", GATEWAY);
    SET(report.neighbours[0].mac, "%s", GATEWAY_MAC);
    SET(report.neighbours[0].interface, "%s", INTERFACE);
    report.neighbours[0].is_gateway = report.neighbours[0].is_resolved = true;
    report.way.is_there = true;
    SET(report.way.gateway, "%s", GATEWAY);
    SET(report.way.source, "%s", LOCAL);
    SET(report.way.interface, "%s", INTERFACE);
    report.firewall.is_read = true;
    SET(report.firewall.what, "nftables, 1 chain for input, for %s", LOCAL);
    SET(report.firewall.hint, "%s", WAN);
    SET(report.firewall.answers.rule, "rule 1 of chain inet %s input", MAC);
    SET(report.firewall.strays.rule, "%s", OTHER);
    SET(report.firewall.inbound_tcp.rule, "%s", SHARED);
    SET(report.firewall.inbound_udp.rule, "(%s)", LOCAL_V6);
}

static void fill_answers(void) {
    SET(report.gateway, "%s", GATEWAY);
    ph_doctor_set_address(&report.local, LOCAL);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        struct ph_doctor_method *method = &report.methods[i];
        method->method = (enum porthole_method)(PORTHOLE_PCP + (int)i);
        method->is_asked = method->is_tried = true;
        SET(method->text, "ask %s, or %s:5351", GATEWAY, OTHER);
        ph_doctor_set_address(&method->external, WAN);
        ph_doctor_set_address(&method->trial_external, WAN);
        SET(method->trial_text, "no room at %s.", WAN);
    }
    report.device_count = 2;
    for (size_t i = 0; i < 2; i++) {
        struct ph_doctor_device *device = &report.devices[i];
        SET(device->address, "%s", i == 0 ? GATEWAY : OTHER);
        SET(device->url, "http://%s:49000/%s/igddesc.xml?%s", device->address, UUID, SERIAL);
        SET(device->server, "FRITZ!Box UPnP/1.0 AVM %s %s", GATEWAY_MAC, SERIAL);
        SET(device->name, "%s", DEVICE);
        SET(device->maker, "AVM Berlin");
        SET(device->model, "FRITZ!Box 7490 %s", SERIAL);
        SET(device->service, "WANIPConnection:1");
    }
    report.devices[0].is_gateway = report.devices[0].is_used = true;
    report.attempt_count = 1;
    struct ph_doctor_attempt *attempt = &report.attempts[0];
    attempt->method = PORTHOLE_UPNP;
    SET(attempt->what, "GET /%s.xml", UUID);
    SET(attempt->to, "%s:1900, 239.255.255.250:1900", GATEWAY);
    SET(attempt->from, "[%s]:1900", LOCAL_V6);
    SET(attempt->text, "%s, described at http://%s:49000/%s, by " HOST, DEVICE, OTHER, SERIAL);
}

static void fill(void) {
    report = (struct ph_doctor_report){.is_map_allowed = true};
    fill_host();
    fill_answers();
    ph_doctor_judge(&report);
}

/* What a function prints to standard output; to be freed. */
static char *printed(void (*print)(const struct ph_doctor_report *)) {
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(stdout);
    int before = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    print(&report);
    (void)fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    (void)close(before);
    long size = (fseek(file, 0, SEEK_END), ftell(file));
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

static void expect_no_secret(const char *text) {
    for (size_t i = 0; i < SECRETS; i++)
        if (strstr(text, secrets[i]))
            fail_msg("%s is in %s", secrets[i], text);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void secrets_are_told_without_redaction(void **state) {
    (void)state;
    fill();
    char *text = printed(ph_doctor_print_json);
    for (size_t i = 0; i < SECRETS; i++)
        assert_non_null(strstr(text, secrets[i]));
    free(text);
}

static void no_output_tells_a_secret(void **state) {
    (void)state;
    fill();
    ph_doctor_redact(&report);
    char *text = printed(ph_doctor_print_text), *json = printed(ph_doctor_print_json);
    assert_true(strlen(text) > 1000 && strlen(json) > 1000);
    expect_no_secret(text);
    expect_no_secret(json);
    free(text);
    free(json);
}

static void nothing_is_left_anywhere_in_the_report(void **state) {
    (void)state;
    fill();
    ph_doctor_redact(&report);
    for (size_t i = 0; i < SECRETS; i++)
        if (memmem(&report, sizeof report, secrets[i], strlen(secrets[i])))
            fail_msg("%s is in the struct", secrets[i]);
}

static void the_same_is_replaced_by_the_same(void **state) {
    (void)state;
    fill();
    ph_doctor_redact(&report);
    assert_string_equal(report.gateway, report.routes[0].gateway);
    assert_string_equal(report.gateway, report.devices[0].address);
    assert_string_equal(report.gateway, report.neighbours[0].address);
    assert_string_not_equal(report.gateway, report.local.text);
    assert_string_equal(report.local.text, report.way.source);
    assert_string_equal(report.methods[0].external.text, report.methods[2].trial_external.text);
    assert_string_equal(report.way.interface, report.interfaces[0].name);
    assert_non_null(strstr(report.attempts[0].to, report.gateway));
}

static void kinds_of_addresses_stay(void **state) {
    (void)state;
    fill();
    ph_doctor_redact(&report);
    assert_string_equal(report.methods[0].external.text, "public-2");
    assert_int_equal(report.methods[0].external.reach, PORTHOLE_REACH_PUBLIC);
    assert_string_equal(report.interfaces[0].addresses[1].text, "public6-1");
    assert_string_equal(report.local.text, "private-1");
    assert_string_equal(report.firewall.inbound_tcp.rule, "shared-1");
    assert_string_equal(report.attempts[0].from, "[public6-1]:1900");
    assert_string_equal(report.interfaces[0].mac, "mac-1");
    assert_string_equal(report.host, "host-1");
    assert_string_equal(report.devices[0].name, "device-1");
}

static void what_tells_nothing_stays(void **state) {
    (void)state;
    fill();
    ph_doctor_redact(&report);
    assert_non_null(strstr(report.attempts[0].to, "239.255.255.250:1900"));
    assert_string_equal(report.routes[0].destination, "default");
    assert_string_equal(report.routes[1].destination, "0.0.0.0/1");
    assert_string_equal(report.devices[0].maker, "AVM Berlin");
    assert_non_null(strstr(report.devices[0].model, "FRITZ!Box 7490"));
    assert_string_equal(report.system, "Linux 6.1.0-18-amd64 x86_64");
    assert_non_null(strstr(report.devices[0].url, "igddesc.xml"));
}

static void the_verdict_stays_and_its_words_are_made_anew(void **state) {
    (void)state;
    fill();
    enum ph_doctor_verdict verdict = report.verdict;
    size_t advice_count = report.advice_count, note_count = report.note_count;
    assert_non_null(strstr(report.reason, WAN));
    ph_doctor_redact(&report);
    assert_int_equal(report.verdict, verdict);
    assert_int_equal(report.advice_count, advice_count);
    assert_int_equal(report.note_count, note_count);
    assert_non_null(strstr(report.reason, "public-2"));
    assert_true(report.is_redacted);
}

static void words_and_versions_are_no_numbers(void **state) {
    (void)state;
    fill();
    SET(report.methods[0].text, "facade deadbeef 1234567 12:34:56 OUT_OF_RESOURCES (4)");
    ph_doctor_redact(&report);
    assert_string_equal(report.methods[0].text,
                        "facade deadbeef 1234567 12:34:56 OUT_OF_RESOURCES (4)");
}

static void a_text_that_is_full_stays_within_its_bounds(void **state) {
    (void)state;
    fill();
    /* Short addresses become longer. */
    for (size_t i = 0; i + 9 < sizeof report.attempts[0].text; i += 8)
        memcpy(report.attempts[0].text + i, "8.8.8.8 ", 9);
    ph_doctor_redact(&report);
    assert_true(strlen(report.attempts[0].text) < sizeof report.attempts[0].text);
    assert_null(strstr(report.attempts[0].text, "8.8.8.8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_told_without_redaction),
        cmocka_unit_test(no_output_tells_a_secret),
        cmocka_unit_test(nothing_is_left_anywhere_in_the_report),
        cmocka_unit_test(the_same_is_replaced_by_the_same),
        cmocka_unit_test(kinds_of_addresses_stay),
        cmocka_unit_test(what_tells_nothing_stays),
        cmocka_unit_test(the_verdict_stays_and_its_words_are_made_anew),
        cmocka_unit_test(words_and_versions_are_no_numbers),
        cmocka_unit_test(a_text_that_is_full_stays_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_soap.c: SOAP requests, replies and faults (src/wire/soap.c), byte for byte on the way out
 * and as tolerant as the field needs on the way in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <porthole/porthole.h>

#include "wire/soap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define WAN_IP1 "urn:schemas-upnp-org:service:WANIPConnection:1"
#define ENVELOPE_OPEN                                                                              \
    "<?xml version=\"1.0\"?>\r\n"                                                                  \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""                            \
    " s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
#define ENVELOPE_CLOSE "</s:Body></s:Envelope>\r\n"
#define ENVELOPE(body) ENVELOPE_OPEN body ENVELOPE_CLOSE

/* ---- Writing --------------------------------------------------------------------------------- */

enum encoder { REQUEST, REPLY, FAULT };

static int encode(enum encoder encoder, const struct ph_soap_argument *arguments, size_t count,
                  char *ret, size_t size) {
    if (encoder == FAULT)
        return ph_soap_encode_fault(718, "ConflictInMappingEntry", ret, size);
    if (encoder == REPLY)
        return ph_soap_encode_reply(WAN_IP1, "AddPortMapping", arguments, count, ret, size);
    return ph_soap_encode_request(WAN_IP1, "AddPortMapping", arguments, count, ret, size);
}

static void assert_encodes(enum encoder encoder, const struct ph_soap_argument *arguments,
                           size_t count, const char *expected) {
    char buffer[PH_SOAP_BODY_SIZE];
    size_t len = strlen(expected);
    int n = encode(encoder, arguments, count, buffer, sizeof buffer - 1);
    assert_true(n >= 0);
    buffer[n] = '\0';
    assert_string_equal(buffer, expected);
    assert_int_equal(encode(encoder, arguments, count, buffer, len), len);
    for (size_t size = 0; size < len; size++)
        assert_int_equal(encode(encoder, arguments, count, buffer, size), PORTHOLE_ERR_TOO_LARGE);
}

/* UDA 1.1 §3.2.1, WANIPConnection:1 §2.4.16 */
static void request_is_byte_for_byte(void **state) {
    static const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", "5000"},
        {"NewProtocol", "TCP"},
        {"NewInternalPort", "5001"},
        {"NewInternalClient", "192.168.1.2"},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", "porthole"},
        {"NewLeaseDuration", "7200"},
    };
    (void)state;
    assert_encodes(REQUEST, arguments, LENGTH(arguments),
                   ENVELOPE("<u:AddPortMapping xmlns:u=\"" WAN_IP1 "\">"
                            "<NewRemoteHost></NewRemoteHost>"
                            "<NewExternalPort>5000</NewExternalPort>"
                            "<NewProtocol>TCP</NewProtocol>"
                            "<NewInternalPort>5001</NewInternalPort>"
                            "<NewInternalClient>192.168.1.2</NewInternalClient>"
                            "<NewEnabled>1</NewEnabled>"
                            "<NewPortMappingDescription>porthole</NewPortMappingDescription>"
                            "<NewLeaseDuration>7200</NewLeaseDuration>"
                            "</u:AddPortMapping>"));
}

static void request_without_arguments_is_byte_for_byte(void **state) {
    (void)state;
    assert_encodes(REQUEST, NULL, 0,
                   ENVELOPE("<u:AddPortMapping xmlns:u=\"" WAN_IP1 "\"></u:AddPortMapping>"));
}

/* UDA 1.1 §3.2.2 */
static void reply_is_byte_for_byte(void **state) {
    static const struct ph_soap_argument arguments[] = {{"NewReservedPort", "5000"}};
    (void)state;
    assert_encodes(REPLY, arguments, 1,
                   ENVELOPE("<u:AddPortMappingResponse xmlns:u=\"" WAN_IP1 "\">"
                            "<NewReservedPort>5000</NewReservedPort>"
                            "</u:AddPortMappingResponse>"));
}

/* UDA 1.1 §3.2.3 */
static void fault_is_byte_for_byte(void **state) {
    (void)state;
    assert_encodes(FAULT, NULL, 0,
                   ENVELOPE("<s:Fault><faultcode>s:Client</faultcode>"
                            "<faultstring>UPnPError</faultstring><detail>"
                            "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">"
                            "<errorCode>718</errorCode>"
                            "<errorDescription>ConflictInMappingEntry</errorDescription>"
                            "</UPnPError></detail></s:Fault>"));
}

/* A description is the user's, a service type is the device's: neither may add an element. */
static void values_cannot_break_out(void **state) {
    static const struct ph_soap_argument arguments[] = {
        {"A", "</A><NewInternalClient>10.9.9.9</NewInternalClient><A>"}, {"B", "\"&'\x01\x1b"}};
    char buffer[PH_SOAP_BODY_SIZE];
    struct ph_soap_message m;
    (void)state;
    int n = ph_soap_encode_request("x\"><NewProtocol>UDP</NewProtocol><y z=\"", "Act", arguments, 2,
                                   buffer, sizeof buffer);
    assert_true(n > 0);
    buffer[n] = '\0';
    assert_non_null(strstr(buffer, "<u:Act xmlns:u=\"x&quot;&gt;&lt;NewProtocol&gt;UDP"));
    assert_int_equal(ph_soap_decode((struct ph_span){buffer, (size_t)n}, &m), 0);
    assert_int_equal(m.value_count, 2);
    assert_string_equal(ph_soap_value(&m, "A"), arguments[0].value);
    assert_string_equal(ph_soap_value(&m, "B"), "\"&'");
}

static void request_of_the_largest_action_fits_its_buffer(void **state) {
    static char value[PH_SOAP_VALUE_SIZE];
    struct ph_soap_argument arguments[8];
    char buffer[PH_SOAP_BODY_SIZE];
    (void)state;
    memset(value, '1', sizeof value - 1);
    for (size_t i = 0; i < LENGTH(arguments); i++)
        arguments[i] = (struct ph_soap_argument){"NewPortMappingDescription", value};
    assert_true(encode(REQUEST, arguments, LENGTH(arguments), buffer, sizeof buffer) > 0);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static struct ph_soap_message decoded(struct ph_span document) {
    struct ph_soap_message m;
    char *copy = malloc(document.len);
    assert_non_null(copy);
    memcpy(copy, document.at, document.len);
    memset(&m, 0xff, sizeof m);
    int r = ph_soap_decode((struct ph_span){copy, document.len}, &m);
    free(copy);
    if (r != 0)
        fail_msg("%s: %d", document.at, r);
    return m;
}

static void reply_is_read(void **state) {
    struct ph_soap_message m =
        decoded(PH_SPAN(ENVELOPE("<u:GetSpecificPortMappingEntryResponse xmlns:u=\"" WAN_IP1 "\">"
                                 "<NewInternalPort>5001</NewInternalPort>"
                                 "<NewInternalClient> 192.168.1.2\n</NewInternalClient>"
                                 "<NewEnabled>1</NewEnabled><NewPortMappingDescription/>"
                                 "</u:GetSpecificPortMappingEntryResponse>")));
    (void)state;
    assert_string_equal(m.action, "GetSpecificPortMappingEntryResponse");
    assert_int_equal(m.error_code, 0);
    assert_int_equal(m.value_count, 4);
    assert_string_equal(ph_soap_value(&m, "NewInternalPort"), "5001");
    assert_string_equal(ph_soap_value(&m, "NewInternalClient"), "192.168.1.2");
    assert_string_equal(ph_soap_value(&m, "NewPortMappingDescription"), "");
    assert_null(ph_soap_value(&m, "NewLeaseDuration"));
}

/* Devices get prefixes and namespaces wrong, or forget to declare them. */
static void prefixes_and_namespaces_do_not_matter(void **state) {
    static const char *const texts[] = {
        "<Envelope><Body><GetExternalIPAddressResponse><NewExternalIPAddress>198.51.100.7"
        "</NewExternalIPAddress></GetExternalIPAddressResponse></Body></Envelope>",
        "<SOAP-ENV:Envelope><SOAP-ENV:Body><m:GetExternalIPAddressResponse xmlns:m=\"\">"
        "<m:NewExternalIPAddress dt:dt='string'>198.51.100.7</m:NewExternalIPAddress>"
        "</m:GetExternalIPAddressResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        "<s:Envelope xmlns:s=\"urn:wrong\"><s:Header><x/></s:Header><s:Body>\r\n"
        "<u:GetExternalIPAddressResponse xmlns:u=\"urn:schemas-upnp-org:service:Other:9\">\r\n"
        "<NewExternalIPAddress>198.51.100.7</NewExternalIPAddress>\r\n"
        "</u:GetExternalIPAddressResponse>\r\n</s:Body></s:Envelope>",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct ph_soap_message m = decoded(ph_span_of(texts[i]));
        assert_string_equal(m.action, "GetExternalIPAddressResponse");
        assert_string_equal(ph_soap_value(&m, "NewExternalIPAddress"), "198.51.100.7");
    }
}

static void values_are_direct_children_of_the_action(void **state) {
    struct ph_soap_message m =
        decoded(PH_SPAN("<e><Header><X><NewA>0</NewA></X></Header><Body><ActResponse>"
                        "<NewA>1</NewA><x><NewB>2</NewB></x></ActResponse>"
                        "<Other><NewC>3</NewC></Other></Body></e>"));
    (void)state;
    assert_string_equal(m.action, "ActResponse");
    assert_string_equal(ph_soap_value(&m, "NewA"), "1");
    assert_null(ph_soap_value(&m, "NewB"));
    assert_null(ph_soap_value(&m, "NewC"));
}

static void long_values_are_cut_and_long_names_left_out(void **state) {
    char text[1024], value[201], name[PH_SOAP_NAME_SIZE + 1];
    (void)state;
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "<e><Body><a><x>%s</x><%s>1</%s><%s>2</%s></a></Body></e>", value,
             name, name, name + 1, name + 1);
    struct ph_soap_message m = decoded(ph_span_of(text));
    assert_int_equal(m.value_count, 2);
    assert_int_equal(strlen(ph_soap_value(&m, "x")), PH_SOAP_VALUE_SIZE - 1);
    assert_null(ph_soap_value(&m, name));
    assert_string_equal(ph_soap_value(&m, name + 1), "2");
}

static int decode_arguments(size_t count, struct ph_soap_message *ret) {
    char text[512] = "<e><Body><a>";
    for (size_t i = 0; i < count; i++)
        strcat(text, "<x>1</x>");
    strcat(text, "</a></Body></e>");
    return ph_soap_decode(ph_span_of(text), ret);
}

static void arguments_have_a_cap(void **state) {
    struct ph_soap_message m;
    (void)state;
    assert_int_equal(decode_arguments(PH_SOAP_ARGUMENTS_MAX, &m), 0);
    assert_int_equal(m.value_count, PH_SOAP_ARGUMENTS_MAX);
    assert_int_equal(decode_arguments(PH_SOAP_ARGUMENTS_MAX + 1, &m), PORTHOLE_ERR_TOO_LARGE);
}

static void action_name_has_a_cap(void **state) {
    struct ph_soap_message m;
    char text[256], name[PH_SOAP_NAME_SIZE + 1];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "<e><Body><%s/></Body></e>", name);
    assert_int_equal(ph_soap_decode(ph_span_of(text), &m), PORTHOLE_ERR_TOO_LARGE);
    snprintf(text, sizeof text, "<e><Body><%s/></Body></e>", name + 1);
    assert_int_equal(ph_soap_decode(ph_span_of(text), &m), 0);
    assert_string_equal(m.action, name + 1);
}

static void own_fault_is_read(void **state) {
    char buffer[1024];
    (void)state;
    int n = ph_soap_encode_fault(725, "<Only>", buffer, sizeof buffer);
    struct ph_soap_message m = decoded((struct ph_span){buffer, (size_t)n});
    assert_string_equal(m.action, "");
    assert_int_equal(m.error_code, 725);
    assert_string_equal(m.error_text, "<Only>");
    assert_int_equal(m.value_count, 0);
}

#define FAULT_DETAIL(detail)                                                                       \
    ENVELOPE("<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>"        \
             "<detail>" detail "</detail></s:Fault>")

static void assert_fault(const char *text, unsigned code, const char *error_text) {
    struct ph_soap_message m = decoded(ph_span_of(text));
    assert_int_equal(m.error_code, code);
    assert_string_equal(m.error_text, error_text);
    assert_string_equal(m.action, "");
}

static void untidy_faults_are_read(void **state) {
    (void)state;
    assert_fault(FAULT_DETAIL("<u:UPnPError xmlns:u=\"x\"><u:errorCode> 606\r\n</u:errorCode>"
                              "<u:errorDescription>No\xc3\xa4&#9;!</u:errorDescription>"
                              "</u:UPnPError>"),
                 606, "No??\?!");
    assert_fault("<e><Body><Fault><errorCode>714</errorCode></Fault></Body></e>", 714, "");
    assert_fault("<e><Body><Fault><detail><errorDescription>first</errorDescription>"
                 "<errorCode>402</errorCode></detail><faultstring>last</faultstring></Fault>"
                 "</Body></e>",
                 402, "first");
    assert_fault(FAULT_DETAIL("<errorCode>718</errorCode><errorDescription/>"), 718, "UPnPError");
}

static void fault_without_a_code_is_action_failed(void **state) {
    (void)state;
    assert_fault(FAULT_DETAIL(""), 501, "UPnPError");
    assert_fault(FAULT_DETAIL("<errorCode></errorCode>"), 501, "UPnPError");
    assert_fault(FAULT_DETAIL("<errorCode>0</errorCode>"), 501, "UPnPError");
    assert_fault(FAULT_DETAIL("<errorCode>-911</errorCode>"), 501, "UPnPError");
    assert_fault(FAULT_DETAIL("<errorCode>4294967914</errorCode>"), 501, "UPnPError");
    assert_fault(FAULT_DETAIL("<errorCode>718x</errorCode>"), 501, "UPnPError");
    assert_fault("<e><Body><Fault/></Body></e>", 501, "");
}

static void documents_without_an_action_are_refused(void **state) {
    static const char *const texts[] = {
        "",
        "OK",
        "<Envelope/>",
        "<Envelope><Body/></Envelope>",
        "<Envelope><Body>text</Body></Envelope>",
        "<Envelope><body><a/></body></Envelope>",
        "<Body><a/></Body>",
        "<Envelope><x><Body><a/></Body></x></Envelope>",
        "<html><head/><body><Body><a/></Body></body></html>",
        "<Envelope><Body><a>",
        "<!DOCTYPE x><Envelope><Body><a/></Body></Envelope>",
        "<!DOCTYPE x [<!ENTITY e \"1\">]><Envelope><Body><a><b>&e;</b></a></Body></Envelope>",
    };
    struct ph_soap_message m;
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (ph_soap_decode(ph_span_of(texts[i]), &m) != PORTHOLE_ERR_MALFORMED)
            fail_msg("taken: %s", texts[i]);
}

/* A reply counts once its action is whole. */
static void every_truncation_is_refused(void **state) {
    static const char text[] = ENVELOPE("<u:A xmlns:u=\"x\"><B>&amp;1</B></u:A>");
    size_t whole = (size_t)(strstr(text, "</u:A>") - text) + strlen("</u:A>");
    struct ph_soap_message m;
    (void)state;
    for (size_t len = 0; len < whole; len++)
        assert_int_equal(ph_soap_decode((struct ph_span){text, len}, &m), PORTHOLE_ERR_MALFORMED);
    assert_int_equal(ph_soap_decode((struct ph_span){text, whole}, &m), 0);
}

static void second_try_counts_nothing_twice(void **state) {
    struct ph_soap_message m =
        decoded(PH_SPAN("<e><Body><ActResponse><a>1</a><b>R&D</b></ActResponse></Body></e>"));
    (void)state;
    assert_int_equal(m.value_count, 2);
    assert_string_equal(ph_soap_value(&m, "b"), "R&D");
}

static void deep_nesting_is_refused(void **state) {
    char *text = malloc(40000);
    struct ph_soap_message m;
    (void)state;
    assert_non_null(text);
    strcpy(text, "<e><Body><a>");
    size_t len = strlen(text);
    for (size_t i = 0; i < 10000; i++, len += 3)
        memcpy(text + len, "<x>", 3);
    assert_int_equal(ph_soap_decode((struct ph_span){text, len}, &m), PORTHOLE_ERR_TOO_LARGE);
    free(text);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* UDA 1.1 §3.2.2; WANIPConnection:1 §2.4.16 and :2 §2.5.16 */
static void upnp_errors_have_names_and_meanings(void **state) {
    static const struct {
        unsigned code;
        const char *name;
        int error;
    } rows[] = {
        {401, "InvalidAction", PORTHOLE_ERR_UNSUPPORTED},
        {402, "InvalidArgs", PORTHOLE_ERR_REFUSED},
        {501, "ActionFailed", PORTHOLE_ERR_REFUSED},
        {602, "OptionalActionNotImplemented", PORTHOLE_ERR_UNSUPPORTED},
        {606, "ActionNotAuthorized", PORTHOLE_ERR_NOT_AUTHORIZED},
        {713, "SpecifiedArrayIndexInvalid", PORTHOLE_ERR_REFUSED},
        {714, "NoSuchEntryInArray", PORTHOLE_ERR_REFUSED},
        {715, "WildCardNotPermittedInSrcIP", PORTHOLE_ERR_REFUSED},
        {716, "WildCardNotPermittedInExtPort", PORTHOLE_ERR_REFUSED},
        {718, "ConflictInMappingEntry", PORTHOLE_ERR_PORT_TAKEN},
        {724, "SamePortValuesRequired", PORTHOLE_ERR_REFUSED},
        {725, "OnlyPermanentLeasesSupported", PORTHOLE_ERR_REFUSED},
        {726, "RemoteHostOnlySupportsWildcard", PORTHOLE_ERR_REFUSED},
        {727, "ExternalPortOnlySupportsWildcard", PORTHOLE_ERR_REFUSED},
        {728, "NoPortMapsAvailable", PORTHOLE_ERR_NO_RESOURCES},
        {729, "ConflictWithOtherMechanisms", PORTHOLE_ERR_PORT_TAKEN},
        {732, "WildCardNotPermittedInIntPort", PORTHOLE_ERR_REFUSED},
        {733, "InconsistentParameters", PORTHOLE_ERR_REFUSED},
        {0, "?", PORTHOLE_ERR_REFUSED},
        {999, "?", PORTHOLE_ERR_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_string_equal(ph_upnp_error_name(rows[i].code), rows[i].name);
        assert_int_equal(ph_upnp_error_error(rows[i].code), rows[i].error);
    }
}

static void request_may_have_another_prefix(void **state) {
    (void)state;
    char body[1024];
    static const struct ph_soap_argument argument = {"NewA", "1"};
    int n = ph_soap_encode_request_as("m", "urn:x:1", "Act", &argument, 1, body, sizeof body);
    assert_true(n > 0 && (size_t)n < sizeof body);
    body[n] = '\0';
    assert_non_null(strstr(body, "<m:Act xmlns:m=\"urn:x:1\"><NewA>1</NewA></m:Act>"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_byte_for_byte),
        cmocka_unit_test(request_without_arguments_is_byte_for_byte),
        cmocka_unit_test(reply_is_byte_for_byte),
        cmocka_unit_test(fault_is_byte_for_byte),
        cmocka_unit_test(values_cannot_break_out),
        cmocka_unit_test(request_of_the_largest_action_fits_its_buffer),
        cmocka_unit_test(reply_is_read),
        cmocka_unit_test(prefixes_and_namespaces_do_not_matter),
        cmocka_unit_test(values_are_direct_children_of_the_action),
        cmocka_unit_test(long_values_are_cut_and_long_names_left_out),
        cmocka_unit_test(arguments_have_a_cap),
        cmocka_unit_test(action_name_has_a_cap),
        cmocka_unit_test(own_fault_is_read),
        cmocka_unit_test(untidy_faults_are_read),
        cmocka_unit_test(fault_without_a_code_is_action_failed),
        cmocka_unit_test(documents_without_an_action_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(second_try_counts_nothing_twice),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(upnp_errors_have_names_and_meanings),
        cmocka_unit_test(request_may_have_another_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

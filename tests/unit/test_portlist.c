/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_portlist.c: lists of port mappings (src/wire/portlist.c) as devices tell them: by index and
 * as a document, escaped and as CDATA, whole, cut off and with ill intent.
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

#include "wire/portlist.h"

#define KEPT_MAX 4U

struct kept {
    unsigned count;
    struct ph_portlist_entry entries[KEPT_MAX];
};

static void keep(void *user, const struct ph_portlist_entry *entry) {
    struct kept *kept = user;
    if (kept->count < KEPT_MAX)
        kept->entries[kept->count] = *entry;
    kept->count++;
}

#define ANSWER(listing)                                                                            \
    "<?xml version=\"1.0\"?>\r\n"                                                                  \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"                   \
    "<u:GetListOfPortMappingsResponse "                                                            \
    "xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:2\">"                                  \
    "<NewPortListing>" listing "</NewPortListing>"                                                 \
    "</u:GetListOfPortMappingsResponse></s:Body></s:Envelope>"
/* WANIPConnection:2 §2.3.26. */
#define LIST(entries)                                                                              \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"                                                   \
    "<p:PortMappingList xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\" "                      \
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">" entries "</p:PortMappingList>"
#define ENTRY(external, protocol, client, description)                                             \
    "<p:PortMappingEntry><p:NewRemoteHost></p:NewRemoteHost>"                                      \
    "<p:NewExternalPort>" external "</p:NewExternalPort>"                                          \
    "<p:NewProtocol>" protocol "</p:NewProtocol>"                                                  \
    "<p:NewInternalPort>2345</p:NewInternalPort>"                                                  \
    "<p:NewInternalClient>" client "</p:NewInternalClient>"                                        \
    "<p:NewEnabled>1</p:NewEnabled>"                                                               \
    "<p:NewDescription>" description "</p:NewDescription>"                                         \
    "<p:NewLeaseTime>345</p:NewLeaseTime></p:PortMappingEntry>"

static int read_text(const char *answer, struct kept *ret, unsigned *ret_fault) {
    ret->count = 0;
    return ph_portlist_read(ph_span_of(answer), keep, ret, ret_fault);
}

static void assert_web(const struct ph_portlist_entry *entry, const char *description) {
    struct ph_addr client = ph_addr_v4(192, 168, 1, 137);
    assert_int_equal(entry->external_port, 8080);
    assert_int_equal(entry->internal_port, 2345);
    assert_int_equal(entry->protocol, PORTHOLE_TCP);
    assert_true(entry->is_enabled);
    assert_int_equal(entry->lease_s, 345);
    assert_true(ph_addr_equal(&entry->client, &client));
    assert_string_equal(entry->client_name, "192.168.1.137");
    assert_string_equal(entry->remote_host, "");
    assert_string_equal(entry->description, description);
}

/* ---- By index -------------------------------------------------------------------------------- */

static struct ph_soap_message reply_of(const struct ph_soap_argument *arguments, size_t count) {
    struct ph_soap_message reply;
    char buffer[4096];
    int n =
        ph_soap_encode_reply("urn:schemas-upnp-org:service:WANIPConnection:1",
                             "GetGenericPortMappingEntry", arguments, count, buffer, sizeof buffer);
    assert_true(n > 0);
    assert_int_equal(ph_soap_decode((struct ph_span){buffer, (size_t)n}, &reply), 0);
    return reply;
}

static void entry_is_read_from_an_answer_by_index(void **state) {
    (void)state;
    static const struct ph_soap_argument arguments[] = {
        {"NewRemoteHost", ""},
        {"NewExternalPort", "8080"},
        {"NewProtocol", "TCP"},
        {"NewInternalPort", "2345"},
        {"NewInternalClient", "192.168.1.137"},
        {"NewEnabled", "1"},
        {"NewPortMappingDescription", "web"},
        {"NewLeaseDuration", "345"},
    };
    struct ph_soap_message reply = reply_of(arguments, 8);
    struct ph_portlist_entry entry;
    assert_int_equal(ph_portlist_from_reply(&reply, &entry), 0);
    assert_web(&entry, "web");
}

static void what_is_left_out_has_a_default(void **state) {
    (void)state;
    static const struct ph_soap_argument arguments[] = {
        {"NewExternalPort", " 0 "}, {"NewProtocol", "udp"}, {"NewRemoteHost", "0.0.0.0"}};
    struct ph_soap_message reply = reply_of(arguments, 3);
    struct ph_portlist_entry entry;
    assert_int_equal(ph_portlist_from_reply(&reply, &entry), 0);
    assert_int_equal(entry.external_port, 0);
    assert_int_equal(entry.protocol, PORTHOLE_UDP);
    assert_true(entry.is_enabled);
    assert_int_equal(entry.lease_s, 0);
    assert_true(ph_addr_is_unspecified(&entry.client));
    assert_string_equal(entry.remote_host, "");
}

static void entry_that_makes_no_sense_is_refused(void **state) {
    (void)state;
    static const struct ph_soap_argument cases[][3] = {
        {{"NewExternalPort", "65536"}, {"NewProtocol", "TCP"}, {"NewInternalPort", "1"}},
        {{"NewExternalPort", ""}, {"NewProtocol", ""}, {"NewInternalPort", ""}},
        {{"NewExternalPort", "80"}, {"NewProtocol", "SCTP"}, {"NewInternalPort", "80"}},
        {{"NewExternalPort", "80"}, {"NewProtocol", "TCP"}, {"NewInternalPort", "-1"}},
        {{"NewExternalPort", "80"}, {"NewInternalPort", "80"}, {"NewEnabled", "1"}},
        {{"NewProtocol", "TCP"}, {"NewInternalPort", "80"}, {"NewEnabled", "1"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph_soap_message reply = reply_of(cases[i], 3);
        struct ph_portlist_entry entry;
        assert_int_equal(ph_portlist_from_reply(&reply, &entry), PORTHOLE_ERR_MALFORMED);
    }
}

static void texts_are_made_printable_and_cut_off(void **state) {
    (void)state;
    char longest[PH_SOAP_VALUE_SIZE];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const struct ph_soap_argument arguments[] = {{"NewExternalPort", "80"},
                                                 {"NewProtocol", "TCP"},
                                                 {"NewInternalClient", "laptop\t.lan"},
                                                 {"NewEnabled", "No"},
                                                 {"NewPortMappingDescription", longest}};
    struct ph_soap_message reply = reply_of(arguments, 5);
    struct ph_portlist_entry entry;
    assert_int_equal(ph_portlist_from_reply(&reply, &entry), 0);
    assert_string_equal(entry.client_name, "laptop?.lan");
    assert_true(ph_addr_is_unspecified(&entry.client));
    assert_false(entry.is_enabled);
    assert_int_equal(strlen(entry.description), PH_PORTLIST_TEXT_SIZE - 1);
    longest[PH_PORTLIST_TEXT_SIZE - 2] = ' ';
    reply = reply_of(arguments, 5);
    assert_int_equal(ph_portlist_from_reply(&reply, &entry), 0);
    assert_int_equal(strlen(entry.description), PH_PORTLIST_TEXT_SIZE - 2);
}

/* ---- As a document --------------------------------------------------------------------------- */

static void list_is_read_escaped_and_as_cdata(void **state) {
    (void)state;
    static const char escaped[] =
        ANSWER("&lt;?xml version=&quot;1.0&quot;?&gt;"
               "&lt;p:PortMappingList&gt;&lt;p:PortMappingEntry&gt;"
               "&lt;p:NewExternalPort&gt;8080&lt;/p:NewExternalPort&gt;"
               "&lt;p:NewProtocol&gt;TCP&lt;/p:NewProtocol&gt;"
               "&lt;p:NewInternalPort&gt;2345&lt;/p:NewInternalPort&gt;"
               "&lt;p:NewInternalClient&gt;192.168.1.137&lt;/p:NewInternalClient&gt;"
               "&lt;p:NewDescription&gt;&amp;lt;b&amp;gt; &amp;amp; c&lt;/p:NewDescription&gt;"
               "&lt;p:NewLeaseTime&gt;345&lt;/p:NewLeaseTime&gt;"
               "&lt;/p:PortMappingEntry&gt;&lt;/p:PortMappingList&gt;");
    static const char cdata[] =
        ANSWER("<![CDATA[" LIST(ENTRY("8080", "TCP", "192.168.1.137", "&lt;b&gt; &amp; c")) "]]>");
    const char *const answers[] = {escaped, cdata};
    for (unsigned i = 0; i < 2; i++) {
        struct kept kept;
        unsigned fault;
        assert_int_equal(read_text(answers[i], &kept, &fault), 0);
        assert_int_equal(fault, 0);
        assert_int_equal(kept.count, 1);
        assert_web(&kept.entries[0], "<b> & c");
    }
}

/* What Linux routers write around a description that nobody escaped. */
static void bare_ampersand_is_read_as_it_stands(void **state) {
    (void)state;
    struct kept kept;
    unsigned fault;
    assert_int_equal(
        read_text(ANSWER("<![CDATA[" LIST(ENTRY("8080", "TCP", "192.168.1.137", "b & c")) "]]>"),
                  &kept, &fault),
        0);
    assert_in_range(kept.count, 1, 2);
    assert_web(&kept.entries[kept.count - 1], "b & c");
}

static void list_without_entries_is_one(void **state) {
    (void)state;
    static const char *const answers[] = {ANSWER(""), ANSWER("  "),
                                          ANSWER("<![CDATA[" LIST("") "]]>")};
    for (unsigned i = 0; i < 3; i++) {
        struct kept kept;
        unsigned fault;
        assert_int_equal(read_text(answers[i], &kept, &fault), 0);
        assert_int_equal(kept.count, 0);
    }
}

static void fault_is_told_by_its_code(void **state) {
    (void)state;
    struct kept kept;
    unsigned fault;
    char buffer[1024];
    int n = ph_soap_encode_fault(730, "PortMappingNotFound", buffer, sizeof buffer - 1);
    assert_true(n > 0);
    buffer[n] = '\0';
    assert_int_equal(read_text(buffer, &kept, &fault), 0);
    assert_int_equal(fault, 730);
    assert_int_equal(kept.count, 0);
}

static void what_is_no_whole_list_is_refused(void **state) {
    (void)state;
    static const char *const answers[] = {
        "",
        "<html>It works!</html>",
        "<s:Envelope><s:Body><u:XResponse><Other>1</Other></u:XResponse></s:Body></s:Envelope>",
        ANSWER("nonsense"),
        ANSWER("<![CDATA[<p:PortMappingList><p:PortMappingEntry>"
               "<p:NewExternalPort>80</p:NewExternalPort>]]>"),
        ANSWER("<![CDATA[" LIST(ENTRY("80", "SCTP", "192.168.1.2", "")) "]]>"),
        ANSWER("<![CDATA[<!DOCTYPE x [<!ENTITY y \"z\">]>" LIST("") "]]>"),
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct kept kept;
        unsigned fault;
        assert_int_equal(read_text(answers[i], &kept, &fault), PORTHOLE_ERR_MALFORMED);
    }
}

/* A list is longer than any other text in an answer, and has caps all the same. */
static void long_list_is_read_and_an_endless_one_is_not(void **state) {
    (void)state;
    static const unsigned counts[] = {800, 900, 1000};
    for (unsigned i = 0; i < 3; i++) {
        size_t size = 1U << 20;
        char *text = malloc(size);
        assert_non_null(text);
        size_t len = (size_t)snprintf(text, size, "%s",
                                      "<s:Envelope><s:Body><u:R><NewPortListing><![CDATA[<l>");
        for (unsigned n = 0; n < counts[i]; n++)
            len += (size_t)snprintf(text + len, size - len, "%s",
                                    ENTRY("8080", "TCP", "192.168.1.137", "web"));
        snprintf(text + len, size - len, "%s",
                 "</l>]]></NewPortListing></u:R></s:Body></s:Envelope>");
        struct kept kept;
        unsigned fault;
        int r = read_text(text, &kept, &fault);
        assert_int_equal(r, counts[i] < 1000 ? 0 : PORTHOLE_ERR_TOO_LARGE);
        assert_true(kept.count <= counts[i]);
        if (r == 0)
            assert_int_equal(kept.count, counts[i]);
        free(text);
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void what_is_written_is_read_again(void **state) {
    (void)state;
    static const struct ph_portlist_entry written = {.external_port = 1,
                                                     .internal_port = 65535,
                                                     .protocol = PORTHOLE_UDP,
                                                     .is_enabled = false,
                                                     .lease_s = UINT32_MAX,
                                                     .client_name = "laptop.lan",
                                                     .remote_host = "9.9.9.9",
                                                     .description = "<a> & \"b\" 'c'"};
    char document[2048];
    char answer[8192];
    struct ph_writer w;
    ph_writer_init(&w, document, sizeof document - 1);
    ph_portlist_write_head(&w);
    ph_portlist_write(&w, &written);
    ph_portlist_write_tail(&w);
    int n = ph_writer_result(&w);
    assert_true(n > 0);
    document[n] = '\0';
    const struct ph_soap_argument argument = {"NewPortListing", document};
    n = ph_soap_encode_reply("urn:x:2", "GetListOfPortMappings", &argument, 1, answer,
                             sizeof answer - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    struct kept kept;
    unsigned fault;
    assert_int_equal(read_text(answer, &kept, &fault), 0);
    assert_int_equal(kept.count, 1);
    assert_memory_equal(&kept.entries[0], &written, sizeof written);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_is_read_from_an_answer_by_index),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(entry_that_makes_no_sense_is_refused),
        cmocka_unit_test(texts_are_made_printable_and_cut_off),
        cmocka_unit_test(list_is_read_escaped_and_as_cdata),
        cmocka_unit_test(bare_ampersand_is_read_as_it_stands),
        cmocka_unit_test(list_without_entries_is_one),
        cmocka_unit_test(fault_is_told_by_its_code),
        cmocka_unit_test(what_is_no_whole_list_is_refused),
        cmocka_unit_test(long_list_is_read_and_an_endless_one_is_not),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

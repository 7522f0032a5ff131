/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_soap.c: SOAP messages. What is decoded must be terminated and either an action or a fault;
 * and any value that is encoded must come back as it was, in the one argument it was put into.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/soap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static void require_terminated(const char *text, size_t size) {
    require(memchr(text, '\0', size) != NULL);
}

static void check_decoding(struct ph_span document) {
    struct ph_soap_message m;
    if (ph_soap_decode(document, &m) != 0)
        return;
    require_terminated(m.action, sizeof m.action);
    require_terminated(m.error_text, sizeof m.error_text);
    require(m.error_code == 0 || (m.action[0] == '\0' && m.value_count == 0));
    require(m.value_count <= PH_SOAP_ARGUMENTS_MAX);
    for (unsigned i = 0; i < m.value_count; i++) {
        require_terminated(m.values[i].name, sizeof m.values[i].name);
        require_terminated(m.values[i].value, sizeof m.values[i].value);
        require(ph_soap_value(&m, m.values[i].name) != NULL);
    }
}

/* The value is whatever of the input is printable: the rest would come back in another encoding. */
static void check_round_trip(struct ph_span input) {
    char value[PH_SOAP_VALUE_SIZE], buffer[PH_SOAP_BODY_SIZE];
    struct ph_soap_message m;
    ph_span_print(input, value, sizeof value);
    const struct ph_soap_argument argument = {"NewPortMappingDescription", value};
    int n = ph_soap_encode_request(value, "AddPortMapping", &argument, 1, buffer, sizeof buffer);
    require(n > 0);
    require(ph_soap_decode((struct ph_span){buffer, (size_t)n}, &m) == 0);
    require(strcmp(m.action, "AddPortMapping") == 0 && m.value_count == 1);
    require(ph_span_equal(ph_span_of(m.values[0].value), ph_span_trim(ph_span_of(value))));

    n = ph_soap_encode_fault(718, value, buffer, sizeof buffer);
    require(n > 0);
    require(ph_soap_decode((struct ph_span){buffer, (size_t)n}, &m) == 0);
    require(m.error_code == 718 && m.action[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_span input = {(const char *)data, size};
    check_decoding(input);
    check_round_trip(input);
    return 0;
}

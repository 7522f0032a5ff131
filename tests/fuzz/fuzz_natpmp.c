/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_natpmp.c: the input is a datagram, read as a request and as an answer. What can be read is
 * written and read again, and must then be written as the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "wire/natpmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_request(const uint8_t *data, size_t size) {
    struct ph_natpmp_request request;
    uint8_t written[PH_NATPMP_SIZE_MAX];
    int n = ph_natpmp_decode_request(data, size, &request);
    if (n < 0) {
        REQUIRE(n == PORTHOLE_ERR_TRUNCATED || n == PORTHOLE_ERR_MALFORMED);
        return;
    }
    REQUIRE((size_t)n <= size && request.opcode < PH_NATPMP_ANSWER);
    if (request.version != PH_NATPMP_VERSION) {
        REQUIRE(n == 2);
        return;
    }
    REQUIRE(ph_natpmp_encode_request(&request, written, sizeof written) == n);
    if (n == 12) /* the reserved bytes may have been anything */
        REQUIRE(memcmp(data, written, 2) == 0 && memcmp(data + 4, written + 4, 8) == 0);
    else
        REQUIRE(n == 2 && memcmp(data, written, 2) == 0);
}

static void try_response(const uint8_t *data, size_t size) {
    struct ph_natpmp_response response;
    uint8_t first[PH_NATPMP_SIZE_MAX];
    uint8_t second[PH_NATPMP_SIZE_MAX];
    int n = ph_natpmp_decode_response(data, size, &response);
    if (n < 0) {
        REQUIRE(n == PORTHOLE_ERR_TRUNCATED || n == PORTHOLE_ERR_MALFORMED);
        return;
    }
    REQUIRE(n >= 4 && (size_t)n <= size && response.opcode < PH_NATPMP_ANSWER);
    REQUIRE(ph_natpmp_result_error(response.result) != PORTHOLE_ERR_OK);
    REQUIRE(ph_natpmp_result_name(response.result)[0] != '\0');
    n = ph_natpmp_encode_response(&response, first, sizeof first);
    REQUIRE(n >= 8);
    REQUIRE(ph_natpmp_decode_response(first, (size_t)n, &response) > 0);
    REQUIRE(ph_natpmp_encode_response(&response, second, sizeof second) == n);
    REQUIRE(memcmp(first, second, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_request(data, size);
    try_response(data, size);
    return 0;
}

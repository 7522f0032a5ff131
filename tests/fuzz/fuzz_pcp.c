/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_pcp.c: the input is a datagram, read as a request and as an answer. What can be read is
 * written and read again, and must then be written as the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "wire/pcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(int error) {
    REQUIRE(error == PORTHOLE_ERR_TRUNCATED || error == PORTHOLE_ERR_MALFORMED ||
            error == PORTHOLE_ERR_TOO_LARGE);
}

static void try_request(const uint8_t *data, size_t size) {
    struct ph_pcp_request request;
    uint8_t first[PH_PCP_SIZE_MAX];
    uint8_t second[PH_PCP_SIZE_MAX];
    int n = ph_pcp_decode_request(data, size, &request);
    if (n < 0) {
        check_error(n);
        return;
    }
    REQUIRE(request.opcode < 128);
    if (request.version != PH_PCP_VERSION) {
        REQUIRE(n == 2);
        return;
    }
    REQUIRE((size_t)n == size && n % 4 == 0 && n <= PH_PCP_SIZE_MAX);
    n = ph_pcp_encode_request(&request, first, sizeof first);
    REQUIRE(n >= 24);
    REQUIRE(ph_pcp_decode_request(first, (size_t)n, &request) == n);
    REQUIRE(ph_pcp_encode_request(&request, second, sizeof second) == n);
    REQUIRE(memcmp(first, second, (size_t)n) == 0);
}

static void try_response(const uint8_t *data, size_t size) {
    struct ph_pcp_response response;
    uint8_t first[PH_PCP_SIZE_MAX];
    uint8_t second[PH_PCP_SIZE_MAX];
    int n = ph_pcp_decode_response(data, size, &response);
    if (n < 0) {
        check_error(n);
        return;
    }
    REQUIRE((size_t)n == size && n <= PH_PCP_SIZE_MAX);
    REQUIRE(ph_pcp_result_error(response.result) != PORTHOLE_ERR_OK);
    REQUIRE(ph_pcp_result_name(response.result)[0] != '\0');
    if (response.version != PH_PCP_VERSION) {
        REQUIRE(response.version == 0 && response.result == PH_PCP_UNSUPP_VERSION && n >= 8);
        return;
    }
    n = ph_pcp_encode_response(&response, first, sizeof first);
    REQUIRE(n >= 24 && (size_t)n <= (size > 60 ? size : 60));
    REQUIRE(ph_pcp_decode_response(first, (size_t)n, &response) == n);
    REQUIRE(ph_pcp_encode_response(&response, second, sizeof second) == n);
    REQUIRE(memcmp(first, second, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_request(data, size);
    try_response(data, size);
    return 0;
}

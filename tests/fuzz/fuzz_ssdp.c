/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_ssdp.c: the input is a datagram. What was found in it must lie in it, and must be found
 * again in the datagram that our own side writes of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "wire/ssdp.h"

enum { WRITTEN_SIZE = 2 * PH_SSDP_SIZE_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *check_and_copy(struct ph_span span, const uint8_t *data, size_t size,
                                  char ret[PH_SSDP_SIZE_MAX + 1]) {
    const uint8_t *at = (const uint8_t *)span.at;
    if (span.len > 0) {
        REQUIRE(at >= data && at + span.len <= data + size);
        REQUIRE(!memchr(at, '\n', span.len) && !memchr(at, '\0', span.len));
        memcpy(ret, span.at, span.len);
    }
    ret[span.len] = '\0';
    return ret;
}

static int write_again(const struct ph_ssdp_message *message, const struct ph_ssdp_answer *answer,
                       char ret[WRITTEN_SIZE]) {
    static const char *const notifies[] = {[PH_SSDP_ANSWER] = NULL,
                                           [PH_SSDP_ALIVE] = "ssdp:alive",
                                           [PH_SSDP_BYEBYE] = "ssdp:byebye",
                                           [PH_SSDP_UPDATE] = "ssdp:update"};
    const struct ph_endpoint group = {ph_ssdp_group_v4, PH_SSDP_PORT};
    if (message->type == PH_SSDP_SEARCH)
        return ph_ssdp_encode_search(&group, answer->target, message->mx_s, ret, WRITTEN_SIZE);
    return ph_ssdp_encode_answer(answer, notifies[message->type], ret, WRITTEN_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char target[PH_SSDP_SIZE_MAX + 1];
    char usn[PH_SSDP_SIZE_MAX + 1];
    char location[PH_SSDP_SIZE_MAX + 1];
    char server[PH_SSDP_SIZE_MAX + 1];
    char written[WRITTEN_SIZE];
    struct ph_ssdp_message message;
    struct ph_ssdp_message again;
    (void)ph_ssdp_is_gateway((struct ph_span){(const char *)data, size});
    int error = ph_ssdp_decode(data, size, &message);
    if (error != 0) {
        REQUIRE(error == PORTHOLE_ERR_MALFORMED || error == PORTHOLE_ERR_TOO_LARGE);
        return 0;
    }
    const struct ph_ssdp_answer answer = {
        .target = check_and_copy(message.target, data, size, target),
        .usn = check_and_copy(message.usn, data, size, usn),
        .location = check_and_copy(message.location, data, size, location),
        .server = check_and_copy(message.server, data, size, server),
        .boot_id = message.boot_id};
    int n = write_again(&message, &answer, written);
    if (n < 0 || n > (int)PH_SSDP_SIZE_MAX)
        return 0; /* our own header lines can make it too large */
    REQUIRE(ph_ssdp_decode(written, (size_t)n, &again) == 0);
    REQUIRE(again.type == message.type && ph_span_equal(again.target, message.target));
    REQUIRE(again.mx_s == message.mx_s);
    if (message.type == PH_SSDP_SEARCH)
        return 0;
    REQUIRE(ph_span_equal(again.usn, message.usn) && again.boot_id == message.boot_id);
    if (message.type != PH_SSDP_BYEBYE)
        REQUIRE(ph_span_equal(again.location, message.location) &&
                ph_span_equal(again.server, message.server));
    return 0;
}

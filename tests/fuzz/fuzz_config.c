/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_config.c: the configuration file. It is good or has problems, never both; problems come in
 * the order of lines and can be printed; what is good is within what the library takes, and no port
 * is in it twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/config.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_printable(const char *text, size_t size) {
    REQUIRE(memchr(text, '\0', size) != NULL && *text);
    for (; *text; text++)
        REQUIRE(*text >= ' ' && *text <= '~');
}

static void require_problems(const struct ph_config_problems *problems, size_t size) {
    REQUIRE(problems->count > 0);
    for (size_t i = 0; i < problems->count && i < PH_CONFIG_PROBLEMS_MAX; i++) {
        const struct ph_config_problem *problem = &problems->list[i];
        require_printable(problem->text, sizeof problem->text);
        REQUIRE(problem->line <= size + 1);
        REQUIRE(i == 0 || problem->line >= problems->list[i - 1].line);
    }
}

static void require_section(const struct ph_config_section *section, uint8_t *asked) {
    const struct ph_terms *terms = &section->terms;
    REQUIRE(*section->name && strlen(section->name) <= PH_CONFIG_NAME_MAX);
    REQUIRE(section->line > 0 && section->port_count > 0);
    REQUIRE(terms->lifetime_s == 0 || terms->lifetime_s >= PH_VALUE_LIFETIME_S_MIN);
    REQUIRE(terms->refresh_s == 0 || terms->refresh_s >= PH_VALUE_REFRESH_S_MIN);
    REQUIRE(terms->exec_limit_s <= PH_VALUE_EXEC_LIMIT_S_MAX);
    REQUIRE(!terms->description || !ph_value_description(terms->description));
    REQUIRE(!terms->exec || *terms->exec);
    REQUIRE(!terms->file || *terms->file == '/');
    REQUIRE(terms->external_port == 0 || section->port_count == 1);
    for (size_t i = 0; i < section->port_count; i++) {
        const struct ph_port *port = &section->ports[i];
        uint8_t bits = (uint8_t)((port->tcp ? 1 : 0) | (port->udp ? 2 : 0));
        REQUIRE(port->number != 0 && bits != 0 && !(asked[port->number] & bits));
        asked[port->number] |= bits;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct ph_config_problems problems;
    static uint8_t asked[UINT16_MAX + 1];
    struct ph_config config;
    if (!ph_config_parse((const char *)data, size, &config, &problems)) {
        require_problems(&problems, size);
        REQUIRE(config.count == 0 && !config.text && !config.sections);
        return 0;
    }
    REQUIRE(problems.count == 0 && config.count > 0 && config.count <= PH_CONFIG_SECTIONS_MAX);
    REQUIRE(!config.gateway || !ph_value_address(config.gateway));
    REQUIRE(!config.bind_address || !ph_value_address(config.bind_address));
    REQUIRE(ph_value_same_family(config.gateway, config.bind_address));
    memset(asked, 0, sizeof asked);
    for (size_t i = 0; i < config.count; i++)
        require_section(&config.sections[i], asked);
    ph_config_free(&config);
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_config.c: the configuration file (cli/config.c, cli/config_keys.c): what is read, and each
 * mistake with its line. A file that says something wrong must never be taken in part.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <porthole/porthole.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/config.h"

#define WEB "[web]\nport = 8080\n"

static struct ph_config config;
static struct ph_config_problems problems;

static const char *show_problems(void) {
    static char text[PH_CONFIG_PROBLEMS_MAX * (PH_CONFIG_PROBLEM_SIZE + 16)];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < problems.count && i < PH_CONFIG_PROBLEMS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%u: %s\n", problems.list[i].line,
                                problems.list[i].text);
    return text;
}

static void assert_bytes_bad(const char *bytes, size_t len, const char *wanted) {
    assert_false(ph_config_parse(bytes, len, &config, &problems));
    assert_string_equal(show_problems(), wanted);
    assert_int_equal(config.count, 0);
    assert_null(config.text);
}

static void assert_bad(const char *text, const char *wanted) {
    assert_bytes_bad(text, strlen(text), wanted);
}

/* In a section that is good, in line 3. */
static void assert_line_bad(const char *line, const char *wanted) {
    char text[2 * PH_CONFIG_LINE_BYTES_MAX], expected[512];
    snprintf(text, sizeof text, WEB "%s\n", line);
    snprintf(expected, sizeof expected, "3: %s\n", wanted);
    assert_bad(text, expected);
}

static void assert_bytes_good(const char *bytes, size_t len) {
    bool is_good = ph_config_parse(bytes, len, &config, &problems);
    assert_string_equal(show_problems(), "");
    assert_true(is_good);
}

static void assert_good(const char *text) { assert_bytes_good(text, strlen(text)); }

/* ---- What is read ---------------------------------------------------------------------------- */

static void all_keys_are_read(void **state) {
    (void)state;
    assert_good("gateway = 192.168.1.1\nbind=192.168.1.2\nstate = /var/lib/x.json\n"
                "timeout = 5\nfile = /run/all\nprotocols = pcp, UPnP\n"
                "[web]\nport = 8080/tcp\nexternal = 80\nexact = yes\ndescription = my site\n"
                "protocols = upnp\nlifetime = 600\nrefresh = 60\n"
                "exec = echo \"$PORTHOLE_EVENT\" # now\nexec-limit = 9\nfile = /run/web\n");
    assert_string_equal(config.gateway, "192.168.1.1");
    assert_string_equal(config.bind_address, "192.168.1.2");
    assert_string_equal(config.state, "/var/lib/x.json");
    assert_string_equal(config.file, "/run/all");
    assert_int_equal(config.timeout_ms, 5000);
    assert_int_equal(config.methods, PORTHOLE_USE_PCP | PORTHOLE_USE_UPNP);
    assert_int_equal(config.count, 1);
    const struct ph_config_section *web = &config.sections[0];
    assert_string_equal(web->name, "web");
    assert_int_equal(web->line, 7);
    assert_int_equal(web->port_count, 1);
    assert_int_equal(web->ports[0].number, 8080);
    assert_true(web->ports[0].tcp && !web->ports[0].udp);
    assert_int_equal(web->terms.external_port, 80);
    assert_true(web->terms.exact);
    assert_string_equal(web->terms.description, "my site");
    assert_int_equal(web->terms.methods, PORTHOLE_USE_UPNP);
    assert_int_equal(web->terms.lifetime_s, 600);
    assert_int_equal(web->terms.refresh_s, 60);
    assert_string_equal(web->terms.exec, "echo \"$PORTHOLE_EVENT\" # now");
    assert_int_equal(web->terms.exec_limit_s, 9);
    assert_string_equal(web->terms.file, "/run/web");
    ph_config_free(&config);
}

static void what_is_above_the_sections_holds_for_all(void **state) {
    (void)state;
    assert_good("lifetime = 120\nrefresh = 30\nexec = tell\nexec-limit = 3\nexact = true\n"
                "description = home\nprotocols = natpmp\nfile = /run/all\n"
                "[a]\nport = 1\n[b]\nport = 2\nlifetime = 240\nexec = other\nexact = no\n");
    const struct ph_terms *a = &config.sections[0].terms, *b = &config.sections[1].terms;
    assert_int_equal(a->lifetime_s, 120);
    assert_int_equal(b->lifetime_s, 240);
    assert_int_equal(b->refresh_s, 30);
    assert_string_equal(a->exec, "tell");
    assert_string_equal(b->exec, "other");
    assert_int_equal(b->exec_limit_s, 3);
    assert_true(a->exact);
    assert_false(b->exact);
    assert_string_equal(b->description, "home");
    assert_int_equal(a->methods, PORTHOLE_USE_NATPMP);
    assert_null(a->file); /* that one is for all together */
    ph_config_free(&config);
}

static void several_ports_of_a_section(void **state) {
    (void)state;
    assert_good("[a]\nport = 80, 443/tcp 443/udp,6881/both\n");
    const struct ph_port *ports = config.sections[0].ports;
    assert_int_equal(config.sections[0].port_count, 4);
    assert_true(ports[0].number == 80 && ports[0].tcp && !ports[0].udp);
    assert_true(ports[2].number == 443 && !ports[2].tcp && ports[2].udp);
    assert_true(ports[3].number == 6881 && ports[3].tcp && ports[3].udp);
    ph_config_free(&config);
}

static void comments_blanks_and_line_ends(void **state) {
    (void)state;
    assert_good("\xef\xbb\xbf# a comment\r\n\r\n  ; another = one\r\n \t [ web ]  \r\n"
                "\tport\t=  8080  \r\nexec=a=b\r\n#port = 1");
    assert_string_equal(config.sections[0].name, "web");
    assert_string_equal(config.sections[0].terms.exec, "a=b");
    assert_int_equal(config.sections[0].ports[0].number, 8080);
    ph_config_free(&config);
    assert_good("[a]\nport = 1");
    ph_config_free(&config);
    assert_good("# gr\xc3\xbc\xc3\x9f"
                "e\n[a]\nport = 1\nfile = /tmp/\xc3\xbc\n");
    assert_string_equal(config.sections[0].terms.file, "/tmp/\xc3\xbc");
    ph_config_free(&config);
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

static void all_mistakes_are_told_in_one_go_by_line(void **state) {
    (void)state;
    assert_bad("gatway = 1.2.3.4\nport = 1\n[a]\nlifetime = 10\n[a]\nport = 70000\nwhat\n"
               "[b]\nport = 1\ngateway = 10.0.0.1\n",
               "1: 'gatway' is not a key; did you mean gateway?\n"
               "2: port belongs in a [SECTION]\n"
               "3: [a] has no port\n"
               "4: lifetime '10' is not a number of seconds from 20 to 4294967295\n"
               "5: section [a] is there already, in line 3\n"
               "6: port '70000': a port is a number from 1 to 65535\n"
               "7: 'what' is neither KEY = VALUE nor [SECTION]\n"
               "10: gateway is for all ports: it belongs above the first [SECTION]\n");
}

static void unknown_keys_are_mistakes_with_a_suggestion(void **state) {
    (void)state;
    assert_line_bad("Extrenal = 1", "'Extrenal' is not a key; did you mean external?");
    assert_line_bad("exec_limit = 1", "'exec_limit' is not a key; did you mean exec-limit?");
    assert_line_bad("hook = x", "'hook' is not a key; did you mean exec?");
    assert_line_bad("protocol = pcp", "'protocol' is not a key; did you mean protocols?");
    assert_line_bad("colour = red",
                    "'colour' is not a key; here are: port, external, exact, description, "
                    "protocols, lifetime, refresh, exec, exec-limit, file");
    assert_line_bad("= 1", "'' is not a key; here are: port, external, exact, description, "
                           "protocols, lifetime, refresh, exec, exec-limit, file");
    assert_bad("colour = red\n" WEB,
               "1: 'colour' is not a key; here are: exact, description, protocols, lifetime, "
               "refresh, exec, exec-limit, file, gateway, bind, state, timeout\n");
}

static void values_that_are_none(void **state) {
    (void)state;
    assert_line_bad("external = 0", "external '0' is not a port from 1 to 65535");
    assert_line_bad("external = -1", "external '-1' is not a port from 1 to 65535");
    assert_line_bad("exact = maybe", "exact 'maybe' is not yes or no");
    assert_line_bad("description = \xc3\xbc",
                    "description '\?\?' is not 1 to 63 characters of printable ASCII");
    assert_line_bad("protocols = pcp,upnpp",
                    "protocols 'pcp,upnpp' is not a list of pcp, natpmp and upnp");
    assert_line_bad("refresh = 3", "refresh '3' is not a number of seconds from 4 to 4294967295");
    assert_line_bad("file = run/x", "file 'run/x' does not begin with /");
    assert_line_bad("file = \"/run/x\"", "file '\"/run/x\"' does not begin with /");
    assert_line_bad("exec = a \\", "exec 'a \\' ends in \\: a command is one line");
    assert_line_bad("exec =", "exec has no value");
    assert_bad(WEB "exec = x\nexec-limit = 4000\n",
               "4: exec-limit '4000' is not a number of seconds from 1 to 3600\n");
}

static void values_for_all_that_are_none(void **state) {
    (void)state;
    assert_bad("gateway = router\n" WEB, "1: gateway 'router' is not an IPv4 or IPv6 address\n");
    assert_bad("bind = 0.0.0.0\n" WEB, "1: bind '0.0.0.0' is not the address of a host\n");
    assert_bad("state = leases\n" WEB, "1: state 'leases' does not begin with /\n");
    assert_bad("timeout = 0\n" WEB, "1: timeout '0' is not a number of seconds from 1 to 86400\n");
    assert_bad("gateway = ::1\nbind = 127.0.0.1\n" WEB,
               "2: of bind and gateway one is IPv4, the other IPv6\n");
    assert_good("state = none\n" WEB);
    ph_config_free(&config);
}

static void a_comment_behind_a_value_is_explained(void **state) {
    (void)state;
    assert_bad("[a]\nport = 80 # web\n",
               "2: port '80 # web' is not a list of ports (a comment needs a line of its own)\n");
    assert_line_bad("exact = yes ; really", "exact 'yes ; really' is not yes or no (a comment "
                                            "needs a line of its own)");
}

static void what_is_given_twice(void **state) {
    (void)state;
    assert_line_bad("port = 81", "port is given already, in line 2");
    assert_bad(WEB "[b]\nport = 8080/both\n", "4: tcp port 8080 is asked for in line 2 already\n");
    assert_bad("[a]\nport = 1/udp 1/udp\n", "2: udp port 1 is asked for in line 2 already\n");
    assert_good("[a]\nport = 1/udp\nexternal = 7\n[b]\nport = 1/tcp\nexternal = 7\n");
    ph_config_free(&config);
    assert_bad("[a]\nport = 1/both\nexternal = 7\n[b]\nport = 2/udp\nexternal = 7\n",
               "6: external udp port 7 is wished for in line 3 already\n");
    assert_bad("file = /x\n[a]\nport = 1\nfile = /x\n", "4: this file is another's already\n");
    assert_bad("[a]\nport = 1\nfile = /x\n[b]\nport = 2\nfile = /x\n",
               "6: this file is another's already\n");
}

static void what_contradicts(void **state) {
    (void)state;
    assert_bad("[a]\nport = 1 2\nexternal = 7\n", "3: external 7 cannot be that of 2 ports\n");
    assert_line_bad("exec-limit = 5", "exec-limit is of exec, which is not given");
    assert_bad("protocols = pcp\n[a]\nport = 1\nprotocols = pcp,upnp\n",
               "4: protocols pcp,upnp are more than those for all, in line 1\n");
}

static void section_names(void **state) {
    (void)state;
    assert_bad("[]\nport = 1\n", "1: the section's name '' is empty\n");
    assert_bad("[a b]\nport = 1\n",
               "1: the section's name 'a b' is not made of letters, digits, - _ and .\n");
    assert_bad("[a] # web\nport = 1\n", "1: '[a] # web': a section is [NAME], alone on its line\n");
    assert_bad("[\nport = 1\n", "1: '[': a section is [NAME], alone on its line\n");
    assert_bad("[123456789012345678901234567890123]\nport = 1\n",
               "1: the section's name '123456789012345678901234567890123' is longer than 32 "
               "characters\n");
    /* What a section without a name says is looked at as well. */
    assert_bad("[a b]\nprot = 1\n",
               "1: the section's name 'a b' is not made of letters, digits, - _ and .\n"
               "1: [] has no port\n2: 'prot' is not a key; did you mean port?\n");
}

/* ---- Files that are none --------------------------------------------------------------------- */

static void empty_files(void **state) {
    (void)state;
    const char *wanted = "0: no [SECTION] with a port: there is nothing to open\n";
    assert_bad("", wanted);
    assert_bad("# nothing\n\n", wanted);
    assert_bad("\xef\xbb\xbf", wanted);
}

static void bytes_that_no_text_has(void **state) {
    (void)state;
    static const char nul[] = "[a]\nport = 1\nexec = a\0b\nexact = maybe\n";
    assert_bytes_bad(nul, sizeof nul - 1,
                     "3: a NUL byte (0x00 at byte 9)\n4: exact 'maybe' is not yes or no\n");
    assert_line_bad("exec = \x1b[1m", "a control character (0x1b at byte 8)");
    assert_line_bad("exec = \x7f", "a control character (0x7f at byte 8)");
    assert_line_bad("exec = a\rb", "a control character (0x0d at byte 9)");
    static const char wide[] = "\xff\xfe[\0a\0]\0";
    assert_bytes_bad(wide, sizeof wide - 1, "1: the file is UTF-16; save it as UTF-8\n");
}

static void overlong_lines(void **state) {
    (void)state;
    char line[PH_CONFIG_LINE_BYTES_MAX + 2] = "exec = ";
    memset(line + 7, 'x', sizeof line - 8);
    line[sizeof line - 1] = '\0';
    assert_line_bad(line, "a line of more than 4096 bytes");
    char text[2 * PH_CONFIG_LINE_BYTES_MAX];
    line[sizeof line - 2] = '\0';
    snprintf(text, sizeof text, WEB "%s\r\n", line);
    assert_good(text);
    assert_int_equal(strlen(config.sections[0].terms.exec), PH_CONFIG_LINE_BYTES_MAX - 7);
    ph_config_free(&config);
    memcpy(line, "file = /", 8);
    assert_line_bad(line, "file '/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than "
                          "1024 bytes");
}

static void huge_files(void **state) {
    (void)state;
    size_t len = PH_CONFIG_FILE_BYTES_MAX + 1;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, '\n', len);
    assert_bytes_bad(bytes, len, "0: the file has more than 1048576 bytes\n");
    /* A mistake in each line: the first hundred are told, all are counted. */
    for (size_t i = 0; i < len - 1; i += 2)
        bytes[i] = 'x';
    assert_false(ph_config_parse(bytes, len - 1, &config, &problems));
    assert_int_equal(problems.count, (len - 1) / 2 + 1);
    assert_int_equal(problems.list[99].line, 100);
    for (size_t i = 0; i + 4 <= len - 1; i += 4)
        memcpy(bytes + i, "[a]\n", 4);
    assert_false(ph_config_parse(bytes, len - 1, &config, &problems));
    free(bytes);
}

static void too_many_sections(void **state) {
    (void)state;
    char *text = malloc((PH_CONFIG_SECTIONS_MAX + 2) * 32), *end = text;
    assert_non_null(text);
    for (unsigned i = 1; i <= PH_CONFIG_SECTIONS_MAX; i++)
        end += snprintf(end, 32, "[s%u]\nport = %u\n", i, i);
    assert_bytes_good(text, (size_t)(end - text));
    assert_int_equal(config.count, PH_CONFIG_SECTIONS_MAX);
    ph_config_free(&config);
    end += snprintf(end, 32, "[more]\nport = 65000\n");
    assert_bytes_bad(text, (size_t)(end - text),
                     "2049: more than 1024 sections; the rest was not read\n");
    free(text);
}

/* ---- Files on the disk ----------------------------------------------------------------------- */

static void assert_file_bad(const char *path, const char *wanted) {
    assert_false(ph_config_load(path, &config, &problems));
    assert_string_equal(show_problems(), wanted);
}

static void files_are_loaded(void **state) {
    (void)state;
    char path[] = "/tmp/porthole-test-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, WEB, sizeof WEB - 1), sizeof WEB - 1);
    assert_true(ph_config_load(path, &config, &problems));
    assert_int_equal(config.count, 1);
    ph_config_free(&config);
    assert_int_equal(fchmod(fd, 0646), 0);
    assert_file_bad(path, "0: everybody may write it, and so choose what exec runs; chmod o-w\n");
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(ftruncate(fd, PH_CONFIG_FILE_BYTES_MAX + 5000), 0);
    assert_file_bad(path, "0: the file has more than 1048576 bytes\n");
    close(fd);
    unlink(path);
    assert_file_bad(path, "0: No such file or directory\n");
    assert_file_bad("/tmp", "0: not a regular file\n");
    assert_file_bad("/dev/zero", "0: not a regular file\n");
}

static void arguments_are_names_or_paths(void **state) {
    (void)state;
    char path[64];
    assert_true(ph_config_path("home", path, sizeof path));
    assert_string_equal(path, "/etc/porthole/home.conf");
    assert_true(ph_config_path("a.b", path, sizeof path));
    assert_string_equal(path, "/etc/porthole/a.b.conf");
    assert_true(ph_config_path("home.conf", path, sizeof path));
    assert_string_equal(path, "home.conf");
    assert_true(ph_config_path("./home", path, sizeof path));
    assert_string_equal(path, "./home");
    assert_true(ph_config_path(".conf", path, sizeof path));
    assert_string_equal(path, "/etc/porthole/.conf.conf");
    assert_false(ph_config_path("", path, sizeof path));
    assert_false(ph_config_path("home", path, 10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_are_read),
        cmocka_unit_test(what_is_above_the_sections_holds_for_all),
        cmocka_unit_test(several_ports_of_a_section),
        cmocka_unit_test(comments_blanks_and_line_ends),
        cmocka_unit_test(all_mistakes_are_told_in_one_go_by_line),
        cmocka_unit_test(unknown_keys_are_mistakes_with_a_suggestion),
        cmocka_unit_test(values_that_are_none),
        cmocka_unit_test(values_for_all_that_are_none),
        cmocka_unit_test(a_comment_behind_a_value_is_explained),
        cmocka_unit_test(what_is_given_twice),
        cmocka_unit_test(what_contradicts),
        cmocka_unit_test(section_names),
        cmocka_unit_test(empty_files),
        cmocka_unit_test(bytes_that_no_text_has),
        cmocka_unit_test(overlong_lines),
        cmocka_unit_test(huge_files),
        cmocka_unit_test(too_many_sections),
        cmocka_unit_test(files_are_loaded),
        cmocka_unit_test(arguments_are_names_or_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

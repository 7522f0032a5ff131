/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_replace.c: a file is replaced as a whole or not at all, and nothing is left beside it.
 */
#define _XOPEN_SOURCE 700

#include "cli/replace.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/porthole-replace-XXXXXX";
static char path[sizeof folder + 16];

static int make_folder(void **state) {
    (void)state;
    memcpy(strrchr(folder, '-'), "-XXXXXX", 8);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/page", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    rmdir(path);
    return rmdir(folder); /* fails when something is left */
}

static void write_text(FILE *file, const void *user) { fputs(user, file); }

static void expect_content(const char *wanted) {
    char content[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(content, wanted);
}

static size_t count_files(void) {
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static void a_file_is_made_with_its_mode(void **state) {
    (void)state;
    struct stat facts;
    assert_true(ph_replace_file(path, 0640, write_text, "one"));
    expect_content("one");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    assert_int_equal(count_files(), 1);
}

static void the_old_one_is_replaced_for_those_who_open_it_anew(void **state) {
    (void)state;
    assert_true(ph_replace_file(path, 0600, write_text, "one"));
    FILE *reader = fopen(path, "r");
    assert_non_null(reader);
    assert_true(ph_replace_file(path, 0600, write_text, "two"));
    expect_content("two");
    assert_int_equal(getc(reader), 'o');
    assert_int_equal(getc(reader), 'n');
    fclose(reader);
    assert_int_equal(count_files(), 1);
}

static void fail_to_write(FILE *file, const void *user) {
    (void)user;
    fputs("half", file);
    fflush(file);
    close(fileno(file));
}

static void the_old_one_stays_when_writing_fails(void **state) {
    (void)state;
    assert_true(ph_replace_file(path, 0600, write_text, "one"));
    assert_false(ph_replace_file(path, 0600, fail_to_write, NULL));
    assert_int_equal(errno, EBADF);
    expect_content("one");
    assert_int_equal(count_files(), 1);
}

static void a_link_stays_and_its_file_is_replaced(void **state) {
    (void)state;
    char link_path[sizeof path + 8];
    struct stat facts;
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    assert_true(ph_replace_file(path, 0600, write_text, "one"));
    assert_int_equal(symlink("page", link_path), 0);
    assert_true(ph_replace_try(link_path));
    assert_true(ph_replace_file(link_path, 0600, write_text, "two"));
    expect_content("two");
    assert_int_equal(lstat(link_path, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    assert_int_equal(count_files(), 2);
    unlink(link_path);
}

static void what_is_no_file_is_left_alone(void **state) {
    (void)state;
    assert_false(ph_replace_file("/dev/null", 0600, write_text, "one"));
    assert_int_equal(errno, EOPNOTSUPP);
    assert_false(ph_replace_try("/dev/null"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(ph_replace_try(path));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(count_files(), 1);
}

static void a_missing_folder_is_told(void **state) {
    (void)state;
    char deeper[sizeof path + 8];
    snprintf(deeper, sizeof deeper, "%s/page", path);
    errno = 0;
    assert_false(ph_replace_file(deeper, 0600, write_text, "one"));
    assert_int_equal(errno, ENOENT);
    errno = 0;
    assert_false(ph_replace_try(deeper));
    assert_int_equal(errno, ENOENT);
}

static void what_a_killed_one_left_is_taken_over_and_nobody_else_s(void **state) {
    (void)state;
    char left[sizeof path + 8];
    snprintf(left, sizeof left, "%s.new", path);
    FILE *file = fopen(left, "w");
    assert_non_null(file);
    fputs("half of something long", file);
    fclose(file);
    assert_true(ph_replace_file(path, 0600, write_text, "one"));
    expect_content("one");
    assert_int_equal(count_files(), 1);
    assert_int_equal(symlink("page", left), 0);
    assert_false(ph_replace_file(path, 0600, write_text, "two"));
    assert_int_equal(errno, ELOOP);
    assert_int_equal(unlink(left), 0);
    assert_int_equal(link(path, left), 0);
    assert_false(ph_replace_file(path, 0600, write_text, "two"));
    assert_int_equal(errno, EEXIST);
    assert_int_equal(unlink(left), 0);
    expect_content("one");
}

/* While it is written, somebody else writes it too. */
static void write_nested(FILE *file, const void *user) {
    fputs(user, file);
    pid_t pid = fork();
    if (pid == 0)
        _exit(ph_replace_file(path, 0600, write_text, "other") || errno != EBUSY ? 1 : 0);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void two_at_a_time_do_not_mix(void **state) {
    (void)state;
    assert_true(ph_replace_file(path, 0600, write_nested, "whole"));
    expect_content("whole");
    assert_int_equal(count_files(), 1);
}

static void trying_leaves_no_trace(void **state) {
    (void)state;
    assert_true(ph_replace_try(path));
    assert_int_equal(count_files(), 0);
    assert_true(ph_replace_file(path, 0600, write_text, "one"));
    assert_true(ph_replace_try(path));
    expect_content("one");
    assert_int_equal(count_files(), 1);
}

#define in_folder(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_folder(a_file_is_made_with_its_mode),
        in_folder(the_old_one_is_replaced_for_those_who_open_it_anew),
        in_folder(the_old_one_stays_when_writing_fails),
        in_folder(a_link_stays_and_its_file_is_replaced),
        in_folder(what_is_no_file_is_left_alone),
        in_folder(a_missing_folder_is_told),
        in_folder(what_a_killed_one_left_is_taken_over_and_nobody_else_s),
        in_folder(two_at_a_time_do_not_mix),
        in_folder(trying_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * write_pages.c: write_pages FOLDER writes the doctor's page of every sample into a folder, named
 * by verdict, for the tests that read them as a browser does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/doctor_html.h"
#include "tests/page/doctor_samples.h"

static struct ph_doctor_report report;

static void write_page(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.html", folder, name);
    if (!ph_doctor_html_write(path, &report)) {
        perror(path);
        exit(1);
    }
    puts(path);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    for (size_t i = 0; i < PH_SAMPLE_VERDICTS; i++) {
        enum ph_doctor_verdict verdict = (enum ph_doctor_verdict)i;
        ph_sample_verdict(verdict, &report);
        write_page(argv[1], ph_doctor_verdict_name(verdict));
    }
    ph_sample_empty(&report);
    write_page(argv[1], "empty");
    ph_sample_fill("\" onload='x'><script>x</script>&amp;]]>--></svg></style>", &report);
    write_page(argv[1], "hostile");
    ph_sample_fill("\x01\x1b[31m\xff\xc0\xaf\xed\xa0\x80\xe2\x80\xae\xc2\x85", &report);
    write_page(argv[1], "broken");
    ph_sample_fill("Wide_word_without_any_space", &report);
    write_page(argv[1], "long");
    return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_html.h: `porthole doctor --html FILE`: the report as one page that needs nothing else: no
 * script, no picture, font or style from anywhere. It reads on a phone, in the dark and on paper.
 */
#ifndef PH_CLI_DOCTOR_HTML_H
#define PH_CLI_DOCTOR_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/doctor.h"

/* The page. What fails is seen on the file itself. */
void ph_doctor_html_print(FILE *out, const struct ph_doctor_report *report);
/* Puts it into a file, which is replaced as a whole. False: it could not, and errno says why. */
bool ph_doctor_html_write(const char *path, const struct ph_doctor_report *report);

/* Its style sheet, ended by NULL. */
extern const char *const ph_doctor_style[];

#endif

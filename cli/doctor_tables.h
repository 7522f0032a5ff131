/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_tables.h: all facts of a report as sections with tables: the lower part of the doctor's
 * page, for whoever has to look closer.
 */
#ifndef PH_CLI_DOCTOR_TABLES_H
#define PH_CLI_DOCTOR_TABLES_H

#include <stdio.h>

#include "cli/doctor.h"

void ph_doctor_tables_print(FILE *out, const struct ph_doctor_report *report);

/* A section of the page, with its head. */
void ph_doctor_section_begin(FILE *out, const char *title);
void ph_doctor_section_end(FILE *out);

#endif

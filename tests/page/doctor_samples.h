/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_samples.h: reports as the doctor might make them, one of each verdict, and one that a
 * hostile network made. For the tests of its page.
 */
#ifndef PH_TESTS_DOCTOR_SAMPLES_H
#define PH_TESTS_DOCTOR_SAMPLES_H

#include "cli/doctor.h"

#define PH_SAMPLE_VERDICTS ((size_t)PH_DOCTOR_UNCLEAR + 1)

void ph_sample_verdict(enum ph_doctor_verdict verdict, struct ph_doctor_report *ret);
/* Everything is full, overlong and in the sample's words; ends are unknown or before beginnings. */
void ph_sample_fill(const char *text, struct ph_doctor_report *ret);
/* As little as there can be: nothing is known. */
void ph_sample_empty(struct ph_doctor_report *ret);

#endif

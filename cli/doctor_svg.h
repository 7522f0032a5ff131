/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_svg.h: the pictures of the doctor's page: the path to the Internet and the timeline of the
 * attempts. Each is drawn twice, for wide and for narrow screens; the style sheet shows one of
 * them, and has all colours and fonts. Text is cut to what fits: the page's tables have all of it.
 */
#ifndef PH_CLI_DOCTOR_SVG_H
#define PH_CLI_DOCTOR_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/doctor.h"

/* Where a connection from outside ends: an index of hops, or hop_count: nowhere that is known. */
size_t ph_doctor_path_end(const struct ph_doctor_report *report);
/* A part of its line is dashed: nobody can tell from here. */
bool ph_doctor_path_is_dashed(const struct ph_doctor_report *report);
/* Nothing for less than two hops. */
void ph_doctor_path_draw(FILE *out, const struct ph_doctor_report *report);
/* Nothing without attempts. Below it the key of its marks. */
void ph_doctor_timeline_draw(FILE *out, const struct ph_doctor_report *report);

/* What came of a request, in words. */
const char *ph_doctor_svg_outcome(enum ph_doctor_outcome outcome);
/* The same in at most 15 columns, with how long it took. Returns ret. */
#define PH_DOCTOR_SVG_RESULT_SIZE 16
const char *ph_doctor_svg_result(const struct ph_doctor_attempt *attempt,
                                 char ret[PH_DOCTOR_SVG_RESULT_SIZE]);

/* ---- For the two pictures -------------------------------------------------------------------- */

/* Units are pixels where a picture is shown in its natural size. A column is a character of the
 * style sheet's 12.5 pixels of a typewriter font, rounded up. */
#define PH_DOCTOR_WIDE_WIDTH 720.0
#define PH_DOCTOR_NARROW_WIDTH 328.0
#define PH_DOCTOR_COLUMN_WIDTH 7.8

struct ph_doctor_shape {
    const char *name; /* its class, and a part of its ids */
    double width;
    bool is_narrow;
};
#define PH_DOCTOR_SHAPES 2U
extern const struct ph_doctor_shape ph_doctor_shapes[PH_DOCTOR_SHAPES];

/* How many columns fit into a width. */
size_t ph_doctor_svg_columns(double width);
/* Opens the picture and its description: what follows is text, "</desc>", shapes and "</svg>". */
void ph_doctor_svg_begin(FILE *out, const struct ph_doctor_shape *shape, const char *picture,
                         double height, const char *title);

#endif

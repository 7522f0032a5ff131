/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_svg.c: see doctor_svg.h: what the page's pictures have in common, with each other and with
 * its tables. What is in them is doctor_path.c's and doctor_timeline.c's.
 */
#include "cli/doctor_svg.h"

#include "cli/markup.h"

const struct ph_doctor_shape ph_doctor_shapes[PH_DOCTOR_SHAPES] = {
    {"wide", PH_DOCTOR_WIDE_WIDTH, false}, {"narrow", PH_DOCTOR_NARROW_WIDTH, true}};

size_t ph_doctor_svg_columns(double width) {
    return width > 0 ? (size_t)(width / PH_DOCTOR_COLUMN_WIDTH) : 0;
}

void ph_doctor_svg_begin(FILE *out, const struct ph_doctor_shape *shape, const char *picture,
                         double height, const char *title) {
    ph_markup_print(out,
                    "<svg class=\"%s\" viewBox=\"0 0 %f %f\" role=\"img\" "
                    "aria-labelledby=\"%s-%s-title %s-%s-desc\">\n"
                    "<title id=\"%s-%s-title\">%s</title>\n<desc id=\"%s-%s-desc\">",
                    shape->name, shape->width, height, picture, shape->name, picture, shape->name,
                    picture, shape->name, title, picture, shape->name);
}

const char *ph_doctor_svg_outcome(enum ph_doctor_outcome outcome) {
    switch (outcome) {
    case PH_DOCTOR_OUTCOME_SILENT:
        return "no answer";
    case PH_DOCTOR_OUTCOME_ANSWERED:
        return "answered";
    case PH_DOCTOR_OUTCOME_REFUSED:
        return "refused";
    case PH_DOCTOR_OUTCOME_CLOSED:
        return "port closed";
    case PH_DOCTOR_OUTCOME_FAILED:
        return "failed";
    case PH_DOCTOR_OUTCOME_DROPPED:
        break;
    }
    return "given up";
}

/* In at most seven columns. */
static void print_duration(char *ret, size_t size, double ms) {
    if (ms < 999.5)
        snprintf(ret, size, "%.*f ms", ms < 99.95, ms);
    else if (ms < 999500)
        snprintf(ret, size, "%.*f s", ms < 9995, ms / 1000);
    else
        snprintf(ret, size, "> 999 s");
}

const char *ph_doctor_svg_result(const struct ph_doctor_attempt *attempt,
                                 char ret[PH_DOCTOR_SVG_RESULT_SIZE]) {
    char duration[32] = "";
    double ms = attempt->end_ms - attempt->start_ms;
    if (attempt->start_ms >= 0 && ms >= 0)
        print_duration(duration, sizeof duration, ms);
    bool is_refused = attempt->outcome == PH_DOCTOR_OUTCOME_REFUSED;
    if (attempt->outcome == PH_DOCTOR_OUTCOME_ANSWERED && *duration)
        snprintf(ret, PH_DOCTOR_SVG_RESULT_SIZE, "%s", duration);
    else
        snprintf(ret, PH_DOCTOR_SVG_RESULT_SIZE, "%s%s%s", ph_doctor_svg_outcome(attempt->outcome),
                 is_refused && *duration ? " " : "", is_refused ? duration : "");
    return ret;
}

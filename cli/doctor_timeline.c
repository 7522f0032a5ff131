/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_timeline.c: see doctor_svg.h: a line for each attempt, grouped by protocol. What was sent
 * stands on the line, and at its end is what came of it. It decides nothing.
 */
#include <stdbool.h>

#include "cli/doctor_svg.h"
#include "cli/markup.h"

#define LEFT 5.0   /* of a mark at the very beginning */
#define RIGHT 12.0 /* ... and the end */
#define GAP 16.0   /* between a label and the lines */
#define LABEL_COLUMNS 33.0
#define RESULT_COLUMNS 15.0
#define GROUP_HEIGHT 34.0
#define WIDE_ROW 26.0
#define NARROW_ROW 46.0
#define SCALE_HEIGHT 26.0
#define SEND_HEIGHT 12.0
#define AGAIN_HEIGHT 7.0
#define TICK_ROOM 46.0 /* between two numbers of the scale */

/* Where things are. */
struct frame {
    const struct ph_doctor_shape *shape;
    double left, right; /* of time */
    double end_ms;
    double row;
};

/* ---- Time ------------------------------------------------------------------------------------ */

/* Unknown and impossible times are shown at the beginning. */
static double time_of(double ms) { return ms > 0 && ms < 1e9 ? ms : 0; }

static size_t sends_of(const struct ph_doctor_attempt *attempt) {
    return attempt->send_count < PH_DOCTOR_SENDS_MAX ? attempt->send_count : PH_DOCTOR_SENDS_MAX;
}

static double last_of(const struct ph_doctor_report *report) {
    double last = 1;
    for (size_t i = 0; i < report->attempt_count; i++) {
        const struct ph_doctor_attempt *attempt = &report->attempts[i];
        for (size_t k = 0; k < sends_of(attempt); k++)
            last = time_of(attempt->send_ms[k]) > last ? time_of(attempt->send_ms[k]) : last;
        last = time_of(attempt->end_ms) > last ? time_of(attempt->end_ms) : last;
    }
    return last;
}

/* By Newton's method: the command does not load the library of mathematics for this. */
static double root_of(double x) {
    double root = x > 1 ? x : 1;
    for (int i = 0; i < 64; i++)
        root = (root + x / root) / 2;
    return root;
}

/* The beginning, where most happens, has more room than the end. */
static double x_of(const struct frame *frame, double ms) {
    return frame->left +
           (frame->right - frame->left) * root_of(time_of(ms)) / root_of(frame->end_ms);
}

static void draw_scale(FILE *out, const struct frame *frame, double height) {
    static const double marks_ms[] = {60000, 30000, 20000, 10000, 5000, 3000, 2000, 1000,
                                      500,   250,   100,   50,    20,   10,   5,    1};
    double free_to = frame->right + TICK_ROOM;
    for (size_t i = 0; i < sizeof marks_ms / sizeof marks_ms[0]; i++) {
        double ms = marks_ms[i], x = x_of(frame, ms);
        if (ms > frame->end_ms || x + TICK_ROOM > free_to || x < frame->left + TICK_ROOM)
            continue;
        free_to = x;
        bool is_long = ms >= 1000;
        ph_markup_print(out,
                        "<path class=\"grid\" d=\"M%f 0V%f\"/>"
                        "<text class=\"tick\" x=\"%f\" y=\"%f\" text-anchor=\"%s\">%f %s</text>\n",
                        x, height - SCALE_HEIGHT, x, height - 8,
                        x > frame->right - TICK_ROOM / 2 ? "end" : "middle",
                        is_long ? ms / 1000 : ms, is_long ? "s" : "ms");
    }
    ph_markup_print(out,
                    "<path class=\"grid\" d=\"M%f 0V%f\"/>"
                    "<text class=\"tick\" x=\"%f\" y=\"%f\">0</text>\n",
                    frame->left, height - SCALE_HEIGHT, frame->left, height - 8);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

/* Around the point. */
static void draw_mark(FILE *out, enum ph_doctor_outcome outcome, double x, double y) {
    switch (outcome) {
    case PH_DOCTOR_OUTCOME_ANSWERED:
        ph_markup_print(out, "<circle class=\"yes\" cx=\"%f\" cy=\"%f\" r=\"5\"/>", x, y);
        break;
    case PH_DOCTOR_OUTCOME_REFUSED:
        ph_markup_print(out, "<path class=\"no\" d=\"M%f %fl6 6-6 6-6-6z\"/>", x, y - 6);
        break;
    case PH_DOCTOR_OUTCOME_CLOSED:
        ph_markup_print(out, "<path class=\"shut\" d=\"M%f %fh9v9h-9z\"/>", x - 4.5, y - 4.5);
        break;
    case PH_DOCTOR_OUTCOME_FAILED:
        ph_markup_print(out, "<path class=\"broken\" d=\"M%f %fl9 9m0-9l-9 9\"/>", x - 4.5,
                        y - 4.5);
        break;
    case PH_DOCTOR_OUTCOME_SILENT:
    case PH_DOCTOR_OUTCOME_DROPPED:
        break;
    }
}

static const char *line_of(enum ph_doctor_outcome outcome) {
    switch (outcome) {
    case PH_DOCTOR_OUTCOME_ANSWERED:
        return "span yes";
    case PH_DOCTOR_OUTCOME_REFUSED:
    case PH_DOCTOR_OUTCOME_CLOSED:
    case PH_DOCTOR_OUTCOME_FAILED:
        return "span no";
    case PH_DOCTOR_OUTCOME_DROPPED:
        return "span left";
    case PH_DOCTOR_OUTCOME_SILENT:
        break;
    }
    return "span none";
}

static void draw_attempt(FILE *out, const struct frame *frame,
                         const struct ph_doctor_attempt *attempt, double y) {
    double width = frame->shape->width;
    double line_y = frame->shape->is_narrow ? y + 36 : y + 16;
    double text_y = frame->shape->is_narrow ? y + 15 : y + 17;
    double room = frame->shape->is_narrow ? width - (RESULT_COLUMNS + 1) * PH_DOCTOR_COLUMN_WIDTH
                                          : LABEL_COLUMNS * PH_DOCTOR_COLUMN_WIDTH;
    char label[PH_MARKUP_CUT_SIZE], result[PH_DOCTOR_SVG_RESULT_SIZE];
    ph_markup_print(out, "<text class=\"what\" y=\"%f\">%s</text>", text_y,
                    ph_markup_cut(attempt->what, ph_doctor_svg_columns(room), label));
    ph_markup_print(out, "<text class=\"result\" x=\"%f\" y=\"%f\" text-anchor=\"end\">%s</text>",
                    width, text_y, ph_doctor_svg_result(attempt, result));
    double start = x_of(frame, attempt->start_ms), end = x_of(frame, attempt->end_ms);
    ph_markup_print(out, "<path class=\"%s\" d=\"M%f %fH%f\"/>", line_of(attempt->outcome), start,
                    line_y, end > start ? end : start);
    for (size_t i = 0; i < sends_of(attempt); i++)
        ph_markup_print(out, "<path class=\"%s\" d=\"M%f %fv%f\"/>", i ? "sent again" : "sent",
                        x_of(frame, attempt->send_ms[i]), line_y, i ? -AGAIN_HEIGHT : -SEND_HEIGHT);
    draw_mark(out, attempt->outcome, end, line_y);
    putc('\n', out);
}

/* ---- The picture ----------------------------------------------------------------------------- */

static size_t count_of(const struct ph_doctor_report *report, enum porthole_method method) {
    size_t count = 0;
    for (size_t i = 0; i < report->attempt_count; i++)
        count += report->attempts[i].method == method;
    return count;
}

static void describe(FILE *out, const struct ph_doctor_report *report) {
    for (size_t m = 0; m < PH_DOCTOR_METHODS; m++) {
        enum porthole_method method = report->methods[m].method;
        size_t count = count_of(report, method), answered = 0;
        for (size_t i = 0; i < report->attempt_count; i++)
            answered += report->attempts[i].method == method &&
                        report->attempts[i].outcome == PH_DOCTOR_OUTCOME_ANSWERED;
        if (count)
            ph_markup_print(out, "%s: %zu requests, %zu of them answered with yes. ",
                            ph_output_method(method), count, answered);
    }
    fputs("The table of all requests, below, tells the same in words.", out);
}

static double height_of(const struct frame *frame, const struct ph_doctor_report *report) {
    double height = SCALE_HEIGHT + 8;
    for (size_t m = 0; m < PH_DOCTOR_METHODS; m++) {
        size_t count = count_of(report, report->methods[m].method);
        if (count)
            height += GROUP_HEIGHT + frame->row * (double)count;
    }
    return height;
}

static void draw_groups(FILE *out, const struct frame *frame,
                        const struct ph_doctor_report *report) {
    double y = 0;
    for (size_t m = 0; m < PH_DOCTOR_METHODS; m++) {
        enum porthole_method method = report->methods[m].method;
        if (!count_of(report, method))
            continue;
        ph_markup_print(out, "<text class=\"name\" y=\"%f\">%s</text>\n", y + GROUP_HEIGHT - 10,
                        ph_output_method(method));
        y += GROUP_HEIGHT;
        for (size_t i = 0; i < report->attempt_count; i++)
            if (report->attempts[i].method == method) {
                draw_attempt(out, frame, &report->attempts[i], y);
                y += frame->row;
            }
    }
}

static void draw_key(FILE *out, const struct ph_doctor_report *report) {
    bool has[PH_DOCTOR_OUTCOME_DROPPED + 1] = {false}, has_again = false;
    for (size_t i = 0; i < report->attempt_count; i++) {
        has[report->attempts[i].outcome] = true;
        has_again = has_again || report->attempts[i].send_count > 1;
    }
    static const char symbol[] = "<li><svg viewBox=\"0 0 20 16\" aria-hidden=\"true\">";
    ph_markup_print(out, "<ul class=\"key\">\n%s", "");
    fputs(symbol, out);
    ph_markup_print(out, "<path class=\"sent\" d=\"M10 14v%f\"/></svg>request</li>\n",
                    -SEND_HEIGHT);
    if (has_again) {
        fputs(symbol, out);
        ph_markup_print(out, "<path class=\"sent again\" d=\"M10 14v%f\"/></svg>repeated</li>\n",
                        -AGAIN_HEIGHT);
    }
    for (size_t k = 0; k < sizeof has / sizeof has[0]; k++) {
        enum ph_doctor_outcome outcome = (enum ph_doctor_outcome)k;
        if (!has[k])
            continue;
        fputs(symbol, out);
        if (outcome == PH_DOCTOR_OUTCOME_SILENT || outcome == PH_DOCTOR_OUTCOME_DROPPED)
            ph_markup_print(out, "<path class=\"%s\" d=\"M1 8h18\"/>", line_of(outcome));
        else
            draw_mark(out, outcome, 10, 8);
        ph_markup_print(out, "</svg>%s</li>\n", ph_doctor_svg_outcome(outcome));
    }
    fputs("</ul>\n", out);
}

void ph_doctor_timeline_draw(FILE *out, const struct ph_doctor_report *report) {
    if (report->attempt_count == 0)
        return;
    for (size_t s = 0; s < PH_DOCTOR_SHAPES; s++) {
        const struct ph_doctor_shape *shape = &ph_doctor_shapes[s];
        struct frame frame = {.shape = shape,
                              .left = LEFT,
                              .right = shape->width - RIGHT,
                              .end_ms = last_of(report),
                              .row = NARROW_ROW};
        if (!shape->is_narrow) {
            frame.left = LABEL_COLUMNS * PH_DOCTOR_COLUMN_WIDTH + GAP;
            frame.right = shape->width - RESULT_COLUMNS * PH_DOCTOR_COLUMN_WIDTH - GAP;
            frame.row = WIDE_ROW;
        }
        double height = height_of(&frame, report);
        ph_doctor_svg_begin(out, shape, "timeline", height, "The attempts over time");
        describe(out, report);
        fputs("</desc>\n", out);
        draw_scale(out, &frame, height);
        draw_groups(out, &frame, report);
        fputs("</svg>\n", out);
    }
    draw_key(out, report);
}

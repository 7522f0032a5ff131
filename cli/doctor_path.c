/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_path.c: see doctor_svg.h: the path from this host to the Internet, drawn as a connection
 * from outside meets it. It decides nothing: what it draws was judged before.
 */
#include <string.h>

#include "cli/doctor_svg.h"
#include "cli/markup.h"

/* ---- What is at a hop ------------------------------------------------------------------------ */

#define GLYPH_HALF 36.0 /* of a symbol, with the air around it */
#define WIDE_AXIS 40.0
#define WIDE_LABEL 96.0
#define NARROW_AXIS 34.0
#define NARROW_LABEL 84.0
#define NARROW_STEP 116.0
#define NARROW_FIRST 44.0
#define LINE_HEIGHT 19.0
#define FACTS_MAX 3

/* How far a connection from outside has come. */
enum progress { PROGRESS_COMES, PROGRESS_MAYBE, PROGRESS_CUT };

/* What is written at a hop, below its label; "" = not used. */
struct hop_facts {
    size_t count;
    char lines[FACTS_MAX][PH_MARKUP_CUT_SIZE];
};

static const char *glyph_of(const struct ph_doctor_report *report,
                            const struct ph_doctor_hop *hop) {
    static const char router[] = "<rect x=\"-25\" y=\"-2\" width=\"50\" height=\"18\" rx=\"3\"/>"
                                 "<path d=\"M-15-2v-16M15-2v-16M-15 7h.01M-7 7h.01M6 7h10\"/>";
    static const char cloud[] = "<path d=\"M-13 15h27a10.500 10.500 0 0 0 1-21 16 16 0 0 0-30-3 "
                                "12.100 12.100 0 0 0 2 24z\"/>";
    switch (hop->kind) {
    case PH_DOCTOR_HOP_HOST:
        return "<rect x=\"-20\" y=\"-18\" width=\"40\" height=\"28\" rx=\"3\"/>"
               "<path d=\"M-28 17h56\"/>";
    case PH_DOCTOR_HOP_TUNNEL:
        return "<path d=\"M0-21l17 6v13c0 11-7 18-17 22-10-4-17-11-17-22v-13z\"/>"
               "<path d=\"M-7-1l5 6 10-11\"/>";
    case PH_DOCTOR_HOP_GATEWAY:
        return router;
    case PH_DOCTOR_HOP_NAT:
        return report->verdict == PH_DOCTOR_DOUBLE_NAT ? router : cloud;
    case PH_DOCTOR_HOP_INTERNET:
        break;
    }
    return "<circle r=\"20\"/><path d=\"M-20 0h40M0-20c13 12 13 28 0 40M0-20c-13 12-13 28 0 40\"/>";
}

static void add_fact(struct hop_facts *facts, const char *prefix, const char *text,
                     size_t columns) {
    if (!*text || facts->count == FACTS_MAX)
        return;
    char *line = facts->lines[facts->count++];
    size_t len = strlen(prefix);
    memcpy(line, prefix, len + 1);
    char value[PH_MARKUP_CUT_SIZE];
    if (columns > len)
        columns -= len;
    /* An address is known by its two ends, a name by its beginning. */
    if (strchr(text, ':'))
        ph_markup_cut_middle(text, columns, value);
    else
        ph_markup_cut(text, columns, value);
    memcpy(line + len, value, strlen(value) + 1);
}

static struct hop_facts facts_of(const struct ph_doctor_hop *hop, size_t columns) {
    struct hop_facts facts = {.count = 0};
    bool has_sides = *hop->inside && *hop->outside;
    if (columns > PH_MARKUP_COLUMNS_MAX / 2)
        columns = PH_MARKUP_COLUMNS_MAX / 2;
    add_fact(&facts, "", hop->name, columns);
    add_fact(&facts, has_sides ? "in " : "", hop->inside, columns);
    add_fact(&facts, has_sides ? "out " : "", hop->outside, columns);
    return facts;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* A line along the path from `from` to `to`, across it at the axis. */
static void draw_line(FILE *out, const struct ph_doctor_shape *shape, const char *class,
                      double from, double to) {
    if (shape->is_narrow)
        ph_markup_print(out, "<path class=\"%s\" d=\"M%f %fV%f\"/>\n", class, NARROW_AXIS, from,
                        to);
    else
        ph_markup_print(out, "<path class=\"%s\" d=\"M%f %fH%f\"/>\n", class, from, WIDE_AXIS, to);
}

/* Its point is towards this host. */
static void draw_arrow(FILE *out, const struct ph_doctor_shape *shape, double point) {
    if (shape->is_narrow)
        ph_markup_print(out, "<path class=\"flow\" d=\"M%f %fl6-7 6 7\"/>\n", NARROW_AXIS - 6,
                        point + 7);
    else
        ph_markup_print(out, "<path class=\"flow\" d=\"M%f %fl-7 6 7 6\"/>\n", point + 7,
                        WIDE_AXIS - 6);
}

static void draw_bar(FILE *out, const struct ph_doctor_shape *shape, double at) {
    if (shape->is_narrow)
        ph_markup_print(out, "<path class=\"stop\" d=\"M%f %fh28\"/>\n", NARROW_AXIS - 14, at);
    else
        ph_markup_print(out, "<path class=\"stop\" d=\"M%f %fv28\"/>\n", at, WIDE_AXIS - 14);
}

/* From the hop at `near` to the next one outwards at `far`, seen from outside. */
static void draw_edge(FILE *out, const struct ph_doctor_shape *shape, double near, double far,
                      enum progress progress, bool is_shut) {
    near += GLYPH_HALF;
    far -= GLYPH_HALF;
    if (progress == PROGRESS_CUT) {
        draw_line(out, shape, "cut", near, far);
        return;
    }
    if (is_shut) {
        draw_bar(out, shape, near + 1);
        near += 9;
    }
    draw_line(out, shape, progress == PROGRESS_COMES ? "flow" : "flow maybe", near, far);
    draw_arrow(out, shape, near);
}

size_t ph_doctor_path_end(const struct ph_doctor_report *report) {
    for (size_t i = report->hop_count; i-- > 0;)
        if (report->hops[i].state == PH_DOCTOR_HOP_BLOCKED)
            return i;
    return report->hop_count;
}

/* Nothing is known to be in the way, and nothing to be open. */
static bool is_all_unknown(const struct ph_doctor_report *report) {
    return report->hop_count > 0 && ph_doctor_path_end(report) == report->hop_count &&
           report->hops[report->hop_count - 1].state == PH_DOCTOR_HOP_UNKNOWN;
}

bool ph_doctor_path_is_dashed(const struct ph_doctor_report *report) {
    size_t end = ph_doctor_path_end(report);
    bool is_dashed = is_all_unknown(report);
    for (size_t i = end < report->hop_count ? end + 1 : 0; i + 1 < report->hop_count; i++)
        is_dashed = is_dashed || report->hops[i].state == PH_DOCTOR_HOP_UNKNOWN;
    return is_dashed;
}

static double position_of(const struct ph_doctor_shape *shape, size_t count, size_t index) {
    if (shape->is_narrow)
        return NARROW_FIRST + NARROW_STEP * (double)index;
    return PH_DOCTOR_WIDE_WIDTH / (double)count * ((double)index + 0.5);
}

static void draw_edges(FILE *out, const struct ph_doctor_shape *shape,
                       const struct ph_doctor_report *report) {
    enum progress progress = is_all_unknown(report) ? PROGRESS_MAYBE : PROGRESS_COMES;
    for (size_t i = report->hop_count - 1; i-- > 0;) {
        enum ph_doctor_hop_state passed = report->hops[i + 1].state;
        if (passed == PH_DOCTOR_HOP_BLOCKED)
            progress = PROGRESS_CUT;
        else if (passed == PH_DOCTOR_HOP_UNKNOWN && progress == PROGRESS_COMES &&
                 i + 2 < report->hop_count) /* the Internet is where it comes from */
            progress = PROGRESS_MAYBE;
        /* Beyond this host itself there is nothing to draw. */
        if (i == 0 && report->hops[0].state == PH_DOCTOR_HOP_UNKNOWN && progress == PROGRESS_COMES)
            progress = PROGRESS_MAYBE;
        draw_edge(out, shape, position_of(shape, report->hop_count, i),
                  position_of(shape, report->hop_count, i + 1), progress,
                  report->hops[i].state == PH_DOCTOR_HOP_BLOCKED);
    }
}

/* ---- The picture ----------------------------------------------------------------------------- */

static void draw_hop(FILE *out, const struct ph_doctor_shape *shape,
                     const struct ph_doctor_report *report, size_t index) {
    const struct ph_doctor_hop *hop = &report->hops[index];
    double at = position_of(shape, report->hop_count, index);
    double room = shape->is_narrow
                      ? PH_DOCTOR_NARROW_WIDTH - NARROW_LABEL
                      : PH_DOCTOR_WIDE_WIDTH / (double)report->hop_count - PH_DOCTOR_COLUMN_WIDTH;
    struct hop_facts facts = facts_of(hop, ph_doctor_svg_columns(room));
    double x = shape->is_narrow ? NARROW_AXIS : at;
    double y = shape->is_narrow ? at : WIDE_AXIS;
    ph_markup_print(out, "<g class=\"glyph%s\" transform=\"translate(%f %f)\">",
                    hop->state == PH_DOCTOR_HOP_BLOCKED ? " at" : "", x, y);
    fputs(glyph_of(report, hop), out);
    fputs("</g>\n", out);
    /* Beside its symbol the text is centred on it. */
    x = shape->is_narrow ? NARROW_LABEL : at;
    y = shape->is_narrow ? at + 5 - LINE_HEIGHT / 2 * (double)facts.count : WIDE_LABEL;
    const char *anchor = shape->is_narrow ? "start" : "middle";
    /* Its letters are bold and wider than a typewriter's. */
    char label[PH_MARKUP_CUT_SIZE];
    ph_markup_cut(hop->label, ph_doctor_svg_columns(room / 1.4), label);
    if (label[0] >= 'a' && label[0] <= 'z')
        label[0] = (char)(label[0] - 'a' + 'A');
    ph_markup_print(out, "<text class=\"name\" x=\"%f\" y=\"%f\" text-anchor=\"%s\">%s</text>\n", x,
                    y, anchor, label);
    for (size_t i = 0; i < facts.count; i++)
        ph_markup_print(out,
                        "<text class=\"fact\" x=\"%f\" y=\"%f\" text-anchor=\"%s\">%s</text>\n", x,
                        y + 2 + LINE_HEIGHT * (double)(i + 1), anchor, facts.lines[i]);
}

static void describe_path(FILE *out, const struct ph_doctor_report *report) {
    for (size_t i = 0; i < report->hop_count; i++)
        ph_markup_print(out, "%s%s", i ? ", " : "From here outwards: ", report->hops[i].label);
    size_t end = ph_doctor_path_end(report);
    if (end < report->hop_count)
        ph_markup_print(out, ". A connection from outside ends at: %s.", report->hops[end].label);
    else
        fputs(".", out);
}

void ph_doctor_path_draw(FILE *out, const struct ph_doctor_report *report) {
    size_t count = report->hop_count;
    if (count < 2)
        return;
    for (size_t s = 0; s < PH_DOCTOR_SHAPES; s++) {
        const struct ph_doctor_shape *shape = &ph_doctor_shapes[s];
        double height = shape->is_narrow ? position_of(shape, count, count - 1) + NARROW_FIRST
                                         : WIDE_LABEL + LINE_HEIGHT * FACTS_MAX + 10;
        ph_doctor_svg_begin(out, shape, "path", height, "The path to the Internet");
        describe_path(out, report);
        fputs("</desc>\n", out);
        draw_edges(out, shape, report);
        for (size_t i = 0; i < count; i++)
            draw_hop(out, shape, report, i);
        fputs("</svg>\n", out);
    }
}

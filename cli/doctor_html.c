/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_html.c: see doctor_html.h. The order is the reader's: the verdict and what to do, the
 * pictures, and then all facts. Every text goes through markup.h, whoever it came from. It decides
 * nothing: the report was judged before.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/doctor_html.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/doctor_svg.h"
#include "cli/doctor_tables.h"
#include "cli/markup.h"
#include "cli/replace.h"

#define PAGE_MODE 0666 /* and the umask */

/* ---- The verdict ----------------------------------------------------------------------------- */

/* What stands between two backticks is a command. */
static void print_prose(FILE *out, const char *text) {
    char part[PH_DOCTOR_REASON_SIZE];
    while (*text) {
        size_t len = strcspn(text, "`"), command_len = 0;
        if (text[len] == '`')
            command_len = strcspn(text + len + 1, "`");
        bool is_command = command_len > 0 && text[len + 1 + command_len] == '`';
        if (!is_command && text[len] == '`')
            len = strlen(text);
        snprintf(part, sizeof part, "%.*s", (int)len, text);
        ph_markup_print(out, "%s", part);
        text += len;
        if (!is_command)
            continue;
        snprintf(part, sizeof part, "%.*s", (int)command_len, text + 1);
        ph_markup_print(out, "<code>%s</code>", part);
        text += command_len + 2;
    }
}

/* What the verdict means for somebody who wants to be reached. */
struct mood {
    const char *class;
    const char *words;
    const char *symbol;
};

static struct mood mood_of(enum ph_doctor_verdict verdict) {
    static const struct mood good = {"good", "Can be reached from outside",
                                     "<circle cx=\"10\" cy=\"10\" r=\"8\"/>"};
    static const struct mood likely = {"good", "Can probably be reached from outside",
                                       "<circle cx=\"10\" cy=\"10\" r=\"8\"/>"};
    static const struct mood unsure = {"warn", "Perhaps cannot be reached",
                                       "<path d=\"M10 1l10 18H0z\"/>"};
    static const struct mood bad = {"bad", "Cannot be reached from outside",
                                    "<path d=\"M10 1l9 9-9 9-9-9z\"/>"};
    switch (verdict) {
    case PH_DOCTOR_DIRECT:
    case PH_DOCTOR_MAPPED:
        return good;
    case PH_DOCTOR_MAPPABLE:
        return likely;
    case PH_DOCTOR_TWO_ROUTERS:
    case PH_DOCTOR_UNCLEAR:
        return unsure;
    case PH_DOCTOR_HOST_FIREWALL:
    case PH_DOCTOR_DOUBLE_NAT:
    case PH_DOCTOR_CARRIER_NAT:
    case PH_DOCTOR_NO_UPLINK:
    case PH_DOCTOR_REFUSED:
    case PH_DOCTOR_FILTERED:
    case PH_DOCTOR_NO_PROTOCOL:
    case PH_DOCTOR_VPN:
    case PH_DOCTOR_NO_ROUTE:
        break;
    }
    return bad;
}

static void print_list(FILE *out, const char *element, const char *class, size_t count,
                       const char (*lines)[PH_DOCTOR_LINE_SIZE]) {
    ph_markup_print(out, "<%s class=\"%s\">\n", element, class);
    for (size_t i = 0; i < count; i++) {
        fputs("<li>", out);
        print_prose(out, lines[i]);
        fputs("</li>\n", out);
    }
    ph_markup_print(out, "</%s>\n", element);
}

static void print_verdict(FILE *out, const struct ph_doctor_report *report) {
    struct mood mood = mood_of(report->verdict);
    fputs("<section class=\"verdict\">\n<p class=\"state\"><svg viewBox=\"0 0 20 20\" "
          "aria-hidden=\"true\">",
          out);
    fputs(mood.symbol, out);
    ph_markup_print(out, "</svg>%s</p>\n<h1>%s</h1>\n", mood.words,
                    ph_doctor_verdict_title(report->verdict));
    if (*report->reason) {
        fputs("<p class=\"reason\">", out);
        print_prose(out, report->reason);
        fputs("</p>\n", out);
    }
    if (report->advice_count) {
        fputs("<h2>What to do</h2>\n", out);
        print_list(out, "ol", "advice", report->advice_count, report->advice);
    }
    if (report->note_count) {
        fputs("<h2>Also worth knowing</h2>\n", out);
        print_list(out, "ul", "notes", report->note_count, report->notes);
    }
    ph_doctor_section_end(out);
}

/* ---- Pictures -------------------------------------------------------------------------------- */

static void print_hop_notes(FILE *out, const struct ph_doctor_report *report) {
    bool is_begun = false;
    for (size_t i = 0; i < report->hop_count; i++) {
        const struct ph_doctor_hop *hop = &report->hops[i];
        if (!*hop->note)
            continue;
        fputs(is_begun ? "" : "<ul class=\"hops\">\n", out);
        is_begun = true;
        ph_markup_print(out, "<li><b>%s</b>: %s</li>\n", hop->label, hop->note);
    }
    fputs(is_begun ? "</ul>\n" : "", out);
}

static void print_path(FILE *out, const struct ph_doctor_report *report) {
    if (report->hop_count < 2)
        return;
    ph_doctor_section_begin(out, "The path");
    fputs("<figure>\n", out);
    ph_doctor_path_draw(out, report);
    fputs("<figcaption>\n<p>The coloured line is a connection from the Internet to this host", out);
    size_t end = ph_doctor_path_end(report);
    bool is_dashed = ph_doctor_path_is_dashed(report);
    if (end < report->hop_count)
        ph_markup_print(out, ". It ends at: %s.", report->hops[end].label);
    else
        fputs(is_dashed ? "." : ": it comes all the way.", out);
    fputs(is_dashed ? " Where it is dashed, nobody can tell from here.</p>\n" : "</p>\n", out);
    print_hop_notes(out, report);
    fputs("</figcaption></figure>\n", out);
    ph_doctor_section_end(out);
}

static void print_timeline(FILE *out, const struct ph_doctor_report *report) {
    if (report->attempt_count == 0)
        return;
    ph_doctor_section_begin(out, "The attempts");
    fputs("<figure>\n", out);
    ph_doctor_timeline_draw(out, report);
    fputs("<figcaption><p>Time runs from left to right; its beginning is stretched.</p>"
          "</figcaption></figure>\n",
          out);
    ph_doctor_section_end(out);
}

/* ---- The page -------------------------------------------------------------------------------- */

static void print_head(FILE *out, const struct ph_doctor_report *report) {
    /* The policy is for a page that somebody has changed: this one has nothing to load or run. */
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" "
          "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"robots\" content=\"noindex\">\n",
          out);
    ph_markup_print(out, "<title>%s - porthole doctor</title>\n<style>\n",
                    ph_doctor_verdict_title(report->verdict));
    for (const char *const *line = ph_doctor_style; *line; line++)
        fputs(*line, out);
    ph_markup_print(out, "</style>\n</head>\n<body class=\"%s\">\n",
                    mood_of(report->verdict).class);
    ph_markup_print(out, "<header class=\"top\"><p><b>porthole doctor</b> %s</p>", report->host);
    char begun[sizeof report->begun + sizeof " UTC"];
    snprintf(begun, sizeof begun, "%s", report->begun);
    /* "2026-03-01T12:00:00Z" is for machines. */
    if (strlen(begun) == 20 && begun[10] == 'T' && begun[19] == 'Z') {
        begun[10] = ' ';
        snprintf(begun + 19, sizeof begun - 19, " UTC");
    }
    ph_markup_print(out, "<p><time datetime=\"%s\">%s</time></p></header>\n<main>\n", report->begun,
                    begun);
}

static void print_foot(FILE *out, const struct ph_doctor_report *report) {
    ph_markup_print(out, "</main>\n<footer><p>porthole %s on %s; it took %f ms.", report->version,
                    report->system, report->elapsed_ms);
    fputs(report->is_redacted ? " Addresses and names are replaced." : "", out);
    fputs(" This page loads nothing and runs no scripts.</p></footer>\n</body>\n</html>\n", out);
}

void ph_doctor_html_print(FILE *out, const struct ph_doctor_report *report) {
    print_head(out, report);
    print_verdict(out, report);
    print_path(out, report);
    print_timeline(out, report);
    ph_doctor_tables_print(out, report);
    print_foot(out, report);
}

static void write_page(FILE *file, const void *user) { ph_doctor_html_print(file, user); }

bool ph_doctor_html_write(const char *path, const struct ph_doctor_report *report) {
    mode_t mask = umask(0);
    umask(mask);
    return ph_replace_file(path, PAGE_MODE & ~mask, write_page, report);
}

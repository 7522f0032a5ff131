/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * cmd_probe.c: `porthole probe`: asks the gateway by every protocol and shows who answered, how
 * fast, and what it said; or why not. It opens nothing.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/exitcode.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

static const char probe_help[] =
    "usage: porthole probe [OPTION]...\n"
    "Shows which protocols the gateway speaks, how fast, and its external address.\n"
    "\n" PH_OPTIONS_HELP_TEXT "      --timeout S            how long to wait for answers\n"
    "      --json                 one JSON object\n"
    "  -v, --verbose          log decisions to standard error; twice: every packet\n"
    "\n"
    "examples:\n"
    "  porthole probe\n"
    "  porthole probe --gateway 192.168.1.1 -p upnp\n"
    "  porthole probe --json | jq .pcp.answered\n"
    "exit codes: 0 something answered, 1 failed, 2 usage, 3 nothing answered\n";

static const struct option probe_options[] = {PH_OPTIONS_TABLE, {NULL, 0, NULL, 0}};

struct method_answer {
    enum porthole_method method;
    const struct porthole_probe_method *answer;
};
#define METHODS 3

static void list_answers(const struct porthole_probe *probe, struct method_answer ret[METHODS]) {
    ret[0] = (struct method_answer){PORTHOLE_PCP, &probe->pcp};
    ret[1] = (struct method_answer){PORTHOLE_NATPMP, &probe->natpmp};
    ret[2] = (struct method_answer){PORTHOLE_UPNP, &probe->upnp};
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *address_json(const char *address, enum porthole_reach reach) {
    if (!*address)
        return json_null();
    return json_pack("{s:o, s:s}", "address", ph_output_text(address), "reach",
                     porthole_reach_name(reach));
}

static json_t *method_json(enum porthole_method method,
                           const struct porthole_probe_method *answer) {
    if (answer->error == PORTHOLE_ERR_CANCELLED)
        return json_null();
    if (answer->error != 0) {
        json_t *object = json_pack("{s:b}", "answered", 0);
        json_t *why = ph_output_why(answer->error, answer->code, answer->text);
        bool whole = object && why && json_object_update(object, why) == 0;
        json_decref(why);
        if (whole)
            return object;
        json_decref(object);
        return NULL;
    }
    if (method == PORTHOLE_UPNP)
        return json_pack("{s:b, s:o, s:o, s:o, s:o}", "answered", 1, "rtt_ms",
                         ph_output_ms(answer->rtt_ms), "external",
                         address_json(answer->external_address, answer->reach), "device",
                         ph_output_text(answer->device), "url", ph_output_text(answer->url));
    return json_pack("{s:b, s:o, s:o, s:I}", "answered", 1, "rtt_ms", ph_output_ms(answer->rtt_ms),
                     "external", address_json(answer->external_address, answer->reach), "epoch_s",
                     (json_int_t)answer->epoch_s);
}

static void print_probe_json(const struct porthole_probe *probe) {
    struct method_answer answers[METHODS];
    list_answers(probe, answers);
    json_t *object = json_pack("{s:o, s:o, s:o}", "gateway", ph_output_text(probe->gateway),
                               "local", address_json(probe->local_address, probe->local_reach),
                               "elapsed_ms", ph_output_ms(probe->elapsed_ms));
    bool whole = object != NULL;
    for (size_t i = 0; i < METHODS && whole; i++)
        whole = json_object_set_new(object, porthole_method_name(answers[i].method),
                                    method_json(answers[i].method, answers[i].answer)) == 0;
    if (!whole) {
        json_decref(object);
        object = NULL;
    }
    ph_output_json(object);
}

/* ---- For people ------------------------------------------------------------------------------ */

static void print_method(enum porthole_method method, const struct porthole_probe_method *answer) {
    const char *name = ph_output_method(method);
    if (answer->error == PORTHOLE_ERR_CANCELLED) {
        ph_output_line("%-8s  not asked", name);
    } else if (answer->error != 0) {
        char reason[PH_OUTPUT_REASON_SIZE];
        ph_output_line("%-8s  no       %s", name,
                       ph_output_reason(answer->error, answer->code, answer->text, reason));
    } else {
        bool known = *answer->external_address != '\0';
        ph_output_line("%-8s  yes %8.1f ms  %s%s%s%s", name, answer->rtt_ms,
                       known ? answer->external_address : "not told", known ? " (" : "",
                       known ? porthole_reach_name(answer->reach) : "", known ? ")" : "");
        if (*answer->device || *answer->url)
            ph_output_line("%-8s  %s%s%s", "", answer->device,
                           *answer->device && *answer->url ? ", " : "", answer->url);
    }
}

static void print_probe_human(const struct porthole_probe *probe) {
    struct method_answer answers[METHODS];
    list_answers(probe, answers);
    ph_output_line("Gateway %s, asked from %s (%s)", *probe->gateway ? probe->gateway : "unknown",
                   *probe->local_address ? probe->local_address : "an unknown address",
                   porthole_reach_name(probe->local_reach));
    ph_output_line("%s", "");
    ph_output_line("%-8s  %-15s  %s", "Protocol", "Answers", "External address");
    for (size_t i = 0; i < METHODS; i++)
        print_method(answers[i].method, answers[i].answer);
}

/* ---- The command ----------------------------------------------------------------------------- */

static int run_probe(const struct ph_options *options) {
    struct porthole *client;
    int code = ph_options_open(options, &client);
    if (code != PH_EXITCODE_DONE)
        return code;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    ph_progress_begin(options);
    int result = porthole_probe(client, options->timeout_ms, &probe);
    ph_progress_end();
    porthole_close(client, 0);
    /* With no answer at all *ret_probe tells why, protocol by protocol. */
    bool told = result >= 0 || result == PORTHOLE_ERR_NO_GATEWAY;
    if (!told && !options->json)
        ph_output_error(options->command, "%s", porthole_strerror(result));
    else if (!told)
        ph_output_json(ph_output_why(result, 0, ""));
    else if (options->json)
        print_probe_json(&probe);
    else
        print_probe_human(&probe);
    ph_options_advise(options, ph_exitcode_of(result));
    return ph_exitcode_of(result);
}

int ph_cmd_probe(int argc, char **argv) {
    struct ph_options options = {.command = argv[0]};
    int option = ph_options_next(&options, argc, argv, PH_OPTIONS_LETTERS, probe_options);
    if (option == PH_OPTIONS_HELP) {
        fputs(probe_help, stdout);
        return PH_EXITCODE_DONE;
    }
    if (option == PH_OPTIONS_BAD || !ph_options_finish(&options, argc, argv))
        return PH_EXITCODE_USAGE;
    return run_probe(&options);
}

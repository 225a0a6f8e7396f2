/* SPDX-License-Identifier: Apache-2.0 */
/* command-check.c - `netemu trace check`: what a program does wrong with verbs */
#include "config.h"

#include "matrix/report.h"
#include "plain.h"
#include "trace/commands.h"
#include "trace/rules.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 10 /* findings of a rule in a rank, as text */

enum { KEY_FORMAT = 256, KEY_RULE, KEY_LIST };

struct check_options {
	const char *run;
	bool json, list;
	uint64_t wanted; /* rules */
};

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{ "rule", KEY_RULE, "NAME,...", 0, "Only these rules", 0 },
	{ "list", KEY_LIST, NULL, 0, "List the rules", 0 },
	{ 0 },
};

static void parse_rules(struct check_options *options, char *names, struct argp_state *state)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		int rule = rules_find(name);

		if (rule < 0)
			argp_error(state, "--rule: there is no rule '%s', see --list", name);
		options->wanted |= UINT64_C(1) << rule;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check_options *options = state->input;

	switch (key) {
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--format=%s: text or json", arg);
		options->json = !strcmp(arg, "json");
		return 0;
	case KEY_RULE:
		parse_rules(options, arg, state);
		return 0;
	case KEY_LIST:
		options->list = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->run)
			argp_error(state, "one RUN is enough: '%s'", arg);
		options->run = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->run && !options->list)
			argp_error(state, "RUN is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void list_rules(void)
{
	for (uint32_t rule = 0; rules_name(rule); rule++)
		printf("%-22s %-8s %s\n", rules_name(rule), severity_names[rules_severity(rule)],
		       rules_about(rule));
}

/* --- text --- */

static void put_text(const struct finding *finding)
{
	printf("%s: %s: rank %" PRIu32, severity_names[rules_severity(finding->rule)],
	       rules_name(finding->rule), finding->rank);
	if (finding->has_qp)
		printf(", queue pair 0x%06" PRIx32 " (%s)", finding->qpn, finding->whose);
	if (finding->time >= 0)
		printf(", at %.6f s", (double)finding->time / 1e9);
	if (finding->call)
		printf(", %s", finding->call);
	printf(": %s; %s\n", finding->text, finding->advice);
}

static void put_sum(uint32_t count, const char *one, const char *many, const char *end)
{
	printf("%" PRIu32 " %s%s", count, count == 1 ? one : many, end);
}

/* More of a rule than anybody reads are counted. */
static void put_all(const struct findings *findings)
{
	uint32_t shown[64] = { 0 }, rank = 0;

	for (size_t i = 0; i <= findings->count; i++) {
		const struct finding *finding = &findings->row[i];

		if (i == findings->count || finding->rank != rank) {
			for (uint32_t rule = 0; rules_name(rule); rule++)
				if (shown[rule] > SHOWN)
					printf("%s: %s: rank %" PRIu32 ": and %" PRIu32 " more\n",
					       severity_names[rules_severity(rule)],
					       rules_name(rule), rank, shown[rule] - SHOWN);
			memset(shown, 0, sizeof(shown));
		}
		if (i == findings->count)
			break;
		rank = finding->rank;
		if (shown[finding->rule]++ < SHOWN)
			put_text(finding);
	}
	put_sum(findings->of[SEVERITY_ERROR], "error", "errors", ", ");
	put_sum(findings->of[SEVERITY_WARNING], "warning", "warnings", ", ");
	put_sum(findings->of[SEVERITY_ADVICE], "piece of advice", "pieces of advice", "\n");
}

/* --- JSON --- */

static void put_member(const char *key, const char *text)
{
	printf(", \"%s\": ", key);
	put_json(stdout, text);
}

static void put_finding(const struct trace_run *run, const struct finding *finding)
{
	printf("{\"severity\": \"%s\", \"rule\": \"%s\", \"rank\": %" PRIu32,
	       severity_names[rules_severity(finding->rule)], rules_name(finding->rule),
	       finding->rank);
	put_member("node", run->file[finding->file].header.node);
	if (finding->has_qp)
		printf(", \"qpn\": %" PRIu32, finding->qpn);
	if (finding->has_qp)
		put_member("queue_pair", finding->whose);
	if (finding->time >= 0)
		printf(", \"time_ns\": %" PRId64, finding->time);
	if (finding->call)
		put_member("call", finding->call);
	printf(", \"count\": %" PRIu64, finding->count);
	put_member("text", finding->text);
	put_member("advice", finding->advice);
	putchar('}');
}

static void put_document(const struct trace_run *run, const struct findings *findings)
{
	printf("{\"run\": ");
	put_json(stdout, run->path);
	printf(",\n\"start_realtime_ns\": %" PRId64 ",\n\"findings\": [", run->start);
	for (size_t i = 0; i < findings->count; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		put_finding(run, &findings->row[i]);
	}
	printf("],\n\"errors\": %" PRIu32 ", \"warnings\": %" PRIu32 ", \"advice\": %" PRIu32 "}\n",
	       findings->of[SEVERITY_ERROR], findings->of[SEVERITY_WARNING],
	       findings->of[SEVERITY_ADVICE]);
}

/* --- all of it --- */

static void warn_partial(const struct trace_run *run)
{
	for (uint32_t i = 0; i < run->files; i++) {
		const struct trace_file *file = &run->file[i];
		uint64_t dropped = file->dropped + file->header.lost;

		if (dropped)
			fprintf(stderr,
				"netemu trace check: warning: rank %" PRIu32 ": %" PRIu64
				" records were dropped: not all was looked at\n",
				file->rank, dropped);
		if (file->header.level != VRING_FULL)
			fprintf(stderr,
				"netemu trace check: warning: rank %" PRIu32
				": the data path was not recorded (level=)\n",
				file->rank);
	}
}

/* Returns the exit status, or -1 with ERR written. */
static int check(const struct check_options *options, const struct trace_run *run, struct err *err)
{
	struct findings findings;
	int status;

	if (rules_check(&findings, run, options->wanted ? options->wanted : UINT64_MAX, err) < 0)
		return -1;
	warn_partial(run);
	if (options->json)
		put_document(run, &findings);
	else
		put_all(&findings);
	status = findings.of[SEVERITY_ERROR] ? 1 : 0;
	findings_release(&findings);
	if (fflush(stdout) || ferror(stdout))
		return err_errno(err, "unable to write to standard output");
	return status;
}

int command_check(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "RUN\n--list",
		.doc = "Misuse of verbs that can be proven from what was recorded; exit status 1 "
		       "when there are errors.",
	};
	struct check_options options = { 0 };
	struct trace_run run;
	struct err err = { "" };
	int status;

	setlocale(LC_CTYPE, "");
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.list) {
		list_rules();
		return 0;
	}
	status = trace_run_open(&run, options.run, &err);
	if (status == 0) {
		status = check(&options, &run, &err);
		trace_run_close(&run);
	}
	if (status >= 0)
		return status;
	fflush(stdout);
	fputs("netemu trace check: ", stderr);
	plain_put(stderr, err.text);
	putc('\n', stderr);
	return 1;
}

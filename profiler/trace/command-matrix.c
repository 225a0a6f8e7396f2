/* SPDX-License-Identifier: Apache-2.0 */
/* command-matrix.c - `netemu trace matrix`: which rank moved what to which with verbs */
#include "config.h"

#include "matrix/report.h"
#include "plain.h"
#include "rundir.h"
#include "trace/commands.h"
#include "trace/ranks.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_FORMAT = 256 };

enum format { FORMAT_RANK, FORMAT_TEXT, FORMAT_TSV, FORMAT_JSON, FORMATS };

static const char *const format_names[FORMATS] = { "rank", "text", "tsv", "json" };

struct matrix_options {
	const char *run;
	const char *output; /* NULL: in the run directory */
	enum format format;
};

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "rank (default): a file of each rank; text, tsv or json: on standard output, as "
	  "netemu-matrix shows it",
	  0 },
	{ "output", 'o', "DIR", 0, "Put the files there instead of RUN/verbs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct matrix_options *options = state->input;
	int format = 0;

	switch (key) {
	case KEY_FORMAT:
		while (format < FORMATS && strcmp(arg, format_names[format]))
			format++;
		if (format == FORMATS)
			argp_error(state, "--format=%s: rank, text, tsv or json", arg);
		options->format = (enum format)format;
		return 0;
	case 'o':
		options->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (options->run)
			argp_error(state, "one RUN is enough: '%s'", arg);
		options->run = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->run)
			argp_error(state, "RUN is missing");
		if (options->output && options->format != FORMAT_RANK)
			argp_error(state,
				   "--output is for rank files: --format=%s goes to "
				   "standard output",
				   format_names[options->format]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what a matrix cannot show --- */

static void put_traffic(uint64_t bytes, uint64_t messages, const char *what)
{
	char a[32], b[32];

	if (messages)
		printf(", %s %s bytes in %s messages", what, units_grouped(a, sizeof(a), bytes),
		       units_grouped(b, sizeof(b), messages));
}

static void put_elsewhere(const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nelsewhere; i++) {
		const struct rankelsewhere *row = &rank->elsewhere[i];

		printf("rank %" PRIu32 ": %s ", rank->rank,
		       row->multicast ? "multicast group" : "no rank's: queue pair");
		if (!row->multicast)
			printf("0x%06" PRIx32 " at ", row->qpn);
		if (row->gid)
			printf("GID %s", row->gid);
		else if (row->lid || row->multicast)
			printf("LID %" PRIu32, row->lid);
		else
			printf("an address that is not known");
		printf(": %s", rankop_names[row->op]);
		put_traffic(row->tx_bytes, row->tx_messages, "sent");
		put_traffic(row->rx_bytes, row->rx_messages, "received");
		putchar('\n');
	}
}

static void put_failed(const struct rankfile *rank)
{
	char bytes[32], messages[32];

	for (size_t i = 0; i < rank->nfailed; i++) {
		const struct rankfailed *row = &rank->failed[i];

		printf("rank %" PRIu32 ": failed: %s messages (%s bytes) of %s to ", rank->rank,
		       units_grouped(messages, sizeof(messages), row->messages),
		       units_grouped(bytes, sizeof(bytes), row->bytes), rankop_names[row->op]);
		if (row->peer < 0)
			printf("no rank: %s\n", row->status);
		else
			printf("rank %" PRId64 ": %s\n", row->peer, row->status);
	}
}

static void warn_incomplete(const struct ranks *ranks)
{
	char text[32];

	if (ranks->dropped)
		fprintf(stderr,
			"netemu trace matrix: warning: %s records were dropped: the matrix is "
			"incomplete\n",
			units_grouped(text, sizeof(text), ranks->dropped));
	if (ranks->unposted)
		fprintf(stderr,
			"netemu trace matrix: warning: %s completions without their requests are "
			"not in it\n",
			units_grouped(text, sizeof(text), ranks->unposted));
	if (ranks->unknown)
		fprintf(stderr,
			"netemu trace matrix: warning: nothing was recorded of %" PRIu32
			" of %" PRIu32 " ranks\n",
			ranks->unknown, ranks->count);
}

/* --- output --- */

static int default_directory(const struct trace_run *run, char path[PATH_MAX], struct err *err)
{
	if (!run->directory)
		return err_set(err, "'%s' is no run directory: --output=DIR says where to",
			       run->path);
	if (snprintf(path, PATH_MAX, "%s/" RUNDIR_VERBS, run->path) >= PATH_MAX)
		return err_set(err, "'%s': the path is too long", run->path);
	return 0;
}

static int save_all(const struct trace_run *run, const struct ranks *ranks, const char *output,
		    struct err *err)
{
	char path[PATH_MAX];

	if (!output) {
		if (default_directory(run, path, err) < 0)
			return -1;
		output = path;
	}
	if (mkdir(output, 0777) < 0 && errno != EEXIST)
		return err_errno(err, "unable to make '%s'", output);
	for (uint32_t i = 0; i < ranks->count; i++)
		if (rankfile_save(&ranks->rank[i], output, err) < 0)
			return -1;
	printf("%" PRIu32 " rank files in ", ranks->count);
	plain_put(stdout, output);
	putchar('\n');
	for (uint32_t i = 0; i < ranks->count; i++) {
		put_elsewhere(&ranks->rank[i]);
		put_failed(&ranks->rank[i]);
	}
	return 0;
}

static int report_run(struct run *shown, const char *name, enum format format, struct err *err)
{
	static int (*const formats[FORMATS])(const struct report *, FILE *, struct err *) = {
		[FORMAT_TEXT] = report_text,
		[FORMAT_TSV] = report_tsv,
		[FORMAT_JSON] = report_json,
	};
	struct report report = {
		.name = name,
		.run = shown,
		.matrix = run_view(shown),
		.ranks = run_view(shown),
	};

	report_terminal(&report, true);
	matrix_forget_received(run_view(shown));
	if (matrix_summarize(report.ranks, shown->nameless ? NULL : shown->node, &report.summary) <
	    0)
		return err_errno(err, "'%s'", name);
	return formats[format](&report, stdout, err);
}

static int show(const struct trace_run *run, const struct ranks *ranks, enum format format,
		struct err *err)
{
	const struct selection all = SELECTION_ALL;
	struct run shown;
	int rc = 0;

	run_init(&shown, &all);
	for (uint32_t i = 0; rc == 0 && i < ranks->count; i++)
		rc = run_add(&shown, &ranks->rank[i], run->path, false, err);
	if (rc == 0)
		rc = run_finish(&shown, run->path, err);
	if (rc == 0)
		rc = report_run(&shown, run->path, format, err);
	run_release(&shown);
	return rc;
}

static int put_out(const struct matrix_options *options, const struct trace_run *run,
		   struct err *err)
{
	struct ranks ranks;
	int rc;

	if (ranks_collect(&ranks, run, err) < 0)
		return -1;
	warn_incomplete(&ranks);
	rc = options->format == FORMAT_RANK ? save_all(run, &ranks, options->output, err)
					    : show(run, &ranks, options->format, err);
	ranks_release(&ranks);
	if (rc == 0 && (fflush(stdout) || ferror(stdout)))
		return err_errno(err, "unable to write to standard output");
	return rc;
}

int command_matrix(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "RUN",
		.doc = "Which rank moved how much to which with verbs, as rank files or as a table.",
	};
	struct matrix_options options = { 0 };
	struct trace_run run;
	struct err err = { "" };
	int rc;

	setlocale(LC_CTYPE, "");
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = trace_run_open(&run, options.run, &err);
	if (rc == 0) {
		rc = put_out(&options, &run, &err);
		trace_run_close(&run);
	}
	if (rc == 0)
		return 0;
	fflush(stdout);
	fputs("netemu trace matrix: ", stderr);
	plain_put(stderr, err.text);
	putc('\n', stderr);
	return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - netemu-matrix: read a run, check it, show it */
#include "options.h"
#include "plain.h"
#include "ranksource.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int take(const struct rankfile *rank, const char *origin, bool live, void *arg,
		struct err *err)
{
	return run_add(arg, rank, origin, live, err);
}

static int take_width(const struct rankfile *rank, const char *origin, bool live, void *arg,
		      struct err *err)
{
	int64_t *width = arg;

	(void)origin, (void)live, (void)err;
	if (rank->window_width > *width)
		*width = rank->window_width;
	return 0;
}

/* The runs in NAMES as one.  A window is chosen by the widest of all ranks, so
 * that they have to be read twice for it.
 */
static int load(struct run *run, const struct options *options, char *const names[], int count,
		struct err *err)
{
	struct selection selection = options->selection;

	if (selection.window >= 0 &&
	    ranksource_read(names, count, options->from, take_width, &selection.width, err) < 0)
		return -1;
	run_init(run, &selection);
	if (ranksource_read(names, count, options->from, take, run, err) < 0)
		return -1;
	return run_finish(run, names[0], err);
}

static void put_pair(char *buf, size_t size, const struct matrix_pair *pair)
{
	char a[32], b[32], c[32], d[32];

	snprintf(buf, size,
		 "rank %" PRIu32 " sent %s messages (%s bytes) to rank %" PRIu32
		 ", which received %s (%s bytes)",
		 pair->from, units_grouped(a, sizeof(a), pair->messages),
		 units_grouped(b, sizeof(b), pair->bytes), pair->to,
		 units_grouped(c, sizeof(c), pair->rx_messages),
		 units_grouped(d, sizeof(d), pair->rx_bytes));
}

static void warn_mismatch(const char *name, const struct matrix_mismatch *mismatch)
{
	char pairs[32], checked[32], bytes[32], messages[32], text[256];

	fprintf(stderr,
		"netemu-matrix: warning: %s: sent and received differ on %s of %s pairs, by %s "
		"bytes and %s messages\n",
		name, units_grouped(pairs, sizeof(pairs), mismatch->count),
		units_grouped(checked, sizeof(checked), mismatch->checked),
		units_grouped(bytes, sizeof(bytes), mismatch->bytes),
		units_grouped(messages, sizeof(messages), mismatch->messages));
	for (size_t i = 0; i < mismatch->count && i < MATRIX_WORST; i++) {
		put_pair(text, sizeof(text), &mismatch->worst[i]);
		fprintf(stderr, "netemu-matrix: warning: %s: %s\n", name, text);
	}
}

static void warn_unfinished(const struct run *run, const char *name)
{
	if (run->live)
		fprintf(stderr,
			"netemu-matrix: warning: %s: %" PRIu32 " of %" PRIu32
			" ranks read from their live counters: left over, or still counting\n",
			name, run->live, run->ranks);
	if (run->incomplete)
		fprintf(stderr, "netemu-matrix: warning: %s: %" PRIu32 " of %" PRIu32 " ranks %s\n",
			name, run->incomplete, run->ranks,
			run->verbs ? "did not end by themselves, or not all of theirs was recorded"
				   : "did not come to MPI_Finalize: what they had counted is here");
}

/* What was sent was received, or it is said.  In complete runs of ours there
 * is no excuse but what the receivers say they could not see.
 */
static int check(struct run *run, const char *name, bool strict, struct err *err)
{
	struct matrix_mismatch mismatch;
	char text[256];

	warn_unfinished(run, name);
	matrix_check(&run->total, &mismatch);
	if (mismatch.unexplained && !run->foreign && !run->incomplete) {
		put_pair(text, sizeof(text), &mismatch.culprit);
		return err_set(err, "%s: %s", name, text);
	}
	if (mismatch.count)
		warn_mismatch(name, &mismatch);
	if (strict && mismatch.count)
		return err_set(err, "%s: sent and received are not the same", name);
	if (strict && run->incomplete)
		return err_set(err, "%s: there are unfinished ranks", name);
	matrix_forget_received(&run->total);
	matrix_forget_received(&run->view);
	return 0;
}

/* A run with what is shown of it. */
struct shown {
	struct run run;
	struct matrix by_node; /* owned, when asked for */
	char name[512];
	struct report report;
};

static int show_prepare(struct shown *shown, const struct options *options, struct err *err)
{
	struct run *run = &shown->run;
	struct report *report = &shown->report;
	const uint32_t *nodes = run->nameless ? NULL : run->node;

	*report = (struct report){
		.name = shown->name,
		.run = run,
		.what = options->what,
		.by = options->by,
		.list_windows = options->list_windows,
		.ranks = run_view(run),
		.matrix = run_view(run),
	};
	report_terminal(report, !options->output);
	if (matrix_summarize(report->ranks, nodes, &report->summary) < 0)
		return err_errno(err, "%s", shown->name);
	if (options->by == BY_RANK)
		return 0;
	if (!nodes)
		return err_set(err, "%s: not every rank says which node it was on", shown->name);
	if (matrix_fold(&shown->by_node, report->ranks, nodes, run->nnodes) < 0)
		return err_errno(err, "%s", shown->name);
	report->matrix = &shown->by_node;
	return 0;
}

static int show_load(struct shown *shown, const struct options *options, char *const names[],
		     int count, struct err *err)
{
	if (count > 1)
		snprintf(shown->name, sizeof(shown->name), "%s and %d more", names[0], count - 1);
	else
		snprintf(shown->name, sizeof(shown->name), "%s", names[0]);
	if (load(&shown->run, options, names, count, err) < 0 ||
	    check(&shown->run, names[0], options->strict, err) < 0)
		return -1;
	if (options->list_windows && !shown->run.width)
		return err_set(err, "%s: no windows were recorded (window= of --netprof)",
			       names[0]);
	return show_prepare(shown, options, err);
}

static void show_release(struct shown *shown)
{
	matrix_release(&shown->by_node);
	run_release(&shown->run);
}

static FILE *open_output(const struct options *options, struct err *err)
{
	FILE *out = options->output ? fopen(options->output, "we") : stdout;

	if (!out)
		err_errno(err, "unable to write '%s'", options->output);
	return out;
}

/* What was buffered goes out here; a full disk or a closed pipe is seen here. */
static int close_output(const struct options *options, FILE *out, int rc, struct err *err)
{
	const char *name = options->output ? options->output : "standard output";
	bool failed = ferror(out);
	struct stat st;

	if (options->output ? fclose(out) : fflush(out))
		failed = true;
	if (failed && rc == 0)
		rc = err_errno(err, "unable to write '%s'", name);
	if (rc < 0 && options->output && stat(name, &st) == 0 && S_ISREG(st.st_mode))
		unlink(name); /* half of one is none */
	return rc;
}

static int show(const struct report *report, const struct options *options, struct err *err)
{
	static int (*const formats[])(const struct report *, FILE *, struct err *) = {
		[FORMAT_TEXT] = report_text,
		[FORMAT_TSV] = report_tsv,
		[FORMAT_JSON] = report_json,
	};
	FILE *out;

	if (options->format == FORMAT_PFSIM)
		return report_pfsim(report, options->output ? options->output : "-", err);
	out = open_output(options, err);
	if (!out)
		return -1;
	return close_output(options, out, formats[options->format](report, out, err), err);
}

static int run_one(const struct options *options, struct err *err)
{
	struct shown shown = { 0 };
	int rc = show_load(&shown, options, options->runs, options->nruns, err);

	if (rc == 0)
		rc = show(&shown.report, options, err);
	if (rc == 0 && options->plot)
		rc = report_plot(&shown.report, options->plot, err);
	show_release(&shown);
	return rc;
}

static int compare(const struct report *a, const struct report *b, const struct options *options,
		   struct err *err)
{
	double most;
	struct matrix_diff diff;
	FILE *out;
	int rc;

	if (a->matrix->size != b->matrix->size)
		return err_set(err, "'%s' has %" PRIu32 " %ss, '%s' has %" PRIu32, a->name,
			       a->matrix->size, a->by == BY_NODE ? "node" : "rank", b->name,
			       b->matrix->size);
	matrix_compare(a->matrix, b->matrix, &diff);
	out = open_output(options, err);
	if (!out)
		return -1;
	report_diff(a, b, &diff, options->format_name, out);
	rc = close_output(options, out, 0, err);
	most = diff.bytes_ratio > diff.messages_ratio ? diff.bytes_ratio : diff.messages_ratio;
	if (rc == 0 && options->fail >= 0 && most > options->fail)
		return err_set(err, "'%s' and '%s' differ by %.2f %%, more than %g %%", a->name,
			       b->name, 100 * most, 100 * options->fail);
	return rc;
}

static int run_diff(const struct options *options, struct err *err)
{
	struct shown a = { 0 }, b = { 0 };
	int rc = -1;

	if (show_load(&a, options, &options->runs[0], 1, err) == 0 &&
	    show_load(&b, options, &options->runs[1], 1, err) == 0)
		rc = compare(&a.report, &b.report, options, err);
	show_release(&a);
	show_release(&b);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err = { "" };
	int rc;

	setlocale(LC_CTYPE, "");
	options_parse(&options, argc, argv);
	rc = options.diff ? run_diff(&options, &err) : run_one(&options, &err);
	if (rc < 0) {
		fflush(stdout);
		fputs("netemu-matrix: ", stderr);
		plain_put(stderr, err.text);
		putc('\n', stderr);
		return 1;
	}
	return 0;
}

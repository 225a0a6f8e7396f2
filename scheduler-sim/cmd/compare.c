/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - `netemu sim compare`: two results of netemu sim */
#include "config.h"

#include "commands.h"

#include "load/jobtable.h"
#include "load/linkdiff.h"
#include "load/slurp.h"
#include "outfile.h"
#include "plain.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FORMAT = 256, KEY_FAIL, KEY_TOP, KEY_WHAT };

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv or json", 1 },
	{ "what", KEY_WHAT, "WHAT", 0,
	  "links or jobs only; a tab-separated table is of the links unless told", 1 },
	{ "top", KEY_TOP, "N", 0, "Links and jobs listed, default 10", 1 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of standard output", 1 },
	{ "fail", KEY_FAIL, "PERCENT", 0, "Exit with 1 when they differ by more than that", 1 },
	{ 0 },
};

struct options {
	const char *format, *what, *output; /* what: NULL = all */
	size_t top;
	double fail; /* < 0: not given */
	char *const *sides;
};

/* One result. */
struct side {
	bool has_links, has_jobs;
	struct linktable links;
	struct jobtable jobs;
};

static const char *choose(struct argp_state *state, const char *option, const char *text,
			  const char *const names[])
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0)
			return text;
	argp_error(state, "--%s: '%s' is none of %s, %s%s%s", option, text, names[0], names[1],
		   names[2] ? ", " : "", names[2] ? names[2] : "");
	return text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const formats[] = { "text", "tsv", "json", NULL };
	static const char *const whats[] = { "links", "jobs", NULL };
	struct options *options = state->input;
	char *end = arg;

	switch (key) {
	case KEY_FORMAT:
		options->format = choose(state, "format", arg, formats);
		break;
	case KEY_WHAT:
		options->what = choose(state, "what", arg, whats);
		break;
	case KEY_TOP:
		errno = 0;
		options->top = strtoul(arg, &end, 10);
		if (errno || end == arg || *end || *arg == '-')
			argp_error(state, "--top: '%s' is not a whole number", arg);
		break;
	case KEY_FAIL:
		options->fail = strtod(arg, &end) / 100;
		if (end == arg || (*end && strcmp(end, "%")) || !(options->fail >= 0) ||
		    isinf(options->fail))
			argp_error(state, "--fail: '%s' is not a percentage", arg);
		break;
	case 'o':
		options->output = arg;
		break;
	case ARGP_KEY_ARGS:
		if (state->argc - state->next != 2)
			argp_error(state, "takes two results, not %d", state->argc - state->next);
		options->sides = state->argv + state->next;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "takes two results: tables of links, or folders of results");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = table,
	.parser = parse,
	.args_doc = "A B",
	.doc = "Show what differs between two results.\v"
	       "A and B are tables that `netemu sim load' wrote (tsv or json), or folders that "
	       "`netemu sim run' wrote.  See netemu-sim(1).",
};

static int read_jobs(struct side *side, const char *path, struct err *err)
{
	size_t size;
	char *text;
	int rc = slurp(path, &text, &size, err);

	if (rc == 0)
		rc = jobtable_parse(&side->jobs, text, size, path, err);
	side->has_jobs = rc == 0;
	free(text);
	return rc;
}

static int read_links(struct side *side, const char *path, struct err *err)
{
	int rc = linktable_read(&side->links, path, err);

	side->has_links = rc == 0;
	return rc;
}

/* NAME in the folder DIR, when it is there, by READ. */
static int read_there(struct side *side, const char *dir, const char *name,
		      int (*read)(struct side *, const char *, struct err *), struct err *err)
{
	char *path;
	int rc = 0;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_errno(err, "%s", dir);
	if (access(path, F_OK) == 0)
		rc = read(side, path, err);
	free(path);
	return rc;
}

static int read_side(struct side *side, const char *path, struct err *err)
{
	struct stat stat_buf;

	if (stat(path, &stat_buf) < 0)
		return strcmp(path, "-") == 0 ? read_links(side, path, err)
					      : err_errno(err, "unable to open '%s'", path);
	if (!S_ISDIR(stat_buf.st_mode))
		return read_links(side, path, err);
	if (read_there(side, path, "links.tsv", read_links, err) < 0 ||
	    read_there(side, path, "jobs.csv", read_jobs, err) < 0)
		return -1;
	if (!side->has_links && !side->has_jobs)
		return err_set(err,
			       "'%s': has neither links.tsv nor jobs.csv (of a sweep, name one "
			       "sub-scenario: %s/0)",
			       path, path);
	return 0;
}

static void side_release(struct side *side)
{
	linktable_release(&side->links);
	jobtable_release(&side->jobs);
}

struct differences {
	struct linkdiff links;
	struct jobdiff jobs;
	bool has_links, has_jobs;
};

static int compare(struct differences *diff, const struct side sides[2],
		   const struct options *options, struct err *err)
{
	const char *what = options->what;

	diff->has_links =
		sides[0].has_links && sides[1].has_links && (!what || strcmp(what, "links") == 0);
	diff->has_jobs =
		sides[0].has_jobs && sides[1].has_jobs && (!what || strcmp(what, "jobs") == 0);
	if (!diff->has_links && !diff->has_jobs)
		return err_set(err, "'%s' and '%s': not both have %s", options->sides[0],
			       options->sides[1], what ? what : "links, and not both have jobs");
	if ((diff->has_links &&
	     linkdiff_make(&diff->links, &sides[0].links, &sides[1].links) < 0) ||
	    (diff->has_jobs && jobdiff_make(&diff->jobs, &sides[0].jobs, &sides[1].jobs) < 0))
		return err_errno(err, "unable to compare");
	return 0;
}

static const struct linkdiff_names names = { "A", "B" };

static void show_text(const struct differences *diff, const struct options *options, FILE *out)
{
	for (int i = 0; i < 2; i++) {
		fprintf(out, "%c: ", "AB"[i]);
		plain_put(out, options->sides[i]);
		putc('\n', out);
	}
	putc('\n', out);
	if (diff->has_links)
		linkdiff_text(&diff->links, &names, options->top, out);
	if (diff->has_links && diff->has_jobs)
		putc('\n', out);
	if (diff->has_jobs)
		jobdiff_text(&diff->jobs, options->top, out);
}

static int show_json(const struct differences *diff, const struct options *options, FILE *out,
		     struct err *err)
{
	json_t *document = json_object();
	int rc;

	json_object_set_new(document, "version", json_integer(1));
	json_object_set_new(document, "a", json_string(options->sides[0]));
	json_object_set_new(document, "b", json_string(options->sides[1]));
	json_object_set_new(document, "links",
			    diff->has_links ? linkdiff_json(&diff->links, &names, options->top)
					    : json_null());
	json_object_set_new(document, "jobs",
			    diff->has_jobs ? jobdiff_json(&diff->jobs, options->top) : json_null());
	rc = json_dumpf(document, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putc('\n', out);
	json_decref(document);
	return rc < 0 ? err_set(err, "unable to write the comparison") : 0;
}

static int show(const struct differences *diff, const struct options *options, struct err *err)
{
	struct outfile file;
	int rc = 0;

	if (outfile_open(&file, options->output, err) < 0)
		return -1;
	if (strcmp(options->format, "json") == 0)
		rc = show_json(diff, options, file.stream, err);
	else if (strcmp(options->format, "text") == 0)
		show_text(diff, options, file.stream);
	else if (diff->has_links)
		linkdiff_tsv(&diff->links, &names, false, file.stream);
	else
		jobdiff_tsv(&diff->jobs, file.stream);
	if (rc == 0)
		return outfile_commit(&file, err);
	outfile_abort(&file);
	return -1;
}

/* More than --fail allows? */
static int judge(const struct differences *diff, const struct options *options, struct err *err)
{
	double most = diff->has_links ? diff->links.ratio : 0;

	if (diff->has_jobs && diff->jobs.ratio > most)
		most = diff->jobs.ratio;
	if (options->fail < 0 || most <= options->fail)
		return 0;
	return err_set(err, "'%s' and '%s' differ by %.2f %%, more than %g %%", options->sides[0],
		       options->sides[1], 100 * most, 100 * options->fail);
}

static int run(const struct options *options, struct err *err)
{
	struct differences diff = { .has_links = false };
	struct side sides[2] = { { .has_links = false }, { .has_links = false } };
	int rc = -1;

	if (read_side(&sides[0], options->sides[0], err) == 0 &&
	    read_side(&sides[1], options->sides[1], err) == 0 &&
	    compare(&diff, sides, options, err) == 0 && show(&diff, options, err) == 0)
		rc = judge(&diff, options, err);
	linkdiff_release(&diff.links);
	jobdiff_release(&diff.jobs);
	side_release(&sides[0]);
	side_release(&sides[1]);
	return rc;
}

int command_compare(int argc, char **argv)
{
	struct options options = { .format = "text", .top = 10, .fail = -1 };
	struct err err = { "" };

	argp_err_exit_status = 2;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	if (run(&options, &err) == 0)
		return 0;
	fflush(stdout);
	fputs("netemu sim compare: ", stderr);
	plain_put(stderr, err.text);
	putc('\n', stderr);
	return 1;
}

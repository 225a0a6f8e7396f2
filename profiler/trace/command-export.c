/* SPDX-License-Identifier: Apache-2.0 */
/* command-export.c - `netemu trace export` */
#include "config.h"

#include "trace/commands.h"
#include "trace/export.h"
#include "nettrace_settings.h"
#include "outfile.h"
#include "rundir.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRAM "netemu trace export"

enum { KEY_FORMAT = 256, KEY_RANK, KEY_MERGE };

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "chrome (default), raw or csv", 1 },
	{ "rank", KEY_RANK, "R", 0, "Only rank R", 1 },
	{ "merge", KEY_MERGE, NULL, 0, "One file for the whole run, not one for each rank", 1 },
	{ "output", 'o', "FILE", 0,
	  "Write to FILE, or into the directory FILE; - is standard output", 1 },
	{ 0 },
};

struct options {
	const struct export_format *format;
	const char *run, *output;
	bool merge, one_rank;
	uint32_t rank;
};

static const struct export_format *const formats[] = { &export_chrome, &export_raw, &export_csv };

static void set_format(struct argp_state *state, struct options *options, const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i]->name, name) == 0) {
			options->format = formats[i];
			return;
		}
	argp_error(state, "--format: '%s' is none of chrome, raw, csv", name);
}

static void set_rank(struct argp_state *state, struct options *options, const char *text)
{
	unsigned long rank;
	char *end;

	errno = 0;
	rank = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || rank >= UINT32_MAX)
		argp_error(state, "--rank: '%s' is no rank", text);
	options->one_rank = true;
	options->rank = (uint32_t)rank;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_FORMAT:
		set_format(state, options, arg);
		break;
	case KEY_RANK:
		set_rank(state, options, arg);
		break;
	case KEY_MERGE:
		options->merge = true;
		break;
	case 'o':
		options->output = arg;
		break;
	case ARGP_KEY_ARG:
		if (options->run)
			argp_error(state, "takes one run, '%s' is another one", arg);
		options->run = arg;
		break;
	case ARGP_KEY_END:
		if (!options->run)
			argp_error(state, "takes a run: a directory, JOBID[.STEP] or a file");
		if (options->merge && options->one_rank)
			argp_error(state, "--merge is of all ranks, --rank of one");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = table,
	.parser = parse,
	.args_doc = "RUN",
	.doc = "Write the recorded calls of a run for other programs.\v"
	       "RUN is a run directory, JOBID[.STEP], or a file of records.  The files stand in "
	       "its verbs directory unless told otherwise.  See netemu-trace(1).",
};

/* --- names of files --- */

/* The directory that files go to, to be freed; NULL with errno. */
static char *directory_of(const struct options *options, const struct trace_run *run)
{
	const char *slash;
	char *path = NULL;

	if (options->output)
		return strdup(options->output);
	if (run->directory)
		return asprintf(&path, "%s/" RUNDIR_VERBS, run->path) < 0 ? NULL : path;
	slash = strrchr(run->path, '/');
	return slash ? strndup(run->path, (size_t)(slash - run->path) + 1) : strdup(".");
}

/* What a user calls the run stands before the name. */
static void set_tag(char *to, size_t size, const struct vring_header *header)
{
	const char *tag = *header->tag ? header->tag : getenv(NETTRACE_ENV_TAG);

	snprintf(to, size, "%s%s", tag ? tag : "", tag && *tag ? "_" : "");
	for (; *to; to++)
		if (*to == '/')
			*to = '_';
}

/* A rank's second process has its number among all files in its name, too. */
static char *name_of(const struct options *options, const struct trace_run *run,
		     const char *directory, uint32_t index)
{
	const struct trace_file *file = &run->file[index];
	char tag[96], number[32] = "";
	char *path = NULL;

	set_tag(tag, sizeof(tag), &file->header);
	if (!options->merge && index && file[-1].rank == file->rank)
		snprintf(number, sizeof(number), "_%u-%u", file->rank, index);
	else if (!options->merge)
		snprintf(number, sizeof(number), "_%u", file->rank);
	if (asprintf(&path, "%s/%s%s%s%s", directory, tag, options->format->file, number,
		     options->format->suffix) < 0)
		return NULL;
	return path;
}

/* --- writing --- */

static int write_file(const struct options *options, const struct trace_run *run, uint32_t first,
		      uint32_t count, const char *path, struct err *err)
{
	struct outfile file;
	int error = 0;

	if (outfile_open(&file, path, err) < 0)
		return -1;
	if (options->format->write(run, first, count, file.stream, &error, err) == 0)
		return outfile_commit(&file, err);
	outfile_abort(&file);
	if (!error)
		return -1;
	errno = error;
	return strcmp(path, "-") ? err_errno(err, "unable to write '%s'", path)
				 : err_errno(err, "unable to write standard output");
}

static bool is_directory(const char *path)
{
	struct stat stat_;

	return stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode);
}

/* As many files as there are, or one of all, in DIRECTORY. */
static int write_into(const struct options *options, const struct trace_run *run, uint32_t first,
		      uint32_t count, const char *directory, struct err *err)
{
	uint32_t step = options->merge ? count : 1;
	char *path;
	int rc = 0;

	for (uint32_t i = first; rc == 0 && i < first + count; i += step) {
		path = name_of(options, run, directory, i);
		rc = path ? write_file(options, run, i, step, path, err)
			  : err_errno(err, "'%s'", directory);
		free(path);
	}
	return rc;
}

static int export_some(const struct options *options, const struct trace_run *run, uint32_t first,
		       uint32_t count, struct err *err)
{
	char *directory;
	int rc;

	if (options->output && !is_directory(options->output)) {
		if (!options->merge && count > 1)
			return err_set(err,
				       "'%s' is no directory, and there are %u files: --merge "
				       "makes one of them, --rank=R takes one",
				       options->output, count);
		return write_file(options, run, first, count, options->output, err);
	}
	directory = directory_of(options, run);
	if (!directory)
		return err_errno(err, "'%s'", options->run);
	rc = write_into(options, run, first, count, directory, err);
	free(directory);
	return rc;
}

static int export_run(const struct options *options, const struct trace_run *run, struct err *err)
{
	uint32_t first = 0, count = run->files;

	if (options->one_rank) {
		while (first < run->files && run->file[first].rank != options->rank)
			first++;
		for (count = 0;
		     first + count < run->files && run->file[first + count].rank == options->rank;)
			count++;
		if (!count)
			return err_set(err, "'%s': rank %u has no recorded calls", options->run,
				       options->rank);
	}
	return export_some(options, run, first, count, err);
}

int command_export(int argc, char **argv)
{
	struct options options = { .format = &export_chrome };
	struct err err = { "" };
	struct trace_run run;
	int rc;

	argp_parse(&parser, argc, argv, 0, NULL, &options);
	rc = trace_run_open(&run, options.run, &err);
	if (rc == 0) {
		rc = export_run(&options, &run, &err);
		trace_run_close(&run);
	}
	if (rc == 0)
		return 0;
	fprintf(stderr, PROGRAM ": %s\n", err.text);
	return 1;
}

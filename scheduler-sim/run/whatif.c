/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "whatif.h"
#include "outfile.h"
#include "rundir.h"
#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A YAML scalar in double quotes. */
static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		if ((unsigned char)*text < 0x20)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void put_list(FILE *out, const char *key, const char *list, const char *otherwise)
{
	const char *name = list && *list ? list : otherwise;

	fprintf(out, "  %s: [", key);
	while (*name) {
		size_t length = strcspn(name, ",");
		char *item = strndup(name, length);

		put_quoted(out, item ? item : "");
		free(item);
		name += length;
		name += *name == ',';
		fputs(*name ? ", " : "", out);
	}
	fputs("]\n", out);
}

/* PART of a SPEC as an absolute path when it is a file, else as it is. */
static char *absolute(const char *part, size_t length)
{
	char *copy = strndup(part, length), *path = copy ? realpath(copy, NULL) : NULL;

	if (!path)
		return copy;
	free(copy);
	return path;
}

/* A SPEC whose files are meant from here, seen from another folder: a file, or
 * files behind the colons of `ib:A:B` and `slurm:A`.
 */
static char *absolute_spec(const char *spec)
{
	size_t end = strcspn(spec, "@"), length = strcspn(spec, ":@");
	char *text = NULL, *part = absolute(spec, end);
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || !part)
		goto out;
	if (*part == '/') {
		fprintf(out, "%s%s", part, spec + end);
		goto out;
	}
	fprintf(out, "%.*s", (int)length, spec);
	while (spec[length] == ':') {
		spec += length + 1;
		length = strcspn(spec, ":@");
		free(part);
		part = absolute(spec, length);
		fprintf(out, ":%s", part ? part : "");
	}
	fputs(spec + length, out);
out:
	free(part);
	if (out && fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int put_topologies(FILE *out, const struct whatif *whatif, struct err *err)
{
	fputs("topology:\n", out);
	for (int i = 0; i < whatif->ntopologies; i++) {
		char *spec = absolute_spec(whatif->topologies[i]);

		if (!spec)
			return err_errno(err, "%s", whatif->topologies[i]);
		fputs("  - ", out);
		put_quoted(out, spec);
		putc('\n', out);
		free(spec);
	}
	return 0;
}

static int put_run(FILE *out, const char *run, struct err *err)
{
	char **paths;
	int count = rundir_find(run, &paths, err);

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		char *path = realpath(paths[i], NULL);

		fputs("  - run: ", out);
		put_quoted(out, path ? path : paths[i]);
		putc('\n', out);
		free(path);
	}
	rundir_free_paths(paths);
	return 0;
}

/* KEY: PATH, which is meant from here. */
static int put_path(FILE *out, const char *key, const char *path, struct err *err)
{
	char *here, *full;

	if (!path)
		return 0;
	here = realpath(".", NULL);
	if (!here || asprintf(&full, "%s/%s", *path == '/' ? "" : here, path) < 0) {
		free(here);
		return err_errno(err, "%s", path);
	}
	fprintf(out, "    %s: ", key);
	put_quoted(out, full + (*path == '/'));
	putc('\n', out);
	free(full);
	free(here);
	return 0;
}

static int put_accounting(FILE *out, const struct whatif *whatif, struct err *err)
{
	fputs("  -\n", out);
	if (put_path(out, "sacct", whatif->sacct, err) < 0 ||
	    put_path(out, "runs", whatif->runs, err) < 0)
		return -1;
	if (whatif->pattern) {
		fputs("    pattern: ", out);
		put_quoted(out, whatif->pattern);
		putc('\n', out);
	}
	if (whatif->bytes)
		fprintf(out, "    bytes: %s\n", whatif->bytes);
	return 0;
}

static int put_scenario(FILE *out, const struct whatif *whatif, char *const runs[], int nruns,
			struct err *err)
{
	fputs("# written by netemu sim run; see netemu-scenario(5)\n", out);
	if (put_topologies(out, whatif, err) < 0)
		return -1;
	fputs("algorithms:\n", out);
	put_list(out, "scheduler", whatif->scheduler, "fcfs");
	put_list(out, "host_selector", whatif->selection, "linear");
	put_list(out, "process_mapper", whatif->placement, "block");
	put_list(out, "router", whatif->routing, "dmodk");
	fputs("output: .\njobs:\n", out);
	if (whatif->sacct && put_accounting(out, whatif, err) < 0)
		return -1;
	for (int i = 0; i < nruns; i++)
		if (put_run(out, runs[i], err) < 0)
			return -1;
	return 0;
}

/* "sim-netemu.1234.0" for the run directory of that name. */
static int make_output(struct whatif *whatif, const char *run, struct err *err)
{
	size_t length = strlen(run);
	const char *end, *start;

	if (whatif->output)
		return 0;
	while (length > 1 && run[length - 1] == '/')
		length--;
	end = run + length;
	for (start = end; start > run && start[-1] != '/'; start--)
		;
	if (asprintf(&whatif->made, "sim-%.*s", (int)(end - start), start) < 0) {
		whatif->made = NULL;
		return err_errno(err, "%s", run);
	}
	whatif->output = whatif->made;
	return 0;
}

char *whatif_write(struct whatif *whatif, char *const runs[], int nruns, struct err *err)
{
	struct outfile file;
	char *path;

	if (!whatif->ntopologies) {
		err_set(err, "'%s': is no scenario (.yml), and runs need --topology",
			nruns ? runs[0] : whatif->sacct);
		return NULL;
	}
	if (make_output(whatif, nruns ? runs[0] : whatif->sacct, err) < 0 ||
	    sweep_make_folder(whatif->output, err) < 0)
		return NULL;
	if (asprintf(&path, "%s/scenario.yml", whatif->output) < 0) {
		err_errno(err, "%s", whatif->output);
		return NULL;
	}
	if (outfile_open(&file, path, err) < 0) {
		free(path);
		return NULL;
	}
	if (put_scenario(file.stream, whatif, runs, nruns, err) == 0) {
		if (outfile_commit(&file, err) == 0)
			return path;
	} else {
		outfile_abort(&file);
	}
	free(path);
	return NULL;
}

void whatif_release(struct whatif *whatif)
{
	free(whatif->made);
	whatif->made = NULL;
}

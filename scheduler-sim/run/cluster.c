/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "cluster.h"
#include "outfile.h"
#include "sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 128 /* of the options for sbatch */

extern char **environ;

/* Where everything is, from anywhere. */
struct places {
	char *program, *scenario, *output;
};

static void release(struct places *places)
{
	free(places->program);
	free(places->scenario);
	free(places->output);
}

static int find_places(struct places *places, const struct scenario *scenario, struct err *err)
{
	places->program = realpath("/proc/self/exe", NULL);
	places->scenario = realpath(scenario->path, NULL);
	places->output = realpath(scenario->output, NULL);
	if (places->program && places->scenario && places->output)
		return 0;
	return err_errno(err, "unable to find '%s'", scenario->path);
}

/* TEXT as one word of a shell. */
static void put_word(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			putc(*text, out);
	putc('\'', out);
}

static void put_script(FILE *out, const struct scenario *scenario, const struct places *places,
		       unsigned int workers)
{
	size_t count = scenario_count(scenario);
	size_t part = (count + CLUSTER_TASKS - 1) / CLUSTER_TASKS;

	fprintf(out,
		"#!/bin/sh\n# written by netemu sim run --slurm; netemu sim collect gathers the "
		"results\n#SBATCH --job-name=netemu-sim\n#SBATCH --array=0-%zu\n"
		"#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=%u\n#SBATCH --output=/dev/null\n",
		(count - 1) / part, workers);
	fprintf(out,
		"first=$((SLURM_ARRAY_TASK_ID * %zu))\nlast=$((first + %zu))\n"
		"test $last -lt %zu || last=%zu\nexec >",
		part, part - 1, count, count - 1);
	put_word(out, places->output);
	fputs("/sweep.$SLURM_ARRAY_TASK_ID.log 2>&1\nexec ", out);
	put_word(out, places->program);
	fputs(" run ", out);
	put_word(out, places->scenario);
	fputs(" --output=", out);
	put_word(out, places->output);
	if (scenario->options.seed)
		fprintf(out, " --seed=%s", scenario->options.seed);
	if (scenario->options.link_rate)
		fprintf(out, " --link-rate=%s", scenario->options.link_rate);
	if (scenario->options.pfsim)
		fputs(" --compat=pfsim", out);
	fprintf(out, " --resume -j %u --only=$first-$last\n", workers);
}

static int write_script(const struct scenario *scenario, const struct places *places,
			unsigned int workers, const char *path, struct err *err)
{
	struct outfile file;

	if (outfile_open(&file, path, err) < 0)
		return -1;
	put_script(file.stream, scenario, places, workers);
	return outfile_commit(&file, err);
}

static int spawn(char *const argv[], struct err *err)
{
	pid_t pid;
	int status, rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (rc) {
		errno = rc;
		return err_errno(err, "unable to run '%s'", argv[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "unable to wait for '%s'", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, "sbatch refused the job (see above); its script is '%s'",
		       argv[1] ? argv[1] : "");
}

static int submit(const char *script, const char *options, struct err *err)
{
	char *copy = strdup(options ? options : ""), *save = NULL;
	char *argv[WORDS_MAX + 3];
	size_t count = 0;
	int rc;

	if (!copy)
		return err_errno(err, "%s", script);
	argv[count++] = (char *)"sbatch";
	for (char *word = strtok_r(copy, " \t\n", &save); word && count <= WORDS_MAX;
	     word = strtok_r(NULL, " \t\n", &save))
		argv[count++] = word;
	argv[count++] = (char *)script;
	argv[count] = NULL;
	rc = spawn(argv, err);
	free(copy);
	return rc;
}

int cluster_submit(const struct scenario *scenario, unsigned int workers, const char *options,
		   struct err *err)
{
	struct places places = { 0 };
	char *script = NULL;
	int rc = find_places(&places, scenario, err);

	if (rc == 0 && asprintf(&script, "%s/" CLUSTER_SCRIPT, places.output) < 0) {
		script = NULL;
		rc = err_errno(err, "%s", scenario->output);
	}
	if (rc == 0)
		rc = write_script(scenario, &places, workers, script, err);
	if (rc == 0)
		rc = submit(script, options, err);
	free(script);
	release(&places);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPEATS_MAX 1000 /* MPI programs one after the other in one step */

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Whether srun itself launched this process, so that the step names the run. */
static bool launched_by_srun(uint32_t ranks)
{
	const char *namespace = environment("PMIX_NAMESPACE");
	const char *tasks = environment("SLURM_STEP_NUM_TASKS");

	if (!environment("SLURM_STEP_ID") || !environment("SLURM_JOB_ID"))
		return false;
	if (namespace)
		return !strncmp(namespace, "slurm.pmix.", 11);
	return !environment("OMPI_COMM_WORLD_SIZE") && tasks && strtoul(tasks, NULL, 10) == ranks;
}

/* What all processes of one MPI world have in common, and no others. */
static void world_mark(char *mark, size_t size, uint32_t ranks)
{
	const char *namespace = environment("PMIX_NAMESPACE");
	const char *daemon = environment("OMPI_MCA_orte_hnp_uri");
	const char *restarts = environment("SLURM_RESTART_COUNT");
	char host[256] = "";

	if (namespace && ranks > 1) {
		snprintf(mark, size, "%s %s %s", namespace, daemon ? daemon : "",
			 restarts ? restarts : "");
		return;
	}
	/* A process that nobody launched. */
	gethostname(host, sizeof(host) - 1);
	snprintf(mark, size, "%s %d %lld", host, (int)getpid(), (long long)time(NULL));
}

static void user_name(char *name, size_t size)
{
	const char *user = environment("USER");

	/* Not getpwuid(): it may load modules into somebody else's program. */
	if (user && !strchr(user, '/'))
		snprintf(name, size, "%s", user);
	else
		snprintf(name, size, "%u", (unsigned)geteuid());
}

static int parent_directory(const struct place *place, const char *template, char parent[PATH_MAX],
			    struct err *err)
{
	const char *submit = *place->job ? environment("SLURM_SUBMIT_DIR") : NULL;
	char user[128];

	if (!*template) {
		if (submit)
			return snprintf(parent, PATH_MAX, "%s", submit) < PATH_MAX ? 0 : -1;
		return getcwd(parent, PATH_MAX) ? 0 : err_errno(err, "the working directory");
	}
	user_name(user, sizeof(user));
	return rundir_expand(parent, PATH_MAX, template, *place->job ? place->job : "0",
			     *place->step ? place->step : "mpirun", user, err);
}

static bool exists(const struct place *place, const char *format)
{
	char path[PATH_MAX];

	return format && place_path(place, place->base, format, path) == 0 &&
	       access(path, F_OK) == 0;
}

/* A step's directory; the next program of the same step gets STEP.2 and so on. */
static int make_step(struct place *place, const char *parent, struct err *err)
{
	size_t length = strlen(place->step);

	for (int repeat = 1; repeat < REPEATS_MAX; repeat++) {
		if (repeat > 1)
			snprintf(place->step + length, sizeof(place->step) - length, ".%d", repeat);
		if (rundir_make(place->base, sizeof(place->base), parent, place->job, place->step,
				err) < 0)
			return -1;
		if (!exists(place, place->kind->made[0]) && !exists(place, place->kind->made[1]))
			return 0;
	}
	return err_set(err, "'%s': too many programs in one step", place->base);
}

static int make_world(struct place *place, const char *parent, struct err *err)
{
	char mark[1024];

	world_mark(mark, sizeof(mark), place->ranks);
	return rundir_make_world(place->base, sizeof(place->base), place->step, sizeof(place->step),
				 parent, place->job, mark, err);
}

static void describe(struct place *place, const struct place_kind *kind, uint32_t rank,
		     uint32_t ranks)
{
	const char *job = environment("SLURM_JOB_ID");
	const char *node = environment("SLURMD_NODENAME");

	*place = (struct place){ .kind = kind, .rank = rank, .ranks = ranks };
	snprintf(place->job, sizeof(place->job), "%s", job ? job : "");
	if (node)
		snprintf(place->node, sizeof(place->node), "%s", node);
	else
		gethostname(place->node, sizeof(place->node) - 1);
}

/* rundir_make() makes what the first instrument needs, the others bring their own. */
static void make_directory(const struct place *place, const char *directory)
{
	char path[PATH_MAX];

	if (place_directory(place, directory, path) == 0)
		mkdir(path, 0777);
}

int place_find(struct place *place, const struct place_kind *kind, const char *template,
	       uint32_t rank, uint32_t ranks, struct err *err)
{
	char parent[PATH_MAX] = "";
	struct err why;
	bool step;
	int rc;

	describe(place, kind, rank, ranks);
	step = launched_by_srun(ranks);
	if (step)
		snprintf(place->step, sizeof(place->step), "%s", environment("SLURM_STEP_ID"));
	if (parent_directory(place, template, parent, err) < 0)
		return -1;
	rc = step ? make_step(place, parent, &why) : make_world(place, parent, &why);
	if (rc == 0) {
		make_directory(place, place->base);
		snprintf(place->run, sizeof(place->run), "%s", place->base);
		return 0;
	}
	if (!*place->step)
		snprintf(place->step, sizeof(place->step), "mpirun");
	if (snprintf(place->run, sizeof(place->run), "%s/%s%s%s%s", parent, RUNDIR_PREFIX,
		     place->job, *place->job ? "." : "", place->step) >= (int)sizeof(place->run))
		return err_set(err, "'%s': the path is too long", parent);
	if (place_other(place, err) < 0)
		return -1;
	snprintf(place->base, sizeof(place->base), "%s", place->other);
	place_log(place, "rank %u: %s: counting in '%s'", rank, why.text, place->base);
	return 0;
}

int place_other(struct place *place, struct err *err)
{
	const char *tmpdir = environment("TMPDIR");

	if (*place->other)
		return 0;
	if (snprintf(place->private, sizeof(place->private), "%s/netemu-XXXXXX",
		     tmpdir ? tmpdir : "/tmp") >= (int)sizeof(place->private)) {
		*place->private = '\0';
		return err_set(err, "'%s': the path is too long", tmpdir);
	}
	if (!mkdtemp(place->private)) {
		err_errno(err, "unable to make '%s'", place->private);
		*place->private = '\0';
		return -1;
	}
	if (rundir_make(place->other, sizeof(place->other), place->private, place->job, place->step,
			err) < 0) {
		*place->other = '\0';
		rmdir(place->private);
		return -1;
	}
	make_directory(place, place->other);
	return 0;
}

int place_directory(const struct place *place, const char *directory, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", directory, place->kind->directory) < PATH_MAX ? 0
											       : -1;
}

int place_path(const struct place *place, const char *directory, const char *format,
	       char path[PATH_MAX])
{
	char name[64];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(name, sizeof(name), format, place->rank);
#pragma GCC diagnostic pop
	return snprintf(path, PATH_MAX, "%s/%s/%s", directory, place->kind->directory, name) <
			       PATH_MAX
		       ? 0
		       : -1;
}

void place_log(const struct place *place, const char *fmt, ...)
{
	char name[300], line[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "%s.%s", place->kind->name, place->node);
	rundir_log(place->base, name, "%s", line);
	if (*place->other && strcmp(place->other, place->base))
		rundir_log(place->other, name, "%s", line);
	/* By hand, without a helper, nobody would look into a private directory. */
	if (*place->private && place->rank == 0 && !getenv(place->kind->helper))
		fprintf(stderr, "%s: %s\n", place->kind->name, line);
}

void place_tidy(const struct place *place)
{
	const char *const parts[] = { place->kind->directory, RUNDIR_MPI, RUNDIR_LOG };
	char path[PATH_MAX];

	if (!*place->other)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (snprintf(path, sizeof(path), "%s/%s", place->other, parts[i]) < PATH_MAX)
			rmdir(path);
	rmdir(place->other);
	rmdir(place->private);
}

uint32_t place_guess_rank(void)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
					     "SLURM_PROCID" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = environment(names[i]);

		if (text)
			return (uint32_t)strtoul(text, NULL, 10);
	}
	return 0;
}

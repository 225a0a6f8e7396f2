/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - in srun, sbatch and salloc: decide, and pass the decision on */
#include "recorder/recorder.h"
#include "clock.h"
#include "gather.h"
#include "ports.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <slurm/slurm.h>

#define CLOSING_PATIENCE 5000 /* ms */

static struct decision decision;
static struct gather_server *server;
static char rundir[PATH_MAX]; /* of this step; "" = none to close */

/* Slurm ignores what an `optional` plugin returns, and a wrong setting must
 * not submit anything: so leave here, where nothing has been submitted yet.
 */
static void __attribute__((noreturn)) refuse(const char *sentence)
{
	slurm_error("%s: %s", recorder.name, sentence);
	exit(255);
}

static bool is_salloc(void)
{
	return strcmp(program_invocation_short_name, "salloc") == 0;
}

/* dir= is relative to where the job was submitted. */
static int make_absolute(char *dir, struct err *err)
{
	char base[PATH_MAX];

	if (getenv("SLURM_JOB_ID") && env_get(NULL, "SLURM_SUBMIT_DIR", base, sizeof(base)) == 1 &&
	    base[0] == '/')
		return directory_absolute(dir, base, err);
	if (!getcwd(base, sizeof(base)))
		return err_errno(err, "unable to tell the working directory");
	return directory_absolute(dir, base, err);
}

/* Put the decision where slurmstepd finds it. */
static int pass_on(struct err *err)
{
	char text[SETTINGS_SIZE], value[SETTINGS_SIZE + 8];

	if (recorder.format(&decision.settings, text, sizeof(text)) < 0)
		return err_errno(err, "unable to pass on dir=%s", decision.settings.common.dir);
	snprintf(value, sizeof(value), "%s:%s", decision.automatic ? "auto" : "user", text);
	env_set(NULL, recorder.settings, value);
	return 0;
}

/* salloc's own process is where mpirun gets its environment from.  Which job
 * and how many nodes it will be is not known yet, so automatic recording of a
 * part of the jobs leaves mpirun's local ranks out.
 */
static int prepare_allocation(struct err *err)
{
	char library[PATH_MAX];

	if (!decision.settings.common.enable ||
	    (decision.automatic &&
	     (decision.settings.common.sample > 1 || decision.settings.common.minnodes > 1)))
		return 0;
	options_library(library, sizeof(library));
	if (access(library, R_OK) < 0) {
		slurm_error("%s: %s: unable to open '%s': %s", recorder.name, recorder.undone,
			    library, strerror(errno));
		return 0;
	}
	return env_publish(NULL, &decision, true, err);
}

int local_init_post_opt(spank_t sp)
{
	bool srun = spank_context() == S_CTX_LOCAL;
	char text[SETTINGS_SIZE];
	struct err err;
	int rc;

	(void)sp;
	rc = env_settings(NULL, srun, text, sizeof(text));
	if (rc < 0) {
		err_set(&err, "%s: longer than any settings can be", recorder.variable);
		refuse(err.text);
	}
	if (options_decide(&decision, rc ? text : NULL, &err) < 0 ||
	    make_absolute(decision.settings.common.dir, &err) < 0)
		refuse(err.text);
	if (srun)
		return 0; /* the rest once job and step are known */
	env_scrub(NULL);
	if (is_salloc())
		rc = prepare_allocation(&err);
	else
		rc = decision.automatic ? 0 : pass_on(&err);
	if (rc < 0)
		slurm_error("%s: %s: %s", recorder.name, recorder.undone, err.text);
	if (decision.asked_not && is_salloc())
		env_silence(NULL);
	return 0;
}

static uint32_t item(spank_t sp, spank_item_t which)
{
	uint32_t value = 0;

	return spank_get_item(sp, which, &value) == ESPANK_SUCCESS ? value : 0;
}

static bool launches_mpi_daemons(spank_t sp)
{
	char **argv = NULL;
	int argc = 0;

	return spank_get_item(sp, S_JOB_ARGV, &argc, &argv) == ESPANK_SUCCESS && argc > 0 && argv &&
	       options_is_mpi_daemon(argv[0]);
}

/* Steps in which mpirun runs, or what it runs: they count as one with all that
 * mpirun starts, and its directories are not named after them.
 */
static bool is_for_mpirun(spank_t sp)
{
	return launches_mpi_daemons(sp) || item(sp, S_JOB_STEPID) >= SLURM_MAX_NORMAL_STEP_ID;
}

static uint32_t nodes_of_job(spank_t sp)
{
	const char *text = getenv("SLURM_JOB_NUM_NODES");
	unsigned long nodes = text ? strtoul(text, NULL, 10) : 0;

	return nodes > 0 && nodes < UINT32_MAX ? (uint32_t)nodes : item(sp, S_JOB_NNODES);
}

static void sample(spank_t sp, bool mpirun)
{
	uint32_t step = mpirun ? NO_STEP : item(sp, S_JOB_STEPID);
	uint32_t nodes = mpirun ? nodes_of_job(sp) : item(sp, S_JOB_NNODES);

	if (!options_sampled(&options_of_plugstack()->common, item(sp, S_JOB_ID), step, nodes))
		decision.settings.common.enable = 0;
}

/* A directory that the nodes do not share is no reason to do without.  One
 * collector serves all components of a heterogeneous step.
 */
static void start_gathering(void)
{
	static char address[64];
	char cookie[GATHER_COOKIE];
	unsigned first, last, port;
	struct err err;

	if (!server) {
		ports_of_srun(&first, &last);
		server = gather_serve(first, last, &port, cookie, &err);
		if (!server) {
			slurm_info("%s: %s", recorder.name, err.text);
			return;
		}
		snprintf(address, sizeof(address), ":%u:%s", port, cookie);
	}
	env_set(NULL, recorder.gather, address);
}

static int place(spank_t sp, bool mpirun, struct err *err)
{
	char *dir = decision.settings.common.dir;
	char job[16], step[16], user[256], parent[PATH_MAX];

	snprintf(job, sizeof(job), "%u", item(sp, S_JOB_ID));
	snprintf(step, sizeof(step), "%u", item(sp, S_JOB_STEPID));
	directory_user(user, sizeof(user), getuid());
	if (directory_expand(dir, job, mpirun ? NULL : step, user, err) < 0)
		return -1;
	if (mpirun)
		return 0;
	if (rundir_expand(parent, sizeof(parent), dir, job, step, user, err) < 0)
		return -1;
	if ((size_t)snprintf(rundir, sizeof(rundir), "%s/%s%s.%s", parent, RUNDIR_PREFIX, job,
			     step) >= sizeof(rundir))
		rundir[0] = '\0';
	return 0;
}

int local_user_init(spank_t sp)
{
	bool mpirun = is_for_mpirun(sp);
	struct err err;

	if (decision.automatic && decision.settings.common.enable)
		sample(sp, mpirun);
	env_scrub(NULL);
	if ((decision.settings.common.enable && place(sp, mpirun, &err) < 0) || pass_on(&err) < 0) {
		slurm_error("%s: %s: %s", recorder.name, recorder.undone, err.text);
		env_set(NULL, recorder.settings, "user:no");
		return 0;
	}
	if (decision.settings.common.enable)
		start_gathering();
	return 0;
}

/* A file system that hangs must not hang srun. */
static void await_child(pid_t pid)
{
	int64_t deadline = clock_ms() + CLOSING_PATIENCE;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_ms() >= deadline) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		usleep(5000);
	}
}

/* One line on stderr: stdout is the job's. */
static void say_closing_line(void)
{
	char program[PATH_MAX], closing[] = "--closing";
	char *argv[] = { program, closing, rundir, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	options_program(program, sizeof(program), recorder.helper);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return;
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (posix_spawn(&pid, program, &actions, NULL, argv, environ) == 0)
		await_child(pid);
	posix_spawn_file_actions_destroy(&actions);
}

/* Whether any task has left something for this recorder: the run may be another's. */
static bool has_files(void)
{
	char path[PATH_MAX + 16];
	struct dirent *entry;
	bool found = false;
	DIR *stream;

	snprintf(path, sizeof(path), "%s/%s", rundir, recorder.directory);
	stream = opendir(path);
	while (stream && !found && (entry = readdir(stream)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (stream)
		closedir(stream);
	return found;
}

void local_exit(spank_t sp)
{
	(void)sp;
	if (server)
		gather_server_stop(server);
	server = NULL;
	if (rundir[0] && decision.settings.common.enable && !options_of_plugstack()->common.quiet &&
	    has_files())
		say_closing_line();
	rundir[0] = '\0';
}

/* SPDX-License-Identifier: Apache-2.0 */
/* remote.c - in slurmstepd: start the helper, give the tasks their environment
 *
 * Runs as root for the user: whatever the environment of the job says is
 * checked again, bounded, and used by processes of the user only.  Nothing
 * here fails a step; what goes wrong is one line, and the job runs on.
 */
#include "recorder/recorder.h"
#include "helper.h"
#include "loaded.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <slurm/slurm.h>

#define COMMAND_SIZE (32 * 1024)

enum kind {
	KIND_TASKS,  /* of srun: LD_PRELOAD */
	KIND_SCRIPT, /* batch, interactive: only mpirun's ranks are to be recorded */
	KIND_OTHER,  /* extern and what comes later: nothing */
};

static struct {
	bool on;
	enum kind kind;
	uint32_t job, step, node;
	uint32_t tasks;  /* on this node */
	uint32_t exited; /* of them */
	char library[PATH_MAX];
} state;

static uint32_t item(spank_t sp, spank_item_t which)
{
	uint32_t value = 0;

	return spank_get_item(sp, which, &value) == ESPANK_SUCCESS ? value : 0;
}

/* Once for the user, from the first node; the others tell their log. */
static void say(const char *what, const struct err *err)
{
	char text[sizeof(err->text)];

	snprintf(text, sizeof(text), "%s", err->text);
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	if (state.node == 0)
		slurm_error("%s: %s: %s", recorder.name, what, text);
	else
		slurm_info("%s: %s: %s", recorder.name, what, text);
}

static enum kind kind_of(uint32_t step)
{
	if (step < SLURM_MAX_NORMAL_STEP_ID)
		return KIND_TASKS;
	if (step == SLURM_BATCH_SCRIPT)
		return KIND_SCRIPT;
#ifdef SLURM_INTERACTIVE_STEP
	if (step == SLURM_INTERACTIVE_STEP)
		return KIND_SCRIPT;
#endif
	return KIND_OTHER;
}

static uint32_t nodes_of_job(spank_t sp)
{
	uint32_t nodes = item(sp, S_JOB_NNODES);
	char text[16];

	if (nodes == 0 && env_get(sp, "SLURM_JOB_NUM_NODES", text, sizeof(text)) == 1)
		nodes = (uint32_t)strtoul(text, NULL, 10);
	return nodes;
}

static int not_ours(struct err *err)
{
	return err_set(err, "%s: not what srun writes", recorder.settings);
}

/* What srun or sbatch has decided. */
static int take_over(struct decision *decision, const char *text, struct err *err)
{
	union recorder_settings_of settings = *recorder.defaults;

	decision->automatic = strncmp(text, "auto:", 5) == 0;
	if (!decision->automatic && strncmp(text, "user:", 5) != 0)
		return not_ours(err);
	text += 5;
	if (text[0] == '@')
		return not_ours(err);
	if (recorder.merge(&settings, false, text, err) < 0)
		return -1;
	if (settings.common.enable && settings.common.dir[0] != '/')
		return not_ours(err);
	decision->settings = settings;
	decision->asked_not = !decision->automatic && !settings.common.enable;
	return 0;
}

/* A batch script of an automatically recorded job, or an srun whose host has
 * no such plugin.
 */
static int decide_here(spank_t sp, struct decision *decision, struct err *err)
{
	char text[SETTINGS_SIZE], base[PATH_MAX];
	bool given = env_settings(sp, true, text, sizeof(text)) == 1 && text[0] != '@';
	struct recorder_settings *settings = &decision->settings.common;

	if (options_decide(decision, given ? text : NULL, err) < 0)
		return -1;
	if (!settings->enable)
		return 0;
	if (decision->automatic &&
	    !options_sampled(&options_of_plugstack()->common, state.job,
			     state.kind == KIND_TASKS ? state.step : NO_STEP, nodes_of_job(sp))) {
		settings->enable = 0;
		return 0;
	}
	if (env_get(sp, "SLURM_SUBMIT_DIR", base, sizeof(base)) != 1 || base[0] != '/')
		return settings->dir[0] == '/' ? 0
					       : err_set(err, "the submit directory is not known");
	return directory_absolute(settings->dir, base, err);
}

static int expand(spank_t sp, char *dir, struct err *err)
{
	char job[16], step[16], user[256] = "";
	uid_t uid = 0;

	snprintf(job, sizeof(job), "%u", state.job);
	snprintf(step, sizeof(step), "%u", state.step);
	if (strstr(dir, "%u") && spank_get_item(sp, S_JOB_UID, &uid) == ESPANK_SUCCESS)
		directory_user(user, sizeof(user), uid);
	return directory_expand(dir, job, state.kind == KIND_TASKS ? step : NULL,
				user[0] ? user : NULL, err);
}

static int decide(spank_t sp, struct decision *decision, struct err *err)
{
	char text[SETTINGS_SIZE + 8];
	int rc = env_get(sp, recorder.settings, text, sizeof(text));

	if (rc < 0)
		return not_ours(err);
	if (rc == 0)
		rc = decide_here(sp, decision, err);
	else
		rc = take_over(decision, text, err);
	return rc < 0 || !decision->settings.common.enable
		       ? rc
		       : expand(sp, decision->settings.common.dir, err);
}

/* As the user, who must be able to load it. */
static int check_library(struct err *err)
{
	struct stat st;
	int fd;

	options_library(state.library, sizeof(state.library));
	if (strpbrk(state.library, ": \t"))
		return err_set(err, "'%s' cannot be in LD_PRELOAD", state.library);
	fd = open(state.library, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, "unable to open '%s'", state.library);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, "'%s' is not a file", state.library);
	}
	close(fd);
	return 0;
}

static void tell_variable(spank_t sp, const char *key, const char *name)
{
	char value[8192];

	if (env_get(sp, name, value, sizeof(value)) == 1)
		start_tell(key, value);
}

static void tell_number(const char *key, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	start_tell(key, text);
}

static void tell_step(void)
{
	if (state.kind == KIND_TASKS)
		tell_number("step", state.step);
	else
		start_tell("step", state.step == SLURM_BATCH_SCRIPT ? "batch" : "interactive");
}

static void tell_command(spank_t sp)
{
	static char text[COMMAND_SIZE];
	char **argv = NULL;
	int argc = 0;

	if (spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS || !argv)
		return;
	command_json(text, sizeof(text), argc, argv);
	start_tell("command", text);
}

/* keep= bounds the store of one user: one directory for all his runs. */
static void tell_store(spank_t sp)
{
	const struct recorder_settings *plugstack = &options_of_plugstack()->common;
	char dir[PATH_MAX];

	if (!plugstack->keep || plugstack->dir[0] != '/')
		return;
	snprintf(dir, sizeof(dir), "%s", plugstack->dir);
	if (strstr(dir, "%j") || strstr(dir, "%s") || expand(sp, dir, NULL) < 0)
		return;
	tell_number("keep", (uint64_t)plugstack->keep);
	start_tell("store", dir);
}

static void tell_libslurm(void)
{
	void *function = dlsym(RTLD_DEFAULT, "slurm_load_job");
	Dl_info info;

	if (function && dladdr(function, &info) && info.dli_fname && info.dli_fname[0] == '/')
		start_tell("libslurm", info.dli_fname);
}

static void tell_all(spank_t sp, const struct decision *decision)
{
	char settings[SETTINGS_SIZE], node[256];

	tell_number("job", state.job);
	tell_step();
	if (start_daemon_variable(sp, "SLURMD_NODENAME", node, sizeof(node)))
		start_tell("node", node);
	tell_number("index", start_index_in_job(sp, state.node));
	tell_variable(sp, "nodelist", "SLURM_JOB_NODELIST");
	tell_number("tasks", state.tasks);
	if (recorder.format(&decision->settings, settings, sizeof(settings)) == 0)
		start_tell("settings", settings);
	tell_store(sp);
	if (recorder.tell)
		recorder.tell(options_of_plugstack());
	tell_libslurm();
	tell_command(sp);
	tell_variable(sp, "submit", "SLURM_SUBMIT_DIR");
}

static int run_helper(spank_t sp, const struct decision *decision, struct err *err)
{
	char program[PATH_MAX], list[64];
	char *argv[] = { program, NULL };

	options_program(program, sizeof(program), recorder.helper);
	if (start_step(sp, argv, NULL, list, sizeof(list), err) < 0)
		return -1;
	tell_all(sp, decision);
	env_set(sp, recorder.helper_variable, list);
	return 0;
}

static void leave_out(spank_t sp, const struct decision *decision)
{
	if (decision->asked_not)
		env_silence(sp);
	options_library(state.library, sizeof(state.library));
	loaded_remove(sp, state.library);
}

void remote_user_init(spank_t sp)
{
	struct decision decision = { .asked_not = false };
	char gather[128];
	struct err err;
	int rc;

	state.job = item(sp, S_JOB_ID);
	state.step = item(sp, S_JOB_STEPID);
	state.node = item(sp, S_JOB_NODEID);
	state.tasks = item(sp, S_JOB_LOCAL_TASK_COUNT);
	state.kind = kind_of(state.step);
	if (state.kind == KIND_OTHER)
		return;
	rc = decide(sp, &decision, &err);
	env_get(sp, recorder.gather, gather, sizeof(gather));
	env_scrub(sp);
	if (rc < 0 || (decision.settings.common.enable && check_library(&err) < 0)) {
		say(recorder.undone, &err);
		return;
	}
	if (!decision.settings.common.enable) {
		leave_out(sp, &decision);
		return;
	}
	if (run_helper(sp, &decision, &err) < 0)
		say("ranks that die will not be finished", &err);
	if (env_publish(sp, &decision, state.kind == KIND_SCRIPT, &err) < 0) {
		say(recorder.undone, &err);
		return;
	}
	if (gather[0])
		env_set(sp, recorder.gather, gather); /* until task_init knows srun's host */
	state.on = true;
}

/* srun's address is known to the tasks only. */
static void tell_gather(spank_t sp)
{
	char address[512];

	if (env_address(sp, recorder.gather, address, sizeof(address)))
		start_tell("gather", address);
}

/* In the child that becomes the task. */
int remote_task_init(spank_t sp)
{
	struct err err = { "" };
	int task = -1;

	if (!state.on)
		return 0;
	if (spank_get_item(sp, S_TASK_ID, &task) == ESPANK_SUCCESS && task == 0)
		tell_gather(sp);
	env_unset(sp, recorder.gather);
	if (state.kind == KIND_TASKS && loaded_add(sp, state.library, &err) < 0)
		say(recorder.undone, &err);
	return 0;
}

void remote_task_exit(spank_t sp)
{
	char text[64];
	pid_t pid = 0;
	int status = 0;

	if (!state.on)
		return;
	spank_get_item(sp, S_TASK_PID, &pid);
	spank_get_item(sp, S_TASK_EXIT_STATUS, &status);
	snprintf(text, sizeof(text), "%u %d %d", item(sp, S_TASK_GLOBAL_ID), (int)pid, status);
	start_tell("exit", text);
	/* the last moment before slurmstepd kills whatever descends from it */
	if (++state.exited >= state.tasks)
		start_finish();
}

void remote_exit(spank_t sp)
{
	(void)sp;
	start_finish(); /* of a step that ran no task */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - a plugin that has the tasks of a step recorded
 *
 * netprof and nettrace differ in their names, their settings and what their
 * library and helper do: each is a struct recorder, and all code is here.  plugin.h
 * has what Slurm calls.
 */
#ifndef NETEMU_SPANK_RECORDER_H
#define NETEMU_SPANK_RECORDER_H

#include "env.h"
#include "err.h"
#include "netprof_settings.h"
#include "nettrace_settings.h"
#include "nodelist.h"
#include "plugin.h"
#include "start.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <slurm/spank.h>

/* Settings of any of them; COMMON is what they begin with. */
union recorder_settings_of {
	struct recorder_settings common;
	struct netprof_settings netprof;
	struct nettrace_settings nettrace;
};

struct recorder {
	const char *name;      /* of the plugin and of its option */
	const char *usage;     /* for `srun --help` */
	const char *directory; /* of its files, in the run directory */
	const char *library;   /* its file name */
	const char *helper;    /* the program beside the tasks */
	const char *undone;    /* what a task is that it does nothing for: "not profiled" */
	/* Settings, to users and from the plugin to the library. */
	const char *variable;
	/* To the library: where its helper listens; see helper.h. */
	const char *helper_variable;
	/* From srun (and sbatch) to slurmstepd: effective settings; `SLURM_` survives
	 * --export=NONE.
	 */
	const char *settings;
	/* From srun to slurmstepd: HOST:PORT:COOKIE, see gather.h. */
	const char *gather;
	/* Beside `variable`, where the plugin has set that: "auto:" or "user:" and the same
	 * text.  It tells a nested srun or sbatch what the user's own word is.
	 */
	const char *origin;
	/* The library, for netemu-agent, which mpirun starts in front of each local rank. */
	const char *agent;
	const union recorder_settings_of *defaults;
	int (*merge)(union recorder_settings_of *settings, bool plugstack, const char *text,
		     struct err *err);
	int (*format)(const union recorder_settings_of *settings, char *buf, size_t size);
	/* Tell the helper what only this one has to know; may be NULL. */
	void (*tell)(const union recorder_settings_of *plugstack);
};

/* Of this plugin. */
extern const struct recorder recorder;

/* Room for any list of settings: dir= and exclude= at their longest. */
#define SETTINGS_SIZE (PATH_MAX + 2048)

/* ---- options.c: who said what ---- */

struct decision {
	union recorder_settings_of settings; /* enable is 0 or 1 */
	bool automatic; /* no user said yes or no: the plugstack line decides */
	bool asked_not; /* a user said no */
};

/* Lay the levels over each other: plugstack, inherited option, ENVIRONMENT
 * (NULL when unset), own option.  Returns 0, or -1 with ERR written.
 */
int options_decide(struct decision *decision, const char *environment, struct err *err);

const union recorder_settings_of *options_of_plugstack(void);

/* Whether automatic recording takes this step: sample= and minnodes=.  STEP is
 * NO_STEP for what mpirun starts, so that a whole MPI world decides alike.
 * The same on every node.
 */
#define NO_STEP UINT32_MAX
bool options_sampled(const struct recorder_settings *settings, uint32_t job, uint32_t step,
		     uint32_t nodes);

/* Whether PROGRAM is the daemon that mpirun starts on other nodes. */
bool options_is_mpi_daemon(const char *program);

/* The library and, in DIRECTORY of the helper programs, PROGRAM. */
void options_library(char *path, size_t size);
void options_program(char *path, size_t size, const char *program);

/* ---- directory.c: dir= ---- */

/* Make DIR (a template of PATH_MAX bytes) absolute: relative to BASE, and BASE
 * itself when it is empty.  Returns 0, or -1 with ERR written.
 */
int directory_absolute(char *dir, const char *base, struct err *err);

/* Put in what is known: JOB and STEP (NULL = not yet) and USER.  `%%` stays
 * `%%`: the result is a template too.
 */
int directory_expand(char *dir, const char *job, const char *step, const char *user,
		     struct err *err);

/* The name of UID, or its number. */
void directory_user(char *name, size_t size, uid_t uid);

/* ---- env.c: what the plugin says in environments ---- */

/* The settings as they count for a new decision: 1 and the text when it is the
 * user's word.  What the plugin set itself counts only where ASKED_COUNTS and
 * it stood for a user's wish.
 */
int env_settings(spank_t sp, bool asked_counts, char *buf, size_t size);

/* Take out everything the plugin ever sets, but nothing the user set. */
void env_scrub(spank_t sp);

/* A user said no to this command: a variable of his that says yes is taken out,
 * or a nested srun would obey it.
 */
void env_silence(spank_t sp);

/* Set the variable and what tells its origin; with SCRIPT also what lets mpirun's
 * local ranks be recorded.  Returns 0, or -1 with ERR written.
 */
int env_publish(spank_t sp, const struct decision *decision, bool script, struct err *err);

/* ---- command.c ---- */

/* ARGV as a JSON array of strings.  What does not fit is left out, with "..."
 * in its place; bytes that are not UTF-8 become U+FFFD.
 */
void command_json(char *buf, size_t size, int argc, char *const *argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pluginlib.h - the netprof plugin on a stand-in for Slurm */
#ifndef TESTS_PLUGINLIB_H
#define TESTS_PLUGINLIB_H

#include "fakehost.h"
#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <slurm/slurm.h>

#define INHERITED "SLURM_SPANK__SLURM_SPANK_OPTION_netprof_netprof"

static const char *const ours[] = {
	"NETPROF",       "NETPROF_HELPER",           "NETPROF_LIB",
	"SLURM_NETPROF", "SLURM_NETPROF_GATHER",     "SLURM_NETPROF_ORIGIN",
	INHERITED,       "OMPI_MCA_orte_fork_agent", "PRTE_MCA_prte_fork_agent"
};

static char dir[64]; /* of this program's files */
static char plugin[PATH_MAX];
static char lib[128], libexec[128]; /* plugstack arguments */

/* Enough of a helper to see what it is told: it says so into $TMPDIR/told. */
static const char helper_script[] =
	"#!/bin/sh\n"
	"echo \"ready $$\" >&4\n"
	"while read -r line; do echo \"$line\"; done <&3 >$TMPDIR/told.$$\n"
	"id -u >>$TMPDIR/told.$$\n"
	"umask >>$TMPDIR/told.$$\n"
	"mv $TMPDIR/told.$$ $TMPDIR/told\n";

static inline void write_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static inline const char *read_file(const char *name)
{
	static char text[65536];
	char path[PATH_MAX];
	size_t used;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		return "";
	used = fread(text, 1, sizeof(text) - 1, file);
	text[used] = '\0';
	fclose(file);
	return text;
}

static inline void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static inline int make_files(void **state)
{
	char path[PATH_MAX];
	const char *build = getenv("NETEMU_BUILDDIR");

	(void)state;
	snprintf(plugin, sizeof(plugin), "%s/spank/.libs/netprof.so", build ? build : BUILDDIR);
	snprintf(dir, sizeof(dir), "/tmp/unit-plugin.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/libexec", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("libnetprof.so", "", 0644);
	write_file("libexec/netprof-helper", helper_script, 0755);
	snprintf(lib, sizeof(lib), "lib=%s/libnetprof.so", dir);
	snprintf(libexec, sizeof(libexec), "libexec=%s/libexec", dir);
	return 0;
}

static inline int remove_files(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* Each test begins as a job of one task on the first of two nodes. */
static inline int begin(void **state)
{
	static char *argv[] = { (char *)"app", (char *)"-x", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		unsetenv(ours[i]);
	unsetenv("SLURM_JOB_ID");
	unsetenv("SLURM_SUBMIT_DIR");
	assert_int_equal(chdir("/"), 0);
	fakehost_job = (struct fakehost_job){
		.uid = getuid(),
		.gid = getgid(),
		.job = 7,
		.step = 3,
		.nnodes = 2,
		.local_tasks = 1,
		.total_tasks = 2,
		.argc = 2,
		.argv = argv,
		.task = -1,
	};
	remove_file("told");
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	fakehost_call("exit", NULL); /* a collector may still run when a test has failed */
	fakehost_unload();
	return 0;
}

static char *const *args(const char *more)
{
	static char *list[8];
	static char words[256];
	size_t count = 2;

	list[0] = lib;
	list[1] = libexec;
	snprintf(words, sizeof(words), "%s", more ? more : "");
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		list[count++] = word;
	list[count] = NULL;
	return list;
}

static inline void load(enum spank_context context, const char *plugstack)
{
	if (fakehost_load(plugin, context) < 0)
		fail_msg("%s", fakehost_messages);
	assert_int_equal(fakehost_call("init", args(plugstack)), 0);
}

/* srun up to the launch of the step; returns what slurmstepd will find. */
static inline const char *srun(const char *plugstack, const char *inherited, const char *env,
			       const char *own)
{
	if (inherited)
		setenv(INHERITED, inherited, 1);
	if (env)
		setenv("NETPROF", env, 1);
	load(S_CTX_LOCAL, plugstack);
	if (inherited)
		assert_int_equal(fakehost_option("netprof", getenv(INHERITED), 0), 0);
	if (own)
		assert_int_equal(fakehost_option("netprof", own, 0), 0);
	assert_int_equal(fakehost_call("init_post_opt", args(plugstack)), 0);
	assert_int_equal(fakehost_call("local_user_init", args(plugstack)), 0);
	return getenv("SLURM_NETPROF");
}

static inline void srun_ends(void)
{
	fakehost_call("exit", NULL);
	fakehost_unload();
	begin(NULL);
}

static inline void prepare_step(const char *plugstack, const char *settings)
{
	load(S_CTX_REMOTE, plugstack);
	fakehost_setenv("TMPDIR", dir);
	fakehost_setenv("SLURM_UMASK", "0027");
	fakehost_setenv("SLURM_SUBMIT_DIR", "/home/u");
	fakehost_setenv("SLURM_JOB_NODELIST", "n[1-2]");
	if (settings)
		fakehost_setenv("SLURM_NETPROF", settings);
}

static inline void run_step(void)
{
	assert_int_equal(fakehost_call("init_post_opt", NULL), 0);
	assert_int_equal(fakehost_call("user_init", NULL), 0);
	for (uint32_t i = 0; i < fakehost_job.local_tasks; i++) {
		fakehost_job.task = (int)i;
		fakehost_job.task_global = 10 + i;
		fakehost_job.task_pid = (pid_t)(100 + i);
		assert_int_equal(fakehost_call("task_init", NULL), 0);
	}
}

static inline void finish_step(void)
{
	for (uint32_t i = 0; i < fakehost_job.local_tasks; i++) {
		fakehost_job.task = (int)i;
		fakehost_job.task_global = 10 + i;
		fakehost_job.task_pid = (pid_t)(100 + i);
		fakehost_job.task_status = (int)(i << 8);
		assert_int_equal(fakehost_call("task_exit", NULL), 0);
	}
	fakehost_job.task = -1;
	assert_int_equal(fakehost_call("exit", NULL), 0);
}

static inline void check_env(const char *name, const char *expected)
{
	const char *value = fakehost_getenv(name);

	if (expected && !value)
		fail_msg("%s is not set", name);
	if (!expected && value)
		fail_msg("%s is set: '%s'", name, value);
	if (expected)
		assert_string_equal(value, expected);
}

static inline const char *library(void)
{
	return lib + strlen("lib=");
}

static inline const char *agent(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/netemu-agent", libexec + strlen("libexec="));
	return path;
}

static inline size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static inline size_t count_entries(const char *path)
{
	DIR *entries = opendir(path);
	size_t count = 0;

	assert_non_null(entries);
	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The netprof plugin in every context, on a stand-in for Slurm. */
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

static void write_file(const char *name, const char *text, mode_t mode)
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

static const char *read_file(const char *name)
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

static void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static int make_files(void **state)
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

static int remove_files(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* Each test begins as a job of one task on the first of two nodes. */
static int begin(void **state)
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

static int end(void **state)
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

static void load(enum spank_context context, const char *plugstack)
{
	if (fakehost_load(plugin, context) < 0)
		fail_msg("%s", fakehost_messages);
	assert_int_equal(fakehost_call("init", args(plugstack)), 0);
}

/* srun up to the launch of the step; returns what slurmstepd will find. */
static const char *srun(const char *plugstack, const char *inherited, const char *env,
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

static void srun_ends(void)
{
	fakehost_call("exit", NULL);
	fakehost_unload();
	begin(NULL);
}

static void prepare_step(const char *plugstack, const char *settings)
{
	load(S_CTX_REMOTE, plugstack);
	fakehost_setenv("TMPDIR", dir);
	fakehost_setenv("SLURM_UMASK", "0027");
	fakehost_setenv("SLURM_SUBMIT_DIR", "/home/u");
	fakehost_setenv("SLURM_JOB_NODELIST", "n[1-2]");
	if (settings)
		fakehost_setenv("SLURM_NETPROF", settings);
}

static void run_step(void)
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

static void finish_step(void)
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

static void check_env(const char *name, const char *expected)
{
	const char *value = fakehost_getenv(name);

	if (expected && !value)
		fail_msg("%s is not set", name);
	if (!expected && value)
		fail_msg("%s is set: '%s'", name, value);
	if (expected)
		assert_string_equal(value, expected);
}

static const char *library(void)
{
	return lib + strlen("lib=");
}

static const char *agent(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/netemu-agent", libexec + strlen("libexec="));
	return path;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static size_t count_entries(const char *path)
{
	DIR *entries = opendir(path);
	size_t count = 0;

	assert_non_null(entries);
	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

/* ---- the local side ---- */

static void registers_its_option_where_options_are(void **state)
{
	static const struct {
		enum spank_context context;
		int rc;
	} cases[] = {
		{ S_CTX_LOCAL, 0 },   { S_CTX_ALLOCATOR, 0 },   { S_CTX_REMOTE, 0 },
		{ S_CTX_SLURMD, -2 }, { S_CTX_JOB_SCRIPT, -2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		load(cases[i].context, NULL);
		assert_int_equal(
			fakehost_option("netprof", "yes", cases[i].context == S_CTX_REMOTE),
			cases[i].rc);
		assert_string_equal(fakehost_messages, "");
	}
}

static void takes_all_spellings_of_no_argument(void **state)
{
	static const char *const spellings[] = { NULL, "", "(null)" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		load(S_CTX_LOCAL, NULL);
		assert_int_equal(fakehost_option("netprof", spellings[i], 0), 0);
		assert_int_equal(fakehost_call("init_post_opt", args(NULL)), 0);
		assert_int_equal(fakehost_call("local_user_init", args(NULL)), 0);
		assert_string_equal(getenv("SLURM_NETPROF"), "user:yes,dir=/");
		srun_ends();
	}
}

static void a_bad_value_is_one_sentence(void **state)
{
	static const struct {
		const char *value, *message;
	} cases[] = {
		{ "maybe", "error: netprof: --netprof: 'maybe': neither yes, no nor KEY=VALUE\n" },
		{ "widnow=1s",
		  "error: netprof: --netprof: unknown key 'widnow' (did you mean 'window'?)\n" },
		{ "auto=yes",
		  "error: netprof: --netprof: 'auto' can only be set in plugstack.conf\n" },
		{ "@/nonexistent",
		  "error: netprof: --netprof: unable to open '/nonexistent': No such file or directory\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		load(S_CTX_LOCAL, NULL);
		assert_int_equal(fakehost_option("netprof", cases[i].value, 0), -1);
		assert_string_equal(fakehost_messages, cases[i].message);
	}
}

static void a_value_that_slurm_would_cut_is_refused(void **state)
{
	char value[1001];

	(void)state;
	memset(value, 'x', sizeof(value));
	memcpy(value, "dir=/", 5);
	value[1000] = '\0';
	load(S_CTX_LOCAL, NULL);
	assert_int_equal(fakehost_option("netprof", value, 0), -1);
	assert_int_equal(count_lines(fakehost_messages), 1);
}

/* Slurm ignores what an optional plugin returns: it has to leave by itself. */
static void a_bad_environment_ends_the_command(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	setenv("NETPROF", "maybe", 1);
	load(S_CTX_LOCAL, NULL);
	pid = fork();
	if (pid == 0) {
		fakehost_call("init_post_opt", NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 255);
}

static void the_levels_lie_over_each_other(void **state)
{
	static const struct {
		const char *plugstack, *inherited, *env, *own, *expected;
	} cases[] = {
		{ NULL, NULL, NULL, NULL, "auto:no,dir=/" },
		{ "auto=yes", NULL, NULL, NULL, "auto:yes,dir=/" },
		{ "auto=yes", "no", NULL, NULL, "user:no,dir=/" },
		{ "auto=yes", NULL, "no", NULL, "user:no,dir=/" },
		{ "auto=yes", NULL, NULL, "no", "user:no,dir=/" },
		{ "auto=no", NULL, NULL, "yes", "user:yes,dir=/" },
		{ NULL, "yes", "no", NULL, "user:no,dir=/" },
		{ NULL, "yes", "no", "yes", "user:yes,dir=/" },
		{ NULL, "no", "yes", NULL, "user:yes,dir=/" },
		{ NULL, "no", NULL, "yes", "user:yes,dir=/" },
		{ NULL, "yes", NULL, "no", "user:no,dir=/" },
		{ "dir=/p", "dir=/i", "dir=/e", "dir=/o", "user:yes,dir=/o" },
		{ "dir=/p", "dir=/i", "dir=/e", "sizes=1", "user:yes,dir=/e,sizes=1" },
		{ "dir=/p", "dir=/i", "sizes=1", NULL, "user:yes,dir=/i,sizes=1" },
		{ "dir=/p", "timing=yes", "stamps=precise", "sizes=1",
		  "user:yes,dir=/p,stamps=precise,timing=yes,sizes=1" },
		{ "auto=yes", NULL, "", NULL, "auto:yes,dir=/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(
			srun(cases[i].plugstack, cases[i].inherited, cases[i].env, cases[i].own),
			cases[i].expected);
		srun_ends();
	}
}

/* The same words from sbatch and from the command line are not the same. */
static void tells_inherited_from_own_by_more_than_the_text(void **state)
{
	(void)state;
	assert_string_equal(srun(NULL, "yes", "no", "yes"), "user:yes,dir=/");
	srun_ends();
	assert_string_equal(srun(NULL, "yes", "no", NULL), "user:no,dir=/");
	srun_ends();
	/* the next component of a heterogeneous step begins with it again */
	setenv(INHERITED, "yes", 1);
	load(S_CTX_LOCAL, NULL);
	assert_int_equal(fakehost_option("netprof", getenv(INHERITED), 0), 0);
	assert_int_equal(fakehost_option("netprof", "no", 0), 0);
	assert_int_equal(fakehost_option("netprof", getenv(INHERITED), 0), 0);
	fakehost_call("init_post_opt", args(NULL));
	fakehost_call("local_user_init", args(NULL));
	assert_string_equal(getenv("SLURM_NETPROF"), "user:no,dir=/");
	srun_ends();
}

static void the_last_of_two_options_counts(void **state)
{
	(void)state;
	load(S_CTX_LOCAL, NULL);
	assert_int_equal(fakehost_option("netprof", "dir=/a,timing=yes", 0), 0);
	assert_int_equal(fakehost_option("netprof", "dir=/b", 0), 0);
	fakehost_call("init_post_opt", args(NULL));
	fakehost_call("local_user_init", args(NULL));
	assert_string_equal(getenv("SLURM_NETPROF"), "user:yes,dir=/b");
	srun_ends();
}

/* What the plugin itself put into a batch script's environment is no word of
 * the user's where the plugstack line had decided.
 */
static void knows_its_own_setting_from_the_users(void **state)
{
	(void)state;
	setenv("SLURM_NETPROF_ORIGIN", "auto:yes,dir=/x", 1);
	assert_string_equal(srun("auto=no", NULL, "yes,dir=/x", NULL), "auto:no,dir=/");
	srun_ends();
	setenv("SLURM_NETPROF_ORIGIN", "auto:yes,dir=/x", 1);
	assert_string_equal(srun("auto=no", NULL, "yes,dir=/y", NULL), "user:yes,dir=/y");
	srun_ends();
	setenv("SLURM_NETPROF_ORIGIN", "user:yes,dir=/x", 1);
	assert_string_equal(srun("auto=no", NULL, "yes,dir=/x", NULL), "user:yes,dir=/x");
	srun_ends();
}

static void expands_the_directory(void **state)
{
	(void)state;
	assert_string_equal(srun(NULL, NULL, NULL, "dir=/a/%j/%s/%%"), "user:yes,dir=/a/7/3/%%");
	srun_ends();
	setenv("SLURM_JOB_ID", "7", 1);
	setenv("SLURM_SUBMIT_DIR", "/home/100%", 1);
	assert_string_equal(srun(NULL, NULL, NULL, "dir=out.%j"), "user:yes,dir=/home/100%%/out.7");
	srun_ends();
}

/* A whole MPI world decides alike, so its daemons' step number is not known. */
static void leaves_the_step_open_for_mpiruns_daemons(void **state)
{
	static char *argv[] = { (char *)"/usr/bin/orted", NULL };

	(void)state;
	fakehost_job.argc = 1;
	fakehost_job.argv = argv;
	assert_string_equal(srun(NULL, NULL, NULL, "dir=/a/%j/%s"), "user:yes,dir=/a/7/%s");
	srun_ends();
}

static void small_jobs_are_left_out_by_minnodes(void **state)
{
	(void)state;
	assert_string_equal(srun("auto=yes minnodes=2", NULL, NULL, NULL), "auto:yes,dir=/");
	srun_ends();
	assert_string_equal(srun("auto=yes minnodes=3", NULL, NULL, NULL), "auto:no,dir=/");
	srun_ends();
	assert_string_equal(srun("auto=yes minnodes=3", NULL, NULL, "yes"), "user:yes,dir=/");
	srun_ends();
}

static void a_bad_plugstack_argument_stops_nothing(void **state)
{
	(void)state;
	assert_string_equal(srun("auto=yes colour=red", NULL, NULL, NULL), "auto:yes,dir=/");
	assert_string_equal(fakehost_messages,
			    "error: netprof: plugstack.conf: unknown key 'colour'\n");
	srun_ends();
}

static void srun_publishes_a_collector(void **state)
{
	const char *address;
	unsigned port, again;
	char cookie[64];

	(void)state;
	srun(NULL, NULL, NULL, "yes");
	address = getenv("SLURM_NETPROF_GATHER");
	assert_non_null(address);
	assert_int_equal(sscanf(address, ":%u:%63s", &port, cookie), 2);
	assert_int_equal(strlen(cookie), 32);
	/* once more for the next component of a heterogeneous step */
	assert_int_equal(fakehost_call("local_user_init", NULL), 0);
	assert_non_null(getenv("SLURM_NETPROF_GATHER"));
	assert_int_equal(sscanf(getenv("SLURM_NETPROF_GATHER"), ":%u:", &again), 1);
	assert_int_equal(again, port);
	srun_ends();
	srun(NULL, NULL, NULL, "no");
	assert_null(getenv("SLURM_NETPROF_GATHER"));
	srun_ends();
}

/* ---- the remote side ---- */

static void tasks_get_the_library_before_the_users_own(void **state)
{
	char expected[256];

	(void)state;
	prepare_step(NULL, "user:yes,dir=/d");
	fakehost_setenv("LD_PRELOAD", "/u/a.so /u/b.so");
	run_step();
	snprintf(expected, sizeof(expected), "%s:/u/a.so:/u/b.so", library());
	check_env("LD_PRELOAD", expected);
	check_env("NETPROF", "yes,dir=/d");
	check_env("SLURM_NETPROF_ORIGIN", "user:yes,dir=/d");
	check_env("SLURM_NETPROF", NULL);
	check_env("SLURM_NETPROF_GATHER", NULL);
	check_env("OMPI_MCA_orte_fork_agent", NULL);
	assert_non_null(fakehost_getenv("NETPROF_HELPER"));
	assert_string_equal(fakehost_messages, "");
	finish_step();
}

static void a_script_gets_the_agent_instead(void **state)
{
	static const uint32_t steps[] = { SLURM_BATCH_SCRIPT, SLURM_INTERACTIVE_STEP };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(NULL);
		fakehost_job.step = steps[i];
		fakehost_job.nnodes = 0;
		prepare_step(NULL, "user:yes,dir=/d/%j/%s");
		fakehost_setenv("PRTE_MCA_prte_fork_agent", "/users/own");
		run_step();
		check_env("LD_PRELOAD", NULL);
		check_env("NETPROF", "yes,dir=/d/7/%s");
		check_env("NETPROF_LIB", library());
		check_env("OMPI_MCA_orte_fork_agent", agent());
		check_env("PRTE_MCA_prte_fork_agent", "/users/own");
		assert_non_null(fakehost_getenv("NETPROF_HELPER"));
		finish_step();
		assert_non_null(
			strstr(read_file("told"), i ? "step interactive\n" : "step batch\n"));
	}
}

static void other_steps_are_left_alone(void **state)
{
	(void)state;
	fakehost_job.step = SLURM_EXTERN_CONT;
	prepare_step("auto=yes", "user:yes,dir=/d");
	size_t before = fakehost_environ_count();
	run_step();
	assert_int_equal(fakehost_environ_count(), before);
	finish_step();
	assert_string_equal(read_file("told"), "");
}

static void opting_out_leaves_no_trace(void **state)
{
	static const struct {
		const char *plugstack, *settings;
		uint32_t step;
	} cases[] = {
		{ NULL, "user:no,dir=/d", 3 },
		{ "auto=yes", "user:no,dir=/d", 3 },
		{ "auto=no", NULL, 3 },
		{ "auto=yes", "auto:no,dir=/d", 3 },
		{ "auto=no", NULL, SLURM_BATCH_SCRIPT },
		{ "auto=yes", "user:no", SLURM_BATCH_SCRIPT },
	};
	char preload[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		fakehost_job.step = cases[i].step;
		prepare_step(cases[i].plugstack, cases[i].settings);
		/* as an srun inside a profiled step finds it */
		snprintf(preload, sizeof(preload), "%s:/u/a.so", library());
		fakehost_setenv("LD_PRELOAD", preload);
		fakehost_setenv("NETPROF", "yes,dir=/d");
		fakehost_setenv("SLURM_NETPROF_ORIGIN", "auto:yes,dir=/d");
		fakehost_setenv("SLURM_NETPROF_GATHER", ":1:x");
		fakehost_setenv("NETPROF_LIB", library());
		fakehost_setenv("NETPROF_HELPER", "/proc/1/fd/5");
		fakehost_setenv("OMPI_MCA_orte_fork_agent", agent());
		fakehost_setenv("PRTE_MCA_prte_fork_agent", agent());
		run_step();
		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			check_env(ours[j], NULL);
		check_env("LD_PRELOAD", "/u/a.so");
		finish_step();
		assert_string_equal(read_file("told"), "");
		assert_string_equal(fakehost_messages, "");
	}
}

/* sbatch --netprof=no, and NETPROF=yes in the user's profile: an srun in the
 * script would obey the latter.
 */
static void a_no_silences_the_environment(void **state)
{
	static const struct {
		const char *env, *left;
	} cases[] = {
		{ "yes", NULL }, { "dir=/x", NULL }, { "@/f", NULL },
		{ "bad", NULL }, { "no", "no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		prepare_step(NULL, "user:no");
		fakehost_setenv("NETPROF", cases[i].env);
		run_step();
		check_env("NETPROF", cases[i].left);
		finish_step();
	}
}

static void trusts_no_settings(void **state)
{
	static const char *const hostile[] = {
		"yes",
		"root:yes,dir=/d",
		"@/etc/hostname",
		"user:@/etc/hostname",
		"user:yes,dir=relative",
		"user:yes",
		"user:yes,lib=/evil.so,dir=/d",
		"user:yes,libexec=/evil,dir=/d",
		"user:yes,dir=/a\nb",
		"user:\033[2J\n",
		"user:=",
		"user:yes,dir=/%x",
		"user:window=99999999999999999999d",
	};
	static char large[200000];

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "user:yes,dir=/", 14);
	for (size_t i = 0; i <= sizeof(hostile) / sizeof(hostile[0]); i++) {
		prepare_step("auto=yes",
			     i < sizeof(hostile) / sizeof(hostile[0]) ? hostile[i] : large);
		run_step();
		check_env("LD_PRELOAD", NULL);
		check_env("NETPROF", NULL);
		check_env("SLURM_NETPROF", NULL);
		assert_int_equal(count_lines(fakehost_messages), 1);
		assert_null(strchr(fakehost_messages, '\033'));
		finish_step();
	}
}

/* Not even one that has proper settings in it. */
static void opens_no_file_that_the_job_names(void **state)
{
	char text[128];

	(void)state;
	write_file("list", "dir=/d\n", 0644);
	snprintf(text, sizeof(text), "user:@%s/list", dir);
	prepare_step(NULL, text);
	run_step();
	check_env("NETPROF", NULL);
	finish_step();

	prepare_step(NULL, NULL);
	assert_int_equal(fakehost_option("netprof", text + strlen("user:"), 1), 0);
	run_step();
	check_env("NETPROF", NULL);
	finish_step();

	prepare_step(NULL, NULL);
	fakehost_setenv("NETPROF", text + strlen("user:"));
	run_step();
	check_env("LD_PRELOAD", NULL);
	check_env("NETPROF_HELPER", NULL);
	finish_step();
}

static void takes_the_option_itself_where_srun_had_no_plugin(void **state)
{
	(void)state;
	for (int times = 1; times <= 2; times++) {
		prepare_step(NULL, NULL);
		for (int i = 0; i < times; i++)
			assert_int_equal(fakehost_option("netprof", "timing=yes", 1), 0);
		run_step();
		check_env("NETPROF", "yes,dir=/home/u,timing=yes");
		finish_step();
	}
}

static void an_automatic_batch_step_decides_for_itself(void **state)
{
	(void)state;
	fakehost_job.step = SLURM_BATCH_SCRIPT;
	fakehost_job.nnodes = 0;
	prepare_step("auto=yes minnodes=4 dir=/store/%j", NULL);
	fakehost_setenv("SLURM_JOB_NUM_NODES", "4");
	run_step();
	check_env("NETPROF", "yes,dir=/store/7");
	check_env("SLURM_NETPROF_ORIGIN", "auto:yes,dir=/store/7");
	finish_step();
	prepare_step("auto=yes minnodes=4", NULL);
	fakehost_setenv("SLURM_JOB_NUM_NODES", "3");
	run_step();
	check_env("NETPROF", NULL);
	finish_step();
}

static void a_missing_library_is_one_line(void **state)
{
	static char *missing[] = { (char *)"lib=/nonexistent/libnetprof.so", NULL };

	(void)state;
	for (int node = 0; node < 2; node++) {
		assert_int_equal(fakehost_load(plugin, S_CTX_REMOTE), 0);
		assert_int_equal(fakehost_call("init", missing), 0);
		fakehost_job.nodeid = (uint32_t)node;
		fakehost_setenv("SLURM_NETPROF", "user:yes,dir=/d");
		fakehost_setenv("LD_PRELOAD", "/u/a.so");
		run_step();
		check_env("LD_PRELOAD", "/u/a.so");
		check_env("NETPROF", NULL);
		finish_step();
		assert_string_equal(
			fakehost_messages,
			node ? "info: netprof: not profiled: unable to open "
			       "'/nonexistent/libnetprof.so': No such file or directory\n"
			     : "error: netprof: not profiled: unable to open "
			       "'/nonexistent/libnetprof.so': No such file or directory\n");
	}
}

static void does_without_a_helper(void **state)
{
	static char *no_helper[] = { lib, (char *)"libexec=/nonexistent", NULL };

	(void)state;
	assert_int_equal(fakehost_load(plugin, S_CTX_REMOTE), 0);
	assert_int_equal(fakehost_call("init", no_helper), 0);
	fakehost_setenv("SLURM_NETPROF", "user:yes,dir=/d");
	run_step();
	check_env("LD_PRELOAD", library());
	check_env("NETPROF_HELPER", NULL);
	finish_step();
	assert_string_equal(fakehost_messages,
			    "error: netprof: ranks that die will not be finished: unable to start "
			    "'/nonexistent/netprof-helper'\n");
}

static void the_helper_is_told(void **state)
{
	static const char *const lines[] = {
		"job 7\n",
		"step 3\n",
		"index 0\n",
		"nodelist n[1-2]\n",
		"tasks 2\n",
		"settings yes,dir=/d\n",
		"keep 2592000000000000\n",
		"store /store\n",
		"command [\"app\",\"-x\"]\n",
		"submit /home/u\n",
		"gather 10.0.0.1:5000:abc\n",
		"exit 10 100 0\n",
		"exit 11 101 256\n",
	};
	const char *told, *at;
	char last[32];

	(void)state;
	fakehost_job.local_tasks = 2;
	prepare_step("dir=/store keep=30d", "user:yes,dir=/d");
	fakehost_setenv("SLURM_NETPROF_GATHER", ":5000:abc");
	fakehost_setenv("SLURM_LAUNCH_NODE_IPADDR", "10.0.0.1");
	run_step();
	assert_string_equal(read_file("told"), "");
	finish_step();
	/* task_exit has waited for it */
	told = read_file("told");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!(at = strstr(told, lines[i])) || strstr(at + 1, lines[i]))
			fail_msg("not once in what it was told: %s%s", lines[i], told);
	snprintf(last, sizeof(last), "\n%u\n0027\n", (unsigned)getuid());
	assert_non_null(strstr(told, last));
	assert_string_equal(fakehost_messages, "");
}

static void the_collectors_address_may_be_ipv6(void **state)
{
	(void)state;
	prepare_step(NULL, "user:yes,dir=/d");
	fakehost_setenv("SLURM_NETPROF_GATHER", ":5000:abc");
	fakehost_setenv("SLURM_LAUNCH_NODE_IPADDR", "fd00::2");
	run_step();
	finish_step();
	assert_non_null(strstr(read_file("told"), "gather [fd00::2]:5000:abc\n"));
}

static void a_step_without_tasks_ends_its_helper(void **state)
{
	(void)state;
	prepare_step(NULL, "user:yes,dir=/d");
	assert_int_equal(fakehost_call("user_init", NULL), 0);
	assert_int_equal(fakehost_call("exit", NULL), 0);
	assert_non_null(strstr(read_file("told"), "job 7\n"));
}

/* It never reads, and never goes by itself. */
static void a_stuck_helper_holds_nobody_up(void **state)
{
	static char *argv[4];
	static char large[30000];
	int64_t start;

	(void)state;
	write_file("libexec/netprof-helper",
		   "#!/bin/sh\necho \"ready $$\" >&4\necho $$ >$TMPDIR/pid\nexec sleep 60\n", 0755);
	memset(large, 'x', sizeof(large) - 1);
	for (int i = 0; i < 3; i++)
		argv[i] = large;
	fakehost_job.argc = 3;
	fakehost_job.argv = argv;
	fakehost_job.local_tasks = 100;
	prepare_step(NULL, "user:yes,dir=/d");
	run_step();
	start = clock_ms();
	finish_step();
	assert_in_range(clock_ms() - start, 2500, 15000); /* not the 60 s it sleeps */
	kill((pid_t)strtol(read_file("pid"), NULL, 10), SIGKILL);
	write_file("libexec/netprof-helper", helper_script, 0755);
}

static void a_helper_that_dies_kills_nobody(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_DFL);
	write_file("libexec/netprof-helper", "#!/bin/sh\necho \"ready $$\" >&4\nexit 0\n", 0755);
	fakehost_job.local_tasks = 50;
	prepare_step(NULL, "user:yes,dir=/d");
	run_step();
	finish_step(); /* no SIGPIPE */
	write_file("libexec/netprof-helper", helper_script, 0755);
}

static void slurmstepd_keeps_no_descriptor_thread_or_child(void **state)
{
	size_t descriptors = count_entries("/proc/self/fd");

	(void)state;
	prepare_step(NULL, "user:yes,dir=/d");
	run_step();
	assert_int_equal(count_entries("/proc/self/task"), 3); /* . .. and this one */
	finish_step();
	assert_int_equal(count_entries("/proc/self/fd"), descriptors);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* What a program that is started now has open. */
static size_t count_inherited(void)
{
	char command[128];

	snprintf(command, sizeof(command), "exec ls /proc/self/fd >'%s/open'", dir);
	assert_int_equal(system(command), 0);
	return count_lines(read_file("open"));
}

/* A task inherits what has no O_CLOEXEC. */
static void tasks_get_no_descriptor(void **state)
{
	size_t before = count_inherited();

	(void)state;
	prepare_step(NULL, "user:yes,dir=/d");
	run_step();
	assert_int_equal(count_inherited(), before);
	finish_step();
}

static void the_helper_becomes_the_user_for_good(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	fakehost_job.uid = 65534;
	fakehost_job.gid = 65534;
	prepare_step(NULL, "user:yes,dir=/d");
	assert_int_equal(setegid(65534), 0); /* as slurmstepd calls user_init */
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(fakehost_call("user_init", NULL), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	finish_step();
	assert_non_null(strstr(read_file("told"), "\n65534\n0027\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(registers_its_option_where_options_are),
		TEST(takes_all_spellings_of_no_argument),
		TEST(a_bad_value_is_one_sentence),
		TEST(a_value_that_slurm_would_cut_is_refused),
		TEST(a_bad_environment_ends_the_command),
		TEST(the_levels_lie_over_each_other),
		TEST(tells_inherited_from_own_by_more_than_the_text),
		TEST(the_last_of_two_options_counts),
		TEST(knows_its_own_setting_from_the_users),
		TEST(expands_the_directory),
		TEST(leaves_the_step_open_for_mpiruns_daemons),
		TEST(small_jobs_are_left_out_by_minnodes),
		TEST(a_bad_plugstack_argument_stops_nothing),
		TEST(srun_publishes_a_collector),
		TEST(tasks_get_the_library_before_the_users_own),
		TEST(a_script_gets_the_agent_instead),
		TEST(other_steps_are_left_alone),
		TEST(opting_out_leaves_no_trace),
		TEST(a_no_silences_the_environment),
		TEST(trusts_no_settings),
		TEST(opens_no_file_that_the_job_names),
		TEST(takes_the_option_itself_where_srun_had_no_plugin),
		TEST(an_automatic_batch_step_decides_for_itself),
		TEST(a_missing_library_is_one_line),
		TEST(does_without_a_helper),
		TEST(the_helper_is_told),
		TEST(the_collectors_address_may_be_ipv6),
		TEST(a_step_without_tasks_ends_its_helper),
		TEST(a_stuck_helper_holds_nobody_up),
		TEST(a_helper_that_dies_kills_nobody),
		TEST(slurmstepd_keeps_no_descriptor_thread_or_child),
		TEST(tasks_get_no_descriptor),
		TEST(the_helper_becomes_the_user_for_good),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}

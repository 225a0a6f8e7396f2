/* SPDX-License-Identifier: Apache-2.0 */
/* The netprof plugin in slurmstepd and tasks, on a stand-in for Slurm. */
#include "pluginlib.h"

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

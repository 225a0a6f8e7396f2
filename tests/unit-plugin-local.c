/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the netprof plugin, in srun, sbatch and salloc, on a stand-in for Slurm. */
#include "pluginlib.h"

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
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* unit-rundir.c - names, making and finding of run directories */
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES 24
#define WORLDS    3

static char top[PATH_MAX];

static const char *at(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void run_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run_shell(const char *fmt, ...)
{
	char command[2 * PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static int make_top(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(top, sizeof(top), "%s/unit-rundir.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(top) && chdir(top) == 0 ? 0 : -1;
}

static int remove_top(void **state)
{
	(void)state;
	if (chdir("/") < 0)
		return -1;
	run_shell("rm -rf '%s'", top);
	return 0;
}

static void expands_the_known_conversions(void **state)
{
	static const struct {
		const char *template, *result;
	} table[] = {
		{ "", "" },
		{ "/scratch", "/scratch" },
		{ "/scratch/%u", "/scratch/jane" },
		{ "%j.%s", "77.batch" },
		{ "/%u/%j/%s/%%/%%j", "/jane/77/batch/%/%j" },
		{ "/p/%u%u", "/p/janejane" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(rundir_expand(buf, sizeof(buf), table[i].template, "77", "batch",
					       "jane", NULL),
				 0);
		assert_string_equal(buf, table[i].result);
	}
}

static void refuses_other_conversions(void **state)
{
	static const struct {
		const char *template, *sentence;
	} table[] = {
		{ "/a/%x", "'%x' in dir=/a/%x: unknown conversion (%j, %s, %u and %% are known)" },
		{ "/a/%", "'%' in dir=/a/%: unknown conversion (%j, %s, %u and %% are known)" },
		{ "%J", "'%J' in dir=%J: unknown conversion (%j, %s, %u and %% are known)" },
	};
	struct err err;
	char buf[64] = "as before";

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(
			rundir_expand(buf, sizeof(buf), table[i].template, "77", "0", "jane", &err),
			-1);
		assert_string_equal(err.text, table[i].sentence);
		assert_string_equal(buf, "as before");
	}
}

static void refuses_what_does_not_fit(void **state)
{
	struct err err;
	char buf[8] = "";
	char run[16];

	(void)state;
	assert_int_equal(rundir_expand(buf, sizeof(buf), "1234567", "", "", "", &err), 0);
	assert_int_equal(rundir_expand(buf, sizeof(buf), "12345678", "", "", "", &err), -1);
	assert_int_equal(rundir_expand(buf, sizeof(buf), "1%u", "", "", "2345678", &err), -1);
	assert_non_null(strstr(err.text, "too long"));
	assert_int_equal(rundir_make(run, sizeof(run), top, "1", "0", &err), -1);
	assert_non_null(strstr(err.text, "too long"));
}

static void makes_the_directory_and_what_belongs_in_it(void **state)
{
	char buf[PATH_MAX], again[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(rundir_make(buf, sizeof(buf), at("new/parent"), "12", "0", NULL), 0);
	assert_string_equal(buf, at("new/parent/netemu.12.0"));
	assert_int_equal(stat(at("new/parent/netemu.12.0/mpi"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 022, 0);
	assert_int_equal(stat(at("new/parent/netemu.12.0/log"), &st), 0);
	assert_int_equal(rundir_make(again, sizeof(again), at("new/parent"), "12", "0", NULL), 0);
	assert_string_equal(again, buf);
}

static void makes_it_in_the_working_directory(void **state)
{
	char buf[PATH_MAX], cwd[PATH_MAX], expected[PATH_MAX + 32];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(rundir_make(buf, sizeof(buf), "", "", "local0", NULL), 0);
	snprintf(expected, sizeof(expected), "%s/netemu.local0", cwd);
	assert_string_equal(buf, expected);
	assert_int_equal(rundir_make(buf, sizeof(buf), "sub", "", "local0", NULL), 0);
	snprintf(expected, sizeof(expected), "%s/sub/netemu.local0", cwd);
	assert_string_equal(buf, expected);
}

static void refuses_links_files_and_foreign_names(void **state)
{
	static const struct {
		const char *job, *step;
	} table[] = {
		{ "20", "0" },         /* a link to a directory of ours */
		{ "21", "0" },         /* a file */
		{ "22", "0" },         /* mpi/ in it is a link */
		{ "23", "../../etc" }, /* not one name */
		{ "../23", "0" },      { "23", "" },
	};
	struct err err;
	char buf[PATH_MAX] = "as before";

	(void)state;
	run_shell("cd '%s' && mkdir target netemu.22.0 && ln -s target netemu.20.0 && "
		  ": >netemu.21.0 && ln -s ../target netemu.22.0/mpi",
		  top);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		err.text[0] = '\0';
		assert_int_equal(
			rundir_make(buf, sizeof(buf), top, table[i].job, table[i].step, &err), -1);
		assert_true(err.text[0]);
		assert_string_equal(buf, "as before");
	}
	run_shell("cd '%s' && rmdir target && rm -r netemu.20.0 netemu.21.0 netemu.22.0", top);
}

static void refuses_another_users_directory(void **state)
{
	char buf[PATH_MAX];
	struct err err;

	(void)state;
	assert_int_equal(mkdir(at("netemu.30.0"), 0777), 0);
	assert_int_equal(chown(at("netemu.30.0"), 65534, 65534), 0);
	assert_int_equal(rundir_make(buf, sizeof(buf), top, "30", "0", &err), -1);
	assert_non_null(strstr(err.text, "another user"));
}

static void gives_each_world_a_directory_of_its_own(void **state)
{
	char buf[PATH_MAX], step[32];
	static const struct {
		const char *world, *step;
	} table[] = {
		{ "w a", "mpirun0" }, { "w b", "mpirun1" }, { "w a", "mpirun0" },
		{ "w", "mpirun2" },   { "w b", "mpirun1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char expected[64];

		assert_int_equal(rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "40",
						   table[i].world, NULL),
				 0);
		assert_string_equal(step, table[i].step);
		snprintf(expected, sizeof(expected), "netemu.40.%s", table[i].step);
		assert_string_equal(buf, at(expected));
	}
	run_shell("test $(ls -A '%s' | grep -c '^[.]netemu') = 0", top);
	run_shell("test -d '%s/netemu.40.mpirun2/mpi' -a -d '%s/netemu.40.mpirun2/log'", top, top);
}

static void finds_its_world_behind_a_removed_one(void **state)
{
	char buf[PATH_MAX], step[32];

	(void)state;
	rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "41", "first", NULL);
	rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "41", "second", NULL);
	run_shell("rm -r '%s/netemu.41.mpirun0'", top);
	assert_int_equal(
		rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "41", "second", NULL),
		0);
	assert_string_equal(step, "mpirun1");
}

static void steps_past_what_is_not_a_world(void **state)
{
	char buf[PATH_MAX], step[32];

	(void)state;
	run_shell("cd '%s' && mkdir -p elsewhere && printf w >elsewhere/.world && "
		  "ln -s elsewhere netemu.42.mpirun0 && : >netemu.42.mpirun1 && "
		  "mkdir -p netemu.42.mpirun2/mpi",
		  top);
	assert_int_equal(
		rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "42", "w", NULL), 0);
	assert_string_equal(step, "mpirun3");
}

static void says_when_the_parent_cannot_be_used(void **state)
{
	char buf[PATH_MAX], step[32] = "none", file[PATH_MAX + 64];
	struct err err;

	(void)state;
	run_shell(": >'%s/plain'", top);
	snprintf(file, sizeof(file), "%s/plain/below", top);
	assert_int_equal(
		rundir_make_world(buf, sizeof(buf), step, sizeof(step), file, "43", "w", &err), -1);
	assert_non_null(strstr(err.text, "Not a directory"));
	assert_int_equal(rundir_make_world(buf, sizeof(buf), step, sizeof(step), "/proc/self", "43",
					   "w", &err),
			 -1);
	assert_int_equal(rundir_make(buf, sizeof(buf), "/proc/self", "43", "0", &err), -1);
	assert_int_equal(
		rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "43", "", &err), -1);
	assert_string_equal(step, "none");
}

/* One of many processes: wait for the start, then write "WORLD STEP\n". */
static void child(int start, int out, int world)
{
	char buf[PATH_MAX], step[32], name[32], line[80];
	int length;
	char byte;

	if (read(start, &byte, 1) != 0)
		_exit(1);
	snprintf(name, sizeof(name), "world %d", world);
	if (rundir_make_world(buf, sizeof(buf), step, sizeof(step), top, "50", name, NULL) < 0)
		_exit(2);
	length = snprintf(line, sizeof(line), "%d %s\n", world, step);
	_exit(write(out, line, (size_t)length) == length ? 0 : 3);
}

static void many_processes_agree(void **state)
{
	char chosen[WORLDS][32] = { 0 }, step[32];
	int start[2], out[2], world, lines = 0, status;
	FILE *in;

	(void)state;
	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(out), 0);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			close(start[1]);
			child(start[0], out[1], i % WORLDS);
		}
	}
	close(start[0]);
	close(start[1]);
	close(out[1]);
	in = fdopen(out[0], "r");
	assert_non_null(in);
	while (fscanf(in, "%d %31s", &world, step) == 2) {
		assert_in_range(world, 0, WORLDS - 1);
		if (!*chosen[world])
			strcpy(chosen[world], step);
		assert_string_equal(step, chosen[world]);
		lines++;
	}
	fclose(in);
	assert_int_equal(lines, PROCESSES);
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	run_shell("test $(ls -A '%s' | grep -c '^netemu[.]50[.]mpirun[0-2]$') = %d", top, WORLDS);
	run_shell("test $(ls -A '%s' | grep -c '^[.]netemu') = 0", top);
}

static void log_lines_have_a_time_and_one_line(void **state)
{
	char buf[PATH_MAX], line[2048];
	char *text = malloc(5001);
	FILE *in;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 5000);
	text[5000] = '\0';
	assert_int_equal(rundir_make(buf, sizeof(buf), top, "60", "0", NULL), 0);
	errno = ESRCH;
	rundir_log(buf, "node-0", "unable to open '%s': %s", "a\nb", "why");
	rundir_log(buf, "node-0", "%s", text);
	rundir_log(at("no such"), "node-0", "lost");
	assert_int_equal(errno, ESRCH);
	in = fopen(at("netemu.60.0/log/node-0.log"), "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_string_equal(strchr(line, ' '), " unable to open 'a b': why\n");
	assert_int_equal(line[4], '-');
	assert_int_equal(line[19], 'Z');
	assert_non_null(fgets(line, sizeof(line), in));
	assert_int_equal(strlen(line), 1024);
	assert_null(fgets(line, sizeof(line), in));
	fclose(in);
	free(text);
}

static void check_found(const char *name, const char *const expected[])
{
	char **paths;
	int count = rundir_find(name, &paths, NULL);
	int i;

	for (i = 0; i < count; i++) {
		assert_non_null(expected[i]);
		assert_string_equal(paths[i], expected[i]);
	}
	assert_true(count > 0);
	assert_null(expected[i]);
	assert_null(paths[i]);
	rundir_free_paths(paths);
}

static int make_runs(void **state)
{
	(void)state;
	run_shell("mkdir '%s/find' && cd '%s/find' && mkdir -p netemu.7.0 netemu.7.2 netemu.7.10 "
		  "netemu.7.mpirun0 netemu.77.0 other store/netemu.8.0 submit/netemu.9.1 && "
		  ": >netemu.7.3",
		  top, top);
	return chdir(at("find"));
}

static int leave_runs(void **state)
{
	(void)state;
	unsetenv("NETPROF");
	unsetenv("SLURM_JOB_ID");
	unsetenv("SLURM_SUBMIT_DIR");
	return chdir(top);
}

static void finds_runs_by_job_and_step(void **state)
{
	(void)state;
	check_found("7", (const char *[]){ "netemu.7.0", "netemu.7.2", "netemu.7.10",
					   "netemu.7.mpirun0", NULL });
	check_found("7.10", (const char *[]){ "netemu.7.10", NULL });
	check_found("7.mpirun0", (const char *[]){ "netemu.7.mpirun0", NULL });
}

static void finds_paths_as_they_are(void **state)
{
	(void)state;
	check_found("other", (const char *[]){ "other", NULL });
	check_found("store/netemu.8.0", (const char *[]){ "store/netemu.8.0", NULL });
	check_found(".", (const char *[]){ ".", NULL });
}

static void finds_runs_where_the_settings_say(void **state)
{
	char text[PATH_MAX + 128], expected[PATH_MAX + 128];
	char **paths;

	(void)state;
	snprintf(text, sizeof(text), "yes,window=1s,dir=%s", at("find/store"));
	setenv("NETPROF", text, 1);
	snprintf(expected, sizeof(expected), "%s/netemu.8.0", at("find/store"));
	check_found("8", (const char *[]){ expected, NULL });
	setenv("NETPROF", "dir=store%j", 1);
	assert_int_equal(rundir_find("8", &paths, NULL), -1);
}

static void finds_runs_where_the_job_was_submitted(void **state)
{
	char expected[PATH_MAX + 128];
	char **paths;

	(void)state;
	setenv("SLURM_SUBMIT_DIR", at("find/submit"), 1);
	setenv("SLURM_JOB_ID", "99", 1);
	assert_int_equal(rundir_find("9", &paths, NULL), -1);
	setenv("SLURM_JOB_ID", "9", 1);
	snprintf(expected, sizeof(expected), "%s/netemu.9.1", at("find/submit"));
	check_found("9", (const char *[]){ expected, NULL });
	check_found("9.1", (const char *[]){ expected, NULL });
}

static void says_what_was_not_found(void **state)
{
	static const char *const names[] = { "6", "7.1", "7.", "70", "none", "" };
	char **paths = (char **)&paths;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(rundir_find(names[i], &paths, &err), -1);
		assert_non_null(strstr(err.text, names[i]));
		assert_ptr_equal(paths, &paths);
	}
}

#define FIND_TEST(name) cmocka_unit_test_setup_teardown(name, make_runs_once, leave_runs)

/* The tree is made by the first test that wants it. */
static int make_runs_once(void **state)
{
	return access(at("find"), F_OK) == 0 ? chdir(at("find")) : make_runs(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands_the_known_conversions),
		cmocka_unit_test(refuses_other_conversions),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(makes_the_directory_and_what_belongs_in_it),
		cmocka_unit_test(makes_it_in_the_working_directory),
		cmocka_unit_test(refuses_links_files_and_foreign_names),
		cmocka_unit_test(gives_each_world_a_directory_of_its_own),
		cmocka_unit_test(finds_its_world_behind_a_removed_one),
		cmocka_unit_test(steps_past_what_is_not_a_world),
		cmocka_unit_test(says_when_the_parent_cannot_be_used),
		cmocka_unit_test(many_processes_agree),
		cmocka_unit_test(log_lines_have_a_time_and_one_line),
		FIND_TEST(finds_runs_by_job_and_step),
		FIND_TEST(finds_paths_as_they_are),
		FIND_TEST(finds_runs_where_the_settings_say),
		FIND_TEST(finds_runs_where_the_job_was_submitted),
		FIND_TEST(says_what_was_not_found),
		cmocka_unit_test(refuses_another_users_directory),
	};
	size_t count = sizeof(tests) / sizeof(*tests);

	/* Only root can make a directory of another user: the last one is root's. */
	return _cmocka_run_group_tests("unit-rundir", tests, geteuid() ? count - 1 : count,
				       make_top, remove_top);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* unit-keep.c - which run directories are removed, and which never */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR 3600000000000ll

static char store[PATH_MAX];

static int make_store(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(store, sizeof(store), "%s/unit-keep.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(store) && chdir(store) == 0 ? 0 : -1;
}

static int remove_store(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", store);
	return chdir("/") == 0 ? system(command) : -1;
}

static void shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* A finished run of two ranks that ended two hours ago. */
static void make_old(const char *name)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "mkdir -p %s && cd %s && mkdir -p mpi log verbs && "
		 "touch run.json node-0.json node-12.json .world mpi/rank-0.json mpi/rank-1.json "
		 "mpi/.rank-2.live log/node-0.log verbs/ring-0.bin verbs/trace_0.json "
		 "verbs/mine_raw_trace_0.json verbs/trace_1.json.Xy12aB && "
		 "find . -exec touch -d '2 hours ago' {} +",
		 name, name);
	shell(command);
}

static int is_there(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static void removes_what_is_older(void **state)
{
	(void)state;
	make_old("netemu.1.0");
	make_old("netemu.2.mpirun0");
	assert_int_equal(keep_sweep(store, 3 * HOUR), 0);
	assert_true(is_there("netemu.1.0/run.json"));
	assert_int_equal(keep_sweep(store, HOUR), 2);
	assert_false(is_there("netemu.1.0"));
	assert_false(is_there("netemu.2.mpirun0"));
}

static void goes_by_the_time_of_the_run_file(void **state)
{
	(void)state;
	make_old("netemu.1.0");
	shell("touch netemu.1.0/run.json");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	shell("touch -d '2 hours ago' netemu.1.0/run.json && touch netemu.1.0/mpi/rank-0.json");
	assert_int_equal(keep_sweep(store, HOUR), 1);
}

static void keeps_a_run_that_still_counts(void **state)
{
	(void)state;
	make_old("netemu.1.0");
	shell("rm netemu.1.0/run.json && touch netemu.1.0/mpi/.rank-2.live && "
	      "touch -d '2 hours ago' netemu.1.0/mpi netemu.1.0");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	shell("touch -d '2 hours ago' netemu.1.0/mpi/.rank-2.live");
	assert_int_equal(keep_sweep(store, HOUR), 1);
}

static void keeps_a_directory_with_anything_else_in_it(void **state)
{
	static const char *const others[] = {
		"netemu.1.0/notes",   "netemu.1.0/mpi/plot.png", "netemu.1.0/log/core",
		"netemu.1.0/.hidden", "netemu.1.0/mpi/run.json", "netemu.1.0/verbs/notes.txt",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		make_old("netemu.1.0");
		close(open(others[i], O_CREAT | O_WRONLY, 0600));
		assert_int_equal(keep_sweep(store, HOUR), 0);
		assert_true(is_there("netemu.1.0/run.json"));
		assert_true(is_there("netemu.1.0/mpi/rank-0.json"));
		shell("rm -r netemu.1.0");
	}
	make_old("netemu.1.0");
	shell("mkdir netemu.1.0/mine");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	shell("rmdir netemu.1.0/mine && mkdir netemu.1.0/mpi/rank-7.json");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	assert_true(is_there("netemu.1.0/run.json"));
	shell("rm -r netemu.1.0");
}

static void follows_no_link(void **state)
{
	(void)state;
	make_old("target");
	shell("ln -s target netemu.1.0");
	make_old("netemu.2.0");
	shell("rm -r netemu.2.0/mpi && ln -s ../target/mpi netemu.2.0/mpi");
	make_old("netemu.3.0");
	shell("rm netemu.3.0/node-0.json && ln -s ../target/run.json netemu.3.0/node-0.json");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	assert_true(is_there("target/mpi/rank-0.json"));
	assert_true(is_there("target/run.json"));
	assert_true(is_there("netemu.1.0"));
	assert_true(is_there("netemu.2.0/run.json"));
	assert_true(is_there("netemu.3.0/run.json"));
	shell("rm -r target netemu.*");
}

static void touches_nothing_of_another_name(void **state)
{
	(void)state;
	make_old("netemu");
	make_old("results.1.0");
	make_old("xnetemu.1.0");
	shell("touch -d '2 hours ago' netemu.file");
	assert_int_equal(keep_sweep(store, HOUR), 0);
	assert_true(is_there("netemu/run.json"));
	assert_true(is_there("results.1.0/run.json"));
	assert_true(is_there("xnetemu.1.0/run.json"));
	assert_true(is_there("netemu.file"));
	shell("rm -r *");
}

static void removes_one_that_was_never_named(void **state)
{
	(void)state;
	shell("mkdir -p .netemu.0123/mpi && touch .netemu.0123/.world && "
	      "find .netemu.0123 -exec touch -d '2 hours ago' {} +");
	assert_int_equal(keep_sweep(store, HOUR), 1);
	assert_false(is_there(".netemu.0123"));
}

static void does_without_a_store(void **state)
{
	(void)state;
	assert_int_equal(keep_sweep("/nonexistent", HOUR), 0);
}

static void keeps_what_belongs_to_another_user(void **state)
{
	(void)state;
	make_old("netemu.1.0");
	assert_int_equal(chown("netemu.1.0", 65534, 65534), 0);
	make_old("netemu.2.0");
	assert_int_equal(chown("netemu.2.0/mpi", 65534, 65534), 0);
	assert_int_equal(keep_sweep(store, HOUR), 0);
	assert_true(is_there("netemu.1.0/run.json"));
	assert_true(is_there("netemu.2.0/run.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removes_what_is_older),
		cmocka_unit_test(goes_by_the_time_of_the_run_file),
		cmocka_unit_test(keeps_a_run_that_still_counts),
		cmocka_unit_test(keeps_a_directory_with_anything_else_in_it),
		cmocka_unit_test(follows_no_link),
		cmocka_unit_test(touches_nothing_of_another_name),
		cmocka_unit_test(removes_one_that_was_never_named),
		cmocka_unit_test(does_without_a_store),
		cmocka_unit_test(keeps_what_belongs_to_another_user),
	};
	size_t count = sizeof(tests) / sizeof(*tests);

	/* Only root can make a directory of another user: the last one is root's. */
	return _cmocka_run_group_tests("unit-keep", tests, geteuid() ? count - 1 : count,
				       make_store, remove_store);
}

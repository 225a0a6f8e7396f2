/* SPDX-License-Identifier: Apache-2.0 */
/* unit-outfile.c - files appear whole or not at all */
#include "config.h"

#include "outfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int make_folder(void **state)
{
	static char folder[64];

	strcpy(folder, "outfile.XXXXXX");
	*state = mkdtemp(folder);
	return *state && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	unlink("x");
	return chdir("..") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static size_t files(void)
{
	DIR *dir = opendir(".");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void text_is(const char *text)
{
	char buf[64] = "";
	FILE *file = fopen("x", "r");

	assert_non_null(file);
	fread(buf, 1, sizeof(buf) - 1, file);
	fclose(file);
	assert_string_equal(buf, text);
}

static void appears_when_committed(void **state)
{
	struct outfile file;
	struct stat st;

	(void)state;
	umask(027);
	assert_int_equal(outfile_open(&file, "x", NULL), 0);
	fputs("one", file.stream);
	assert_int_equal(access("x", F_OK), -1);
	assert_int_equal(outfile_commit(&file, NULL), 0);
	text_is("one");
	assert_int_equal(stat("x", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void abort_keeps_the_old_one(void **state)
{
	struct outfile file;

	(void)state;
	assert_int_equal(outfile_open(&file, "x", NULL), 0);
	fputs("two", file.stream);
	outfile_abort(&file);
	outfile_abort(&file);
	text_is("one");
	assert_int_equal(files(), 1);
}

static void says_what_it_cannot_write(void **state)
{
	struct outfile file;
	struct err err;

	(void)state;
	assert_int_equal(outfile_open(&file, "no/x", &err), -1);
	assert_string_equal(err.text, "unable to write 'no/x': No such file or directory");
}

static void a_full_device_leaves_nothing(void **state)
{
	struct outfile file;
	struct err err;
	int full = open("/dev/full", O_WRONLY);

	(void)state;
	assert_int_equal(outfile_open(&file, "x", NULL), 0);
	assert_int_not_equal(dup2(full, fileno(file.stream)), -1);
	close(full);
	fputs("three", file.stream);
	assert_int_equal(outfile_commit(&file, &err), -1);
	assert_string_equal(err.text, "unable to write 'x': No space left on device");
	text_is("one");
	assert_int_equal(files(), 1);
}

static void devices_stay_what_they_are(void **state)
{
	struct outfile file;
	struct err err;
	struct stat st;

	(void)state;
	assert_int_equal(symlink("/dev/full", "full"), 0);
	assert_int_equal(outfile_open(&file, "full", NULL), 0);
	fputs("four", file.stream);
	assert_int_equal(outfile_commit(&file, &err), -1);
	assert_string_equal(err.text, "unable to write 'full': No space left on device");
	assert_int_equal(lstat("full", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(outfile_open(&file, "full", NULL), 0);
	outfile_abort(&file);
	assert_int_equal(unlink("full"), 0);
	assert_int_equal(files(), 1);
}

/* What NUMBER does to a process with two open files and one that is whole: its status. */
static int struck(int number, bool ignored)
{
	struct outfile files[3];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(number, ignored ? SIG_IGN : SIG_DFL);
		outfile_guard(NULL);
		if (outfile_open(&files[0], "y", NULL) || outfile_open(&files[1], "x", NULL) ||
		    outfile_open(&files[2], "z", NULL))
			_exit(1);
		fputs("five", files[1].stream);
		if (outfile_commit(&files[1], NULL))
			_exit(2);
		raise(number);
		outfile_abort(&files[0]);
		outfile_abort(&files[2]);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void signals_leave_only_what_is_whole(void **state)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		int status = struck(numbers[i], false);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_int_equal(files(), 1);
		text_is("five");
	}
	assert_int_equal(struck(SIGHUP, true), 0);
	assert_int_equal(files(), 1);
}

static volatile sig_atomic_t called;

static void note_call(void)
{
	called = 1;
}

/* The first signal is left to the program, the second is not. */
static void signals_can_be_taken_gently(void **state)
{
	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		struct outfile file;
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			outfile_guard(note_call);
			if (outfile_struck() || outfile_open(&file, "y", NULL))
				_exit(1);
			raise(SIGTERM);
			if (!called || files() != 2 || outfile_struck() != SIGTERM)
				_exit(2);
			if (twice)
				raise(SIGINT);
			outfile_abort(&file);
			_exit(3);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (twice)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
		assert_int_equal(files(), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appears_when_committed),
		cmocka_unit_test(abort_keeps_the_old_one),
		cmocka_unit_test(says_what_it_cannot_write),
		cmocka_unit_test(a_full_device_leaves_nothing),
		cmocka_unit_test(devices_stay_what_they_are),
		cmocka_unit_test(signals_leave_only_what_is_whole),
		cmocka_unit_test(signals_can_be_taken_gently),
	};

	signal(SIGINT, SIG_DFL); /* ignored in a shell's background jobs */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

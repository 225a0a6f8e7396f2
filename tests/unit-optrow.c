/* SPDX-License-Identifier: Apache-2.0 */
#include "optrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct options {
	const char *file;
	uint32_t count, worst;
	bool quiet, has_worst;
	int words;
};

#define ROW(...) OPTROW(struct options, __VA_ARGS__)

static const struct optrow rows[] = {
	{ .help = "What:" },
	ROW("file", file, &optrow_text, "FILE", "To read", .letter = 'f',
	    .aliases = { "from", "of" }),
	{ .help = "How:" },
	ROW("count", count, &kind_count, "N", "How many", OPTROW_RANGE(1, 9)),
	ROW("worst", worst, &kind_count, "N", "Those that are worst", OPTROW_RANGE(0, 99),
	    .otherwise = "10", .given = offsetof(struct options, has_worst)),
	ROW("quiet", quiet, &optrow_flag, NULL, "Say less"),
	{ .key.name = "old", .key.kind = &optrow_none, .arg = "X", .letter = 'o' },
	{ .help = NULL },
};

static error_t count_words(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->hook;

	(void)arg;
	if (key == ARGP_KEY_ARG)
		options->words++;
	return key == ARGP_KEY_ARG ? 0 : ARGP_ERR_UNKNOWN;
}

static const struct optrow_program with_words = { rows, NULL, "Does.", NULL, count_words };
static const struct optrow_program without_words = { .rows = rows };

/* Of WORDS, with the program's name before them. */
static struct options parsed(const struct optrow_program *program, const char *const *words)
{
	struct options options = { .count = 3 };
	char *argv[16] = { (char *)"program" };
	int argc = 1;

	while (*words)
		argv[argc++] = (char *)*words++;
	assert_int_equal(optrow_parse(program, &options, argc, argv), 0);
	return options;
}
#define PARSED(program, ...) parsed(program, (const char *const[]){ __VA_ARGS__, NULL })

static void options_go_where_their_rows_say(void **state)
{
	struct options options = PARSED(&with_words, "--file=a", "word", "--count", "7", "--quiet",
					"other", "--worst=4", "--old=x");

	(void)state;
	assert_string_equal(options.file, "a");
	assert_int_equal(options.count, 7);
	assert_int_equal(options.worst, 4);
	assert_true(options.quiet && options.has_worst);
	assert_int_equal(options.words, 2);
}

static void what_is_not_there_stays_as_it_was(void **state)
{
	struct options options = PARSED(&with_words, "word");

	(void)state;
	assert_null(options.file);
	assert_int_equal(options.count, 3);
	assert_false(options.quiet || options.has_worst);
}

static void short_forms_and_aliases(void **state)
{
	(void)state;
	assert_string_equal(PARSED(&without_words, "-fb").file, "b");
	assert_string_equal(PARSED(&without_words, "--from=c").file, "c");
	assert_string_equal(PARSED(&without_words, "--of=d").file, "d");
	assert_string_equal(PARSED(&without_words, "-o", "x", "-f", "e").file, "e");
}

static void a_value_may_be_left_out_where_there_is_another(void **state)
{
	struct options options = PARSED(&without_words, "--worst");

	(void)state;
	assert_int_equal(options.worst, 10);
	assert_true(options.has_worst);
}

/* What a process says that is started with WORDS, and how it ends. */
static int said(char *text, size_t size, const struct optrow_program *program,
		const char *const *words)
{
	int pipes[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		parsed(program, words);
		fflush(NULL);
		_exit(99);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void wrong_usage_is_two_and_a_sentence(void **state)
{
	static const struct {
		const char *word;
		const char *why;
	} table[] = {
		{ "--count=ten", "--count='ten': not a number" },
		{ "--count=10", "--count='10': not between 1 and 9" },
		{ "--count=-1", "--count='-1': not a number" },
		{ "--worst=", "--worst='': not a number" },
		{ "--from=", "--file='': a value is missing" },
		{ "--unknown", "unrecognized option '--unknown'" },
		{ "--quiet=yes", "--quiet" },
		{ "word", "'word': there are options only" },
	};
	char text[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *words[] = { table[i].word, NULL };

		assert_int_equal(said(text, sizeof(text), &without_words, words), 2);
		if (!strstr(text, table[i].why))
			fail_msg("%s: %s", table[i].word, text);
	}
}

static void help_shows_names_and_headings_but_nothing_old(void **state)
{
	static const char *const wanted[] = { "What:",    "How:",        "-f, --file=FILE",
					      "--of=",    "--worst[=N]", "Say less",
					      "--quiet ", "--count=N   " };
	const char *words[] = { "--help", NULL };
	char text[4096];

	(void)state;
	assert_int_equal(said(text, sizeof(text), &with_words, words), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("no '%s': %s", wanted[i], text);
	assert_null(strstr(text, "old"));
	assert_true(strstr(text, "What:") < strstr(text, "How:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_go_where_their_rows_say),
		cmocka_unit_test(what_is_not_there_stays_as_it_was),
		cmocka_unit_test(short_forms_and_aliases),
		cmocka_unit_test(a_value_may_be_left_out_where_there_is_another),
		cmocka_unit_test(wrong_usage_is_two_and_a_sentence),
		cmocka_unit_test(help_shows_names_and_headings_but_nothing_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/textfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/unit-textfile.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void write_file(const char *name, const char *data, size_t size)
{
	FILE *out = fopen(name, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

/* The lines that DATA has, by looking at each byte. */
static void check_lines(struct textfile *file, const char *data, size_t size)
{
	struct err err = { "" };
	size_t at = 0, length;
	uint32_t number = 0;
	char *line;

	while ((line = textfile_next(file, &length, &err))) {
		size_t end = at;

		while (end < size && data[end] != '\n')
			end++;
		assert_true(at < size);
		assert_int_equal(file->line, ++number);
		assert_int_equal(length, end - at - (end > at && data[end - 1] == '\r'));
		assert_memory_equal(line, data + at, length);
		assert_int_equal(line[length], '\0');
		at = end + 1;
	}
	if (textfile_failed(file))
		fail_msg("%s", err.text);
	assert_true(at >= size);
	textfile_close(file);
}

static void check_file(const char *name, const char *data, size_t size)
{
	struct err err = { "" };
	struct textfile file;

	if (textfile_open(&file, name, &err) < 0)
		fail_msg("%s", err.text);
	check_lines(&file, data, size);
	unlink(name);
}

static void gives_each_line(void **state)
{
	static const char *const texts[] = {
		"", "\n", "\n\n", "a", "a\n", "a\nb", "a\r\nb\r\n", "\r\n", "\ra\n", "a\n\n\nb\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct textfile file;

		textfile_open_memory(&file, "m", texts[i], strlen(texts[i]));
		check_lines(&file, texts[i], strlen(texts[i]));
		write_file("f", texts[i], strlen(texts[i]));
		check_file("f", texts[i], strlen(texts[i]));
	}
}

/* Lines of any length, across the blocks that are read. */
static void gives_lines_of_any_length(void **state)
{
	static const char *const programs[] = { "cat", "gzip", "bzip2", "xz", "zstd -q" };
	size_t size = 700000;
	char *data = malloc(size);
	unsigned seed = 3;

	(void)state;
	for (size_t i = 0; i < size; i++)
		data[i] = (char)('a' + rand_r(&seed) % 26);
	for (size_t at = 0; at < size; at += 1 + (size_t)rand_r(&seed) % (1u << rand_r(&seed) % 18))
		data[at] = '\n';
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		char command[64];

		write_file("f", data, size);
		snprintf(command, sizeof(command), "%s <f >g 2>/dev/null", programs[i]);
		if (system(command) == 0)
			check_file("g", data, size);
		unlink("f");
		unlink("g");
	}
	free(data);
}

static void refuses_what_is_no_text(void **state)
{
	char *data = malloc(TEXTFILE_LINE_MAX + 1);
	struct textfile file;
	struct err err;
	size_t length;

	(void)state;
	memset(data, 'x', TEXTFILE_LINE_MAX + 1);
	textfile_open_memory(&file, "m", "a\nb\0c\n", 6);
	assert_non_null(textfile_next(&file, &length, &err));
	assert_null(textfile_next(&file, &length, &err));
	assert_true(textfile_failed(&file));
	assert_string_equal(err.text, "m:2: a NUL byte: this is not text");
	textfile_close(&file);
	textfile_open_memory(&file, "m", data, TEXTFILE_LINE_MAX - 1);
	assert_non_null(textfile_next(&file, &length, &err));
	textfile_close(&file);
	textfile_open_memory(&file, "m", data, TEXTFILE_LINE_MAX);
	assert_null(textfile_next(&file, &length, &err));
	assert_true(textfile_failed(&file));
	assert_string_equal(err.text, "m:1: a line of more than 1048576 bytes");
	textfile_close(&file);
	free(data);
}

static void says_why_it_cannot_read(void **state)
{
	struct textfile file;
	struct err err;
	size_t length;

	(void)state;
	assert_int_equal(textfile_open(&file, "gone", &err), -1);
	assert_string_equal(err.text, "unable to open 'gone': No such file or directory");
	assert_int_equal(textfile_open(&file, ".", &err), -1);
	assert_string_equal(err.text, "unable to read '.': Is a directory");
	assert_int_equal(system("head -c 100000 /dev/urandom | gzip | head -c 5000 >cut.gz"), 0);
	err.text[0] = '\0';
	if (textfile_open(&file, "cut.gz", &err) == 0) {
		while (textfile_next(&file, &length, &err))
			;
		assert_true(textfile_failed(&file));
		textfile_close(&file);
	}
	assert_non_null(strstr(err.text, "cut.gz"));
	unlink("cut.gz");
}

static void shows_the_beginning(void **state)
{
	struct err err = { "" };
	char head[6];

	(void)state;
	write_file("f", "abcdefgh", 8);
	assert_int_equal(textfile_head("f", head, sizeof(head), &err), 5);
	assert_string_equal(head, "abcde");
	write_file("f", "ab", 2);
	assert_int_equal(textfile_head("f", head, sizeof(head), &err), 2);
	assert_string_equal(head, "ab");
	write_file("f", "", 0);
	assert_int_equal(textfile_head("f", head, sizeof(head), &err), 0);
	assert_int_equal(textfile_head("gone", head, sizeof(head), &err), -1);
	unlink("f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_line),
		cmocka_unit_test(gives_lines_of_any_length),
		cmocka_unit_test(refuses_what_is_no_text),
		cmocka_unit_test(says_why_it_cannot_read),
		cmocka_unit_test(shows_the_beginning),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

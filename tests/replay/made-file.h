/* SPDX-License-Identifier: Apache-2.0 */

/* A file with a text in it. */

#ifndef TEST_MADE_FILE_H
#define TEST_MADE_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MADE_PATH 32

/* PATH, of MADE_PATH bytes, becomes its name; the caller unlinks it. */
static inline void made_file(char *path, const char *text)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/unit-replay-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-live.c - any bytes as a file of live counters */
#include "fuzz.h"
#include "live.h"
#include "rankfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void forget(void)
{
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const paths[] = { path };
	struct rankfile rank;
	struct err err = { "" };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	static int fd = -1;

	if (fd < 0) {
		snprintf(path, sizeof(path), "/tmp/fuzz-live.XXXXXX");
		fd = mkstemp(path);
		atexit(forget);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (live_load(paths, 1, &rank, &err) < 0) {
		if (!strstr(err.text, path))
			abort();
	} else {
		if (null >= 0 && rankfile_write(&rank, null) < 0)
			abort();
		rankfile_release(&rank);
	}
	close(null);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* /proc/<pid>/fd/<n> and nothing else: the variable is the user's. */
static int is_list_path(const char *path)
{
	unsigned pid, fd;
	int used = 0;

	return sscanf(path, "/proc/%u/fd/%u%n", &pid, &fd, &used) == 2 && !path[used];
}

int helper_tell(const char *variable, const char *what, uint32_t rank, uint32_t ranks,
		const char *rundir, const char *file)
{
	const char *path = getenv(variable);
	const char *procid = getenv("SLURM_PROCID");
	char line[2 * PATH_MAX + 128];
	int fd, length, saved;
	ssize_t written;

	if (!path || !is_list_path(path)) {
		errno = ENOENT;
		return -1;
	}
	length = snprintf(line, sizeof(line), "%s %u %u %d %s\t%s\t%s\n", what, rank, ranks,
			  (int)getpid(), procid && *procid ? procid : "-1", rundir, file);
	if (length < 0 || (size_t)length >= sizeof(line)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return -1;
	written = write(fd, line, (size_t)length);
	saved = errno;
	close(fd);
	errno = saved;
	return written == length ? 0 : -1;
}

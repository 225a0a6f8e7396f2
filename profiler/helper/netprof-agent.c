/* SPDX-License-Identifier: Apache-2.0 */
/* netprof-agent.c - put the profiler into the ranks that mpirun starts
 *
 * Usage: netprof-agent PROGRAM [ARGUMENT...]
 *
 * In a batch step nothing is preloaded; mpirun and its daemons start each
 * rank through this program (their "fork agent"), which names the library in
 * LD_PRELOAD and becomes the rank.  Whatever goes wrong, the rank starts.
 */
#include "netprof_settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_switched_off(void)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;
	const char *text = getenv(NETPROF_ENV);

	return text && (netprof_settings_merge(&settings, NETPROF_USER, text, NULL) < 0 ||
			settings.enable == 0);
}

/* Whether LIBRARY is one of the names in LIST (apart by blanks or colons). */
static bool has(const char *list, const char *library)
{
	size_t length = strlen(library);

	while (*list) {
		size_t word = strcspn(list, " :");

		if (word == length && !strncmp(list, library, length))
			return true;
		list += word;
		list += strspn(list, " :");
	}
	return false;
}

static void preload(void)
{
	const char *library = getenv("NETPROF_LIB");
	const char *before = getenv("LD_PRELOAD");
	char *list;

	if (!library || *library != '/' || strpbrk(library, " :") || access(library, R_OK) < 0 ||
	    is_switched_off())
		return;
	if (!before || !*before) {
		setenv("LD_PRELOAD", library, 1);
		return;
	}
	if (has(before, library) || asprintf(&list, "%s:%s", library, before) < 0)
		return;
	setenv("LD_PRELOAD", list, 1);
	free(list);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		fputs("usage: netprof-agent PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	preload();
	execvp(argv[1], argv + 1);
	status = errno == ENOENT ? 127 : 126;
	fprintf(stderr, "netprof-agent: unable to run '%s': %s\n", argv[1], strerror(errno));
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* netemu-agent.c - put the recorders into the ranks that mpirun starts
 *
 * Usage: netemu-agent PROGRAM [ARGUMENT...]
 *
 * In a batch step nothing is preloaded; mpirun and its daemons start each
 * rank through this program (their "fork agent"), which names the libraries in
 * LD_PRELOAD and becomes the rank.  Whatever goes wrong, the rank starts.
 */
#include "netprof_settings.h"
#include "nettrace_settings.h"
#include "preload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_SIZE (128 * 1024) /* the kernel's limit for one variable */

static bool profiles(const char *text)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;

	return netprof_settings_merge(&settings, NETPROF_USER, text, NULL) == 0 && settings.enable;
}

static bool traces(const char *text)
{
	struct nettrace_settings settings = NETTRACE_SETTINGS_INIT;

	return nettrace_settings_merge(&settings, NETTRACE_USER, text, NULL) == 0 &&
	       settings.enable;
}

static const struct {
	const char *library, *settings; /* variables */
	bool (*wanted)(const char *settings);
} recorders[] = {
	{ "NETPROF_LIB", NETPROF_ENV, profiles },
	{ "NETTRACE_LIB", NETTRACE_ENV, traces },
};

static void preload(const char *library)
{
	static char list[LIST_SIZE];
	const char *before = getenv("LD_PRELOAD");

	if (*library == '/' && !strpbrk(library, " :") && access(library, R_OK) == 0 &&
	    preload_add(list, sizeof(list), before ? before : "", library) == 0)
		setenv("LD_PRELOAD", list, 1);
}

static void preload_all(void)
{
	for (size_t i = 0; i < sizeof(recorders) / sizeof(*recorders); i++) {
		const char *library = getenv(recorders[i].library);
		const char *settings = getenv(recorders[i].settings);

		if (library && (!settings || recorders[i].wanted(settings)))
			preload(library);
	}
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2) {
		fputs("usage: netemu-agent PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	preload_all();
	execvp(argv[1], argv + 1);
	status = errno == ENOENT ? 127 : 126;
	fprintf(stderr, "netemu-agent: unable to run '%s': %s\n", argv[1], strerror(errno));
	return status;
}

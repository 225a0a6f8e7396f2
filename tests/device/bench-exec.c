/* SPDX-License-Identifier: Apache-2.0 */
/* bench-exec.c - what starting a program costs with libraries preloaded
 *
 *	bench-exec LIBRARY...
 *
 * /bin/true is started without and with each of them in turn, many times: medians of the
 * time until it has ended, and what each library adds.
 */
#include "bench.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define TURNS 500
#define MOST  8 /* libraries */

/* Seconds, with LD_PRELOAD=LIBRARY unless that is NULL. */
static double start(const char *library)
{
	char preload[4096], name[] = "true", *argv[] = { name, NULL },
			    *environment[] = { preload, NULL };
	double begin;
	int status;
	pid_t pid;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library ? library : "");
	begin = now();
	need(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environment), "/bin/true");
	need(waitpid(pid, &status, 0) == pid && !status, "/bin/true");
	return now() - begin;
}

int main(int argc, char **argv)
{
	static double times[MOST + 1][TURNS];
	int count = argc - 1 < MOST ? argc - 1 : MOST;
	double plain;

	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i <= count; i++)
			times[i][turn] = start(i ? argv[i] : NULL) * 1e6;
	plain = median(times[0], TURNS);
	printf("%8.0f us to start /bin/true and wait for it\n", plain);
	for (int i = 1; i <= count; i++) {
		double value = median(times[i], TURNS);

		printf("%8.0f us with %s: %+.0f us\n", value, argv[i], value - plain);
	}
	return 0;
}

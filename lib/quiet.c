/* SPDX-License-Identifier: Apache-2.0 */
#include "quiet.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void quiet_begin(struct quiet *quiet)
{
	int saved = errno;
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGXFSZ);
	sigemptyset(&quiet->pending);
	sigpending(&quiet->pending);
	pthread_sigmask(SIG_BLOCK, &block, &quiet->before);
	errno = saved;
}

void quiet_end(struct quiet *quiet)
{
	const struct timespec now = { 0, 0 };
	int saved = errno;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	if (!sigismember(&quiet->pending, SIGXFSZ))
		while (sigtimedwait(&set, NULL, &now) == SIGXFSZ)
			;
	pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
	errno = saved;
}

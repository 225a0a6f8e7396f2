/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "steplib.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

long step_next(long at)
{
	return at < 100 ? at + 1 : at + at / 8;
}

#ifdef __x86_64__
#define TRAP 0x100 /* in the flags */

static struct {
	long step, at;     /* instructions so far; the handler acts after this one */
	void (*act)(void); /* NULL: they are only counted */
} stepping;

static void on_step(int number, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;

	(void)number, (void)info;
	if (++stepping.step != stepping.at)
		return;
	context->uc_mcontext.gregs[REG_EFL] &= ~TRAP;
	stepping.act();
}

/* What is below the stack's pointer may be in use. */
static inline __attribute__((always_inline)) void trap(bool on)
{
	if (on)
		__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq;"
				 "lea 128(%%rsp), %%rsp" ::
					 : "memory", "cc");
	else
		__asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq;"
				 "lea 128(%%rsp), %%rsp" ::
					 : "memory", "cc");
}

__attribute__((noinline)) bool step(void (*what)(void), long at, void (*act)(void))
{
	stepping.step = 0;
	stepping.at = at;
	stepping.act = act;
	trap(true);
	what();
	trap(false);
	return stepping.step >= at;
}

bool steps_work(void (*what)(void))
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	step(what, -1, NULL);
	return stepping.step > 10;
}
#else
bool step(void (*what)(void), long at, void (*act)(void))
{
	(void)what, (void)at, (void)act;
	return false;
}

bool steps_work(void (*what)(void))
{
	(void)what;
	return false;
}
#endif

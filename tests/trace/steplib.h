/* SPDX-License-Identifier: Apache-2.0 */
/* steplib.h - a signal handler between any two instructions of what is tested
 *
 * The processor stops after each instruction of it, and at one of them the handler acts.
 * A test lets it do so at each of them in turn:
 *
 *	for (long at = 1; step(what, at, act); at = step_next(at))
 *		check();
 */
#ifndef TRACE_STEPLIB_H
#define TRACE_STEPLIB_H

#include <stdbool.h>

/* Call WHAT, with ACT in a handler of a signal after its instruction AT.  Returns whether it has
 * that many; ACT was not called where it has not.
 */
bool step(void (*what)(void), long at, void (*act)(void));

/* Each of the first hundred instructions, then fewer and fewer of them. */
long step_next(long at);

/* Whether this processor can; calls WHAT. */
bool steps_work(void (*what)(void));

#endif

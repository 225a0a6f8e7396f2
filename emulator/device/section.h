/* SPDX-License-Identifier: Apache-2.0 */
/* section.h - what others use is not freed under them
 *
 * A thread that follows numbers or offsets into what other processes own does
 * so in a section.  An owner that has hidden a record (a key, a queue pair)
 * waits with section_wait() until all sections that were open have ended, and
 * frees it then.  Sections of the dead do not count.  section_wait() is never
 * called in one.
 *
 * A process has places for sections; a thread takes one that is free, as a rule
 * the same each time, so it costs one atomic operation and nothing is left to do
 * when a thread ends.
 *
 * This is read-copy-update with explicit readers; see M. Desnoyers et al.,
 * "User-Level Implementations of Read-Copy Update", IEEE TPDS 23(2), 2012.
 */
#ifndef DEVICE_SECTION_H
#define DEVICE_SECTION_H

#include "device/fabric.h"

#include <stdatomic.h>

/* Where this thread looks for a free place first. */
extern __thread uint32_t section_hint __attribute__((tls_model("initial-exec")));

/* A place that was free; waits while all are taken. */
_Atomic uint64_t *section_search(struct fabric *fabric);

/* Returns the place for section_leave().  A signal handler may have one of its own. */
static inline _Atomic uint64_t *section_enter(struct fabric *fabric)
{
	struct shared_process *process = fabric->process;
	_Atomic uint64_t *place;
	uint64_t count;

	if (__builtin_expect(section_hint >=
				     atomic_load_explicit(&process->sections, memory_order_relaxed),
			     0))
		return section_search(fabric);
	place = &process->section[section_hint].count;
	count = atomic_load_explicit(place, memory_order_relaxed);
	if (__builtin_expect(!(count & 1), 1) &&
	    __builtin_expect(atomic_compare_exchange_strong(place, &count, count + 1), 1))
		return place;
	return section_search(fabric);
}

static inline void section_leave(_Atomic uint64_t *place)
{
	uint64_t count = atomic_load_explicit(place, memory_order_relaxed);

	atomic_store_explicit(place, count + 1, memory_order_release);
}

/* Until every section of another thread that is open now has ended. */
void section_wait(struct fabric *fabric);

#endif

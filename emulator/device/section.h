/* SPDX-License-Identifier: Apache-2.0 */
/* section.h - what others use is not freed under them
 *
 * A thread that follows numbers or offsets into what other processes own does
 * so in a section.  An owner that has hidden a record (a key, a queue pair)
 * waits with section_wait() until all sections that were open have ended, and
 * frees it then.  Sections of the dead do not count.  They are not nested, and
 * section_wait() is never called in one.
 *
 * This is read-copy-update with explicit readers; see M. Desnoyers et al.,
 * "User-Level Implementations of Read-Copy Update", IEEE TPDS 23(2), 2012.
 */
#ifndef DEVICE_SECTION_H
#define DEVICE_SECTION_H

#include "device/fabric.h"

#include <stdatomic.h>

/* This thread's place in shared_process.section, taken on first use and given
 * back when the thread ends; waits while all are taken.
 */
_Atomic uint64_t *section_place(struct fabric *fabric);

static inline _Atomic uint64_t *section_enter(struct fabric *fabric)
{
	_Atomic uint64_t *place = section_place(fabric);

	atomic_fetch_add_explicit(place, 1, memory_order_seq_cst);
	return place;
}

static inline void section_leave(_Atomic uint64_t *place)
{
	atomic_fetch_add_explicit(place, 1, memory_order_release);
}

/* Until every section of another thread that is open now has ended. */
void section_wait(struct fabric *fabric);

#endif

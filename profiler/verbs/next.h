/* SPDX-License-Identifier: Apache-2.0 */
/* next.h - the function behind ours
 *
 * The one in the next library that has it: another preloaded one, or libibverbs
 * itself; where the program has loaded that for itself alone, it is opened here.
 */
#ifndef NETTRACE_NEXT_H
#define NETTRACE_NEXT_H

#include <stdatomic.h>

/* NAME, or NULL where there is none. */
void *next_find(const char *name);

/* The same in this version, else in any. */
void *next_find_version(const char *name, const char *version);

/* The next NAME as a pointer of its own type; looked up once. */
#define NEXT(name)                                              \
	({                                                      \
		static _Atomic(void *) next_found;              \
		void *next_f = next_found;                      \
		if (!next_f)                                    \
			next_found = next_f = next_find(#name); \
		(__typeof__(&name))next_f;                      \
	})

#endif

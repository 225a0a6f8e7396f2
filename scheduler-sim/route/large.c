/* SPDX-License-Identifier: Apache-2.0 */
#include "large.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE 64
#define PAGE ((size_t)2 << 20)

void *large_alloc(size_t count, size_t size)
{
	size_t unit = count * size < PAGE ? LINE : PAGE;
	size_t bytes = (count * size / unit + 1) * unit;
	void *memory = aligned_alloc(unit, bytes);

	if (!memory)
		return NULL;
	if (unit == PAGE)
		madvise(memory, bytes, MADV_HUGEPAGE); /* else it is slower */
	return memory;
}

void *large_calloc(size_t count, size_t size)
{
	void *memory = large_alloc(count, size);

	return memory ? memset(memory, 0, count * size) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* memorylib.h - memory of a host, and what keys open of it */
#ifndef TESTS_DEVICE_MEMORYLIB_H
#define TESTS_DEVICE_MEMORYLIB_H

#include "onehost.h"

#include "device/section.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SIZE 65536

static char *memory;

static inline int set_up(void **state)
{
	onehost_open(state);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED;
}

static inline int tear_down(void **state)
{
	munmap(memory, SIZE);
	return onehost_close(state);
}

static inline int register_at(struct mr *mr, void *addr, uint64_t length, uint32_t access)
{
	return mr_register(mr, &host.context, &host.pd, MR_MEMORY, (uintptr_t)addr, length,
			   (uintptr_t)addr, access);
}

static inline int find_as(uint32_t key, uint64_t addr, uint64_t length, uint32_t access,
			  uint32_t pd, uint32_t owner, uint32_t qpn, struct payload *payload)
{
	_Atomic uint64_t *section = section_enter(&host.fabric);
	int status;

	payload->parts = 0;
	status = memory_find(&host.fabric, host.context.number, key, addr, length, access, pd,
			     owner, qpn, payload);
	section_leave(section);
	return status;
}

static inline int find(uint32_t key, const void *addr, uint64_t length, uint32_t access)
{
	struct payload payload;
	int status = find_as(key, (uintptr_t)addr, length, access, host.pd.number, host.fabric.self,
			     0, &payload);

	if (!status && length) {
		assert_int_equal(payload.parts, 1);
		assert_ptr_equal(payload.part[0].iov_base, addr);
		assert_int_equal(payload.part[0].iov_len, length);
	}
	return status;
}

#endif

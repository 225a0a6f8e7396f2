/* SPDX-License-Identifier: Apache-2.0 */
/* frontlib.h - a context of the preloaded device for the tests of a program */
#ifndef TESTS_DEVICE_FRONTLIB_H
#define TESTS_DEVICE_FRONTLIB_H

#define _GNU_SOURCE
#include "preloaded.h"

#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PAGE         4096

#define ALL                                                                          \
	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | \
	 IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND)

static struct ibv_context *context;
static struct ibv_pd *pd;
static char memory[4 * PAGE] __attribute__((aligned(PAGE)));

static inline struct ibv_context *open_first(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *opened = list && list[0] ? ibv_open_device(list[0]) : NULL;

	if (list)
		ibv_free_device_list(list);
	return opened;
}

static inline int set_up(void **state)
{
	(void)state;
	context = open_first();
	pd = context ? ibv_alloc_pd(context) : NULL;
	return pd ? 0 : -1;
}

static inline int tear_down(void **state)
{
	(void)state;
	return ibv_dealloc_pd(pd) || ibv_close_device(context);
}

#endif

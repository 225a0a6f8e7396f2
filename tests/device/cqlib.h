/* SPDX-License-Identifier: Apache-2.0 */
/* cqlib.h - completions that come from nowhere */
#ifndef TESTS_DEVICE_CQLIB_H
#define TESTS_DEVICE_CQLIB_H

#include "onehost.h"

#include "clock.h"
#include "device/section.h"
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What another process that fills a queue is told. */
static struct stage {
	_Atomic uint64_t cq_at;
	_Atomic uint64_t credits; /* how many may have been put in */
	_Atomic uint32_t ready;
} * stage;

static inline void push(struct fabric *fabric, struct shared_cq *cq, uint64_t wr_id,
			uint32_t status, bool solicited)
{
	struct shared_cqe entry = { .wr_id = wr_id, .status = (uint8_t)status, .receive = 1 };

	cq_push(fabric, segment_offset(&fabric->segment, cq), &entry, solicited);
}

static inline void put(struct cq *cq, uint64_t wr_id)
{
	push(&host.fabric, cq->shared, wr_id, WC_SUCCESS, false);
}

static inline void destroy(struct cq *cq)
{
	uint32_t events, async;

	assert_int_equal(cq_destroy(cq, &events, &async), 0);
}

#endif

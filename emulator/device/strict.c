/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "device/section.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PATTERN    0xa5
#define CHUNK_SIZE (16 * 1024)

/* The memory is the program's, and may be gone: the kernel copies, which tells. */
static bool own_memory(bool write, void *here, void *there, size_t length)
{
	struct iovec local = { here, length }, remote = { there, length };
	ssize_t done = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0)
			     : process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return done == (ssize_t)length;
}

static void fill_part(const struct iovec *part)
{
	char pattern[CHUNK_SIZE];
	size_t length;

	memset(pattern, PATTERN, sizeof(pattern));
	for (size_t at = 0; part->iov_base && at < part->iov_len; at += length) {
		length =
			part->iov_len - at < sizeof(pattern) ? part->iov_len - at : sizeof(pattern);
		if (!own_memory(true, pattern, (char *)part->iov_base + at, length))
			return;
	}
}

void strict_fill(struct fabric *fabric, uint32_t device, const struct shared_sge *sge,
		 uint32_t sges, uint32_t pd)
{
	struct payload payload;
	_Atomic uint64_t *section;
	int saved = errno;

	if (sges > PAYLOAD_PARTS)
		return;
	section = section_enter(fabric);
	if (!memory_gather(fabric, device, sge, sges, true, pd, fabric->self, &payload))
		for (uint32_t i = 0; i < payload.parts; i++)
			fill_part(&payload.part[i]);
	section_leave(section);
	errno = saved;
}

/* FNV-1a of LENGTH bytes more. */
static uint32_t hash(uint32_t sum, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 16777619U;
	return sum;
}

/* Returns false when it cannot be read. */
static bool checksum(struct fabric *fabric, const struct payload *payload, uint32_t *sum)
{
	uint64_t length = payload_length(payload), some;
	char chunk[CHUNK_SIZE];
	struct payload here = { .process = PAYLOAD_HERE, .parts = 1 };

	here.part[0] = (struct iovec){ chunk, sizeof(chunk) };
	*sum = 2166136261U;
	for (uint64_t at = 0; at < length; at += some) {
		some = length - at < sizeof(chunk) ? length - at : sizeof(chunk);
		if (memory_copy(fabric, &here, 0, payload, at, some))
			return false;
		*sum = hash(*sum, chunk, some);
	}
	if (!*sum)
		*sum = 1; /* 0: there is none */
	return true;
}

static bool sends_memory(const struct shared_sqe *sqe)
{
	const uint32_t sending = 1U << WR_SEND | 1U << WR_SEND_WITH_IMM | 1U << WR_SEND_WITH_INV |
				 1U << WR_RDMA_WRITE | 1U << WR_RDMA_WRITE_WITH_IMM;

	return sqe->opcode < 32 && sending >> sqe->opcode & 1 && sqe->sges && !sqe->inline_length;
}

static uint32_t sum_of(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe)
{
	_Atomic uint64_t *section = section_enter(fabric);
	struct payload payload;
	uint32_t sum = 0;

	if (memory_gather(fabric, qp->device, sqe->sge, sqe->sges, false, qp->pd, qp->head.owner,
			  &payload) ||
	    !checksum(fabric, &payload, &sum))
		sum = 0;
	section_leave(section);
	return sum;
}

void strict_posted(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe)
{
	int saved = errno;

	if (sqe->opcode == WR_RDMA_READ)
		strict_fill(fabric, qp->device, sqe->sge, sqe->sges, qp->pd);
	else if (sends_memory(sqe))
		sqe->checksum = sum_of(fabric, qp, sqe);
	errno = saved;
}

/* A stderr that nobody reads must not end the program. */
static void say(const char *line, size_t length)
{
	struct timespec now = { 0 };
	sigset_t pipe, before, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	if (write(STDERR_FILENO, line, length) < 0 && errno == EPIPE &&
	    !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void strict_sent(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe)
{
	char line[192];
	uint32_t sum;
	int saved = errno, length;

	if (!sqe->checksum)
		return;
	sum = sum_of(fabric, qp, sqe);
	if (sum && sum != sqe->checksum) {
		length = snprintf(line, sizeof(line),
				  "netemu: QP 0x%x: the memory of request %llu was changed between "
				  "its post and its completion\n",
				  qp->head.number, (unsigned long long)sqe->wr_id);
		say(line, (size_t)length);
	}
	sqe->checksum = 0;
	errno = saved;
}

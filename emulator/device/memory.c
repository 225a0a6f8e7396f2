/* SPDX-License-Identifier: Apache-2.0 */
#include "device/memory.h"

#include "device/context.h"
#include "device/lock.h"
#include "device/section.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#define ACCESS_REMOTE (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_READ | ACCESS_REMOTE_ATOMIC)
#define BUFFER_SIZE   (16 * 1024)
#define PAGE_LEAST    4096

uint64_t payload_length(const struct payload *payload)
{
	uint64_t length = 0;

	for (uint32_t i = 0; i < payload->parts; i++)
		length += payload->part[i].iov_len;
	return length;
}

/* --- what a key opens --- */

/* What counts of a region, or of a window at one moment. */
struct opened {
	uint32_t kind, access, pd, qpn;
	uint64_t addr, length, iova;
};

static void open_record(struct opened *opened, const struct shared_mr *mr)
{
	*opened = (struct opened){
		.kind = mr->kind,
		.access = mr->access,
		.pd = mr->pd,
		.qpn = mr->qpn,
		.addr = mr->addr,
		.length = mr->length,
		.iova = mr->iova,
	};
}

/* A window may be bound anew while it is read. */
static bool open_window(struct opened *opened, const struct shared_mr *mr, uint32_t key)
{
	if (atomic_load_explicit(&mr->state, memory_order_acquire) != WINDOW_VALID)
		return false;
	open_record(opened, mr);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&mr->state, memory_order_relaxed) == WINDOW_VALID &&
	       atomic_load_explicit(&mr->head.number, memory_order_relaxed) == key;
}

static bool covers(const struct opened *opened, uint64_t addr, uint64_t length)
{
	uint64_t offset = addr - opened->iova;

	return addr >= opened->iova && length <= opened->length &&
	       offset <= opened->length - length;
}

static bool is_allowed(const struct opened *opened, uint32_t access, uint32_t pd, uint32_t qpn)
{
	if ((opened->access & access) != access)
		return false;
	return opened->kind == MR_WINDOW2 ? opened->qpn == qpn : opened->pd == pd;
}

static bool is_window(const struct shared_mr *mr)
{
	return mr->kind == MR_WINDOW1 || mr->kind == MR_WINDOW2;
}

static bool open_key(struct opened *opened, struct fabric *fabric, uint32_t device, uint32_t key,
		     uint32_t access, uint32_t owner)
{
	const struct shared_mr *mr = (const struct shared_mr *)table_find(
		&fabric->segment, &fabric_device(fabric, device)->mr, key);

	if (!mr || mr->head.owner != owner)
		return false;
	if (!is_window(mr)) {
		open_record(opened, mr);
		return true;
	}
	return access & ACCESS_REMOTE && open_window(opened, mr, key);
}

/* --- payloads --- */

/* Parts of OWNER's device memory, so far here, become addresses in its process, as
 * parts of its own memory join them.
 */
static void move_to(struct fabric *fabric, struct payload *payload, uint32_t owner)
{
	uint64_t there = fabric->segment.header->process[owner].segment_addr;
	uint64_t here = (uintptr_t)fabric->segment.header;

	for (uint32_t i = 0; i < payload->parts; i++)
		if (payload->part[i].iov_base)
			payload->part[i].iov_base =
				(void *)((uintptr_t)payload->part[i].iov_base - here + there);
	payload->process = owner;
}

static void add_memory(struct fabric *fabric, struct payload *payload, uint32_t owner,
		       struct iovec part)
{
	uint32_t process = owner == fabric->self ? PAYLOAD_HERE : owner;

	if (!payload->parts)
		payload->process = process;
	else if (payload->process != process)
		move_to(fabric, payload, owner);
	payload->part[payload->parts++] = part;
}

/* Device memory lies in the segment at AT. */
static void add_device(struct fabric *fabric, struct payload *payload, uint64_t at, uint64_t length)
{
	uint64_t base = (uintptr_t)fabric->segment.header;

	if (!payload->parts)
		payload->process = PAYLOAD_HERE;
	if (payload->process != PAYLOAD_HERE)
		base = fabric->segment.header->process[payload->process].segment_addr;
	payload->part[payload->parts++] =
		(struct iovec){ .iov_base = (void *)(uintptr_t)(base + at), .iov_len = length };
}

static void add_null(struct payload *payload, uint64_t length)
{
	if (!payload->parts)
		payload->process = PAYLOAD_HERE;
	payload->part[payload->parts++] = (struct iovec){ .iov_len = length };
}

static int add_part(struct fabric *fabric, struct payload *payload, uint32_t owner,
		    const struct opened *opened, uint64_t addr, uint64_t length)
{
	uint64_t start = opened->addr + (addr - opened->iova);

	if (payload->parts == PAYLOAD_PARTS)
		return WC_LOC_PROT_ERR;
	switch (opened->kind) {
	case MR_DEVICE:
		add_device(fabric, payload, start, length);
		return 0;
	case MR_NULL:
		add_null(payload, length);
		return 0;
	default:
		/* the address 0 would read as 0 instead of being an error */
		if (!start)
			return WC_LOC_PROT_ERR;
		add_memory(
			fabric, payload, owner,
			(struct iovec){ .iov_base = (void *)(uintptr_t)start, .iov_len = length });
		return 0;
	}
}

int memory_find(struct fabric *fabric, uint32_t device, uint32_t key, uint64_t addr,
		uint64_t length, uint32_t access, uint32_t pd, uint32_t owner, uint32_t qpn,
		struct payload *payload)
{
	struct opened opened;

	/* of nothing no key is looked at (InfiniBand, volume 1, 9.7.4.1.5) */
	if (!length) {
		if (!payload->parts)
			payload->process = PAYLOAD_HERE;
		return 0;
	}
	if (!open_key(&opened, fabric, device, key, access, owner) ||
	    !is_allowed(&opened, access, pd, qpn) || !covers(&opened, addr, length))
		return WC_LOC_PROT_ERR;
	return add_part(fabric, payload, owner, &opened, addr, length);
}

int memory_gather(struct fabric *fabric, uint32_t device, const struct shared_sge *sge,
		  uint32_t sges, bool write, uint32_t pd, uint32_t owner, struct payload *payload)
{
	uint32_t access = write ? ACCESS_LOCAL_WRITE : 0;
	int status = 0;

	payload->parts = 0;
	payload->process = PAYLOAD_HERE;
	for (uint32_t i = 0; i < sges && !status; i++)
		status = memory_find(fabric, device, sge[i].key, sge[i].addr, sge[i].length, access,
				     pd, owner, 0, payload);
	return status;
}

/* --- copying --- */

/* The part of PAYLOAD with its byte OFFSET, from there on. */
static inline struct iovec part_at(const struct payload *payload, uint64_t offset)
{
	if (!offset && payload->parts && payload->part[0].iov_len)
		return payload->part[0];
	for (uint32_t i = 0; i < payload->parts; i++) {
		struct iovec part = payload->part[i];

		if (offset < part.iov_len) {
			if (part.iov_base)
				part.iov_base = (char *)part.iov_base + offset;
			part.iov_len -= offset;
			return part;
		}
		offset -= part.iov_len;
	}
	return (struct iovec){ 0 };
}

/* Up to LENGTH bytes between one part here and one of PROCESS. */
static ssize_t transfer(struct fabric *fabric, uint32_t process, struct iovec here,
			struct iovec there, bool write)
{
	pid_t pid = fabric->segment.header->process[process].pid;

	/* its number may be another's by now */
	if (!fabric_alive(fabric, process)) {
		errno = ESRCH;
		return -1;
	}
	return write ? process_vm_writev(pid, &here, 1, &there, 1, 0)
		     : process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* Not inlined: so much stack is probed at each call. */
static __attribute__((noinline)) ssize_t through_buffer(struct fabric *fabric,
							const struct payload *to,
							struct iovec to_part,
							const struct payload *from,
							struct iovec from_part, size_t length)
{
	char buffer[BUFFER_SIZE];
	struct iovec here = { .iov_base = buffer,
			      .iov_len = length < sizeof(buffer) ? length : sizeof(buffer) };
	ssize_t got = transfer(fabric, from->process, here, from_part, false);

	if (got <= 0)
		return got;
	here.iov_len = (size_t)got;
	return transfer(fabric, to->process, here, to_part, true);
}

static ssize_t from_nothing(struct fabric *fabric, const struct payload *to, struct iovec to_part,
			    size_t length)
{
	static const char zeros[BUFFER_SIZE];
	struct iovec here = { .iov_base = (void *)zeros,
			      .iov_len = length < sizeof(zeros) ? length : sizeof(zeros) };

	if (to->process != PAYLOAD_HERE)
		return transfer(fabric, to->process, here, to_part, true);
	memset(to_part.iov_base, 0, length);
	return (ssize_t)length;
}

/* Some of LENGTH bytes from one part to another: how many, or -1 with errno. */
static ssize_t copy_some(struct fabric *fabric, const struct payload *to, struct iovec to_part,
			 const struct payload *from, struct iovec from_part, size_t length)
{
	to_part.iov_len = from_part.iov_len = length;
	if (!to_part.iov_base)
		return (ssize_t)length;
	if (!from_part.iov_base)
		return from_nothing(fabric, to, to_part, length);
	if (to->process == PAYLOAD_HERE && from->process == PAYLOAD_HERE) {
		memmove(to_part.iov_base, from_part.iov_base, length);
		return (ssize_t)length;
	}
	if (to->process == PAYLOAD_HERE)
		return transfer(fabric, from->process, to_part, from_part, false);
	if (from->process == PAYLOAD_HERE)
		return transfer(fabric, to->process, from_part, to_part, true);
	return through_buffer(fabric, to, to_part, from, from_part, length);
}

static ssize_t copy_next(struct fabric *fabric, const struct payload *to, uint64_t to_offset,
			 const struct payload *from, uint64_t from_offset, uint64_t length)
{
	struct iovec to_part = part_at(to, to_offset);
	struct iovec from_part = part_at(from, from_offset);

	if (length > to_part.iov_len)
		length = to_part.iov_len;
	if (length > from_part.iov_len)
		length = from_part.iov_len;
	return length ? copy_some(fabric, to, to_part, from, from_part, length) : 0;
}

int memory_copy(struct fabric *fabric, const struct payload *to, uint64_t to_offset,
		const struct payload *from, uint64_t from_offset, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		ssize_t copied = copy_next(fabric, to, to_offset + done, from, from_offset + done,
					   length - done);

		if (!copied)
			errno = EFAULT;
		if (copied <= 0)
			return -1;
		done += (uint64_t)copied;
	}
	return 0;
}

/* A byte of each page. */
static bool part_readable(pid_t pid, struct iovec part)
{
	uint64_t start = (uintptr_t)part.iov_base, end = start + part.iov_len;
	char byte;

	for (uint64_t at = start; at < end; at = (at | (PAGE_LEAST - 1)) + 1) {
		struct iovec here = { .iov_base = &byte, .iov_len = 1 };
		struct iovec there = { .iov_base = (void *)(uintptr_t)at, .iov_len = 1 };

		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != 1)
			return false;
	}
	return true;
}

bool memory_readable(struct fabric *fabric, const struct payload *payload)
{
	uint32_t process = payload->process == PAYLOAD_HERE ? fabric->self : payload->process;
	pid_t pid = fabric->segment.header->process[process].pid;

	for (uint32_t i = 0; i < payload->parts; i++)
		if (payload->part[i].iov_base && !part_readable(pid, payload->part[i]))
			return false;
	return true;
}

static uint64_t changed(enum wr_opcode opcode, uint64_t original, uint64_t compare_add,
			uint64_t swap)
{
	if (opcode == WR_ATOMIC_FETCH_AND_ADD)
		return original + compare_add;
	return original == compare_add ? swap : original;
}

int memory_atomic(struct fabric *fabric, uint32_t device, const struct payload *where,
		  enum wr_opcode opcode, uint64_t compare_add, uint64_t swap, uint64_t *original)
{
	struct shared_lock *lock = &fabric_device(fabric, device)->atomics;
	uint64_t old = 0, new = 0;
	struct payload number;
	int rc;

	payload_one(&number, &old, sizeof(old));
	lock_take(fabric, lock, fabric->self);
	rc = memory_copy(fabric, &number, 0, where, 0, sizeof(old));
	if (!rc) {
		new = changed(opcode, old, compare_add, swap);
		payload_one(&number, &new, sizeof(new));
		if (new != old)
			rc = memory_copy(fabric, where, 0, &number, 0, sizeof(new));
	}
	lock_drop(lock);
	if (!rc)
		*original = old;
	return rc;
}

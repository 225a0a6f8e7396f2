/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - keys, and the bytes behind them */
#ifndef DEVICE_MEMORY_H
#define DEVICE_MEMORY_H

#include "device/op.h"

struct context;
struct dm;
struct pd;

/* --- memory regions and windows (front-ends embed them) --- */

struct mr {
	struct context *context;
	struct shared_mr *shared;
	struct pd *pd;
	struct dm *dm; /* or NULL */
	uint32_t key;  /* lkey and rkey; of a window, the one it was made with */
};

/* Register LENGTH bytes at ADDR with the address IOVA.  Returns 0, or -1 with
 * errno: EINVAL (remote write or atomic access without local write, unknown
 * access, wrap-around), EFAULT (not mapped, not writable), ENOMEM (limit).
 */
int mr_register(struct mr *mr, struct context *context, struct pd *pd, enum mr_kind kind,
		uint64_t addr, uint64_t length, uint64_t iova, uint32_t access);

/* Register LENGTH bytes at OFFSET of DM.  -1 with errno EINVAL (not in it). */
int mr_register_dm(struct mr *mr, struct pd *pd, struct dm *dm, uint64_t offset, uint64_t length,
		   uint32_t access);

/* Change what is set in FLAGS (translation 1, PD 2, access 4); the key stays.
 * Returns 0, or -1 with errno: EBUSY while windows are bound to it, EINVAL.
 */
int mr_reregister(struct mr *mr, int flags, struct pd *pd, uint64_t addr, uint64_t length,
		  uint32_t access);

/* When it returns nobody touches the memory any more.  -1 with errno EBUSY while
 * windows are bound to it.
 */
int mr_deregister(struct mr *mr);

int mw_create(struct mr *mw, struct context *context, struct pd *pd, enum mr_kind kind);
int mw_destroy(struct mr *mw);

/* --- device memory --- */

struct dm {
	struct context *context;
	struct shared_mr *shared; /* MR_STORE */
	uint32_t number;
	uint64_t at; /* in the segment */
	uint64_t length;
	_Atomic uint32_t users; /* regions */
};

int dm_create(struct dm *dm, struct context *context, uint64_t length, uint32_t log_align);
int dm_destroy(struct dm *dm); /* -1 with EBUSY while regions are registered in it */
int dm_write(struct dm *dm, uint64_t offset, const void *from, size_t length);
int dm_read(struct dm *dm, uint64_t offset, void *to, size_t length);

/* --- for the responder and the requester, in a section --- */

/* Add to PAYLOAD what KEY of DEVICE opens at ADDR, if the region has ACCESS, is in PD
 * and belongs to OWNER (a process); a window of kind 2 also only for QPN.
 * Returns 0 or an enum wc_status: WC_LOC_PROT_ERR; the caller makes a remote
 * error of it.
 */
int memory_find(struct fabric *fabric, uint32_t device, uint32_t key, uint64_t addr,
		uint64_t length, uint32_t access, uint32_t pd, uint32_t owner, uint32_t qpn,
		struct payload *payload);

/* The payload of SGES entries, checked as local access (WRITE: they are written). */
int memory_gather(struct fabric *fabric, uint32_t device, const struct shared_sge *sge,
		  uint32_t sges, bool write, uint32_t pd, uint32_t owner, struct payload *payload);

/* Copy LENGTH bytes FROM[from_offset..] TO[to_offset..]: memcpy, process_vm_readv or
 * process_vm_writev, through a buffer when both are elsewhere.  Returns 0, or -1
 * with errno EFAULT (memory is gone), EPERM or ESRCH (use the queue, or it has died).
 */
int memory_copy(struct fabric *fabric, const struct payload *to, uint64_t to_offset,
		const struct payload *from, uint64_t from_offset, uint64_t length);

/* Whether all of PAYLOAD is there.  The kernel looks, so nothing happens to a program that
 * has unmapped what it had registered.
 */
bool memory_readable(struct fabric *fabric, const struct payload *payload);

/* Compare-and-swap or fetch-and-add of the 8 bytes behind WHERE under the
 * device's lock of atomics (IBV_ATOMIC_HCA).  Returns 0 or -1 as memory_copy().
 */
int memory_atomic(struct fabric *fabric, uint32_t device, const struct payload *where,
		  enum wr_opcode opcode, uint64_t compare_add, uint64_t swap, uint64_t *original);

uint64_t payload_length(const struct payload *payload);

/* Unbind, whatever it is bound to. */
void window_unbind(struct fabric *fabric, uint32_t device, struct shared_mr *window);

/* Bind or invalidate, as a work request of the QP does: status of enum wc_status
 * (WC_MW_BIND_ERR; the caller makes WC_REM_INV_REQ_ERR of it for a remote one.)
 * In a section.
 */
int window_bind(struct fabric *fabric, struct shared_qp *qp, const struct shared_sqe *sqe);
int window_invalidate(struct fabric *fabric, struct shared_qp *qp, uint32_t key);

#endif

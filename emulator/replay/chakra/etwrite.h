/* SPDX-License-Identifier: Apache-2.0 */
/* etwrite.h - write an execution trace, schema 0.0.4
 *
 * Attributes are written in the integer variants that readers of ASTRA-sim 1 and 2
 * insist on (int64 for comm_type, comm_size, num_ops; uint64 tensor_size; int32 for
 * comm_src, comm_dst, comm_tag, comm_priority).
 */
#ifndef CHAKRA_ETWRITE_H
#define CHAKRA_ETWRITE_H

#include "chakra/etnode.h"
#include "err.h"

struct et_writer;

/* A record; zeroed before its first use, DATA is the caller's to free. */
struct et_bytes {
	uint8_t *data;
	size_t size, room;
};

/* NODE as a record.  Returns 0, or -1 with errno ENOMEM. */
int et_encode(const struct et_node *node, struct et_bytes *bytes);

/* To PATH, which appears when it is whole (outfile.h); by gzip when it ends in ".gz".
 * Returns the writer, or NULL with ERR.
 */
struct et_writer *et_create(const char *path, struct err *err);

/* Append NODE (the first: behind a record about the file): its fields whose bit in `has` is set,
 * its deps.  Returns 0, or -1 with ERR. */
int et_add(struct et_writer *writer, const struct et_node *node, struct err *err);

/* Append a record as it is; the first one stands where the record about the file does. */
int et_add_raw(struct et_writer *writer, const uint8_t *data, size_t size, struct err *err);

/* Finish and free.  Returns 0, or -1 with ERR; then nothing of the file is left. */
int et_commit(struct et_writer *writer, struct err *err);
void et_abort(struct et_writer *writer); /* NULL is fine */

#endif

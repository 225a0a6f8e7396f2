/* SPDX-License-Identifier: Apache-2.0 */
/* livefile.h - the writer's side of the live file (lib/live.h)
 *
 * The file grows by extents, each allocated on disk before it is mapped, so
 * that no store into it can ever fail.  When its file system is full the
 * counters go on in a second file elsewhere, at last in a memfd.  No
 * descriptor is kept: programs close those they do not know.  One lock
 * inside; every function may be called by any thread.
 */
#ifndef NETPROF_LIVEFILE_H
#define NETPROF_LIVEFILE_H

#include "err.h"
#include "live.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define LIVEFILE_MAX 4 /* files of one rank */

/* Called when a file is full and the next one is needed: write its path, which
 * must not exist, into PATH.  Returns 0, or -1 when there is no place.
 */
typedef int (*livefile_next_fn)(char path[PATH_MAX]);
/* Called for each file made, with its path ("/proc/self/fd/<n>" for memory). */
typedef void (*livefile_made_fn)(const char *path);

struct livefile_ops {
	livefile_next_fn next;
	livefile_made_fn made;
};

struct livefile_part {
	char path[PATH_MAX];
	dev_t device;
	ino_t inode;
	uint64_t size; /* bytes in use */
	struct live_header *header;
};

struct livefile {
	const struct livefile_ops *ops;
	struct livefile_part parts[LIVEFILE_MAX];
	int count;
	bool in_memory; /* the last part is a memfd: gone with the process */
	bool lost;      /* an extent could not be had at all */
};

/* Make the first file at PATH (O_EXCL) with HEADER in it; where that cannot
 * be, the next place by OPS.  Returns 0, or -1 with ERR written when not even
 * memory could be had.
 */
int livefile_create(struct livefile *file, const char *path, const struct live_header *header,
		    const struct livefile_ops *ops, struct err *err);

/* A new extent of KIND and SHARD with room for ENTRIES entries of ENTRY_SIZE
 * bytes, where space is short for fewer, but not fewer than LEAST; all zero,
 * `used` 0; capacity says how many fit.  Returns NULL when none can be had;
 * FILE->lost is set then.
 */
struct live_extent *livefile_extend(struct livefile *file, enum live_kind kind, uint32_t shard,
				    uint32_t entry_size, uint32_t entries, uint32_t least,
				    uint32_t level);

/* Set `field` of the header in all parts. */
#define livefile_set(file, field, value)                              \
	do {                                                          \
		for (int part_ = 0; part_ < (file)->count; part_++)   \
			(file)->parts[part_].header->field = (value); \
	} while (0)

/* Unlink all parts.  Mappings stay valid: other threads may still count. */
void livefile_unlink(struct livefile *file);

#endif

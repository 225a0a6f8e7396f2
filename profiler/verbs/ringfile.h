/* SPDX-License-Identifier: Apache-2.0 */
/* ringfile.h - the writer's side of the file of records (lib/vring.h)
 *
 * The file grows by extents, each allocated on disk before it is mapped, so that
 * no store into it can ever fail; several at a time where many are to be expected,
 * because a process may have some 65000 mappings only.  One thread at a time.  No
 * descriptor is kept: programs close those they do not know.
 */
#ifndef NETTRACE_RINGFILE_H
#define NETTRACE_RINGFILE_H

#include "err.h"
#include "vring.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct ringfile {
	char path[PATH_MAX];
	dev_t device;
	ino_t inode;
	uint64_t size;  /* bytes that are allocated */
	uint64_t piece; /* bytes that it grows by, at most */
	struct vring_header *header;
	char *spare, *spare_end; /* extents that are mapped and not given out */
	bool full;               /* one could not be had */
};

/* Make the file at PATH (O_EXCL) with HEADER in it.  RING: about as many bytes will be
 * asked for; 0: nobody knows, and extents are given back.  Returns 0, or -1 with ERR written.
 */
int ringfile_create(struct ringfile *file, const char *path, const struct vring_header *header,
		    uint64_t ring, struct err *err);

/* One more extent, zeros.  Returns NULL where the room on disk ends. */
struct vring_extent *ringfile_extend(struct ringfile *file);

/* A descriptor of the file as it was made, or -1 with errno: nobody else's is touched. */
int ringfile_open(const struct ringfile *file);

/* Memory of EXTENT is given back, where RING was 0; the records stay in the file. */
void ringfile_unmap(struct vring_extent *extent);

#endif

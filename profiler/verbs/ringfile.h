/* SPDX-License-Identifier: Apache-2.0 */
/* ringfile.h - the writer's side of the file of records (lib/vring.h)
 *
 * The file grows by extents, each allocated on disk before it is mapped, so that
 * no store into it can ever fail.  One lock inside; every function may be called
 * by any thread.  No descriptor is kept: programs close those they do not know.
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
	uint64_t size; /* bytes in use */
	uint64_t limit;
	struct vring_header *header;
	bool full; /* an extent could not be had: said once */
};

/* Make the file at PATH (O_EXCL) with HEADER in it; extents may take LIMIT bytes, 0: as
 * many as there is room for.  Returns 0, or -1 with ERR written.
 */
int ringfile_create(struct ringfile *file, const char *path, const struct vring_header *header,
		    uint64_t limit, struct err *err);

/* One more extent, zeros.  Returns NULL where the limit, or the room on disk, ends. */
struct vring_extent *ringfile_extend(struct ringfile *file);

/* Memory of EXTENT is given back; the records stay in the file. */
void ringfile_unmap(struct vring_extent *extent);

#endif

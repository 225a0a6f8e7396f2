/* SPDX-License-Identifier: Apache-2.0 */
/* ringhead.h - what can be told of a file of records without reading them */
#ifndef NETTRACE_RINGHEAD_H
#define NETTRACE_RINGHEAD_H

#include "err.h"
#include "vring.h"

/* Read the header of the file at PATH; its texts end with NUL.  Returns 0, or -1 with ERR
 * written.
 */
int ringhead_read(const char *path, struct vring_header *header, struct err *err);

/* And count the records that are in it. */
int ringhead_count(const char *path, struct vring_header *header, uint64_t *records,
		   struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <fcntl.h>
#include <stdlib.h>

struct ibv_xrcd *front_open_xrcd(struct ibv_context *context, struct ibv_xrcd_init_attr *init)
{
	const uint32_t wanted = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS;
	struct front_xrcd *front;

	if (init->comp_mask != wanted || init->oflags & ~(O_CREAT | O_EXCL) ||
	    (init->fd == -1 && !(init->oflags & O_CREAT))) {
		errno = EINVAL;
		return NULL;
	}
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	if (xrcd_open(&front->engine, front_engine(context), init->fd, init->oflags & O_CREAT,
		      init->oflags & O_EXCL) < 0) {
		free(front);
		return NULL;
	}
	front->xrcd.context = context;
	return &front->xrcd;
}

int front_close_xrcd(struct ibv_xrcd *xrcd)
{
	struct front_xrcd *front = (struct front_xrcd *)xrcd;

	if (xrcd_close(&front->engine) < 0)
		return errno;
	free(front);
	return 0;
}

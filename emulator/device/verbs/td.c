/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <stdlib.h>

/* A thread domain says that one thread at a time uses what is made in it.  Our
 * locks cost little when nobody else wants them, so nothing is done with that.
 */
struct ibv_td *front_alloc_td(struct ibv_context *context, struct ibv_td_init_attr *init)
{
	struct front_td *front;

	if (init->comp_mask) {
		errno = EINVAL;
		return NULL;
	}
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	front->td.context = context;
	return &front->td;
}

int front_dealloc_td(struct ibv_td *td)
{
	struct front_td *front = (struct front_td *)td;

	if (front->users)
		return EBUSY;
	free(front);
	return 0;
}

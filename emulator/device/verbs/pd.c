/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <stdlib.h>

static struct front_pd *as_front(struct ibv_pd *pd)
{
	return (struct front_pd *)pd;
}

static struct front_context *context_of(struct ibv_pd *pd)
{
	return (struct front_context *)verbs_get_ctx(pd->context);
}

static struct ibv_pd *finish(struct front_pd *front, struct ibv_context *context, int rc)
{
	if (rc < 0) {
		free(front);
		return NULL;
	}
	front->pd.context = context;
	front->pd.handle = front->engine.number;
	return &front->pd;
}

EXPORT struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	struct front_pd *front;

	if (!front_owns(context))
		return REAL(ibv_alloc_pd)(context);
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	return finish(front, context, pd_create(&front->engine, front_engine(context)));
}

/* --- parent domains --- */

/* Custom allocators are accepted: queues lie in the fabric, so they are never called. */
static bool is_valid(const struct ibv_context *context,
		     const struct ibv_parent_domain_init_attr *attr)
{
	const uint32_t known =
		IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS | IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT;

	if (!attr->pd || attr->pd->context != context || attr->comp_mask & ~known ||
	    (attr->td && attr->td->context != context))
		return false;
	return !(attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS) ||
	       (attr->alloc && attr->free);
}

struct ibv_pd *front_alloc_parent_domain(struct ibv_context *context,
					 struct ibv_parent_domain_init_attr *attr)
{
	struct front_pd *front, *parent;

	if (!is_valid(context, attr)) {
		errno = EINVAL;
		return NULL;
	}
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	parent = as_front(attr->pd);
	front->parent = parent->parent ? parent->parent : parent;
	front->parent->children++;
	front->td = attr->td;
	if (front->td)
		((struct front_td *)front->td)->users++;
	front->pd.context = context;
	front->pd.handle = front->parent->pd.handle;
	return &front->pd;
}

static int dealloc_parent_domain(struct front_pd *front)
{
	if (front->children)
		return EBUSY;
	front->parent->children--;
	if (front->td)
		((struct front_td *)front->td)->users--;
	free(front);
	return 0;
}

EXPORT int ibv_dealloc_pd(struct ibv_pd *pd)
{
	struct front_pd *front = as_front(pd);

	if (!front_owns(pd->context))
		return REAL(ibv_dealloc_pd)(pd);
	if (front->parent)
		return dealloc_parent_domain(front);
	if (front->children)
		return EBUSY;
	if (pd_destroy(&front->engine) < 0)
		return errno;
	free(front);
	return 0;
}

/* --- in another context --- */

EXPORT struct ibv_pd *ibv_import_pd(struct ibv_context *context, uint32_t handle)
{
	struct front_pd *front;

	if (!front_owns(context))
		return REAL(ibv_import_pd)(context, handle);
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	front->imported = true;
	return finish(front, context, pd_import(&front->engine, front_engine(context), handle));
}

/* Objects made in it may live on, and go through it when they end: it stays until the
 * context is closed.
 */
EXPORT void ibv_unimport_pd(struct ibv_pd *pd)
{
	struct front_context *context;
	struct front_pd *front = as_front(pd);

	if (!front_owns(pd->context)) {
		REAL(ibv_unimport_pd)(pd);
		return;
	}
	context = context_of(pd);
	pd_destroy(&front->engine);
	pthread_mutex_lock(&pd->context->mutex);
	front->next = context->retired;
	context->retired = front;
	pthread_mutex_unlock(&pd->context->mutex);
}

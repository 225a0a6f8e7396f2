/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "device/verbs/files.h"
#include "device/verbs/front.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMP_VECTORS 8

/* --- cmd_fd: a descriptor that says which device it is, wherever it is sent --- */

#define TICKET_MAGIC "netemu device\r\n"

struct ticket {
	char magic[sizeof(TICKET_MAGIC)];
	char fabric[128]; /* its directory */
	uint32_t node, index;
};

static int make_ticket(const struct fabric *fabric, uint32_t index)
{
	struct ticket ticket = { .magic = TICKET_MAGIC, .node = fabric->node, .index = index };
	int fd = memfd_create("netemu device", MFD_CLOEXEC);

	memcpy(ticket.fabric, fabric->path, sizeof(ticket.fabric));
	if (fd >= 0 && write(fd, &ticket, sizeof(ticket)) != sizeof(ticket)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Read FD's.  Returns whether it is one; a descriptor of another kind is not read. */
static bool read_ticket(int fd, struct ticket *ticket)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == sizeof(*ticket) &&
	       pread(fd, ticket, sizeof(*ticket), 0) == sizeof(*ticket) &&
	       memcmp(ticket->magic, TICKET_MAGIC, sizeof(ticket->magic)) == 0;
}

/* --- the tables of functions --- */

static void set_ops(struct verbs_context *verbs)
{
	struct ibv_context_ops *ops = &verbs->context.ops;

	front_refuse(verbs);
	ops->_compat_query_device = ibv_query_device;
	ops->_compat_query_port = ibv_query_port;
	ops->alloc_mw = front_alloc_mw;
	ops->bind_mw = front_bind_mw;
	ops->dealloc_mw = front_dealloc_mw;
	ops->poll_cq = front_poll_cq;
	ops->req_notify_cq = front_req_notify_cq;
	ops->post_srq_recv = front_post_srq_recv;
	ops->post_send = front_post_send;
	ops->post_recv = front_post_recv;

	verbs->query_port = front_query_port;
	verbs->advise_mr = front_advise_mr;
	verbs->alloc_null_mr = front_alloc_null_mr;
	verbs->reg_dm_mr = front_reg_dm_mr;
	verbs->alloc_dm = front_alloc_dm;
	verbs->free_dm = front_free_dm;
	verbs->alloc_parent_domain = front_alloc_parent_domain;
	verbs->dealloc_td = front_dealloc_td;
	verbs->alloc_td = front_alloc_td;
	verbs->modify_cq = front_modify_cq;
	verbs->query_rt_values = front_query_rt_values;
	verbs->create_cq_ex = front_create_cq_ex;
	verbs->query_device_ex = front_query_device_ex;
	verbs->open_qp = front_open_qp;
	verbs->create_qp_ex = front_create_qp_ex;
	verbs->get_srq_num = front_get_srq_num;
	verbs->create_srq_ex = front_create_srq_ex;
	verbs->open_xrcd = front_open_xrcd;
	verbs->close_xrcd = front_close_xrcd;
}

/* --- open and close --- */

static struct ibv_context *set_up(struct front_context *front, struct front_device *device,
				  int cmd_fd)
{
	struct ibv_context *context = &front->verbs.context;

	if (context_open(&front->engine, front_fabric(), device->index) < 0)
		return NULL;
	front->device = device;
	context->device = &device->device;
	context->cmd_fd = cmd_fd;
	context->async_fd = front->engine.async_fd;
	context->num_comp_vectors = COMP_VECTORS;
	context->abi_compat = __VERBS_ABI_IS_EXTENDED;
	pthread_mutex_init(&context->mutex, NULL);
	front->verbs.sz = sizeof(front->verbs);
	set_ops(&front->verbs);
	return context;
}

static struct ibv_context *make(struct front_device *device, int cmd_fd)
{
	struct front_context *front = calloc(1, sizeof(*front));
	struct ibv_context *context = front ? set_up(front, device, cmd_fd) : NULL;

	if (!context)
		free(front);
	return context;
}

static struct ibv_context *open_device(struct front_device *device)
{
	struct fabric *fabric = front_fabric();
	struct ibv_context *context;
	int fd;

	if (!fabric) {
		errno = ENODEV;
		return NULL;
	}
	fd = make_ticket(fabric, device->index);
	if (fd < 0)
		return NULL;
	context = make(device, fd);
	if (!context)
		close(fd);
	return context;
}

EXPORT struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	if (!front_owns_device(device))
		return REAL(ibv_open_device)(device);
	return open_device((struct front_device *)device);
}

/* It looks for the device in the files of all that are there; ours are none for it. */
static struct ibv_context *import_real(int cmd_fd)
{
	__typeof__(&ibv_import_device) next = REAL(ibv_import_device);
	struct ibv_context *context;

	if (!next) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	files_pause();
	context = next(cmd_fd);
	files_resume();
	return context;
}

/* A context of its own on the same device: what is imported into it are records of the
 * device, so it needs nothing of the one the descriptor came from.  The descriptor goes
 * with it.
 */
EXPORT struct ibv_context *ibv_import_device(int cmd_fd)
{
	struct front_device *device = NULL;
	struct fabric *fabric;
	struct ticket ticket;

	if (!read_ticket(cmd_fd, &ticket))
		return import_real(cmd_fd);
	fabric = front_fabric();
	if (fabric && fabric->node == ticket.node &&
	    strncmp(fabric->path, ticket.fabric, sizeof(ticket.fabric)) == 0)
		device = front_device_by_index(ticket.index);
	if (!device) {
		errno = ENODEV;
		return NULL;
	}
	return make(device, cmd_fd);
}

/* --- in a child --- */

/* A child may go on with a context of its parent, as it may with one of a kernel: to
 * make objects of its own.  What its parent made stays the parent's.  Without a fabric
 * all there is to see are zeros.
 */
void front_reopen(struct front_context *front)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct ibv_context *context = &front->verbs.context;
	struct fabric *fabric = front_fabric();
	struct context engine;

	pthread_mutex_lock(&lock);
	if (fabric && !front->engine.fabric->holds &&
	    context_open(&engine, fabric, front->device->index) == 0) {
		/* the program knows the descriptor by its number */
		if (dup3(engine.async_fd, context->async_fd, O_CLOEXEC) >= 0) {
			close(engine.async_fd);
			engine.async_fd = context->async_fd;
		}
		front->engine = engine;
	}
	pthread_mutex_unlock(&lock);
}

/* --- closing --- */

/* As with a kernel the descriptors are closed and the program's objects are of no more
 * use; their context stays, as sloppy programs destroy them afterwards.
 */
EXPORT int ibv_close_device(struct ibv_context *context)
{
	struct front_context *front;

	if (!front_owns(context))
		return REAL(ibv_close_device)(context);
	front = (struct front_context *)verbs_get_ctx(context);
	close(context->cmd_fd);
	context->cmd_fd = -1;
	if (!front->engine.fabric->holds || context_close(&front->engine))
		return 0; /* a child's, or with something left */
	pthread_mutex_destroy(&context->mutex);
	while (front->retired) {
		struct front_pd *pd = front->retired;

		front->retired = pd->next;
		free(pd);
	}
	free(front);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/files.h"
#include "device/verbs/front.h"

#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Device numbers of ours begin where a kernel's do not come. */
#define FIRST_INDEX 0x4e4500

/* --- this process's fabric --- */

enum entered {
	NOT_YET,
	ENTERED,
	NOWHERE, /* tried in vain */
};

static pthread_mutex_t enter_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int entered;
static struct fabric *own_fabric; /* one more after each fork() */

/* Made once, and never freed: a program may keep a pointer to one. */
static struct front_device *devices[SETTINGS_DEVICES];
static _Atomic uint32_t device_count;

void front_say(const char *fmt, ...)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	char text[1200];
	va_list args;

	if (atomic_flag_test_and_set(&said))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "netemu: %s\n", text);
}

static struct front_device *make_device(const struct shared_device *shared, uint32_t index)
{
	struct front_device *front = calloc(1, sizeof(*front));
	struct ibv_device *device = front ? &front->device : NULL;

	if (!front)
		return NULL;
	front->index = index;
	device->node_type = IBV_NODE_CA;
	device->transport_type = IBV_TRANSPORT_IB;
	snprintf(device->name, sizeof(device->name), "%s", shared->name);
	snprintf(device->dev_name, sizeof(device->dev_name), "uverbs_%s", shared->name);
	snprintf(device->dev_path, sizeof(device->dev_path), "/sys/class/infiniband_verbs/%s",
		 device->dev_name);
	snprintf(device->ibdev_path, sizeof(device->ibdev_path), "/sys/class/infiniband/%s",
		 shared->name);
	return front;
}

static const struct shared_node *own_node(const struct fabric *fabric)
{
	const struct shared_node *nodes =
		segment_at(&fabric->segment, fabric->segment.header->nodes_at);

	return nodes + fabric->node;
}

/* A child that enters a fabric anew finds those of its parent. */
static void make_devices(struct fabric *fabric)
{
	const struct shared_node *node = own_node(fabric);
	uint32_t count = device_count;

	for (; count < node->devices && count < SETTINGS_DEVICES; count++) {
		devices[count] = make_device(fabric_device(fabric, node->first + count), count);
		if (!devices[count])
			break;
	}
	device_count = count;
}

/* --- fork and exit --- */

static void before_fork(void)
{
	pthread_mutex_lock(&enter_lock);
}

static void after_fork_parent(void)
{
	pthread_mutex_unlock(&enter_lock);
}

/* A child has no place in the fabric (which sees to that itself); it gets one of its
 * own when it asks for one.
 */
static void after_fork_child(void)
{
	if (entered == ENTERED)
		entered = NOT_YET;
	pthread_mutex_unlock(&enter_lock);
}

static __attribute__((destructor)) void leave(void)
{
	if (entered != ENTERED)
		return;
	entered = NOWHERE;
	progress_stop(own_fabric);
	fabric_leave(own_fabric);
}

static void say_full(uint64_t bytes)
{
	front_say("no %" PRIu64 " bytes of shared memory are left for the device", bytes);
}

static void enter(void)
{
	struct fabric *fabric = calloc(1, sizeof(*fabric));
	static bool prepared;
	struct err err = { "" };

	if (!prepared && pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0)
		prepared = true;
	if (!fabric || !prepared || fabric_enter(fabric, &err) < 0) {
		if (errno != ENODEV)
			front_say("%s", err.text);
		free(fabric);
		entered = NOWHERE;
		return;
	}
	if (progress_start(fabric) < 0) {
		fabric_leave(fabric);
		free(fabric);
		entered = NOWHERE;
		return;
	}
	fabric->segment.full = say_full;
	make_devices(fabric);
	own_fabric = fabric;
	entered = ENTERED;
}

struct fabric *front_fabric(void)
{
	int state = entered;

	if (state == NOT_YET) {
		pthread_mutex_lock(&enter_lock);
		if (entered == NOT_YET)
			enter();
		state = entered;
		pthread_mutex_unlock(&enter_lock);
	}
	return state == ENTERED ? own_fabric : NULL;
}

bool front_owns_device(const struct ibv_device *device)
{
	uint32_t count = atomic_load_explicit(&device_count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if (device == &devices[i]->device)
			return true;
	return false;
}

struct front_device *front_device_by_index(uint32_t index)
{
	return front_fabric() && index < device_count ? devices[index] : NULL;
}

/* The shared record of one of ours; NULL when this process is in no fabric. */
static struct shared_device *shared_device(const struct ibv_device *device)
{
	struct fabric *fabric = front_fabric();

	return fabric ? fabric_device(fabric, own_node(fabric)->first +
						      ((const struct front_device *)device)->index)
		      : NULL;
}

/* --- lists --- */

#define LIST_MAGIC "netemu list"

/* Behind a list and its NULL.  A program may give a list back with free() alone. */
struct list_tail {
	char magic[sizeof(LIST_MAGIC)];
	struct ibv_device **real; /* the other library's list */
};

static struct ibv_device **real_list(int *count)
{
	__typeof__(&ibv_get_device_list) next = REAL(ibv_get_device_list);
	struct ibv_device **list = NULL;

	*count = 0;
	if (!next) {
		errno = ENOSYS;
		return NULL;
	}
	files_pause();
	list = next(count);
	files_resume();
	return list;
}

static void free_real(struct ibv_device **list)
{
	if (list)
		REAL(ibv_free_device_list)(list);
}

/* Ours first: who asks for an emulated device and takes the first one gets it.  When
 * libibverbs itself asks (as ibv_import_device() does) there are only its own.
 */
EXPORT struct ibv_device **ibv_get_device_list(int *count)
{
	struct ibv_device **real, **list;
	struct list_tail *tail;
	uint32_t own;
	int others;

	if (files_paused())
		return REAL(ibv_get_device_list)(count);
	own = front_fabric() ? device_count : 0;
	real = real_list(&others);
	if (!real && !own)
		return NULL;
	list = calloc(1, (own + others + 1) * sizeof(*list) + sizeof(*tail));
	if (!list) {
		free_real(real);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < own; i++)
		list[i] = &devices[i]->device;
	for (int i = 0; i < others; i++)
		list[own + i] = real[i];
	tail = (struct list_tail *)(list + own + others + 1);
	memcpy(tail->magic, LIST_MAGIC, sizeof(tail->magic));
	tail->real = real;
	if (count)
		*count = (int)own + others;
	return list;
}

EXPORT void ibv_free_device_list(struct ibv_device **list)
{
	struct ibv_device **end = list;
	struct list_tail *tail;

	if (files_paused()) {
		free_real(list);
		return;
	}
	while (*end)
		end++;
	tail = (struct list_tail *)(end + 1);
	if (memcmp(tail->magic, LIST_MAGIC, sizeof(tail->magic)) != 0) {
		free_real(list);
		return;
	}
	free_real(tail->real);
	free(list);
}

/* --- what a device says of itself --- */

EXPORT const char *ibv_get_device_name(struct ibv_device *device)
{
	if (!front_owns_device(device))
		return REAL(ibv_get_device_name)(device);
	return device->name;
}

EXPORT __be64 ibv_get_device_guid(struct ibv_device *device)
{
	struct shared_device *shared;

	if (!front_owns_device(device))
		return REAL(ibv_get_device_guid)(device);
	shared = shared_device(device);
	return shared ? htobe64(shared->guid) : 0;
}

EXPORT int ibv_get_device_index(struct ibv_device *device)
{
	__typeof__(&ibv_get_device_index) next;

	if (front_owns_device(device))
		return FIRST_INDEX + (int)((struct front_device *)device)->index;
	next = REAL(ibv_get_device_index);
	return next ? next(device) : -1;
}

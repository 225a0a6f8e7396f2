/* SPDX-License-Identifier: Apache-2.0 */
#include "device/fabric.h"

#include "device/event.h"
#include "device/hold.h"
#include "device/lock.h"
#include "device/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The place of who only looks, so that nobody has to ask whether it has one. */
static struct shared_process looker;

static void clear(struct fabric *fabric, const char *path)
{
	memset(fabric, 0, sizeof(*fabric));
	snprintf(fabric->path, sizeof(fabric->path), "%s", path);
	fabric->dir_fd = fabric->lock_fd = fabric->segment.fd = -1;
	fabric->self = fabric->segment.self = FABRIC_PROCESSES;
	fabric->process = &looker;
}

static void close_all(struct fabric *fabric)
{
	event_release(fabric);
	segment_close(&fabric->segment);
	if (fabric->lock_fd >= 0)
		hold_close(fabric->lock_fd);
	if (fabric->dir_fd >= 0)
		close(fabric->dir_fd);
	fabric->dir_fd = fabric->lock_fd = -1;
}

/* A directory that others can write to, or that others have made, is none of ours. */
static int open_directory(struct fabric *fabric, struct err *err)
{
	struct stat st;

	fabric->dir_fd = open(fabric->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fabric->dir_fd < 0 || fstat(fabric->dir_fd, &st))
		return err_errno(err, "unable to open fabric '%s'", fabric->path);
	if (st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
		return 0;
	errno = EPERM;
	return err_set(err, "'%s' is no fabric of this user: not owner with mode 0700",
		       fabric->path);
}

/* --- making one --- */

static int write_settings(struct shared_header *header, const char *name,
			  const struct device_settings *settings, struct err *err)
{
	char *text = device_settings_format(settings);
	size_t length = text ? strlen(text) : 0;

	if (!text)
		return err_errno(err, "unable to write settings");
	if (length < sizeof(header->settings))
		memcpy(header->settings, text, length + 1);
	free(text);
	if (length >= sizeof(header->settings))
		return err_set(err, "settings of %zu bytes, more than %zu", length,
			       sizeof(header->settings) - 1);
	if (!*name || strlen(name) >= sizeof(header->name))
		return err_set(err, "'%s' is no name of a fabric: not 1 to %zu bytes", name,
			       sizeof(header->name) - 1);
	strcpy(header->name, name);
	header->seed = settings->seed;
	atomic_store(&header->latency, settings->latency);
	atomic_store(&header->jitter, settings->jitter);
	header->uid = geteuid();
	return 0;
}

static int fill(struct fabric *fabric, const char *name, const struct fabric_node *nodes,
		uint32_t count, const struct device_settings *settings, struct err *err)
{
	struct shared_header *header = fabric->segment.header;

	if (write_settings(header, name, settings, err) ||
	    identity_make(fabric, nodes, count, settings, err))
		return -1;
	if (net_star(fabric, settings))
		return errno == EINVAL && settings->topology
			       ? err_set(err,
					 "topology='%s': not a network of %u nodes, or not "
					 "worked out; see netemu device run",
					 settings->topology, count)
			       : err_errno(err, "the links of a fabric");
	atomic_store(&header->ready, 1);
	return 0;
}

static int make_files(struct fabric *fabric, struct err *err)
{
	if (open_directory(fabric, err))
		return -1;
	fabric->lock_fd = hold_open(fabric->dir_fd, "locks", true);
	if (fabric->lock_fd < 0 || hold_take(fabric->lock_fd, HOLD_MAKER, false))
		return err_errno(err, "unable to make '%s/locks'", fabric->path);
	if (segment_create(&fabric->segment, fabric->dir_fd, "segment", err))
		return -1;
	fabric->segment.fabric = fabric;
	return 0;
}

int fabric_create(char *path, size_t size, const char *dir, const char *name,
		  const struct fabric_node *nodes, uint32_t count,
		  const struct device_settings *settings, struct err *err)
{
	struct fabric *fabric = calloc(1, sizeof(*fabric));
	char shm[sizeof(fabric->path)], made[sizeof(fabric->path)];
	int rc = -1;

	if (!fabric)
		return err_errno(err, "unable to make a fabric");
	if ((dir ? snprintf(shm, sizeof(shm), "%s", dir) >= (int)sizeof(shm) - 16
		 : fabric_shm(shm, sizeof(shm), err))) {
		if (dir)
			err_set(err, "'%s' is too long a name", dir);
		free(fabric);
		return -1;
	}
	snprintf(made, sizeof(made), "%.110s/netemu-XXXXXX", shm);
	if (mkdtemp(made)) {
		clear(fabric, made);
		rc = make_files(fabric, err);
		if (!rc)
			rc = fill(fabric, name, nodes, count, settings, err);
		if (rc)
			fabric_remove(fabric->dir_fd, made);
		close_all(fabric);
	} else {
		err_errno(err, "unable to make '%s'", made);
	}
	free(fabric);
	if (!rc && snprintf(path, size, "%s", made) >= (int)size)
		rc = err_set(err, "'%s' is too long a name", made);
	return rc;
}

/* --- joining --- */

static int open_files(struct fabric *fabric, struct err *err)
{
	if (open_directory(fabric, err))
		return -1;
	fabric->lock_fd = hold_open(fabric->dir_fd, "locks", false);
	if (fabric->lock_fd < 0)
		return err_errno(err, "unable to open '%s/locks'", fabric->path);
	if (segment_open(&fabric->segment, fabric->dir_fd, "segment", err))
		return -1;
	fabric->segment.fabric = fabric;
	if (atomic_load(&fabric->segment.header->ready) == 1)
		return 0;
	errno = ENOENT;
	return err_set(err, "fabric '%s' is not there yet, or no more", fabric->path);
}

static int take_part(struct fabric *fabric, uint32_t node, bool hold, struct err *err)
{
	if (hold && node >= fabric->segment.header->nodes) {
		errno = EINVAL;
		return err_set(err, "node %u of fabric '%s', which has %u", node, fabric->path,
			       fabric->segment.header->nodes);
	}
	fabric->node = node;
	if (process_know(fabric))
		return err_errno(err, "unable to join fabric '%s'", fabric->path);
	if (!hold || process_join(fabric) == 0)
		return 0;
	process_unknow(fabric);
	if (errno == EAGAIN)
		return err_set(err, "fabric '%s' has its %d processes", fabric->path,
			       FABRIC_PROCESSES);
	return err_errno(err, "unable to join fabric '%s'", fabric->path);
}

int fabric_join(struct fabric *fabric, const char *path, uint32_t node, bool hold, struct err *err)
{
	int saved;

	if (strlen(path) >= sizeof(fabric->path)) {
		errno = ENAMETOOLONG;
		return err_set(err, "'%s' is too long a name", path);
	}
	clear(fabric, path);
	pthread_mutex_init(&fabric->contexts, NULL);
	if (open_files(fabric, err) == 0 && take_part(fabric, node, hold, err) == 0)
		return 0;
	saved = errno;
	close_all(fabric);
	errno = saved;
	return -1;
}

int fabric_hold(struct fabric *fabric)
{
	struct stat st;

	if (hold_take(fabric->lock_fd, HOLD_HELPER, true))
		return -1;
	if (fstat(fabric->lock_fd, &st) == 0 && st.st_nlink &&
	    atomic_load(&fabric->segment.header->ready) == 1) {
		fabric->helps = true;
		return 0;
	}
	hold_drop(fabric->lock_fd, HOLD_HELPER);
	errno = ENOENT;
	return -1;
}

/* Zeros of our own where the segment was, as far as anybody has had a pointer into it. */
static void detach(struct segment *segment)
{
	char *start = (char *)segment->header;
	size_t used = atomic_load(&segment->header->size);

	if (used > segment->mapped)
		used = segment->mapped;
	munmap(start + used, segment->mapped - used);
	segment->mapped = used;
	if (mmap(start, used, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0) == start)
		return;
	/* what is not there is better than what is the parent's */
	munmap(start, used);
	segment->header = NULL;
}

void fabric_leave(struct fabric *fabric)
{
	bool held = fabric->holds || fabric->helps;

	if (!fabric->segment.header)
		return;
	if (fabric->holds)
		process_leave(fabric);
	fabric->process = &looker;
	if (fabric->helps)
		hold_drop(fabric->lock_fd, HOLD_HELPER);
	fabric->helps = false;
	process_unknow(fabric);
	/* also who goes at the same time may find itself the last one */
	if (held && hold_all(fabric->lock_fd))
		fabric_end(fabric->dir_fd, fabric->path, fabric->segment.header);
	/* at exit() other threads may still look into it */
	if (held) {
		detach(&fabric->segment);
		close(fabric->segment.fd);
		fabric->segment.header = NULL;
	}
	close_all(fabric);
}

/* Called in the child, where this thread is the only one; see hold_after_fork() for
 * the file of locks.
 */
void fabric_forget(struct fabric *fabric)
{
	struct segment *segment = &fabric->segment;

	if (!segment->header)
		return;
	if (fabric->forget)
		fabric->forget(fabric);
	event_release(fabric);
	fabric->process = &looker;
	fabric->self = segment->self = FABRIC_PROCESSES;
	fabric->holds = fabric->helps = false;
	close(segment->fd);
	close(fabric->dir_fd);
	segment->fd = fabric->dir_fd = fabric->lock_fd = -1;
	detach(segment);
}

/* --- services --- */

static void lock_services(struct fabric *fabric)
{
	lock_take(fabric, &fabric->segment.header->service_lock, fabric->self);
}

static void unlock_services(struct fabric *fabric)
{
	lock_drop(&fabric->segment.header->service_lock);
}

/* Its place, when it is listened on by a process that lives. */
static struct shared_service *service_at(struct fabric *fabric, uint32_t node, uint64_t number)
{
	struct shared_header *header = fabric->segment.header;

	for (uint32_t i = 0; i < FABRIC_SERVICES; i++) {
		struct shared_service *service = &header->service[i];
		uint32_t process = atomic_load(&service->process);

		if (process && service->node == node && service->service == number &&
		    fabric_alive(fabric, process - 1))
			return service;
	}
	return NULL;
}

static struct shared_service *service_free(struct fabric *fabric)
{
	struct shared_header *header = fabric->segment.header;

	for (uint32_t i = 0; i < FABRIC_SERVICES; i++) {
		uint32_t process = atomic_load(&header->service[i].process);

		if (!process || !fabric_alive(fabric, process - 1))
			return &header->service[i];
	}
	return NULL;
}

int service_add(struct fabric *fabric, uint32_t node, uint64_t number)
{
	struct shared_service *service = NULL;

	lock_services(fabric);
	errno = EADDRINUSE;
	if (!service_at(fabric, node, number)) {
		service = service_free(fabric);
		errno = ENOMEM;
	}
	if (service) {
		atomic_store(&service->process, 0);
		service->node = node;
		service->service = number;
		atomic_store(&service->process, fabric->self + 1);
	}
	unlock_services(fabric);
	return service ? 0 : -1;
}

void service_remove(struct fabric *fabric, uint32_t node, uint64_t number)
{
	struct shared_service *service;

	lock_services(fabric);
	service = service_at(fabric, node, number);
	if (service && atomic_load(&service->process) == fabric->self + 1)
		atomic_store(&service->process, 0);
	unlock_services(fabric);
}

uint32_t service_find(struct fabric *fabric, uint32_t node, uint64_t number)
{
	struct shared_service *service;
	uint32_t process = UINT32_MAX;

	lock_services(fabric);
	service = service_at(fabric, node, number);
	if (service)
		process = atomic_load(&service->process) - 1;
	unlock_services(fabric);
	return process;
}

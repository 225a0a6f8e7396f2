/* SPDX-License-Identifier: Apache-2.0 */
#include "device/event.h"

#include "device/lock.h"
#include "device/section.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Records as the kernel's <rdma/ib_user_verbs.h> has them. */
struct comp_record {
	uint64_t handle;
};

struct async_record {
	uint64_t element;
	uint32_t type;
	uint32_t reserved;
};

#define FIFOS       64 /* held open at once */
#define RECORDS_PER 8  /* of a completion queue, that nobody has read yet */
#define PORT        1  /* the only one */
#define NAME_SIZE   64

/* A FIFO that is open for writing.  Who it is of is known by its inode, too: a program
 * may close descriptors that it has not opened, and open others.
 */
struct fifo {
	char name[NAME_SIZE];
	int fd; /* + 1; 0: none */
	dev_t dev;
	ino_t inode;
};

struct fifo_cache {
	pthread_mutex_t lock;
	struct fifo fifo[FIFOS];
};

/* --- descriptors; by syscall(), which is no cancellation point --- */

static int open_fifo(struct fabric *fabric, const char *name, int flags)
{
	return (int)syscall(SYS_openat, fabric->dir_fd, name,
			    O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags);
}

static bool is_same(const struct fifo *fifo)
{
	struct stat st;

	return !fstat(fifo->fd - 1, &st) && S_ISFIFO(st.st_mode) && st.st_dev == fifo->dev &&
	       st.st_ino == fifo->inode;
}

static void close_one(struct fifo *fifo)
{
	if (fifo->fd && is_same(fifo))
		syscall(SYS_close, fifo->fd - 1);
	fifo->fd = 0;
}

static int fill_in(struct fabric *fabric, struct fifo *fifo, const char *name)
{
	struct stat st;
	int fd = open_fifo(fabric, name, O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st)) {
		close(fd);
		return -1;
	}
	snprintf(fifo->name, sizeof(fifo->name), "%s", name);
	fifo->dev = st.st_dev;
	fifo->inode = st.st_ino;
	fifo->fd = fd + 1;
	return fd;
}

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return h % FIFOS;
}

/* The descriptor of the FIFO NAME, or -1.  The cache's lock is held. */
static int fifo_fd(struct fabric *fabric, const char *name)
{
	struct fifo *fifo = &fabric->fifos->fifo[hash(name)];

	if (fifo->fd && !strcmp(fifo->name, name) && is_same(fifo))
		return fifo->fd - 1;
	close_one(fifo);
	return fill_in(fabric, fifo, name);
}

static void close_fifo(struct fifo_cache *fifos, const char *name)
{
	struct fifo *fifo = &fifos->fifo[hash(name)];

	pthread_mutex_lock(&fifos->lock);
	if (!strcmp(fifo->name, name))
		close_one(fifo);
	pthread_mutex_unlock(&fifos->lock);
}

/* Made on first use; of two threads that make one the first counts.  (Without a lock:
 * a fork may come at any time.)
 */
static struct fifo_cache *cache(struct fabric *fabric)
{
	struct fifo_cache *fifos = __atomic_load_n(&fabric->fifos, __ATOMIC_ACQUIRE), *none = NULL;

	if (fifos)
		return fifos;
	fifos = calloc(1, sizeof(*fifos));
	if (!fifos)
		return NULL;
	pthread_mutex_init(&fifos->lock, NULL);
	if (__atomic_compare_exchange_n(&fabric->fifos, &none, fifos, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return fifos;
	free(fifos);
	return none;
}

void event_release(struct fabric *fabric)
{
	struct fifo_cache *fifos = fabric->fifos;

	if (!fifos)
		return;
	for (uint32_t i = 0; i < FIFOS; i++)
		close_one(&fifos->fifo[i]);
	fabric->fifos = NULL;
	free(fifos);
}

/* --- records --- */

static bool grow(int fd, int size)
{
	return fcntl(fd, F_SETPIPE_SZ, size) >= 0;
}

static bool write_fd(int fd, const void *record, size_t size)
{
	long done = syscall(SYS_write, fd, record, size);

	if (done < 0 && errno == EAGAIN) {
		if (grow(fd, 2 * fcntl(fd, F_GETPIPE_SZ)))
			done = syscall(SYS_write, fd, record, size);
		else
			errno = EAGAIN; /* and not why it does not grow */
	}
	return done == (long)size;
}

/* Write RECORD to the FIFO NAME.  Returns 0, or an error number: EAGAIN when there is
 * no room.  errno stays.
 */
static int write_fifo(struct fabric *fabric, const char *name, const void *record, size_t size)
{
	struct fifo_cache *fifos = cache(fabric);
	int saved = errno, rc = 0, fd;

	if (!fifos)
		return ENOMEM;
	pthread_mutex_lock(&fifos->lock);
	fd = fifo_fd(fabric, name);
	if (fd < 0 || !write_fd(fd, record, size))
		rc = errno;
	pthread_mutex_unlock(&fifos->lock);
	errno = saved;
	return rc;
}

static void channel_name(char *name, const struct shared_channel *channel)
{
	snprintf(name, NAME_SIZE, "event.%u.%u", channel->head.owner, channel->file);
}

static int write_channel(struct fabric *fabric, struct shared_channel *channel, const void *record,
			 size_t size)
{
	char name[NAME_SIZE];
	int rc;

	channel_name(name, channel);
	lock_take(fabric, &channel->lock, fabric->self);
	rc = write_fifo(fabric, name, record, size);
	lock_drop(&channel->lock);
	return rc;
}

/* --- channels --- */

static int make_fifo(struct fabric *fabric, const struct shared_channel *channel)
{
	char name[NAME_SIZE];
	int fd, saved;

	channel_name(name, channel);
	if (mkfifoat(fabric->dir_fd, name, 0600))
		return -1;
	fd = open_fifo(fabric, name, 0);
	if (fd < 0) {
		saved = errno;
		unlinkat(fabric->dir_fd, name, 0);
		errno = saved;
	}
	return fd;
}

struct shared_channel *channel_create(struct fabric *fabric, uint32_t device,
				      enum channel_kind kind, int *fd)
{
	struct shared_table *table = &fabric_device(fabric, device)->channel;
	struct shared_channel *channel;
	uint32_t number;
	int saved;

	channel = (struct shared_channel *)table_add(&fabric->segment, table, &number);
	if (!channel)
		return NULL;
	channel->file = atomic_fetch_add(&fabric->segment.header->next_file, 1);
	channel->kind = kind;
	*fd = make_fifo(fabric, channel);
	if (*fd < 0) {
		saved = errno;
		table_remove(&fabric->segment, table, &channel->head);
		errno = saved;
		return NULL;
	}
	table_publish(&channel->head, number);
	return channel;
}

void channel_destroy(struct fabric *fabric, uint32_t device, struct shared_channel *channel, int fd)
{
	char name[NAME_SIZE];

	table_hide(&channel->head);
	section_wait(fabric);
	channel_name(name, channel);
	if (fd >= 0)
		close(fd);
	if (fabric->fifos)
		close_fifo(fabric->fifos, name);
	unlinkat(fabric->dir_fd, name, 0);
	table_remove(&fabric->segment, &fabric_device(fabric, device)->channel, &channel->head);
}

void channel_complete(struct fabric *fabric, struct shared_channel *channel, struct shared_cq *cq)
{
	struct comp_record record = { .handle = cq->handle };
	int rc = write_channel(fabric, channel, &record, sizeof(record));

	if (!rc)
		atomic_fetch_add(&cq->events, 1);
	if (rc == EAGAIN) {
		atomic_fetch_add(&cq->owed, 1);
		atomic_fetch_add(&channel->owed, 1);
	}
}

bool channel_async(struct fabric *fabric, struct shared_channel *channel, enum event_type type,
		   uint64_t handle, _Atomic uint32_t *count)
{
	struct async_record record = { .element = handle, .type = type };

	if (write_channel(fabric, channel, &record, sizeof(record)))
		return false;
	if (count)
		atomic_fetch_add(count, 1);
	return true;
}

void channel_reserve(struct fabric *fabric, struct shared_channel *channel, int fd, uint32_t cqs)
{
	uint64_t bytes = (uint64_t)cqs * RECORDS_PER * sizeof(struct comp_record);
	int size = fcntl(fd, F_GETPIPE_SZ);

	lock_take(fabric, &channel->lock, fabric->self);
	for (; size > 0 && (uint64_t)size < bytes; size *= 2)
		if (size > INT32_MAX / 2 || !grow(fd, 2 * size))
			break;
	lock_drop(&channel->lock);
}

/* What is owed to CQ, as long as there is room. */
static void pay_cq(struct fabric *fabric, struct shared_channel *channel, struct shared_cq *cq)
{
	uint32_t owed;

	lock_take(fabric, &cq->lock, fabric->self);
	owed = atomic_exchange(&cq->owed, 0);
	atomic_fetch_sub(&channel->owed, owed);
	while (owed && !atomic_load(&cq->owed)) {
		owed--;
		channel_complete(fabric, channel, cq);
	}
	/* the first that found no room stands in cq->owed again, those behind it not yet */
	atomic_fetch_add(&cq->owed, owed);
	atomic_fetch_add(&channel->owed, owed);
	lock_drop(&cq->lock);
}

void channel_pay(struct fabric *fabric, uint32_t device, struct shared_channel *channel)
{
	const struct segment *segment = &fabric->segment;
	const struct shared_table *table = &fabric_device(fabric, device)->cq;
	uint64_t at = segment_offset(segment, channel);
	_Atomic uint64_t *section;
	struct shared_head *head;
	uint32_t index = 0;

	if (!atomic_load_explicit(&channel->owed, memory_order_relaxed))
		return;
	section = section_enter(fabric);
	while ((head = table_next(segment, table, &index))) {
		struct shared_cq *cq = (struct shared_cq *)head;

		if (cq->channel_at == at && atomic_load(&cq->owed))
			pay_cq(fabric, channel, cq);
	}
	section_leave(section);
}

static size_t record_size(const struct shared_channel *channel)
{
	return channel->kind == CHANNEL_ASYNC ? sizeof(struct async_record)
					      : sizeof(struct comp_record);
}

/* Read all that is in FD, write back what is not of HANDLE: both kinds of records
 * begin with it.
 */
static uint32_t purge_fd(int fd, size_t size, uint64_t handle)
{
	uint32_t purged = 0;
	int waiting = 0;
	char *records;
	long bytes;

	if (ioctl(fd, FIONREAD, &waiting) || waiting <= 0)
		return 0;
	records = malloc((size_t)waiting);
	if (!records)
		return 0;
	bytes = syscall(SYS_read, fd, records, (size_t)waiting);
	for (long i = 0; i + (long)size <= bytes; i += (long)size) {
		uint64_t whose;

		memcpy(&whose, records + i, sizeof(whose));
		if (whose == handle)
			purged++;
		else
			write_fd(fd, records + i, size);
	}
	free(records);
	return purged;
}

uint32_t channel_purge(struct fabric *fabric, struct shared_channel *channel, uint64_t handle)
{
	struct fifo_cache *fifos = cache(fabric);
	char name[NAME_SIZE];
	uint32_t purged = 0;
	int fd;

	if (!fifos)
		return 0;
	channel_name(name, channel);
	lock_take(fabric, &channel->lock, fabric->self);
	pthread_mutex_lock(&fifos->lock);
	fd = fifo_fd(fabric, name);
	if (fd >= 0)
		purged = purge_fd(fd, record_size(channel), handle);
	pthread_mutex_unlock(&fifos->lock);
	lock_drop(&channel->lock);
	return purged;
}

void channel_port_event(struct fabric *fabric, uint32_t device, enum event_type type)
{
	const struct segment *segment = &fabric->segment;
	const struct shared_table *table = &fabric_device(fabric, device)->channel;
	_Atomic uint64_t *section = section_enter(fabric);
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = table_next(segment, table, &index))) {
		struct shared_channel *channel = (struct shared_channel *)head;

		if (channel->kind == CHANNEL_ASYNC)
			channel_async(fabric, channel, type, PORT, NULL);
	}
	section_leave(section);
}

/* --- wake-up --- */

void event_wake(struct fabric *fabric, uint32_t process)
{
	_Atomic uint32_t *asleep = &fabric->segment.header->process[process].asleep;

	if (atomic_load(asleep) && atomic_exchange(asleep, 0))
		syscall(SYS_futex, asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
}

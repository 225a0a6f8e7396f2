/* SPDX-License-Identifier: Apache-2.0 */
#include "device/segment.h"

#include "device/fabric.h"
#include "device/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_MOST   (1ULL << 36) /* 64 GiB */
#define PAGE       4096ULL
#define STEP_LEAST (1ULL << 20)
#define STEP_MOST  (64ULL << 20)
#define SMALLEST   6 /* class of 64 bytes */
#define PAGE_CLASS 12
#define CLASSES    48

/* --- the file --- */

/* Allocate the file up to SIZE.  With signals blocked: one that came again and
 * again would interrupt it each time, and SIGXFSZ would end the program.
 * Returns 0 or an error number.
 */
static int allocate(int fd, uint64_t from, uint64_t size)
{
	struct timespec now = { 0 };
	sigset_t all, before, pending, xfsz;
	int rc;

	sigfillset(&all);
	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	sigpending(&pending);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	do
		rc = posix_fallocate(fd, (off_t)from, (off_t)(size - from));
	while (rc == EINTR);
	if (rc == EFBIG && !sigismember(&pending, SIGXFSZ))
		sigtimedwait(&xfsz, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* How much to map at first: the program may have a limit, and needs most of it. */
static uint64_t map_most(uint64_t needed)
{
	uint64_t size = MAP_MOST;
	struct rlimit limit;

	if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY) {
		while (size > limit.rlim_cur / 4)
			size /= 2;
	}
	while (size < needed)
		size = size ? size * 2 : PAGE;
	return size;
}

/* Map as much as may be, at least NEEDED bytes. */
static int map(struct segment *segment, uint64_t needed)
{
	for (uint64_t size = map_most(needed); size >= needed; size /= 2) {
		void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
				 segment->fd, 0);

		if (map == MAP_FAILED)
			continue;
		/* a core file would have all of it, and a fork copy its tables */
		madvise(map, size, MADV_DONTDUMP);
		segment->header = map;
		segment->mapped = size;
		return 0;
	}
	errno = ENOMEM;
	return -1;
}

static uint64_t header_bytes(void)
{
	return (sizeof(struct shared_header) + PAGE - 1) / PAGE * PAGE;
}

static void write_header(struct segment *segment)
{
	struct shared_header *header = segment->header;

	memcpy(header->magic, LAYOUT_MAGIC, sizeof(header->magic));
	header->version = LAYOUT_VERSION;
	header->header_size = sizeof(*header);
	header->brk = header_bytes();
	atomic_store(&header->limit, segment->mapped);
	atomic_store(&header->size, header_bytes());
}

int segment_create(struct segment *segment, int dir_fd, const char *name, struct err *err)
{
	int rc;

	*segment = (struct segment){ .self = FABRIC_PROCESSES };
	segment->fd =
		openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (segment->fd < 0)
		return err_errno(err, "unable to make '%s'", name);
	rc = allocate(segment->fd, 0, header_bytes());
	if (rc) {
		errno = rc;
		err_errno(err, "unable to allocate '%s'", name);
	} else if (map(segment, 2 * header_bytes())) {
		rc = err_errno(err, "unable to map '%s'", name);
	}
	if (rc) {
		close(segment->fd);
		unlinkat(dir_fd, name, 0);
		return -1;
	}
	write_header(segment);
	return 0;
}

/* The file must not grow beyond what is mapped here from now on, and must not have
 * by now: who makes it grow looks at `limit` once more when it has.
 */
static bool agree_limit(struct segment *segment, uint64_t *size)
{
	_Atomic uint64_t *limit = &segment->header->limit;
	uint64_t seen = atomic_load(limit);
	struct stat st;

	while (segment->mapped < seen &&
	       !atomic_compare_exchange_weak(limit, &seen, segment->mapped))
		;
	if (fstat(segment->fd, &st))
		return false;
	*size = (uint64_t)st.st_size;
	return *size <= segment->mapped;
}

static int check_header(struct segment *segment, const char *name, struct err *err)
{
	const struct shared_header *header = segment->header;
	uint64_t size = 0;

	if (memcmp(header->magic, LAYOUT_MAGIC, sizeof(header->magic)))
		return err_set(err, "'%s' is no segment of a fabric", name);
	if (header->version != LAYOUT_VERSION || header->header_size != sizeof(*header))
		return err_set(err, "'%s' is of another version of netemu", name);
	if (!agree_limit(segment, &size))
		return err_set(err, "'%s' has %llu bytes, more than can be mapped (ulimit -v)",
			       name, (unsigned long long)size);
	return 0;
}

int segment_open(struct segment *segment, int dir_fd, const char *name, struct err *err)
{
	struct stat st;

	*segment = (struct segment){ .self = FABRIC_PROCESSES };
	segment->fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (segment->fd < 0)
		return err_errno(err, "unable to open '%s'", name);
	if (fstat(segment->fd, &st) || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < header_bytes()) {
		close(segment->fd);
		return err_set(err, "'%s' is no segment of a fabric", name);
	}
	if (map(segment, (uint64_t)st.st_size)) {
		close(segment->fd);
		return err_errno(err, "unable to map '%s'", name);
	}
	if (check_header(segment, name, err)) {
		segment_close(segment);
		return -1;
	}
	return 0;
}

void segment_close(struct segment *segment)
{
	if (!segment->header)
		return;
	munmap(segment->header, segment->mapped);
	close(segment->fd);
	segment->header = NULL;
	segment->fd = -1;
}

/* --- growing --- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Room for BYTES at brk: a heap of twice the size, or what is needed when that is too
 * much.  The heap's lock is held.
 */
static bool grow(struct segment *segment, uint64_t bytes)
{
	struct shared_header *header = segment->header;
	uint64_t size = atomic_load(&header->size), needed = header->brk + bytes;
	uint64_t limit = atomic_load(&header->limit);
	uint64_t step = min_u64(max_u64(size - header_bytes(), STEP_LEAST), STEP_MOST);
	uint64_t most = min_u64(limit, size + step);

	if (needed <= size)
		return true;
	if (needed > limit)
		return false;
	if (most <= needed || allocate(segment->fd, size, most)) {
		most = needed;
		if (allocate(segment->fd, size, most))
			return false;
	}
	if (most > atomic_load(&header->limit))
		return false;
	atomic_store(&header->size, most);
	return true;
}

/* --- the heap --- */

/* The class of SIZE: blocks of 1 << class bytes. */
static uint32_t class_of(uint64_t size)
{
	uint32_t class = SMALLEST;

	while (class < CLASSES && 1ULL << class < size)
		class ++;
	return class;
}

/* Every list is whole after each store: who dies in between loses a block, no more. */
static void push(struct segment *segment, uint32_t class, uint64_t at)
{
	struct shared_header *header = segment->header;

	*(uint64_t *)segment_at(segment, at) = header->free_at[class];
	__atomic_store_n(&header->free_at[class], at, __ATOMIC_RELEASE);
}

static uint64_t pop(struct segment *segment, uint32_t class)
{
	struct shared_header *header = segment->header;
	uint64_t at = header->free_at[class];

	if (at)
		__atomic_store_n(&header->free_at[class], *(uint64_t *)segment_at(segment, at),
				 __ATOMIC_RELEASE);
	return at;
}

/* Memory that was never used, or 0. */
static uint64_t extend(struct segment *segment, uint64_t bytes)
{
	struct shared_header *header = segment->header;
	uint64_t at = header->brk;

	if (!grow(segment, bytes))
		return 0;
	__atomic_store_n(&header->brk, at + bytes, __ATOMIC_RELEASE);
	return at;
}

/* The lower part of a block of class FROM, cut into halves down to CLASS. */
static uint64_t split(struct segment *segment, uint32_t class, uint32_t from)
{
	uint64_t at = pop(segment, from);

	while (from-- > class)
		push(segment, from, at + (1ULL << from));
	return at;
}

/* A block of CLASS (of pages); FRESH: it is zeros already. */
static uint64_t take_pages(struct segment *segment, uint32_t class, bool *fresh)
{
	uint64_t at = pop(segment, class);

	if (at)
		return at;
	at = extend(segment, 1ULL << class);
	*fresh = at != 0;
	for (uint32_t from = class + 1; !at && from < CLASSES; from++) {
		if (segment->header->free_at[from])
			at = split(segment, class, from);
	}
	return at;
}

/* A block of CLASS, smaller than a page; the rest of a new page goes on the list. */
static uint64_t take_small(struct segment *segment, uint32_t class)
{
	bool fresh = false;
	uint64_t at = pop(segment, class), page;

	if (at)
		return at;
	page = take_pages(segment, PAGE_CLASS, &fresh);
	if (!page)
		return 0;
	for (uint64_t i = PAGE - (1ULL << class); i; i -= 1ULL << class)
		push(segment, class, page + i);
	return page;
}

uint64_t segment_alloc(struct segment *segment, uint64_t size)
{
	uint32_t class = class_of(size);
	bool fresh = false;
	uint64_t at;

	if (class >= CLASSES) {
		errno = ENOMEM;
		return 0;
	}
	lock_take(segment->fabric, &segment->header->heap_lock, segment->self);
	at = class < PAGE_CLASS ? take_small(segment, class) : take_pages(segment, class, &fresh);
	lock_drop(&segment->header->heap_lock);
	if (!at && segment->full)
		segment->full(size);
	if (!at)
		errno = ENOMEM;
	else if (!fresh)
		memset(segment_at(segment, at), 0, 1ULL << class);
	return at;
}

void segment_free(struct segment *segment, uint64_t at, uint64_t size)
{
	if (!at)
		return;
	lock_take(segment->fabric, &segment->header->heap_lock, segment->self);
	push(segment, class_of(size), at);
	lock_drop(&segment->header->heap_lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fabric.h - the processes that see each other's devices
 *
 * A fabric is a directory of mode 0700 in shared memory, <shm>/netemu-<random>,
 * with the segment, a file of locks and the FIFOs of events.  NETEMU_FABRIC
 * names it; without that a process joins the fabric of its user that is called
 * "default" and makes it when there is none.  Its name is found by looking at
 * the directories of that form that the user owns; nobody can guess or squat it.
 *
 * A process lives as long as it holds its byte of the file of locks; pids name
 * it to process_vm_readv() only.  Whoever notices a death clears up
 * (fabric_reap()).  A fabric that nobody holds is removed by the next process
 * that looks for one, unless it is so new that nobody can have joined yet.
 *
 * Who only looks (fabric_join() with HOLD false) takes no lock and makes nothing;
 * a section of it keeps nothing from being freed, but what it reads stays mapped.
 */
#ifndef DEVICE_FABRIC_H
#define DEVICE_FABRIC_H

#include "device/layout.h"
#include "device/segment.h"
#include "device/settings.h"
#include "err.h"

#include <pthread.h>
#include <stdbool.h>

struct fabric {
	struct segment segment;
	char path[128]; /* of the directory */
	int dir_fd, lock_fd;
	uint32_t self; /* this process; FABRIC_PROCESSES: it only looks */
	uint32_t node;
	bool holds;                     /* a place among the processes, and not only a look */
	bool helps;                     /* fabric_hold() */
	struct shared_process *process; /* own; not in the segment for who only looks */
	uint64_t probe;                 /* as shared_process.probe */
	/* Of other processes: generation << 2 | enum reach, found out once. */
	_Atomic uint32_t reach[FABRIC_PROCESSES];
	_Atomic int64_t seen[FABRIC_PROCESSES]; /* alive at (CLOCK_MONOTONIC ns) */
	/* transport=queue: process + 1 whose request is carried out here and not yet
	 * answered; 0: none
	 */
	_Atomic uint32_t answering;
	/* In a child after fork(), before all is forgotten: the shared memory is no
	 * longer to be touched.  NULL, or set by who has threads.
	 */
	void (*forget)(struct fabric *fabric);
	pthread_mutex_t contexts;  /* one is opened or closed */
	struct fabric *next;       /* of this process */
	struct fifo_cache *fifos;  /* event.c */
	struct progress *progress; /* progress.c */
	struct watchdog *watchdog; /* watchdog.c, or NULL */
};

enum reach {
	REACH_UNKNOWN,
	REACH_DIRECT, /* its memory can be read and written */
	REACH_QUEUE,
};

/* A node of a new fabric. */
struct fabric_node {
	const char *host, *name; /* name NULL: as host */
	uint64_t guid;           /* 0: made from the name */
	uint8_t ip[2][16];       /* as shared_node */
};

/* Make the directory below DIR (NULL: where shared memory is) and a segment
 * with NODES nodes as SETTINGS ask, as the fabric NAME.  PATH gets its
 * directory.  Returns 0, or -1 with ERR; nothing is left then.
 */
int fabric_create(char *path, size_t size, const char *dir, const char *name,
		  const struct fabric_node *nodes, uint32_t count,
		  const struct device_settings *settings, struct err *err);

/* Join the fabric in PATH as NODE, or with HOLD false look at it without being
 * one of its processes.  Returns 0, or -1 with ERR.
 */
int fabric_join(struct fabric *fabric, const char *path, uint32_t node, bool hold, struct err *err);

/* Find the fabric of this user with NAME: PATH gets its directory.  Sweeps what
 * nobody holds.  Returns 0, or -1 with errno ENOENT.
 */
int fabric_find(char *path, size_t size, const char *name);

/* Join the fabric of this user with NAME as NODE; when there is none, MAKE makes it
 * (as fabric_create(), whose PATH and SIZE it is given): of all who ask at a time
 * one makes it.  Returns 0, or -1 with ERR.
 */
typedef int fabric_make_fn(void *arg, char *path, size_t size, struct err *err);
int fabric_obtain(struct fabric *fabric, const char *name, uint32_t node, fabric_make_fn *make,
		  void *arg, struct err *err);

/* What a preloaded library does: NETEMU_FABRIC (a directory, or a name) and
 * NETEMU_NODE, or the user's default fabric, made as NETEMU asks when there is
 * none yet.
 */
int fabric_enter(struct fabric *fabric, struct err *err);

/* Of who only looks: keep the fabric from being removed, until fabric_leave().
 * Returns 0, or -1 with errno.
 */
int fabric_hold(struct fabric *fabric);

/* Leave: destroy what this process owns.  The last to leave a fabric that no
 * helper holds removes it.
 */
void fabric_leave(struct fabric *fabric);

/* In a child after fork(), done by itself: close the descriptors, destroy nothing.
 * What was shared memory reads as zeros from then on, and what is written to it
 * reaches nobody.
 */
void fabric_forget(struct fabric *fabric);

/* Is PROCESS alive?  Looks at its lock at most once a millisecond. */
bool fabric_alive(struct fabric *fabric, uint32_t process);

/* How its memory can be reached; the first time it tries. */
enum reach fabric_reach(struct fabric *fabric, uint32_t process);

/* It could not be, after all. */
void fabric_unreach(struct fabric *fabric, uint32_t process);

/* Clear up behind PROCESS if it has died: queue pairs, keys, queues.  No lock is
 * held, and not in a section.
 */
void fabric_reap(struct fabric *fabric, uint32_t process);

/* Directories of this user's fabrics, one call of EACH per fabric.  Returns the
 * first value that is not 0, or 0.
 */
int fabric_each(int (*each)(void *arg, const char *path), void *arg);

/* Listen on SERVICE of NODE: -1 with errno EADDRINUSE or ENOMEM.  Find who does:
 * the process, or UINT32_MAX.
 */
int service_add(struct fabric *fabric, uint32_t node, uint64_t service);
void service_remove(struct fabric *fabric, uint32_t node, uint64_t service);
uint32_t service_find(struct fabric *fabric, uint32_t node, uint64_t service);

static inline struct shared_device *fabric_device(const struct fabric *fabric, uint32_t device)
{
	struct shared_header *header = fabric->segment.header;

	return (struct shared_device *)segment_at(&fabric->segment, header->devices_at) + device;
}

/* --- inside the engine --- */

/* Take a place among the processes (process.c): 0, or -1 with errno ENOENT (the
 * fabric has gone) or EAGAIN (no place is free).  And give it back, with all
 * that this process owns.
 */
int process_join(struct fabric *fabric);
void process_leave(struct fabric *fabric);

/* Known to fork(), from when it has been opened to when it is closed. */
int process_know(struct fabric *fabric);
void process_unknow(struct fabric *fabric);

/* Destroy what PROCESS owns (reap.c); it is dead, or this one. */
void process_clear(struct fabric *fabric, uint32_t process);

/* All that this process has left on DEVICE, but for channels and handles that others
 * share.  Returns whether there was anything.
 */
bool process_clear_device(struct fabric *fabric, uint32_t device);

/* sweep.c.  Remove PATH, with all that is in DIR_FD; the same of a fabric all of
 * whose locks are held, once; of one that nobody holds, if it is one (returns
 * whether).  Where shared memory is.
 */
void fabric_remove(int dir_fd, const char *path);
/* The directory NAME in DIR_FD, and all below it. */
void fabric_remove_tree(int dir_fd, const char *name);
void fabric_end(int dir_fd, const char *path, struct shared_header *header);
bool fabric_sweep(int dir_fd, const char *path);
int fabric_shm(char *path, size_t size, struct err *err);

/* Nodes and devices of a new segment, with their GUIDs, GIDs and LIDs (identity.c). */
int identity_make(struct fabric *fabric, const struct fabric_node *nodes, uint32_t count,
		  const struct device_settings *settings, struct err *err);

/* The device with LID, or with GID, or UINT32_MAX. */
uint32_t fabric_by_lid(const struct fabric *fabric, uint32_t lid);
uint32_t fabric_by_gid(const struct fabric *fabric, const uint8_t gid[16]);

#endif

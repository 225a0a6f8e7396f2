/* SPDX-License-Identifier: Apache-2.0 */
#include "device/fabric.h"

#include "device/event.h"
#include "device/hold.h"
#include "device/lock.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOOK_EVERY 1000000 /* ns */
#define TRIES      20

/* --- who is alive --- */

bool fabric_alive(struct fabric *fabric, uint32_t process)
{
	int64_t now;

	if (process >= FABRIC_PROCESSES)
		return false;
	if (process == fabric->self)
		return true;
	/* who clears up behind it holds its byte */
	if (atomic_load(&fabric->segment.header->process[process].state) == PROCESS_DEAD)
		return false;
	/* every message to another process comes here: a clock of some ms will do */
	now = clock_ns(CLOCK_MONOTONIC_COARSE);
	if (now - atomic_load_explicit(&fabric->seen[process], memory_order_relaxed) < LOOK_EVERY)
		return true;
	if (!hold_taken(fabric->lock_fd, process))
		return false;
	/* by who clears up, since */
	if (atomic_load(&fabric->segment.header->process[process].state) == PROCESS_DEAD)
		return false;
	atomic_store_explicit(&fabric->seen[process], now, memory_order_relaxed);
	return true;
}

static void set_present(struct shared_header *header, uint32_t process, bool present)
{
	uint64_t bit = 1ULL << process % 64;

	if (present)
		atomic_fetch_or(&header->present[process / 64], bit);
	else
		atomic_fetch_and(&header->present[process / 64], ~bit);
}

/* --- whose memory can be reached --- */

/* The pid name space of this process, or 0 where that cannot be told. */
static uint64_t own_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

static bool yama_restricts(void)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	char scope = '0';

	if (fd < 0)
		return false;
	if (read(fd, &scope, 1) != 1)
		scope = '0';
	close(fd);
	return scope == '1';
}

/* Let others of this user write to our memory, where the kernel wants to be told.
 * Nobody gets more than without Yama.
 */
static void allow_others(void)
{
#ifdef PR_SET_PTRACER
	if (yama_restricts())
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
}

static enum reach try_reach(const struct fabric *fabric, const struct shared_process *other)
{
	uint64_t found = 0;
	struct iovec here = { .iov_base = &found, .iov_len = sizeof(found) };
	struct iovec there = {
		.iov_base = (void *)(uintptr_t)other->probe_addr,
		.iov_len = sizeof(found),
	};

	if (other->pid_ns != fabric->process->pid_ns)
		return REACH_QUEUE;
	if (process_vm_readv(other->pid, &here, 1, &there, 1, 0) != sizeof(found))
		return REACH_QUEUE;
	return found == other->probe ? REACH_DIRECT : REACH_QUEUE;
}

enum reach fabric_reach(struct fabric *fabric, uint32_t process)
{
	const struct shared_process *other;
	uint32_t generation, known;
	enum reach reach;
	int saved = errno;

	if (process == fabric->self)
		return REACH_DIRECT;
	if (process >= FABRIC_PROCESSES)
		return REACH_QUEUE;
	other = &fabric->segment.header->process[process];
	generation = other->generation & (UINT32_MAX >> 2);
	known = atomic_load_explicit(&fabric->reach[process], memory_order_relaxed);
	if (__builtin_expect((known & 3) != REACH_UNKNOWN && known >> 2 == generation, 1))
		return known & 3;
	reach = try_reach(fabric, other);
	atomic_store_explicit(&fabric->reach[process], generation << 2 | reach,
			      memory_order_relaxed);
	errno = saved;
	return reach;
}

void fabric_unreach(struct fabric *fabric, uint32_t process)
{
	uint32_t generation = fabric->segment.header->process[process].generation;

	atomic_store_explicit(&fabric->reach[process], generation << 2 | REACH_QUEUE,
			      memory_order_relaxed);
}

/* --- a place among the processes --- */

static void read_command(char *command, size_t size)
{
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, command, size - 1);

	if (fd >= 0)
		close(fd);
	command[n > 0 ? n : 0] = '\0';
	command[strcspn(command, "\n")] = '\0';
}

/* A number that nobody guesses; what cannot be had is made of what differs. */
static uint64_t random_number(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)clock_ns(CLOCK_REALTIME) * 0x9e3779b97f4a7c15 +
			 (uint64_t)getpid();
	return number;
}

/* All of a place but its state, its generation and its sections. */
static void introduce(struct fabric *fabric)
{
	struct shared_process *process = fabric->process;

	fabric->probe = random_number();
	process->generation++;
	process->pid = getpid();
	process->pid_ns = own_pid_ns();
	process->node = fabric->node;
	process->uid = geteuid();
	process->since = clock_ns(CLOCK_REALTIME);
	read_command(process->command, sizeof(process->command));
	process->probe = fabric->probe;
	process->probe_addr = (uintptr_t)&fabric->probe;
	process->segment_addr = (uintptr_t)fabric->segment.header;
}

/* Nobody has removed the fabric while we were coming. */
static bool still_there(const struct fabric *fabric)
{
	struct stat st;

	return fstat(fabric->lock_fd, &st) == 0 && st.st_nlink > 0 &&
	       atomic_load(&fabric->segment.header->ready) == 1;
}

static void end_sections(struct shared_process *process)
{
	for (uint32_t i = 0; i < FABRIC_THREADS; i++)
		atomic_store(&process->section[i].count, 0);
}

/* PLACE is free again; its byte is held. */
static void vacate(struct fabric *fabric, uint32_t place)
{
	struct shared_process *process = &fabric->segment.header->process[place];

	end_sections(process);
	set_present(fabric->segment.header, place, false);
	atomic_store(&process->state, PROCESS_FREE);
}

/* Take PLACE if nobody has it, or with INHERIT from a dead process. */
static bool take_place(struct fabric *fabric, uint32_t place, bool inherit)
{
	struct shared_process *process = &fabric->segment.header->process[place];
	uint32_t state = atomic_load(&process->state);

	if (!inherit && state != PROCESS_FREE && state != PROCESS_JOINING)
		return false;
	if (hold_take(fabric->lock_fd, place, false))
		return false;
	state = atomic_load(&process->state);
	/* JOINING: of one that died before it had anything */
	if (state == PROCESS_FREE || state == PROCESS_JOINING || inherit)
		return true;
	hold_drop(fabric->lock_fd, place);
	return false;
}

/* Going round: a place is not taken again soon after its process has left.  What the
 * dead have left is only taken when there is nothing else.
 */
static bool find_place(struct fabric *fabric, uint32_t *place)
{
	uint32_t first = atomic_fetch_add(&fabric->segment.header->next_process, 1);
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (uint32_t i = 0; i < TRIES * FABRIC_PROCESSES && still_there(fabric); i++) {
		*place = (first + i) % FABRIC_PROCESSES;
		if (take_place(fabric, *place, i >= FABRIC_PROCESSES))
			return true;
		/* who looks whether it is the last holds all for a moment */
		if (i % FABRIC_PROCESSES == FABRIC_PROCESSES - 1)
			nanosleep(&nap, NULL);
	}
	errno = EAGAIN;
	return false;
}

/* What PLACE's former process has left; the place is ours by now. */
static void settle(struct fabric *fabric, uint32_t place)
{
	struct shared_process *process = &fabric->segment.header->process[place];
	uint32_t state = atomic_load(&process->state);

	fabric->self = fabric->segment.self = place;
	fabric->process = process;
	fabric->holds = true;
	if (state == PROCESS_ALIVE || state == PROCESS_DEAD) {
		/* its locks and sections count as ours by now */
		end_sections(process);
		atomic_store(&process->state, PROCESS_ALIVE);
		process_clear(fabric, place);
		vacate(fabric, place);
	}
	atomic_store(&process->state, PROCESS_JOINING);
}

static void reap_all(struct fabric *fabric)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		struct shared_process *process = &fabric->segment.header->process[i];
		uint32_t state = atomic_load(&process->state);

		if (state == PROCESS_ALIVE || state == PROCESS_DEAD)
			fabric_reap(fabric, i);
	}
}

int process_join(struct fabric *fabric)
{
	uint32_t place;

	if (!find_place(fabric, &place)) {
		if (!still_there(fabric))
			errno = ENOENT;
		return -1;
	}
	if (!still_there(fabric)) {
		hold_drop(fabric->lock_fd, place);
		errno = ENOENT;
		return -1;
	}
	settle(fabric, place);
	introduce(fabric);
	/* before anybody tries */
	allow_others();
	set_present(fabric->segment.header, place, true);
	atomic_store(&fabric->process->state, PROCESS_ALIVE);
	reap_all(fabric);
	return 0;
}

void process_leave(struct fabric *fabric)
{
	uint32_t place = fabric->self;

	process_clear(fabric, place);
	reap_all(fabric);
	vacate(fabric, place);
	fabric->self = fabric->segment.self = FABRIC_PROCESSES;
	fabric->holds = false;
	hold_drop(fabric->lock_fd, place);
}

/* Who has died may have left something with another one that it has not woken yet. */
static void wake_all(struct fabric *fabric)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		struct shared_process *process = &fabric->segment.header->process[i];

		if (atomic_load(&process->state) != PROCESS_ALIVE)
			continue;
		atomic_store(&process->attention, 1);
		event_wake(fabric, i);
	}
}

/* Who clears up holds the byte of the dead: one at a time, and when it dies too
 * another one goes on.
 */
void fabric_reap(struct fabric *fabric, uint32_t process)
{
	struct shared_process *dead;
	uint32_t state;

	if (process >= FABRIC_PROCESSES || process == fabric->self || !fabric->holds)
		return;
	dead = &fabric->segment.header->process[process];
	state = atomic_load(&dead->state);
	if (state != PROCESS_ALIVE && state != PROCESS_DEAD)
		return;
	if (hold_take(fabric->lock_fd, process, false))
		return;
	state = atomic_load(&dead->state);
	if (state == PROCESS_ALIVE || state == PROCESS_DEAD) {
		atomic_store(&dead->state, PROCESS_DEAD);
		process_clear(fabric, process);
		wake_all(fabric);
		vacate(fabric, process);
	}
	hold_drop(fabric->lock_fd, process);
}

/* --- fork --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fabric *known;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool registered;

static void before_fork(void)
{
	pthread_mutex_lock(&mutex);
	hold_before_fork();
}

static void after_fork(void)
{
	hold_after_fork(false);
	pthread_mutex_unlock(&mutex);
}

static void after_fork_in_child(void)
{
	struct fabric *fabric = known;

	hold_after_fork(true);
	known = NULL;
	pthread_mutex_unlock(&mutex);
	while (fabric) {
		struct fabric *next = fabric->next;

		fabric_forget(fabric);
		fabric = next;
	}
}

static void register_fork(void)
{
	registered = pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0;
}

/* Early, so that what is locked before fork() by those who use this is locked first:
 * handlers are called in the opposite order.
 */
static __attribute__((constructor)) void register_early(void)
{
	pthread_once(&once, register_fork);
}

/* Constructors of other libraries come before that one, and may look for devices. */
int process_know(struct fabric *fabric)
{
	pthread_once(&once, register_fork);
	if (!registered) {
		errno = ENOMEM;
		return -1;
	}
	pthread_mutex_lock(&mutex);
	fabric->next = known;
	known = fabric;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void process_unknow(struct fabric *fabric)
{
	struct fabric **at = &known;

	pthread_mutex_lock(&mutex);
	while (*at && *at != fabric)
		at = &(*at)->next;
	if (*at)
		*at = fabric->next;
	pthread_mutex_unlock(&mutex);
}

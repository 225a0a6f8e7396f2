/* SPDX-License-Identifier: Apache-2.0 */
/* Fabrics come, are found, and go, whatever way their processes end. */
#include "device/fabric.h"
#include "device/hold.h"
#include "device/lock.h"
#include "device/section.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each case has its own place for shared memory, so fabrics of others do not matter. */
static char shm[64];
static char path[128];

static int setup(void **state)
{
	(void)state;
	strcpy(shm, "/dev/shm/unit-device-fabric-XXXXXX");
	unsetenv("NETEMU");
	unsetenv("NETEMU_FABRIC");
	unsetenv("NETEMU_NODE");
	return mkdtemp(shm) ? setenv("NETEMU_SHM", shm, 1) : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", shm);
	return system(command);
}

static uint32_t entries(const char *of)
{
	DIR *dir = opendir(of);
	struct dirent *entry;
	uint32_t count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static void make(const char *name, uint32_t nodes, const char *text)
{
	struct fabric_node node[8] = { { .host = "a" }, { .host = "b" }, { .host = "c" } };
	struct device_settings settings;
	struct err err;

	device_settings_init(&settings);
	assert_int_equal(device_settings_parse(&settings, text, NULL), 0);
	if (fabric_create(path, sizeof(path), NULL, name, node, nodes, &settings, &err))
		fail_msg("%s", err.text);
	device_settings_release(&settings);
}

static void join(struct fabric *fabric, uint32_t node)
{
	struct err err;

	if (fabric_join(fabric, path, node, true, &err))
		fail_msg("%s", err.text);
}

/* --- other processes --- */

/* One that runs, and says when it has come to a point, and waits there. */
struct other {
	pid_t pid;
	int says, hears;
};

struct ends {
	int says, hears;
};

static void say(struct ends *ends)
{
	if (write(ends->says, "x", 1) != 1)
		_exit(98);
}

static void hear(struct ends *ends)
{
	char c;

	if (read(ends->hears, &c, 1) != 1)
		_exit(97);
}

static struct other start(int (*run)(struct ends *ends))
{
	int up[2], down[2];
	struct other other;

	assert_int_equal(pipe2(up, O_CLOEXEC) | pipe2(down, O_CLOEXEC), 0);
	other = (struct other){ .pid = fork(), .says = up[0], .hears = down[1] };
	assert_true(other.pid >= 0);
	if (!other.pid) {
		struct ends ends = { .says = up[1], .hears = down[0] };

		/* cmocka would go on with its tests */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		close(up[0]);
		close(down[1]);
		_exit(run(&ends));
	}
	close(up[1]);
	close(down[0]);
	return other;
}

static void await(const struct other *other)
{
	char c;

	assert_int_equal(read(other->says, &c, 1), 1);
}

static void go_on(const struct other *other)
{
	assert_int_equal(write(other->hears, "x", 1), 1);
}

static int finish(const struct other *other, int signal)
{
	int status;

	if (signal)
		kill(other->pid, signal);
	assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
	close(other->says);
	close(other->hears);
	return status;
}

/* --- making and finding --- */

static void nodes_and_devices_have_names_and_addresses(void **state)
{
	struct fabric fabric;
	struct shared_device *device;
	uint8_t gid[16] = { 0xfe, 0x80 }, ip[16];

	(void)state;
	make("one", 2, "devices=2,netemu1.link_layer=ethernet,mtu=1024");
	join(&fabric, 1);
	assert_string_equal(fabric.segment.header->name, "one");
	assert_int_equal(fabric.segment.header->devices, 4);
	for (uint32_t i = 0; i < 4; i++) {
		device = fabric_device(&fabric, i);
		assert_int_equal(fabric_by_lid(&fabric, i + 1), i);
		assert_int_equal(device->node, i / 2);
		assert_int_equal(atomic_load(&device->mtu), 1024);
		assert_string_equal(device->name, i % 2 ? "netemu1" : "netemu0");
		assert_int_equal(device->gids, i % 2 ? 4 : 2);
		assert_int_equal(device->gid[0].type, i % 2 ? GID_ROCE_V1 : GID_IB);
		for (int b = 0; b < 8; b++)
			gid[8 + b] = (uint8_t)(device->guid >> (56 - 8 * b));
		assert_memory_equal(device->gid[0].raw, gid, 16);
		for (uint32_t g = 0; g < device->gids; g++)
			assert_int_equal(fabric_by_gid(&fabric, device->gid[g].raw), i);
		snprintf((char *)ip, sizeof(ip), "198.18.0.%u", i + 1);
		inet_pton(AF_INET, (char *)ip, gid + 12);
		assert_memory_equal(device->gid[device->gids - 1].raw + 12, gid + 12, 4);
	}
	assert_int_equal(fabric_by_lid(&fabric, 5), UINT32_MAX);
	assert_int_equal(fabric_by_lid(&fabric, 0), UINT32_MAX);
	memset(gid, 7, 16);
	assert_int_equal(fabric_by_gid(&fabric, gid), UINT32_MAX);
	fabric_leave(&fabric);
	assert_int_equal(entries(shm), 0);
}

static void nodes_that_share_an_address_get_their_own(void **state)
{
	struct fabric_node node[3] = { { .host = "a" }, { .host = "b" }, { .host = "a" } };
	struct device_settings settings;
	struct fabric fabric;
	uint8_t ip[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };

	(void)state;
	for (int i = 0; i < 3; i++)
		memcpy(node[i].ip[0], ip, 16);
	device_settings_init(&settings);
	assert_int_equal(fabric_create(path, sizeof(path), NULL, "x", node, 3, &settings, NULL), 0);
	join(&fabric, 0);
	assert_int_equal(fabric_by_gid(&fabric, ip), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(fabric_by_gid(&fabric, fabric_device(&fabric, i)->gid[1].raw), i);
	assert_true(fabric_device(&fabric, 0)->guid != fabric_device(&fabric, 2)->guid);
	fabric_leave(&fabric);
	device_settings_release(&settings);
}

static void what_cannot_be_made_leaves_nothing(void **state)
{
	struct fabric_node node = { .host = "a" };
	struct device_settings settings;
	struct err err;
	char name[80];

	(void)state;
	device_settings_init(&settings);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fabric_create(path, sizeof(path), NULL, name, &node, 1, &settings, &err),
			 -1);
	assert_int_equal(fabric_create(path, sizeof(path), NULL, "", &node, 1, &settings, &err),
			 -1);
	assert_int_equal(fabric_create(path, sizeof(path), NULL, "x", &node, 0, &settings, &err),
			 -1);
	assert_int_equal(
		fabric_create(path, sizeof(path), "/dev/null", "x", &node, 1, &settings, &err), -1);
	settings.topology = strdup("mesh:2");
	assert_int_equal(fabric_create(path, sizeof(path), NULL, "x", &node, 1, &settings, &err),
			 -1);
	assert_non_null(strstr(err.text, "topology='mesh:2'"));
	assert_int_equal(entries(shm), 0);
	setenv("NETEMU_SHM", "/dev/null", 1);
	assert_int_equal(fabric_create(path, sizeof(path), NULL, "x", &node, 1, &settings, &err),
			 -1);
	assert_string_equal(err.text,
			    "unable to use '/dev/null' for shared memory: Not a directory");
	device_settings_release(&settings);
}

static void is_found_by_its_name_while_it_is_held(void **state)
{
	struct fabric fabric;
	char found[128];

	(void)state;
	make("one", 1, "yes");
	assert_int_equal(fabric_find(found, sizeof(found), "one"), 0);
	assert_string_equal(found, path);
	join(&fabric, 0);
	assert_int_equal(fabric_find(found, sizeof(found), "two"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), 0);
	fabric_leave(&fabric);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), -1);
	assert_int_equal(entries(shm), 0);
}

static void nobody_joins_a_node_that_is_not_there(void **state)
{
	struct fabric fabric;
	struct err err;
	char expected[200];

	(void)state;
	make("one", 2, "yes");
	assert_int_equal(fabric_join(&fabric, path, 2, true, &err), -1);
	snprintf(expected, sizeof(expected), "node 2 of fabric '%s', which has 2", path);
	assert_string_equal(err.text, expected);
	assert_int_equal(fabric_join(&fabric, "/nowhere", 0, true, &err), -1);
}

/* Who looks does not keep it; who helps does. */
static void lookers_and_helpers(void **state)
{
	struct fabric member, looker, helper;

	(void)state;
	make("one", 1, "yes");
	join(&member, 0);
	assert_int_equal(fabric_join(&looker, path, 0, false, NULL), 0);
	assert_int_equal(fabric_join(&helper, path, 0, false, NULL), 0);
	assert_true(fabric_alive(&looker, member.self));
	assert_int_equal(fabric_hold(&helper), 0);
	fabric_leave(&member);
	assert_int_equal(entries(shm), 1);
	assert_int_equal(fabric_find(path, sizeof(path), "one"), 0);
	join(&member, 0);
	fabric_leave(&member);
	fabric_leave(&helper);
	assert_int_equal(entries(shm), 0);
	assert_int_equal(fabric_hold(&looker), -1);
	fabric_leave(&looker);
}

/* --- sweeping --- */

static int join_and_wait(struct ends *ends)
{
	static struct fabric fabric;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	say(ends);
	hear(ends);
	fabric_leave(&fabric);
	return 0;
}

static void what_the_killed_leave_is_swept(void **state)
{
	struct other other;
	char found[128];

	(void)state;
	make("one", 1, "yes");
	other = start(join_and_wait);
	await(&other);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), 0);
	finish(&other, SIGKILL);
	assert_int_equal(entries(shm), 1);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), -1);
	assert_int_equal(entries(shm), 0);
}

static void make_old(const char *of)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	assert_int_equal(utimensat(AT_FDCWD, of, times, 0), 0);
}

static void what_is_just_being_made_is_let_alone(void **state)
{
	char dir[100], found[128];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/netemu-abcdef", shm);
	assert_int_equal(mkdir(dir, 0700), 0);
	make("one", 1, "yes");
	fabric_find(found, sizeof(found), "two");
	assert_int_equal(entries(shm), 2);
	make_old(dir);
	make_old(path);
	fabric_find(found, sizeof(found), "two");
	assert_int_equal(entries(shm), 0);
}

static void make_all_old(void)
{
	DIR *dir = opendir(shm);
	struct dirent *entry;
	char of[400];

	while ((entry = readdir(dir))) {
		snprintf(of, sizeof(of), "%s/%s", shm, entry->d_name);
		make_old(of);
	}
	closedir(dir);
}

static int count_one(void *arg, const char *which)
{
	(void)which;
	++*(int *)arg;
	return 0;
}

static void what_is_not_ours_is_neither_used_nor_removed(void **state)
{
	struct fabric fabric, member;
	char dir[100], found[128], other[100];
	int count = 0;

	(void)state;
	make("one", 1, "yes");
	join(&member, 0);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), -1);
	assert_int_equal(fabric_join(&fabric, path, 0, true, NULL), -1);
	assert_int_equal(fabric_each(count_one, &count), 0);
	assert_int_equal(count, 0);
	snprintf(dir, sizeof(dir), "%s/netemu-abcdef", shm);
	snprintf(other, sizeof(other), "%s/elsewhere", shm);
	assert_int_equal(mkdir(other, 0700), 0);
	make_old(other);
	assert_int_equal(symlink(other, dir), 0);
	make_old(path);
	assert_int_equal(fabric_find(found, sizeof(found), "one"), -1);
	assert_int_equal(entries(shm), 3);
	if (geteuid() == 0) {
		assert_int_equal(chmod(path, 0700) | chown(path, 1, 1), 0);
		assert_int_equal(fabric_find(found, sizeof(found), "one"), -1);
		assert_int_equal(fabric_join(&fabric, path, 0, true, NULL), -1);
		assert_int_equal(entries(shm), 3);
	}
	fabric_leave(&member);
}

/* --- the default fabric --- */

static int enter(struct ends *ends)
{
	static struct fabric fabric;

	hear(ends);
	if (fabric_enter(&fabric, NULL))
		return 2;
	if (write(ends->says, fabric.path, sizeof(fabric.path)) != sizeof(fabric.path))
		return 3;
	hear(ends);
	fabric_leave(&fabric);
	return 0;
}

#define RACERS 8

static void who_starts_at_once_gets_the_same_fabric(void **state)
{
	struct other other[RACERS];
	char name[RACERS][sizeof(path)];

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < RACERS; i++)
			other[i] = start(enter);
		for (int i = 0; i < RACERS; i++)
			go_on(&other[i]);
		for (int i = 0; i < RACERS; i++) {
			assert_int_equal(read(other[i].says, name[i], sizeof(path)), sizeof(path));
			assert_string_equal(name[i], name[0]);
		}
		assert_int_equal(entries(shm), 1);
		for (int i = 0; i < RACERS; i++)
			go_on(&other[i]);
		for (int i = 0; i < RACERS; i++)
			assert_int_equal(finish(&other[i], 0), 0);
		assert_int_equal(entries(shm), 0);
	}
}

static int come_and_go(struct ends *ends)
{
	static struct fabric fabric;
	struct err err;

	hear(ends);
	for (int i = 0; i < 40; i++) {
		if (fabric_enter(&fabric, &err)) {
			fprintf(stderr, "# %s\n", err.text);
			return 2;
		}
		if (!fabric_alive(&fabric, fabric.self) ||
		    segment_alloc(&fabric.segment, 4096) == 0)
			return 3;
		fabric_leave(&fabric);
	}
	return 0;
}

/* The last leaves while the next comes in: it gets that fabric or another. */
static void who_comes_while_others_go_gets_in(void **state)
{
	struct other other[RACERS];

	(void)state;
	for (int i = 0; i < RACERS; i++)
		other[i] = start(come_and_go);
	for (int i = 0; i < RACERS; i++)
		go_on(&other[i]);
	/* one is killed somewhere on its way */
	poll(NULL, 0, 20);
	finish(&other[0], SIGKILL);
	for (int i = 1; i < RACERS; i++)
		assert_int_equal(finish(&other[i], 0), 0);
	/* it may have been about to join the one it has made */
	make_all_old();
	fabric_find(path, sizeof(path), "default");
	assert_int_equal(entries(shm), 0);
}

static void the_environment_says_which_and_how(void **state)
{
	struct fabric fabric, again;
	struct err err;

	(void)state;
	setenv("NETEMU", "devices=2,latency=3us", 1);
	assert_int_equal(fabric_enter(&fabric, &err), 0);
	assert_string_equal(fabric.segment.header->name, "default");
	assert_int_equal(fabric.segment.header->devices, 2);
	assert_int_equal(atomic_load(&fabric.segment.header->latency), 3000);
	setenv("NETEMU_FABRIC", fabric.path, 1);
	assert_int_equal(fabric_enter(&again, &err), 0);
	assert_string_equal(again.path, fabric.path);
	assert_true(again.self != fabric.self);
	assert_true(fabric_alive(&fabric, again.self));
	fabric_leave(&again);
	assert_false(fabric_alive(&fabric, again.self));
	setenv("NETEMU_FABRIC", "default", 1);
	setenv("NETEMU_NODE", "1", 1);
	assert_int_equal(fabric_enter(&again, &err), -1);
	assert_non_null(strstr(err.text, "node 1 of fabric"));
	setenv("NETEMU_NODE", "one", 1);
	assert_int_equal(fabric_enter(&again, &err), -1);
	assert_string_equal(err.text, "NETEMU_NODE='one': not a number");
	unsetenv("NETEMU_NODE");
	setenv("NETEMU_FABRIC", "other", 1);
	assert_int_equal(fabric_enter(&again, &err), -1);
	assert_string_equal(err.text, "NETEMU_FABRIC: there is no fabric 'other'");
	unsetenv("NETEMU_FABRIC");
	setenv("NETEMU", "no", 1);
	assert_int_equal(fabric_enter(&again, &err), -1);
	assert_string_equal(err.text, "NETEMU=no");
	setenv("NETEMU", "rate=x", 1);
	assert_int_equal(fabric_enter(&again, &err), -1);
	assert_string_equal(err.text,
			    "NETEMU: rate='x': not a rate (like 100Gbit/s or 12.5GB/s, or none)");
	fabric_leave(&fabric);
	assert_int_equal(entries(shm), 0);
}

/* --- death --- */

static struct fabric survivor;

static uint32_t other_process(void)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		if (i != survivor.self &&
		    atomic_load(&survivor.segment.header->process[i].state) == PROCESS_ALIVE)
			return i;
	}
	fail_msg("the other process is not there");
	return 0;
}

static void a_death_is_seen_and_a_place_rests(void **state)
{
	struct other other;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(join_and_wait);
	await(&other);
	dead = other_process();
	assert_true(fabric_alive(&survivor, dead));
	assert_int_equal(fabric_reach(&survivor, dead), REACH_DIRECT);
	finish(&other, SIGKILL);
	/* what was seen a moment ago may be believed for a millisecond */
	while (fabric_alive(&survivor, dead))
		;
	fabric_reap(&survivor, dead);
	assert_int_equal(atomic_load(&survivor.segment.header->process[dead].state), PROCESS_FREE);
	other = start(join_and_wait);
	await(&other);
	assert_int_not_equal(other_process(), dead);
	assert_true(fabric_alive(&survivor, other_process()));
	go_on(&other);
	assert_int_equal(finish(&other, 0), 0);
	fabric_leave(&survivor);
}

static int take_lock_and_wait(struct ends *ends)
{
	static struct fabric fabric;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	lock_take(&fabric, &fabric.segment.header->service_lock, fabric.self);
	lock_take(&fabric, &fabric_device(&fabric, 0)->atomics, fabric.self);
	say(ends);
	hear(ends);
	return 0;
}

static void locks_are_taken_from_the_dead_alone(void **state)
{
	struct shared_lock *first, *second;
	struct other other;
	bool stolen = false;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	first = &survivor.segment.header->service_lock;
	second = &fabric_device(&survivor, 0)->atomics;
	other = start(take_lock_and_wait);
	await(&other);
	dead = other_process();
	assert_false(lock_try(&survivor, first, &stolen));
	finish(&other, SIGKILL);
	assert_true(lock_take(&survivor, first, survivor.self));
	assert_false(lock_try(&survivor, first, &stolen));
	lock_drop(first);
	assert_true(lock_try(&survivor, first, &stolen));
	assert_false(stolen);
	lock_drop(first);
	/* the other one when its holder's place is another's */
	fabric_reap(&survivor, dead);
	assert_true(lock_take(&survivor, second, survivor.self));
	lock_drop(second);
	fabric_leave(&survivor);
}

static int enter_section_and_wait(struct ends *ends)
{
	static struct fabric fabric;
	_Atomic uint64_t *section;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	section = section_enter(&fabric);
	say(ends);
	hear(ends);
	section_leave(section);
	say(ends);
	hear(ends);
	return 0;
}

static _Atomic bool waited;

static void *wait_for_sections(void *arg)
{
	section_wait(arg);
	atomic_store(&waited, true);
	return NULL;
}

static void sections_are_waited_for(void **state)
{
	struct other other;
	pthread_t thread;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(enter_section_and_wait);
	await(&other);
	atomic_store(&waited, false);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_sections, &survivor), 0);
	for (int i = 0; i < 50; i++) {
		poll(NULL, 0, 1);
		assert_false(atomic_load(&waited));
	}
	go_on(&other);
	await(&other);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&waited));
	finish(&other, SIGKILL);
	fabric_leave(&survivor);
}

static void sections_of_the_dead_are_not(void **state)
{
	struct other other;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(enter_section_and_wait);
	await(&other);
	finish(&other, SIGKILL);
	section_wait(&survivor);
	fabric_reap(&survivor, other_process());
	section_wait(&survivor);
	fabric_leave(&survivor);
}

static void *use_sections(void *arg)
{
	for (int i = 0; i < 2000; i++)
		section_leave(section_enter(arg));
	return NULL;
}

/* More threads than places, and one more in a signal handler's place. */
static void a_process_may_have_many_threads(void **state)
{
	pthread_t thread[3 * FABRIC_THREADS];
	_Atomic uint64_t *outer, *inner;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	for (int i = 0; i < 3 * FABRIC_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, use_sections, &survivor), 0);
	outer = section_enter(&survivor);
	inner = section_enter(&survivor);
	assert_ptr_not_equal(outer, inner);
	section_leave(inner);
	section_leave(outer);
	for (int i = 0; i < 3 * FABRIC_THREADS; i++)
		pthread_join(thread[i], NULL);
	section_wait(&survivor);
	fabric_leave(&survivor);
}

/* --- what a process leaves behind --- */

static int make_records_and_wait(struct ends *ends)
{
	static struct fabric fabric;
	struct shared_device *device;
	struct shared_qp *qp;
	struct shared_cq *cq;
	uint32_t number;
	int fd;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	device = fabric_device(&fabric, 0);
	qp = (struct shared_qp *)table_add(&fabric.segment, &device->qp, &number);
	qp->sq_capacity = 64;
	qp->sq_stride = 512;
	qp->sq_at = segment_alloc(&fabric.segment, 64 * 512);
	table_publish(&qp->head, number);
	cq = (struct shared_cq *)table_add(&fabric.segment, &device->cq, &number);
	cq->capacity = 128;
	cq->ring_at = segment_alloc(&fabric.segment, 128 * sizeof(struct shared_cqe));
	/* not published: it dies before it has */
	table_add(&fabric.segment, &device->pd, &number);
	fd = openat(fabric.dir_fd, "event.x", O_RDWR | O_CREAT, 0600);
	close(fd);
	snprintf(fabric.path, sizeof(fabric.path), "event.%u.7", fabric.self);
	fd = openat(fabric.dir_fd, fabric.path, O_RDWR | O_CREAT, 0600);
	close(fd);
	if (service_add(&fabric, 0, 77))
		return 3;
	say(ends);
	hear(ends);
	return 0;
}

static uint32_t in_use(const struct shared_device *device)
{
	return atomic_load(&device->qp.used) + atomic_load(&device->cq.used) +
	       atomic_load(&device->pd.used);
}

static void what_a_dead_process_had_is_cleared_up(void **state)
{
	struct shared_device *device;
	struct other other;
	uint64_t brk = 0;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	device = fabric_device(&survivor, 0);
	/* records and queues of the dead are used again: in the end nothing grows */
	for (int round = 0; round < 200; round++) {
		other = start(make_records_and_wait);
		await(&other);
		dead = other_process();
		assert_int_equal(in_use(device), 3);
		assert_int_equal(service_find(&survivor, 0, 77), dead);
		assert_int_equal(entries(path), 4);
		finish(&other, SIGKILL);
		fabric_reap(&survivor, dead);
		assert_int_equal(in_use(device), 0);
		assert_int_equal(service_find(&survivor, 0, 77), UINT32_MAX);
		assert_int_equal(entries(path), 3);
		if (round == 120)
			brk = survivor.segment.header->brk;
	}
	assert_int_equal(survivor.segment.header->brk, brk);
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

/* It clears up behind the dead as it joins. */
static int join_and_go(struct ends *ends)
{
	static struct fabric fabric;

	say(ends);
	return fabric_join(&fabric, path, 0, true, NULL) ? 2 : 0;
}

static void reap_all(void)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		fabric_reap(&survivor, i);
}

/* Blocks of SIZE are given once only, which they would not be after a second free. */
static void blocks_differ(uint64_t size)
{
	uint64_t at[16];

	for (int i = 0; i < 16; i++) {
		at[i] = segment_alloc(&survivor.segment, size);
		assert_int_not_equal(at[i], 0);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(at[i], at[j]);
	}
	for (int i = 0; i < 16; i++)
		segment_free(&survivor.segment, at[i], size);
}

static void who_clears_up_may_be_killed_too(void **state)
{
	struct shared_device *device;
	struct other other;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	device = fabric_device(&survivor, 0);
	for (int round = 0; round < 150; round++) {
		other = start(make_records_and_wait);
		await(&other);
		finish(&other, SIGKILL);
		other = start(join_and_go);
		await(&other);
		/* the whole of it takes about half a millisecond */
		for (int i = 0; i < (round % 50) * 20000; i++)
			__asm__ volatile("");
		finish(&other, SIGKILL);
		reap_all();
		assert_int_equal(in_use(device), 0);
		assert_int_equal(service_find(&survivor, 0, 77), UINT32_MAX);
		blocks_differ(64 * 512);
		blocks_differ(128 * sizeof(struct shared_cqe));
	}
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

/* As if a thousand had been killed, each in a section and with the heap's lock. */
static void places_of_the_dead_are_taken_when_there_are_no_others(void **state)
{
	struct shared_header *header;
	struct other other;
	uint32_t alive = 0;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	header = survivor.segment.header;
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		if (i == survivor.self)
			continue;
		atomic_store(&header->process[i].sections, 1);
		atomic_store(&header->process[i].section[0].count, 1);
		atomic_store(&header->process[i].state, PROCESS_ALIVE);
		atomic_fetch_or(&header->present[i / 64], 1ULL << i % 64);
		atomic_store(&header->heap_lock.owner, i + 1);
	}
	other = start(join_and_wait);
	await(&other);
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		alive += atomic_load(&header->process[i].state) != PROCESS_FREE;
	assert_int_equal(alive, 2);
	assert_true(fabric_alive(&survivor, other_process()));
	section_wait(&survivor);
	assert_int_not_equal(segment_alloc(&survivor.segment, 64), 0);
	go_on(&other);
	assert_int_equal(finish(&other, 0), 0);
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

static void a_service_has_one_listener(void **state)
{
	struct fabric fabric;

	(void)state;
	make("one", 2, "yes");
	join(&survivor, 0);
	join(&fabric, 1);
	assert_int_equal(service_add(&survivor, 0, 5), 0);
	assert_int_equal(service_add(&fabric, 0, 5), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(service_add(&fabric, 1, 5), 0);
	assert_int_equal(service_find(&survivor, 1, 5), fabric.self);
	assert_int_equal(service_find(&survivor, 0, 5), survivor.self);
	service_remove(&fabric, 0, 5);
	assert_int_equal(service_find(&survivor, 0, 5), survivor.self);
	service_remove(&survivor, 0, 5);
	assert_int_equal(service_find(&survivor, 0, 5), UINT32_MAX);
	for (uint64_t i = 100; i < 100 + FABRIC_SERVICES - 1; i++)
		assert_int_equal(service_add(&survivor, 0, i), 0);
	assert_int_equal(service_add(&survivor, 0, 99), -1);
	assert_int_equal(errno, ENOMEM);
	fabric_leave(&survivor);
	assert_int_equal(service_find(&fabric, 0, 100), UINT32_MAX);
	assert_int_equal(service_add(&fabric, 0, 100), 0);
	fabric_leave(&fabric);
}

/* --- fork --- */

static int descriptors(void)
{
	return (int)entries("/proc/self/fd");
}

static void a_child_has_no_part_in_it(void **state)
{
	struct shared_lock *lock;
	int before = descriptors(), status;
	pid_t pid;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	lock = &survivor.segment.header->service_lock;
	pid = fork();
	if (!pid) {
		/* writes reach nobody, memory is still there, a new life can begin */
		atomic_store(&lock->owner, 1234);
		if (survivor.holds || descriptors() != before ||
		    survivor.segment.header->version != 0)
			_exit(1);
		fabric_leave(&survivor);
		if (fabric_join(&survivor, path, 0, true, NULL))
			_exit(2);
		fabric_leave(&survivor);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(atomic_load(&lock->owner), 0);
	assert_int_equal(survivor.segment.header->version, LAYOUT_VERSION);
	assert_int_equal(fabric_find(path, sizeof(path), "one"), 0);
	fabric_leave(&survivor);
	assert_int_equal(descriptors(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nodes_and_devices_have_names_and_addresses),
		CASE(nodes_that_share_an_address_get_their_own),
		CASE(what_cannot_be_made_leaves_nothing),
		CASE(is_found_by_its_name_while_it_is_held),
		CASE(nobody_joins_a_node_that_is_not_there),
		CASE(lookers_and_helpers),
		CASE(what_the_killed_leave_is_swept),
		CASE(what_is_just_being_made_is_let_alone),
		CASE(what_is_not_ours_is_neither_used_nor_removed),
		CASE(who_starts_at_once_gets_the_same_fabric),
		CASE(who_comes_while_others_go_gets_in),
		CASE(the_environment_says_which_and_how),
		CASE(a_death_is_seen_and_a_place_rests),
		CASE(locks_are_taken_from_the_dead_alone),
		CASE(sections_are_waited_for),
		CASE(sections_of_the_dead_are_not),
		CASE(a_process_may_have_many_threads),
		CASE(what_a_dead_process_had_is_cleared_up),
		CASE(who_clears_up_may_be_killed_too),
		CASE(places_of_the_dead_are_taken_when_there_are_no_others),
		CASE(a_service_has_one_listener),
		CASE(a_child_has_no_part_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

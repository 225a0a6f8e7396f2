/* SPDX-License-Identifier: Apache-2.0 */
/* Fabrics come, are found, and go, whatever way their processes end. */
#include "fabriclib.h"

/* Each case has its own place for shared memory, so fabrics of others do not matter. */
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

/* --- fork --- */

static int descriptors(void)
{
	return (int)entries("/proc/self/fd");
}

static struct fabric survivor;

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
		CASE(a_child_has_no_part_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

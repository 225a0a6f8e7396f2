/* SPDX-License-Identifier: Apache-2.0 */
/* unit-run.c - the files of a run on one clock, and who is who in it */
#include "ringlib.h"
#include "trace/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NODES 2
#define RANKS 3 /* 0 and 1 on node 0, 2 on node 1 */

static struct ring ring[RANKS];
static struct trace_run run;
static struct err err;
static const int node_of[RANKS] = { 0, 0, 1 };

static const char *ring_path(unsigned rank)
{
	static char path[64];

	snprintf(path, sizeof(path), "netemu.77.0/verbs/ring-%u.bin", rank);
	return path;
}

/* Each node has one port, with the LID 1 + its number and two GIDs, 0x10 and 0x20 + its
 * number.  Each rank knows the GID at index 0, and the other one of ports that it uses.
 */
static int set_up(void **state)
{
	(void)state;
	run = (struct trace_run){ 0 };
	assert_int_equal(mkdir("netemu.77.0", 0777), 0);
	assert_int_equal(mkdir("netemu.77.0/verbs", 0777), 0);
	for (unsigned i = 0; i < RANKS; i++) {
		uint8_t node = (uint8_t)node_of[i];

		ring_init(&ring[i]);
		ring[i].header.rank = i;
		ring[i].header.ranks = RANKS;
		snprintf(ring[i].header.node, sizeof(ring[i].header.node), "node%d", node);
		ring_open(&ring[i], 0, "device0");
		ring_port(&ring[i], 0, 1, (uint16_t)(1 + node));
		ring_gid(&ring[i], 0, 1, 0, (uint8_t)(0x10 + node));
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trace_run_close(&run);
	for (unsigned i = 0; i < RANKS; i++) {
		ring_release(&ring[i]);
		unlink(ring_path(i));
	}
	unlink("netemu.77.0/run.json");
	rmdir("netemu.77.0/verbs");
	rmdir("netemu.77.0");
	return 0;
}

static void open_run(void)
{
	for (unsigned i = 0; i < RANKS; i++)
		if (ring[i].series[RING_CALLS].count)
			ring_save(&ring[i], ring_path(i));
	if (trace_run_open(&run, "netemu.77.0", &err) < 0)
		fail_msg("%s", err.text);
}

static void write_run_json(const char *text)
{
	FILE *out = fopen("netemu.77.0/run.json", "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* --- files --- */

static void test_files_by_rank(void **state)
{
	(void)state;
	ring[2].header.overwritten = 5;
	open_run();
	assert_true(run.directory);
	assert_int_equal(run.files, RANKS);
	assert_int_equal(run.ranks, RANKS);
	assert_int_equal(run.missing, 0);
	for (unsigned i = 0; i < RANKS; i++) {
		assert_int_equal(run.file[i].rank, i);
		assert_string_equal(run.file[i].path, ring_path(i));
		assert_int_equal(run.file[i].records, 4); /* the name of the device, too */
		assert_int_equal(run.file[i].bytes, VRING_HEADER_SIZE + VRING_EXTENT_SIZE);
		assert_int_equal(run.file[i].dropped, i == 2 ? 5 : 0);
		assert_int_equal(run.file[i].uncertainty, -1);
	}
}

static void test_one_file(void **state)
{
	(void)state;
	ring_save(&ring[1], ring_path(1));
	assert_int_equal(trace_run_open(&run, ring_path(1), &err), 0);
	assert_false(run.directory);
	assert_int_equal(run.files, 1);
	assert_int_equal(run.missing, RANKS - 1);
	assert_string_equal(run.path, ring_path(1));
}

static void test_by_job(void **state)
{
	(void)state;
	ring_save(&ring[0], ring_path(0));
	assert_int_equal(trace_run_open(&run, "77", &err), 0);
	assert_int_equal(run.files, 1);
	trace_run_close(&run);
	assert_int_equal(trace_run_open(&run, "77.0", &err), 0);
	assert_int_equal(run.files, 1);
}

static void test_missing_rank(void **state)
{
	(void)state;
	ring_save(&ring[0], ring_path(0));
	ring_save(&ring[2], ring_path(2));
	assert_int_equal(trace_run_open(&run, "netemu.77.0", &err), 0);
	assert_int_equal(run.files, 2);
	assert_int_equal(run.ranks, 3);
	assert_int_equal(run.missing, 1);
	assert_int_equal(run.file[1].rank, 2);
}

/* A process was killed before it had written its first page. */
static void test_unreadable_file(void **state)
{
	(void)state;
	ring_save(&ring[0], ring_path(0));
	ring_save(&ring[1], ring_path(1));
	assert_int_equal(truncate(ring_path(1), 0), 0);
	assert_int_equal(truncate(ring_path(1), VRING_HEADER_SIZE), 0);
	assert_int_equal(trace_run_open(&run, "netemu.77.0", &err), 0);
	assert_int_equal(run.files, 1);
	assert_int_equal(run.unreadable, 1);
	trace_run_close(&run);
	assert_int_equal(trace_run_open(&run, ring_path(1), &err), -1);
	assert_non_null(strstr(err.text, "no file of records"));
}

static void test_nothing_there(void **state)
{
	(void)state;
	assert_int_equal(trace_run_open(&run, "netemu.77.0", &err), -1);
	assert_non_null(strstr(err.text, "no verbs calls were recorded"));
	assert_int_equal(trace_run_open(&run, "78", &err), -1);
	assert_non_null(strstr(err.text, "no run directory"));
	assert_int_equal(trace_run_open(&run, "nowhere/ring-0.bin", &err), -1);
	assert_non_null(strstr(err.text, "nowhere/ring-0.bin"));
}

/* --- clocks --- */

#define AHEAD 2500000 /* ns: node1's clock */

static int64_t seen;

static int note_time(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)arg;
	(void)depth;
	seen = work->post_time;
	return 0;
}

static int64_t time_of_post(uint32_t file)
{
	const struct trace_handler handler = { .match = { .posted = note_time } };

	seen = 0;
	assert_int_equal(trace_run_walk(&run, file, &handler, &err), 0);
	return seen;
}

/* The same moment on both nodes, whose clocks say different things. */
static void put_same_moment(void)
{
	ring[2].header.first.realtime += AHEAD;
	for (unsigned i = 0; i < RANKS; i += 2)
		RING_SEND(&ring[i], .qpn = 1, .time = RING_BEGIN + 5000);
}

static void test_clocks(void **state)
{
	(void)state;
	put_same_moment();
	write_run_json("{\"version\":1,\"clock\":{"
		       "\"node0\":{\"offset\":0,\"uncertainty\":0},"
		       "\"node1\":{\"offset\":2500000,\"uncertainty\":900}}}");
	open_run();
	assert_int_equal(time_of_post(0), RING_REALTIME + 5000);
	assert_int_equal(time_of_post(2), RING_REALTIME + 5000);
	assert_int_equal(run.file[0].uncertainty, 0);
	assert_int_equal(run.file[2].uncertainty, 900);
	assert_int_equal(run.start, RING_REALTIME);
}

/* Measured 100 s before a program that ran for 20 s: in its middle, node 1 was ahead by
 * 110 us more.
 */
static void test_clocks_that_drift(void **state)
{
	(void)state;
	put_same_moment();
	for (unsigned i = 0; i < RANKS; i++) {
		ring[i].header.last.ticks += 20000000000;
		ring[i].header.last.monotonic += 20000000000;
	}
	ring[2].header.first.realtime += 110000;
	write_run_json("{\"clock\":[{\"node\":\"node0\",\"offset\":0,\"uncertainty\":0},"
		       "{\"node\":\"node1\",\"offset\":2500000,\"uncertainty\":900,"
		       "\"at\":1699999900,\"drift\":1e-6,\"drift_uncertainty\":1e-8}]}");
	open_run();
	assert_in_range(time_of_post(2), RING_REALTIME + 5000 - 10, RING_REALTIME + 5000 + 10);
	/* 900 + 1e-6 of 10 s + 1e-8 of 110 s */
	assert_in_range(run.file[2].uncertainty, 11990, 12010);
}

static void test_clocks_in_a_list(void **state)
{
	(void)state;
	put_same_moment();
	write_run_json("{\"clock\":[{\"node\":\"node1\",\"offset\":2500000},{\"node\":7},3]}");
	open_run();
	assert_int_equal(time_of_post(2), RING_REALTIME + 5000);
	assert_int_equal(run.file[2].uncertainty, -1);
}

static void test_clocks_unknown(void **state)
{
	static const char *const texts[] = { "{}", "{\"clock\":3}", "no JSON", "" };

	(void)state;
	put_same_moment();
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_run_json(texts[i]);
		open_run();
		assert_int_equal(time_of_post(2), RING_REALTIME + 5000 + AHEAD);
		assert_int_equal(run.file[2].uncertainty, -1);
		trace_run_close(&run);
	}
}

/* --- who is who --- */

static struct trace_address by_lid(uint16_t lid)
{
	return (struct trace_address){ .lid = lid };
}

static struct trace_address by_gid(uint8_t last)
{
	struct trace_address address = { .has_gid = true };

	ring_gid_raw(address.gid, last);
	return address;
}

static const struct trace_end *find(struct trace_address address, uint32_t qpn, int64_t after)
{
	return trace_run_find(&run, &address, qpn, RING_REALTIME + after);
}

static void expect_end(const struct trace_end *end, uint32_t file, uint32_t qp)
{
	assert_non_null(end);
	assert_int_equal(end->file, file);
	assert_int_equal(end->qp, qp);
}

static void test_by_all_names_of_a_port(void **state)
{
	(void)state;
	ring_gid(&ring[2], 0, 1, 1, 0x21); /* of node 1 */
	RING_QP(&ring[2], .qpn = 0x301);
	ring_connect(&ring[2], 0, 0x301, 0x101, 1, 0);
	open_run();
	expect_end(find(by_lid(2), 0x301, 1000), 2, 0);
	expect_end(find(by_gid(0x11), 0x301, 1000), 2, 0);
	expect_end(find(by_gid(0x21), 0x301, 1000), 2, 0);
	assert_null(find(by_lid(1), 0x301, 1000));
	assert_null(find(by_gid(0x10), 0x301, 1000));
	assert_null(find(by_lid(2), 0x302, 1000));
	assert_null(find(by_lid(0), 0x301, 1000));
}

/* The second GID of the port is known to the rank that uses it; it means all of the port. */
static void test_names_that_another_rank_knows(void **state)
{
	(void)state;
	ring_gid(&ring[0], 0, 1, 1, 0x20);
	for (unsigned i = 0; i < 2; i++) {
		RING_QP(&ring[i], .qpn = 0x101 + i);
		ring_connect(&ring[i], 0, 0x101 + i, 0x301, 2, 0);
	}
	open_run();
	expect_end(find(by_gid(0x20), 0x102, 1000), 1, 0);
}

struct peers {
	const struct trace_end *end[4];
};

static int note_peers(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct peers *peers = arg;

	for (uint32_t i = 0; i < objects->qps && i < 4; i++)
		peers->end[i] = trace_run_peer(&run, (uint32_t)(file - run.file), objects->qp[i]);
	return 0;
}

static struct peers peers_of(uint32_t file)
{
	struct peers peers = { 0 };
	const struct trace_handler handler = { .arg = &peers, .end = note_peers };

	assert_int_equal(trace_run_walk(&run, file, &handler, &err), 0);
	return peers;
}

static void test_peers(void **state)
{
	struct peers peers;

	(void)state;
	RING_QP(&ring[0], .qpn = 0x101);
	RING_QP(&ring[0], .qpn = 0x201);
	RING_QP(&ring[0], .qpn = 0x401); /* never connected */
	RING_QP(&ring[1], .qpn = 0x301);
	RING_QP(&ring[2], .qpn = 0x101);
	ring_connect(&ring[0], 0, 0x101, 0x101, 2, 0);    /* rank 2, by its LID */
	ring_connect(&ring[0], 0, 0x201, 0x301, 0, 0x10); /* rank 1, by its GID */
	ring_connect(&ring[1], 0, 0x301, 0x201, 0, 0x10);
	ring_connect(&ring[2], 0, 0x101, 0x101, 0, 0x10);
	open_run();
	peers = peers_of(0);
	expect_end(peers.end[0], 2, 0);
	expect_end(peers.end[1], 1, 0);
	assert_null(peers.end[2]);
	expect_end(peers_of(1).end[0], 0, 1);
	expect_end(peers_of(2).end[0], 0, 0);
}

/* The ids are the same in both passes, whatever the data path has named meanwhile. */
static void test_ids(void **state)
{
	(void)state;
	RING_SEND(&ring[0], .qpn = 0x999);
	RING_QP(&ring[0], .qpn = 0x101);
	ring_connect(&ring[0], 0, 0x101, 0x301, 1, 0);
	RING_QP(&ring[1], .qpn = 0x301);
	ring_connect(&ring[1], 0, 0x301, 0x101, 1, 0);
	open_run();
	expect_end(peers_of(1).end[0], 0, 0);
	expect_end(peers_of(0).end[1], 1, 0); /* the first one is what data have named */
}

/* A number was another pair's before. */
static void test_number_used_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		RING_QP(&ring[2], .qpn = 0x101);
		ring_connect(&ring[2], 0, 0x101, 0x900 + (uint32_t)i, 1, 0);
		if (i < 2)
			ring_destroy_qp(&ring[2], 0, 0x101);
		ring[2].now += 5000000000; /* ns until the next one */
	}
	open_run();
	expect_end(find(by_lid(2), 0x101, 100), 2, 0);
	expect_end(find(by_lid(2), 0x101, 5000000100), 2, 1);
	expect_end(find(by_lid(2), 0x101, 10000000100), 2, 2);
	expect_end(find(by_lid(2), 0x101, 99000000000), 2, 2);
	/* between two of them, and the clocks are not that wrong */
	assert_null(find(by_lid(2), 0x101, 2500000000));
	assert_null(find(by_lid(2), 0x101, -5000000000));
}

/* Nodes whose clocks nobody has compared: each says that it is connected to the other. */
static void test_peers_with_wrong_clocks(void **state)
{
	(void)state;
	RING_QP(&ring[0], .qpn = 0x101);
	ring_connect(&ring[0], 0, 0x101, 0x301, 2, 0);
	for (uint32_t peer = 0x100; peer <= 0x101; peer++) {
		RING_QP(&ring[2], .qpn = 0x301);
		ring_connect(&ring[2], 0, 0x301, peer, 1, 0);
		ring_destroy_qp(&ring[2], 0, 0x301);
		ring[2].now += 60000000000;
	}
	ring[2].header.first.realtime += 3600000000000;
	open_run();
	expect_end(peers_of(0).end[0], 2, 1);
}

/* Two subnets that have the same LIDs. */
static void test_lid_used_twice(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		ring_port(&ring[i], 0, 2, 50);
		ring_gid(&ring[i], 0, 2, 0, (uint8_t)(0x50 + i));
		RING_QP(&ring[i], .qpn = 0x100 + i);
		ring_connect(&ring[i], 0, 0x100 + i, 0x900, 50, 0);
		/* of port 2 */
		((struct vring_qp_attr *)&ring[i]
			 .series[RING_CALLS]
			 .record[ring[i].series[RING_CALLS].count - 5])
			->port = 2;
		((struct vring_qp_attr *)&ring[i]
			 .series[RING_CALLS]
			 .record[ring[i].series[RING_CALLS].count - 3])
			->port = 2;
	}
	open_run();
	expect_end(find(by_lid(50), 0x101, 1000), 1, 0);
	expect_end(find(by_lid(50), 0x102, 1000), 2, 0);
}

/* --- handlers --- */

static int stop(void *arg, const struct reader_event *event, const struct objects *objects)
{
	(void)event;
	(void)objects;
	return ++*(int *)arg == 2 ? -1 : 0;
}

static void test_a_handler_ends_it(void **state)
{
	int events = 0;
	const struct trace_handler handler = { .arg = &events, .event = stop };

	(void)state;
	open_run();
	assert_int_equal(trace_run_walk_all(&run, &handler, &err), -1);
	assert_int_equal(events, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_by_rank),
		TEST(one_file),
		TEST(by_job),
		TEST(missing_rank),
		TEST(unreadable_file),
		TEST(nothing_there),
		TEST(clocks),
		TEST(clocks_that_drift),
		TEST(clocks_in_a_list),
		TEST(clocks_unknown),
		TEST(by_all_names_of_a_port),
		TEST(names_that_another_rank_knows),
		TEST(peers),
		TEST(ids),
		TEST(number_used_again),
		TEST(peers_with_wrong_clocks),
		TEST(lid_used_twice),
		TEST(a_handler_ends_it),
	};
	char directory[] = "unit-run-XXXXXX";
	int rc;

	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("..") < 0 || rmdir(directory) < 0)
		return 1;
	return rc;
}

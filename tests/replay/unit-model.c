/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "made-file.h"

#define GIB ((double)(1 << 30))

/* A network whose messages note when they are done. */
struct world {
	struct loop loop;
	struct model_settings settings;
	struct model *model;
	struct err err;
};

struct note {
	struct net_message message; /* first */
	int64_t time;               /* -1: not yet */
};

static void note_done(struct net_message *message, int64_t time)
{
	struct note *note = (struct note *)message;

	assert_int_equal(note->time, -1);
	note->time = time;
}

static void open_world(struct world *world, const char *text, const uint32_t *logical,
		       uint32_t nlogical)
{
	uint32_t size = 1;

	for (uint32_t d = 0; d < nlogical; d++)
		size *= logical[d];
	if (model_settings_parse(&world->settings, text, logical, nlogical, &world->err) < 0)
		fail_msg("%s", world->err.text);
	loop_init(&world->loop, NULL);
	if (model_create(&world->model, &world->loop, &world->settings, size, &world->err) < 0)
		fail_msg("%s", world->err.text);
}

static void close_world(struct world *world)
{
	model_destroy(world->model);
	model_settings_release(&world->settings);
	loop_release(&world->loop);
}

static void start(struct world *world, struct note *note, bool is_send, uint32_t rank,
		  uint32_t peer, uint64_t tag, uint64_t size)
{
	struct net *net = model_net(world->model, rank);

	*note = (struct note){ .message = { .peer = peer,
					    .tag = tag,
					    .size = size,
					    .done = note_done,
					    .node_id = 7 },
			       .time = -1 };
	if ((is_send ? net_send : net_recv)(net, &note->message, &world->err) < 0)
		fail_msg("%s", world->err.text);
}

static void run(struct world *world)
{
	if (loop_run(&world->loop, &world->err) < 0)
		fail_msg("%s", world->err.text);
}

/* How long a message alone takes. */
static int64_t alone(const char *text, const uint32_t *logical, uint32_t nlogical, uint32_t from,
		     uint32_t to, uint64_t size)
{
	struct world world;
	struct note send, receive;

	open_world(&world, text, logical, nlogical);
	start(&world, &receive, false, to, from, 1, size);
	start(&world, &send, true, from, to, 1, size);
	assert_int_equal(send.time, -1);
	run(&world);
	/* over links its sender hears of it when the answer is back */
	assert_int_equal(send.time, receive.time + (int64_t)world.settings.link_latency);
	assert_int_equal(model_left(world.model, &world.err), 0);
	close_world(&world);
	return receive.time;
}

/* trunc(hops * 500 + bytes / (50 * 2^30 / 1e9)), worked out with integers. */
static int64_t formula(int64_t hops, uint64_t bytes)
{
	return hops * 500 + (int64_t)((__int128)bytes * 1000000000 / (INT64_C(50) << 30));
}

static void takes_what_the_formula_says(void **state)
{
	static const struct {
		const char *text;
		uint32_t dims[3], ndims, from, to;
		int64_t hops;
	} rows[] = {
		{ "topology=Ring,bandwidth=50,latency=500", { 8 }, 1, 0, 1, 1 },
		{ "topology=Ring", { 8 }, 1, 0, 4, 4 },
		{ "topology=Ring", { 8 }, 1, 0, 5, 3 },
		{ "topology=Ring", { 8 }, 1, 7, 0, 1 },
		{ "topology=Ring", { 8 }, 1, 1, 7, 2 },
		{ "topology=ring", { 5 }, 1, 4, 1, 2 },
		{ "topology=Switch", { 8 }, 1, 0, 1, 2 },
		{ "", { 8 }, 1, 6, 3, 2 },
		{ "topology=FullyConnected", { 8 }, 1, 0, 6, 1 },
		/* The first dimension in which they differ, only it. */
		{ "topology=Ring", { 4, 2 }, 2, 0, 6, 2 },
		{ "topology=Ring", { 4, 2 }, 2, 1, 5, 1 },
		{ "topology=Ring+Switch", { 4, 2 }, 2, 1, 5, 2 },
		{ "topology=FullyConnected,Switch", { 4, 2 }, 2, 0, 7, 1 },
		{ "topology=Ring,npus_count=8", { 4, 2 }, 2, 0, 4, 4 },
		{ "topology=Switch+Ring+FullyConnected", { 2, 5, 3 }, 3, 0, 4, 2 },
		{ "topology=Switch+Ring+FullyConnected", { 2, 5, 3 }, 3, 1, 27, 2 },
		{ "topology=Switch+Ring+FullyConnected", { 2, 5, 3 }, 3, 0, 20, 1 },
	};
	static const uint64_t sizes[] = { 0, 1, 54, 65536, 1 << 20, 1000003, UINT64_C(3) << 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
			assert_int_equal(alone(rows[i].text, rows[i].dims, rows[i].ndims,
					       rows[i].from, rows[i].to, sizes[s]),
					 formula(rows[i].hops, sizes[s]));
}

/* With congestion each hop takes the whole message. */
static void hops_follow_each_other_with_congestion(void **state)
{
	static const uint32_t eight[] = { 8 }, two[] = { 4, 2 };
	int64_t hop = formula(1, 1 << 20);

	(void)state;
	assert_int_equal(alone("topology=Ring,congestion=yes", eight, 1, 0, 1, 1 << 20), hop);
	assert_int_equal(alone("topology=Ring,congestion=yes", eight, 1, 0, 5, 1 << 20), 3 * hop);
	assert_int_equal(alone("topology=Ring,congestion=yes", eight, 1, 2, 6, 1 << 20), 4 * hop);
	assert_int_equal(alone("topology=Switch,congestion=yes", eight, 1, 0, 5, 1 << 20), 2 * hop);
	assert_int_equal(alone("topology=FullyConnected,congestion=yes", eight, 1, 0, 5, 1 << 20),
			 hop);
	assert_int_equal(alone("topology=Ring,congestion=yes", two, 2, 0, 6, 1 << 20), 2 * hop);
	assert_int_equal(alone("topology=Ring+Switch,congestion=yes", two, 2, 1, 5, 1 << 20),
			 2 * hop);
}

/* SENDS to one rank, all at time 0; when the last one is there. */
struct load {
	uint32_t from, to;
};

static int64_t together(const char *text, uint32_t n, const struct load *loads, uint32_t count)
{
	struct world world;
	struct note send[8], receive[8];
	int64_t last = 0;

	open_world(&world, text, &n, 1);
	for (uint32_t i = 0; i < count; i++) {
		start(&world, &receive[i], false, loads[i].to, loads[i].from, i, 1 << 20);
		start(&world, &send[i], true, loads[i].from, loads[i].to, i, 1 << 20);
	}
	run(&world);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(receive[i].time > 0);
		if (receive[i].time > last)
			last = receive[i].time;
	}
	close_world(&world);
	return last;
}

static void a_link_is_used_by_one_at_a_time(void **state)
{
	static const struct load incast[] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
	static const struct load same[] = { { 0, 1 }, { 0, 1 } };
	static const struct load opposite[] = { { 0, 1 }, { 1, 0 } };
	static const struct load apart[] = { { 0, 1 }, { 0, 3 } };
	/* Over 1, the second behind the first all the way. */
	static const struct load busy[] = { { 0, 2 }, { 0, 2 } };
	int64_t wire = formula(0, 1 << 20), hop = formula(1, 1 << 20);

	(void)state;
	assert_int_equal(together("topology=Ring", 4, same, 2), hop);
	assert_int_equal(together("topology=Ring,congestion=yes", 4, same, 2), wire + hop);
	assert_int_equal(together("topology=Ring,congestion=yes", 4, opposite, 2), hop);
	assert_int_equal(together("topology=Ring,congestion=yes", 4, apart, 2), hop);
	/* All up links at once, then the one down link three times. */
	assert_int_equal(together("topology=Switch,congestion=yes", 4, incast, 3),
			 hop + 2 * wire + hop);
	assert_int_equal(together("topology=Switch", 4, incast, 3), formula(2, 1 << 20));
	/* From 2 over 3, the upwards one of two ways, whose own message has gone by then. */
	assert_int_equal(together("topology=Ring,congestion=yes", 4, incast, 3), 2 * hop);
	assert_int_equal(together("topology=Ring,congestion=yes", 4, busy, 2), hop + wire + hop);
}

static void links_of_a_topology_serialise(void **state)
{
	static const struct load incast[] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
	static const struct load same[] = { { 0, 1 }, { 0, 1 } };
	static const struct load opposite[] = { { 0, 1 }, { 1, 0 } };
	static const uint32_t four[] = { 4 };
	const char *star = "topology=xgft:4:1@rate=100Gbit/s,latency=2us";
	int64_t wire = 83886; /* 2^20 / 12.5 */

	(void)state;
	assert_int_equal(alone(star, four, 1, 0, 1, 1 << 20), wire + 2000);
	assert_int_equal(alone(star, four, 1, 2, 1, 0), 2000);
	assert_int_equal(together(star, 4, opposite, 2), wire + 2000);
	assert_int_equal(together(star, 4, same, 2), 2 * wire + 2000);
	assert_in_range(together(star, 4, incast, 3), 3 * wire + 2000, 3 * wire + 2003);
	/* Across the top of a tree it is the same: cut-through. */
	assert_int_equal(
		alone("topology=xgft:2x2:1x1@rate=100Gbit/s,latency=2us", four, 1, 0, 3, 1 << 20),
		wire + 2000);
	/* Two ranks on a host. */
	assert_int_equal(alone("topology=xgft:2:1@slots=2@rate=100Gbit/s,latency=2us", four, 1, 0,
			       1, 1 << 20),
			 2000);
	assert_int_equal(alone("topology=xgft:2:1@slots=2@rate=100Gbit/s,latency=2us", four, 1, 1,
			       2, 1 << 20),
			 wire + 2000);
	/* A capacity of 1 is bandwidth=. */
	assert_int_equal(
		alone("topology=kary:2:2,latency=1us,bandwidth=100Gbit/s", four, 1, 0, 3, 1 << 20),
		wire + 1000);
	assert_int_equal(alone("topology=kary:2:2", four, 1, 0, 3, 1 << 20), 0);
}

/* Who shares a link shares it by bytes: the short one need not wait for the long one. */
static void a_short_message_passes_a_long_one(void **state)
{
	static const uint32_t three[] = { 3 };
	struct world world;
	struct note send[2], receive[2];

	(void)state;
	open_world(&world, "topology=xgft:3:1@rate=1GB/s", three, 1);
	for (uint32_t i = 0; i < 2; i++) {
		start(&world, &receive[i], false, 2, i, 0, i ? 1000 : 64 << 20);
		start(&world, &send[i], true, i, 2, 0, i ? 1000 : 64 << 20);
	}
	run(&world);
	assert_in_range(receive[0].time, (64 << 20) + 1000, (64 << 20) + 1002);
	assert_true(receive[1].time < 4 << 20);
	close_world(&world);
}

static void sends_and_receives_meet_whoever_is_first(void **state)
{
	static const uint32_t two[] = { 2 };
	struct world world;
	struct note send[3], receive[3];

	(void)state;
	open_world(&world, "topology=Ring,bandwidth=1GB/s,latency=10", two, 1);
	start(&world, &send[0], true, 0, 1, 5, 3000);
	start(&world, &send[1], true, 0, 1, 5, 1000);
	run(&world);
	assert_int_equal(send[0].time, 3010);
	assert_int_equal(send[1].time, 1010);
	/* In order, though the second was there first. */
	start(&world, &receive[0], false, 1, 0, 5, 3000);
	start(&world, &receive[1], false, 1, 0, 5, 1000);
	start(&world, &receive[2], false, 1, 1, 5, 4);
	start(&world, &send[2], true, 1, 1, 5, 4);
	assert_int_equal(receive[0].time, -1);
	run(&world);
	assert_int_equal(receive[0].time, 3010);
	assert_int_equal(receive[1].time, 3010);
	assert_int_equal(receive[2].time, 3010);
	assert_int_equal(model_net(world.model, 0)->counts[1].tx_messages, 2);
	assert_int_equal(model_net(world.model, 0)->counts[1].tx_bytes, 4000);
	assert_int_equal(model_net(world.model, 1)->counts[0].rx_messages, 2);
	assert_int_equal(model_net(world.model, 1)->counts[0].rx_bytes, 4000);
	assert_int_equal(model_net(world.model, 1)->counts[1].tx_bytes, 4);
	assert_int_equal(model_net(world.model, 1)->counts[1].rx_bytes, 4);
	close_world(&world);
}

/* Contents: what is sent is a function of the place; what comes is compared with it. */
static uint64_t taken;

static void fill(struct net_message *message, uint64_t at, void *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = (uint8_t)((at + i) * 31 + message->tag);
}

static void take(struct net_message *message, uint64_t at, const void *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)buffer)[i] == (uint8_t)((at + i) * 31 + message->tag))
			taken++;
}

static void contents_come_with_it(void **state)
{
	static const struct net_data data = { fill, take };
	static const uint32_t two[] = { 2 };
	struct world world;
	struct note note[4];

	(void)state;
	for (int late = 0; late < 2; late++) {
		open_world(&world, "topology=Ring", two, 1);
		for (uint32_t i = 0; i < 4; i++)
			note[i] = (struct note){
				.message = { .peer = 1 - i % 2,
					     .tag = i / 2,
					     .size = 200001,
					     .data = &data,
					     .done = note_done },
				.time = -1,
			};
		taken = 0;
		for (uint32_t i = 0; i < 4; i += 2)
			net_send(model_net(world.model, 0), &note[i].message, &world.err);
		if (late)
			run(&world);
		for (uint32_t i = 1; i < 4; i += 2)
			net_recv(model_net(world.model, 1), &note[i].message, &world.err);
		run(&world);
		assert_int_equal(taken, 2 * 200001);
		close_world(&world);
	}
}

static void other_sizes_are_an_error(void **state)
{
	static const uint32_t two[] = { 2 };
	struct world world;
	struct note receive;
	struct net_message send = { .peer = 1, .tag = 3, .size = 100, .done = note_done };

	(void)state;
	open_world(&world, "topology=Ring", two, 1);
	start(&world, &receive, false, 1, 0, 3, 200);
	assert_int_equal(net_send(model_net(world.model, 0), &send, &world.err), -1);
	assert_string_equal(world.err.text, "sizes differ: rank 0 sends 100 bytes with tag 3, "
					    "rank 1 (node 7) receives 200");
	send.peer = 2;
	assert_int_equal(net_send(model_net(world.model, 0), &send, &world.err), -1);
	assert_string_equal(world.err.text, "rank 0 sends to rank 2, but there are 2 ranks");
	close_world(&world);
}

/* A receive that does not say how much takes what comes, whoever is first. */
static void a_receive_may_take_what_there_is(void **state)
{
	static const uint32_t two[] = { 2 };
	struct world world;
	struct note send[2], receive[3];

	(void)state;
	open_world(&world, "topology=Ring", two, 1);
	start(&world, &receive[0], false, 1, 0, 1, NET_ANY);
	start(&world, &send[0], true, 0, 1, 1, 100);
	start(&world, &send[1], true, 0, 1, 2, 200);
	run(&world);
	start(&world, &receive[1], false, 1, 0, 2, NET_ANY);
	run(&world);
	assert_int_equal(receive[0].message.size, 100);
	assert_int_equal(receive[1].message.size, 200);
	assert_int_equal(model_net(world.model, 1)->counts[0].rx_bytes, 300);
	start(&world, &receive[2], false, 1, 0, 3, NET_ANY);
	assert_int_equal(model_left(world.model, &world.err), -1);
	assert_string_equal(world.err.text, "rank 1 (node 7) waits for what there is from rank 0 "
					    "with tag 3, which nobody sends");
	close_world(&world);
}

static void who_waits_in_the_end_is_named(void **state)
{
	static const uint32_t two[] = { 2 };
	struct world world;
	struct note note;

	(void)state;
	open_world(&world, "topology=Ring", two, 1);
	assert_int_equal(model_left(world.model, &world.err), 0);
	start(&world, &note, true, 0, 1, 9, 77);
	run(&world);
	assert_int_equal(model_left(world.model, &world.err), -1);
	assert_string_equal(world.err.text,
			    "rank 0 sends 77 bytes to rank 1 with tag 9, which nobody receives");
	start(&world, &note, false, 1, 0, NET_TAG_P2P | 8, 78);
	run(&world);
	assert_int_equal(model_left(world.model, &world.err), -1);
	assert_string_equal(world.err.text,
			    "rank 1 (node 7) waits for 78 bytes from rank 0 with tag 8, "
			    "which nobody sends");
	close_world(&world);
}

/* --- settings --- */

static void reads_network_files(void **state)
{
	static const char *const texts[] = {
		("topology: [ Ring, Switch ]  # Ring, Switch, FullyConnected\n"
		 "npus_count: [ 4, 2 ]\nbandwidth: [ 50.0, 12.5 ]  # GB/s\n"
		 "latency: [ 500.0, 700 ]  # ns\n"),
		("# of the lab\n{ \"topology\": [\"Ring\", \"Switch\"], \"npus_count\": [4, 2],\n"
		 "\"bandwidth\": [50, 12.5], \"latency\": [500, 700], \"color\": \"red\" }\n"),
		"# of the lab\n\ntopology=Ring,Switch\nbandwidth=50+12.5\nlatency=500ns,0.7us\n",
	};
	static const uint32_t logical[] = { 4, 2 };
	struct model_settings settings;
	char path[64], text[80];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		made_file(path, texts[i]);
		snprintf(text, sizeof(text), "@%s", path);
		if (model_settings_parse(&settings, text, logical, 2, &err) < 0)
			fail_msg("%s", err.text);
		unlink(path);
		assert_int_equal(settings.dims, 2);
		assert_int_equal(settings.kind[0], MODEL_RING);
		assert_int_equal(settings.kind[1], MODEL_SWITCH);
		assert_int_equal(settings.npus[0], 4);
		assert_int_equal(settings.npus[1], 2);
		assert_true(settings.bandwidth[0] == 50 * GIB);
		assert_true(settings.bandwidth[1] == 12.5 * GIB);
		assert_true(settings.latency[0] == 500);
		assert_true(settings.latency[1] == 700);
		assert_false(settings.congestion);
		model_settings_release(&settings);
	}
}

static void says_what_is_wrong_with_settings(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "topology=Ring+Star", "is no Ring, Switch or FullyConnected" },
		{ "topology=Rng", "Rng': is no Ring, Switch or FullyConnected, nor a SPEC" },
		{ "bandwidth=fast", "bandwidth='fast': is no bandwidth" },
		{ "bandwidth=0", "is no bandwidth" },
		{ "bandwidth=-3", "is no bandwidth" },
		{ "bandwidth=nan", "is no bandwidth" },
		{ "latency=-1", "latency='-1': is no latency" },
		{ "latency=1e99", "is no latency" },
		{ "latency=5parsec", "is no latency" },
		{ "npus_count=0", "npus_count='0': is no number of ranks" },
		{ "npus_count=2.5", "is no number of ranks" },
		{ "npus_count=", "is empty" },
		{ "congestion=maybe", "congestion='maybe': is neither yes nor no" },
		{ "bandwidht=50", "'bandwidht': no such setting of the model (topology, " },
		{ "Ring", "'Ring': no such setting" },
		{ "topology=Ring+Ring+Ring", "the model has 3 dimensions, the logical topology 2" },
		{ "topology=Ring+Ring,latency=1+2+3", "has 2 values for 3 dimensions" },
		{ "latency=1,2,npus_count=2", "says how many for one dimension only" },
		{ "topology=Ring,routing=dmodk", "only a topology of links has routes" },
		{ "topology=kary:2:2,npus_count=4", "a topology of links says that itself" },
		{ "seed=x", "seed='x': is no number" },
		{ "latency=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "too many dimensions" },
		{ "@/nonexistent/net.yml", "unable to open '/nonexistent/net.yml'" },
	};
	static const uint32_t logical[] = { 4, 2 };
	struct model_settings settings;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		err.text[0] = '\0';
		assert_int_equal(model_settings_parse(&settings, rows[i].text, logical, 2, &err),
				 -1);
		if (!strstr(err.text, rows[i].what))
			fail_msg("'%s': '%s' is not in '%s'", rows[i].text, rows[i].what, err.text);
	}
}

static void says_what_is_wrong_with_files(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "topology: [Ring]\nlatency: [1]\n", "'bandwidth' is missing" },
		{ "topology: [Ring]\nlatency: {a: 1}\n", ":2: 'latency' is no value and no list" },
		{ "topology: [Ring\n", ":2: " },
		{ "- topology\n", "is no mapping" },
		{ "topology: [Rng, Ring]\nlatency: [1]\nbandwidth: [1]\nnpus_count: [2, 2]\n",
		  "is no Ring" },
		{ "topology=Ring\nbandwidth=x\n", "bandwidth='x': is no bandwidth" },
	};
	static const uint32_t logical[] = { 8 };
	struct model_settings settings;
	char path[64], text[80];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		made_file(path, rows[i].text);
		snprintf(text, sizeof(text), "@%s", path);
		assert_int_equal(model_settings_parse(&settings, text, logical, 1, &err), -1);
		unlink(path);
		if (!strstr(err.text, rows[i].what) || !strstr(err.text, path))
			fail_msg("%zu: '%s' is not in '%s'", i, rows[i].what, err.text);
	}
}

static void a_network_must_fit_the_ranks(void **state)
{
	static const struct {
		const char *text;
		uint32_t size;
		const char *what;
	} rows[] = {
		{ "topology=Ring,npus_count=4", 8,
		  "the modelled network has 4 ranks, but there "
		  "are 8" },
		{ "npus_count=65536+65536+65536+65536+65536", 8, "but there are 8" },
		{ "topology=xgft:4:1@slots=2", 9, "has 4 hosts with too few slots for 9 ranks" },
		{ "topology=/nonexistent.xml", 2, "nonexistent.xml" },
		{ "topology=kary:2:2,routing=nowhere", 4, "nowhere" },
		{ "topology=kary:2:2,routing=ecmp", 4, "several paths at once" },
	};
	struct model_settings settings;
	struct model *model;
	struct loop loop;
	struct err err;

	(void)state;
	loop_init(&loop, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(
			model_settings_parse(&settings, rows[i].text, &rows[i].size, 1, &err), 0);
		assert_int_equal(model_create(&model, &loop, &settings, rows[i].size, &err), -1);
		if (!strstr(err.text, rows[i].what))
			fail_msg("'%s' is not in '%s'", rows[i].what, err.text);
		model_settings_release(&settings);
	}
	loop_release(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_formula_says),
		cmocka_unit_test(hops_follow_each_other_with_congestion),
		cmocka_unit_test(a_link_is_used_by_one_at_a_time),
		cmocka_unit_test(links_of_a_topology_serialise),
		cmocka_unit_test(a_short_message_passes_a_long_one),
		cmocka_unit_test(sends_and_receives_meet_whoever_is_first),
		cmocka_unit_test(contents_come_with_it),
		cmocka_unit_test(other_sizes_are_an_error),
		cmocka_unit_test(a_receive_may_take_what_there_is),
		cmocka_unit_test(who_waits_in_the_end_is_named),
		cmocka_unit_test(reads_network_files),
		cmocka_unit_test(says_what_is_wrong_with_settings),
		cmocka_unit_test(says_what_is_wrong_with_files),
		cmocka_unit_test(a_network_must_fit_the_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

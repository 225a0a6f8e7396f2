/* SPDX-License-Identifier: Apache-2.0 */
#include "netlib.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void open_segment(struct netlib *lib)
{
	const char *parent = getenv("TMPDIR");
	char dir[256];
	int dir_fd;

	snprintf(dir, sizeof(dir), "%s/netlib-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(segment_create(&lib->fabric.segment, dir_fd, "segment", NULL), 0);
	assert_int_equal(unlinkat(dir_fd, "segment", 0), 0);
	close(dir_fd);
	rmdir(dir);
	lib->fabric.segment.fabric = &lib->fabric;
	lib->fabric.lock_fd = -1;
}

static void make_nodes(struct netlib *lib, uint32_t nodes)
{
	struct shared_header *header = lib->fabric.segment.header;
	uint32_t each = lib->settings.devices;

	header->nodes = nodes;
	header->devices = nodes * each;
	header->nodes_at = segment_alloc(&lib->fabric.segment, nodes * sizeof(struct shared_node));
	header->devices_at =
		segment_alloc(&lib->fabric.segment, header->devices * sizeof(struct shared_device));
	assert_true(header->nodes_at && header->devices_at);
	for (uint32_t i = 0; i < nodes; i++) {
		struct shared_node *node = segment_at(&lib->fabric.segment, header->nodes_at);

		snprintf(node[i].name, sizeof(node[i].name), "node%u", i);
		for (uint32_t j = 0; j < each; j++) {
			struct shared_device *device = fabric_device(&lib->fabric, i * each + j);

			snprintf(device->name, sizeof(device->name), "netemu%u", j % 100);
			device->node = i;
			device->index = j;
			device->link_layer = lib->settings.one[j].link_layer;
		}
	}
}

void netlib_make(struct netlib *lib, uint32_t nodes, const char *text,
		 const struct net_topology *network)
{
	struct err err = { "" };
	struct shared_header *header;

	memset(lib, 0, sizeof(*lib));
	assert_int_equal(device_settings_init(&lib->settings), 0);
	if (device_settings_parse(&lib->settings, text, &err) < 0)
		fail_msg("%s", err.text);
	lib->settings.network = network;
	open_segment(lib);
	make_nodes(lib, nodes);
	header = lib->fabric.segment.header;
	header->seed = lib->settings.seed;
	header->latency = lib->settings.latency;
	header->jitter = lib->settings.jitter;
	assert_int_equal(net_star(&lib->fabric, &lib->settings), 0);
}

void netlib_release(struct netlib *lib)
{
	segment_close(&lib->fabric.segment);
	device_settings_release(&lib->settings);
}

struct shared_link *netlib_up(const struct netlib *lib, uint32_t device)
{
	return net_link(&lib->fabric, fabric_device(&lib->fabric, device)->up);
}

struct shared_link *netlib_down(const struct netlib *lib, uint32_t device)
{
	return net_link(&lib->fabric, fabric_device(&lib->fabric, device)->down);
}

struct flow netlib_flow(const struct netlib *lib, uint32_t qpn, uint32_t count,
			struct net_message message)
{
	struct flow flow = { .message = message, .left = count };

	net_stream_init(&flow.stream, lib->fabric.segment.header->seed, message.from, qpn);
	return flow;
}

static void step(struct netlib *lib, struct flow *flow)
{
	int64_t again = -1;

	flow->sqe.posted_at = flow->posted_at;
	if (net_send(&lib->fabric, &flow->stream, &flow->sqe, &flow->message, flow->again,
		     &flow->times, &again)) {
		flow->left--;
		memset(&flow->sqe, 0, sizeof(flow->sqe));
		return;
	}
	assert_true(again > flow->again);
	flow->again = again;
}

void netlib_run(struct netlib *lib, struct flow *flow, uint32_t flows, int64_t until)
{
	for (;;) {
		struct flow *first = NULL;

		for (uint32_t i = 0; i < flows; i++)
			if (flow[i].left && (!first || flow[i].again < first->again))
				first = &flow[i];
		if (!first || (until && first->again > until))
			return;
		step(lib, first);
	}
}

struct net_times netlib_send(struct netlib *lib, struct net_message message)
{
	struct flow flow = netlib_flow(lib, 1, 1, message);

	netlib_run(lib, &flow, 1, 0);
	return flow.times;
}

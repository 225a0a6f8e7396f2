/* SPDX-License-Identifier: Apache-2.0 */
/* Eight processes that send to each other over links that lose a packet in a hundred:
 * nothing is lost that may not be, nothing is doubled, all is in order and as it was.
 */
#include "trafficlib.h"

#include "device/netlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEMBERS  8
#define KINDS    6
#define MESSAGES 60
#define DEVICES  2 /* of each */

/* From each member to the one so far behind it. */
static const struct flow kinds[KINDS] = {
	{ .type = QP_RC, .receives = 4 },               /* RNR happens */
	{ .type = QP_RC, .receives = 32, .srq = true }, /* two flows share it */
	{ .type = QP_RC, .receives = 32 },
	{ .type = QP_XRC_SEND, .receives = 16, .paced = true },
	{ .type = QP_UC, .receives = MESSAGES },
	{ .type = QP_UD, .receives = MESSAGES, .from_device = 1, .to_device = 1 },
};

static struct crowd *crowd;

/* Datagrams are alone on the second devices: each lost packet is one. */
static void count_datagrams(struct crowd *crowd, struct host *host)
{
	uint64_t lost = 0, sent = 0, arrived = 0;

	for (uint32_t i = 0; i < crowd->flows; i++) {
		const struct flow *flow = &crowd->flow[i];

		if (flow->type != QP_UD)
			continue;
		sent += flow->messages;
		arrived += atomic_load(&flow->received);
	}
	for (uint32_t i = 1; i < host->fabric.segment.header->devices; i += 2) {
		const struct port_counters *port = &fabric_device(&host->fabric, i)->counters;

		lost += atomic_load(&port->packets_lost);
		crowd_need(crowd, !atomic_load(&port->drops), "a datagram was dropped", i, 0);
	}
	crowd_need(crowd, sent - arrived == lost, "datagrams are missing", 0, sent - arrived);
	for (uint32_t i = 0; i < host->fabric.segment.header->devices; i += 2)
		lost += atomic_load(&fabric_device(&host->fabric, i)->counters.packets_lost);
	crowd_need(crowd, lost > 0, "nothing was lost", 0, 0);
}

/* Each byte of payload once on the links of its way, however often it was sent. */
static void count_payload(struct crowd *crowd, struct host *host)
{
	uint64_t bytes[2 * MEMBERS * DEVICES] = { 0 }, messages[2 * MEMBERS * DEVICES] = { 0 };

	for (uint32_t i = 0; i < crowd->flows; i++) {
		const struct flow *flow = &crowd->flow[i];

		for (uint32_t k = 0; k < flow->messages; k++) {
			const struct item *item = &flow->item[k];
			bool back = item->opcode == WR_RDMA_READ || item_is_atomic(item);
			uint32_t from = back ? flow->target.device : flow->source.device;
			uint32_t to = back ? flow->source.device : flow->target.device;
			uint32_t up = fabric_device(&host->fabric, from)->up;
			uint32_t down = fabric_device(&host->fabric, to)->down;

			bytes[up] += item->length;
			bytes[down] += item->length;
			messages[up]++;
			messages[down]++;
		}
	}
	for (uint32_t i = 0; i < host->fabric.segment.header->links; i++) {
		const struct shared_link *link = net_link(&host->fabric, i);

		crowd_need(crowd, link->bytes == bytes[i], "payload of a link", i, link->bytes);
		crowd_need(crowd, link->messages == messages[i], "messages of a link", i,
			   link->messages);
	}
}

/* What leaves a port crosses its link, and is lost or comes to another port. */
static void count_packets(struct crowd *crowd, struct host *host)
{
	uint64_t sent = 0, come = 0, lost = 0;

	for (uint32_t i = 0; i < host->fabric.segment.header->devices; i++) {
		struct shared_device *device = fabric_device(&host->fabric, i);
		const struct port_counters *port = &device->counters;
		const struct shared_link *up = net_link(&host->fabric, device->up);
		const struct shared_link *down = net_link(&host->fabric, device->down);

		crowd_need(crowd, up->wire_bytes == port->xmit_bytes, "bytes sent", i, 0);
		crowd_need(crowd, up->resent_bytes == port->bytes_resent, "bytes resent", i, 0);
		crowd_need(crowd, up->lost == port->packets_lost, "packets lost", i, 0);
		crowd_need(crowd, down->wire_bytes == port->rcv_bytes, "bytes received", i, 0);
		sent += port->xmit_packets;
		come += port->rcv_packets;
		lost += port->packets_lost;
	}
	crowd_need(crowd, sent == come + lost, "packets are missing", 0, sent - come);
}

static void check_counters(struct crowd *crowd, struct host *host)
{
	count_datagrams(crowd, host);
	count_payload(crowd, host);
	count_packets(crowd, host);
}

static void make_flows(void)
{
	for (uint32_t i = 0; i < MEMBERS * KINDS; i++) {
		struct flow *flow = &crowd->flow[i];
		uint32_t from = i / KINDS, kind = i % KINDS;

		*flow = kinds[kind];
		flow->number = i;
		flow->from = from;
		flow->to = (from + kind + 1) % MEMBERS;
		flow->messages = MESSAGES;
		if (kind == 2) /* with the flow of kind 1 that goes there */
			flow->shares = &crowd->flow[(from + 1) % MEMBERS * KINDS + 1];
	}
}

static void run(const char *network, uint32_t seed)
{
	char settings[256];

	crowd = crowd_create(MEMBERS, MEMBERS * KINDS);
	crowd->seed = seed;
	crowd->check = check_counters;
	make_flows();
	snprintf(settings, sizeof(settings), "devices=%d,loss=0.01,seed=%u,%s", DEVICES, seed,
		 network);
	lab_open(&crowd->lab, settings, MEMBERS);
	crowd_run(crowd);
	crowd_destroy(crowd);
	crowd = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	if (crowd)
		crowd_destroy(crowd);
	crowd = NULL;
	return 0;
}

static void nothing_is_lost_doubled_or_out_of_order(void **state)
{
	uint32_t rounds = getenv("TEST_LONG") ? 50 : 1;

	for (uint32_t i = 0; i < rounds; i++)
		run(*state, i + 1);
}

#define TEST(network)                                                                              \
	{                                                                                          \
		"nothing_is_lost_doubled_or_out_of_order (" network ")",                           \
			nothing_is_lost_doubled_or_out_of_order, NULL, tear_down, (void *)network, \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("transport=direct"),
		TEST("transport=queue"),
		TEST("transport=direct,latency=5us,rate=2GB/s"),
		TEST("transport=queue,latency=5us,rate=2GB/s"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

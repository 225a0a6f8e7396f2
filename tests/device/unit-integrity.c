/* SPDX-License-Identifier: Apache-2.0 */
/* Eight processes that send to each other over links that lose a packet in a hundred:
 * nothing is lost that may not be, nothing is doubled, all is in order and as it was.
 */
#include "trafficlib.h"

#include "device/netlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEMBERS  8
#define KINDS    6
#define MESSAGES 60

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

static void nothing_is_lost_doubled_or_out_of_order(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++)
		for (uint32_t j = 0; j < KINDS; j++) {
			struct flow *flow = &crowd->flow[i * KINDS + j];
			uint32_t number = flow->number;

			*flow = kinds[j];
			flow->number = number;
			flow->from = i;
			flow->to = (i + j + 1) % MEMBERS;
			flow->messages = MESSAGES;
			if (j == 2) /* with the flow of kind 1 that goes there */
				flow->shares = &crowd->flow[(i + 1) % MEMBERS * KINDS + 1];
		}
	crowd->check = count_datagrams;
	crowd_run(crowd);
}

static int make_crowd(const char *settings)
{
	crowd = crowd_create(MEMBERS, MEMBERS * KINDS);
	crowd->seed = 5;
	lab_open(&crowd->lab, settings, MEMBERS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	crowd_destroy(crowd);
	return 0;
}

#define WITH(name, settings)                 \
	static int name(void **state)        \
	{                                    \
		(void)state;                 \
		return make_crowd(settings); \
	}

WITH(direct, "devices=2,loss=0.01,seed=7,transport=direct")
WITH(queue, "devices=2,loss=0.01,seed=7,transport=queue")
WITH(links_direct, "devices=2,loss=0.01,latency=5us,rate=2GB/s,seed=8,transport=direct")
WITH(links_queue, "devices=2,loss=0.01,latency=5us,rate=2GB/s,seed=8,transport=queue")

#define TEST(setup)                                                                      \
	{                                                                                \
		"nothing_is_lost_doubled_or_out_of_order (" #setup ")",                  \
			nothing_is_lost_doubled_or_out_of_order, setup, tear_down, NULL, \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(direct),
		TEST(queue),
		TEST(links_direct),
		TEST(links_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

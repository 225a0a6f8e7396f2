/* SPDX-License-Identifier: Apache-2.0 */
/* What eight processes send, lose and send again is what a simulation of every packet
 * says, with the same seed.
 *
 * Where flows share a link the order in which they draw from its stream is that of
 * the processes.  So each has its links for itself: node I has four devices, and
 * sends from the first to the second of node I + 1 (RC or XRC), from the third to the
 * fourth (UC) and from the fourth to the third (UD), all of it at once.
 */
#include "packetlib.h"
#include "trafficlib.h"

#include "device/netlink.h"
#include "device/section.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MEMBERS 8
#define DEVICES 4
#define KINDS   3

struct network {
	const char *settings;
	uint32_t header; /* bytes around a packet */
	double down;     /* loss of links to devices */
	uint32_t messages;
};

static const struct network *network;
static struct crowd *crowd;

/* What all flows together should have made of links and ports. */
struct model {
	struct wire link[2 * DEVICES * MEMBERS];
	struct side port[DEVICES * MEMBERS];
	uint64_t lost, resent, timeouts, naks;
};

static struct model model;

static void need_same(uint64_t is, uint64_t should, const char *what, uint32_t where,
		      uint64_t number)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %llu, simulated %llu", what, (unsigned long long)is,
		 (unsigned long long)should);
	crowd_need(crowd, is == should, text, where, number);
}

/* --- the simulation --- */

static struct net_message message_of(const struct flow *flow, const struct item *item)
{
	return (struct net_message){
		.type = flow->type,
		.response = item->opcode == WR_RDMA_READ || item_is_atomic(item),
		.bytes = item->length,
		.mtu = TRAFFIC_MTU,
		.timeout = TRAFFIC_TIMEOUT,
		.retry_count = 7,
	};
}

static void add_wire(struct wire *to, const struct wire *wire)
{
	to->bytes += wire->bytes;
	to->messages += wire->messages;
	to->wire_bytes += wire->wire_bytes;
	to->lost += wire->lost;
	to->resent_bytes += wire->resent_bytes;
}

static void add_side(struct side *to, const struct side *side)
{
	to->xmit_bytes += side->xmit_bytes;
	to->xmit_packets += side->xmit_packets;
	to->rcv_bytes += side->rcv_bytes;
	to->rcv_packets += side->rcv_packets;
	to->lost += side->lost;
	to->resent += side->resent;
	to->resent_bytes += side->resent_bytes;
	to->timeouts += side->timeouts;
	to->naks += side->naks;
}

/* The links of FLOW, as the fabric has them. */
static void make_wires(struct host *host, const struct flow *flow, struct wires *wires,
		       uint32_t link[4])
{
	const struct shared_header *header = host->fabric.segment.header;
	const struct shared_device *from = fabric_device(&host->fabric, flow->source.device);
	const struct shared_device *to = fabric_device(&host->fabric, flow->target.device);

	link[0] = from->up;
	link[1] = from->down;
	link[2] = to->up;
	link[3] = to->down;
	wires_init(wires, header->seed, link);
	wires->latency = header->latency;
	wires->header = network->header;
	for (int i = 0; i < 4; i++) {
		wires->wire[i].rate = net_link_rate(net_link(&host->fabric, link[i]));
		wires->wire[i].loss = net_link_loss(net_link(&host->fabric, link[i]));
	}
}

/* What arrives is exactly what the simulation says; of RC all does. */
static void compare_message(const struct flow *flow, uint32_t number, const struct outcome *outcome)
{
	const struct item *item = &flow->item[number];

	crowd_need(crowd, !outcome->failed, "the simulation gives up", flow->number, number);
	if (flow_reliable(flow) && !item_receives(item))
		return;
	need_same(flow->arrived[number], outcome->delivered, "arrived", flow->number, number);
}

static void compare_queue_pair(struct host *host, const struct flow *flow, uint64_t resent,
			       uint64_t timeouts)
{
	_Atomic uint64_t *place = section_enter(&host->fabric);
	struct shared_qp *qp = qp_find(&host->fabric, flow->source.device, flow->source.qpn);

	crowd_need(crowd, qp != NULL, "the queue pair is gone", flow->number, 0);
	need_same(qp->resent, resent, "resent of the queue pair", flow->number, 0);
	need_same(qp->timeouts, timeouts, "timeouts of the queue pair", flow->number, 0);
	need_same(qp->rnr, 0, "RNR NAKs", flow->number, 0);
	section_leave(place);
}

static void simulate(struct host *host, const struct flow *flow)
{
	uint64_t resent = 0, timeouts = 0;
	struct wires wires;
	uint32_t link[4];

	make_wires(host, flow, &wires, link);
	for (uint32_t i = 0; i < flow->messages; i++) {
		struct net_message message = message_of(flow, &flow->item[i]);
		struct outcome outcome = wires_send(&wires, &message);

		compare_message(flow, i, &outcome);
		resent += outcome.resent;
		timeouts += outcome.timeouts;
	}
	if (flow_reliable(flow))
		compare_queue_pair(host, flow, resent, timeouts);
	for (int i = 0; i < 4; i++)
		add_wire(&model.link[link[i]], &wires.wire[i]);
	add_side(&model.port[flow->source.device], &wires.side[0]);
	add_side(&model.port[flow->target.device], &wires.side[1]);
}

/* --- the comparison --- */

static void compare_link(const struct shared_link *link, uint32_t i)
{
	const struct wire *wire = &model.link[i];

	need_same(link->bytes, wire->bytes, "payload of the link", i, 0);
	need_same(link->messages, wire->messages, "messages of the link", i, 0);
	need_same(link->wire_bytes, wire->wire_bytes, "bytes across the link", i, 0);
	need_same(link->lost, wire->lost, "packets lost by the link", i, 0);
	need_same(link->resent_bytes, wire->resent_bytes, "bytes resent over the link", i, 0);
	model.lost += wire->lost;
}

static void compare_port(const struct port_counters *port, uint32_t i)
{
	const struct side *side = &model.port[i];

	need_same(port->xmit_bytes, side->xmit_bytes, "bytes sent by the port", i, 0);
	need_same(port->xmit_packets, side->xmit_packets, "packets sent by the port", i, 0);
	need_same(port->rcv_bytes, side->rcv_bytes, "bytes received by the port", i, 0);
	need_same(port->rcv_packets, side->rcv_packets, "packets received by the port", i, 0);
	need_same(port->packets_lost, side->lost, "packets lost of the port", i, 0);
	need_same(port->packets_resent, side->resent, "packets resent by the port", i, 0);
	need_same(port->bytes_resent, side->resent_bytes, "bytes resent by the port", i, 0);
	need_same(port->timeouts, side->timeouts, "timeouts of the port", i, 0);
	need_same(port->sequence_naks, side->naks, "NAKs of the port", i, 0);
	need_same(port->drops, 0, "messages dropped at the port", i, 0);
	need_same(port->rnr_naks, 0, "RNR NAKs of the port", i, 0);
	model.resent += side->resent;
	model.timeouts += side->timeouts;
	model.naks += side->naks;
}

static void compare(struct crowd *crowd, struct host *host)
{
	memset(&model, 0, sizeof(model));
	for (uint32_t i = 0; i < crowd->flows; i++)
		simulate(host, &crowd->flow[i]);
	for (uint32_t i = 0; i < 2 * DEVICES * MEMBERS; i++)
		compare_link(net_link(&host->fabric, i), i);
	for (uint32_t i = 0; i < DEVICES * MEMBERS; i++)
		compare_port(&fabric_device(&host->fabric, i)->counters, i);
	printf("# %llu packets lost, %llu sent again, %llu NAKs, %llu timeouts\n",
	       (unsigned long long)model.lost, (unsigned long long)model.resent,
	       (unsigned long long)model.naks, (unsigned long long)model.timeouts);
	fflush(stdout);
	crowd_need(crowd, model.lost && model.resent && model.naks && model.timeouts,
		   "too little has happened", 0, 0);
}

/* --- without losses: bytes by the headers that netemu-device(7) names --- */

static uint64_t packets_of(const struct item *item)
{
	return item->length ? (item->length + TRAFFIC_MTU - 1) / TRAFFIC_MTU : 1;
}

/* Bytes of one message on the way there, and back. */
static void bytes_of(const struct flow *flow, const struct item *item, uint64_t bytes[2])
{
	uint64_t header = network->header, packets = packets_of(item);

	bytes[0] = item->length + packets * header;
	bytes[1] = 0;
	if (flow->type == QP_UD)
		bytes[0] += 8;
	if (!flow_reliable(flow))
		return;
	bytes[1] = header + 4;
	if (item->opcode != WR_RDMA_READ && !item_is_atomic(item))
		return;
	bytes[1] = bytes[0] + (packets > 1 ? 8 : 4);
	bytes[0] = header + 16;
}

static void count_bytes(struct crowd *crowd, struct host *host)
{
	for (uint32_t i = 0; i < crowd->flows; i++) {
		const struct flow *flow = &crowd->flow[i];
		struct shared_device *from = fabric_device(&host->fabric, flow->source.device);
		struct shared_device *to = fabric_device(&host->fabric, flow->target.device);
		uint64_t sum[2] = { 0, 0 }, bytes[2];

		for (uint32_t k = 0; k < flow->messages; k++) {
			bytes_of(flow, &flow->item[k], bytes);
			sum[0] += bytes[0];
			sum[1] += bytes[1];
		}
		need_same(net_link(&host->fabric, from->up)->wire_bytes, sum[0], "up", i, 0);
		need_same(net_link(&host->fabric, to->down)->wire_bytes, sum[0], "down", i, 0);
		if (!flow_reliable(flow))
			continue;
		need_same(net_link(&host->fabric, to->up)->wire_bytes, sum[1], "back up", i, 0);
		need_same(net_link(&host->fabric, from->down)->wire_bytes, sum[1], "back", i, 0);
	}
}

/* --- tests --- */

static void set_losses(struct crowd *crowd, struct host *host)
{
	(void)crowd;
	for (uint32_t i = 1; i < host->fabric.segment.header->links; i += 2)
		net_link_set_loss(net_link(&host->fabric, i), network->down);
	net_changed(&host->fabric);
}

static void make_flows(void)
{
	static const struct flow kinds[KINDS] = {
		{ .type = QP_RC, .receives = 16, .paced = true, .to_device = 1 },
		{ .type = QP_UC, .from_device = 2, .to_device = 3 },
		{ .type = QP_UD, .from_device = 3, .to_device = 2 },
	};

	for (uint32_t i = 0; i < MEMBERS * KINDS; i++) {
		struct flow *flow = &crowd->flow[i];

		*flow = kinds[i % KINDS];
		flow->number = i;
		flow->from = i / KINDS;
		flow->to = (flow->from + 1) % MEMBERS;
		flow->messages = network->messages / (flow->type == QP_RC ? 1 : 3);
		if (!flow->receives)
			flow->receives = flow->messages;
		if (flow->type == QP_RC && flow->from % 4 == 1)
			flow->srq = true;
		if (flow->type == QP_RC && flow->from % 4 == 3)
			flow->type = QP_XRC_SEND;
	}
}

static void run(const struct network *with, uint32_t seed,
		void (*check)(struct crowd *crowd, struct host *host))
{
	char settings[256];

	network = with;
	crowd = crowd_create(MEMBERS, MEMBERS * KINDS);
	crowd->seed = seed;
	crowd->begin = set_losses;
	crowd->check = check;
	make_flows();
	snprintf(settings, sizeof(settings), "devices=%d,seed=%u,%s", DEVICES, seed,
		 network->settings);
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

static void what_is_sent_again_is_what_a_simulation_says(void **state)
{
	static const struct network networks[] = {
		{ "loss=0.01,latency=5us,rate=1GB/s,transport=direct", 26, 0, 400 },
		{ "loss=0.01,latency=5us,rate=1GB/s,transport=queue", 26, 0.01, 400 },
		{ "loss=0.01,latency=20us,link_layer=ethernet", 62, 0.01, 400 },
		{ "loss=0.02,latency=500ns,rate=500MB/s,link_layer=ethernet", 62, 0, 300 },
	};
	uint32_t rounds = getenv("TEST_LONG") ? 25 : 1;

	(void)state;
	for (uint32_t i = 0; i < rounds * 4; i++)
		run(&networks[i % 4], i, compare);
}

static void bytes_on_links_are_payload_and_headers(void **state)
{
	static const struct network networks[] = {
		{ "latency=1us,rate=1GB/s,transport=direct", 26, 0, 100 },
		{ "latency=1us,transport=queue,link_layer=ethernet", 62, 0, 100 },
	};

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		run(&networks[i], i, count_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_sent_again_is_what_a_simulation_says, tear_down),
		cmocka_unit_test_teardown(bytes_on_links_are_payload_and_headers, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

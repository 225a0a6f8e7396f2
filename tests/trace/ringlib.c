/* SPDX-License-Identifier: Apache-2.0 */
#include "ringlib.h"

#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

void ring_init(struct ring *ring)
{
	static const struct ring_series series[RING_SERIES] = {
		[RING_CALLS] = { .kind = VRING_CALLS },
		[RING_MEMORY] = { .kind = VRING_MEMORY },
		[RING_THREAD] = { .kind = VRING_DATA, .thread = 100 },
		[RING_OTHER] = { .kind = VRING_DATA, .thread = 101 },
	};
	const struct vring_anchor first = { RING_BEGIN, RING_BEGIN, RING_REALTIME };

	*ring = (struct ring){
		.header = {
			.magic = VRING_MAGIC,
			.version = VRING_VERSION,
			.byte_order = VRING_BYTE_ORDER,
			.clean = 1,
			.clock = VRING_MONOTONIC,
			.level = VRING_FULL,
			.ranks = 1,
			.pid = 4711,
			.first = first,
			.last = first,
			.node = "node0",
			.program = "/usr/bin/program",
		},
		.now = RING_BEGIN,
		.per_extent = VRING_RECORDS,
	};
	memcpy(ring->series, series, sizeof(series));
}

void ring_release(struct ring *ring)
{
	for (int i = 0; i < RING_SERIES; i++)
		free(ring->series[i].record);
	memset(ring, 0, sizeof(*ring));
}

void ring_put(struct ring *ring, int number, const void *record, size_t count)
{
	struct ring_series *series = &ring->series[number];
	struct vring_record *to;

	while (series->count + count > series->room) {
		series->room = series->room ? 2 * series->room : 64;
		series->record =
			must(reallocarray(series->record, series->room, sizeof(*series->record)));
	}
	to = &series->record[series->count];
	memcpy(to, record, count * sizeof(*to));
	to->more = (uint8_t)(count - 1);
	ring->now += RING_STEP;
	if (!to->time)
		to->time = ring->now;
	series->count += count;
}

/* --- control calls --- */

static void put_call(struct ring *ring, const struct vring_call *call, const void *more)
{
	struct vring_record records[2];

	memcpy(&records[0], call, sizeof(records[0]));
	memcpy(&records[1], more, sizeof(records[1]));
	ring_put(ring, RING_CALLS, records, 2);
}

void ring_open(struct ring *ring, uint8_t context, const char *name)
{
	const struct vring_call call = {
		.call = VCALL_OPEN_DEVICE,
		.context = context,
		.object = 0x10000U + context,
		.a = 1,
	};
	struct vring_name more = { "" };

	snprintf(more.name, sizeof(more.name), "%s", name);
	put_call(ring, &call, &more);
}

void ring_port(struct ring *ring, uint8_t context, uint32_t port, uint16_t lid)
{
	RING_CALL(ring, PORT, .context = context, .number = port, .a = lid, .b = lid ? 1 : 2);
}

void ring_gid_raw(uint8_t raw[16], uint8_t last)
{
	static const uint8_t begin[16] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x12, 0x34 };

	memcpy(raw, begin, 16);
	raw[15] = last;
}

void ring_gid(struct ring *ring, uint8_t context, uint32_t port, uint32_t index, uint8_t last)
{
	uint8_t raw[16];
	uint64_t halves[2];

	ring_gid_raw(raw, last);
	memcpy(halves, raw, sizeof(halves));
	RING_CALL(ring, GID, .context = context, .number = port, .a = index,
		  .b = be64toh(halves[0]), .c = be64toh(halves[1]));
}

static uint64_t qp_object(uint32_t qpn)
{
	return 0x100ULL * qpn;
}

void ring_qp(struct ring *ring, const struct ring_qp *qp)
{
	const struct vring_call call = {
		.call = VCALL_CREATE_QP,
		.duration = 5,
		.context = qp->context,
		.object = qp->object ? qp->object : qp_object(qp->qpn),
		.parent = 0x77,
		.number = qp->qpn,
		.a = 0xc1,
		.b = 0xc2,
		.c = qp->srq,
	};
	const struct vring_qp_init init = {
		.type = qp->type ? qp->type : 2,
		.max_send_wr = qp->max_send_wr,
		.max_recv_wr = qp->max_recv_wr,
		.sig_all = qp->sig_all,
	};

	put_call(ring, &call, &init);
}

void ring_destroy_qp(struct ring *ring, uint8_t context, uint32_t qpn)
{
	RING_CALL(ring, DESTROY_QP, .context = context, .object = qp_object(qpn), .number = qpn);
}

static void modify(struct ring *ring, uint8_t context, uint32_t qpn, uint64_t mask, uint32_t state,
		   const struct vring_qp_attr *attr)
{
	const struct vring_call call = {
		.call = VCALL_MODIFY_QP,
		.duration = 5,
		.context = context,
		.object = qp_object(qpn),
		.number = qpn,
		.a = mask,
		.b = state,
	};

	put_call(ring, &call, attr);
}

void ring_state(struct ring *ring, uint8_t context, uint32_t qpn, uint32_t state)
{
	const struct vring_qp_attr none = { 0 };

	modify(ring, context, qpn, 1, state, &none);
}

/* Bits of enum ibv_qp_attr_mask: STATE 0, PORT 5, AV 7, PATH_MTU 8, TIMEOUT 9, RETRY_CNT 10,
 * RNR_RETRY 11, DEST_QPN 20.
 */
void ring_connect(struct ring *ring, uint8_t context, uint32_t qpn, uint32_t peer_qpn,
		  uint16_t dlid, uint8_t last)
{
	const struct vring_qp_attr init = { .port = 1 };
	const struct vring_qp_attr rts = { .timeout = 14, .retry_count = 7, .rnr_retry = 6 };
	struct vring_qp_attr rtr = {
		.port = 1, .dest_qpn = peer_qpn, .dlid = dlid, .path_mtu = 3, .is_global = !!last
	};

	if (last)
		ring_gid_raw(rtr.dgid, last);
	modify(ring, context, qpn, 1 | 1 << 5, 1, &init);
	modify(ring, context, qpn, 1 | 1 << 7 | 1 << 8 | 1 << 20, 2, &rtr);
	modify(ring, context, qpn, 1 | 1 << 9 | 1 << 10 | 1 << 11, 3, &rts);
}

/* --- the file --- */

/* Records from AT on that fit into one extent. */
static size_t fitting(const struct ring *ring, const struct ring_series *series, size_t at)
{
	size_t end = at;

	while (end < series->count && end + 1 + series->record[end].more - at <= ring->per_extent)
		end += 1U + series->record[end].more;
	return end - at;
}

static void write_extent(FILE *out, const struct ring *ring, int number, size_t at, size_t used,
			 bool dense)
{
	static const struct vring_record none;
	const struct ring_series *series = &ring->series[number];
	const struct vring_extent extent = {
		.kind = series->kind,
		.used = (uint32_t)used,
		.thread = series->thread,
		.series = (uint32_t)number + 1,
		.first = series->first + at,
		.anchor = ring->header.first,
	};

	fwrite(&extent, sizeof(extent), 1, out);
	fwrite(series->record + at, sizeof(none), used, out);
	for (size_t i = used; !dense && i < VRING_RECORDS; i++)
		fwrite(&none, sizeof(none), 1, out);
}

static void write_series(FILE *out, const struct ring *ring, int number, size_t at, bool dense)
{
	size_t used = fitting(ring, &ring->series[number], at);

	if (!used)
		return;
	write_series(out, ring, number, at + used, dense);
	write_extent(out, ring, number, at, used, dense);
}

static void save(const struct ring *ring, const char *path, bool dense)
{
	char head[VRING_HEADER_SIZE] = { 0 };
	FILE *out = must(fopen(path, "wb"));

	memcpy(head, &ring->header, sizeof(ring->header));
	fwrite(head, dense ? sizeof(ring->header) : sizeof(head), 1, out);
	for (int i = RING_SERIES; i-- > 0;)
		write_series(out, ring, i, 0, dense);
	if (fclose(out) != 0)
		abort();
}

void ring_save(const struct ring *ring, const char *path)
{
	save(ring, path, false);
}

void ring_save_dense(const struct ring *ring, const char *path)
{
	save(ring, path, true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ringdump.c - a file of records as text: a line for each, words NAME=VALUE
 *
 *	ringdump FILE
 *
 * The first line is the header, the last one what the reader has counted.  Lines of
 * records begin with `call=`; times are in ns since the first anchor, numbers of
 * verbs (opcodes, states) are left as numbers.
 */
#include "trace/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- what belongs to a record --- */

static void put_name(const struct vring_record *more)
{
	const struct vring_name *name = (const struct vring_name *)more;

	printf(" name='%.*s'", (int)sizeof(name->name), name->name);
}

static void put_qp_init(const struct vring_record *more)
{
	const struct vring_qp_init *init = (const struct vring_qp_init *)more;

	printf(" type=%u max_send_wr=%u max_recv_wr=%u max_send_sge=%u max_recv_sge=%u"
	       " max_inline=%u sig_all=%u send_ops=0x%" PRIx64 " xrcd=0x%" PRIx64,
	       init->type, init->max_send_wr, init->max_recv_wr, init->max_send_sge,
	       init->max_recv_sge, init->max_inline, init->sig_all, init->send_ops, init->xrcd);
}

static void put_bytes(const char *name, const uint8_t *bytes, size_t size)
{
	printf(" %s=", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

static void put_qp_attr(const struct vring_record *more)
{
	const struct vring_qp_attr *attr = (const struct vring_qp_attr *)more;

	printf(" dest_qpn=%u rq_psn=%u sq_psn=%u qkey=%u mtu=%u port=%u timeout=%u retries=%u"
	       " rnr_retries=%u dlid=%u sl=%u global=%u sgid_index=%u",
	       attr->dest_qpn, attr->rq_psn, attr->sq_psn, attr->qkey, attr->path_mtu, attr->port,
	       attr->timeout, attr->retry_count, attr->rnr_retry, attr->dlid, attr->sl,
	       attr->is_global, attr->sgid_index);
	put_bytes("dgid", attr->dgid, sizeof(attr->dgid));
}

static void put_address(const struct vring_record *more)
{
	const struct vring_address *address = (const struct vring_address *)more;

	printf(" family=%u source_port=%u port=%u", address->family, address->source_port,
	       address->port);
	put_bytes("source", address->source, sizeof(address->source));
	put_bytes("to", address->to, sizeof(address->to));
}

/* --- the data path --- */

/* Elements but the first, in COUNT records. */
static void put_sges(const struct vring_record *more, int sges)
{
	const struct vring_sges *part = (const struct vring_sges *)more;

	for (int i = 1; i < sges; i++) {
		int at = (i - 1) % 4;

		printf(" sge%d=0x%" PRIx64 ":%u:%u", i, part->sge[at].address, part->sge[at].length,
		       part->sge[at].lkey);
		part += at == 3;
	}
}

static uint32_t sge_records(uint8_t sges)
{
	return sges > 1 ? (sges + 2U) / 4 : 0;
}

static void put_send(const struct vring_record *record)
{
	const struct vring_send *send = (const struct vring_send *)record;
	uint32_t elements = sge_records(send->sges);
	const struct vring_more *more = (const struct vring_more *)(record + 1 + elements);

	printf(" qpn=%u opcode=%u flags=0x%x sges=%u error=%u bytes=%u imm=%u wr_id=%" PRIu64
	       " address=0x%" PRIx64 " lkey=%u remote_address=0x%" PRIx64 " rkey=%u",
	       send->qpn, send->opcode, send->flags, send->sges, send->error, send->bytes,
	       send->imm, send->wr_id, send->address, send->lkey, send->remote_address, send->rkey);
	if (send->more >= elements)
		put_sges(record + 1, send->sges);
	if (send->more > elements)
		printf(" compare_add=%" PRIu64 " swap=%" PRIu64 " ah=0x%" PRIx64
		       " remote_qpn=%u remote_qkey=%u srqn=%u",
		       more->compare_add, more->swap, more->ah, more->remote_qpn, more->remote_qkey,
		       more->srqn);
}

static void put_receive(const struct vring_record *record)
{
	const struct vring_receive *receive = (const struct vring_receive *)record;

	printf(" qpn=%u srq=0x%" PRIx64 " sges=%u error=%u bytes=%u wr_id=%" PRIu64
	       " address=0x%" PRIx64 " lkey=%u",
	       receive->qpn, receive->srq, receive->sges, receive->error, receive->bytes,
	       receive->wr_id, receive->address, receive->lkey);
	if (receive->more >= sge_records(receive->sges))
		put_sges(record + 1, receive->sges);
}

static void put_wc(const struct vring_record *record)
{
	const struct vring_wc *wc = (const struct vring_wc *)record;

	printf(" qpn=%u status=%u opcode=%u flags=0x%x bytes=%u imm=%u wr_id=%" PRIu64
	       " src_qp=%u vendor_error=%u timestamp=%" PRIu64 " empty=%u batch=%u",
	       wc->qpn, wc->status, wc->opcode, wc->flags, wc->bytes, wc->imm, wc->wr_id,
	       wc->src_qp, wc->vendor_error, wc->timestamp, wc->empty, wc->batch);
}

/* --- what is told and counted --- */

static void put_device(const struct vring_record *record)
{
	const struct vring_device *device = (const struct vring_device *)record;

	printf(" what=%u at=%" PRId64 " until=%" PRId64 " device=%u qpn=%u remote_device=%u"
	       " remote_qpn=%u wr_id=%" PRIu64 " bytes=%u opcode=%u status=%u resent=%u",
	       device->what, device->at, device->until, device->device, device->qpn,
	       device->remote_device, device->remote_qpn, device->wr_id, device->bytes,
	       device->opcode, device->status, device->resent);
}

static void put_sizes(const char *name, const uint64_t *sizes)
{
	for (int i = 0; i < VRING_SIZES; i++)
		if (sizes[i])
			printf(" %s_size%d=%" PRIu64, name, i, sizes[i]);
}

/* What is 0 is left out of the lists. */
static void put_summary(const struct vring_record *record)
{
	const struct vring_summary *summary = (const struct vring_summary *)record;

	printf(" qpn=%u srq=0x%" PRIx64 " by=%u refused=%" PRIu64 " receives=%" PRIu64
	       " receive_bytes=%" PRIu64 " sent=%" PRIu64 " received=%" PRIu64
	       " received_bytes=%" PRIu64 " failed=%" PRIu64,
	       summary->qpn, summary->srq, summary->thread, summary->refused, summary->receives,
	       summary->receive_bytes, summary->sent, summary->received, summary->received_bytes,
	       summary->failed);
	for (int i = 0; i < VRING_OPCODES; i++)
		if (summary->by_opcode[i].requests)
			printf(" requests%d=%" PRIu64 " bytes%d=%" PRIu64, i,
			       summary->by_opcode[i].requests, i, summary->by_opcode[i].bytes);
	put_sizes("send", summary->send_sizes);
	put_sizes("received", summary->received_sizes);
	for (int i = 0; i < VRING_STATUSES; i++)
		if (summary->by_status[i])
			printf(" status%d=%u", i, summary->by_status[i]);
}

static void put_latency(const struct vring_record *record)
{
	const struct vring_latency *latency = (const struct vring_latency *)record;

	printf(" qpn=%u by=%u count=%" PRIu64 " sum=%" PRIu64 " min=%" PRIu64 " max=%" PRIu64,
	       latency->qpn, latency->thread, latency->count, latency->sum, latency->min,
	       latency->max);
	for (uint32_t i = 0; i < VRING_LATENCY_BUCKETS; i++)
		if (latency->bucket[i])
			printf(" from%" PRIu64 "=%" PRIu64, vring_latency_begin(i),
			       latency->bucket[i]);
}

/* --- calls, as vcalls.h describes them --- */

struct described {
	const char *fields[6];
	void (*more)(const struct vring_record *more); /* or NULL */
};

#define DESCRIBED(constant, name, kind, object, parent, number, a, b, c) \
	[VCALL_##constant] = { .fields = { object, parent, number, a, b, c } },
static const struct described described[VCALL_COUNT] = { VCALLS(DESCRIBED) };

static void put_field(const char *field, uint64_t value)
{
	if (!field || !*field)
		return;
	if (*field == '#')
		printf(" %s=%" PRIu64, field + 1, value);
	else
		printf(" %s=0x%" PRIx64, field + 1, value);
}

static void put_call(const struct vring_record *record)
{
	const struct vring_call *call = (const struct vring_call *)record;
	const char *const *fields = described[call->call].fields;
	const uint64_t values[] = { call->object, call->parent, call->number,
				    call->a,      call->b,      call->c };

	printf(" result=%d", call->result);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		put_field(fields[i], values[i]);
}

static void put_more(const struct vring_record *record)
{
	if (!record->more)
		return;
	switch (record->call) {
	case VCALL_OPEN_DEVICE:
	case VCALL_IMPORT_DEVICE:
	case VCALL_UNSEEN:
		put_name(record + 1);
		break;
	case VCALL_CREATE_QP:
	case VCALL_CREATE_QP_EX:
	case VCALL_CM_CREATE_QP:
		put_qp_init(record + 1);
		break;
	case VCALL_MODIFY_QP:
		put_qp_attr(record + 1);
		break;
	default:
		put_address(record + 1);
		break;
	}
}

static void put_record(const struct reader *reader, const struct reader_event *event)
{
	const struct vring_record *record = event->record;

	printf("call=%s time=%" PRId64 " duration=%" PRId64 " thread=%u series=%u context=%u",
	       reader_call_name(record->call), event->time - reader->header.first.monotonic,
	       event->duration, event->thread, event->series, record->context);
	switch (record->call) {
	case VCALL_POST_SEND:
	case VCALL_WR:
		put_send(record);
		break;
	case VCALL_POST_RECV:
	case VCALL_POST_SRQ_RECV:
		put_receive(record);
		break;
	case VCALL_POLL_CQ:
	case VCALL_START_POLL:
	case VCALL_NEXT_POLL:
		put_wc(record);
		break;
	case VCALL_DEVICE:
		put_device(record);
		break;
	case VCALL_SUMMARY:
		put_summary(record);
		break;
	case VCALL_LATENCY:
		put_latency(record);
		break;
	default:
		put_call(record);
		put_more(record);
		break;
	}
	putchar('\n');
}

static void put_header(const struct vring_header *header)
{
	printf("header clean=%u clock=%u level=%u stream=%u rank=%u ranks=%u pid=%d procid=%u"
	       " lost=%" PRIu64 " overwritten=%" PRIu64
	       " parent=%d timed=%u node='%s' program='%s' job='%s' step='%s' tag='%s'\n",
	       header->clean, header->clock, header->level, header->stream, header->rank,
	       header->ranks, header->pid, header->procid, header->lost, header->overwritten,
	       header->parent, header->timed, header->node, header->program, header->job,
	       header->step, header->tag);
}

int main(int argc, char **argv)
{
	struct reader_event event;
	struct reader reader;
	struct err err;
	int rc;

	if (argc != 2)
		return fprintf(stderr, "usage: ringdump FILE\n"), 2;
	if (reader_open(&reader, argv[1], &err) < 0)
		return fprintf(stderr, "ringdump: %s\n", err.text), 1;
	put_header(&reader.header);
	while ((rc = reader_next(&reader, &event, &err)) > 0)
		put_record(&reader, &event);
	if (rc < 0)
		fprintf(stderr, "ringdump: %s\n", err.text);
	else
		printf("end extents=%" PRIu64 " records=%" PRIu64 " dropped=%" PRIu64
		       " empty_polls=%" PRIu64 "\n",
		       reader.extents, reader.records, reader.dropped, reader.empty_polls);
	reader_close(&reader);
	return rc < 0;
}

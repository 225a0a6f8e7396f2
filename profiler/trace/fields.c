/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/fieldlib.h"
#include "trace/names.h"
#include "devhook.h"

#include <endian.h>
#include <string.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	WR_RDMA_WRITE = 0,
	WR_RDMA_WRITE_WITH_IMM = 1,
	WR_SEND_WITH_IMM = 3,
	WR_RDMA_READ = 4,
	WR_CMP_AND_SWP = 5,
	WR_FETCH_AND_ADD = 6,
	WR_LOCAL_INV = 7,
	WR_BIND_MW = 8,
	WR_SEND_WITH_INV = 9,
	WR_ATOMIC_WRITE = 15,
	WC_WITH_IMM = 1 << 1,
	WC_WITH_INV = 1 << 3,
};

void fields_name(struct json *json, const char *name)
{
	JSON_PUT(json, "\"");
	json_put(json, name, strlen(name));
	JSON_PUT(json, "\"");
}

void fields_name_or_number(struct json *json, const char *name, uint32_t number)
{
	if (*name == '?')
		json_u64(json, number);
	else
		fields_name(json, name);
}

/* --- flags --- */

const char *const fields_send_flags[] = { "FENCE",  "SIGNALED", "SOLICITED",
					  "INLINE", "IP_CSUM",  NULL };

static const char *const wc_flags[] = { "GRH",         "WITH_IMM", "IP_CSUM_OK",    "WITH_INV",
					"TM_SYNC_REQ", "TM_MATCH", "TM_DATA_VALID", NULL };

void fields_flags(struct json *json, const char *name, const char *const names[], uint32_t bits)
{
	const char *before = "\"";

	if (!bits)
		return;
	JSON_PUT(json, ",");
	fields_name(json, name);
	JSON_PUT(json, ":");
	for (uint32_t bit = 0; bits >> bit; bit++) {
		if (!names[bit]) { /* what is unknown, as a number */
			json_put(json, before, 1);
			json_u64(json, (uint64_t)(bits >> bit) << bit);
			break;
		}
		if (!(bits >> bit & 1))
			continue;
		json_put(json, before, 1);
		json_put(json, names[bit], strlen(names[bit]));
		before = "|";
	}
	JSON_PUT(json, "\"");
}

bool fields_has_imm(uint8_t opcode)
{
	return opcode == WR_RDMA_WRITE_WITH_IMM || opcode == WR_SEND_WITH_IMM;
}

bool fields_has_key(uint8_t opcode)
{
	return opcode == WR_LOCAL_INV || opcode == WR_SEND_WITH_INV;
}

static bool is_atomic(uint8_t opcode)
{
	return opcode == WR_CMP_AND_SWP || opcode == WR_FETCH_AND_ADD;
}

bool fields_has_remote(uint8_t opcode)
{
	return opcode == WR_RDMA_WRITE || opcode == WR_RDMA_WRITE_WITH_IMM ||
	       opcode == WR_RDMA_READ || is_atomic(opcode) || opcode == WR_BIND_MW ||
	       opcode == WR_ATOMIC_WRITE;
}

void fields_gid(struct json *json, const uint8_t *gid)
{
	static const char hex[] = "0123456789abcdef";
	char text[42], *at = text;

	*at++ = '"';
	for (int i = 0; i < 16; i++) {
		if (i && i % 2 == 0)
			*at++ = ':';
		*at++ = hex[gid[i] >> 4];
		*at++ = hex[gid[i] & 15];
	}
	*at++ = '"';
	json_put(json, text, (size_t)(at - text));
}

/* --- the data path --- */

struct sge {
	uint64_t address;
	uint32_t length, lkey;
};

static void put_sge(struct json *json, const struct sge *sge)
{
	JSON_PUT(json, "{\"address\":");
	json_hex(json, sge->address);
	FIELD_U64(json, "length", sge->length);
	FIELD_U64(json, "lkey", sge->lkey);
	JSON_PUT(json, "}");
}

static uint32_t sge_records(uint8_t sges)
{
	return sges > 1 ? (sges + 2U) / 4 : 0;
}

/* The number of elements, and all of them where they were recorded: of data that a list
 * gave inline only the sum is known.
 */
static void put_sges(struct json *json, const struct vring_record *record, uint8_t sges,
		     struct sge first)
{
	const struct vring_sges *parts = (const struct vring_sges *)(record + 1);
	uint32_t others = 0;

	FIELD_U64(json, "sges", sges);
	if (!sges || record->more < sge_records(sges))
		return;
	for (int i = 0; i < sges - 1; i++)
		others += parts[i / 4].sge[i % 4].length;
	first.length -= others;
	JSON_PUT(json, ",\"sge\":[");
	put_sge(json, &first);
	for (int i = 0; i < sges - 1; i++) {
		const struct sge sge = {
			.address = parts[i / 4].sge[i % 4].address,
			.length = parts[i / 4].sge[i % 4].length,
			.lkey = parts[i / 4].sge[i % 4].lkey,
		};

		JSON_PUT(json, ",");
		put_sge(json, &sge);
	}
	JSON_PUT(json, "]");
}

static void put_send_more(struct json *json, const struct vring_send *send,
			  const struct vring_more *more)
{
	if (is_atomic(send->opcode)) {
		FIELD_ID(json, "compare_add", more->compare_add);
		FIELD_ID(json, "swap", more->swap);
	}
	if (more->ah) {
		FIELD_HEX(json, "ah", more->ah);
		FIELD_U64(json, "remote_qpn", more->remote_qpn);
		FIELD_U64(json, "remote_qkey", more->remote_qkey);
	}
	if (more->srqn)
		FIELD_U64(json, "remote_srqn", more->srqn);
}

static void put_send(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_send *send = (const struct vring_send *)event->record;
	struct sge first = { send->address, send->bytes, send->lkey };
	uint32_t elements = sge_records(send->sges);

	(void)offset;
	FIELD_U64(json, "qpn", send->qpn);
	FIELD_ID(json, "wr_id", send->wr_id);
	FIELD_NAME(json, "opcode", name_wr_opcode(send->opcode), send->opcode);
	fields_flags(json, "flags", fields_send_flags, send->flags);
	FIELD_U64(json, "bytes", send->bytes);
	if (send->error)
		FIELD_U64(json, "error", send->error);
	put_sges(json, event->record, send->sges, first);
	if (fields_has_remote(send->opcode)) {
		FIELD_HEX(json, "remote_address", send->remote_address);
		FIELD_U64(json, "rkey", send->rkey);
	}
	if (fields_has_imm(send->opcode))
		FIELD_U64(json, "imm", send->imm);
	if (fields_has_key(send->opcode))
		FIELD_U64(json, "invalidate_rkey", send->imm);
	/* of an inline list there is no record of elements, but this one */
	if (send->more > elements || (send->more == 1 && elements > 1))
		put_send_more(json, send, (const struct vring_more *)(event->record + send->more));
}

static void put_receive(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_receive *receive = (const struct vring_receive *)event->record;
	struct sge first = { receive->address, receive->bytes, receive->lkey };

	(void)offset;
	if (receive->call == VCALL_POST_SRQ_RECV)
		FIELD_HEX(json, "srq", receive->srq);
	else
		FIELD_U64(json, "qpn", receive->qpn);
	FIELD_ID(json, "wr_id", receive->wr_id);
	FIELD_U64(json, "bytes", receive->bytes);
	if (receive->error)
		FIELD_U64(json, "error", receive->error);
	put_sges(json, event->record, receive->sges, first);
}

static void put_wc(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_wc *wc = (const struct vring_wc *)event->record;

	(void)offset;
	FIELD_U64(json, "qpn", wc->qpn);
	FIELD_ID(json, "wr_id", wc->wr_id);
	FIELD_NAME(json, "status", name_wc_status(wc->status), wc->status);
	if (wc->status)
		FIELD_U64(json, "vendor_error", wc->vendor_error);
	else
		FIELD_NAME(json, "opcode", name_wc_opcode(wc->opcode), wc->opcode);
	fields_flags(json, "flags", wc_flags, wc->flags);
	FIELD_U64(json, "bytes", wc->bytes);
	if (wc->flags & WC_WITH_IMM)
		FIELD_U64(json, "imm", wc->imm);
	if (wc->flags & WC_WITH_INV)
		FIELD_U64(json, "invalidated_rkey", wc->imm);
	FIELD_U64(json, "src_qp", wc->src_qp);
	FIELD_U64(json, "slid", wc->slid);
	FIELD_U64(json, "sl", wc->sl);
	if (wc->timestamp)
		FIELD_ID(json, "timestamp", wc->timestamp);
	FIELD_U64(json, "empty_polls", wc->empty);
	FIELD_U64(json, "batch", wc->batch);
}

/* --- other calls --- */

struct meaning {
	const char *object, *parent, *number, *a, *b, *c;
};

static const struct meaning *meaning_of(uint16_t call)
{
#define ROW(constant, name, kind, ...) [VCALL_##constant] = { __VA_ARGS__ },
	static const struct meaning rows[VCALL_COUNT] = { [VCALL_NONE] = { "", "", "", "", "", "" },
							  VCALLS(ROW) };
#undef ROW

	return &rows[call < VCALL_COUNT ? call : VCALL_NONE];
}

static void put_key(struct json *json, const char *key, size_t length)
{
	JSON_PUT(json, ",\"");
	json_put(json, key, length);
	JSON_PUT(json, "\":");
}

/* MEANING is a letter that says how it is written, and the name. */
static void put_meant(struct json *json, const char *meaning, uint64_t value)
{
	/* two in one; a context's number is what each record says */
	if (strcmp(meaning, "$access_rkey") == 0) {
		FIELD_HEX(json, "access", value >> 32);
		FIELD_U64(json, "rkey", value & UINT32_MAX);
	}
	if (!*meaning || strcmp(meaning, "$access_rkey") == 0 || strcmp(meaning, "#context") == 0)
		return;
	put_key(json, meaning + 1, strlen(meaning + 1));
	if (*meaning == '#')
		json_id(json, value);
	else
		json_hex(json, value);
}

/* The halves of a GID are as they stand in memory, a port's own ones numbers.  Returns
 * whether it is one.
 */
static bool put_meant_gid(struct json *json, const char *meaning, const struct vring_call *call)
{
	bool numbers = call->call == VCALL_GID;
	uint64_t halves[2] = { numbers ? htobe64(call->b) : call->b,
			       numbers ? htobe64(call->c) : call->c };
	const char *end = strstr(meaning, "high");
	uint8_t gid[sizeof(halves)];

	if (!end)
		return false;
	memcpy(gid, halves, sizeof(gid));
	if (end == meaning + 1)
		put_key(json, "gid", 3);
	else
		put_key(json, meaning + 1, (size_t)(end - meaning) - 2);
	fields_gid(json, gid);
	return true;
}

static void put_qp_init(struct json *json, const struct vring_record *more, int64_t offset)
{
	const struct vring_qp_init *init = (const struct vring_qp_init *)more;

	(void)offset;
	FIELD_NAME(json, "qp_type", name_qp_type(init->type), init->type);
	FIELD_U64(json, "max_send_wr", init->max_send_wr);
	FIELD_U64(json, "max_recv_wr", init->max_recv_wr);
	FIELD_U64(json, "max_send_sge", init->max_send_sge);
	FIELD_U64(json, "max_recv_sge", init->max_recv_sge);
	FIELD_U64(json, "max_inline_data", init->max_inline);
	FIELD_U64(json, "sq_sig_all", init->sig_all);
	if (init->send_ops)
		FIELD_HEX(json, "send_ops_flags", init->send_ops);
	if (init->xrcd)
		FIELD_HEX(json, "xrcd", init->xrcd);
}

enum {
	MASK_STATE = 1 << 0,
	MASK_AV = 1 << 7,
};

static void put_path(struct json *json, const struct vring_qp_attr *attr)
{
	FIELD_U64(json, "dlid", attr->dlid);
	FIELD_U64(json, "sl", attr->sl);
	FIELD_U64(json, "static_rate", attr->static_rate);
	if (!attr->is_global)
		return;
	FIELD_U64(json, "sgid_index", attr->sgid_index);
	JSON_PUT(json, ",\"dgid\":");
	fields_gid(json, attr->dgid);
	FIELD_U64(json, "traffic_class", attr->traffic_class);
	FIELD_U64(json, "hop_limit", attr->hop_limit);
}

/* What the mask says was given.  Bits are those of enum ibv_qp_attr_mask. */
static void put_qp_attr(struct json *json, const struct vring_call *call)
{
	const struct vring_qp_attr *attr = (const struct vring_qp_attr *)(call + 1);
	const struct {
		uint32_t bit;
		const char *name;
		uint32_t value;
	} fields[] = {
		{ 1 << 3, "qp_access_flags", attr->access },
		{ 1 << 5, "port", attr->port },
		{ 1 << 6, "qkey", attr->qkey },
		{ 1 << 8, "path_mtu", attr->path_mtu },
		{ 1 << 9, "timeout", attr->timeout },
		{ 1 << 10, "retry_cnt", attr->retry_count },
		{ 1 << 11, "rnr_retry", attr->rnr_retry },
		{ 1 << 12, "rq_psn", attr->rq_psn },
		{ 1 << 13, "max_rd_atomic", attr->max_rd_atomic },
		{ 1 << 15, "min_rnr_timer", attr->min_rnr_timer },
		{ 1 << 16, "sq_psn", attr->sq_psn },
		{ 1 << 17, "max_dest_rd_atomic", attr->max_dest_rd_atomic },
		{ 1 << 20, "dest_qpn", attr->dest_qpn },
	};

	if (call->a & MASK_STATE)
		FIELD_NAME(json, "state_name", name_qp_state((uint32_t)call->b), (uint32_t)call->b);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (!(call->a & fields[i].bit))
			continue;
		put_key(json, fields[i].name, strlen(fields[i].name));
		json_u64(json, fields[i].value);
	}
	if (call->a & MASK_AV)
		put_path(json, attr);
}

static void put_text(struct json *json, const struct vring_record *more)
{
	const struct vring_name *name = (const struct vring_name *)more;
	char text[sizeof(name->name) + 1];

	memcpy(text, name->name, sizeof(name->name));
	text[sizeof(name->name)] = '\0';
	FIELD_TEXT(json, "name", text);
}

static void put_address(struct json *json, const struct vring_record *more)
{
	const struct vring_address *address = (const struct vring_address *)more;

	FIELD_U64(json, "family", address->family);
	JSON_PUT(json, ",\"source\":");
	fields_gid(json, address->source);
	FIELD_U64(json, "source_port", address->source_port);
	JSON_PUT(json, ",\"to\":");
	fields_gid(json, address->to);
	FIELD_U64(json, "to_port", address->port);
}

static void put_call_more(struct json *json, const struct vring_call *call)
{
	const struct vring_record *more = (const struct vring_record *)(call + 1);

	switch (call->call) {
	case VCALL_CREATE_QP:
	case VCALL_CREATE_QP_EX:
		put_qp_init(json, more, 0);
		break;
	case VCALL_MODIFY_QP:
		put_qp_attr(json, call);
		break;
	case VCALL_OPEN_DEVICE:
	case VCALL_IMPORT_DEVICE:
	case VCALL_UNSEEN:
		put_text(json, more);
		break;
	case VCALL_CM_BIND_ADDR:
	case VCALL_CM_RESOLVE_ADDR:
	case VCALL_CM_CONNECT:
	case VCALL_CM_ACCEPT:
	case VCALL_CM_GET_EVENT:
	case VCALL_CM_LISTEN:
	case VCALL_CM_DISCONNECT:
	case VCALL_CM_GET_REQUEST:
	case VCALL_CM_ESTABLISH:
	case VCALL_CM_REJECT:
	case VCALL_CM_REJECT_ECE:
	case VCALL_CM_JOIN_MULTICAST:
	case VCALL_CM_JOIN_MULTICAST_EX:
	case VCALL_CM_LEAVE_MULTICAST:
		put_address(json, more);
		break;
	default:
		break;
	}
}

static void put_call(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_call *call = (const struct vring_call *)event->record;
	const struct meaning *meaning = meaning_of(call->call);

	(void)offset;
	FIELD_I64(json, "result", call->result);
	put_meant(json, meaning->object, call->object);
	put_meant(json, meaning->parent, call->parent);
	put_meant(json, meaning->number, call->number);
	put_meant(json, meaning->a, call->a);
	if (!put_meant_gid(json, meaning->b, call)) {
		put_meant(json, meaning->b, call->b);
		put_meant(json, meaning->c, call->c);
	}
	if (call->more)
		put_call_more(json, call);
}

/* --- what is no call --- */

static const char *const device_steps[] = {
	[DEVHOOK_QUEUED] = "queued",       [DEVHOOK_WIRE] = "wire",
	[DEVHOOK_DELIVERED] = "delivered", [DEVHOOK_COMPLETED] = "completed",
	[DEVHOOK_NOT_READY] = "not_ready", [DEVHOOK_NO_ANSWER] = "no_answer",
};

const char *fields_device_step(const struct vring_device *device)
{
	return device->what <= DEVHOOK_NO_ANSWER ? device_steps[device->what] : "?";
}

static void put_device(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_device *device = (const struct vring_device *)event->record;

	FIELD_NAME(json, "what", fields_device_step(device), device->what);
	FIELD_I64(json, "at", (int64_t)((uint64_t)device->at + (uint64_t)offset));
	if (device->until)
		FIELD_I64(json, "until", (int64_t)((uint64_t)device->until + (uint64_t)offset));
	FIELD_U64(json, "device", device->device);
	FIELD_U64(json, "qpn", device->qpn);
	FIELD_U64(json, "remote_device", device->remote_device);
	FIELD_U64(json, "remote_qpn", device->remote_qpn);
	FIELD_ID(json, "wr_id", device->wr_id);
	FIELD_NAME(json, "opcode", name_wr_opcode(device->opcode), device->opcode);
	FIELD_NAME(json, "status", name_wc_status(device->status), device->status);
	FIELD_U64(json, "bytes", device->bytes);
	FIELD_U64(json, "resent", device->resent);
}

/* Numbers at their places, up to the last one that is not 0. */
static void put_counts(struct json *json, const char *name, const uint64_t *counts, size_t count,
		       size_t stride)
{
	while (count && !counts[(count - 1) * stride])
		count--;
	JSON_PUT(json, ",");
	fields_name(json, name);
	JSON_PUT(json, ":[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			JSON_PUT(json, ",");
		json_id(json, counts[i * stride]);
	}
	JSON_PUT(json, "]");
}

static void put_summary(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_summary *summary = (const struct vring_summary *)event->record;
	uint64_t by_status[VRING_STATUSES];

	(void)offset;
	if (event->record->more + 1 < VRING_SUMMARY_RECORDS)
		return;
	if (summary->srq)
		FIELD_HEX(json, "srq", summary->srq);
	else
		FIELD_U64(json, "qpn", summary->qpn);
	FIELD_ID(json, "refused", summary->refused);
	FIELD_ID(json, "receives", summary->receives);
	FIELD_ID(json, "receive_bytes", summary->receive_bytes);
	FIELD_ID(json, "sent", summary->sent);
	FIELD_ID(json, "received", summary->received);
	FIELD_ID(json, "received_bytes", summary->received_bytes);
	FIELD_ID(json, "failed", summary->failed);
	put_counts(json, "requests_by_opcode", &summary->by_opcode[0].requests, VRING_OPCODES, 2);
	put_counts(json, "bytes_by_opcode", &summary->by_opcode[0].bytes, VRING_OPCODES, 2);
	put_counts(json, "send_sizes", summary->send_sizes, VRING_SIZES, 1);
	put_counts(json, "received_sizes", summary->received_sizes, VRING_SIZES, 1);
	for (int i = 0; i < VRING_STATUSES; i++)
		by_status[i] = summary->by_status[i];
	put_counts(json, "by_status", by_status, VRING_STATUSES, 1);
}

static void put_latency(struct json *json, const struct reader_event *event, int64_t offset)
{
	const struct vring_latency *latency = (const struct vring_latency *)event->record;

	(void)offset;
	if (event->record->more + 1 < VRING_LATENCY_RECORDS)
		return;
	FIELD_U64(json, "qpn", latency->qpn);
	FIELD_ID(json, "count", latency->count);
	FIELD_ID(json, "sum_ticks", latency->sum);
	FIELD_ID(json, "min_ticks", latency->min);
	FIELD_ID(json, "max_ticks", latency->max);
	put_counts(json, "buckets", latency->bucket, VRING_LATENCY_BUCKETS, 1);
}

/* --- all --- */

typedef void put_fn(struct json *json, const struct reader_event *event, int64_t offset);

void fields_event(struct json *json, const struct reader_event *event, int64_t offset)
{
	static put_fn *const puts[VCALL_COUNT] = {
		[VCALL_POST_SEND] = put_send,    [VCALL_WR] = put_send,
		[VCALL_POST_RECV] = put_receive, [VCALL_POST_SRQ_RECV] = put_receive,
		[VCALL_POLL_CQ] = put_wc,        [VCALL_START_POLL] = put_wc,
		[VCALL_NEXT_POLL] = put_wc,      [VCALL_DEVICE] = put_device,
		[VCALL_SUMMARY] = put_summary,   [VCALL_LATENCY] = put_latency,
	};
	const struct vring_record *record = event->record;
	put_fn *put = record->call < VCALL_COUNT ? puts[record->call] : NULL;

	FIELD_U64(json, "thread", event->thread);
	JSON_PUT(json, ",\"call\":");
	fields_name(json, reader_call_name(record->call));
	if (record->context != VRING_CONTEXT_LAST)
		FIELD_U64(json, "ctx", record->context);
	(put ? put : put_call)(json, event, offset);
}

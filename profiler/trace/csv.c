/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - a row for each work request, when it ends */
#include "trace/export.h"
#include "trace/fields.h"
#include "trace/names.h"

#include <string.h>

#define BUFFER (1 << 20)

enum { SEND_SIGNALED = 1 << 1, WC_WITH_IMM = 1 << 1, WC_WITH_INV = 1 << 3, WC_UNKNOWN = 255 };

struct csv {
	const struct trace_run *run;
	struct json json; /* its buffer and numbers */
	uint32_t file;    /* index of the one that is being read */
};

static const char head[] = "rank,qpn,srq,peer_rank,peer_qpn,queue,opcode,bytes,wr_id,status,"
			   "posted_ns,ended_ns,latency_ns,signaled,inferred,post_thread,"
			   "end_thread,sges,message,imm,address,lkey,remote_address,rkey\n";

static void put_text(struct json *json, const char *text)
{
	json_put(json, text, strlen(text));
	JSON_PUT(json, ",");
}

/* Nothing where it is not KNOWN. */
static void put_number(struct json *json, bool known, uint64_t number)
{
	if (known)
		json_u64(json, number);
	JSON_PUT(json, ",");
}

static void put_hex(struct json *json, bool known, uint64_t number)
{
	char text[24];

	if (known)
		json_put(
			json, text,
			(size_t)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)number));
	JSON_PUT(json, ",");
}

static void put_ends(struct csv *csv, const struct work *work)
{
	const struct trace_end *peer = NULL;
	struct json *json = &csv->json;
	int64_t time = work->posted ? work->post_time : work->end_time;
	uint32_t qpn = work->to_qpn ? work->to_qpn : work->src_qpn;

	if (work->qp && work->to_qpn)
		peer = work->to_qpn == work->qp->peer_qpn
			       ? trace_run_peer(csv->run, csv->file, work->qp)
			       : trace_run_find(csv->run, &work->to, work->to_qpn, time);
	json_u64(json, csv->run->file[csv->file].rank);
	JSON_PUT(json, ",");
	put_number(json, work->qp, work->qp ? work->qp->qpn : 0);
	put_hex(json, work->srq, work->srq);
	put_number(json, peer, peer ? csv->run->file[peer->file].rank : 0);
	put_number(json, qpn, qpn);
}

static const char *opcode(const struct work *work)
{
	if (work->opcode == WC_UNKNOWN)
		return "";
	return work->receive ? name_wc_opcode(work->opcode) : name_wr_opcode(work->opcode);
}

static const char *status(const struct work *work)
{
	if (work->refused)
		return "refused";
	return work->completed ? name_wc_status(work->status) : "outstanding";
}

static void put_times(struct json *json, const struct work *work)
{
	if (work->posted)
		json_i64(json, work->post_time);
	JSON_PUT(json, ",");
	if (work->completed)
		json_i64(json, work->end_time);
	JSON_PUT(json, ",");
	if (work->posted && work->completed)
		json_i64(json, (int64_t)((uint64_t)work->end_time - (uint64_t)work->post_time));
	JSON_PUT(json, ",");
}

static bool has_imm(const struct work *work)
{
	if (work->receive)
		return work->wc_flags & (WC_WITH_IMM | WC_WITH_INV);
	return work->posted && (fields_has_imm(work->opcode) || fields_has_key(work->opcode));
}

static int put_row(void *arg, const struct work *work)
{
	struct csv *csv = arg;
	struct json *json = &csv->json;
	bool signaled =
		work->receive || work->flags & SEND_SIGNALED || (work->qp && work->qp->sig_all);
	bool remote = !work->receive && work->posted && fields_has_remote(work->opcode);

	put_ends(csv, work);
	put_text(json, work->receive ? "receive" : "send");
	put_text(json, opcode(work));
	json_u64(json, work->bytes);
	JSON_PUT(json, ",");
	json_u64(json, work->wr_id);
	JSON_PUT(json, ",");
	put_text(json, status(work));
	put_times(json, work);
	put_number(json, work->posted, signaled);
	put_number(json, true, work->inferred);
	put_number(json, work->post_thread, work->post_thread);
	put_number(json, work->end_thread, work->end_thread);
	put_number(json, work->posted, work->sges);
	put_number(json, work->has_message, work->message);
	put_number(json, has_imm(work), work->imm);
	put_hex(json, work->posted, work->address);
	put_number(json, work->posted, work->lkey);
	put_hex(json, remote, work->remote_address);
	if (remote)
		json_u64(json, work->rkey);
	JSON_PUT(json, "\n");
	return json->failed ? -1 : 0;
}

static int take_posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)depth;
	return work->refused ? put_row(arg, work) : 0;
}

static int take_ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)depth;
	return put_row(arg, work);
}

static int begin(void *arg, const struct trace_file *file)
{
	struct csv *csv = arg;

	csv->file = (uint32_t)(file - csv->run->file);
	return 0;
}

static int write(const struct trace_run *run, uint32_t first, uint32_t count, FILE *stream,
		 int *error, struct err *err)
{
	struct csv csv = { .run = run };
	const struct trace_handler handler = {
		.arg = &csv,
		.match = { .posted = take_posted, .ended = take_ended, .left = put_row },
		.begin = begin,
	};
	int rc;

	if (json_init(&csv.json, stream, BUFFER) < 0)
		return err_errno(err, "'%s'", run->path);
	JSON_PUT(&csv.json, head);
	rc = export_walk(run, first, count, &handler, err);
	if (rc == 0)
		rc = json_flush(&csv.json);
	*error = csv.json.failed;
	json_release(&csv.json);
	return rc;
}

const struct export_format export_csv = { "csv", "requests", ".csv", write };

/* SPDX-License-Identifier: Apache-2.0 */
#include "random-steps.h"

#include <stdio.h>

static const char *const object_names[] = { "pd", "cq", "srq", "qp", "region", "window", "dm" };

static void send_text(const struct step *s, FILE *to)
{
	static const char *const opcodes[] = { "write", "write-imm", "send",      "send-imm",
					       "read",  "cmp-swap",  "fetch-add", "inv",
					       "bind",  "send-inv" };
	static const char *const spoils[SPOILS] = { "",      "lkey", "rkey", "end",
						    "align", "qkey", "srq" };

	if (s->kind == STEP_SEND)
		fprintf(to, " %s flags 0x%x", opcodes[s->opcode], s->flags);
	fprintf(to, " x%u, pieces", s->count);
	for (uint32_t i = 0; i < s->sges; i++)
		fprintf(to, " %u:%u+%u", s->sge[i].region, s->sge[i].offset, s->sge[i].length);
	if (s->kind == STEP_SEND && s->opcode == WR_BIND_MW)
		fprintf(to, ", window %u access 0x%x", s->window, s->window_access);
	else if (s->kind == STEP_SEND)
		fprintf(to, ", to %u:%u", s->remote, s->remote_offset);
	if (s->group)
		fprintf(to, " of group %u", s->group);
	else if (s->kind == STEP_SEND && model_types[s->slot] == QP_UD)
		fprintf(to, " of process %u qp %u%s", s->peer, s->peer_slot,
			s->global ? " global" : "");
	if (s->spoil)
		fprintf(to, ", wrong %s", spoils[s->spoil]);
}

static void making_text(const struct step *s, FILE *to)
{
	const struct making *m = &s->making;

	if (s->object == OBJECT_DM)
		return;
	if (s->object == OBJECT_REGION)
		fprintf(to, " pd %u %u+%u access 0x%x", m->pd, m->offset, m->length, m->access);
	else if (s->object == OBJECT_QP)
		fprintf(to, " pd %u cq %u,%u srq %d depth %u,%u%s", m->pd, m->cq, m->recv_cq,
			m->srq, m->capacity, m->receives, m->sig_all ? " signals all" : "");
	else if (s->object != OBJECT_PD)
		fprintf(to, " pd %u cq %u capacity %u", m->pd, m->cq, m->capacity);
}

void step_text(const struct step *s, char *text, size_t size)
{
	static const char *const kinds[STEP_KINDS] = {
		"send",   "receive", "poll",   "arm",   "connect",    "modify",
		"create", "destroy", "resize", "limit", "reregister", "attach",
		"detach", "touch",   "store",  "kill",  "start",
	};
	static const char *const states[] = { "RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR" };
	FILE *to = fmemopen(text, size, "w");

	if (!to)
		return;
	fprintf(to, "%4u: process %u %s", s->number, s->process, kinds[s->kind]);
	if (s->kind < STEP_KILL && s->kind != STEP_TOUCH)
		fprintf(to, " %s %u", object_names[s->object], s->slot);
	if (s->kind == STEP_SEND || s->kind == STEP_RECEIVE)
		send_text(s, to);
	if (s->kind == STEP_POLL)
		fprintf(to, " x%u", s->count);
	if (s->kind == STEP_ARM && s->flags)
		fprintf(to, " for solicited ones");
	if (s->kind == STEP_MODIFY)
		fprintf(to, " to %s", states[s->state]);
	if (s->kind == STEP_CONNECT || s->kind == STEP_MODIFY)
		fprintf(to, " peer %u qp %u rnr_retry %u access 0x%x", s->peer, s->peer_slot,
			s->rnr_retry, s->access);
	if (s->kind == STEP_REREGISTER)
		fprintf(to, " flags %u", s->state);
	if (s->kind == STEP_CREATE || s->kind == STEP_REREGISTER)
		making_text(s, to);
	if (s->kind == STEP_ATTACH || s->kind == STEP_DETACH)
		fprintf(to, " group %u", s->group);
	if (s->kind == STEP_TOUCH)
		fprintf(to, " what qp %u sends, or %u+%u", s->slot, s->making.offset,
			s->making.length);
	if (s->kind == STEP_STORE)
		fprintf(to, " %s %u+%u", s->count ? "write" : "read", s->making.offset,
			s->making.length);
	if (s->kind == STEP_RESIZE || s->kind == STEP_LIMIT)
		fprintf(to, " to %u", s->making.capacity);
	fclose(to);
}

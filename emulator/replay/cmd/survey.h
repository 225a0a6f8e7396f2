/* SPDX-License-Identifier: Apache-2.0 */
/* survey.h - what is in a trace, counted */
#ifndef CMD_SURVEY_H
#define CMD_SURVEY_H

#include "chakra/etread.h"
#include "chakra/graph.h"

/* Traffic of one kind: a collective in a group, sends, receives. */
struct survey_row {
	uint32_t type;      /* ET_COMM_SEND, ET_COMM_RECV, ET_COMM_COLL */
	uint32_t comm_type; /* of collectives; UINT32_MAX: not said */
	bool is_cpu;        /* a call on the CPU: a time, no traffic */
	uint32_t group;     /* index in graph->names, or GRAPH_NONE */
	uint64_t count, bytes, duration_us;
};

struct survey {
	enum et_form form;
	bool compressed;
	uint64_t size; /* of the file, bytes */
	struct graph graph;
	struct survey_row *rows; /* owned; by type, collective, lane, group */
	size_t count;
	uint64_t gpu;                         /* nodes not on the CPU, but METADATA */
	uint64_t cpu_us, compute_us, comm_us; /* sums of durations */
	uint64_t first_us, last_us;           /* start of the first, end of the last; 0: not said */
};

/* Read PATH with the edges DEPS (graph.h) in force.  Returns 0, or -1 with ERR. */
int survey_read(struct survey *survey, const char *path, unsigned deps, struct err *err);
void survey_release(struct survey *survey);

/* "protobuf, schema 0.0.1". */
const char *survey_form(const struct survey *survey);
/* "ALL_REDUCE", "SEND", "COLL" when it is not said which. */
const char *survey_row_name(const struct survey_row *row);

#endif

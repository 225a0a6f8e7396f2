/* SPDX-License-Identifier: Apache-2.0 */

/* The runs of ASTRA-sim that the replayer's messages and times are compared with. */

#ifndef TEST_ASTRA_REF_H
#define TEST_ASTRA_REF_H

#include "coll/plan.h"
#include "shared-data.h"

#include <jansson.h>
#include <string.h>

#define ASTRA_BYTES (1u << 20) /* comm_size of all of them */

struct astra_row {
	json_t *row;
	char name[160];
	enum coll coll;
	uint32_t n, splits, active, queues;
	const char *impl, *topology, *dims, *backend, *optimization, *policy;
};

/* All rows, or NULL when they are not here. */
static inline json_t *astra_rows(void)
{
	char path[4096];

	if (!shared_data(path, sizeof(path), "chakra/astra_ref.json"))
		return NULL;
	return json_load_file(path, 0, NULL);
}

static inline const char *astra_text(json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static inline uint32_t astra_number(json_t *row, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(row, key));
}

static inline enum coll astra_coll(const char *name)
{
	if (strcmp(name, "all_reduce") == 0)
		return COLL_ALL_REDUCE;
	if (strcmp(name, "all_gather") == 0)
		return COLL_ALL_GATHER;
	return strcmp(name, "reduce_scatter") == 0 ? COLL_REDUCE_SCATTER : COLL_ALL_TO_ALL;
}

static inline void astra_row(struct astra_row *ref, json_t *row)
{
	const char *queues = strstr(astra_text(row, "args"), "--num-queues-per-dim=");

	*ref = (struct astra_row){
		.row = row,
		.coll = astra_coll(astra_text(row, "coll")),
		.n = astra_number(row, "N"),
		.splits = astra_number(row, "splits"),
		.active = astra_number(row, "active"),
		.queues = queues ? (uint32_t)atoi(strchr(queues, '=') + 1) : 1,
		.impl = astra_text(row, "impl"),
		.topology = astra_text(row, "topo"),
		.dims = astra_text(row, "dims"),
		.backend = astra_text(row, "backend"),
		.optimization = astra_text(row, "opt"),
		.policy = astra_text(row, "pol"),
	};
	snprintf(ref->name, sizeof(ref->name),
		 "%s %s N=%u %s on %s %s splits=%u active=%u %s %s %s", ref->backend,
		 astra_text(row, "coll"), ref->n, ref->impl, ref->topology, ref->dims, ref->splits,
		 ref->active, ref->optimization, ref->policy, astra_text(row, "args"));
}

/* What one run sent. */
struct astra_traffic {
	uint64_t messages[64][64], bytes[64][64];
	uint64_t sizes[64][64]; /* of rank 0 to each: those seen, 0 behind them */
};

static inline void astra_sent(struct astra_traffic *traffic, uint32_t from, uint32_t to,
			      uint64_t size)
{
	uint32_t i = 0;

	traffic->messages[from][to]++;
	traffic->bytes[from][to] += size;
	if (from)
		return;
	while (i < 63 && traffic->sizes[to][i] && traffic->sizes[to][i] != size)
		i++;
	traffic->sizes[to][i] = size;
}

static inline int astra_sizes_differ(const struct astra_traffic *traffic, json_t *list, uint32_t to)
{
	size_t i, j, count = json_array_size(list), seen = 0;

	while (traffic->sizes[to][seen])
		seen++;
	for (i = 0; i < count; i++) {
		for (j = 0; j < seen; j++)
			if ((json_int_t)traffic->sizes[to][j] ==
			    json_integer_value(json_array_get(list, i)))
				break;
		if (j == seen)
			return 1;
	}
	return seen != count;
}

/* Pairs in which TRAFFIC differs from the row, printed. */
static inline int astra_differences(const struct astra_row *ref,
				    const struct astra_traffic *traffic)
{
	json_t *pairs = json_object_get(ref->row, "pairs"), *r0 = json_object_get(ref->row, "r0");
	uint32_t from, to;
	int wrong = 0;
	char key[32];

	for (from = 0; from < ref->n; from++)
		for (to = 0; to < ref->n; to++) {
			json_t *pair;
			uint64_t messages, bytes;

			snprintf(key, sizeof(key), "%u->%u", from, to);
			pair = json_object_get(pairs, key);
			messages = (uint64_t)json_integer_value(json_array_get(pair, 0));
			bytes = (uint64_t)json_integer_value(json_array_get(pair, 1));
			if (messages == traffic->messages[from][to] &&
			    bytes == traffic->bytes[from][to])
				continue;
			printf("# %s: %s: %llu messages, %llu bytes, not %llu, %llu\n", ref->name,
			       key, (unsigned long long)traffic->messages[from][to],
			       (unsigned long long)traffic->bytes[from][to],
			       (unsigned long long)messages, (unsigned long long)bytes);
			wrong++;
		}
	for (to = 0; to < ref->n; to++) {
		snprintf(key, sizeof(key), "%u", to);
		if (!astra_sizes_differ(traffic, json_array_get(json_object_get(r0, key), 2), to))
			continue;
		printf("# %s: other sizes from rank 0 to %u\n", ref->name, to);
		wrong++;
	}
	return wrong;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - system.json, the logical topology, groups and remote memory: what a replay is given
 *
 * The files of ASTRA-sim and Genie as they are; netemu-replay(1) lists their keys.
 * Each function returns 0, or -1 with ERR naming file and key.
 */
#ifndef CONFIG_SYSTEM_H
#define CONFIG_SYSTEM_H

#include "coll/plan.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_DIMS   16
#define SYSTEM_SPLITS (1u << 16) /* at most: tags have so many bits for chunks */

/* Of one chunk after the other, which goes first. */
enum policy {
	POLICY_LIFO,
	POLICY_FIFO,
	POLICY_EXPLICIT,
};

struct system {
	enum policy policy;
	int64_t endpoint_delay; /* ns */
	uint32_t active_chunks; /* in flight, each dimension */
	uint32_t splits;        /* chunks of a collective */
	/* By kind: one for each dimension, the last for those behind it. */
	struct algorithm all_reduce[SYSTEM_DIMS], all_gather[SYSTEM_DIMS],
		reduce_scatter[SYSTEM_DIMS], all_to_all[SYSTEM_DIMS];
	uint32_t all_reduce_count, all_gather_count, reduce_scatter_count, all_to_all_count;
	char *custom[4]; /* ET prefix in the place of all_reduce.. all_to_all, or NULL; owned */
	struct custom_node {
		uint64_t id;
		char *prefix;
	} * custom_nodes; /* per-node-custom-implementation; owned */
	size_t custom_nodes_count;
	bool local_bw_aware; /* collective-optimization */
	double memory_bw;    /* byte/ns; 0: reduction takes no time */
	double peak;         /* floating-point operations/ns */
	bool roofline, replay_only;
	bool shared_bus; /* model-shared-bus: coll/bus.h in place of endpoint_delay */
	double bus_L, bus_o, bus_g, bus_G;
	int64_t reduction_delay;
	/* Keys that nobody knows or that change nothing here, for one warning. */
	char ignored[256];
};

void system_init(struct system *system); /* upstream's defaults; splits 1, rings */
int system_read(struct system *system, const char *path, struct err *err);
void system_release(struct system *system);

/* Logical dimensions: {"logical-dims": ["4", "2"]}. */
struct dims {
	uint32_t count;
	uint32_t size[SYSTEM_DIMS]; /* dimension 0 is the fastest */
};
int dims_read(struct dims *dims, const char *path, struct err *err);
/* "4x2". */
int dims_parse(struct dims *dims, const char *text, struct err *err);
uint64_t dims_product(const struct dims *dims);
/* RANK's place in dimension D, and who else is in it: the ranks that differ in D only,
 * into RANKS [size[D]], by place.
 */
uint32_t dims_place(const struct dims *dims, uint32_t rank, uint32_t d);
void dims_ring(const struct dims *dims, uint32_t rank, uint32_t d, uint32_t *ranks);

/* Communicator groups: {"1": [0, 1], "2": [2, 3]}, and those a trace defines. */
struct group {
	uint64_t id;     /* 0: all ranks */
	uint32_t *ranks; /* [count], in the order written; owned */
	uint32_t count;
};
struct groups {
	struct group **list; /* [0] is that of all ranks; owned; groups stay where they are */
	size_t count;
};
int groups_init(struct groups *groups, uint32_t size); /* that of all; -1: errno */
int groups_read(struct groups *groups, const char *path, uint32_t size, struct err *err);
/* What pg_name says: "" and "0" are all ranks.  NULL when there is no such group. */
const struct group *groups_find(const struct groups *groups, const char *name);
const struct group *groups_by_id(const struct groups *groups, uint64_t id);
/* COUNT 0: all ranks.  A group that is there already must be the same. */
int groups_add(struct groups *groups, uint64_t id, const int64_t *ranks, size_t count,
	       uint32_t size, struct err *err);
void groups_release(struct groups *groups);

/* Remote memory.  One that several ranks share serves one at a time: those of this process. */
enum remote_kind { REMOTE_NONE, REMOTE_PER_NPU, REMOTE_PER_NODE, REMOTE_POOL };
struct remote {
	enum remote_kind kind;
	uint32_t nodes, npus_per_node;
	int64_t latency;  /* ns */
	double bandwidth; /* byte/ns */
	int64_t *free_at; /* [nodes] of PER_NODE, [1] of POOL: ns; owned */
};
int remote_read(struct remote *remote, const char *path, struct err *err);
void remote_release(struct remote *remote);
int64_t remote_time(const struct remote *remote, uint64_t bytes); /* ns, for itself */
/* RANK begins to move BYTES at TIME (ns): when that is done. */
int64_t remote_take(struct remote *remote, uint32_t rank, int64_t time, uint64_t bytes);

#endif

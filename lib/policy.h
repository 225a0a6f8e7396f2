/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - what an algorithm of netemu sim is given, and what it must do
 *
 * There are four kinds of algorithm: job scheduling (which job starts when),
 * node selection (on which hosts), process placement (which rank on which of
 * them) and routing (over which links).  Each is a table of functions, the
 * same for those built in and for a shared object named in a scenario
 * (`router: ./mine.so`), which exports one `const struct netemu_policy
 * netemu_policy`.  contrib/skeleton has a worked example.
 *
 * A policy sees the network as plain arrays and is told everything through
 * structures that live as long as the call, unless said otherwise.  It links
 * nothing of netemu.  Times are int64_t nanoseconds, amounts are bytes.
 */
#ifndef NETEMU_POLICY_H
#define NETEMU_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETEMU_POLICY_VERSION 1
#define NETEMU_NONE           UINT32_MAX /* no node, link, host */
#define NETEMU_NEVER          INT64_MAX  /* no time */

/* One direction of one cable. */
struct netemu_link {
	uint32_t from, to;           /* nodes */
	uint32_t from_port, to_port; /* NETEMU_NONE when not known */
	uint32_t reverse;            /* the link of the other direction */
	double capacity;             /* byte/s, or as written in the topology's file */
};

/* The network.  It does not change and lives as long as the program. */
struct netemu_net {
	uint32_t nodes, hosts, links; /* how many */
	const char *const *name;      /* of each node */
	const uint32_t *host_node;    /* host -> node; hosts count in file order */
	const uint32_t *node_host;    /* node -> host, NETEMU_NONE for a switch */
	const uint32_t *slots;        /* of each host: ranks it takes */
	const uint32_t *level;        /* of each node: hops to the nearest host, 0 for a host */
	const struct netemu_link *link;
	const uint32_t *first; /* links of node n are first[n] .. first[n + 1] - 1 */
};

/* --- jobs --- */

/* What one host has, or what a job wants of each of its hosts; licences are of
 * the cluster.
 */
enum netemu_resource {
	NETEMU_CORES, /* slots for ranks */
	NETEMU_GPUS,
	NETEMU_MEMORY, /* bytes */
	NETEMU_LICENCES,
	NETEMU_RESOURCES, /* how many there are */
};

struct netemu_job {
	uint64_t id;                     /* as accounting has it, or counted from 0 */
	int64_t submit;                  /* ns */
	int64_t limit;                   /* ns of run time asked for; the run time when none was */
	int64_t start;                   /* ns, while it runs; NETEMU_NEVER before */
	int64_t ran;                     /* ns it ran before it was stopped */
	uint32_t nodes;                  /* hosts wanted; 0: as many as hold its ranks */
	uint32_t ranks;                  /* processes */
	uint64_t want[NETEMU_RESOURCES]; /* of each host; licences in all */
	int64_t priority;                /* more is earlier */
	bool shares;                     /* may share its hosts with other jobs */
	const uint32_t *given;           /* the hosts the real job had, or NULL */
	uint32_t ngiven;
	const uint32_t *hosts; /* the hosts it has, ascending, while it runs */
	uint32_t nhosts;
	struct netemu_job *next; /* in the queue */
};

/* When JOB, started at START, reaches its limit. */
static inline int64_t netemu_job_end_from(const struct netemu_job *job, int64_t start)
{
	int64_t left = job->limit > job->ran ? job->limit - job->ran : 0;

	return start > 0 && start > NETEMU_NEVER - left ? NETEMU_NEVER : start + left;
}

/* The same of a running one. */
static inline int64_t netemu_job_end(const struct netemu_job *job)
{
	return netemu_job_end_from(job, job->start);
}

/* A set of hosts: bit h % 64 of word h / 64. */
typedef uint64_t netemu_hostset;

/* --- job scheduling --- */

/* The cluster as a scheduling policy sees it in one pass, and what it can do. */
struct netemu_cluster {
	const struct netemu_net *net;
	int64_t now;
	struct netemu_job *queue;   /* waiting, in order of submission; then ->next */
	struct netemu_job *arrived; /* the first of them that came since the last pass, or NULL */
	size_t queued;              /* how many wait */
	struct netemu_job *const *running; /* in the order in which they reach their limits */
	size_t nrunning;
	size_t ended;               /* jobs that ended since the last pass */
	const netemu_hostset *idle; /* hosts with no job on them */
	uint32_t nidle;
	uint64_t licences; /* free; UINT64_MAX: they are not counted */

	/* Would JOB fit right now?  Node counts only, no selection made. */
	bool (*fits)(const struct netemu_cluster *cluster, const struct netemu_job *job);
	/* The hosts that JOB may have now into HOSTS (a bit for each of
	 * net->hosts): idle ones, and for a job that shares those with enough
	 * left.  Returns how many.
	 */
	uint32_t (*available)(const struct netemu_cluster *cluster, const struct netemu_job *job,
			      netemu_hostset *hosts);
	/* Hosts for JOB by the node selection in force, out of AVAILABLE (NULL:
	 * what is free now) into HOSTS (room for net->hosts).  Returns how many,
	 * 0 when there are not enough.  The same for the same job and AVAILABLE.
	 */
	uint32_t (*select)(struct netemu_cluster *cluster, const struct netemu_job *job,
			   const netemu_hostset *available, uint32_t *hosts);
	/* Start JOB, which waits, now on HOSTS (NULL: on what select() gives).
	 * Queue, running and idle change at once: read job->next before.
	 * Returns 0, or -1 when it does not fit.
	 */
	int (*start)(struct netemu_cluster *cluster, struct netemu_job *job, const uint32_t *hosts,
		     uint32_t count);
	/* Take a running JOB off its hosts and put it back into the queue, at its
	 * place by submission; it goes on from where it was when it is started
	 * again.  Returns 0, or -1 when it does not run.
	 */
	int (*stop)(struct netemu_cluster *cluster, struct netemu_job *job);
	/* Have a pass at TIME even when nothing else happens then.  Returns 0,
	 * or -1 when TIME is not after now.
	 */
	int (*call_at)(struct netemu_cluster *cluster, int64_t time);
};

struct netemu_scheduling {
	/* OPTIONS is the text behind the name's ':' or NULL.  Returns state, or
	 * NULL with a sentence in WHY.
	 */
	void *(*create)(const struct netemu_net *net, const char *options, char *why,
			size_t why_size);
	void (*destroy)(void *state);
	/* Once at each instant at which a job came or ended or call_at() asked
	 * for it, after all that happens at that instant.  Returns 0, or -1
	 * when the simulation must end.
	 */
	int (*pass)(void *state, struct netemu_cluster *cluster);
};

/* --- node selection --- */

struct netemu_select {
	const struct netemu_net *net;
	const struct netemu_job *job;
	const netemu_hostset *available; /* hosts it may have */
	uint32_t navailable;
	uint64_t (*random)(struct netemu_select *select, uint64_t below); /* this job's stream */
};

struct netemu_selection {
	void *(*create)(const struct netemu_net *net, const char *options, char *why,
			size_t why_size);
	void (*destroy)(void *state);
	/* Hosts into HOSTS (room for net->hosts), each once.  Returns how many,
	 * 0 when AVAILABLE is not enough: job->nodes hosts, or when that is 0
	 * hosts with at least job->ranks slots together.
	 */
	uint32_t (*select)(void *state, struct netemu_select *select, uint32_t *hosts);
};

/* --- process placement --- */

struct netemu_rank_pair {
	uint32_t from, to; /* ranks */
	uint64_t bytes, messages;
};

struct netemu_place {
	const struct netemu_net *net;
	const struct netemu_job *job;
	const uint32_t *hosts; /* the hosts of the job, in the order of selection */
	const uint32_t *slots; /* ranks that each of them takes */
	uint32_t nhosts;
	uint32_t ranks;
	const struct netemu_rank_pair *matrix; /* ascending (from, to); may be empty */
	size_t npairs;
	const uint64_t *bytes; /* now on each link, from other jobs */
	uint64_t (*random)(struct netemu_place *place, uint64_t below); /* this job's stream */
	/* The largest bytes / capacity over switch-to-switch links that PLACEMENT
	 * gives under the routing in force.
	 */
	double (*evaluate)(struct netemu_place *place, const uint32_t *placement);
};

struct netemu_placement {
	void *(*create)(const struct netemu_net *net, const char *options, char *why,
			size_t why_size);
	void (*destroy)(void *state);
	/* The host of each rank into PLACEMENT [ranks], no host with more than
	 * its slots.  Returns 0 or -1.
	 */
	int (*place)(void *state, struct netemu_place *place, uint32_t *placement);
};

/* --- routing --- */

/* What host FROM sends to host TO != FROM, of all ranks on them. */
struct netemu_pair {
	uint32_t from, to; /* hosts */
	uint64_t bytes;
	uint64_t flows; /* pairs of ranks */
};

struct netemu_route {
	const struct netemu_net *net;
	uint64_t job;
	const struct netemu_pair *pairs; /* in the order of the job's matrix */
	size_t npairs;
	const uint32_t *placement; /* rank -> host; NULL when there are no ranks */
	uint32_t ranks;
	const struct netemu_rank_pair *matrix;
	size_t nmatrix;
	const uint64_t *bytes, *flows; /* now on each link, from other jobs; saturated */
	uint64_t (*random)(struct netemu_route *route, uint64_t below); /* this job's stream */
	/* Send all of pair PAIR over LINKS, NLINKS of them, from its host to its
	 * other host.  Returns 0, or -1 (with the reason kept) when they are not
	 * such a path or the pair has one.  A pair without a path is reported as
	 * unroutable.
	 */
	int (*path)(struct netemu_route *route, size_t pair, const uint32_t *links,
		    uint32_t nlinks);
};

struct netemu_routing {
	void *(*create)(const struct netemu_net *net, const char *options, char *why,
			size_t why_size);
	void (*destroy)(void *state);
	int (*route)(void *state, struct netemu_route *route);
};

/* --- one policy --- */

enum netemu_policy_kind {
	NETEMU_SCHEDULING = 1,
	NETEMU_SELECTION,
	NETEMU_PLACEMENT,
	NETEMU_ROUTING,
};

struct netemu_policy {
	uint32_t version; /* NETEMU_POLICY_VERSION */
	enum netemu_policy_kind kind;
	const char *name;
	const char *alias; /* PFSim's dotted name, or NULL */
	const char *help;  /* one line */
	union {
		struct netemu_scheduling scheduling;
		struct netemu_selection selection;
		struct netemu_placement placement;
		struct netemu_routing routing;
	};
};

#endif

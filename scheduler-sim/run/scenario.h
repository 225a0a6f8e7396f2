/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - a scenario file and the sub-scenarios that it means
 *
 * The axes of the sweep are nested as PFSim nests them: topology, scheduler,
 * host_selector, process_mapper, router, then all others as they appear in
 * the file; the last one varies fastest.  The sub-scenarios are numbered in
 * that order from 0; with `repeat: N` each of them is run N times, with seeds
 * that follow each other.
 */
#ifndef NETEMU_SIM_SCENARIO_H
#define NETEMU_SIM_SCENARIO_H

#include "policy.h"
#include "schema.h"

#define SCENARIO_CASES 1000000 /* sub-scenarios with their repetitions, at most */

/* What the command line says about it. */
struct scenario_options {
	const char *output;    /* or NULL */
	const char *seed;      /* or NULL */
	const char *link_rate; /* or NULL */
	bool pfsim;
};

struct scenario {
	char *path;   /* of the file; owned */
	char *base;   /* its folder; owned */
	char *output; /* where the results go; owned */
	struct yaml_node root;
	struct schema_axes axes; /* in nesting order */
	size_t cases;            /* sub-scenarios */
	uint32_t repeat;
	struct scenario_options options;
};

/* One sub-scenario.  All but `topology` points into the scenario and holds until
 * the next scenario_case().
 */
struct scenario_case {
	size_t id;
	uint32_t repetition;
	uint64_t seed;
	char *topology; /* SPEC; owned */
	const struct yaml_node *topology_node;
	const char *scheduler, *selection, *placement, *routing;
	int64_t until;        /* ns; NETEMU_NEVER when not given */
	const char *duration; /* as written, or NULL */
	bool pfsim, stretch, windows, network;
	const char *link_rate;             /* or NULL */
	const struct yaml_node *jobs;      /* the list */
	const struct yaml_node *hosts;     /* names of nodes -> names of hosts, or NULL */
	const struct yaml_node *resources; /* or NULL */
	const struct yaml_node *snapshots; /* or NULL */
	const char *plots;                 /* "svg", "png", "no" */
};

/* Read and check all of the file PATH.  Returns 0, or -1 with ERR written. */
int scenario_open(struct scenario *scenario, const char *path,
		  const struct scenario_options *options, struct err *err);

/* The same for TEXT, which is said to be the file PATH. */
int scenario_parse(struct scenario *scenario, const char *text, size_t size, const char *path,
		   const struct scenario_options *options, struct err *err);
void scenario_release(struct scenario *scenario);

/* Sub-scenarios times repetitions. */
size_t scenario_count(const struct scenario *scenario);

/* The NUMBER-th of all: repetition NUMBER % repeat of sub-scenario NUMBER / repeat.
 * Returns 0, or -1 with ERR written.
 */
int scenario_case(struct scenario *scenario, size_t number, struct scenario_case *sub,
		  struct err *err);
void scenario_case_release(struct scenario_case *sub);

/* Folder of the NUMBER-th within the output: "7", with repetitions "7/2".  BUF
 * of at least 48 bytes.  Returns BUF.
 */
char *scenario_folder(const struct scenario *scenario, size_t number, char *buf, size_t size);

/* All that the results of the sub-scenario chosen last follow from, but for the
 * files it names and its seed, on one line.  To be freed; NULL with errno.
 */
char *scenario_case_text(const struct scenario *scenario, const struct scenario_case *sub);

/* NODE on one line; to be freed, NULL with errno. */
char *scenario_node_text(const struct yaml_node *node);

/* What AXIS has at sub-scenario ID, for tables: a text, or {...} of a mapping on
 * one line.  To be freed; NULL with errno ENOMEM.
 */
char *scenario_axis_text(const struct scenario *scenario, size_t axis, size_t id);

/* Which value of AXIS sub-scenario ID has. */
size_t scenario_axis_index(const struct scenario *scenario, size_t axis, size_t id);

/* PATH of the scenario, relative to its folder; to be freed, NULL with errno. */
char *scenario_path(const struct scenario *scenario, const char *path);

#endif

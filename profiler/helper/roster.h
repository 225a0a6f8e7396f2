/* SPDX-License-Identifier: Apache-2.0 */
/* roster.h - which ranks of which MPI worlds ran on this node
 *
 * Built from the lines that ranks append to the helper's list (lib/helper.h).
 * The list is the user's to write: what does not look like one of ours is
 * counted and passed over.
 */
#ifndef NETPROF_ROSTER_H
#define NETPROF_ROSTER_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROSTER_FILES 8 /* live files of one rank; the library stops before */

struct roster_rank {
	uint32_t rank;
	int pid;
	int procid;    /* SLURM_PROCID, -1 = none */
	bool done;     /* it wrote its rank file by itself */
	bool complete; /* its rank file says so; known when finished */
	bool finished; /* it has a rank file */
	bool spared;   /* which lies in the world's spare directory */
	char *file;    /* the rank file it wrote, where that is not where it was meant; owned */
	char *live[ROSTER_FILES]; /* owned */
	int memory[ROSTER_FILES]; /* descriptor of a live file without a name, else -1 */
	int nlive;
};

struct roster_world {
	char *rundir;              /* as it was meant; it need not be there.  Owned */
	bool usable;               /* see home.h */
	char *spare;               /* see home.h; owned */
	uint32_t size;             /* ranks in all */
	struct roster_rank *ranks; /* owned; of this node, in the order they came */
	size_t count;
};

/* Zero-initialised = empty. */
struct roster {
	struct roster_world *worlds; /* owned */
	size_t count;
	uint64_t offset; /* of the list, read so far */
	size_t refused;  /* lines */
};

/* Read what was added to the list FD since the last call.  Live files without
 * a name (memory of the process) are opened at once, before it can die.
 * Returns 0, or -1 with errno.
 */
int roster_read(struct roster *roster, int fd);

/* Take in live files of WORLD that were written on NODE by a process
 * that is gone and could not say so.
 */
void roster_adopt(struct roster_world *world, const char *node);

/* Whether TEXT is an absolute path without "." and ".." whose last component
 * begins with RUNDIR_PREFIX.
 */
bool roster_is_rundir(const char *text);

/* The file of RANK lies at FILE, which may be elsewhere than meant.  Returns 0, or -1 with
 * errno.
 */
int roster_place(const struct roster_world *world, struct roster_rank *rank, const char *file);

/* The rank in WORLD, or NULL. */
struct roster_rank *roster_find(const struct roster_world *world, uint32_t rank);

void roster_release(struct roster *roster);

#endif

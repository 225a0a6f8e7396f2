/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - the mapped counters of one MPI rank (mpi/.rank-<r>.live)
 *
 * libnetprof.so counts straight into this file, mapped shared, so that what
 * was counted survives whatever kills the process.  Whoever finds the file
 * afterwards (the library itself at finalize, the node's helper, `netemu
 * matrix`) turns it into the rank file with live_load() and rankfile_write().
 *
 * Layout: one header of LIVE_HEADER_SIZE bytes, then extents without gaps up
 * to the end of the file.  An extent starts with struct live_extent and holds
 * `capacity` entries of `entry_size` bytes, of which the first `used` count.
 * Extents of KIND LIVE_FREE, or at a level other than their shard's current
 * one, are skipped.  Each thread of the rank writes a shard of its own, alone
 * and without locks; the sum over shards is the rank.  An entry is complete
 * before `used` covers it.  All integers are in the byte order of the machine.
 *
 * A rank that had to go on elsewhere (a full file system) has several such
 * files; they are summed in the same way.
 */
#ifndef NETEMU_LIVE_H
#define NETEMU_LIVE_H

#include "err.h"

#include <stdint.h>

#define LIVE_MAGIC       "netprof"
#define LIVE_VERSION     1
#define LIVE_WRITER      "0.1.0" /* goes into the rank file's description */
#define LIVE_HEADER_SIZE 4096
#define LIVE_BYTE_ORDER  0x01020304u
#define LIVE_SHARDS      64         /* threads beyond that share the last, under a lock */
#define LIVE_OUTSIDE     UINT32_MAX /* as a peer: a process outside MPI_COMM_WORLD */

enum live_kind {
	LIVE_FREE,    /* not in use */
	LIVE_CELLS,   /* struct live_cell by (peer, op, phase) */
	LIVE_WINDOWS, /* struct live_cell by (peer, window); op and phase are 0 */
	LIVE_SIZES,   /* struct live_size */
	LIVE_TIMING,  /* struct live_timing */
	LIVE_PHASES,  /* struct live_phase; phase slot = index + 1, slot 0 is "no phase" */
	LIVE_RMA,     /* struct live_rma */
	LIVE_UNSEEN,  /* struct live_unseen */
	LIVE_BYPASS,  /* struct live_bypass */
	LIVE_SPANS,   /* struct live_span, in the order of time; shard 0 alone */
	LIVE_KINDS,
};

struct live_header {
	char magic[8]; /* LIVE_MAGIC */
	uint32_t version;
	uint32_t byte_order; /* LIVE_BYTE_ORDER as the writer sees it */
	uint32_t clean;      /* 1: MPI_Finalize has been passed */
	uint32_t flags;      /* LIVE_PRECISE | ... */
	uint32_t rank;
	uint32_t ranks;
	int32_t pid;
	uint32_t procid;            /* SLURM_PROCID, UINT32_MAX when unset */
	int64_t init_realtime;      /* ns since the epoch at MPI_Init's return */
	int64_t init_monotonic;     /* CLOCK_MONOTONIC at the same moment, ns */
	int64_t finalize_monotonic; /* at MPI_Finalize's call; 0 = never came there */
	int64_t resolution;         /* of first/last, ns */
	int64_t window_width;       /* as asked for, ns; 0 = no windows */
	/* Current level of each shard's windows: how often the width was doubled. */
	uint32_t levels[LIVE_SHARDS];
	uint32_t overhead_send;    /* measured at start, 1/1000 ns */
	uint32_t overhead_receive; /* the same */
	char node[256];            /* SLURMD_NODENAME, else the host name */
	char processor_name[256];  /* as MPI says */
	char program[256];         /* /proc/self/exe */
	char mpi[128];             /* first line of the library version */
	char pml[32];              /* component that carries point-to-point: "ob1", "ucx" */
	char job[32];              /* SLURM_JOB_ID or "" */
	char step[32];             /* SLURM_STEP_ID, "mpirun<k>" or "" */
};

#define LIVE_PRECISE        1u /* first/last are precise */
#define LIVE_TIMED          2u /* LIVE_TIMING entries are kept */
#define LIVE_PHASES_DROPPED 4u /* more than 256 phases: slot 257 is "other" */
#define LIVE_LOST           8u /* there was no room for some counts */

/* 64 bytes, followed by the entries. */
struct live_extent {
	uint32_t kind; /* enum live_kind */
	uint32_t shard;
	uint64_t size; /* bytes, this header included; a multiple of 4096 */
	uint32_t entry_size;
	uint32_t capacity;
	uint32_t used;
	uint32_t level; /* LIVE_WINDOWS only */
	uint32_t reserved[8];
};

struct live_cell {
	uint32_t peer;  /* world rank, or LIVE_OUTSIDE */
	uint16_t op;    /* enum rankop of rankfile.h */
	uint16_t phase; /* slot: 0 none, 1..256, 257 other */
	uint32_t window;
	uint32_t reserved;
	uint64_t tx_bytes;
	uint64_t tx_messages;
	uint64_t rx_bytes;
	uint64_t rx_messages;
	int64_t first; /* ns, CLOCK_MONOTONIC; 0 = never */
	int64_t last;
};

/* Message sizes.  LOG2 set: `size` is k, and messages of [2^k, 2^(k+1)) bytes
 * that did not fit the exact table are counted here.
 */
struct live_size {
	uint64_t size;
	uint64_t tx_messages;
	uint64_t rx_messages;
	uint32_t log2;
	uint32_t reserved;
};

struct live_timing {
	uint32_t peer;
	uint32_t reserved;
	uint64_t sends; /* completed ones */
	uint64_t sum;   /* ns from begin to completion */
	uint64_t max;   /* ns */
};

struct live_phase {
	int32_t level;   /* as given to MPI_Pcontrol */
	uint32_t opened; /* how often */
	int64_t total;   /* ns it was open, without the current opening */
	int64_t since;   /* CLOCK_MONOTONIC when it was last opened; 0 = closed */
};

/* One time that a phase was open, when it was closed again. */
struct live_span {
	int64_t begin, end; /* ns, CLOCK_MONOTONIC */
	uint32_t slot;      /* 1..257 */
	uint32_t reserved;
};

#define LIVE_SPANS_MOST 4096 /* of a rank: those after it are in `opened` and `total` alone */

/* One-sided calls as the program made them. */
struct live_rma {
	uint32_t peer; /* world rank of the target */
	uint16_t call; /* enum rankrma of rankfile.h */
	uint16_t reserved;
	uint64_t calls;
	uint64_t bytes;
};

/* Receives that were posted and whose completion was not seen, or seen only
 * as the post (non-blocking collectives).
 */
struct live_unseen {
	uint16_t op;
	uint16_t why; /* enum rankunseen of rankfile.h */
	uint32_t reserved;
	uint64_t messages;
	uint64_t bytes; /* as posted */
};

/* What carried traffic past the PML: "osc/rdma", "coll/sm". */
struct live_bypass {
	char name[32];
};

struct rankfile;

/* Sum the live files in PATHS (COUNT of them, all of one rank) into RANK,
 * which the caller then owns (rankfile_release()).  Everything is checked
 * against the file's size first: a truncated or foreign file is an error that
 * names the file and the offset.  A path is no link, or /proc/self/fd/<n>.
 * RANK->complete is header.clean of all files.
 * Returns 0, or -1 with ERR written.
 */
int live_load(const char *const paths[], int count, struct rankfile *rank, struct err *err);

/* Only the header, checked.  Returns 0, or -1 with ERR written. */
int live_peek(const char *path, struct live_header *header, struct err *err);

#endif

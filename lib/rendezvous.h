/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous.h - processes of one run find each other, without MPI
 *
 * Each process opens a session and is then one of `size` ranks.  It puts values
 * under keys, fences, and gets what the others have put.  Where the session
 * lives is found in the environment, in this order:
 *
 *   PMIX_NAMESPACE     PMIx (libpmix is loaded when it is needed), as srun
 *                      --mpi=pmix and mpirun set it; when libpmix is not there,
 *                      the next one
 *   SLURM_NETEMU_RDV   HOST:PORT:COOKIE:SIZE, a server in srun; for the direct
 *                      tasks of a step, not for what mpirun starts in it; an
 *                      empty HOST is SLURM_LAUNCH_NODE_IPADDR
 *   NETEMU_RDV         HOST:PORT:COOKIE:SIZE, a server of its own, or
 *                      file:PATH[:SIZE], a directory that all of them see
 *
 * IPv6 hosts stand in brackets.  The rank is NETEMU_RANK, else that of mpirun
 * (OMPI_COMM_WORLD_RANK, PMIX_RANK, PMI_RANK), else SLURM_PROCID of a step,
 * else the smallest free one.  The size is the address's, or NETEMU_SIZE,
 * OMPI_COMM_WORLD_SIZE, PMI_SIZE, SLURM_STEP_NUM_TASKS.
 *
 * Sessions have the name of a program and a generation, so that several programs,
 * or one several times, may use one server in turn: a rank's first opening of a
 * name joins generation 1, its second generation 2.  A session in which a rank
 * died, left or gave up is broken: who waits in it is told at once, who
 * joins it later as well.
 *
 * libc only, no threads, no signals; nothing waits for longer than it is
 * told to.  Not thread-safe: one caller at a time for each session; a child of
 * fork() must not use the session of its parent.
 */
#ifndef NETEMU_RENDEZVOUS_H
#define NETEMU_RENDEZVOUS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RENDEZVOUS_RANKS   100000 /* of a session */
#define RENDEZVOUS_NAME    32     /* a program's or key's, letters, digits and "._-", with NUL */
#define RENDEZVOUS_NODE    64     /* with NUL */
#define RENDEZVOUS_VALUE   65536  /* bytes of one value */
#define RENDEZVOUS_KEYS    256    /* of one rank */
#define RENDEZVOUS_ADDRESS 512
#define RENDEZVOUS_COOKIE  33    /* 32 hexadecimal digits and NUL */
#define RENDEZVOUS_WAIT_MS 60000 /* where 0 is asked for */

struct rendezvous;

/* All but `program` may be left 0. */
struct rendezvous_options {
	const char *program;
	uint32_t generation; /* 0: the next one of this rank */
	int wait_ms;         /* for the connection and the session, RENDEZVOUS_WAIT_MS */
	const char *address; /* HOST:PORT:COOKIE:SIZE or file:PATH; NULL: the environment's */
	bool has_rank;
	uint32_t rank;
	const char *node; /* NULL: SLURMD_NODENAME, else the host's name */
};

/* Join a session.  Returns it, or NULL with ERR written: "no rendezvous: neither
 * PMIX_NAMESPACE, SLURM_NETEMU_RDV nor NETEMU_RDV is set", what is wrong with
 * an address, a refused cookie, a rank that is not below the size.  Others need
 * not have come yet.
 */
struct rendezvous *rendezvous_open(const struct rendezvous_options *options, struct err *err);

/* Leave and free it; NULL is fine.  A rank that ends without breaks it for the
 * others.  Fence before, where others may still want to get something.
 */
void rendezvous_close(struct rendezvous *rdv);

uint32_t rendezvous_rank(const struct rendezvous *rdv);
uint32_t rendezvous_size(const struct rendezvous *rdv);
uint32_t rendezvous_generation(const struct rendezvous *rdv);
const char *rendezvous_node(const struct rendezvous *rdv);
const char *rendezvous_how(const struct rendezvous *rdv); /* "pmix", "tcp", "file" */

/* SIZE bytes of VALUE under KEY of this rank; a second time replaces.  Others
 * are sure to get it after the next fence of all.  Returns 0, or -1 with ERR.
 */
int rendezvous_put(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		   struct err *err);

/* What RANK has put under KEY, into BUFFER of SIZE bytes; it is waited for up
 * to WAIT_MS (0: it is there or it is an error).  Returns the number of bytes,
 * or -1 with ERR naming rank, node where it is known and key; errno is then
 * ENOENT (not put), ETIMEDOUT, EMSGSIZE (longer than SIZE), EPIPE (broken), or
 * that of the system call.
 */
long rendezvous_get(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		    size_t size, int wait_ms, struct err *err);

/* Wait until all ranks are here, for WAIT_MS at most (0: RENDEZVOUS_WAIT_MS).
 * What was put before a fence can be got behind it; a barrier moves no
 * values, which matters with PMIx only.  WHAT is for the sentence.  Returns 0, or -1 with ERR:
 * "fence 'addresses': after 30 s 2 of 64 ranks are missing: 5 (node3), 7 (never came)"
 * or "...: rank 5 (node3) is gone"; the session is broken then, errno ETIMEDOUT
 * or EPIPE.
 */
int rendezvous_fence(struct rendezvous *rdv, const char *what, int wait_ms, struct err *err);
int rendezvous_barrier(struct rendezvous *rdv, const char *what, int wait_ms, struct err *err);

/* How this node's CLOCK_MONOTONIC stands to that of rank 0's node: rank 0's time
 * is own + offset, true within +- uncertainty.  By the exchange of least round
 * trip out of many (D. Mills, RFC 5905, section 8: theta and delta / 2): the
 * uncertainty is a bound, not a deviation, as long as the clocks run evenly for the
 * time of an exchange.  With two measurements there is a drift.
 */
struct rendezvous_moment {
	int64_t at;          /* own clock, ns */
	int64_t offset;      /* ns */
	int64_t uncertainty; /* ns */
};

struct rendezvous_clock {
	struct rendezvous_moment first, last; /* the same after one measurement */
	double drift;                         /* of the offset, ns per ns; 0 after one */
	double drift_uncertainty;             /* of it; 0 after one */
};

/* Measure: at the start and at the end of a run (or more often: the first and
 * the last count).  All ranks call it together.  Returns 0, or -1 with ERR.
 */
int rendezvous_clock(struct rendezvous *rdv, struct rendezvous_clock *clock, int wait_ms,
		     struct err *err);

/* Own time AT as rank 0's, with the drift; *UNCERTAINTY (may be NULL) as well. */
int64_t rendezvous_clock_at(const struct rendezvous_clock *clock, int64_t at, int64_t *uncertainty);

/* ---- the server ---- */

struct rendezvous_server_settings {
	uint32_t size;                  /* ranks of each session; 1..RENDEZVOUS_RANKS */
	const char *bind;               /* a numeric address; NULL: any, IPv6 and IPv4 */
	unsigned first_port, last_port; /* e.g. SrunPortRange; 0, 0: any */
	const char *cookie;             /* 32 hexadecimal digits; NULL: a random one */
	const char *const *nodes;       /* of each rank, or NULL: copied */
	uint64_t memory;                /* bytes of all values; 0: 256 MiB */
};

/* Single-threaded, libc only: for a thread in srun (never in slurmstepd) or a
 * program of its own.  Needs a descriptor for each client and raises no limits:
 * who finds none waits until another client leaves.
 */
struct rendezvous_server;

/* Listen.  Returns the server, or NULL with ERR written. */
struct rendezvous_server *rendezvous_server_create(const struct rendezvous_server_settings *s,
						   struct err *err);
void rendezvous_server_destroy(struct rendezvous_server *server);

unsigned rendezvous_server_port(const struct rendezvous_server *server);
const char *rendezvous_server_cookie(const struct rendezvous_server *server);

/* "HOST:PORT:COOKIE:SIZE" for NETEMU_RDV, with brackets around an IPv6 HOST; the
 * plugin publishes ":PORT:COOKIE:SIZE" (HOST "") and puts the host in front on
 * the node.  Returns 0, or -1 when it does not fit.
 */
int rendezvous_server_address(const struct rendezvous_server *server, const char *host, char *text,
			      size_t size);

/* Serve what has come, after waiting for it WAIT_MS at most (-1: for ever).  Returns
 * 1, or 0 when rendezvous_server_stop() was called, or -1 with errno.
 */
int rendezvous_server_turn(struct rendezvous_server *server, int wait_ms);

/* Turns until it is stopped; the same returns, 0 or -1. */
int rendezvous_server_run(struct rendezvous_server *server);

/* End rendezvous_server_run(), from any thread or a signal handler. */
void rendezvous_server_stop(struct rendezvous_server *server);

/* For a program that ends by itself: sessions that have ended (all ranks came
 * and left, or it broke and nobody is in it), and clients that are connected.
 */
uint32_t rendezvous_server_ended(const struct rendezvous_server *server);
uint32_t rendezvous_server_clients(const struct rendezvous_server *server);

/* For a signal handler: whatever this process waits for here, now or later, is over as if its time
 * was up, within 200 ms.
 */
void rendezvous_stop_waiting(void);
bool rendezvous_stopped(void);

#endif

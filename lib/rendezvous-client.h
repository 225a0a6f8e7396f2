/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-client.h - the ways to a rendezvous
 *
 * Each way fills in a struct rendezvous when it opens.  What it writes into ERR
 * is the end of a sentence: rendezvous.c knows what was asked for and for how long.
 */
#ifndef NETEMU_RENDEZVOUS_CLIENT_H
#define NETEMU_RENDEZVOUS_CLIENT_H

#include "rendezvous.h"

#define RDV_LOOK_MS 200 /* at most between two looks at rendezvous_stopped() */

struct rendezvous_ops {
	const char *how;
	int (*put)(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		   struct err *err);
	/* May be given a value of any size; returns that, also when it is above SIZE. */
	long (*get)(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		    size_t size, int wait_ms, struct err *err);
	int (*fence)(struct rendezvous *rdv, bool values, int wait_ms, struct err *err);
	/* The server's clock, which all are measured against; NULL: there is none. */
	int (*clock)(struct rendezvous *rdv, struct rendezvous_moment *moment, unsigned pings,
		     struct err *err);
	void (*close)(struct rendezvous *rdv);
};

struct rendezvous {
	const struct rendezvous_ops *ops;
	void *way; /* its own state */
	uint32_t rank, size, generation;
	char program[RENDEZVOUS_NAME];
	char node[RENDEZVOUS_NODE];
	unsigned measurements;
	struct rendezvous_clock clock;
};

/* RDV has program, node, rank (UINT32_MAX: any) and generation (0: the next), size (0:
 * not known) set.  Returns 0, or -1 with ERR written and errno.
 */
int rdv_tcp_open(struct rendezvous *rdv, const char *address, int wait_ms, struct err *err);
int rdv_file_open(struct rendezvous *rdv, const char *path, int wait_ms, struct err *err);
/* errno is ENOENT when libpmix is not there. */
int rdv_pmix_open(struct rendezvous *rdv, int wait_ms, struct err *err);

#endif

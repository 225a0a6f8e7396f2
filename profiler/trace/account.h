/* SPDX-License-Identifier: Apache-2.0 */
/* account.h - what went over a queue pair, or over many
 *
 * Requests are counted when they are posted and when they end.  Accounts are summed
 * up by account_merge(), so that tables of ranks, peers or hosts are sums of those of
 * queue pairs.
 */
#ifndef TRACE_ACCOUNT_H
#define TRACE_ACCOUNT_H

#include "histogram.h"
#include "trace/match.h"

#define ACCOUNT_OPCODES  17 /* by enum ibv_wr_opcode; the last: that and all above */
#define ACCOUNT_STATUSES 32 /* by enum ibv_wc_status; the last: that and all above */
#define ACCOUNT_SIZES    32 /* kinds of sizes that are told apart */
#define ACCOUNT_POWERS   65 /* [0]: no byte, [n]: 2^(n-1) to 2^n - 1 */

struct account_count {
	uint64_t messages, bytes;
};

/* A queue over time. */
struct account_depth {
	uint32_t now, most;
	int64_t since;   /* `now` holds since then; 0: nothing was posted yet */
	double sum;      /* of outstanding requests x ns */
	double duration; /* ns */
};

struct account {
	uint64_t qps;
	/* sends: what was posted, and of these what ended well */
	struct account_count posted[ACCOUNT_OPCODES], sent[ACCOUNT_OPCODES];
	struct account_count received; /* receives that ended well, bytes as sent */
	uint64_t receives;             /* that were posted */
	uint64_t refused;              /* posts that a call returned an error for */
	uint64_t inferred;             /* unsignaled ones that ended with another */
	uint64_t unmatched;            /* completions whose request is not recorded */
	uint64_t left, receives_left;  /* sends and receives that never completed */
	uint64_t inlined, signaled;    /* of the sends that were posted */
	/* of all of these: requests that were counted without a record of each, so that
	 * their latency, depth and flags are not known; and how many of them ended well
	 */
	uint64_t counted, counted_sent;
	uint64_t status[ACCOUNT_STATUSES]; /* completions */
	/* sends that were posted, by size: exact ones as long as they are few */
	struct {
		uint64_t bytes, messages;
	} size[ACCOUNT_SIZES];
	uint32_t sizes; /* ACCOUNT_SIZES + 1: there are more, `power` alone has all */
	uint64_t power[ACCOUNT_POWERS];
	struct histogram lag; /* ns, from when a completion was due to when it was taken (lags.h) */
	struct histogram latency; /* ns, from post to completion: signaled sends that ended well */
	bool latency_counted;     /* some of it in the buckets of struct vring_latency */
	int64_t first, last; /* run's clock: first post and last completion of sends; 0 = none */
	struct account_depth send, receive;
	/* over queue pairs that have sent: how even */
	uint64_t senders, most_bytes; /* of one queue pair */
	double bytes_squared;
};

void account_release(struct account *account);

/* As match.h's handlers are called.  Returns 0, or -1 with errno. */
int account_posted(struct account *account, const struct work *work, uint32_t outstanding);
int account_ended(struct account *account, const struct work *work, uint32_t outstanding);
void account_left(struct account *account, const struct work *work);

/* Of what datagrams have put into receive buffers the first bytes are a header. */
#define ACCOUNT_GRH 40

/* Requests that were counted only, without a record of each; TIMEs as those of `first`. */
void account_counted(struct account *account, const struct vring_summary *summary, int64_t first,
		     int64_t last);

/* How long they took, RATE ns a tick.  Returns 0, or -1 with errno. */
int account_counted_latency(struct account *account, const struct vring_latency *latency,
			    double rate);

/* The queue pair of ACCOUNT has been seen to its end. */
void account_close(struct account *account);

/* Add FROM, which is closed. */
int account_merge(struct account *to, const struct account *from);

/* --- sums of it --- */

struct account_count account_sent(const struct account *account);  /* that ended well */
struct account_count account_posts(const struct account *account); /* that were posted */
uint64_t account_errors(const struct account *account);            /* completions with one */
double account_seconds(const struct account *account);             /* first to last; 0 = none */
double account_mean_depth(const struct account_depth *depth);      /* over time */
/* How evenly queue pairs have sent: the largest share by the mean one, and Jain's index
 * (Jain, Chiu, Hawe 1984).  1 when at most one has sent.
 */
double account_imbalance(const struct account *account);
double account_fairness(const struct account *account);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the parts of bench-device share
 *
 * Two processes, each on a CPU of its own.  Both call each measurement; side 0 is the
 * one whose result counts.  A measurement is short: all of them are repeated in turn,
 * so that what else the machine does falls on raw and emulated alike.
 */
#ifndef BENCH_H
#define BENCH_H

#include <infiniband/verbs.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROUNDS 2000  /* there and back, in one measurement */
#define CALLS  40000 /* of 8 bytes */
#define COPIES 2000  /* of LARGE bytes */
#define LARGE  65536 /* bytes */

/* Shared by all processes; each of the two writes its own half. */
struct stage {
	_Atomic int ready[2];
	_Atomic int idle; /* processes that have a queue pair and sleep */
	struct address {
		uint32_t qpn, rkey, lid;
		uint64_t memory;
		pid_t pid;
	} address[2];
};

extern struct stage *stage;
extern int side; /* 0 measures, 1 answers */

/* --- bench.c --- */

/* Seconds. */
double now(void);

/* Ends the program when it is not so; errno says why. */
void need(bool is, const char *what);

/* Both sides are here. */
void meet(void);

/* Sorts VALUES. */
double median(double *values, int count);

/* --- bench-raw.c --- */

/* Before the two part: MEMORY is 2 * LARGE bytes, at the same address in both. */
void raw_open(char *memory);

/* us */
double raw_write(void); /* half a round trip of 64 bytes, seen in memory */
double raw_read(void);  /* of 64 bytes */
double raw_wake(void);  /* half a round trip by eventfd */

/* million/s, GB/s */
double raw_rate(void);
double raw_copy(void);

/* The same by TCP over loopback: us (polled; slept for), GB/s. */
double tcp_8(void);
double tcp_64(void);
double tcp_wake(void);
double tcp_copy(void);

/* --- bench-verbs.c --- */

/* Of one process; both sides call the first two. */
void verbs_open(char *memory);
void verbs_connect(void);

/* us */
double write_latency(void);
double read_latency(void);
double send_latency(void);
double wake_latency(void);

/* million/s, GB/s */
double write_rate(void);
double write_copy(void);

/* Of one process, ns. */
double self_loop(void);
double empty_poll(void);

struct ibv_qp *verbs_queue_pair(uint32_t depth);

#endif /* BENCH_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* net-random.c - random messages between ranks over a real network, checked to the byte
 *
 * Usage: net-random NETWORK RANKS SEED [MESSAGES [BYTES]]
 *
 * DEVICES, QUEUE_PAIRS and SEGMENT in the environment are those of verbs.
 *
 * Forks the ranks itself.  All know by the seed what will be sent; each posts its sends and
 * receives in an order of its own, a few at a time, some with contents that are checked.  In the
 * end what was counted must be what was sent.  Prints a line of TAP for each rank's part.
 */
#include "net/lifeline.h"
#include "net/net.h"
#include "random.h"
#include "rendezvous.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define WINDOW 40 /* posted at once */

struct plan {
	uint32_t from, to, order; /* order: of its tag, for the contents */
	uint64_t tag, size;
	bool looked;
};

struct half {
	struct net_message message;
	struct run *run;
	const struct plan *plan;
	bool is_send;
	uint64_t taken;
};

struct run {
	uint32_t ranks, count, rank;
	uint64_t seed, bytes;
	struct plan *plans;
	struct half *halves;
	uint32_t mine, posted, ended, wrong;
	struct loop loop;
	struct net *net;
	struct lifeline *lifeline;
};

static uint8_t content(const struct plan *plan, uint64_t at)
{
	uint64_t x =
		plan->from * 1000003u + plan->to * 10007u + plan->tag * 101 + plan->order * 31 + at;

	return (uint8_t)(x * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static void fill(struct net_message *message, uint64_t at, void *buffer, size_t size)
{
	const struct half *half = (const struct half *)message;

	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = content(half->plan, at + i);
}

static void take(struct net_message *message, uint64_t at, const void *buffer, size_t size)
{
	struct half *half = (struct half *)message;

	for (size_t i = 0; i < size; i++)
		half->run->wrong += ((const uint8_t *)buffer)[i] != content(half->plan, at + i);
	half->taken += size;
}

static const struct net_data exact = { fill, take };

static void post_more(struct run *run);

static void done(struct net_message *message, int64_t time)
{
	struct half *half = (struct half *)message;

	(void)time;
	half->run->ended++;
	post_more(half->run);
	if (half->run->ended == half->run->mine)
		loop_stop(&half->run->loop);
}

static void post_more(struct run *run)
{
	struct err err;

	while (run->posted < run->mine && run->posted - run->ended < WINDOW) {
		struct half *half = &run->halves[run->posted++];
		int rc = half->is_send ? net_send(run->net, &half->message, &err)
				       : net_recv(run->net, &half->message, &err);

		if (rc < 0) {
			loop_fail(&run->loop, "%s", err.text);
			return;
		}
	}
}

static void make_plans(struct run *run)
{
	struct random random;

	random_init(&random, run->seed, "plan", 0);
	run->plans = calloc(run->count, sizeof(*run->plans));
	for (uint32_t i = 0; run->plans && i < run->count; i++) {
		struct plan *plan = &run->plans[i];
		uint64_t size = random_below(&random, run->bytes);

		plan->from = (uint32_t)random_below(&random, run->ranks);
		plan->to = (uint32_t)random_below(&random, run->ranks);
		plan->tag = random_below(&random, 4);
		plan->size = random_below(&random, 3) ? size >> random_below(&random, 20) : size;
		plan->looked = random_below(&random, 2);
		for (uint32_t k = 0; k < i; k++)
			plan->order += run->plans[k].from == plan->from &&
				       run->plans[k].to == plan->to &&
				       run->plans[k].tag == plan->tag;
	}
}

static void add_half(struct run *run, const struct plan *plan, bool is_send)
{
	run->halves[run->mine++] = (struct half){
		.run = run,
		.plan = plan,
		.is_send = is_send,
		.message = { .peer = is_send ? plan->to : plan->from,
			     .tag = plan->tag,
			     .size = plan->size,
			     .data = plan->looked ? &exact : NULL,
			     .node_id = NET_NO_NODE,
			     .done = done },
	};
}

/* This rank's halves: sends in order, and receives in order, but mixed at random. */
static void make_halves(struct run *run)
{
	struct random random;
	uint32_t sends = 0, receives = 0;

	random_init(&random, run->seed, "order", run->rank);
	run->halves = calloc(2 * run->count, sizeof(*run->halves));
	while (run->halves && (sends < run->count || receives < run->count)) {
		if (receives == run->count ||
		    (sends < run->count && sends < receives + WINDOW / 4 &&
		     (receives >= sends + WINDOW / 4 || random_below(&random, 2)))) {
			if (run->plans[sends++].from == run->rank)
				add_half(run, &run->plans[sends - 1], true);
		} else if (run->plans[receives++].to == run->rank) {
			add_half(run, &run->plans[receives - 1], false);
		}
	}
}

static int poll_both(void *arg, struct err *err)
{
	struct run *run = arg;

	if (lifeline_check(run->lifeline, loop_now(&run->loop), err) < 0)
		return -1;
	return net_poll(run->net, err);
}

static int compare_counts(const struct run *run, struct err *err)
{
	for (uint32_t peer = 0; peer < run->ranks; peer++) {
		struct net_count want = { 0 };

		for (uint32_t i = 0; i < run->count; i++) {
			const struct plan *plan = &run->plans[i];

			if (plan->from == run->rank && plan->to == peer) {
				want.tx_messages++;
				want.tx_bytes += plan->size;
			}
			if (plan->to == run->rank && plan->from == peer) {
				want.rx_messages++;
				want.rx_bytes += plan->size;
			}
		}
		if (memcmp(&want, &run->net->counts[peer], sizeof(want)))
			return err_set(err, "counts of peer %u are wrong", peer);
	}
	return run->wrong ? err_set(err, "%u bytes are wrong", run->wrong) : 0;
}

static int create(struct run *run, const char *network, const struct net_settings *settings,
		  struct err *err)
{
	if (!strcmp(network, "tcp"))
		return net_tcp_create(&run->net, &run->loop, settings, err);
	if (!strcmp(network, "verbs"))
		return net_verbs_create(&run->net, &run->loop, settings, err);
	return err_set(err, "'%s': no such network here", network);
}

static int replay(struct run *run, const char *network, struct rendezvous *rdv, struct err *err)
{
	const char *qps = getenv("QUEUE_PAIRS"), *segment = getenv("SEGMENT");
	struct net_settings settings = {
		.rendezvous = rdv,
		.memory = 64 << 20,
		.device = getenv("DEVICES"),
		.local_rank = rendezvous_rank(rdv),
		.queue_pairs = qps ? (uint32_t)atoi(qps) : 0,
		.segment = segment ? (uint32_t)atoi(segment) : 0,
	};

	run->rank = rendezvous_rank(rdv);
	make_plans(run);
	make_halves(run);
	if (!run->plans || !run->halves)
		return err_errno(err, "no room");
	if (lifeline_open(&run->lifeline, &settings, err) < 0 ||
	    create(run, network, &settings, err) < 0)
		return -1;
	run->loop.poll = poll_both;
	run->loop.poll_arg = run;
	loop_start(&run->loop);
	post_more(run);
	if (run->mine && loop_run(&run->loop, err) < 0) {
		lifeline_fail(run->lifeline, err, 500);
		return -1;
	}
	if (lifeline_finish(run->lifeline, run->net, 60000, err) < 0)
		return -1;
	return compare_counts(run, err);
}

static int be_rank(struct run *run, const char *network, uint32_t rank, const char *address)
{
	const struct rendezvous_options options = {
		.program = "net-random",
		.address = address,
		.has_rank = true,
		.rank = rank,
	};
	struct err err = { "" };
	struct rendezvous *rdv;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rdv = rendezvous_open(&options, &err);
	loop_init(&run->loop, &loop_real_clock);
	rc = rdv ? replay(run, network, rdv, &err) : -1;
	if (rc < 0)
		fprintf(stderr, "# rank %u: %s\n", rank, err.text);
	net_destroy(run->net);
	lifeline_close(run->lifeline);
	rendezvous_close(rdv);
	loop_release(&run->loop);
	free(run->plans);
	free(run->halves);
	return rc < 0;
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/net-random.XXXXXX", address[64], command[64];
	struct run run = { 0 };
	int status, failed = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: %s NETWORK RANKS SEED [MESSAGES [BYTES]]\n", argv[0]);
		return 2;
	}
	run.ranks = (uint32_t)atoi(argv[2]);
	run.seed = strtoull(argv[3], NULL, 10);
	run.count = argc > 4 ? (uint32_t)atoi(argv[4]) : 400;
	run.bytes = argc > 5 ? strtoull(argv[5], NULL, 10) : 3000000;
	if (!mkdtemp(directory))
		return 1;
	snprintf(address, sizeof(address), "file:%s:%u", directory, run.ranks);
	for (uint32_t rank = 0; rank < run.ranks; rank++)
		if (fork() == 0)
			return be_rank(&run, argv[1], rank, address);
	while (wait(&status) > 0)
		failed += status != 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command))
		failed++;
	printf("%s - %s messages over %s between %u ranks, seed %s\n1..1\n",
	       failed ? "not ok 1" : "ok 1", argc > 4 ? argv[4] : "400", argv[1], run.ranks,
	       argv[3]);
	return failed != 0;
}

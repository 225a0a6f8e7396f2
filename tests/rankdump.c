/* SPDX-License-Identifier: Apache-2.0 */
/* rankdump.c - rank files as lines, for tests
 *
 *   rankdump FILE...		rank files
 *   rankdump -l FILE...	the live files of one rank
 *
 * Rows are summed over the files and sorted by sort(1) where order matters:
 *
 *   rank R complete|incomplete PML NODE PID
 *   op OP SRC DST MESSAGES BYTES	as SRC sent
 *   rx OP SRC DST MESSAGES BYTES	as DST received
 *   total OP MESSAGES BYTES RX_MESSAGES RX_BYTES
 *   size BYTES|>=BYTES SENT RECEIVED
 *   phase LEVEL|other RANK OPENED MESSAGES BYTES
 *   window RANK WIDTH_NS COUNT MESSAGES BYTES RX_MESSAGES RX_BYTES
 *   timing RANK PEER SENDS
 *   stamps RANK PEER FIRST LAST DURATION RESOLUTION	all in ns
 *   rma CALL CALLS BYTES
 *   unseen OP WHY MESSAGES BYTES
 *   bypass NAME
 */
#include "live.h"
#include "rankfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct totals {
	uint64_t messages, bytes, rx_messages, rx_bytes;
} totals[RANKOP_COUNT];

static struct {
	uint64_t calls, bytes;
} rma[RANKRMA_COUNT];

static struct totals unseen[RANKOP_COUNT][RANKUNSEEN_COUNT];

static void add_rows(struct totals *to, const struct rankpeers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		to->messages += peers->rows[i].tx_messages;
		to->bytes += peers->rows[i].tx_bytes;
		to->rx_messages += peers->rows[i].rx_messages;
		to->rx_bytes += peers->rows[i].rx_bytes;
	}
}

static void dump_op(const struct rankfile *rank, int op)
{
	const struct rankpeers *peers = &rank->ops[op];

	add_rows(&totals[op], peers);
	for (size_t i = 0; i < peers->count; i++) {
		const struct rankpeer *row = &peers->rows[i];

		if (row->tx_messages)
			printf("op %s %u %u %" PRIu64 " %" PRIu64 "\n", rankop_names[op],
			       rank->rank, row->peer, row->tx_messages, row->tx_bytes);
		if (row->rx_messages)
			printf("rx %s %u %u %" PRIu64 " %" PRIu64 "\n", rankop_names[op], row->peer,
			       rank->rank, row->rx_messages, row->rx_bytes);
	}
}

static void dump_phases(const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nphases; i++) {
		const struct rankphase *phase = &rank->phases[i];
		struct totals sum = { 0 };

		for (int op = 0; op < RANKOP_COUNT; op++)
			add_rows(&sum, &phase->ops[op]);
		if (phase->other)
			printf("phase other");
		else
			printf("phase %d", phase->level);
		printf(" %u %u %" PRIu64 " %" PRIu64 "\n", rank->rank, phase->opened, sum.messages,
		       sum.bytes);
	}
}

static void dump_windows(const struct rankfile *rank)
{
	struct totals sum = { 0 };

	if (!rank->window_width)
		return;
	for (size_t i = 0; i < rank->nwindows; i++)
		add_rows(&sum, &rank->windows[i].peers);
	printf("window %u %" PRId64 " %zu %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	       rank->rank, rank->window_width, rank->nwindows, sum.messages, sum.bytes,
	       sum.rx_messages, sum.rx_bytes);
}

static void dump_rest(const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nsizes; i++)
		printf("size %s%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		       rank->sizes[i].log2 ? ">=" : "",
		       rank->sizes[i].log2 ? (uint64_t)1 << rank->sizes[i].size
					   : rank->sizes[i].size,
		       rank->sizes[i].tx_messages, rank->sizes[i].rx_messages);
	for (size_t i = 0; i < rank->peers.count; i++)
		printf("stamps %u %u %" PRId64 " %" PRId64 " %.0f %" PRId64 "\n", rank->rank,
		       rank->peers.rows[i].peer, rank->peers.rows[i].first,
		       rank->peers.rows[i].last, rank->duration * 1e9, rank->resolution);
	for (size_t i = 0; i < rank->ntiming; i++)
		printf("timing %u %u %" PRIu64 "\n", rank->rank, rank->timing[i].peer,
		       rank->timing[i].sends);
	for (size_t i = 0; i < rank->nrma; i++) {
		rma[rank->rma[i].call].calls += rank->rma[i].calls;
		rma[rank->rma[i].call].bytes += rank->rma[i].bytes;
	}
	for (size_t i = 0; i < rank->nunseen; i++) {
		unseen[rank->unseen[i].op][rank->unseen[i].why].messages +=
			rank->unseen[i].messages;
		unseen[rank->unseen[i].op][rank->unseen[i].why].bytes += rank->unseen[i].bytes;
	}
	for (size_t i = 0; i < rank->nbypass; i++)
		printf("bypass %s\n", rank->bypass[i]);
	if (rank->outside.tx_messages || rank->outside.rx_messages)
		printf("outside %u %" PRIu64 " %" PRIu64 "\n", rank->rank,
		       rank->outside.tx_messages, rank->outside.rx_messages);
}

static void dump_rank(const struct rankfile *rank)
{
	printf("rank %u %s %s %s %d\n", rank->rank, rank->complete ? "complete" : "incomplete",
	       rank->pml, rank->node, rank->pid);
	for (int op = 0; op < RANKOP_COUNT; op++)
		dump_op(rank, op);
	dump_phases(rank);
	dump_windows(rank);
	dump_rest(rank);
}

static int dump(const char *path)
{
	static char data[64 << 20];
	struct rankfile rank;
	struct err err;
	size_t size;
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	if (rankfile_read(&rank, data, size, path, &err) < 0) {
		fprintf(stderr, "rankdump: %s\n", err.text);
		return 1;
	}
	dump_rank(&rank);
	rankfile_release(&rank);
	return 0;
}

static int dump_live(const char *const paths[], int count)
{
	struct rankfile rank;
	struct err err;

	if (live_load(paths, count, &rank, &err) < 0) {
		fprintf(stderr, "rankdump: %s\n", err.text);
		return 1;
	}
	dump_rank(&rank);
	rankfile_release(&rank);
	return 0;
}

static void dump_sums(void)
{
	for (int op = 0; op < RANKOP_COUNT; op++)
		if (totals[op].messages || totals[op].rx_messages)
			printf("total %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			       rankop_names[op], totals[op].messages, totals[op].bytes,
			       totals[op].rx_messages, totals[op].rx_bytes);
	for (int call = 0; call < RANKRMA_COUNT; call++)
		if (rma[call].calls)
			printf("rma %s %" PRIu64 " %" PRIu64 "\n", rankrma_names[call],
			       rma[call].calls, rma[call].bytes);
	for (int op = 0; op < RANKOP_COUNT; op++)
		for (int why = 0; why < RANKUNSEEN_COUNT; why++)
			if (unseen[op][why].messages)
				printf("unseen %s %s %" PRIu64 " %" PRIu64 "\n", rankop_names[op],
				       rankunseen_names[why], unseen[op][why].messages,
				       unseen[op][why].bytes);
}

int main(int argc, char **argv)
{
	int rc = 0;

	if (argc > 2 && !strcmp(argv[1], "-l"))
		rc = dump_live((const char *const *)argv + 2, argc - 2);
	else
		for (int i = 1; i < argc; i++)
			rc |= dump(argv[i]);
	dump_sums();
	return rc;
}

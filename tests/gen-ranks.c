/* SPDX-License-Identifier: Apache-2.0 */
/* gen-ranks.c - the rank files of a run that nobody has to run
 *
 * RANKS ranks on a three-dimensional grid, each with messages to its 26
 * neighbours (p2p) and along a binary tree (allreduce); sent and received agree.
 * Options make it go wrong, for tests.
 */
#include "live.h"
#include "rankfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
	uint32_t ranks;
	uint32_t side;                             /* of the grid */
	uint32_t nodes;                            /* ranks are spread over them in blocks */
	long incomplete, lost_from, lost_to, live; /* -1 = none */
	int64_t window;                            /* ns, 0 = none */
	bool phases;
};

/* What FROM sends to TO: the same whoever asks. */
static uint64_t messages_of(uint32_t from, uint32_t to)
{
	return 1 + (from * 31u + to * 17u) % 100;
}

static uint64_t size_of(uint32_t from, uint32_t to)
{
	return 8ull << ((from + 3 * to) % 13);
}

static int rank_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* The up to 26 neighbours of RANK, ascending; the grid wraps around. */
static int neighbours(const struct world *world, uint32_t rank, uint32_t out[26])
{
	uint32_t side = world->side;
	uint32_t x = rank % side, y = rank / side % side, z = rank / side / side;
	int count = 0, kept = 0;

	for (uint32_t d = 0; d < 27; d++) {
		uint32_t i = (x + side + d % 3 - 1) % side;
		uint32_t j = (y + side + d / 3 % 3 - 1) % side;
		uint32_t k = (z + side + d / 9 - 1) % side;
		uint32_t other = i + side * (j + side * k);

		if (other != rank && other < world->ranks)
			out[count++] = other;
	}
	qsort(out, (size_t)count, sizeof(*out), rank_compare);
	for (int i = 0; i < count; i++)
		if (!kept || out[kept - 1] != out[i])
			out[kept++] = out[i];
	return kept;
}

/* Partners in recursive doubling, ascending. */
static int partners(const struct world *world, uint32_t rank, uint32_t out[32])
{
	int count = 0;

	for (uint32_t bit = 1; bit < world->ranks; bit <<= 1)
		if ((rank ^ bit) < world->ranks)
			out[count++] = rank ^ bit;
	qsort(out, (size_t)count, sizeof(*out), rank_compare);
	return count;
}

static void die(const char *what)
{
	fprintf(stderr, "gen-ranks: %s\n", what);
	exit(1);
}

static void add(struct rankpeers *peers, const struct rankpeer *row)
{
	if (!rankpeers_add(peers, row))
		die("out of memory");
}

static void add_traffic(const struct world *world, struct rankfile *rank, enum rankop op,
			const uint32_t *others, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t other = others[i];
		bool reduce = op == RANKOP_ALLREDUCE;
		struct rankpeer row = {
			.peer = other,
			.tx_messages = reduce ? 10 : messages_of(rank->rank, other),
			.rx_messages = reduce ? 10 : messages_of(other, rank->rank),
			.first = 1000,
			.last = 1000000,
		};

		row.tx_bytes = row.tx_messages * (reduce ? 8 : size_of(rank->rank, other));
		row.rx_bytes = row.rx_messages * (reduce ? 8 : size_of(other, rank->rank));
		if (other == world->lost_from && rank->rank == world->lost_to) {
			row.rx_messages--;
			row.rx_bytes -= reduce ? 8 : size_of(other, rank->rank);
		}
		add(&rank->ops[op], &row);
		add(&rank->peers, &row);
	}
}

static void add_sizes(struct rankfile *rank)
{
	const struct rankpeers *p2p = &rank->ops[RANKOP_P2P];

	rank->sizes = calloc(13, sizeof(*rank->sizes));
	if (!rank->sizes)
		die("out of memory");
	for (int bit = 0; bit < 13; bit++)
		rank->sizes[rank->nsizes++].size = 8ull << bit;
	for (size_t i = 0; i < p2p->count; i++)
		rank->sizes[(rank->rank + 3 * p2p->rows[i].peer) % 13].tx_messages +=
			p2p->rows[i].tx_messages;
	rank->sizes[0].tx_messages += 10 * rank->ops[RANKOP_ALLREDUCE].count;
}

/* All of allreduce in phase 1, all of p2p in phase 2. */
static void add_phases(struct rankfile *rank)
{
	static const enum rankop ops[] = { RANKOP_ALLREDUCE, RANKOP_P2P };

	rank->phases = calloc(2, sizeof(*rank->phases));
	if (!rank->phases)
		die("out of memory");
	for (int i = 0; i < 2; i++) {
		struct rankphase *phase = &rank->phases[rank->nphases++];

		phase->level = i + 1;
		phase->opened = 1;
		phase->duration = 1000000;
		for (size_t row = 0; row < rank->ops[ops[i]].count; row++)
			add(&phase->ops[ops[i]], &rank->ops[ops[i]].rows[row]);
	}
}

/* The same in windows 0 and 2; every other rank had to double their width. */
static void add_windows(struct rankfile *rank, int64_t width)
{
	rank->windows = calloc(2, sizeof(*rank->windows));
	if (!rank->windows)
		die("out of memory");
	rank->window_width = width << (rank->rank & 1);
	rank->windows[0].start = 0;
	rank->windows[1].start = 2 * width;
	rank->nwindows = 2;
	for (size_t i = 0; i < rank->ops[RANKOP_ALLREDUCE].count; i++)
		add(&rank->windows[0].peers, &rank->ops[RANKOP_ALLREDUCE].rows[i]);
	for (size_t i = 0; i < rank->ops[RANKOP_P2P].count; i++)
		add(&rank->windows[1].peers, &rank->ops[RANKOP_P2P].rows[i]);
}

static void make(const struct world *world, uint32_t number, struct rankfile *rank)
{
	uint32_t others[32];
	char node[32];

	snprintf(node, sizeof(node), "n%02u",
		 (unsigned)((uint64_t)number * world->nodes / world->ranks));
	*rank = (struct rankfile){
		.rank = number,
		.ranks = world->ranks,
		.complete = number != world->incomplete,
		.node = strdup(node),
		.processor_name = strdup(node),
		.program = strdup("/bin/halo"),
		.job = strdup("1"),
		.step = strdup("0"),
		.duration = 1.5,
		.outside = { .first = -1, .last = -1 },
	};
	add_traffic(world, rank, RANKOP_P2P, others, neighbours(world, number, others));
	add_traffic(world, rank, RANKOP_ALLREDUCE, others, partners(world, number, others));
	rankpeers_sort(&rank->peers);
	add_sizes(rank);
	if (world->phases)
		add_phases(rank);
	if (world->window)
		add_windows(rank, world->window);
}

/* The same counts as RANK, as libnetprof.so would have left them when killed. */
static void save_live(const struct rankfile *rank, const char *dir)
{
	static struct {
		char header[LIVE_HEADER_SIZE];
		struct live_extent extent;
		struct live_cell cells[1023];
	} image;
	struct live_header *header = (struct live_header *)image.header;
	char path[4096];
	FILE *out;

	_Static_assert(sizeof(image) % 4096 == 0, "extents are whole pages");
	*header = (struct live_header){
		.magic = LIVE_MAGIC,
		.version = LIVE_VERSION,
		.byte_order = LIVE_BYTE_ORDER,
		.rank = rank->rank,
		.ranks = rank->ranks,
		.init_monotonic = 1,
	};
	snprintf(header->node, sizeof(header->node), "%s", rank->node);
	snprintf(header->job, sizeof(header->job), "%s", rank->job);
	snprintf(header->step, sizeof(header->step), "%s", rank->step);
	image.extent = (struct live_extent){
		.kind = LIVE_CELLS,
		.size = sizeof(image.extent) + sizeof(image.cells),
		.entry_size = sizeof(struct live_cell),
		.capacity = 1023,
	};
	for (int op = 0; op < RANKOP_COUNT; op++)
		for (size_t i = 0; i < rank->ops[op].count; i++) {
			const struct rankpeer *row = &rank->ops[op].rows[i];

			image.cells[image.extent.used++] = (struct live_cell){
				.peer = row->peer,
				.op = (uint16_t)op,
				.tx_bytes = row->tx_bytes,
				.tx_messages = row->tx_messages,
				.rx_bytes = row->rx_bytes,
				.rx_messages = row->rx_messages,
				.first = 1001,
				.last = 1000001,
			};
		}
	snprintf(path, sizeof(path), "%s/.rank-%u.live", dir, rank->rank);
	out = fopen(path, "w");
	if (!out || fwrite(&image, sizeof(image), 1, out) != 1 || fclose(out))
		die("unable to write a live file");
}

static void usage(void)
{
	die("usage: gen-ranks [-n NODES] [-i RANK] [-l FROM:TO] [-L RANK] [-p] [-w NS] DIR RANKS\n"
	    "  -i RANK did not finish, -l TO lost a message of FROM, -L RANK left its live file,\n"
	    "  -p with phases, -w with windows");
}

static void parse(struct world *world, int argc, char **argv)
{
	int option;

	*world = (struct world){
		.nodes = 1, .incomplete = -1, .lost_from = -1, .lost_to = -1, .live = -1
	};
	while ((option = getopt(argc, argv, "n:i:l:L:pw:")) != -1) {
		switch (option) {
		case 'n':
			world->nodes = (uint32_t)atol(optarg);
			break;
		case 'i':
			world->incomplete = atol(optarg);
			break;
		case 'l':
			if (sscanf(optarg, "%ld:%ld", &world->lost_from, &world->lost_to) != 2)
				usage();
			break;
		case 'L':
			world->live = atol(optarg);
			break;
		case 'p':
			world->phases = true;
			break;
		case 'w':
			world->window = atoll(optarg);
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2 || atol(argv[optind + 1]) < 1)
		usage();
	world->ranks = (uint32_t)atol(argv[optind + 1]);
	while (world->side * world->side * world->side < world->ranks)
		world->side++;
}

int main(int argc, char **argv)
{
	struct world world;
	struct err err;

	parse(&world, argc, argv);
	for (uint32_t number = 0; number < world.ranks; number++) {
		struct rankfile rank;

		make(&world, number, &rank);
		if (number == world.live)
			save_live(&rank, argv[optind]);
		else if (rankfile_save(&rank, argv[optind], &err) < 0)
			die(err.text);
		rankfile_release(&rank);
	}
	return 0;
}

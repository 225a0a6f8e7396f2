/* SPDX-License-Identifier: Apache-2.0 */
/* make-live.c - write a live file as a rank would, for tests
 *
 * Usage: make-live [OPTION...] FILE RANK RANKS [PEER:OP:TXB:TXM:RXB:RXM...]
 *
 *   -c       set the clean flag
 *   -n NODE  the node's name (node0)
 *   -t DIR   tell the helper that this process counts for the run directory DIR
 *   -d DIR   tell the helper that the rank is done
 *   -m       counters in memory without a name; FILE is not made
 *   -w       stay until standard input ends
 *   -s N     cut the file to N bytes
 */
#include "helper.h"
#include "clock.h"
#include "live.h"
#include "netprof_settings.h"
#include "rankfile.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct options {
	bool clean, memory, wait;
	const char *node, *tell;
	long size;
};

static int die(const char *text)
{
	perror(text);
	exit(1);
}

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		die("write");
}

static void put_header(int fd, const struct options *options, uint32_t rank, uint32_t ranks)
{
	static char page[LIVE_HEADER_SIZE];
	struct live_header header = {
		.magic = LIVE_MAGIC,
		.version = LIVE_VERSION,
		.byte_order = LIVE_BYTE_ORDER,
		.clean = options->clean,
		.rank = rank,
		.ranks = ranks,
		.pid = getpid(),
		.procid = rank,
		.init_realtime = clock_ns(CLOCK_REALTIME),
		.init_monotonic = clock_ns(CLOCK_MONOTONIC),
		.resolution = 4000000,
		.program = "/bin/make-live",
		.mpi = "Open MPI v4.1.4",
		.pml = "ob1",
	};

	snprintf(header.node, sizeof(header.node), "%s", options->node);
	snprintf(header.processor_name, sizeof(header.processor_name), "%s", options->node);
	memcpy(page, &header, sizeof(header));
	put(fd, page, sizeof(page));
}

static struct live_cell parse_cell(const char *text)
{
	struct live_cell cell = { 0 };
	unsigned long txb, txm, rxb, rxm;
	char name[32];
	unsigned peer;

	if (sscanf(text, "%u:%31[a-z0-9_]:%lu:%lu:%lu:%lu", &peer, name, &txb, &txm, &rxb, &rxm) !=
	    6)
		die(text);
	while (cell.op < RANKOP_COUNT && strcmp(rankop_names[cell.op], name))
		cell.op++;
	if (cell.op == RANKOP_COUNT)
		die(name);
	cell.peer = peer;
	cell.tx_bytes = txb;
	cell.tx_messages = txm;
	cell.rx_bytes = rxb;
	cell.rx_messages = rxm;
	cell.first = cell.last = clock_ns(CLOCK_MONOTONIC);
	return cell;
}

static void put_cells(int fd, char **texts, int count)
{
	static char zero[4096];
	struct live_extent extent = {
		.kind = LIVE_CELLS,
		.entry_size = sizeof(struct live_cell),
		.capacity = (uint32_t)count,
		.used = (uint32_t)count,
	};
	size_t used = sizeof(extent) + (size_t)count * sizeof(struct live_cell);

	extent.size = (used + 4095) & ~4095ull;
	put(fd, &extent, sizeof(extent));
	for (int i = 0; i < count; i++) {
		struct live_cell cell = parse_cell(texts[i]);

		put(fd, &cell, sizeof(cell));
	}
	put(fd, zero, extent.size - used);
}

static int open_file(const struct options *options, const char **path)
{
	static char memory[64];
	int fd;

	if (!options->memory)
		return open(*path, O_RDWR | O_CREAT | O_EXCL, 0644);
	fd = memfd_create("netprof", 0);
	snprintf(memory, sizeof(memory), "/proc/self/fd/%d", fd);
	*path = memory;
	return fd;
}

static void parse_options(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "cn:t:mws:")) != -1) {
		switch (option) {
		case 'c':
			options->clean = true;
			break;
		case 'n':
			options->node = optarg;
			break;
		case 't':
			options->tell = optarg;
			break;
		case 'm':
			options->memory = true;
			break;
		case 'w':
			options->wait = true;
			break;
		case 's':
			options->size = atol(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct options options = { .node = "node0", .size = -1 };
	uint32_t rank, ranks;
	const char *path;
	char byte;
	int fd;

	parse_options(&options, argc, argv);
	if (argc - optind < 3)
		return 2;
	path = argv[optind];
	rank = (uint32_t)atol(argv[optind + 1]);
	ranks = (uint32_t)atol(argv[optind + 2]);
	fd = open_file(&options, &path);
	if (fd < 0)
		die(path);
	put_header(fd, &options, rank, ranks);
	if (argc - optind > 3)
		put_cells(fd, argv + optind + 3, argc - optind - 3);
	if (options.size >= 0 && ftruncate(fd, options.size) < 0)
		die(path);
	if (options.tell &&
	    helper_tell(NETPROF_ENV_HELPER, "live", rank, ranks, options.tell, path) < 0)
		die("helper_tell");
	while (options.wait && read(0, &byte, 1) > 0)
		;
	return 0;
}

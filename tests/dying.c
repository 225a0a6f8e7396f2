/* SPDX-License-Identifier: Apache-2.0 */
/* dying.c - an MPI program that says what it sent and then comes to a bad end
 *
 *   dying HOW [FILLER]
 *
 * Each rank writes ledger.<rank> into the working directory, the lines that
 * rankdump should print of it, and once all have done so:
 *
 *   finish   MPI_Finalize, status 0
 *   kill     rank 1 is killed by SIGKILL
 *   abort    rank 1 calls MPI_Abort(..., 3)
 *   exit     all leave by _exit(7)
 *   wait     all wait for ever; rank 0 has made the file "ready"
 *
 * With FILLER, rank 0 writes that file until nothing more goes into its (small)
 * file system, after the first and before further messages, which are of so
 * many sizes and phases that counters need more room.  With FILLER "limit" all
 * ranks set a limit on the size of files instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIZE_MOST   65536
#define RANKS_MOST  64
#define PHASES      60
#define FILLER_MOST (16 << 20)

static int rank, size;
static char out[SIZE_MOST], in[SIZE_MOST];
static struct {
	long messages, bytes;
} sent[RANKS_MOST], received[RANKS_MOST];

/* From each to each: COUNT messages of a size that depends on both. */
static void exchange(int count, int base)
{
	for (int distance = 1; distance < size; distance++) {
		int to = (rank + distance) % size;
		int from = (rank - distance + size) % size;
		int length = base + 7 * rank + to;
		int expected = base + 7 * from + rank;

		for (int i = 0; i < count; i++) {
			MPI_Sendrecv(out, length, MPI_BYTE, to, i, in, SIZE_MOST, MPI_BYTE, from, i,
				     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			sent[to].messages++;
			sent[to].bytes += length;
			received[from].messages++;
			received[from].bytes += expected;
		}
	}
}

static void fill(const char *path)
{
	static char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	long written = 0;

	for (size_t length = sizeof(block); fd >= 0 && length; length /= 2)
		while (written < FILLER_MOST && write(fd, block, length) > 0)
			written += (long)length;
}

/* SIGXFSZ keeps its meaning: it kills who does not expect it. */
static void limit_files(void)
{
	const struct rlimit limit = { .rlim_cur = 8192, .rlim_max = 8192 };

	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		MPI_Abort(MPI_COMM_WORLD, 99);
}

static void grow(const char *filler)
{
	if (!strcmp(filler, "limit"))
		limit_files();
	else if (rank == 0)
		fill(filler);
	MPI_Barrier(MPI_COMM_WORLD);
	for (int phase = 1; phase <= PHASES; phase++) {
		MPI_Pcontrol(phase);
		exchange(1, 100 * phase);
	}
	MPI_Pcontrol(0);
}

static void write_ledger(void)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "ledger.%d", rank);
	file = fopen(name, "w");
	if (!file)
		MPI_Abort(MPI_COMM_WORLD, 99);
	for (int peer = 0; peer < size; peer++) {
		if (sent[peer].messages)
			fprintf(file, "op p2p %d %d %ld %ld\n", rank, peer, sent[peer].messages,
				sent[peer].bytes);
		if (received[peer].messages)
			fprintf(file, "rx p2p %d %d %ld %ld\n", peer, rank, received[peer].messages,
				received[peer].bytes);
	}
	if (fclose(file))
		MPI_Abort(MPI_COMM_WORLD, 99);
}

static void wait_for_ever(void)
{
	if (rank == 0)
		close(open("ready", O_WRONLY | O_CREAT, 0644));
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "finish";

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (size > RANKS_MOST)
		MPI_Abort(MPI_COMM_WORLD, 99);
	exchange(3, 1000);
	if (argc > 2)
		grow(argv[2]);
	write_ledger();
	MPI_Barrier(MPI_COMM_WORLD);
	if (!strcmp(how, "wait"))
		wait_for_ever();
	if (!strcmp(how, "exit"))
		_exit(7);
	if (!strcmp(how, "kill") && rank == 1)
		raise(SIGKILL);
	if (!strcmp(how, "abort") && rank == 1)
		MPI_Abort(MPI_COMM_WORLD, 3);
	if (!strcmp(how, "kill") || !strcmp(how, "abort"))
		MPI_Barrier(MPI_COMM_WORLD);
	MPI_Finalize();
	return 0;
}

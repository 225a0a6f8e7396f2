/* SPDX-License-Identifier: Apache-2.0 */
/* bench-mpi.c - how fast MPI's own collectives are, as `netemu replay` says it of its own
 *
 *	bench-mpi BYTES TIMES
 *
 * Prints the busbw of all-reduce and all-to-all in byte/s, by the mean time of all ranks
 * (definitions of nccl-tests).  BYTES is what each rank has.  An all-reduce of MPI adds real
 * numbers.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define WARMUP 2

static int ranks;
static size_t bytes;
static char *from, *to;

static void all_reduce(void)
{
	MPI_Allreduce(from, to, (int)(bytes / sizeof(int)), MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

static void all_to_all(void)
{
	int each = (int)(bytes / (size_t)ranks);

	MPI_Alltoall(from, each, MPI_CHAR, to, each, MPI_CHAR, MPI_COMM_WORLD);
}

/* Mean of all ranks, in seconds. */
static double time_of(void (*collective)(void), int times)
{
	double begin, own, sum;
	int i;

	for (i = 0; i < WARMUP; i++)
		collective();
	MPI_Barrier(MPI_COMM_WORLD);
	begin = MPI_Wtime();
	for (i = 0; i < times; i++)
		collective();
	own = (MPI_Wtime() - begin) / times;
	MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
	return sum / ranks;
}

int main(int argc, char **argv)
{
	double reduce, exchange, factor;
	int rank, times;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	times = argc > 2 ? atoi(argv[2]) : 0;
	from = calloc(1, bytes + 1);
	to = calloc(1, bytes + 1);
	if (!bytes || times < 1 || !from || !to)
		MPI_Abort(MPI_COMM_WORLD, 2);
	reduce = time_of(all_reduce, times);
	exchange = time_of(all_to_all, times);
	factor = (double)(ranks - 1) / ranks;
	if (rank == 0)
		printf("%.0f %.0f\n", 2 * factor * (double)bytes / reduce,
		       factor * (double)bytes / exchange);
	free(from);
	free(to);
	MPI_Finalize();
	return 0;
}

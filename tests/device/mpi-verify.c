/* SPDX-License-Identifier: Apache-2.0 */
/* mpi-verify - collectives, messages and one-sided calls whose results are known
 *
 * Prints "N ranks: right" when every rank has got exactly what it should.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int rank, size;
static long wrong;

static void expect(long have, long want)
{
	if (have != want && wrong++ < 4)
		fprintf(stderr, "rank %d: %ld instead of %ld\n", rank, have, want);
}

/* What rank FROM has for rank TO at place I. */
static long value(int from, int to, int i)
{
	return from * 1000003L + to * 10007L + i;
}

static void allreduce(int count)
{
	long *in = malloc(count * sizeof(*in)), *out = malloc(count * sizeof(*out));

	for (int i = 0; i < count; i++)
		in[i] = (rank + 1L) * (i + 1);
	MPI_Allreduce(in, out, count, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
	for (int i = 0; i < count; i++)
		expect(out[i], (i + 1L) * size * (size + 1) / 2);
	free(in);
	free(out);
}

static void alltoall(int count)
{
	long *in = malloc(size * count * sizeof(*in)), *out = malloc(size * count * sizeof(*out));

	for (int i = 0; i < size * count; i++)
		in[i] = value(rank, i / count, i % count);
	MPI_Alltoall(in, count, MPI_LONG, out, count, MPI_LONG, MPI_COMM_WORLD);
	for (int i = 0; i < size * count; i++)
		expect(out[i], value(i / count, rank, i % count));
	free(in);
	free(out);
}

/* Round the ring, all at once. */
static void ring(int count)
{
	int next = (rank + 1) % size, last = (rank + size - 1) % size;
	long *in = malloc(count * sizeof(*in)), *out = malloc(count * sizeof(*out));

	for (int i = 0; i < count; i++)
		in[i] = value(rank, next, i);
	MPI_Sendrecv(in, count, MPI_LONG, next, 1, out, count, MPI_LONG, last, 1, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (int i = 0; i < count; i++)
		expect(out[i], value(last, rank, i));
	free(in);
	free(out);
}

/* Everybody draws numbers from one counter: each number is drawn once. */
static void fetch_and_op(int draws)
{
	long counter = 0, one = 1, *drawn = malloc(draws * sizeof(*drawn));
	long *all = malloc(size * draws * sizeof(*all)),
	     *times = calloc(size * draws, sizeof(*times));
	MPI_Win window;

	MPI_Win_create(&counter, sizeof(counter), sizeof(counter), MPI_INFO_NULL, MPI_COMM_WORLD,
		       &window);
	MPI_Win_lock_all(0, window);
	for (int i = 0; i < draws; i++) {
		MPI_Fetch_and_op(&one, &drawn[i], MPI_LONG, 0, 0, MPI_SUM, window);
		MPI_Win_flush(0, window);
		expect(i && drawn[i] <= drawn[i - 1], 0);
	}
	MPI_Win_unlock_all(window);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Allgather(drawn, draws, MPI_LONG, all, draws, MPI_LONG, MPI_COMM_WORLD);
	for (int i = 0; i < size * draws; i++)
		if (all[i] >= 0 && all[i] < size * draws)
			times[all[i]]++;
	for (int i = 0; i < size * draws; i++)
		expect(times[i], 1);
	MPI_Win_free(&window);
	if (rank == 0)
		expect(counter, (long)size * draws);
	free(drawn);
	free(all);
	free(times);
}

/* Each puts a row into everybody's window. */
static void put_and_get(int count)
{
	long *row = malloc(count * sizeof(*row)), *back = malloc(count * sizeof(*back)), *here;
	MPI_Win window;

	MPI_Win_allocate(size * count * sizeof(*here), sizeof(*here), MPI_INFO_NULL, MPI_COMM_WORLD,
			 &here, &window);
	MPI_Win_fence(0, window);
	for (int to = 0; to < size; to++) {
		for (int i = 0; i < count; i++)
			row[i] = value(rank, to, i);
		MPI_Put(row, count, MPI_LONG, to, (MPI_Aint)rank * count, count, MPI_LONG, window);
		MPI_Win_fence(0, window);
	}
	for (int i = 0; i < size * count; i++)
		expect(here[i], value(i / count, rank, i % count));
	MPI_Win_fence(0, window);
	MPI_Get(back, count, MPI_LONG, (rank + 1) % size, (MPI_Aint)rank * count, count, MPI_LONG,
		window);
	MPI_Win_fence(0, window);
	for (int i = 0; i < count; i++)
		expect(back[i], value(rank, (rank + 1) % size, i));
	MPI_Win_free(&window);
	free(row);
	free(back);
}

int main(int argc, char **argv)
{
	static const int counts[] = { 1, 7, 1000, 40000 };
	long all;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		allreduce(counts[i]);
		alltoall(counts[i]);
		ring(counts[i] * 4);
		if (argc == 1)
			put_and_get(counts[i]);
	}
	if (argc == 1)
		fetch_and_op(100);
	MPI_Allreduce(&wrong, &all, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
	if (rank == 0 && all == 0)
		printf("%d ranks: right\n", size);
	MPI_Finalize();
	return all != 0;
}

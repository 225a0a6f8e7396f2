/* SPDX-License-Identifier: Apache-2.0 */
/* bench-messages.c - what a message costs, sends and receives apart
 *
 *   bench-messages [WINDOWS]
 *
 * With one rank over the self transport, with two over shared memory.  Prints
 * `TRANSPORT BYTES send|receive NS`: the best window of 64 messages, the
 * receives being posted before the sends, so that no message is unexpected.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MESSAGES 64

static int rank, size, peer;
static char out[MESSAGES][1024], in[MESSAGES][1024];
static MPI_Request requests[MESSAGES];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double post(int bytes)
{
	double begin = now();

	for (int i = 0; i < MESSAGES; i++)
		MPI_Irecv(in[i], bytes, MPI_BYTE, peer, i, MPI_COMM_WORLD, &requests[i]);
	return now() - begin;
}

static double send(int bytes)
{
	double begin = now();

	for (int i = 0; i < MESSAGES; i++)
		MPI_Send(out[i], bytes, MPI_BYTE, peer, i, MPI_COMM_WORLD);
	return now() - begin;
}

static double complete(void)
{
	double begin = now();

	for (int i = 0; i < MESSAGES; i++)
		MPI_Wait(&requests[i], MPI_STATUS_IGNORE);
	return now() - begin;
}

/* All have arrived when they are waited for: only the handling is timed. */
static void drain(void)
{
	int flag;

	for (int i = 0; i < 4 * MESSAGES; i++)
		MPI_Iprobe(MPI_ANY_SOURCE, 99999, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
}

static void window(int bytes, double *sent, double *received)
{
	double take_send = 0, take_receive = 0;
	int receiver = size == 1 || rank == 1;
	int sender = size == 1 || rank == 0;

	if (receiver)
		take_receive = post(bytes);
	MPI_Barrier(MPI_COMM_WORLD);
	if (sender)
		take_send = send(bytes);
	MPI_Barrier(MPI_COMM_WORLD);
	if (receiver) {
		drain();
		take_receive += complete();
	}
	if (take_send / MESSAGES < *sent)
		*sent = take_send / MESSAGES;
	if (take_receive / MESSAGES < *received)
		*received = take_receive / MESSAGES;
}

static void measure(int bytes, int windows)
{
	double best[2] = { 1e9, 1e9 };

	for (int i = 0; i < windows; i++)
		window(bytes, &best[0], &best[1]);
	if (size > 1) {
		/* Each side has measured its own. */
		MPI_Bcast(&best[0], 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
		MPI_Bcast(&best[1], 1, MPI_DOUBLE, 1, MPI_COMM_WORLD);
	}
	if (rank == 0)
		for (int i = 0; i < 2; i++)
			printf("%s %d %s %.1f\n", size == 1 ? "self" : "shm", bytes,
			       i ? "receive" : "send", best[i]);
}

int main(int argc, char **argv)
{
	int windows = argc > 1 ? atoi(argv[1]) : 2000;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	peer = size == 1 ? 0 : 1 - rank;
	measure(8, windows);
	measure(1024, windows);
	MPI_Finalize();
	return 0;
}

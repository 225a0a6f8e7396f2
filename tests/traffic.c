/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.c - MPI traffic of every kind, in amounts that can be worked out by hand
 *
 *   traffic KIND...
 *
 * With N ranks, and "right" the next rank in a ring.  What each kind sends in
 * all is in the table at the end, as a formula in N.  "anysource" takes
 * whatever comes, so it must be the last kind.
 */
#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program;
static int rank, size, left, right;
static char out[1 << 20], in[1 << 20];

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "traffic: rank %d: %s\n", rank, what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static void do_send(void)
{
	for (int i = 0; i < 3; i++) {
		if (rank % 2 == 0) {
			MPI_Send(out, 100, MPI_BYTE, right, i, MPI_COMM_WORLD);
			MPI_Recv(in, 100, MPI_BYTE, left, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		} else {
			MPI_Recv(in, 100, MPI_BYTE, left, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			MPI_Send(out, 100, MPI_BYTE, right, i, MPI_COMM_WORLD);
		}
	}
}

static void do_sendrecv(void)
{
	for (int i = 0; i < 5; i++)
		MPI_Sendrecv(out, 50, MPI_INT, right, 1, in, 50, MPI_INT, left, 1, MPI_COMM_WORLD,
			     MPI_STATUS_IGNORE);
}

static void do_isend(void)
{
	MPI_Request requests[12];

	for (int i = 0; i < 6; i++) {
		MPI_Irecv(in + 300 * i, 4096, MPI_BYTE, left, i, MPI_COMM_WORLD, &requests[2 * i]);
		MPI_Isend(out, 300, MPI_BYTE, right, i, MPI_COMM_WORLD, &requests[2 * i + 1]);
	}
	MPI_Waitall(12, requests, MPI_STATUSES_IGNORE);
}

static void do_anysource(void)
{
	MPI_Status status;

	if (rank) {
		for (int i = 0; i < 8; i++)
			MPI_Send(out, 32, MPI_BYTE, 0, 10 + i, MPI_COMM_WORLD);
		return;
	}
	for (int i = 0; i < 8 * (size - 1); i++) {
		MPI_Recv(in, 4096, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
		check(status.MPI_SOURCE != 0, "a message from oneself");
	}
}

/* The same with requests that complete in any order. */
static void do_ianysource(void)
{
	MPI_Request *requests;
	int index;

	if (rank) {
		for (int i = 0; i < 2; i++)
			MPI_Send(out, 64, MPI_BYTE, 0, 30, MPI_COMM_WORLD);
		return;
	}
	requests = malloc(2 * (size_t)size * sizeof(*requests));
	for (int i = 0; i < 2 * (size - 1); i++)
		MPI_Irecv(in, 4096, MPI_BYTE, MPI_ANY_SOURCE, 30, MPI_COMM_WORLD, &requests[i]);
	for (int i = 0; i < 2 * (size - 1); i++)
		MPI_Waitany(2 * (size - 1), requests, &index, MPI_STATUS_IGNORE);
	free(requests);
}

static void do_persistent(void)
{
	MPI_Request requests[2];

	MPI_Recv_init(in, 4096, MPI_BYTE, left, 40, MPI_COMM_WORLD, &requests[0]);
	MPI_Send_init(out, 777, MPI_BYTE, right, 40, MPI_COMM_WORLD, &requests[1]);
	for (int i = 0; i < 7; i++) {
		if (i % 2) {
			MPI_Startall(2, requests);
		} else {
			MPI_Start(&requests[0]);
			MPI_Start(&requests[1]);
		}
		MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
	}
	MPI_Request_free(&requests[0]);
	MPI_Request_free(&requests[1]);
}

static void do_self(void)
{
	MPI_Sendrecv(out, 50, MPI_BYTE, 0, 1, in, 50, MPI_BYTE, 0, 1, MPI_COMM_SELF,
		     MPI_STATUS_IGNORE);
}

/* Even and odd ranks, each a ring of its own, backwards. */
static void do_subcomm(void)
{
	int me, n;
	MPI_Comm half;

	MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
	MPI_Comm_rank(half, &me);
	MPI_Comm_size(half, &n);
	for (int i = 0; i < 2; i++)
		MPI_Sendrecv(out, 10, MPI_BYTE, (me + 1) % n, 1, in, 10, MPI_BYTE, MPI_ANY_SOURCE,
			     1, half, MPI_STATUS_IGNORE);
	MPI_Comm_free(&half);
}

/* Even ranks on one side, odd ones on the other; N must be even. */
static void do_intercomm(void)
{
	MPI_Comm half, inter;
	int me;

	MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
	MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, rank % 2 ? 0 : 1, 50, &inter);
	MPI_Comm_rank(half, &me);
	MPI_Sendrecv(out, 20, MPI_BYTE, me, 51, in, 20, MPI_BYTE, me, 51, inter, MPI_STATUS_IGNORE);
	MPI_Comm_free(&inter);
	MPI_Comm_free(&half);
}

static void do_mprobe(void)
{
	MPI_Message message;
	MPI_Request request, receive;
	int flag = 0;

	MPI_Isend(out, 40, MPI_BYTE, right, 60, MPI_COMM_WORLD, &request);
	MPI_Mprobe(MPI_ANY_SOURCE, 60, MPI_COMM_WORLD, &message, MPI_STATUS_IGNORE);
	MPI_Mrecv(in, 4096, MPI_BYTE, &message, MPI_STATUS_IGNORE);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
	MPI_Isend(out, 44, MPI_BYTE, right, 61, MPI_COMM_WORLD, &request);
	while (!flag)
		MPI_Improbe(MPI_ANY_SOURCE, 61, MPI_COMM_WORLD, &flag, &message, MPI_STATUS_IGNORE);
	MPI_Imrecv(in, 4096, MPI_BYTE, &message, &receive);
	MPI_Wait(&receive, MPI_STATUS_IGNORE);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
}

static int pending(const MPI_Request *requests, int count)
{
	for (int i = 0; i < count; i++)
		if (requests[i] != MPI_REQUEST_NULL)
			return 1;
	return 0;
}

/* Three messages of 11 bytes for each of test, testany, testsome, testall, waitsome. */
static void do_completion(void)
{
	for (int way = 0; way < 5; way++) {
		MPI_Request requests[6];
		int indices[6], index, count, flag = 0;

		for (int i = 0; i < 3; i++) {
			MPI_Irecv(in + 64 * i, 64, MPI_BYTE, MPI_ANY_SOURCE, 70 + way,
				  MPI_COMM_WORLD, &requests[i]);
			MPI_Isend(out, 11, MPI_BYTE, right, 70 + way, MPI_COMM_WORLD,
				  &requests[3 + i]);
		}
		while (pending(requests, 6)) {
			if (way == 0)
				for (int i = 0; i < 6; i++)
					MPI_Test(&requests[i], &flag, MPI_STATUS_IGNORE);
			else if (way == 1)
				MPI_Testany(6, requests, &index, &flag, MPI_STATUS_IGNORE);
			else if (way == 2)
				MPI_Testsome(6, requests, &count, indices, MPI_STATUSES_IGNORE);
			else if (way == 3)
				MPI_Testall(6, requests, &flag, MPI_STATUSES_IGNORE);
			else
				MPI_Waitsome(6, requests, &count, indices, MPI_STATUSES_IGNORE);
		}
	}
}

static void do_modes(void)
{
	static char buffer[4096 + MPI_BSEND_OVERHEAD];
	void *detached;
	int length;
	MPI_Request request;

	MPI_Buffer_attach(buffer, sizeof(buffer));
	MPI_Irecv(in, 64, MPI_BYTE, left, 80, MPI_COMM_WORLD, &request);
	MPI_Bsend(out, 5, MPI_BYTE, right, 80, MPI_COMM_WORLD);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
	MPI_Irecv(in, 64, MPI_BYTE, left, 81, MPI_COMM_WORLD, &request);
	MPI_Ssend(out, 6, MPI_BYTE, right, 81, MPI_COMM_WORLD);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
	MPI_Irecv(in, 64, MPI_BYTE, left, 82, MPI_COMM_WORLD, &request);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Rsend(out, 7, MPI_BYTE, right, 82, MPI_COMM_WORLD);
	MPI_Wait(&request, MPI_STATUS_IGNORE);
	MPI_Buffer_detach(&detached, &length);
	MPI_Send(out, 8, MPI_BYTE, MPI_PROC_NULL, 83, MPI_COMM_WORLD);
}

/* Every second int of six: 12 bytes an element; one large, one empty message. */
static void do_datatypes(void)
{
	MPI_Datatype vector;

	MPI_Type_vector(3, 1, 2, MPI_INT, &vector);
	MPI_Type_commit(&vector);
	MPI_Sendrecv(out, 4, vector, right, 90, in, 12, MPI_INT, left, 90, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	MPI_Type_free(&vector);
	MPI_Sendrecv(out, 1 << 20, MPI_BYTE, right, 91, in, 1 << 20, MPI_BYTE, left, 91,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	MPI_Sendrecv(out, 0, MPI_BYTE, right, 92, in, 0, MPI_BYTE, left, 92, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
}

static void do_truncate(void)
{
	MPI_Request request;
	int rc;

	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	MPI_Isend(out, 100, MPI_BYTE, right, 100, MPI_COMM_WORLD, &request);
	rc = MPI_Recv(in, 60, MPI_BYTE, left, 100, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	check(rc == MPI_ERR_TRUNCATE, "no truncation error from MPI_Recv");
	MPI_Wait(&request, MPI_STATUS_IGNORE);
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
}

static void do_cancel(void)
{
	MPI_Status status;
	MPI_Request request;
	int cancelled;

	MPI_Irecv(in, 70, MPI_BYTE, left, 110, MPI_COMM_WORLD, &request);
	MPI_Cancel(&request);
	MPI_Wait(&request, &status);
	MPI_Test_cancelled(&status, &cancelled);
	check(cancelled, "the receive was not cancelled");
}

/* A receive freed before its message can come; the barrier keeps the order. */
static void do_freed(void)
{
	MPI_Request request;

	MPI_Irecv(in, 80, MPI_BYTE, left, 120, MPI_COMM_WORLD, &request);
	MPI_Request_free(&request);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Send(out, 80, MPI_BYTE, right, 120, MPI_COMM_WORLD);
	MPI_Barrier(MPI_COMM_WORLD);
}

static void do_bcast(void)
{
	for (int i = 0; i < 10; i++)
		MPI_Bcast(out, 1000, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void do_allreduce(void)
{
	for (int i = 0; i < 5; i++)
		MPI_Allreduce(out, in, 64, MPI_LONG, MPI_BOR, MPI_COMM_WORLD);
}

static void do_alltoall(void)
{
	for (int i = 0; i < 3; i++)
		MPI_Alltoall(out, 500, MPI_BYTE, in, 500, MPI_BYTE, MPI_COMM_WORLD);
}

static void do_barrier(void)
{
	for (int i = 0; i < 3; i++)
		MPI_Barrier(MPI_COMM_WORLD);
}

/* The other collectives: compared with another tool, not with a formula. */
static void do_collectives(void)
{
	int counts[64], places[64];

	for (int i = 0; i < size; i++) {
		counts[i] = 8 * (i + 1);
		places[i] = 1024 * i;
	}
	MPI_Gather(out, 16, MPI_BYTE, in, 16, MPI_BYTE, 0, MPI_COMM_WORLD);
	MPI_Gatherv(out, counts[rank], MPI_BYTE, in, counts, places, MPI_BYTE, 1, MPI_COMM_WORLD);
	MPI_Scatter(out, 24, MPI_BYTE, in, 24, MPI_BYTE, 0, MPI_COMM_WORLD);
	MPI_Scatterv(out, counts, places, MPI_BYTE, in, counts[rank], MPI_BYTE, 1, MPI_COMM_WORLD);
	MPI_Allgather(out, 32, MPI_BYTE, in, 32, MPI_BYTE, MPI_COMM_WORLD);
	MPI_Allgatherv(out, counts[rank], MPI_BYTE, in, counts, places, MPI_BYTE, MPI_COMM_WORLD);
	MPI_Reduce(out, in, 10, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
	MPI_Reduce_scatter_block(out, in, 5, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	MPI_Scan(out, in, 6, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	MPI_Exscan(out, in, 7, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
	MPI_Bcast(out, 1 << 20, MPI_BYTE, 0, MPI_COMM_WORLD);
}

static void do_nonblocking(void)
{
	MPI_Request requests[3];

	MPI_Iallreduce(out, in, 100, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &requests[0]);
	MPI_Ibcast(out + 4096, 700, MPI_BYTE, 0, MPI_COMM_WORLD, &requests[1]);
	MPI_Ibarrier(MPI_COMM_WORLD, &requests[2]);
	MPI_Waitall(3, requests, MPI_STATUSES_IGNORE);
}

static void do_neighbor(void)
{
	int periodic = 1;
	MPI_Comm ring;

	MPI_Cart_create(MPI_COMM_WORLD, 1, &size, &periodic, 0, &ring);
	MPI_Neighbor_alltoall(out, 16, MPI_BYTE, in, 16, MPI_BYTE, ring);
	MPI_Comm_free(&ring);
}

static void do_rma(void)
{
	MPI_Win win;
	long one = 1, was;

	MPI_Win_create(in, sizeof(in), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
	MPI_Win_fence(0, win);
	for (int i = 0; i < 5; i++)
		MPI_Put(out, 10000, MPI_BYTE, right, 0, 10000, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	for (int i = 0; i < 3; i++)
		MPI_Get(out, 20000, MPI_BYTE, right, 0, 20000, MPI_BYTE, win);
	MPI_Win_fence(0, win);
	MPI_Accumulate(&one, 1, MPI_LONG, right, 0, 1, MPI_LONG, MPI_SUM, win);
	MPI_Win_fence(0, win);
	MPI_Fetch_and_op(&one, &was, MPI_LONG, right, 8, MPI_SUM, win);
	MPI_Win_fence(0, win);
	MPI_Win_free(&win);
}

static void do_io(void)
{
	char name[64] = "";
	MPI_File file;
	int fd;

	if (rank == 0) {
		strcpy(name, "traffic-io.XXXXXX");
		fd = mkstemp(name);
		check(fd >= 0, "no file for MPI-IO");
		close(fd);
	}
	MPI_Bcast(name, sizeof(name), MPI_BYTE, 0, MPI_COMM_WORLD);
	check(MPI_File_open(MPI_COMM_WORLD, name,
			    MPI_MODE_WRONLY | MPI_MODE_CREATE | MPI_MODE_DELETE_ON_CLOSE,
			    MPI_INFO_NULL, &file) == MPI_SUCCESS,
	      "MPI_File_open fails");
	MPI_File_write_at_all(file, 8000 * rank, out, 8000, MPI_BYTE, MPI_STATUS_IGNORE);
	MPI_File_close(&file);
}

static void ring_of(int bytes, int times)
{
	for (int i = 0; i < times; i++)
		MPI_Sendrecv(out, bytes, MPI_BYTE, right, 1, in, bytes, MPI_BYTE, left, 1,
			     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void do_phases(void)
{
	ring_of(1, 1);
	MPI_Pcontrol(7);
	ring_of(100, 2);
	MPI_Pcontrol(9);
	ring_of(200, 3);
	MPI_Pcontrol(7);
	ring_of(100, 4);
	MPI_Pcontrol(0);
	ring_of(1, 1);
}

static void do_manyphases(void)
{
	for (int phase = 1; phase <= 260; phase++) {
		MPI_Pcontrol(phase);
		ring_of(8, 1);
	}
	MPI_Pcontrol(0);
}

#define SIZES 1500

static void do_sizes(void)
{
	for (int bytes = 1; bytes <= SIZES; bytes++)
		ring_of(bytes, 1);
}

/* For two seconds by the clock that MPI has, a message now and then. */
static void do_slow(void)
{
	double begin = MPI_Wtime();
	int go = 1;

	while (go) {
		ring_of(10, 1);
		go = MPI_Wtime() - begin < 1.0;
		MPI_Bcast(&go, 1, MPI_INT, 0, MPI_COMM_WORLD);
	}
}

#define THREADS         4
#define THREAD_MESSAGES 500

static void *thread_main(void *data)
{
	int tag = 200 + (int)(long)data;
	char buffer[64] = "";

	for (int i = 0; i < THREAD_MESSAGES; i++) {
		MPI_Request requests[2];

		MPI_Irecv(buffer, 64, MPI_BYTE, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, &requests[0]);
		MPI_Isend(out, 24, MPI_BYTE, right, tag, MPI_COMM_WORLD, &requests[1]);
		MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
	}
	return NULL;
}

static void do_threads(void)
{
	pthread_t threads[THREADS];
	int level;

	MPI_Query_thread(&level);
	check(level == MPI_THREAD_MULTIPLE, "no MPI_THREAD_MULTIPLE");
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void do_fork(void)
{
	pid_t child;

	ring_of(9, 1);
	child = fork();
	if (child == 0)
		exit(0);
	check(child > 0, "fork fails");
	ring_of(9, 1);
}

/* Ends that are none: after a ring of 1000 messages of 13 bytes.  mpirun kills the ranks that
 * are left when one has gone, so that is rank 0, and the others wait for it.
 */
static void do_exit(void)
{
	ring_of(13, 1000);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank > 0)
		MPI_Barrier(MPI_COMM_WORLD);
	exit(0);
}

static void do__exit(void)
{
	ring_of(13, 1000);
	MPI_Barrier(MPI_COMM_WORLD);
	_exit(3);
}

static void do_abort(void)
{
	ring_of(13, 1000);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank == 1)
		MPI_Abort(MPI_COMM_WORLD, 5);
	MPI_Recv(in, 1, MPI_BYTE, right, 130, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void do_kill(void)
{
	ring_of(13, 1000);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank == 1)
		kill(getpid(), SIGKILL);
	MPI_Recv(in, 1, MPI_BYTE, right, 130, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Says that it waits, then waits for somebody to end it. */
static void do_hang(void)
{
	ring_of(13, 1000);
	MPI_Barrier(MPI_COMM_WORLD);
	if (rank == 0) {
		printf("hanging\n");
		fflush(stdout);
	}
	for (;;)
		pause();
}

/* Two more processes, each of which gets a message from every rank. */
static void do_spawn(void)
{
	char *argv[] = { "spawned", NULL };
	MPI_Comm children;

	MPI_Comm_spawn(program, argv, 2, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &children,
		       MPI_ERRCODES_IGNORE);
	for (int i = 0; i < 2; i++)
		MPI_Send(out, 90, MPI_BYTE, i, 140, children);
	MPI_Comm_disconnect(&children);
}

static void do_spawned(void)
{
	MPI_Comm parent;
	int senders;

	MPI_Comm_get_parent(&parent);
	check(parent != MPI_COMM_NULL, "not spawned");
	MPI_Comm_remote_size(parent, &senders);
	for (int i = 0; i < senders; i++)
		MPI_Recv(in, 90, MPI_BYTE, MPI_ANY_SOURCE, 140, parent, MPI_STATUS_IGNORE);
	MPI_Comm_disconnect(&parent);
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "send", do_send },             /* p2p: 3N messages, 300N bytes */
	{ "sendrecv", do_sendrecv },     /* p2p: 5N, 1000N */
	{ "isend", do_isend },           /* p2p: 6N, 1800N */
	{ "anysource", do_anysource },   /* p2p: 8(N-1), 256(N-1), all to rank 0 */
	{ "ianysource", do_ianysource }, /* p2p: 2(N-1), 128(N-1), all to rank 0 */
	{ "persistent", do_persistent }, /* p2p: 7N, 5439N */
	{ "self", do_self },             /* p2p: N, 50N, each to itself */
	{ "subcomm", do_subcomm },       /* p2p: 2N, 20N, to rank - 2 */
	{ "intercomm", do_intercomm },   /* p2p: N, 20N between 2k and 2k+1, and 2 of each split */
	{ "mprobe", do_mprobe },         /* p2p: 2N, 84N */
	{ "completion", do_completion }, /* p2p: 15N, 165N */
	{ "modes", do_modes },           /* p2p: 3N, 18N */
	{ "datatypes", do_datatypes },   /* p2p: 3N, 1048624N */
	{ "truncate", do_truncate },     /* p2p: N, 100N sent, 60N received */
	{ "cancel", do_cancel },         /* nothing */
	{ "freed", do_freed },           /* p2p: N, 80N sent, none received */
	{ "bcast", do_bcast },           /* binomial: 10(N-1), 10000(N-1) */
	{ "allreduce", do_allreduce },   /* recursive doubling: 5N log2 N, 2560N log2 N */
	{ "alltoall", do_alltoall },     /* pairwise: 3N(N-1), 1500N(N-1) */
	{ "barrier", do_barrier },       /* recursive doubling: 3N log2 N, 0 */
	{ "collectives", do_collectives },
	{ "nonblocking", do_nonblocking },
	{ "neighbor", do_neighbor }, /* neighbor: 2N, 32N */
	{ "rma", do_rma }, /* put 5N, 50000N; get 3N, 60000N; accumulate N, 8N; fetch N, 8N */
	{ "io", do_io },
	{ "phases", do_phases },         /* p2p: 11N, 1202N; phase 7: 6N, 600N; phase 9: 3N, 600N */
	{ "manyphases", do_manyphases }, /* p2p: 260N, 2080N; 4N, 32N of them in "other" */
	{ "sizes", do_sizes },           /* p2p: 1500N, 1125750N */
	{ "slow", do_slow },
	{ "threads", do_threads }, /* p2p: 2000N, 48000N */
	{ "fork", do_fork },       /* p2p: 2N, 18N */
	{ "exit", do_exit },       /* p2p: 1000N, 13000N */
	{ "_exit", do__exit },
	{ "abort", do_abort },
	{ "kill", do_kill },
	{ "hang", do_hang },
	{ "spawn", do_spawn }, /* to outside: 2N, 180N, beside what spawning takes */
	{ "spawned", do_spawned },
};

static int run(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kinds[i].name, name)) {
			kinds[i].run();
			return 0;
		}
	}
	fprintf(stderr, "traffic: unknown kind '%s'\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 && !strcmp(argv[1], "threads");
	int provided, rc = 0;

	program = argv[0];
	if (threads)
		MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
	else
		MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	right = (rank + 1) % size;
	left = (rank + size - 1) % size;
	for (int i = 1; i < argc && !rc; i++)
		rc = run(argv[i]);
	MPI_Finalize();
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* bench-device.c - what the device costs beside what it is made of
 *
 * Two processes, each on a CPU of its own: the raw path (process_vm_writev and
 * process_vm_readv, eventfd) and the same through verbs, in the same run.  Ratios
 * to the raw figures are printed, with what is aimed at; nothing passes or fails.
 * Run with the device preloaded (make bench-device).
 */
#include <infiniband/verbs.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20000
#define LARGE  65536
#define DEPTH  64

/* Shared by the two; each writes its own half. */
static struct stage {
	_Atomic int ready[2];
	struct address {
		uint32_t qpn, rkey, lid;
		uint64_t memory;
		pid_t pid;
	} address[2];
} * stage;

static int side; /* 0 measures, 1 answers */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void need(bool is, const char *what)
{
	if (is)
		return;
	fprintf(stderr, "bench-device: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void meet(void)
{
	static int meeting;

	meeting++;
	atomic_store(&stage->ready[side], meeting);
	while (atomic_load(&stage->ready[!side]) < meeting)
		sched_yield();
}

/* --- figures --- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

static void say(const char *what, double value, const char *unit)
{
	printf("%-42s %10.3f %s\n", what, value, unit);
}

static void say_ratio(const char *what, double value, const char *unit, double raw, const char *aim)
{
	printf("%-42s %10.3f %-6s %5.2f x raw  (%s)\n", what, value, unit, value / raw, aim);
	fflush(stdout);
}

/* --- the raw path --- */

static volatile _Atomic uint64_t *flag; /* own memory, at the same address in both */

static double raw_write(int rounds)
{
	static double times[ROUNDS];
	uint64_t buffer[8] = { 0 };
	struct iovec local = { buffer, sizeof(buffer) }, remote = { (void *)flag, sizeof(buffer) };
	pid_t peer = stage->address[!side].pid;

	*flag = 0;
	meet();
	for (int i = 1; i <= rounds; i++) {
		double start = now();

		buffer[0] = (uint64_t)i;
		while (side && *flag != (uint64_t)i)
			;
		need(process_vm_writev(peer, &local, 1, &remote, 1, 0) > 0, "process_vm_writev");
		while (!side && *flag != (uint64_t)i)
			;
		times[i - 1] = now() - start;
	}
	return median(times, rounds) / 2 * 1e6;
}

static double raw_read(int rounds)
{
	static double times[ROUNDS];
	char buffer[64];
	struct iovec local = { buffer, sizeof(buffer) }, remote = { (void *)flag, sizeof(buffer) };

	meet();
	for (int i = 0; !side && i < rounds; i++) {
		double start = now();

		need(process_vm_readv(stage->address[1].pid, &local, 1, &remote, 1, 0) > 0,
		     "process_vm_readv");
		times[i] = now() - start;
	}
	meet();
	return side ? 0 : median(times, rounds) * 1e6;
}

/* Seconds for COUNT copies of SIZE bytes. */
static double raw_copies(char *memory, size_t size, int count)
{
	struct iovec local = { memory, size }, remote = { memory, size };
	double start;

	meet();
	start = now();
	for (int i = 0; !side && i < count; i++)
		need(process_vm_writev(stage->address[1].pid, &local, 1, &remote, 1, 0) > 0,
		     "process_vm_writev");
	start = now() - start;
	meet();
	return start;
}

static double raw_wake(int rounds, const int fds[2])
{
	static double times[ROUNDS];
	uint64_t one = 1;

	meet();
	for (int i = 0; i < rounds; i++) {
		double start = now();

		if (side)
			need(read(fds[1], &one, 8) == 8, "read");
		need(write(fds[!side], &one, 8) == 8, "write");
		if (!side)
			need(read(fds[0], &one, 8) == 8, "read");
		times[i] = now() - start;
	}
	return median(times, rounds) / 2 * 1e6;
}

/* --- verbs --- */

struct end {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	char *memory;
	struct address peer;
};

static void move(struct ibv_qp *qp, const struct address *peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};

	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
	     "INIT");
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_4096,
		.dest_qp_num = peer->qpn,
		.max_dest_rd_atomic = 16,
		.min_rnr_timer = 1,
		.ah_attr = { .dlid = (uint16_t)peer->lid, .port_num = 1 },
	};
	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				    IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				    IBV_QP_MIN_RNR_TIMER),
	     "RTR");
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 16,
	};
	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				    IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC),
	     "RTS");
}

static struct ibv_qp *make_qp(struct end *end, uint32_t depth)
{
	struct ibv_qp_init_attr init = {
		.send_cq = end->cq,
		.recv_cq = end->cq,
		.qp_type = IBV_QPT_RC,
		.cap = { depth, depth, 1, 1, 64 },
	};
	struct ibv_qp *qp = ibv_create_qp(end->pd, &init);

	need(qp != NULL, "ibv_create_qp");
	return qp;
}

static void open_end(struct end *end, char *memory)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	need(list && list[0], "no device");
	end->context = ibv_open_device(list[0]);
	need(end->context != NULL, "ibv_open_device");
	ibv_free_device_list(list);
	end->memory = memory;
	end->pd = ibv_alloc_pd(end->context);
	end->channel = ibv_create_comp_channel(end->context);
	end->cq = ibv_create_cq(end->context, 16384, NULL, end->channel, 0);
	end->mr = ibv_reg_mr(end->pd, memory, 2 * LARGE,
			     IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				     IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
	need(end->pd && end->channel && end->cq && end->mr, "objects");
	end->qp = make_qp(end, 512);
}

static void connect_ends(struct end *end)
{
	struct ibv_port_attr port;

	need(!ibv_query_port(end->context, 1, &port), "ibv_query_port");
	stage->address[side].qpn = end->qp->qp_num;
	stage->address[side].rkey = end->mr->rkey;
	stage->address[side].lid = port.lid;
	stage->address[side].memory = (uintptr_t)end->memory;
	meet();
	end->peer = stage->address[!side];
	move(end->qp, &end->peer);
	meet();
}

static void post(struct end *end, enum ibv_wr_opcode opcode, uint32_t length, unsigned int flags)
{
	struct ibv_sge sge = { (uintptr_t)end->memory, length, end->mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = flags,
		.wr.rdma = { end->peer.memory + LARGE, end->peer.rkey },
	};

	need(!ibv_post_send(end->qp, &wr, &bad), "ibv_post_send");
}

static void post_receive(struct end *end)
{
	struct ibv_sge sge = { (uintptr_t)end->memory + LARGE, 64, end->mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	need(!ibv_post_recv(end->qp, &wr, &bad), "ibv_post_recv");
}

/* Poll until COUNT completions have come. */
static void reap(struct end *end, int count)
{
	struct ibv_wc wc[16];

	while (count > 0) {
		int got = ibv_poll_cq(end->cq, count < 16 ? count : 16, wc);

		need(got >= 0, "ibv_poll_cq");
		for (int i = 0; i < got; i++)
			need(wc[i].status == IBV_WC_SUCCESS, ibv_wc_status_str(wc[i].status));
		count -= got;
	}
}

/* As meet(), but in the library: over the queue it is there that the other's requests
 * are carried out.
 */
static void meet_polling(struct end *end)
{
	struct ibv_wc wc;

	while (side && atomic_load(&stage->ready[0]) == atomic_load(&stage->ready[1]))
		ibv_poll_cq(end->cq, 1, &wc);
	meet();
}

static double write_latency(struct end *end, int rounds)
{
	static double times[ROUNDS];
	volatile uint64_t *in = (volatile uint64_t *)(end->memory + LARGE);

	*in = 0;
	meet();
	for (int i = 1; i <= rounds; i++) {
		double start = now();

		while (side && *in != (uint64_t)i)
			;
		*(uint64_t *)end->memory = (uint64_t)i;
		post(end, IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(end, 1);
		while (!side && *in != (uint64_t)i)
			;
		times[i - 1] = now() - start;
	}
	return median(times, rounds) / 2 * 1e6;
}

static double send_latency(struct end *end, int rounds)
{
	static double times[ROUNDS];

	post_receive(end);
	meet();
	for (int i = 0; i < rounds; i++) {
		double start = now();

		if (side)
			reap(end, 1);
		if (i + 1 < rounds || !side)
			post_receive(end);
		post(end, IBV_WR_SEND, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(end, side ? 1 : 2);
		times[i] = now() - start;
	}
	meet();
	return median(times, rounds) / 2 * 1e6;
}

static double read_latency(struct end *end, int rounds)
{
	static double times[ROUNDS];

	meet();
	for (int i = 0; !side && i < rounds; i++) {
		double start = now();

		post(end, IBV_WR_RDMA_READ, 8, IBV_SEND_SIGNALED);
		reap(end, 1);
		times[i] = now() - start;
	}
	meet_polling(end);
	return side ? 0 : median(times, rounds) * 1e6;
}

/* Seconds for COUNT writes of SIZE bytes. */
static double write_many(struct end *end, uint32_t size, int count)
{
	double start;

	meet();
	start = now();
	for (int i = 0; !side && i < count; i += DEPTH) {
		for (int k = 0; k < DEPTH; k++)
			post(end, IBV_WR_RDMA_WRITE, size,
			     IBV_SEND_SIGNALED | (size <= 64 ? IBV_SEND_INLINE : 0));
		reap(end, DEPTH);
	}
	start = now() - start;
	meet_polling(end);
	return start;
}

static void wait_event(struct end *end)
{
	struct ibv_cq *cq;
	void *context;

	need(!ibv_get_cq_event(end->channel, &cq, &context), "ibv_get_cq_event");
	ibv_ack_cq_events(cq, 1);
	need(!ibv_req_notify_cq(end->cq, 0), "ibv_req_notify_cq");
}

/* A receive that is slept for. */
static void sleep_for_one(struct end *end)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(end->cq, 1, &wc) == 0)
		wait_event(end);
}

static double wake_latency(struct end *end, int rounds)
{
	static double times[ROUNDS];

	for (int i = 0; i < 4; i++)
		post_receive(end);
	need(!ibv_req_notify_cq(end->cq, 0), "ibv_req_notify_cq");
	meet();
	for (int i = 0; i < rounds; i++) {
		double start = now();

		if (side)
			sleep_for_one(end);
		post_receive(end);
		post(end, IBV_WR_SEND, 8, IBV_SEND_INLINE);
		if (!side)
			sleep_for_one(end);
		times[i] = now() - start;
		if (i % 100 == 99) { /* slots of the send queue come back */
			post(end, IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED);
			reap(end, 1);
		}
	}
	meet();
	return median(times, rounds) / 2 * 1e6;
}

/* --- one process --- */

static double self_loop(struct end *end, int rounds)
{
	struct address own = stage->address[side];
	struct ibv_qp *qp = make_qp(end, 64), *kept = end->qp;
	struct address peer = end->peer;
	double start;

	own.qpn = qp->qp_num;
	move(qp, &own);
	end->qp = qp;
	end->peer = own;
	start = now();
	for (int i = 0; i < rounds; i++) {
		post(end, IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(end, 1);
	}
	start = (now() - start) / rounds * 1e9;
	need(!ibv_destroy_qp(qp), "ibv_destroy_qp");
	end->qp = kept;
	end->peer = peer;
	return start;
}

static double empty_poll(struct end *end, int rounds)
{
	double start = now();
	struct ibv_wc wc;

	for (int i = 0; i < rounds; i++)
		ibv_poll_cq(end->cq, 1, &wc);
	return (now() - start) / rounds * 1e9;
}

static double segment_size(void)
{
	FILE *maps = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	double shared = 0, kib;

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "Pss_Shmem: %lf", &kib) == 1)
			shared = kib / 1024;
	if (maps)
		fclose(maps);
	return shared;
}

static void growth(struct end *end)
{
	static struct ibv_qp *qps[10000];
	int made = 0;

	for (int count = 1; count <= 10000; count *= 10) {
		char what[64];
		double start = now(), latency;

		for (; !side && made < count; made++)
			qps[made] = make_qp(end, 16);
		start = now() - start;
		meet();
		latency = read_latency(end, 2000);
		snprintf(what, sizeof(what), "read_lat with %d more queue pairs", count);
		if (!side)
			printf("%-42s %10.3f us     %.1f MiB shared, %.1f us to create one\n", what,
			       latency, segment_size(), start / count * 1e6);
	}
	for (int i = 0; i < made; i++)
		ibv_destroy_qp(qps[i]);
}

/* --- all of it --- */

/* A polling process with a real-time priority lets nobody run beside it, and over
 * the queue of messages somebody must: then an ordinary one.
 */
static bool settle(void)
{
	const char *plain = getenv("BENCH_PLAIN");
	const struct sched_param first = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned)side, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) == 0 && !plain &&
	       sched_setscheduler(0, SCHED_FIFO, &first) == 0;
}

static void run(char *memory, const int fds[2])
{
	double write_us, read_us, wake_us, copies, calls;
	bool fifo = settle();
	struct end end = { 0 };

	flag = (void *)(memory + LARGE);
	stage->address[side].pid = getpid();
	meet();
	write_us = raw_write(ROUNDS);
	read_us = raw_read(ROUNDS);
	calls = 20 * ROUNDS / raw_copies(memory, 8, 20 * ROUNDS) / 1e6;
	copies = ROUNDS * (double)LARGE / raw_copies(memory, LARGE, ROUNDS) / 1e9;
	wake_us = raw_wake(2000, fds);
	if (!side) {
		printf("two processes, %s\n", fifo ? "pinned, SCHED_FIFO" : "not SCHED_FIFO");
		say("process_vm_writev, half round trip", write_us, "us");
		say("process_vm_readv", read_us, "us");
		say("process_vm_writev of 8 bytes", calls, "M/s");
		say("process_vm_writev of 64 KiB", copies, "GB/s");
		say("eventfd, half round trip", wake_us, "us");
	}
	open_end(&end, memory);
	connect_ends(&end);
#define PRINT(...)                              \
	do {                                    \
		if (!side)                      \
			say_ratio(__VA_ARGS__); \
	} while (0)
	double value;

	value = write_latency(&end, ROUNDS);
	PRINT("write_lat 8 B", value, "us", write_us, "at most 1.5");
	value = read_latency(&end, ROUNDS);
	PRINT("read_lat 8 B", value, "us", read_us, "at most 1.5");
	value = 20 * ROUNDS / write_many(&end, 8, 20 * ROUNDS) / 1e6;
	PRINT("write 8 B, message rate", value, "M/s", calls, "at least 0.8");
	value = ROUNDS * (double)LARGE / write_many(&end, LARGE, ROUNDS) / 1e9;
	PRINT("write 64 KiB", value, "GB/s", copies, "at least 0.8");
	value = send_latency(&end, ROUNDS);
	PRINT("send_lat 8 B", value, "us", write_us, "at most 3");
	if (!side) {
		say("empty poll", empty_poll(&end, 10000000), "ns");
		say("write to itself, post and poll", self_loop(&end, 1000000), "ns");
	}
	meet();
	growth(&end);
	value = wake_latency(&end, 2000);
	PRINT("send_lat through a completion channel", value, "us", wake_us, "-");
}

/* The other one has ended; not well, when this one has not. */
static void on_child(int signal)
{
	int status;

	(void)signal;
	if (waitpid(-1, &status, WNOHANG) > 0 && status)
		_exit(1);
}

int main(void)
{
	char *memory;
	pid_t child;
	int fds[2];

	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	memory = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fds[0] = eventfd(0, 0);
	fds[1] = eventfd(0, 0);
	need(stage != MAP_FAILED && memory != MAP_FAILED && fds[0] >= 0 && fds[1] >= 0, "set-up");
	signal(SIGCHLD, on_child);
	child = fork();
	need(child >= 0, "fork");
	side = child == 0;
	memset(memory, side, 2 * LARGE);
	if (side)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(memory, fds);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - what a program over verbs sees, step by step
 *
 *	steps pair write:7:4096 'netemu device set --qp $QPN state=error' poll state
 *
 * Words that are no step are commands for the shell, which see QPN and QPN_B; one that
 * fails ends it.
 *
 *	pair[:TIMEOUT:RETRIES]   two connected queue pairs A and B of the first device
 *	write:ID[:BYTES]         A writes to memory of this process
 *	many:COUNT:BYTES         so many writes with the ids 1, 2, ..., all completed
 *	late:COUNT:PEER          so many writes of a byte, one at a time; PEER does meanwhile:
 *	                         0 computes, 1 sleeps, 2 looks at the memory, 3 polls
 *	poll                     wait for a completion of A: its id and status
 *	event                    wait for an asynchronous event: its name, and whose
 *	state                    the state of A
 *	port                     the state of the port
 *	time:MS                  do the rest, and fail when it took less
 *	sleep                    until a signal
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60 /* s */
#define SIZE     (1 << 20)
#define DEPTH    64

static struct {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq *cq, *cq_b;
	struct ibv_qp *a, *b;
	char *memory;
} my;

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	if (!list || !list[0])
		fail("ibv_get_device_list");
	my.context = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	if (!my.context)
		fail("ibv_open_device");
}

static void number_of(const char *name, const struct ibv_qp *qp)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", qp->qp_num);
	setenv(name, text, 1);
}

static struct ibv_qp *make_qp(struct ibv_cq *cq)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = DEPTH,
			 .max_recv_wr = 1,
			 .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};
	struct ibv_qp *qp = ibv_create_qp(my.pd, &init);

	if (!qp ||
	    ibv_modify_qp(qp, &attr,
			  IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS))
		fail("queue pair");
	return qp;
}

static void connect_to(struct ibv_qp *qp, uint32_t number, uint16_t lid, unsigned timeout,
		       unsigned retries)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = number,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .dlid = lid, .port_num = 1 },
	};

	if (ibv_modify_qp(qp, &attr,
			  IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				  IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER))
		fail("to RTR");
	attr.qp_state = IBV_QPS_RTS;
	attr.timeout = (uint8_t)timeout;
	attr.retry_cnt = (uint8_t)retries;
	attr.rnr_retry = 7;
	attr.max_rd_atomic = 1;
	if (ibv_modify_qp(qp, &attr,
			  IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				  IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC))
		fail("to RTS");
}

static int step_pair(unsigned long timeout, unsigned long retries)
{
	struct ibv_port_attr port;

	my.pd = ibv_alloc_pd(my.context);
	my.memory = calloc(1, SIZE);
	my.cq = ibv_create_cq(my.context, DEPTH, NULL, NULL, 0);
	my.cq_b = ibv_create_cq(my.context, DEPTH, NULL, NULL, 0);
	if (!my.pd || !my.memory || !my.cq || !my.cq_b || ibv_query_port(my.context, 1, &port))
		fail("objects");
	my.mr = ibv_reg_mr(my.pd, my.memory, SIZE,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	if (!my.mr)
		fail("memory");
	my.a = make_qp(my.cq);
	my.b = make_qp(my.cq_b);
	connect_to(my.a, my.b->qp_num, port.lid, timeout ? (unsigned)timeout : 14,
		   timeout ? (unsigned)retries : 7);
	connect_to(my.b, my.a->qp_num, port.lid, 14, 7);
	number_of("QPN", my.a);
	number_of("QPN_B", my.b);
	return 0;
}

static int step_write(unsigned long id, unsigned long bytes)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)my.memory,
		.length = bytes ? (uint32_t)bytes : 8,
		.lkey = my.mr->lkey,
	};
	struct ibv_send_wr wr = {
		.wr_id = id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)my.memory, .rkey = my.mr->rkey },
	};
	struct ibv_send_wr *bad;

	errno = ibv_post_send(my.a, &wr, &bad);
	return errno ? -1 : 0;
}

static void completion(struct ibv_wc *wc)
{
	double begin = now();
	int count;

	while ((count = ibv_poll_cq(my.cq, 1, wc)) == 0)
		if (now() - begin > PATIENCE) {
			errno = ETIMEDOUT;
			break;
		}
	if (count != 1)
		fail("poll");
}

static int step_poll(unsigned long a, unsigned long b)
{
	struct ibv_wc wc;

	(void)a;
	(void)b;
	completion(&wc);
	printf("%llu %s\n", (unsigned long long)wc.wr_id, ibv_wc_status_str(wc.status));
	return 0;
}

static int step_many(unsigned long count, unsigned long bytes)
{
	unsigned long posted = 0, done = 0;
	struct ibv_wc wc;

	while (done < count) {
		if (posted < count && posted - done < DEPTH) {
			if (step_write(++posted, bytes) < 0)
				return -1;
			continue;
		}
		completion(&wc);
		if (wc.status != IBV_WC_SUCCESS || wc.wr_id != ++done) {
			printf("%llu %s\n", (unsigned long long)wc.wr_id,
			       ibv_wc_status_str(wc.status));
			return -1;
		}
	}
	return 0;
}

/* What is not in the library while a message is on its way: for so long. */
#define AWAY 1e-3 /* s */

static void stay_away(unsigned long how, const volatile char *byte, char wanted)
{
	const struct timespec nap = { .tv_nsec = (long)(AWAY * 1e9) };
	double begin = now();

	if (how == 1)
		nanosleep(&nap, NULL);
	while (how == 0 && now() - begin < AWAY)
		;
	while (how == 2 && *byte != wanted && now() - begin < PATIENCE)
		;
}

static int step_late(unsigned long count, unsigned long how)
{
	struct ibv_sge sge = { .addr = (uintptr_t)my.memory, .length = 1, .lkey = my.mr->lkey };
	char *target = my.memory + SIZE / 2;
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)target, .rkey = my.mr->rkey },
	};
	struct ibv_wc wc;

	for (unsigned long i = 0; i < count; i++) {
		my.memory[0] = (char)(i + 1);
		errno = ibv_post_send(my.a, &wr, &bad);
		if (errno)
			return -1;
		stay_away(how, target, (char)(i + 1));
		completion(&wc);
		if (wc.status != IBV_WC_SUCCESS || *target != (char)(i + 1))
			return -1;
	}
	return 0;
}

static int step_event(unsigned long a, unsigned long b)
{
	struct pollfd fd = { .fd = my.context->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	(void)a;
	(void)b;
	errno = ETIMEDOUT;
	if (poll(&fd, 1, PATIENCE * 1000) != 1 || ibv_get_async_event(my.context, &event))
		return -1;
	printf("%s", ibv_event_type_str(event.event_type));
	if (event.event_type == IBV_EVENT_PORT_ERR || event.event_type == IBV_EVENT_PORT_ACTIVE)
		printf(" %d\n", event.element.port_num);
	else
		printf(" %s\n", event.element.qp == my.a   ? "A"
				: event.element.qp == my.b ? "B"
							   : "?");
	ibv_ack_async_event(&event);
	return 0;
}

static int step_state(unsigned long a, unsigned long b)
{
	static const char *const names[] = { "RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR" };
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	(void)a;
	(void)b;
	errno = ibv_query_qp(my.a, &attr, IBV_QP_STATE, &init);
	if (errno)
		return -1;
	printf("%s\n", (unsigned)attr.qp_state < 7 ? names[attr.qp_state] : "?");
	return 0;
}

static int step_port(unsigned long a, unsigned long b)
{
	struct ibv_port_attr port;

	(void)a;
	(void)b;
	errno = ibv_query_port(my.context, 1, &port);
	if (errno)
		return -1;
	puts(ibv_port_state_str(port.state));
	return 0;
}

static double least, begun;

static int step_time(unsigned long ms, unsigned long b)
{
	(void)b;
	begun = now();
	least = (double)ms / 1000;
	return 0;
}

static int step_sleep(unsigned long a, unsigned long b)
{
	(void)a;
	(void)b;
	puts("sleeping");
	fflush(stdout);
	pause();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(unsigned long a, unsigned long b);
} steps[] = {
	{ "pair", step_pair },   { "write", step_write }, { "many", step_many },
	{ "late", step_late },   { "poll", step_poll },   { "event", step_event },
	{ "state", step_state }, { "port", step_port },   { "time", step_time },
	{ "sleep", step_sleep },
};

static int run(const char *word)
{
	size_t length = strcspn(word, ":");
	unsigned long a = 0, b = 0;

	sscanf(word + length, ":%lu:%lu", &a, &b);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strlen(steps[i].name) == length && strncmp(word, steps[i].name, length) == 0)
			return steps[i].run(a, b);
	fflush(stdout);
	errno = ECANCELED;
	return system(word) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	open_device();
	for (int i = 1; i < argc; i++)
		if (run(argv[i]) < 0)
			fail(argv[i]);
	if (least && now() - begun < least) {
		fprintf(stderr, "steps: %g s, less than %g\n", now() - begun, least);
		return 1;
	}
	if (my.a) {
		ibv_destroy_qp(my.a);
		ibv_destroy_qp(my.b);
		ibv_destroy_cq(my.cq);
		ibv_destroy_cq(my.cq_b);
		ibv_dereg_mr(my.mr);
		ibv_dealloc_pd(my.pd);
		free(my.memory);
	}
	return ibv_close_device(my.context) ? 1 : 0;
}

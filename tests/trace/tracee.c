/* SPDX-License-Identifier: Apache-2.0 */
/* tracee.c - what programs do that a tracer must bear
 *
 *	tracee MODE [ARGUMENT...]
 */
#include "tracelib.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int argument(char **argv, int index, int otherwise)
{
	for (int i = 0; i < index; i++)
		if (!argv[i])
			return otherwise;
	return argv[index] ? atoi(argv[index]) : otherwise;
}

/* write COUNT BYTES [DEVICE]: so many writes. */
static int write_mode(char **argv)
{
	struct ends ends;

	ends_open(&ends, device_open(argument(argv, 2, 0)));
	ends_writes(&ends, argument(argv, 0, 1), (uint32_t)argument(argv, 1, 8));
	ends_close(&ends);
	return 0;
}

/* polls COUNT: that find nothing. */
static int polls_mode(char **argv)
{
	struct ends ends;
	struct ibv_wc wc;

	ends_open(&ends, device_open(0));
	for (int i = argument(argv, 0, 1); i > 0; i--)
		need(ibv_poll_cq(ends.cq, 1, &wc) == 0, "ibv_poll_cq");
	ends_close(&ends);
	return 0;
}

/* die SIGNAL COUNT: by a signal after so many. */
static int die_mode(char **argv)
{
	struct rlimit none = { 0, 0 };
	struct ends ends;

	setrlimit(RLIMIT_CORE, &none);
	ends_open(&ends, device_open(0));
	ends_writes(&ends, argument(argv, 1, 1), 8);
	raise(argument(argv, 0, SIGKILL));
	return 0;
}

/* limited BYTES COUNT: so many, when files may not grow beyond BYTES any more. */
static int limited_mode(char **argv)
{
	struct rlimit limit = { (rlim_t)argument(argv, 0, 0), RLIM_INFINITY };
	struct ends ends;

	ends_open(&ends, device_open(0));
	need(!setrlimit(RLIMIT_FSIZE, &limit), "setrlimit");
	ends_writes(&ends, argument(argv, 1, 1), 8);
	ends_close(&ends);
	return 0;
}

/* --- several at once --- */

#define MANY 256

struct worker {
	struct ibv_context *context;
	int count;
};

static void *work(void *arg)
{
	const struct worker *worker = arg;
	struct ends ends;

	ends_open(&ends, worker->context);
	ends_writes(&ends, worker->count, 8);
	return NULL;
}

/* threads THREADS COUNT [TIMES]: so many threads at once, each with its own queue pairs on
 * one context, TIMES over.
 */
static int threads_mode(char **argv)
{
	struct worker worker = { device_open(0), argument(argv, 1, 1) };
	int count = argument(argv, 0, 1), times = argument(argv, 2, 1);
	pthread_t threads[MANY];

	need(count <= MANY, "threads");
	while (times-- > 0) {
		for (int i = 0; i < count; i++) {
			errno = pthread_create(&threads[i], NULL, work, &worker);
			need(!errno, "pthread_create");
		}
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}

/* contexts CONTEXTS COUNT DEVICES: several contexts at once, on the devices in turn. */
static int contexts_mode(char **argv)
{
	int count = argument(argv, 0, 2), devices = argument(argv, 2, 1);
	struct ends ends[MANY];

	need(count <= MANY, "contexts");
	for (int i = 0; i < count; i++)
		ends_open(&ends[i], device_open(i % devices));
	for (int i = 0; i < count; i++)
		ends_writes(&ends[i], argument(argv, 1, 1) + i, 8);
	for (int i = 0; i < count; i++)
		ends_close(&ends[i]);
	return 0;
}

/* import COUNT: another context of the same device by its descriptor. */
static int import_mode(char **argv)
{
	struct ibv_context *context = device_open(0), *other = ibv_import_device(context->cmd_fd);
	struct ends ends;

	need(other, "ibv_import_device");
	ends_open(&ends, other);
	ends_writes(&ends, argument(argv, 0, 1), 8);
	ends_close(&ends);
	return ibv_close_device(context);
}

/* --- processes --- */

/* fork COUNT: a child that opens the device itself, while the parent goes on. */
static int fork_mode(char **argv)
{
	int count = argument(argv, 0, 1), status;
	struct ends ends;
	pid_t pid;

	ends_open(&ends, device_open(0));
	ends_writes(&ends, count, 8);
	pid = fork();
	if (pid == 0) {
		struct ends own;

		ends_open(&own, device_open(0));
		ends_writes(&own, 2 * count, 8);
		ends_close(&own);
		exit(0);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "the child");
	ends_writes(&ends, count, 8);
	ends_close(&ends);
	return 0;
}

/* inherit COUNT: a child that goes on with the queue pairs of its parent, which waits. */
static int inherit_mode(char **argv)
{
	int count = argument(argv, 0, 1), status;
	struct ends ends;
	pid_t pid;

	ends_open(&ends, device_open(0));
	ends_writes(&ends, count, 8);
	pid = fork();
	if (pid == 0) {
		ends_writes(&ends, 2 * count, 16);
		exit(0);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "the child");
	ends_writes(&ends, count, 8);
	ends_close(&ends);
	return 0;
}

/* exec COUNT: another program in the place of this one. */
static int exec_mode(char **argv)
{
	struct ends ends;

	ends_open(&ends, device_open(0));
	ends_writes(&ends, argument(argv, 0, 1), 8);
	execl("/proc/self/exe", "tracee", "fds", NULL);
	return 1;
}

/* --- signals --- */

static struct ends signalled;
static volatile sig_atomic_t posted, completed;

/* Posts on the other queue pair, and polls. */
static void on_alarm(int signal)
{
	int error = errno;
	struct ibv_wc wc;

	(void)signal;
	if (ends_write(&signalled, signalled.b, 1000000, 16) == 0)
		posted++;
	if (ibv_poll_cq(signalled.cq, 1, &wc) > 0)
		completed++;
	errno = error;
}

/* signals COUNT: a handler posts and polls too, till it has done so COUNT times; says how
 * much was posted and completed.
 */
static int signals_mode(char **argv)
{
	struct itimerval timer = { { 0, 50 }, { 0, 50 } }, off = { 0 };
	int want = argument(argv, 0, 100);
	long own = 0, got = 0;
	struct ibv_wc wc;

	ends_open(&signalled, device_open(0));
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (posted < want) {
		if (own - got < ENDS_DEPTH / 2 && ends_write(&signalled, signalled.a, 1, 8) == 0)
			own++;
		got += ibv_poll_cq(signalled.cq, 1, &wc) > 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	while (got + completed < own + posted) {
		ends_poll(&signalled, &wc);
		got++;
	}
	printf("%ld %ld\n", own + posted, got + completed);
	return 0;
}

/* --- what is left as it was --- */

/* errno: calls that succeed keep it. */
static int errno_mode(char **argv)
{
	struct ibv_recv_wr receive = { .wr_id = 1 }, *bad;
	struct ends ends;
	struct ibv_wc wc;

	(void)argv;
	ends_open(&ends, device_open(0));
	errno = 77;
	for (int i = 0; i < 5000; i++) /* several extents */
		if (ends_write(&ends, ends.a, 1, 8))
			return 2;
		else
			while (ibv_poll_cq(ends.cq, 1, &wc) == 0)
				continue;
	if (ibv_post_recv(ends.b, &receive, &bad) || ibv_req_notify_cq(ends.cq, 0))
		return 3;
	printf("%d\n", errno);
	return 0;
}

/* fds: descriptors that another program would inherit, besides the first three. */
static int fds_mode(char **argv)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	(void)argv;
	need(dir, "/proc/self/fd");
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			printf("%d\n", fd);
	}
	closedir(dir);
	return 0;
}

/* open-fds: the same, once a device is open and traced. */
static int open_fds_mode(char **argv)
{
	struct ends ends;

	ends_open(&ends, device_open(0));
	ends_writes(&ends, 10, 8);
	return fds_mode(argv);
}

static void whose(const char *what, void *function)
{
	const char *slash;
	Dl_info info;

	if (!function)
		return;
	need(dladdr(function, &info), "dladdr");
	slash = strrchr(info.dli_fname, '/');
	printf("%s %s\n", what, slash ? slash + 1 : info.dli_fname);
}

/* whose: the libraries that a context's operations are of. */
static int whose_mode(char **argv)
{
	struct ibv_context *context = device_open(0);
	struct verbs_context *verbs = verbs_get_ctx(context);

	(void)argv;
	whose("post_send", (void *)context->ops.post_send);
	whose("post_recv", (void *)context->ops.post_recv);
	whose("poll_cq", (void *)context->ops.poll_cq);
	whose("req_notify_cq", (void *)context->ops.req_notify_cq);
	whose("alloc_mw", (void *)context->ops.alloc_mw);
	whose("create_qp_ex", (void *)verbs->create_qp_ex);
	whose("create_cq_ex", (void *)verbs->create_cq_ex);
	return ibv_close_device(context);
}

/* list: a list of requests of which the second is refused; several elements. */
static int list_mode(char **argv)
{
	struct ends ends;
	struct ibv_sge sge[3], none = { .length = 1 };
	struct ibv_send_wr second = { .wr_id = 2, .sg_list = &none, .num_sge = 99 };
	struct ibv_send_wr first = { .wr_id = 1, .next = &second, .sg_list = sge, .num_sge = 3 };
	struct ibv_send_wr *bad = NULL;
	struct ibv_wc wc;
	int rc;

	(void)argv;
	ends_open(&ends, device_open(0));
	for (int i = 0; i < 3; i++)
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)ends.memory + 100 * (uintptr_t)i,
			.length = 10 + (uint32_t)i,
			.lkey = ends.mr->lkey,
		};
	first.opcode = second.opcode = IBV_WR_RDMA_WRITE;
	first.send_flags = IBV_SEND_SIGNALED;
	first.wr.rdma.remote_addr = (uintptr_t)ends.memory + ENDS_SIZE / 2;
	first.wr.rdma.rkey = ends.mr->rkey;
	rc = ibv_post_send(ends.a, &first, &bad);
	need(rc && bad == &second, "the second is refused");
	ends_poll(&ends, &wc);
	printf("%d\n", rc);
	return 0;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* batch COUNT GAP: so many completions taken by one ibv_start_poll(), GAP ns between each
 * of them and the next.
 */
static int batch_mode(char **argv)
{
	int count = argument(argv, 0, 10), gap = argument(argv, 1, 1000);
	struct ibv_context *context = device_open(0);
	struct ibv_cq_init_attr_ex init = { .cqe = 4 * ENDS_DEPTH };
	struct ibv_cq_ex *cq = ibv_create_cq_ex(context, &init);
	struct ibv_poll_cq_attr poll = { 0 };
	struct ends ends;
	int64_t begin;

	need(cq && count <= ENDS_DEPTH, "ibv_create_cq_ex");
	ends_open_on(&ends, context, ibv_cq_ex_to_cq(cq));
	for (int i = 0; i < count; i++)
		need(!ends_write(&ends, ends.a, (uint64_t)i, 8), "ibv_post_send");
	while (ibv_start_poll(cq, &poll))
		continue;
	for (int i = 0; i < count; i++) {
		need(cq->wr_id == (uint64_t)i, "in order");
		if (i == count - 1)
			break;
		begin = now();
		while (now() < begin + gap)
			continue;
		while (ibv_next_poll(cq))
			continue;
	}
	ibv_end_poll(cq);
	ends_close(&ends);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **argv);
} modes[] = {
	{ "write", write_mode },       { "die", die_mode },           { "limited", limited_mode },
	{ "threads", threads_mode },   { "contexts", contexts_mode }, { "import", import_mode },
	{ "fork", fork_mode },         { "inherit", inherit_mode },   { "exec", exec_mode },
	{ "signals", signals_mode },   { "errno", errno_mode },       { "fds", fds_mode },
	{ "open-fds", open_fds_mode }, { "whose", whose_mode },       { "list", list_mode },
	{ "batch", batch_mode },       { "polls", polls_mode },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage: tracee MODE [ARGUMENT...]\n");
	return 2;
}

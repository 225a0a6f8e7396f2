/* SPDX-License-Identifier: Apache-2.0 */
/* bench-device.c - what the device costs beside what it is made of
 *
 *	bench-device [raw]
 *
 * The raw path (process_vm_writev and process_vm_readv, eventfd), TCP over loopback and
 * verbs are measured in turn, several times; medians are printed, with the least and
 * the most that was seen, and ratios to the raw path with what is aimed at.  Then how
 * latency and memory grow with queue pairs and with processes.  Nothing passes or fails.
 * With `raw`, only the half round trip and the read of the raw path, as numbers.
 * Run with the device preloaded (make bench-device).
 */
#include "bench.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURNS 9
#define MOST  62 /* processes that do nothing */

static const struct figure {
	const char *name, *unit;
	double (*measure)(void);
	const char *raw; /* to which it is put in relation */
	const char *aim;
} figures[] = {
	{ "process_vm_writev, half round trip", "us", raw_write, NULL, NULL },
	{ "process_vm_readv", "us", raw_read, NULL, NULL },
	{ "process_vm_writev of 8 bytes", "M/s", raw_rate, NULL, NULL },
	{ "process_vm_writev of 64 KiB", "GB/s", raw_copy, NULL, NULL },
	{ "eventfd, half round trip", "us", raw_wake, NULL, NULL },
#define WRITE "process_vm_writev, half round trip"
	{ "write_lat 8 B", "us", write_latency, WRITE, "at most 1.5" },
	{ "send_lat 8 B", "us", send_latency, WRITE, "at most 3" },
	{ "read_lat 8 B", "us", read_latency, "process_vm_readv", "at most 1.5" },
	{ "write 8 B, message rate", "M/s", write_rate, "process_vm_writev of 8 bytes",
	  "at least 0.8" },
	{ "write 64 KiB", "GB/s", write_copy, "process_vm_writev of 64 KiB", "at least 0.8" },
	{ "send_lat through a completion channel", "us", wake_latency, "eventfd, half round trip",
	  NULL },
	{ "TCP 8 B, half round trip, polled", "us", tcp_8, WRITE, NULL },
	{ "TCP 64 B, half round trip, polled", "us", tcp_64, WRITE, NULL },
	{ "TCP 8 B, half round trip, slept for", "us", tcp_wake, "eventfd, half round trip", NULL },
	{ "TCP 64 KiB", "GB/s", tcp_copy, "process_vm_writev of 64 KiB", NULL },
};

#define FIGURES (sizeof(figures) / sizeof(*figures))

static double medians[FIGURES];

static double value_of(const char *name)
{
	for (size_t i = 0; i < FIGURES; i++)
		if (!strcmp(figures[i].name, name))
			return medians[i];
	return 0;
}

static void print(const struct figure *figure, double value, const double *sorted)
{
	printf("%-38s %8.3f %-5s", figure->name, value, figure->unit);
	printf(" (%.3f to %.3f)", sorted[0], sorted[TURNS - 1]);
	if (figure->raw)
		printf("  %.2f x raw", value / value_of(figure->raw));
	if (figure->aim)
		printf(", aim: %s", figure->aim);
	putchar('\n');
}

static void measure_figures(void)
{
	static double values[FIGURES][TURNS];

	for (int turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < FIGURES; i++)
			values[i][turn] = figures[i].measure();
	for (size_t i = 0; i < FIGURES; i++) {
		medians[i] = median(values[i], TURNS);
		if (!side)
			print(&figures[i], medians[i], values[i]);
	}
	if (!side) {
		printf("%-38s %8.1f ns\n", "empty poll", empty_poll());
		printf("%-38s %8.1f ns\n", "write to itself, post and poll", self_loop());
	}
	fflush(stdout);
	meet();
}

static void print_raw(void)
{
	double write = raw_write(), read = raw_read();

	if (!side)
		printf("%.3f %.3f\n", write, read);
}

/* --- growth --- */

static double median_of(double (*measure)(void))
{
	double values[TURNS];

	for (int turn = 0; turn < TURNS; turn++)
		values[turn] = measure();
	return median(values, TURNS);
}

/* MiB that the fabric's file takes of the machine's memory; of them in this process. */
static double segment_size(double *resident)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	const char *folder = getenv("NETEMU_SHM");
	char line[4096], path[4096];
	struct stat file = { 0 };
	bool inside = false;
	double kib;

	*resident = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%*[0-9a-f]-%*x %*s %*s %*s %*s %4095s", path) == 1) {
			inside = folder && !strncmp(path, folder, strlen(folder));
			if (inside)
				stat(path, &file);
		}
		if (inside && sscanf(line, "Rss: %lf", &kib) == 1)
			*resident += kib / 1024;
	}
	if (maps)
		fclose(maps);
	return (double)file.st_blocks * 512 / (1 << 20);
}

static void print_growth(int count, const char *of_what)
{
	double write = median_of(write_latency), read = median_of(read_latency), resident;
	double size = segment_size(&resident);

	if (!side)
		printf("%6d %s: write_lat %.3f us, read_lat %.3f us, segment %.1f MiB, "
		       "%.1f MiB of it resident here\n",
		       count, of_what, write, read, size, resident);
	fflush(stdout);
}

static void grow_queue_pairs(void)
{
	static struct ibv_qp *qps[10000];
	int made = 0;

	for (int count = 1; count <= 10000; count *= 10) {
		double start = now();
		int more = count - made;
		char what[64];

		for (; !side && made < count; made++)
			qps[made] = verbs_queue_pair(16);
		start = now() - start;
		snprintf(what, sizeof(what), "more queue pairs, each made in %.1f us",
			 start / more * 1e6);
		print_growth(count, what);
	}
	for (int i = 0; i < made; i++)
		ibv_destroy_qp(qps[i]);
}

static int starter[2]; /* a pipe; each byte makes one process open the device */

static void __attribute__((noreturn)) idle(void)
{
	char memory[2 * LARGE], byte;

	close(starter[1]);
	if (read(starter[0], &byte, 1) == 1) {
		verbs_open(memory);
		atomic_fetch_add(&stage->idle, 1);
	}
	for (;;)
		pause();
}

/* Real-time processes that polled for this would let nobody become idle. */
static void wait_for_idle(int count)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	while (atomic_load(&stage->idle) < count)
		nanosleep(&nap, NULL);
}

static void grow_processes(void)
{
	int idles = 0;

	for (int count = 2; count <= MOST + 2; count *= 2) {
		for (; !side && idles < count - 2; idles++)
			need(write(starter[1], "", 1) == 1, "write");
		wait_for_idle(count - 2);
		print_growth(count, "processes");
	}
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

static void run(char *memory, bool raw)
{
	bool fifo = settle();

	stage->address[side].pid = getpid();
	meet();
	if (raw) {
		print_raw();
		return;
	}
	if (!side)
		printf("two processes, %s; median (least to most) of %d turns\n",
		       fifo ? "pinned, SCHED_FIFO" : "pinned, not SCHED_FIFO", TURNS);
	verbs_open(memory);
	verbs_connect();
	measure_figures();
	grow_processes();
	grow_queue_pairs();
}

/* One has ended; not well, when this one has not. */
static void on_child(int signal)
{
	int status;

	(void)signal;
	while (waitpid(-1, &status, WNOHANG) > 0)
		if (status)
			_exit(1);
}

/* A process more, that ends with this one.  Returns whether it is that. */
static bool add_process(void)
{
	pid_t child = fork();

	need(child >= 0, "fork");
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return !child;
}

int main(int argc, char **argv)
{
	bool raw = argc > 1 && !strcmp(argv[1], "raw");
	char *memory;

	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	memory = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(stage != MAP_FAILED && memory != MAP_FAILED && !pipe(starter), "set-up");
	raw_open(memory);
	signal(SIGCHLD, on_child);
	for (int i = 0; !raw && i < MOST; i++)
		if (add_process())
			idle();
	side = add_process();
	memset(memory, side, 2 * LARGE);
	run(memory, raw);
	return 0;
}

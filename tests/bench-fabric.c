/* SPDX-License-Identifier: Apache-2.0 */
/* bench-fabric.c - how fast dumps of large fabrics are read
 *
 *	bench-fabric [TURNS]
 *
 * Writes dumps of fat trees of 1,000 to 40,000 hosts (gen-fabric, from PATH), reads
 * each with plain read(2) and then as a topology in a process of its own; the
 * best of TURNS.  Not a test: it prints, and never fails for being slow.
 */
#include "topology/topology.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct fabric {
	const char *hosts, *spec;
	bool tables; /* as well: a line for each switch and LID */
} fabrics[] = {
	{ "1,000", "xgft:10x10x10:1x10x10", true },
	{ "3,375", "kary:15:3", true },
	{ "10,000", "xgft:20x20x25:1x20x20", false },
	{ "40,960", "xgft:32x32x40:1x32x32", false },
};

static const char *const forms[] = { "plain", "ports", "subnet" };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The time of plain read(2); *SIZE gets the length of the file. */
static double read_plain(const char *path, size_t *size)
{
	static char buffer[1 << 20];
	int fd = open(path, O_RDONLY);
	double start = now();
	ssize_t n;

	if (fd < 0)
		die(path);
	for (*size = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;)
		*size += (size_t)n;
	close(fd);
	return now() - start;
}

/* Open SPEC in a process of its own, so that peak memory is its own: *PEAK gets
 * KiB.  Returns the time of topology_open().
 */
static double open_spec(const char *spec, long *peak)
{
	struct rusage usage;
	double time = 0;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		struct topology topology;
		struct err err;
		double start = now();

		if (topology_open(&topology, spec, NULL, &err) < 0) {
			fprintf(stderr, "bench-fabric: %s\n", err.text);
			_exit(1);
		}
		time = now() - start;
		_exit(write(fds[1], &time, sizeof(time)) == (ssize_t)sizeof(time) ? 0 : 1);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait4");
	if (status || read(fds[0], &time, sizeof(time)) != (ssize_t)sizeof(time))
		exit(1);
	close(fds[0]);
	close(fds[1]);
	*peak = usage.ru_maxrss;
	return time;
}

static void generate(const char *spec, const char *form, const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), "gen-fabric %s %s >%s", spec, form, path);
	if (system(command))
		exit(1);
}

/* SIZE: of PATH, which SPEC reads, perhaps among others. */
static void measure(const char *hosts, const char *form, const char *path, const char *spec,
		    int turns)
{
	double plain = 1e9, best = 1e9;
	long peak = 0;
	size_t size = 0;

	for (int turn = 0; turn < turns; turn++) {
		double time = read_plain(path, &size);

		plain = time < plain ? time : plain;
		time = open_spec(spec, &peak);
		best = time < best ? time : best;
	}
	printf("%7s %-7s %8.1f %9.2f %9.2f %7.0f %8.0f %9.1f\n", hosts, form, (double)size / 1e6,
	       plain * 1e3, best * 1e3, best / plain, (double)size / 1e6 / best,
	       (double)peak / 1024);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench-fabric.XXXXXX";
	int turns = argc > 1 ? atoi(argv[1]) : 5;

	if (!mkdtemp(folder) || chdir(folder) < 0)
		die(folder);
	printf("%7s %-7s %8s %9s %9s %7s %8s %9s\n", "hosts", "form", "MB", "read ms", "open ms",
	       "ratio", "MB/s", "peak MiB");
	for (size_t i = 0; i < sizeof(fabrics) / sizeof(fabrics[0]); i++) {
		for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
			generate(fabrics[i].spec, forms[form], "dump");
			measure(fabrics[i].hosts, forms[form], "dump", "ib:dump", turns);
		}
		if (!fabrics[i].tables)
			continue;
		generate(fabrics[i].spec, "tables", "tables");
		measure(fabrics[i].hosts, "tables", "tables", "ib:dump:tables", turns);
		unlink("tables");
	}
	unlink("dump");
	if (chdir("/") == 0)
		rmdir(folder);
	return 0;
}

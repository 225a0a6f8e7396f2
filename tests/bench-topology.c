/* SPDX-License-Identifier: Apache-2.0 */
/* bench-topology.c - how fast large networks are generated, written and read
 *
 *	bench-topology [TURNS]
 *
 * Three-level fat trees of 1,000 to 100,000 hosts.  What reading GraphML takes
 * stands beside what libxml2 takes to go through the same file and do nothing,
 * what writing takes beside copying the bytes.  Each in a process of its own, for
 * the peak of its memory; the best of TURNS.  Not a test: it prints, and never
 * fails for being slow.
 */
#include "topology/graphml-write.h"
#include "topology/topology.h"

#include <libxml/xmlreader.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const specs[] = { "kary:10:3", "kary:22:3", "kary:47:3" };

static char file[] = "/tmp/bench-topology.XXXXXX";

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "bench-topology: %s\n", what);
	exit(1);
}

static void open_or_die(struct topology *topology, const char *spec)
{
	struct err err;

	if (topology_open(topology, spec, NULL, &err) < 0)
		die(err.text);
}

/* Each takes a SPEC and returns seconds. */
static double generate(const char *spec)
{
	struct topology topology;
	double start = now();

	open_or_die(&topology, spec);
	return now() - start;
}

static double write_graph(const char *spec)
{
	struct topology topology;
	struct err err;
	double start;
	FILE *out;

	open_or_die(&topology, spec);
	start = now();
	out = fopen(file, "w");
	if (!out || graphml_write(out, &topology, NULL, &err) < 0 || fclose(out) != 0)
		die(file);
	return now() - start;
}

static double copy_bytes(const char *spec)
{
	static char buffer[1 << 16];
	FILE *in = fopen(file, "r"), *out = tmpfile();
	double start = now();
	size_t n;

	(void)spec;
	if (!in || !out)
		die(file);
	while ((n = fread(buffer, 1, sizeof(buffer), in)) > 0)
		fwrite(buffer, 1, n, out);
	fflush(out);
	return now() - start;
}

static double read_graph(const char *spec)
{
	(void)spec;
	return generate(file);
}

/* The least that a reader by libxml2 can take. */
static double pass_through(const char *spec)
{
	double start = now();
	xmlTextReaderPtr xml = xmlReaderForFile(file, NULL, XML_PARSE_NONET);

	(void)spec;
	if (!xml)
		die(file);
	while (xmlTextReaderRead(xml) == 1)
		;
	xmlFreeTextReader(xml);
	return now() - start;
}

/* RUN in a process of its own.  *PEAK gets MiB. */
static double apart(double (*run)(const char *spec), const char *spec, double *peak)
{
	struct rusage usage;
	double time = 0;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		die("no process");
	if (pid == 0) {
		time = run(spec);
		_exit(write(fds[1], &time, sizeof(time)) == (ssize_t)sizeof(time) ? 0 : 1);
	}
	close(fds[1]);
	if (read(fds[0], &time, sizeof(time)) != (ssize_t)sizeof(time))
		die("a part failed");
	close(fds[0]);
	wait4(pid, &status, 0, &usage);
	*peak = (double)usage.ru_maxrss / 1024;
	return time;
}

static double best(double (*run)(const char *spec), const char *spec, int turns, double *peak)
{
	double least = apart(run, spec, peak);

	for (int i = 1; i < turns; i++) {
		double time = apart(run, spec, peak);

		least = time < least ? time : least;
	}
	return least;
}

static void bench(const char *spec, int turns)
{
	double made, wrote, copied, took, passed, peak_made, peak_wrote, peak_took, peak;
	struct topology topology;
	struct stat st;

	made = best(generate, spec, turns, &peak_made);
	wrote = best(write_graph, spec, turns, &peak_wrote);
	copied = best(copy_bytes, spec, turns, &peak);
	took = best(read_graph, spec, turns, &peak_took);
	passed = best(pass_through, spec, turns, &peak);
	if (stat(file, &st) < 0)
		die(file);
	/* not before: what a process has at its begin counts for its peak */
	open_or_die(&topology, spec);
	printf("%s: %u hosts, %u links, GraphML of %.1f MB\n", spec, topology.net.hosts,
	       topology.net.links, (double)st.st_size / 1e6);
	printf("  generate %8.3f s  %6.1f MiB  %4.0f bytes of memory per link\n", made, peak_made,
	       peak_made * 1048576 / topology.net.links);
	printf("  write    %8.3f s  %6.1f MiB  %4.1f times a copy of the file (%.3f s)\n", wrote,
	       peak_wrote, wrote / copied, copied);
	printf("  read     %8.3f s  %6.1f MiB  %4.1f times libxml2 alone (%.3f s)\n", took,
	       peak_took, took / passed, passed);
	topology_release(&topology);
}

int main(int argc, char **argv)
{
	int turns = argc > 1 ? atoi(argv[1]) : 3;
	int fd = mkstemp(file);

	if (fd < 0)
		die("no temporary file");
	close(fd);
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++)
		bench(specs[i], turns);
	unlink(file);
	return 0;
}

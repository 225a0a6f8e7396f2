/* SPDX-License-Identifier: Apache-2.0 */
/* bench-matrix.c - how fast netemu-matrix reads the files of many ranks
 *
 *	bench-matrix [RANKS [TURNS]]
 *
 * Makes the files (gen-ranks), reads them all with plain read(2), then lets
 * netemu-matrix make a table of them; the best of TURNS.  Not a test: it
 * prints, and never fails for being slow.  Expects both programs in PATH.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Run ARGV with its output to /dev/null.  Returns its peak memory in KiB. */
static long run(char *const argv[])
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait4");
	if (status) {
		fprintf(stderr, "bench-matrix: %s failed\n", argv[0]);
		exit(1);
	}
	return usage.ru_maxrss;
}

static size_t read_file(const char *path)
{
	static char buffer[1 << 20];
	int fd = open(path, O_RDONLY);
	size_t size = 0;
	ssize_t n;

	if (fd < 0)
		die(path);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		size += (size_t)n;
	close(fd);
	return size;
}

static size_t read_all(const char *dir)
{
	char path[4096];
	DIR *list = opendir(dir);
	struct dirent *entry;
	size_t size = 0;

	if (!list)
		die(dir);
	while ((entry = readdir(list)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			size += read_file(path);
	}
	closedir(list);
	return size;
}

int main(int argc, char **argv)
{
	char *ranks = argc > 1 ? argv[1] : (char *)"10000";
	int turns = argc > 2 ? atoi(argv[2]) : 3;
	char dir[] = "/tmp/bench-matrix.XXXXXX";
	double plain = 1e9, matrix = 1e9;
	size_t size = 0;
	long memory = 0;

	if (!mkdtemp(dir))
		die(dir);
	run((char *[]){ (char *)"gen-ranks", (char *)"-n", (char *)"100", dir, ranks, NULL });
	for (int turn = 0; turn < turns; turn++) {
		double start = now(), took;

		size = read_all(dir);
		took = now() - start;
		plain = took < plain ? took : plain;
		start = now();
		memory = run(
			(char *[]){ (char *)"netemu-matrix", (char *)"--format=tsv", dir, NULL });
		took = now() - start;
		matrix = took < matrix ? took : matrix;
	}
	run((char *[]){ (char *)"rm", (char *)"-r", dir, NULL });
	printf("%s ranks, %.1f MB of rank files (warm)\n", ranks, (double)size / 1e6);
	printf("plain read(2)     %8.3f s  %8.1f MB/s\n", plain, (double)size / plain / 1e6);
	printf("netemu-matrix     %8.3f s  %8.1f MB/s  %.1f times as long, %ld MiB at most\n",
	       matrix, (double)size / matrix / 1e6, matrix / plain, memory / 1024);
	return 0;
}

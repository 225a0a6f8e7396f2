/* SPDX-License-Identifier: Apache-2.0 */
/* fabriclib.h - fabrics in a directory of the test, and processes that join them */
#ifndef TESTS_DEVICE_FABRICLIB_H
#define TESTS_DEVICE_FABRICLIB_H

#include "device/fabric.h"
#include "device/hold.h"
#include "device/lock.h"
#include "device/section.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char shm[64];
static char path[128];

static inline int setup(void **state)
{
	(void)state;
	strcpy(shm, "/dev/shm/unit-device-fabric-XXXXXX");
	unsetenv("NETEMU");
	unsetenv("NETEMU_FABRIC");
	unsetenv("NETEMU_NODE");
	return mkdtemp(shm) ? setenv("NETEMU_SHM", shm, 1) : -1;
}

static inline int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", shm);
	return system(command);
}

static inline uint32_t entries(const char *of)
{
	DIR *dir = opendir(of);
	struct dirent *entry;
	uint32_t count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static inline void make(const char *name, uint32_t nodes, const char *text)
{
	struct fabric_node node[8] = { { .host = "a" }, { .host = "b" }, { .host = "c" } };
	struct device_settings settings;
	struct err err;

	device_settings_init(&settings);
	assert_int_equal(device_settings_parse(&settings, text, NULL), 0);
	if (fabric_create(path, sizeof(path), NULL, name, node, nodes, &settings, &err))
		fail_msg("%s", err.text);
	device_settings_release(&settings);
}

static inline void join(struct fabric *fabric, uint32_t node)
{
	struct err err;

	if (fabric_join(fabric, path, node, true, &err))
		fail_msg("%s", err.text);
}

/* --- other processes --- */

/* One that runs, and says when it has come to a point, and waits there. */
struct other {
	pid_t pid;
	int says, hears;
};

struct ends {
	int says, hears;
};

static inline void say(struct ends *ends)
{
	if (write(ends->says, "x", 1) != 1)
		_exit(98);
}

static inline void hear(struct ends *ends)
{
	char c;

	if (read(ends->hears, &c, 1) != 1)
		_exit(97);
}

static inline struct other start(int (*run)(struct ends *ends))
{
	int up[2], down[2];
	struct other other;

	assert_int_equal(pipe2(up, O_CLOEXEC) | pipe2(down, O_CLOEXEC), 0);
	other = (struct other){ .pid = fork(), .says = up[0], .hears = down[1] };
	assert_true(other.pid >= 0);
	if (!other.pid) {
		struct ends ends = { .says = up[1], .hears = down[0] };

		/* cmocka would go on with its tests */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		close(up[0]);
		close(down[1]);
		_exit(run(&ends));
	}
	close(up[1]);
	close(down[0]);
	return other;
}

static inline void await(const struct other *other)
{
	char c;

	assert_int_equal(read(other->says, &c, 1), 1);
}

static inline void go_on(const struct other *other)
{
	assert_int_equal(write(other->hears, "x", 1), 1);
}

static inline int finish(const struct other *other, int signal)
{
	int status;

	if (signal)
		kill(other->pid, signal);
	assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
	close(other->says);
	close(other->hears);
	return status;
}

static inline int join_and_wait(struct ends *ends)
{
	static struct fabric fabric;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	say(ends);
	hear(ends);
	fabric_leave(&fabric);
	return 0;
}

#endif

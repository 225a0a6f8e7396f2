/* SPDX-License-Identifier: Apache-2.0 */
/* helper.c - `netemu-device helper`, as the SPANK plugin starts it on each node
 *
 * It is told about the step (lib/helper.h: lines `KEY VALUE`, the last one is
 * `go`), has the job's fabric on this machine, answers `fabric DIRECTORY` or
 * `failed SENTENCE`, and holds the fabric until the first descriptor ends.  Then
 * it writes what the links have carried into the run directory.
 */
#include "config.h"

#include "child.h"
#include "clock.h"
#include "commands.h"
#include "faults.h"
#include "helper.h"
#include "hostlist.h"
#include "leave.h"
#include "network.h"
#include "nodeclock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODES_MOST 65536

/* What it is told; all owned. */
#define KEY_LIST(X) \
	X(job) X(step) X(index) X(node) X(nodelist) X(base) X(submit) X(settings) X(nodeid) X(clock)

struct told {
#define X(key) char *key;
	KEY_LIST(X)
#undef X
	bool go;
};

static void take_line(struct told *told, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return;
	*value++ = '\0';
	value[strcspn(value, "\n")] = '\0';
	told->go = told->go || strcmp(line, "go") == 0;
#define X(key)                             \
	if (strcmp(line, #key) == 0) {     \
		free(told->key);           \
		told->key = strdup(value); \
	}
	KEY_LIST(X)
#undef X
}

static void told_release(struct told *told)
{
#define X(key) free(told->key);
	KEY_LIST(X)
#undef X
}

static int answer(const char *fmt, const char *text)
{
	char line[2048];
	int length = snprintf(line, sizeof(line), fmt, text);

	for (int i = 0; i < length && i < (int)sizeof(line) - 1; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	if (length >= (int)sizeof(line) - 1)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	return write(HELPER_FD_ACK, line, (size_t)length) == length ? 0 : -1;
}

/* --- the fabric --- */

struct job {
	struct told told;
	struct device_settings settings;
	char name[64]; /* of the fabric */
	char **hosts;  /* of the job */
	size_t count;
	const char *base;
};

/* IPv4 as ::ffff:a.b.c.d, and IPv6, as the node's name says. */
static void find_addresses(const char *host, uint8_t ip[2][16])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;

	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return;
	for (struct addrinfo *one = list; one; one = one->ai_next) {
		if (one->ai_family == AF_INET && !ip[0][10]) {
			ip[0][10] = ip[0][11] = 0xff;
			memcpy(ip[0] + 12, &((struct sockaddr_in *)one->ai_addr)->sin_addr, 4);
		} else if (one->ai_family == AF_INET6) {
			const struct sockaddr_in6 *address = (struct sockaddr_in6 *)one->ai_addr;

			if (!IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) &&
			    !IN6_IS_ADDR_LOOPBACK(&address->sin6_addr))
				memcpy(ip[1], &address->sin6_addr, 16);
		}
	}
	freeaddrinfo(list);
}

static int make_fabric(void *arg, char *path, size_t size, struct err *err)
{
	struct job *job = arg;
	struct fabric_node *nodes = calloc(job->count, sizeof(*nodes));
	int rc;

	if (!nodes)
		return err_errno(err, "fabric '%s'", job->name);
	for (size_t n = 0; n < job->count; n++) {
		nodes[n].host = job->hosts[n];
		find_addresses(job->hosts[n], nodes[n].ip);
	}
	rc = network_fabric(path, size, job->name, nodes, (uint32_t)job->count, &job->settings,
			    job->base, err);
	free(nodes);
	return rc;
}

static int join_fabric(struct fabric *fabric, struct job *job, struct err *err)
{
	const struct told *told = &job->told;
	unsigned long index = told->index ? strtoul(told->index, NULL, 10) : 0;

	if (!told->go || !told->job || !told->step || !told->settings || !told->nodelist)
		return err_set(err, "the plugin has not said what step this is");
	if (device_settings_parse(&job->settings, told->settings, err) < 0 ||
	    hostlist_parse(told->nodelist, NODES_MOST, &job->hosts, &job->count, err) < 0)
		return -1;
	if (index >= job->count)
		return err_set(err, "node %lu is none of '%s'", index, told->nodelist);
	job->base = told->base ? told->base : told->submit;
	if (job->settings.step_scope)
		snprintf(job->name, sizeof(job->name), "step %s.%s", told->job, told->step);
	else
		snprintf(job->name, sizeof(job->name), "job %s", told->job);
	return fabric_obtain(fabric, job->name, (uint32_t)index, make_fabric, job, err);
}

/* --- the end --- */

/* PATH below BASE unless it is absolute. */
static void absolute(char *out, size_t size, const char *path, const char *base)
{
	if (path[0] == '/')
		snprintf(out, size, "%s", path);
	else
		snprintf(out, size, "%s/%s", base ? base : "", path);
}

/* The parent of the run directory. */
static void parent_directory(const struct job *job, char *dir, size_t size)
{
	const char *base = job->told.submit ? job->told.submit : job->base;

	absolute(dir, size, job->settings.dir ? job->settings.dir : ".", base);
}

static void write_links(struct fabric *fabric, const struct job *job)
{
	char dir[PATH_MAX];

	parent_directory(job, dir, sizeof(dir));
	/* nobody is left who could be told why not */
	leave_links(fabric, dir, job->told.job, job->told.step, NULL);
}

/* --- while the step runs --- */

/* What is told after `go`: lines, whole or not. */
struct news {
	char text[1024];
	size_t used;
};

/* Returns false when the plugin's end is closed. */
static bool hear(struct news *news, struct told *told)
{
	ssize_t got =
		read(HELPER_FD_LIFE, news->text + news->used, sizeof(news->text) - 1 - news->used);
	char *end, *line = news->text;

	if (got <= 0)
		return false;
	news->used += (size_t)got;
	news->text[news->used] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		take_line(told, line);
	}
	news->used = strlen(line);
	memmove(news->text, line, news->used + 1);
	if (news->used == sizeof(news->text) - 1)
		news->used = 0; /* longer than anything it can be told */
	return true;
}

/* Its first task has said where; none does in a step of one node. */
static void start_clock(struct nodeclock **clock, const struct job *job)
{
	const struct told *told = &job->told;
	char dir[PATH_MAX];

	if (*clock || !told->clock || !told->nodeid || !told->node)
		return;
	parent_directory(job, dir, sizeof(dir));
	*clock = nodeclock_start(told->clock, (uint32_t)strtoul(told->nodeid, NULL, 10), told->node,
				 dir, told->job, told->step);
}

/* Until the plugin's end is closed; faults meanwhile. */
static void hold(struct fabric *fabric, struct faults *faults, struct job *job)
{
	struct nodeclock *clock = NULL;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	struct pollfd life = { .fd = HELPER_FD_LIFE, .events = POLLIN };
	struct news news = { .used = 0 };

	for (;;) {
		int64_t ns = faults_do(faults, fabric, &target_default,
				       clock_ns(CLOCK_MONOTONIC) - begin);
		int64_t ms = ns < 0 ? -1 : ns / 1000000 + 1;
		int ready = poll(&life, 1, ms > 3600000 ? 3600000 : (int)ms);

		if (ready > 0 && !hear(&news, &job->told))
			break;
		if (ready < 0 && errno != EINTR)
			break;
		start_clock(&clock, job);
	}
	nodeclock_finish(clock);
}

static int read_faults(struct faults *faults, const struct job *job, struct err *err)
{
	static char path[PATH_MAX];

	if (!job->settings.faults)
		return 0;
	absolute(path, sizeof(path), job->settings.faults, job->base);
	return faults_read(faults, path, err);
}

static int serve(struct job *job, struct fabric *fabric, struct err *err)
{
	struct faults faults = { 0 };

	if (read_faults(&faults, job, err) < 0)
		return -1;
	/* one node's helper is enough */
	if (fabric->node != 0)
		faults_release(&faults);
	if (answer("fabric %s", fabric->path) == 0) {
		hold(fabric, &faults, job);
		if (fabric->node == 0)
			write_links(fabric, job);
	}
	faults_release(&faults);
	return 0;
}

/* As many lines as there are before `go`; the plugin may die meanwhile. */
static void listen_to_plugin(struct told *told)
{
	FILE *life = fdopen(dup(HELPER_FD_LIFE), "r");
	char *line = NULL;
	size_t size = 0;

	if (!life)
		return;
	setvbuf(life, NULL, _IONBF, 0); /* what comes after `go` stays there */
	while (!told->go && getline(&line, &size, life) > 0)
		take_line(told, line);
	free(line);
	fclose(life);
}

int command_helper(int argc, char **argv)
{
	struct job job = { .count = 0 };
	struct fabric fabric;
	struct err err = { "" };
	char pid[32];
	int rc = -1;

	(void)argv;
	if (argc > 1 || fcntl(HELPER_FD_LIFE, F_GETFD) < 0 || fcntl(HELPER_FD_ACK, F_GETFD) < 0) {
		fputs("netemu device helper: for the SPANK plugin only\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (answer("ready %s", pid) < 0 || device_settings_init(&job.settings) < 0)
		return 1;
	listen_to_plugin(&job.told);
	if (join_fabric(&fabric, &job, &err) == 0) {
		rc = serve(&job, &fabric, &err);
		fabric_leave(&fabric);
	}
	if (rc < 0)
		answer("failed %s", err.text);
	hostlist_free(job.hosts);
	device_settings_release(&job.settings);
	told_release(&job.told);
	return rc < 0;
}

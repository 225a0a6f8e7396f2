/* SPDX-License-Identifier: Apache-2.0 */
/* gather-server.c - the side of gather.h that runs in srun
 *
 * One thread, one poll(), a small state per connection.  Everything a peer can
 * make it do is bounded: the number of connections, the length of a line, the
 * size of a file, the time without progress.
 */
#include "gather.h"
#include "clock.h"
#include "rundir.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64 /* at once; the others wait in the backlog */
#define LINE_SIZE   (PATH_MAX + 512)
#define IDLE_MS     15000 /* without progress */
#define DRAIN_MS    30000 /* at the end, while parts still come in */
#define DRAIN_IDLE  2000
#define TMP_NAME    ".gather-%016llx"

struct connection {
	int fd;           /* -1 = free */
	bool trusted;     /* knew the cookie */
	int64_t progress; /* ms, CLOCK_MONOTONIC */
	char line[LINE_SIZE];
	size_t used;
	/* The file that is coming in: LEFT of SIZE bytes are still to come, and go to FILE,
	 * or nowhere when FILE is -1 because of ERROR.
	 */
	bool receiving;
	uint64_t size, left;
	int file, dir;
	int error;
	char tmp[32], name[256];
};

struct gather_server {
	int listener, wake;
	pthread_t thread;
	char cookie[GATHER_COOKIE];
	unsigned long files, bytes; /* atomic */
	bool stopping;
	struct connection connections[CONNECTIONS];
};

/* ---- which names are allowed ---- */

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Absolute, no "..", and the last component netemu.<something>. */
static bool is_rundir(const char *path)
{
	const char *last = strrchr(path, '/');
	size_t prefix = strlen(RUNDIR_PREFIX);

	return path[0] == '/' && is_printable(path) && !strstr(path, "/../") &&
	       strncmp(last + 1, RUNDIR_PREFIX, prefix) == 0 && last[1 + prefix] &&
	       strcmp(last + 1 + prefix, ".") != 0;
}

static bool is_numbered(const char *name, const char *format)
{
	unsigned number;
	char again[64];

	if (sscanf(name, format, &number) != 1)
		return false;
	snprintf(again, sizeof(again), format, number);
	return strcmp(name, again) == 0;
}

/* A name that ends in SUFFIX and has no directory in it. */
static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && length < 128 && name[0] != '.' && !strchr(name, '/') &&
	       is_printable(name) && strcmp(name + length - end, suffix) == 0;
}

/* What of NAME is after the directory FOLDER, or NULL. */
static const char *below(const char *name, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(name, folder, length) == 0 && name[length] == '/' ? name + length + 1 : NULL;
}

static bool is_relative(const char *name)
{
	const char *log = below(name, RUNDIR_LOG), *verbs = below(name, RUNDIR_VERBS);

	if (log)
		return ends_in(log, ".log");
	if (verbs)
		return is_numbered(verbs, RUNDIR_RING) || ends_in(verbs, ".json");
	return strcmp(name, RUNDIR_RUN) == 0 || is_numbered(name, RUNDIR_NODE) ||
	       is_numbered(name, RUNDIR_MPI "/" RUNDIR_RANK);
}

/* ---- directories ---- */

/* PATH and what is missing above it. */
static int make_path(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return mkdir(copy, 0777) < 0 && errno != EEXIST ? -1 : 0;
}

/* A directory of ours and no link: somebody else may write above it. */
static int open_own(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* The directory for RELATIVE in RUNDIR; *NAME is what is left of RELATIVE. */
static int open_place(const char *rundir, const char *relative, const char **name)
{
	const char *slash = strchr(relative, '/');
	char sub[16];
	int dir, fd;

	*name = slash ? slash + 1 : relative;
	if (make_path(rundir) < 0)
		return -1;
	dir = open_own(AT_FDCWD, rundir);
	if (dir < 0 || !slash)
		return dir;
	snprintf(sub, sizeof(sub), "%.*s", (int)(slash - relative), relative);
	fd = mkdirat(dir, sub, 0777) < 0 && errno != EEXIST ? -1 : open_own(dir, sub);
	close(dir);
	return fd;
}

/* ---- one connection ---- */

static void drop_file(struct connection *c)
{
	if (c->file >= 0) {
		close(c->file);
		unlinkat(c->dir, c->tmp, 0);
	}
	if (c->dir >= 0)
		close(c->dir);
	c->file = c->dir = -1;
	c->receiving = false;
}

static void hang_up(struct connection *c)
{
	drop_file(c);
	close(c->fd);
	c->fd = -1;
}

/* An answer is short: a peer that does not even take that is dropped. */
static void answer(struct connection *c, const char *text)
{
	size_t length = strlen(text);

	if (send(c->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
		hang_up(c);
}

static void begin_file(struct connection *c, const char *rundir, const char *relative)
{
	unsigned long long number;
	const char *name;

	c->error = 0;
	c->file = -1;
	c->dir = open_place(rundir, relative, &name);
	if (c->dir >= 0 && getrandom(&number, sizeof(number), 0) == sizeof(number)) {
		snprintf(c->tmp, sizeof(c->tmp), TMP_NAME, number);
		snprintf(c->name, sizeof(c->name), "%s", name);
		c->file = openat(c->dir, c->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	if (c->file < 0)
		c->error = errno ? errno : EIO;
}

static void end_file(struct gather_server *server, struct connection *c)
{
	char text[256];

	c->receiving = false;
	if (!c->error && renameat(c->dir, c->tmp, c->dir, c->name) < 0)
		c->error = errno;
	if (!c->error) {
		close(c->file);
		c->file = -1;
		__atomic_fetch_add(&server->files, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&server->bytes, (unsigned long)c->size, __ATOMIC_RELAXED);
		drop_file(c);
		answer(c, "OK\n");
		return;
	}
	drop_file(c);
	snprintf(text, sizeof(text), "ERR %s\n", strerror(c->error));
	answer(c, text);
}

/* Take up to SIZE bytes of the file; returns how many. */
static size_t take_bytes(struct connection *c, const char *data, size_t size)
{
	size_t done = 0;

	if (size > c->left)
		size = (size_t)c->left;
	while (done < size && !c->error) {
		ssize_t n = write(c->file, data + done, size - done);

		if (n < 0 && errno != EINTR)
			c->error = errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (c->error && c->file >= 0) {
		close(c->file);
		unlinkat(c->dir, c->tmp, 0);
		c->file = -1;
	}
	c->left -= size;
	return size;
}

static void on_file(struct connection *c, char *rundir)
{
	char *relative = strchr(rundir, '\t');
	char *size = relative ? strrchr(relative, ' ') : NULL;
	unsigned long long bytes;
	char *end;

	if (!size || size[1] < '0' || size[1] > '9') {
		hang_up(c);
		return;
	}
	*relative++ = '\0';
	*size++ = '\0';
	errno = 0;
	bytes = strtoull(size, &end, 10);
	if (errno || *end || bytes > GATHER_FILE_MAX) {
		hang_up(c);
		return;
	}
	c->receiving = true;
	c->size = c->left = bytes;
	c->file = c->dir = -1;
	c->error = EINVAL;
	if (is_rundir(rundir) && is_relative(relative))
		begin_file(c, rundir, relative);
}

static void on_sees(struct connection *c, char *rundir)
{
	char *name = strchr(rundir, '\t');
	char path[LINE_SIZE];

	if (!name) {
		hang_up(c);
		return;
	}
	*name++ = '\0';
	snprintf(path, sizeof(path), "%s/%s", rundir, name);
	if (is_rundir(rundir) && is_printable(name) && !strstr(path, "/../") &&
	    faccessat(AT_FDCWD, path, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0)
		answer(c, "YES\n");
	else
		answer(c, "NO\n");
}

static void on_line(struct gather_server *server, struct connection *c, char *line)
{
	if (!c->trusted) {
		if (strncmp(line, "GATHER 1 ", 9) == 0 &&
		    socket_cookie_same(server->cookie, line + 9, strlen(line + 9))) {
			c->trusted = true;
			answer(c, "OK\n");
		} else {
			hang_up(c);
		}
	} else if (strncmp(line, "FILE ", 5) == 0) {
		on_file(c, line + 5);
	} else if (strncmp(line, "SEES ", 5) == 0) {
		on_sees(c, line + 5);
	} else {
		if (strcmp(line, "BYE") == 0)
			answer(c, "OK\n");
		if (c->fd >= 0)
			hang_up(c);
	}
}

/* Work off what is in the buffer; what is not a whole line yet stays. */
static void digest(struct gather_server *server, struct connection *c)
{
	size_t at = 0;

	while (c->fd >= 0 && (at < c->used || (c->receiving && c->left == 0))) {
		char *newline;

		if (c->receiving) {
			at += take_bytes(c, c->line + at, c->used - at);
			if (c->left == 0)
				end_file(server, c);
			continue;
		}
		newline = memchr(c->line + at, '\n', c->used - at);
		if (!newline)
			break;
		*newline = '\0';
		on_line(server, c, c->line + at);
		at = (size_t)(newline + 1 - c->line);
	}
	if (c->fd < 0)
		return;
	memmove(c->line, c->line + at, c->used - at);
	c->used -= at;
	if (c->used == sizeof(c->line))
		hang_up(c); /* no line is that long */
}

static void on_readable(struct gather_server *server, struct connection *c)
{
	ssize_t n = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->progress = clock_ms();
	c->used += (size_t)n;
	digest(server, c);
}

static void on_connection(struct gather_server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &server->connections[i];

		if (c->fd >= 0)
			continue;
		*c = (struct connection){ .fd = fd, .file = -1, .dir = -1, .progress = clock_ms() };
		return;
	}
	close(fd);
}

/* ---- the thread ---- */

/* Fill POLLERS: [0] wake, [1] listener, then the connections in order. */
static bool prepare(struct gather_server *server, struct pollfd *pollers)
{
	int64_t idle = clock_ms() - (server->stopping ? DRAIN_IDLE : IDLE_MS);
	bool trusted = false, room = false;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &server->connections[i];

		if (c->fd >= 0 && (c->progress < idle || (server->stopping && !c->trusted)))
			hang_up(c);
		room |= c->fd < 0;
		trusted |= c->fd >= 0 && c->trusted;
		pollers[i + 2] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	}
	pollers[0] =
		(struct pollfd){ .fd = server->stopping ? -1 : server->wake, .events = POLLIN };
	pollers[1] = (struct pollfd){
		.fd = room && !server->stopping ? server->listener : -1,
		.events = POLLIN,
	};
	return trusted;
}

static void *serve(void *argument)
{
	struct gather_server *server = argument;
	struct pollfd pollers[CONNECTIONS + 2];
	int64_t deadline = INT64_MAX;

	for (;;) {
		bool trusted = prepare(server, pollers);

		if (server->stopping && (!trusted || clock_ms() > deadline))
			break;
		if (poll(pollers, CONNECTIONS + 2, server->stopping ? 100 : 1000) <= 0)
			continue;
		for (size_t i = 0; i < CONNECTIONS; i++)
			if (pollers[i + 2].revents && server->connections[i].fd >= 0)
				on_readable(server, &server->connections[i]);
		if (pollers[1].revents)
			on_connection(server);
		if (pollers[0].revents) {
			server->stopping = true;
			deadline = clock_ms() + DRAIN_MS;
		}
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (server->connections[i].fd >= 0)
			hang_up(&server->connections[i]);
	return NULL;
}

/* ---- start and stop ---- */

/* The program's signals are not for this thread. */
static int start_thread(struct gather_server *server)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&server->thread, NULL, serve, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = rc;
	return rc ? -1 : 0;
}

struct gather_server *gather_serve(unsigned first, unsigned last, unsigned *port,
				   char cookie[GATHER_COOKIE], struct err *err)
{
	struct gather_server *server = calloc(1, sizeof(*server));

	if (!server) {
		err_errno(err, "unable to collect from nodes");
		return NULL;
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		server->connections[i].fd = -1;
	server->wake = eventfd(0, EFD_CLOEXEC);
	server->listener = socket_listen(NULL, first, last, port);
	if (server->wake < 0 || server->listener < 0 || socket_cookie_make(server->cookie) < 0 ||
	    start_thread(server) < 0) {
		err_errno(err, "unable to collect from nodes");
		if (server->wake >= 0)
			close(server->wake);
		if (server->listener >= 0)
			close(server->listener);
		free(server);
		return NULL;
	}
	memcpy(cookie, server->cookie, GATHER_COOKIE);
	return server;
}

void gather_server_totals(const struct gather_server *server, unsigned long *files,
			  unsigned long *bytes)
{
	if (files)
		*files = __atomic_load_n(&server->files, __ATOMIC_RELAXED);
	if (bytes)
		*bytes = __atomic_load_n(&server->bytes, __ATOMIC_RELAXED);
}

void gather_server_stop(struct gather_server *server)
{
	uint64_t one = 1;

	if (write(server->wake, &one, sizeof(one)) != sizeof(one))
		return; /* cannot be; then the thread goes with the process */
	pthread_join(server->thread, NULL);
	close(server->wake);
	close(server->listener);
	free(server);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gather.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define CONNECT_MS    3000
#define ANSWER_SECOND 5

struct gather {
	int fd;
	char host[300]; /* for sentences */
};

static int connect_to(const struct socket_address *address, struct err *err)
{
	const struct timeval bound = { .tv_sec = ANSWER_SECOND };
	int fd = socket_connect(address, CONNECT_MS, err);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
	return fd;
}

static int send_all(struct gather *gather, const char *data, size_t size, struct err *err)
{
	while (size) {
		ssize_t sent = send(gather->fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return err_errno(err, "unable to send to '%s'", gather->host);
		data += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* One line into LINE, without its end. */
static int receive_line(struct gather *gather, char *line, size_t size, struct err *err)
{
	size_t used = 0;
	char c = '\0';

	while (used + 1 < size) {
		ssize_t got = recv(gather->fd, &c, 1, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "no answer from '%s'", gather->host);
		if (got == 0)
			return err_set(err, "'%s' closed the connection", gather->host);
		if (c == '\n')
			break;
		line[used++] = c;
	}
	line[used] = '\0';
	return 0;
}

/* Send a line and get the answer to it. */
static int ask(struct gather *gather, char *answer, size_t size, struct err *err, const char *fmt,
	       ...) __attribute__((format(printf, 5, 6)));
static int ask(struct gather *gather, char *answer, size_t size, struct err *err, const char *fmt,
	       ...)
{
	char line[2 * PATH_MAX + 128];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (length < 0 || (size_t)length >= sizeof(line))
		return err_set(err, "a line that is too long for '%s'", gather->host);
	if (send_all(gather, line, (size_t)length, err) < 0)
		return -1;
	return size ? receive_line(gather, answer, size, err) : 0;
}

struct gather *gather_connect(const char *text, struct err *err)
{
	struct socket_address address;
	struct gather *gather;
	char answer[64];

	if (socket_address_parse(&address, text) < 0) {
		err_set(err, "'%s': not HOST:PORT:COOKIE", text);
		return NULL;
	}
	gather = calloc(1, sizeof(*gather));
	if (!gather) {
		err_errno(err, "'%s'", address.host);
		return NULL;
	}
	snprintf(gather->host, sizeof(gather->host), "%s:%s", address.host, address.port);
	gather->fd = connect_to(&address, err);
	if (gather->fd < 0) {
		free(gather);
		return NULL;
	}
	if (ask(gather, answer, sizeof(answer), err, "GATHER %d %s\n", GATHER_VERSION,
		address.cookie) < 0)
		goto refused;
	if (strcmp(answer, "OK")) {
		err_set(err, "'%s' answers '%s'", gather->host, answer);
		goto refused;
	}
	return gather;
refused:
	close(gather->fd);
	free(gather);
	return NULL;
}

int gather_sees(struct gather *gather, const char *rundir, const char *name, struct err *err)
{
	char answer[64];

	if (ask(gather, answer, sizeof(answer), err, "SEES %s\t%s\n", rundir, name) < 0)
		return -1;
	if (!strcmp(answer, "YES"))
		return 1;
	if (!strcmp(answer, "NO"))
		return 0;
	return err_set(err, "'%s' answers '%s'", gather->host, answer);
}

/* SIZE bytes of FD; a file that became shorter is made up with blanks, which
 * its format does not mind, so that the connection stays in step.
 */
static int send_content(struct gather *gather, int fd, uint64_t size, struct err *err)
{
	char buffer[65536];

	while (size) {
		size_t want = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);
		ssize_t got = read(fd, buffer, want);

		if (got <= 0) {
			memset(buffer, ' ', want);
			got = (ssize_t)want;
		}
		if (send_all(gather, buffer, (size_t)got, err) < 0)
			return -1;
		size -= (uint64_t)got;
	}
	return 0;
}

static int open_file(const char *path, uint64_t *size, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > GATHER_FILE_MAX) {
		close(fd);
		return err_set(err, "'%s': not a file that can be sent", path);
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

int gather_send(struct gather *gather, const char *from, const char *rundir, const char *relative,
		struct err *err)
{
	char path[PATH_MAX], answer[512];
	uint64_t size = 0;
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/%s", from, relative) >= (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", from);
	fd = open_file(path, &size, err);
	if (fd < 0)
		return -1;
	rc = ask(gather, NULL, 0, err, "FILE %s\t%s %llu\n", rundir, relative,
		 (unsigned long long)size);
	if (rc == 0)
		rc = send_content(gather, fd, size, err);
	close(fd);
	if (rc < 0 || receive_line(gather, answer, sizeof(answer), err) < 0)
		return -1;
	if (strcmp(answer, "OK"))
		return err_set(err, "'%s' does not take '%s': %s", gather->host, path,
			       strncmp(answer, "ERR ", 4) ? answer : answer + 4);
	return 0;
}

void gather_close(struct gather *gather)
{
	char answer[16];

	if (!gather)
		return;
	ask(gather, answer, sizeof(answer), NULL, "BYE\n");
	close(gather->fd);
	free(gather);
}

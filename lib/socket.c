/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

/* ---- addresses ---- */

/* Cut from behind: an IPv6 host has colons and brackets. */
int socket_address_parse(struct socket_address *address, const char *text)
{
	const char *cookie = strrchr(text, ':');
	const char *port = cookie ? memrchr(text, ':', (size_t)(cookie - text)) : NULL;
	const char *host = text;
	size_t length;

	if (!port || !socket_cookie_valid(cookie + 1) || cookie - port < 2 ||
	    (size_t)(cookie - port) > sizeof(address->port))
		return -1;
	length = (size_t)(port - host);
	if (length > 2 && *host == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	}
	if (!length || length >= sizeof(address->host))
		return -1;
	snprintf(address->host, sizeof(address->host), "%.*s", (int)length, host);
	snprintf(address->port, sizeof(address->port), "%.*s", (int)(cookie - port - 1), port + 1);
	if (strspn(address->port, "0123456789") != strlen(address->port))
		return -1;
	memcpy(address->cookie, cookie + 1, SOCKET_COOKIE);
	return 0;
}

/* ---- listen ---- */

static int any_address(struct sockaddr_storage *address, socklen_t *length, bool v6)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = in6addr_any };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (v6)
		memcpy(address, &six, *length = sizeof(six));
	else
		memcpy(address, &four, *length = sizeof(four));
	return 0;
}

static int one_address(struct sockaddr_storage *address, socklen_t *length, const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found;

	if (getaddrinfo(text, NULL, &hints, &found)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(address, found->ai_addr, *length = found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static in_port_t *port_in(struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
					      : &((struct sockaddr_in *)address)->sin_port;
}

static int bind_port(int fd, struct sockaddr_storage *address, socklen_t length, unsigned port)
{
	*port_in(address) = htons((uint16_t)port);
	return bind(fd, (struct sockaddr *)address, length);
}

static int bind_range(int fd, struct sockaddr_storage *address, socklen_t length, unsigned first,
		      unsigned last)
{
	unsigned count = last - first + 1, start = 0;

	if (first == 0 || last < first || last > 65535)
		return bind_port(fd, address, length, 0);
	/* many servers on one host: do not all try the same one first */
	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		start = (unsigned)getpid();
	for (unsigned i = 0; i < count; i++) {
		if (bind_port(fd, address, length, first + (start % count + i) % count) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -1;
	}
	return -1;
}

static int listen_at(struct sockaddr_storage *address, socklen_t length, unsigned first,
		     unsigned last, unsigned *port)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int no = 0, saved;

	if (fd < 0)
		return -1;
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind_range(fd, address, length, first, last) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)address, &length) == 0) {
		*port = ntohs(*port_in(address));
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int socket_listen(const char *bind, unsigned first, unsigned last, unsigned *port)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = 0;
	int fd = -1;

	if (bind)
		return one_address(&address, &length, bind) < 0
			       ? -1
			       : listen_at(&address, length, first, last, port);
	for (int v6 = 1; v6 >= 0 && fd < 0; v6--) {
		any_address(&address, &length, v6);
		fd = listen_at(&address, length, first, last, port);
	}
	return fd;
}

/* ---- connect ---- */

static int left_ms(int64_t deadline)
{
	int64_t left = deadline - clock_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* connect(2) with a bound on its time; leaves FD blocking. */
static int connect_bounded(int fd, const struct addrinfo *to, int64_t deadline)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0, rc;

	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -1;
		while ((rc = poll(&poller, 1, left_ms(deadline))) < 0 && errno == EINTR)
			;
		if (rc == 0)
			errno = ETIMEDOUT;
		if (rc <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			return -1;
		if (error) {
			errno = error;
			return -1;
		}
	}
	return fcntl(fd, F_SETFL, 0);
}

int socket_connect(const struct socket_address *address, int wait_ms, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	int64_t deadline = clock_ms() + wait_ms;
	struct addrinfo *list;
	int fd = -1;
	int rc = getaddrinfo(address->host, address->port, &hints, &list);

	if (rc)
		return err_set(err, "'%s': %s", address->host, gai_strerror(rc));
	for (struct addrinfo *to = list; to && fd < 0; to = to->ai_next) {
		fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && connect_bounded(fd, to, deadline) < 0) {
			rc = errno;
			close(fd);
			errno = rc;
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0)
		return err_errno(err, "unable to connect to '%s:%s'", address->host, address->port);
	return fd;
}

/* ---- cookies ---- */

int socket_cookie_make(char cookie[SOCKET_COOKIE])
{
	unsigned char random[(SOCKET_COOKIE - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(cookie + 2 * i, 3, "%02x", random[i]);
	return 0;
}

bool socket_cookie_valid(const char *text)
{
	return strlen(text) == SOCKET_COOKIE - 1 &&
	       strspn(text, "0123456789abcdefABCDEF") == SOCKET_COOKIE - 1;
}

bool socket_cookie_same(const char cookie[SOCKET_COOKIE], const char *text, size_t size)
{
	unsigned char differs = 0;

	if (size != SOCKET_COOKIE - 1)
		return false;
	for (size_t i = 0; i < SOCKET_COOKIE - 1; i++)
		differs |= (unsigned char)(cookie[i] ^ text[i]);
	return differs == 0;
}

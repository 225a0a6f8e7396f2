/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-tcp.c - a rendezvous with a server */
#include "clock.h"
#include "rendezvous-client.h"
#include "rendezvous-wire.h"
#include "socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GRACE_MS 10000 /* for an answer, above what the server may wait */

struct tcp {
	int fd; /* -1: lost */
	char host[300];
	uint8_t *in;
	size_t used;
};

static int lose(struct tcp *tcp)
{
	int saved = errno;

	close(tcp->fd);
	tcp->fd = -1;
	errno = saved;
	return -1;
}

/* Until FD is ready for EVENTS.  Returns 0, or -1 with errno. */
static int ready(int fd, short events, int64_t deadline)
{
	struct pollfd poller = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = rendezvous_stopped() ? 0 : deadline - clock_ms();
		int rc = poll(&poller, 1,
			      left < 0             ? 0
			      : left > RDV_LOOK_MS ? RDV_LOOK_MS
						   : (int)left);

		if (rc > 0)
			return 0;
		if ((rc < 0 && errno == EINTR) || (rc == 0 && left > RDV_LOOK_MS))
			continue;
		if (rc == 0)
			errno = ETIMEDOUT;
		return -1;
	}
}

static int send_all(struct tcp *tcp, const uint8_t *data, size_t size, int64_t deadline)
{
	while (size) {
		ssize_t sent = send(tcp->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN && ready(tcp->fd, POLLOUT, deadline) == 0)
			continue;
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -1;
		data += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static int receive(struct tcp *tcp, int64_t deadline, struct rdv_frame *reply)
{
	tcp->used = 0;
	for (;;) {
		long whole = rdv_frame_parse(tcp->in, tcp->used, RENDEZVOUS_VALUE, reply);
		ssize_t got;

		if (whole > 0 && (size_t)whole == tcp->used)
			return 0;
		if (whole) {
			errno = EPROTO;
			return -1;
		}
		got = recv(tcp->fd, tcp->in + tcp->used, RDV_FRAME_MAX - tcp->used, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN && ready(tcp->fd, POLLIN, deadline) == 0)
			continue;
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = ECONNRESET;
		if (got <= 0)
			return -1;
		tcp->used += (size_t)got;
	}
}

/* Send REQUEST; the answer has to be of type EXPECTED. */
static int ask(struct tcp *tcp, const struct rdv_frame *request, enum rdv_type expected,
	       int wait_ms, struct rdv_frame *reply, struct err *err)
{
	uint8_t head[RDV_HEADER + RENDEZVOUS_NAME];
	size_t size = rdv_frame_head(request, head);
	int64_t deadline = clock_ms() + wait_ms + GRACE_MS;

	if (tcp->fd < 0) {
		errno = EPIPE;
		return err_set(err, "the connection to '%s' is lost", tcp->host);
	}
	if (send_all(tcp, head, size, deadline) < 0 ||
	    send_all(tcp, request->value, request->value_size, deadline) < 0 ||
	    receive(tcp, deadline, reply) < 0) {
		lose(tcp);
		return err_errno(err, "no answer from '%s'", tcp->host);
	}
	if (reply->type == expected)
		return 0;
	errno = reply->type == RDV_ERROR ? rdv_errno(reply->number) : EPROTO;
	if (reply->type != RDV_ERROR)
		return err_set(err, "'%s' does not answer as a rendezvous does", tcp->host);
	return err_set(err, "%.*s", (int)(reply->value_size < 800 ? reply->value_size : 800),
		       (const char *)reply->value);
}

static int tcp_put(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		   struct err *err)
{
	struct rdv_frame request = { .type = RDV_PUT, .value = value, .value_size = size }, reply;

	snprintf(request.name, sizeof(request.name), "%s", key);
	return ask(rdv->way, &request, RDV_OK, 0, &reply, err);
}

static long tcp_get(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		    size_t size, int wait_ms, struct err *err)
{
	struct rdv_frame request = { .type = RDV_GET, .rank = rank, .number = (uint32_t)wait_ms },
			 reply;

	snprintf(request.name, sizeof(request.name), "%s", key);
	if (ask(rdv->way, &request, RDV_VALUE, wait_ms, &reply, err) < 0)
		return -1;
	if (reply.value_size && reply.value_size <= size)
		memcpy(buffer, reply.value, reply.value_size);
	return (long)reply.value_size;
}

static int tcp_fence(struct rendezvous *rdv, bool values, int wait_ms, struct err *err)
{
	struct rdv_frame request = { .type = RDV_FENCE, .number = (uint32_t)wait_ms }, reply;

	(void)values;
	return ask(rdv->way, &request, RDV_OK, wait_ms, &reply, err);
}

/* One exchange; RFC 5905, section 8, with T1 and T4 ours. */
static int ping(struct tcp *tcp, struct rendezvous_moment *moment, struct err *err)
{
	struct rdv_frame request = { .type = RDV_PING }, reply;
	int64_t t1 = clock_ns(CLOCK_MONOTONIC), t2, t3, t4;

	if (ask(tcp, &request, RDV_PONG, 0, &reply, err) < 0)
		return -1;
	t4 = clock_ns(CLOCK_MONOTONIC);
	if (reply.value_size != 16) {
		errno = EPROTO;
		return err_set(err, "'%s' does not answer as a rendezvous does", tcp->host);
	}
	t2 = (int64_t)rdv_u64_read(reply.value);
	t3 = (int64_t)rdv_u64_read(reply.value + 8);
	if (t2 < 0 || t3 < t2 || t3 - t2 > t4 - t1) {
		errno = EPROTO;
		return err_set(err, "the clock of '%s' does not run", tcp->host);
	}
	moment->at = t1 + (t4 - t1) / 2;
	moment->offset = (t2 - t1) + ((t3 - t2) - (t4 - t1)) / 2;
	moment->uncertainty = ((t4 - t1) - (t3 - t2) + 1) / 2 + 1; /* halves are cut */
	return 0;
}

static int tcp_clock(struct rendezvous *rdv, struct rendezvous_moment *best, unsigned pings,
		     struct err *err)
{
	struct rendezvous_moment moment;

	for (unsigned i = 0; i < pings; i++) {
		if (ping(rdv->way, &moment, err) < 0)
			return -1;
		if (i == 0 || moment.uncertainty < best->uncertainty)
			*best = moment;
	}
	return 0;
}

static void tcp_close(struct rendezvous *rdv)
{
	struct tcp *tcp = rdv->way;
	struct rdv_frame request = { .type = RDV_BYE }, reply;

	ask(tcp, &request, RDV_OK, 0, &reply, NULL);
	if (tcp->fd >= 0)
		close(tcp->fd);
	free(tcp->in);
	free(tcp);
}

static const struct rendezvous_ops tcp_ops = {
	.how = "tcp",
	.put = tcp_put,
	.get = tcp_get,
	.fence = tcp_fence,
	.clock = tcp_clock,
	.close = tcp_close,
};

/* Cut the SIZE off from HOST:PORT:COOKIE:SIZE. */
static int address_parse(const char *text, struct socket_address *address, uint32_t *size,
			 struct err *err)
{
	char copy[RENDEZVOUS_ADDRESS], *colon, *end;
	unsigned long number;

	snprintf(copy, sizeof(copy), "%s", text);
	colon = strrchr(copy, ':');
	if (strlen(text) < sizeof(copy) && colon && colon[1] >= '1' && colon[1] <= '9') {
		number = strtoul(colon + 1, &end, 10);
		*colon = '\0';
		if (!*end && number <= RENDEZVOUS_RANKS &&
		    socket_address_parse(address, copy) == 0) {
			*size = (uint32_t)number;
			return 0;
		}
	}
	errno = EINVAL;
	/* not the text: it may have a cookie in it */
	return err_set(err, "the address of the rendezvous is not HOST:PORT:COOKIE:SIZE");
}

static int hello(struct rendezvous *rdv, struct tcp *tcp, const char *cookie, struct err *err)
{
	char value[RDV_HELLO_MAX + 1];
	struct rdv_frame request = {
		.type = RDV_HELLO,
		.rank = rdv->rank,
		.number = rdv->generation,
		.value = (const uint8_t *)value,
		.value_size = (uint32_t)snprintf(value, sizeof(value), "%s%s", cookie, rdv->node),
	};
	struct rdv_frame reply;
	uint32_t size;

	memcpy(request.name, rdv->program, sizeof(request.name));
	if (ask(tcp, &request, RDV_WELCOME, 0, &reply, err) < 0)
		return -1;
	size = reply.value_size == 4 ? (uint32_t)reply.value[0] << 24 | reply.value[1] << 16 |
					       reply.value[2] << 8 | reply.value[3]
				     : 0;
	if (size != rdv->size || reply.rank >= size) {
		errno = EPROTO;
		return err_set(err, "'%s' is a rendezvous of %u ranks, not of %u", tcp->host, size,
			       rdv->size);
	}
	rdv->rank = reply.rank;
	rdv->generation = reply.number;
	return 0;
}

int rdv_tcp_open(struct rendezvous *rdv, const char *text, int wait_ms, struct err *err)
{
	struct socket_address address;
	struct tcp *tcp;
	int on = 1;

	if (address_parse(text, &address, &rdv->size, err) < 0)
		return -1;
	tcp = calloc(1, sizeof(*tcp));
	if (!tcp || !(tcp->in = malloc(RDV_FRAME_MAX))) {
		free(tcp);
		return err_errno(err, "'%s'", address.host);
	}
	snprintf(tcp->host, sizeof(tcp->host), "%s:%s", address.host, address.port);
	tcp->fd = socket_connect(&address, wait_ms, err);
	if (tcp->fd >= 0) {
		setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(tcp->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	if (tcp->fd < 0 || hello(rdv, tcp, address.cookie, err) < 0) {
		if (tcp->fd >= 0)
			lose(tcp);
		free(tcp->in);
		free(tcp);
		return -1;
	}
	rdv->ops = &tcp_ops;
	rdv->way = tcp;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-server.c - the sockets of a rendezvous
 *
 * A client has one request under way at a time: nothing is read from it until
 * its answer is sent, so that it never holds more than one frame each way.
 * What can fail for one client ends that client: at the end of a turn, as
 * others of the same turn may still point to it.
 */
#include "rendezvous-server.h"
#include "clock.h"
#include "rendezvous-session.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS    256
#define ACCEPTS   64    /* in one turn */
#define HELLO_MS  10000 /* to say who one is */
#define RETRY_MS  200   /* until a descriptor may be free again */
#define SMALL     256   /* bytes of a buffer that is kept */
#define STRANGERS 1024  /* clients above four for each rank */

struct client {
	struct client *next, **at; /* of all */
	struct client *next_dead;
	struct rendezvous_server *server;
	int fd;
	bool dead, clean;
	uint32_t events;             /* that are watched */
	int64_t since;               /* ms */
	struct rdv_session *session; /* NULL: has not said who it is */
	uint32_t rank;
	bool busy; /* its request is not answered yet */
	uint8_t *in, *out;
	size_t in_size, in_used, out_size, out_done;
};

struct rendezvous_server {
	int listener, epoll, wake;
	bool listening; /* the listener is watched */
	int64_t retry;  /* ms: when to listen again */
	unsigned port;
	char cookie[SOCKET_COOKIE];
	struct rdv_book book;
	struct client *clients, *dead;
	uint32_t client_count, client_max, strangers;
	uint64_t buffers;
};

/* ---- one client ---- */

static void bury(struct client *client, bool clean)
{
	if (client->dead)
		return;
	client->dead = true;
	client->clean = clean;
	client->next_dead = client->server->dead;
	client->server->dead = client;
}

static void watch(struct client *client, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	if (client->events == events)
		return;
	client->events = events;
	if (epoll_ctl(client->server->epoll, EPOLL_CTL_MOD, client->fd, &event) < 0)
		bury(client, false);
}

static void rewatch(struct client *client)
{
	if (client->out)
		watch(client, EPOLLOUT);
	else
		watch(client, client->busy ? EPOLLRDHUP : EPOLLIN);
}

/* Send what there is to send, as far as it goes. */
static void flush(struct client *client)
{
	while (client->out && client->out_done < client->out_size) {
		ssize_t sent =
			send(client->fd, client->out + client->out_done,
			     client->out_size - client->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0) {
			bury(client, false);
			return;
		}
		client->out_done += (size_t)sent;
	}
	if (client->out && client->out_done == client->out_size) {
		client->server->buffers -= client->out_size;
		free(client->out);
		client->out = NULL;
		client->busy = false;
	}
	rewatch(client);
}

static void answer(void *owner, const struct rdv_frame *frame)
{
	struct client *client = owner;

	if (client->dead)
		return;
	client->out_size = RDV_HEADER + RENDEZVOUS_NAME + frame->value_size;
	client->out = malloc(client->out_size);
	if (!client->out) {
		bury(client, false);
		return;
	}
	client->out_size = rdv_frame_write(frame, client->out);
	client->out_done = 0;
	client->server->buffers += client->out_size;
	flush(client);
}

/* Whom we do not know is told why, and that is all. */
static void refuse(struct client *client, enum rdv_code code, const char *text)
{
	struct rdv_frame frame = rdv_frame_error(code, text);

	answer(client, &frame);
	bury(client, false);
}

/* ---- requests ---- */

static void on_hello(struct client *client, const struct rdv_frame *hello)
{
	struct rendezvous_server *server = client->server;
	size_t cookie = SOCKET_COOKIE - 1;
	uint32_t generation = hello->number, rank = hello->rank;
	char node[RENDEZVOUS_NODE] = "", text[RDV_TEXT];
	uint8_t size[8];
	enum rdv_code code;

	if (hello->value_size < cookie ||
	    !socket_cookie_same(server->cookie, (const char *)hello->value, cookie)) {
		refuse(client, RDV_REFUSED, "the cookie is not that of this rendezvous");
		return;
	}
	if (!*hello->name || !rdv_node_valid(hello->value + cookie, hello->value_size - cookie)) {
		refuse(client, RDV_WRONG, "no program or no node");
		return;
	}
	memcpy(node, hello->value + cookie, hello->value_size - cookie);
	client->session =
		rdv_join(&server->book, hello->name, &generation, &rank, node, client, &code, text);
	if (!client->session) {
		refuse(client, code, text);
		return;
	}
	server->strangers--;
	client->rank = rank;
	rdv_u64_write(size, server->book.size);
	answer(client, &(struct rdv_frame){
			       .type = RDV_WELCOME,
			       .rank = rank,
			       .number = generation,
			       .value = size + 4,
			       .value_size = 4,
		       });
}

static void on_ping(struct client *client, int64_t arrival)
{
	uint8_t times[16];

	rdv_u64_write(times, (uint64_t)arrival);
	rdv_u64_write(times + 8, (uint64_t)clock_ns(CLOCK_MONOTONIC));
	answer(client, &(struct rdv_frame){ .type = RDV_PONG, .value = times, .value_size = 16 });
}

static void on_bye(struct client *client)
{
	answer(client, &(struct rdv_frame){ .type = RDV_OK });
	bury(client, true);
}

static void on_frame(struct client *client, const struct rdv_frame *frame, int64_t arrival)
{
	bool named = frame->type == RDV_PUT || frame->type == RDV_GET;

	client->busy = true;
	if (!client->session && frame->type == RDV_HELLO)
		on_hello(client, frame);
	else if (!client->session || frame->type == RDV_HELLO || (named && !*frame->name))
		bury(client, false);
	else if (named || frame->type == RDV_FENCE)
		rdv_request(&client->server->book, client->session, client->rank, frame,
			    clock_ms());
	else if (frame->type == RDV_PING)
		on_ping(client, arrival);
	else if (frame->type == RDV_BYE)
		on_bye(client);
	else
		bury(client, false);
}

/* ---- bytes ---- */

static uint32_t value_max(const struct client *client)
{
	return client->session ? RENDEZVOUS_VALUE : RDV_HELLO_MAX;
}

/* Room for the frame that is coming in, or for any small one. */
static bool make_room(struct client *client)
{
	size_t size =
		client->in_used < SMALL ? SMALL : RDV_HEADER + RENDEZVOUS_NAME + value_max(client);
	uint8_t *in;

	if (client->in_size > client->in_used)
		return true;
	if (client->in_size >= size)
		return false;
	in = realloc(client->in, size);
	if (!in)
		return false;
	client->server->buffers += size - client->in_size;
	client->in = in;
	client->in_size = size;
	return true;
}

static void keep_small(struct client *client)
{
	if (client->in_used || client->in_size <= SMALL)
		return;
	client->server->buffers -= client->in_size;
	free(client->in);
	client->in = NULL;
	client->in_size = 0;
}

/* Do the frames that are there, as long as each is answered at once. */
static void digest(struct client *client, int64_t arrival)
{
	struct rdv_frame frame;
	size_t at = 0;

	while (!client->dead && !client->busy && at < client->in_used) {
		long used = rdv_frame_parse(client->in + at, client->in_used - at,
					    value_max(client), &frame);

		if (used < 0)
			bury(client, false);
		if (used <= 0)
			break;
		at += (size_t)used;
		on_frame(client, &frame, arrival);
	}
	client->in_used -= at;
	memmove(client->in, client->in + at, client->in_used);
	keep_small(client);
	if (!client->dead)
		rewatch(client);
}

static void on_readable(struct client *client)
{
	int64_t arrival = clock_ns(CLOCK_MONOTONIC);
	ssize_t got;

	if (!make_room(client)) {
		bury(client, false);
		return;
	}
	got = recv(client->fd, client->in + client->in_used, client->in_size - client->in_used,
		   MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		bury(client, false);
		return;
	}
	client->in_used += (size_t)got;
	digest(client, arrival);
}

static void on_event(struct client *client, uint32_t events)
{
	if (client->dead)
		return;
	if (client->out && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		flush(client);
		if (!client->dead && !client->busy && client->in_used)
			digest(client, clock_ns(CLOCK_MONOTONIC));
	} else if (client->busy && (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))) {
		bury(client, false);
	} else if (!client->busy) {
		on_readable(client);
	}
}

/* ---- coming and going ---- */

int rendezvous_server_adopt(struct rendezvous_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
	int on = 1;

	if (!client)
		return -1;
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(client);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* a node may be lost */
	*client = (struct client){
		.next = server->clients,
		.at = &server->clients,
		.server = server,
		.fd = fd,
		.events = EPOLLIN,
		.since = clock_ms(),
	};
	if (client->next)
		client->next->at = &client->next;
	server->clients = client;
	server->client_count++;
	server->strangers++;
	return 0;
}

static void client_destroy(struct client *client)
{
	struct rendezvous_server *server = client->server;

	*client->at = client->next;
	if (client->next)
		client->next->at = client->at;
	server->client_count--;
	if (client->session)
		rdv_leave(&server->book, client->session, client->rank, client->clean);
	else
		server->strangers--;
	server->buffers -= client->in_size + (client->out ? client->out_size : 0);
	close(client->fd);
	free(client->in);
	free(client->out);
	free(client);
}

/* That one leaves may end others, which it is answered to. */
static void bury_dead(struct rendezvous_server *server)
{
	while (server->dead) {
		struct client *client = server->dead;

		server->dead = client->next_dead;
		client_destroy(client);
	}
}

static void listen_again(struct rendezvous_server *server, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.ptr = NULL };

	if (server->listening == on)
		return;
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event) == 0)
		server->listening = on;
}

/* No descriptor, no memory or too many: the others wait in the backlog. */
static void pause_listening(struct rendezvous_server *server)
{
	listen_again(server, false);
	server->retry = clock_ms() + RETRY_MS;
}

static void on_connection(struct rendezvous_server *server)
{
	for (int i = 0; i < ACCEPTS && server->client_count < server->client_max; i++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
			return;
		if (fd < 0 || rendezvous_server_adopt(server, fd) < 0) {
			if (fd >= 0)
				close(fd);
			pause_listening(server);
			return;
		}
	}
	if (server->client_count >= server->client_max)
		pause_listening(server);
}

/* Who does not say who it is has no place here for long. */
static void drop_strangers(struct rendezvous_server *server, int64_t now)
{
	if (!server->strangers)
		return;
	for (struct client *client = server->clients; client; client = client->next)
		if (!client->session && now - client->since > HELLO_MS)
			bury(client, false);
}

/* ---- turns ---- */

static int wait_for(const struct rendezvous_server *server, int wait_ms, int64_t now)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : now + wait_ms;

	if (server->book.deadline < until)
		until = server->book.deadline;
	if (server->strangers && now + HELLO_MS < until)
		until = now + HELLO_MS;
	if (!server->listening && server->retry < until)
		until = server->retry;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : until - now > RDV_WAIT_MAX ? RDV_WAIT_MAX : (int)(until - now);
}

static bool stopped(const struct rendezvous_server *server)
{
	uint64_t count;

	return read(server->wake, &count, sizeof(count)) == sizeof(count);
}

static void end_turn(struct rendezvous_server *server)
{
	int64_t now = clock_ms();

	rdv_expire(&server->book, now);
	drop_strangers(server, now);
	bury_dead(server);
	if (!server->listening && now >= server->retry)
		listen_again(server, true);
}

int rendezvous_server_turn(struct rendezvous_server *server, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count =
		epoll_wait(server->epoll, events, EVENTS, wait_for(server, wait_ms, clock_ms()));
	bool stop = false;

	if (count < 0 && errno != EINTR)
		return -1;
	for (int i = 0; i < count; i++) {
		if (!events[i].data.ptr)
			on_connection(server);
		else if (events[i].data.ptr == server)
			stop = stopped(server);
		else
			on_event(events[i].data.ptr, events[i].events);
	}
	end_turn(server);
	return stop ? 0 : 1;
}

int rendezvous_server_run(struct rendezvous_server *server)
{
	int rc;

	while ((rc = rendezvous_server_turn(server, -1)) > 0)
		;
	return rc;
}

void rendezvous_server_stop(struct rendezvous_server *server)
{
	uint64_t one = 1;
	int saved = errno;

	if (write(server->wake, &one, sizeof(one)) < 0)
		errno = saved; /* it is set already */
}

/* ---- begin and end ---- */

static int poll_both(struct rendezvous_server *server)
{
	struct epoll_event listener = { .events = EPOLLIN, .data.ptr = NULL };
	struct epoll_event wake = { .events = EPOLLIN, .data.ptr = server };

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll < 0 || server->wake < 0 ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &listener) < 0)
		return -1;
	server->listening = true;
	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->wake, &wake);
}

struct rendezvous_server *rendezvous_server_create(const struct rendezvous_server_settings *s,
						   struct err *err)
{
	struct rendezvous_server *server;

	if (s->size < 1 || s->size > RENDEZVOUS_RANKS) {
		err_set(err, "a rendezvous of %" PRIu32 " ranks: 1 to %d", s->size,
			RENDEZVOUS_RANKS);
		return NULL;
	}
	if (s->cookie && !socket_cookie_valid(s->cookie)) {
		err_set(err, "a rendezvous' cookie has 32 hexadecimal digits");
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server) {
		err_errno(err, "unable to serve a rendezvous");
		return NULL;
	}
	server->epoll = server->wake = server->listener = -1;
	server->client_max = 4 * s->size + STRANGERS;
	if (s->cookie)
		memcpy(server->cookie, s->cookie, SOCKET_COOKIE);
	if (rdv_book_init(&server->book, s, answer) < 0 ||
	    (!s->cookie && socket_cookie_make(server->cookie) < 0) ||
	    (server->listener =
		     socket_listen(s->bind, s->first_port, s->last_port, &server->port)) < 0 ||
	    poll_both(server) < 0) {
		err_errno(err, "unable to serve a rendezvous");
		rendezvous_server_destroy(server);
		return NULL;
	}
	return server;
}

void rendezvous_server_destroy(struct rendezvous_server *server)
{
	const int *fds[] = { &server->listener, &server->epoll, &server->wake };

	if (!server)
		return;
	while (server->clients) {
		bury(server->clients, true);
		bury_dead(server);
	}
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	rdv_book_release(&server->book);
	free(server);
}

unsigned rendezvous_server_port(const struct rendezvous_server *server)
{
	return server->port;
}

const char *rendezvous_server_cookie(const struct rendezvous_server *server)
{
	return server->cookie;
}

int rendezvous_server_address(const struct rendezvous_server *server, const char *host, char *text,
			      size_t size)
{
	bool six = strchr(host, ':') && *host != '[';
	int length = snprintf(text, size, "%s%s%s:%u:%s:%" PRIu32, six ? "[" : "", host,
			      six ? "]" : "", server->port, server->cookie, server->book.size);

	return length >= 0 && (size_t)length < size ? 0 : -1;
}

uint32_t rendezvous_server_ended(const struct rendezvous_server *server)
{
	return server->book.ended;
}

uint32_t rendezvous_server_clients(const struct rendezvous_server *server)
{
	return server->client_count;
}

uint64_t rendezvous_server_memory(const struct rendezvous_server *server)
{
	return server->book.memory + server->buffers;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/door.h"

#include "clock.h"
#include "rendezvous.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELLO      (SOCKET_COOKIE - 1 + 4) /* bytes: the secret, the rank in network order */
#define ONE_TRY_MS 3000                    /* for an address of several */
#define GUEST_MS   5000                    /* to show all */
#define GUESTS     4096
#define LOOK_MS    200 /* between two looks at whether to wait at all */

struct door_guest {
	int fd;
	int64_t until; /* ms */
	uint32_t have;
	char hello[HELLO];
};

/* ---- the card: "NODE PORT COOKIE ADDRESS..." ---- */

static bool is_wanted(const struct ifaddrs *one, const char *interface, const char *address)
{
	if (interface)
		return !strcmp(interface, one->ifa_name) || !strcmp(interface, address);
	return !(one->ifa_flags & IFF_LOOPBACK);
}

static const char *address_text(const struct sockaddr *address, char *buf, size_t size)
{
	if (address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, buf,
				 (socklen_t)size);
	if (address->sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr))
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, buf,
				 (socklen_t)size);
	return NULL;
}

/* Append the host's addresses to CARD; how many. */
static int name_addresses(char card[DOOR_CARD], const char *interface)
{
	char text[INET6_ADDRSTRLEN];
	size_t length = strlen(card);
	struct ifaddrs *all;
	int count = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr || !(one->ifa_flags & IFF_UP) ||
		    !address_text(one->ifa_addr, text, sizeof(text)) ||
		    !is_wanted(one, interface, text) || length + sizeof(text) + 1 > DOOR_CARD)
			continue;
		length += (size_t)snprintf(card + length, DOOR_CARD - length, " %s", text);
		count++;
	}
	freeifaddrs(all);
	return count;
}

int door_open(struct door *door, uint32_t ranks, const char *interface, const char *node,
	      char card[DOOR_CARD], struct err *err)
{
	unsigned port;
	int named;

	*door = (struct door){ .fd = -1, .ranks = ranks };
	if (socket_cookie_make(door->cookie) < 0)
		return err_errno(err, "no random numbers");
	door->fd = socket_listen(NULL, 0, 0, &port);
	if (door->fd < 0)
		return err_errno(err, "unable to listen");
	snprintf(card, DOOR_CARD, "%s %u %s", node, port, door->cookie);
	named = name_addresses(card, interface);
	if (interface && !named) {
		door_close(door);
		return err_set(err, "interface='%s': no such interface or address on '%s'",
			       interface, node);
	}
	return 0;
}

void door_close(struct door *door)
{
	for (uint32_t i = 0; i < door->count; i++)
		close(door->guests[i].fd);
	free(door->guests);
	if (door->fd >= 0)
		close(door->fd);
	*door = (struct door){ .fd = -1 };
}

/* ---- who comes in ---- */

static void turn_away(struct door *door, uint32_t i)
{
	close(door->guests[i].fd);
	door->guests[i] = door->guests[--door->count];
}

static void let_in(struct door *door)
{
	uint32_t room = door->room ? 2 * door->room : 16;
	struct door_guest *guests;
	int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (door->count == door->room) {
		guests = room <= GUESTS ? realloc(door->guests, room * sizeof(*guests)) : NULL;
		if (!guests) {
			close(fd);
			return;
		}
		door->guests = guests;
		door->room = room;
	}
	door->guests[door->count++] =
		(struct door_guest){ .fd = fd, .until = clock_ms() + GUEST_MS };
}

static bool is_known(const struct door *door, const struct door_guest *guest, uint32_t *rank)
{
	uint32_t number;

	memcpy(&number, guest->hello + SOCKET_COOKIE - 1, sizeof(number));
	*rank = ntohl(number);
	return socket_cookie_same(door->cookie, guest->hello, SOCKET_COOKIE - 1) &&
	       *rank < door->ranks;
}

static int blocking(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Read on.  Returns 1 when all is there, 0 for later, -1 when it is to go. */
static int guest_read(struct door_guest *guest)
{
	ssize_t got = recv(guest->fd, guest->hello + guest->have, HELLO - guest->have, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return clock_ms() > guest->until ? -1 : 0;
	if (got <= 0)
		return -1;
	guest->have += (uint32_t)got;
	return guest->have == HELLO;
}

/* The first guest who has shown all, or -1. */
static int look_at_guests(struct door *door, uint32_t *rank)
{
	for (uint32_t i = 0; i < door->count;) {
		int rc = guest_read(&door->guests[i]);
		int fd = door->guests[i].fd;

		if (rc > 0 && is_known(door, &door->guests[i], rank)) {
			door->guests[i] = door->guests[--door->count];
			return fd;
		}
		if (rc)
			turn_away(door, i);
		else
			i++;
	}
	return -1;
}

static void wait_for_any(const struct door *door, int ms)
{
	struct pollfd *polled = calloc(door->count + 1, sizeof(*polled));

	if (!polled)
		return;
	polled[0] = (struct pollfd){ .fd = door->fd, .events = POLLIN };
	for (uint32_t i = 0; i < door->count; i++)
		polled[i + 1] = (struct pollfd){ .fd = door->guests[i].fd, .events = POLLIN };
	poll(polled, door->count + 1, ms);
	free(polled);
}

int door_accept(struct door *door, uint32_t *rank, int wait_ms)
{
	int64_t until = clock_ms() + wait_ms, left;
	int fd;

	for (;;) {
		fd = look_at_guests(door, rank);
		if (fd >= 0)
			return blocking(fd);
		left = rendezvous_stopped() ? 0 : until - clock_ms();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		wait_for_any(door, left < LOOK_MS ? (int)left : LOOK_MS);
		let_in(door);
	}
}

/* ---- who goes there ---- */

static int say_hello(int fd, const char *cookie, uint32_t rank)
{
	char hello[HELLO];
	uint32_t number = htonl(rank);

	memcpy(hello, cookie, SOCKET_COOKIE - 1);
	memcpy(hello + SOCKET_COOKIE - 1, &number, sizeof(number));
	return send(fd, hello, HELLO, MSG_NOSIGNAL) == HELLO ? 0 : -1;
}

static int try_address(struct socket_address *address, const char *host, uint32_t rank, int wait_ms,
		       struct err *err)
{
	int fd;

	snprintf(address->host, sizeof(address->host), "%s", host);
	fd = socket_connect(address, wait_ms < ONE_TRY_MS ? wait_ms : ONE_TRY_MS, err);
	if (fd < 0)
		return -1;
	if (say_hello(fd, address->cookie, rank) == 0)
		return blocking(fd);
	err_errno(err, "unable to send to '%s'", host);
	close(fd);
	return -1;
}

int door_visit(const char *card, uint32_t rank, const char *node, int wait_ms, struct err *err)
{
	char copy[DOOR_CARD], *rest, *host, *there;
	const char *port, *cookie;
	struct socket_address address = { 0 };
	int fd = -1;

	snprintf(copy, sizeof(copy), "%s", card);
	there = strtok_r(copy, " ", &rest);
	port = strtok_r(NULL, " ", &rest);
	cookie = strtok_r(NULL, " ", &rest);
	if (!cookie || !socket_cookie_valid(cookie) || strlen(port) >= sizeof(address.port))
		return err_set(err, "'%s': not the card of a rank", card);
	snprintf(address.port, sizeof(address.port), "%s", port);
	memcpy(address.cookie, cookie, SOCKET_COOKIE);
	if (!strcmp(there, node))
		fd = try_address(&address, "127.0.0.1", rank, wait_ms, err);
	while (fd < 0 && (host = strtok_r(NULL, " ", &rest)))
		fd = try_address(&address, host, rank, wait_ms, err);
	if (fd < 0)
		fd = try_address(&address, there, rank, wait_ms, err);
	return fd;
}

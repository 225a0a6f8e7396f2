/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rendezvous.c - any bytes from two clients of a rendezvous
 *
 * The first byte says how many of the others come from the first client, in
 * units of 16; the rest comes from the second.  Whatever it is, the server goes
 * on, gives back all that it took, and holds no more than it may meanwhile.
 */
#include "fuzz.h"
#include "rendezvous-server.h"
#include "rendezvous-wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COOKIE "00112233445566778899aabbccddeeff"
#define MEMORY 100000

static int client(struct rendezvous_server *server)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ||
	    rendezvous_server_adopt(server, ends[1]) < 0)
		abort();
	return ends[0];
}

static void check(const struct rendezvous_server *server)
{
	if (rendezvous_server_memory(server) > MEMORY + 4 * RDV_FRAME_MAX)
		abort();
}

/* What comes back has to be frames. */
static void read_back(int fd)
{
	static uint8_t bytes[RDV_FRAME_MAX];
	static size_t used;
	struct rdv_frame frame;
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
	long one;

	used = got > 0 ? (size_t)got : 0;
	for (size_t at = 0; at < used; at += (size_t)one) {
		one = rdv_frame_parse(bytes + at, used - at, RENDEZVOUS_VALUE, &frame);
		if (one < 0 || (one > 0 && frame.type < RDV_WELCOME))
			abort();
		if (one == 0)
			break;
	}
}

static void feed(struct rendezvous_server *server, int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size < 1000 ? size : 1000, MSG_NOSIGNAL);

		rendezvous_server_turn(server, 0);
		check(server);
		if (sent <= 0)
			return; /* it hung up, or waits for something */
		data += sent;
		size -= (size_t)sent;
	}
	rendezvous_server_turn(server, 0);
	read_back(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rendezvous_server_settings settings = {
		.size = 2,
		.bind = "127.0.0.1",
		.cookie = COOKIE,
		.memory = MEMORY,
	};
	struct rendezvous_server *server = rendezvous_server_create(&settings, NULL);
	size_t first = size ? data[0] * 16u : 0;
	int one, two;

	if (!server)
		abort();
	if (size) {
		data++;
		size--;
	}
	first = first < size ? first : size;
	one = client(server);
	two = client(server);
	feed(server, one, data, first);
	feed(server, two, data + first, size - first);
	close(one);
	rendezvous_server_turn(server, 0);
	close(two);
	while (rendezvous_server_clients(server))
		if (rendezvous_server_turn(server, 1000) < 0)
			abort();
	if (rendezvous_server_memory(server) > MEMORY)
		abort();
	rendezvous_server_destroy(server);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static char *shared;                    /* own memory, at the same address in both */
static volatile _Atomic uint64_t *flag; /* in it */
static int wakers[2], sockets[2];

static pid_t peer(void)
{
	return stage->address[!side].pid;
}

/* A connection of this process to itself, of which each side will take an end. */
static void connect_ends(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sockets[0] = socket(AF_INET, SOCK_STREAM, 0);
	need(!bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 1) &&
		     !getsockname(listener, (struct sockaddr *)&address, &length) &&
		     !connect(sockets[0], (struct sockaddr *)&address, length),
	     "TCP over loopback");
	sockets[1] = accept(listener, NULL, NULL);
	need(sockets[1] >= 0, "accept");
	close(listener);
	for (int i = 0; i < 2; i++)
		setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void raw_open(char *memory)
{
	shared = memory;
	flag = (void *)(memory + LARGE);
	wakers[0] = eventfd(0, 0);
	wakers[1] = eventfd(0, 0);
	need(wakers[0] >= 0 && wakers[1] >= 0, "eventfd");
	connect_ends();
}

/* --- what the device is made of --- */

double raw_write(void)
{
	static double times[ROUNDS];
	uint64_t buffer[8] = { 0 };
	struct iovec local = { buffer, sizeof(buffer) }, remote = { (void *)flag, sizeof(buffer) };

	*flag = 0;
	meet();
	for (int i = 1; i <= ROUNDS; i++) {
		double start = now();

		buffer[0] = (uint64_t)i;
		while (side && *flag != (uint64_t)i)
			;
		need(process_vm_writev(peer(), &local, 1, &remote, 1, 0) > 0, "process_vm_writev");
		while (!side && *flag != (uint64_t)i)
			;
		times[i - 1] = now() - start;
	}
	return median(times, ROUNDS) / 2 * 1e6;
}

double raw_read(void)
{
	static double times[ROUNDS];
	char buffer[64];
	struct iovec local = { buffer, sizeof(buffer) }, remote = { (void *)flag, sizeof(buffer) };

	meet();
	for (int i = 0; !side && i < ROUNDS; i++) {
		double start = now();

		need(process_vm_readv(peer(), &local, 1, &remote, 1, 0) > 0, "process_vm_readv");
		times[i] = now() - start;
	}
	meet();
	return side ? 0 : median(times, ROUNDS) * 1e6;
}

/* Seconds for COUNT copies of SIZE bytes. */
static double copies(size_t size, int count)
{
	struct iovec local = { shared, size }, remote = { shared, size };
	double start;

	meet();
	start = now();
	for (int i = 0; !side && i < count; i++)
		need(process_vm_writev(peer(), &local, 1, &remote, 1, 0) > 0, "process_vm_writev");
	start = now() - start;
	meet();
	return start;
}

double raw_rate(void)
{
	return CALLS / copies(8, CALLS) / 1e6;
}

double raw_copy(void)
{
	return COPIES * (double)LARGE / copies(LARGE, COPIES) / 1e9;
}

double raw_wake(void)
{
	static double times[ROUNDS];
	uint64_t one = 1;

	meet();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		if (side)
			need(read(wakers[1], &one, 8) == 8, "read");
		need(write(wakers[!side], &one, 8) == 8, "write");
		if (!side)
			need(read(wakers[0], &one, 8) == 8, "read");
		times[i] = now() - start;
	}
	return median(times, ROUNDS) / 2 * 1e6;
}

/* --- TCP over loopback --- */

static void receive(char *buffer, size_t length, int flags)
{
	for (size_t got = 0; got < length;) {
		ssize_t more = recv(sockets[side], buffer + got, length - got, flags);

		need(more > 0 || errno == EAGAIN, "recv");
		got += more > 0 ? (size_t)more : 0;
	}
}

static double tcp(size_t length, int flags)
{
	static double times[ROUNDS];
	char buffer[64] = { 0 };

	meet();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		if (side)
			receive(buffer, length, flags);
		need(send(sockets[side], buffer, length, 0) == (ssize_t)length, "send");
		if (!side)
			receive(buffer, length, flags);
		times[i] = now() - start;
	}
	return median(times, ROUNDS) / 2 * 1e6;
}

double tcp_8(void)
{
	return tcp(8, MSG_DONTWAIT);
}

double tcp_64(void)
{
	return tcp(64, MSG_DONTWAIT);
}

double tcp_wake(void)
{
	return tcp(8, 0);
}

double tcp_copy(void)
{
	double start;
	char done = 0;

	meet();
	start = now();
	for (int i = 0; i < COPIES; i++)
		if (side)
			receive(shared + LARGE, LARGE, 0);
		else
			need(send(sockets[0], shared, LARGE, 0) == LARGE, "send");
	if (side)
		need(send(sockets[1], &done, 1, 0) == 1, "send");
	else
		receive(&done, 1, 0);
	return COPIES * (double)LARGE / (now() - start) / 1e9;
}

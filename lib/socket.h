/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - TCP connections that take a bounded time, and who may make them
 *
 * Uses libc only.  All descriptors are close-on-exec.
 */
#ifndef NETEMU_SOCKET_H
#define NETEMU_SOCKET_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define SOCKET_COOKIE 33 /* 32 hexadecimal digits and NUL */

/* HOST:PORT:COOKIE and what follows it. */
struct socket_address {
	char host[256];
	char port[8];
	char cookie[SOCKET_COOKIE];
};

/* Take TEXT, HOST:PORT:COOKIE (IPv6 hosts in brackets), apart.  Returns 0, or -1
 * when it is something else.
 */
int socket_address_parse(struct socket_address *address, const char *text);

/* Listen, without blocking, on a port of FIRST..LAST (0, 0: any) of the numeric
 * address BIND (NULL: any, IPv6 and IPv4).  Returns the descriptor with *PORT
 * set, or -1 with errno.
 */
int socket_listen(const char *bind, unsigned first, unsigned last, unsigned *port);

/* Connect to ADDRESS within WAIT_MS; the descriptor blocks.  Returns it, or -1
 * with ERR written.
 */
int socket_connect(const struct socket_address *address, int wait_ms, struct err *err);

/* 128 random bits.  Returns 0, or -1 with errno. */
int socket_cookie_make(char cookie[SOCKET_COOKIE]);

/* Whether TEXT is 32 hexadecimal digits. */
bool socket_cookie_valid(const char *text);

/* Whether the SIZE bytes at TEXT are COOKIE.  Takes as long for a nearly right one
 * as for a wrong one.
 */
bool socket_cookie_same(const char cookie[SOCKET_COOKIE], const char *text, size_t size);

#endif

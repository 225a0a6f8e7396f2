/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-server.h - a rendezvous' server, for tests */
#ifndef NETEMU_RENDEZVOUS_SERVER_H
#define NETEMU_RENDEZVOUS_SERVER_H

#include "rendezvous.h"

/* Take the connected stream socket FD as a client; it is closed in the end.  Returns
 * 0, or -1 with errno and FD as it was.
 */
int rendezvous_server_adopt(struct rendezvous_server *server, int fd);

/* Bytes of values and of buffers that are held now. */
uint64_t rendezvous_server_memory(const struct rendezvous_server *server);

#endif

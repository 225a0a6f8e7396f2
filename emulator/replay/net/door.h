/* SPDX-License-Identifier: Apache-2.0 */
/* door.h - TCP connections between the ranks of a run
 *
 * Who listens publishes a card by the rendezvous: node, port, a secret and all addresses of
 * the host.  Who connects tries these one after the other and shows the secret
 * and its rank; others are turned away, and nobody who stalls keeps the rest waiting.
 */
#ifndef NET_DOOR_H
#define NET_DOOR_H

#include "err.h"
#include "socket.h"

#include <stdbool.h>
#include <stdint.h>

#define DOOR_CARD 2048 /* bytes of a card, with its zero */

struct door_guest;

struct door {
	int fd;
	char cookie[SOCKET_COOKIE];
	struct door_guest *guests; /* who have not shown all yet; owned */
	uint32_t count, room;
	uint32_t ranks;
};

/* Listen for ranks below RANKS and write the CARD.  INTERFACE, a name or a numeric
 * address, is the only one that is named; NULL: all.  Returns 0, or -1 with ERR.
 */
int door_open(struct door *door, uint32_t ranks, const char *interface, const char *node,
	      char card[DOOR_CARD], struct err *err);
void door_close(struct door *door);

/* Wait up to WAIT_MS for the next rank that comes in.  Returns its connection (blocking)
 * with *RANK set, or -1 with errno (ETIMEDOUT).
 */
int door_accept(struct door *door, uint32_t *rank, int wait_ms);

/* Go to whom CARD belongs to, as RANK from NODE.  Returns a connection (blocking), or -1 with
 * ERR.
 */
int door_visit(const char *card, uint32_t rank, const char *node, int wait_ms, struct err *err);

#endif

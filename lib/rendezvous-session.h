/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-session.h - what a rendezvous' server remembers
 *
 * Sessions, who is in them and waits for what, and their values; no sockets.
 * Whoever waits is answered through a function.  An answer must not change the book.
 */
#ifndef NETEMU_RENDEZVOUS_SESSION_H
#define NETEMU_RENDEZVOUS_SESSION_H

#include "rendezvous-wire.h"

/* Answer the request of OWNER (a connection). */
typedef void (*rdv_answer_fn)(void *owner, const struct rdv_frame *answer);

struct rdv_session;

/* One server's sessions. */
struct rdv_book {
	uint32_t size; /* ranks of each session */
	uint64_t memory, memory_max;
	char **nodes; /* of each rank, or NULL; owned */
	rdv_answer_fn answer;
	struct rdv_session *sessions; /* the newest first; owned */
	struct rdv_program *programs; /* owned */
	uint32_t session_count, program_count;
	uint32_t ended;   /* sessions */
	int64_t deadline; /* ms: nobody's wait ends before it */
};

/* Returns 0, or -1 with errno ENOMEM. */
int rdv_book_init(struct rdv_book *book, const struct rendezvous_server_settings *settings,
		  rdv_answer_fn answer);
void rdv_book_release(struct rdv_book *book);

/* Rank *RANK (RDV_ANY: it is set) joins *GENERATION (0: it is set) of PROGRAM, on
 * NODE.  Returns the session, or NULL with CODE and TEXT written.
 */
struct rdv_session *rdv_join(struct rdv_book *book, const char *program, uint32_t *generation,
			     uint32_t *rank, const char *node, void *owner, enum rdv_code *code,
			     char text[RDV_TEXT]);

/* Do a REQUEST (put, get, fence) of RANK; it is answered now or later.  NOW is in ms. */
void rdv_request(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		 const struct rdv_frame *request, int64_t now);

/* RANK goes; CLEAN when it said so. */
void rdv_leave(struct rdv_book *book, struct rdv_session *session, uint32_t rank, bool clean);

/* Answer whose time is over. */
void rdv_expire(struct rdv_book *book, int64_t now);

#endif

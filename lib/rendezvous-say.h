/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-say.h - ranks in sentences */
#ifndef NETEMU_RENDEZVOUS_SAY_H
#define NETEMU_RENDEZVOUS_SAY_H

#include "rendezvous-wire.h"

#define RDV_RANK_TEXT 128

/* "5", "5 (node3)", "5 (never came)" or "5 (node3, never came)" into TEXT, which is
 * returned; NODE may be NULL or "".
 */
const char *rdv_rank_text(char text[RDV_RANK_TEXT], uint32_t rank, const char *node, bool came);

/* Who is missing: the first of them by name. */
struct rdv_missing {
	uint32_t count, named;
	size_t used;
	char list[RDV_TEXT - 100];
};

/* One more, rank by rank; TEXT is that of rdv_rank_text(). */
void rdv_missing_add(struct rdv_missing *missing, const char *text);

/* Whether the next one would still be named. */
bool rdv_missing_room(const struct rdv_missing *missing);

/* "2 of 64 ranks are missing: 5 (node3), 7 (never came)" into TEXT. */
void rdv_missing_say(const struct rdv_missing *missing, uint32_t size, char text[RDV_TEXT]);

#endif

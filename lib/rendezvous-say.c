/* SPDX-License-Identifier: Apache-2.0 */
#include "rendezvous-say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMED 16

const char *rdv_rank_text(char text[RDV_RANK_TEXT], uint32_t rank, const char *node, bool came)
{
	int length = snprintf(text, RDV_RANK_TEXT, "%" PRIu32, rank);

	if (!node)
		node = "";
	if (*node || !came)
		snprintf(text + length, (size_t)(RDV_RANK_TEXT - length), " (%.*s%s%s)",
			 RENDEZVOUS_NODE - 1, node, *node && !came ? ", " : "",
			 came ? "" : "never came");
	return text;
}

bool rdv_missing_room(const struct rdv_missing *missing)
{
	return missing->named < NAMED &&
	       missing->used + RENDEZVOUS_NODE + 32 < sizeof(missing->list);
}

void rdv_missing_add(struct rdv_missing *missing, const char *text)
{
	missing->count++;
	if (!rdv_missing_room(missing))
		return;
	missing->used += (size_t)snprintf(missing->list + missing->used,
					  sizeof(missing->list) - missing->used, "%s%s",
					  missing->named++ ? ", " : "", text);
}

void rdv_missing_say(const struct rdv_missing *missing, uint32_t size, char text[RDV_TEXT])
{
	uint32_t more = missing->count - missing->named;
	int length =
		snprintf(text, RDV_TEXT, "%" PRIu32 " of %" PRIu32 " ranks %s missing: %s",
			 missing->count, size, missing->count == 1 ? "is" : "are", missing->list);

	if (more)
		snprintf(text + length, (size_t)(RDV_TEXT - length), " and %" PRIu32 " more", more);
}

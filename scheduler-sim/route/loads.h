/* SPDX-License-Identifier: Apache-2.0 */
/* loads.h - what every link carries
 *
 * Amounts are 128-bit fixed point with LOADS_SHIFT bits behind the point, so
 * that a share of a flow (ECMP) has an exact value as well: an amount that is
 * split hands its remainder to the first ports, so nothing appears or gets
 * lost, and what a job added can be subtracted to exactly 0.
 */
#ifndef NETEMU_LOADS_H
#define NETEMU_LOADS_H

#include "topology/topology.h"

#define LOADS_SHIFT 32

__extension__ typedef unsigned __int128 load_amount;

struct load {
	load_amount bytes, flows;
};

/* Which links have been asked for with loads_at(): bit link % 64 of word
 * link / 64, and the same of these words that are not 0.
 */
struct loads_touched {
	uint64_t *links, *words; /* owned */
};

struct loads {
	struct load *link; /* [count], by link; owned */
	uint32_t count;
	struct loads_touched touched; /* after loads_watch() */
};

static inline load_amount load_whole(uint64_t amount)
{
	return (load_amount)amount << LOADS_SHIFT;
}

/* The load of LINK, to be changed: who adds to loads asks here. */
static inline struct load *loads_at(struct loads *loads, uint32_t link)
{
	if (loads->touched.links) {
		loads->touched.links[link / 64] |= UINT64_C(1) << link % 64;
		loads->touched.words[link / 4096] |= UINT64_C(1) << link / 64 % 64;
	}
	return &loads->link[link];
}

/* What one job puts on the links: sparse, ascending by link. */
struct load_share {
	uint32_t link;
	struct load load;
};

struct load_shares {
	struct load_share *share; /* owned */
	size_t count;
};

/* All 0.  Returns 0, or -1 with errno ENOMEM. */
int loads_init(struct loads *loads, uint32_t links);
void loads_release(struct loads *loads);
void loads_clear(struct loads *loads);

/* From now on know which links are touched.  Returns 0, or -1 with errno ENOMEM. */
int loads_watch(struct loads *loads);

/* The links touched since the last call, ascending, into LINKS (room for count);
 * none is any more.  Returns how many.
 */
uint32_t loads_take_touched(struct loads *loads, uint32_t *links);

void loads_add(struct loads *loads, const struct load_shares *shares);
/* Asserts that no link gets below 0. */
void loads_remove(struct loads *loads, const struct load_shares *shares);
void load_shares_release(struct load_shares *shares);

/* The sparse form of LOADS.  Returns 0, or -1 with errno ENOMEM. */
int loads_shares(const struct loads *loads, struct load_shares *shares);

/* AMOUNT in decimal: an integer when it is one, else the shortest text with at
 * most 9 digits behind the point.  BUF of at least 64 bytes.  Returns BUF.
 */
char *load_text(load_amount amount, char *buf, size_t size);

/* Rounded down, UINT64_MAX when it is more. */
uint64_t load_integer(load_amount amount);
double load_double(load_amount amount);

#endif

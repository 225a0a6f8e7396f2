/* SPDX-License-Identifier: Apache-2.0 */
/* hostset.h - sets of hosts as bits, see netemu_hostset */
#ifndef NETEMU_HOSTSET_H
#define NETEMU_HOSTSET_H

#include "policy.h"

#include <string.h>

static inline size_t hostset_words(uint32_t hosts)
{
	return ((size_t)hosts + 63) / 64;
}

static inline bool hostset_has(const netemu_hostset *set, uint32_t host)
{
	return set[host / 64] >> host % 64 & 1;
}

static inline void hostset_add(netemu_hostset *set, uint32_t host)
{
	set[host / 64] |= UINT64_C(1) << host % 64;
}

static inline void hostset_remove(netemu_hostset *set, uint32_t host)
{
	set[host / 64] &= ~(UINT64_C(1) << host % 64);
}

static inline void hostset_copy(netemu_hostset *to, const netemu_hostset *from, uint32_t hosts)
{
	memcpy(to, from, hostset_words(hosts) * sizeof(*to));
}

static inline void hostset_clear(netemu_hostset *set, uint32_t hosts)
{
	memset(set, 0, hostset_words(hosts) * sizeof(*set));
}

static inline void hostset_fill(netemu_hostset *set, uint32_t hosts)
{
	memset(set, 0xff, hostset_words(hosts) * sizeof(*set));
	if (hosts % 64)
		set[hosts / 64] = (UINT64_C(1) << hosts % 64) - 1;
}

/* How many bits of WORD are set; in its place, as most processors that are built
 * for would have a function called.
 */
static inline uint32_t hostset_bits(netemu_hostset word)
{
#ifdef __POPCNT__
	return (uint32_t)__builtin_popcountll(word);
#else
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
#endif
}

static inline uint32_t hostset_count(const netemu_hostset *set, uint32_t hosts)
{
	uint32_t count = 0;

	for (size_t w = 0; w < hostset_words(hosts); w++)
		count += hostset_bits(set[w]);
	return count;
}

/* How many of SET are in [FROM, TO). */
static inline uint32_t hostset_between(const netemu_hostset *set, uint32_t from, uint32_t to)
{
	uint64_t first = UINT64_MAX << from % 64, last = ~(UINT64_MAX << to % 64);
	size_t w = from / 64, end = to / 64;
	uint32_t count;

	if (w == end)
		return hostset_bits(to % 64 ? set[w] & first & last : 0);
	count = hostset_bits(set[w] & first);
	while (++w < end)
		count += hostset_bits(set[w]);
	return count + (uint32_t)(to % 64 ? hostset_bits(set[end] & last) : 0);
}

/* The first host >= FROM that is in SET (or, with FLIP all ones, is not); HOSTS
 * when there is none.
 */
static inline uint32_t hostset_find(const netemu_hostset *set, uint32_t from, uint32_t hosts,
				    uint64_t flip)
{
	size_t words = hostset_words(hosts), w = from / 64;
	uint64_t bits;
	uint32_t host;

	if (from >= hosts)
		return hosts;
	bits = (set[w] ^ flip) & UINT64_MAX << from % 64;
	while (!bits && ++w < words)
		bits = set[w] ^ flip;
	if (!bits)
		return hosts;
	host = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
	return host < hosts ? host : hosts;
}

static inline uint32_t hostset_next(const netemu_hostset *set, uint32_t from, uint32_t hosts)
{
	return hostset_find(set, from, hosts, 0);
}

static inline uint32_t hostset_gap(const netemu_hostset *set, uint32_t from, uint32_t hosts)
{
	return hostset_find(set, from, hosts, UINT64_MAX);
}

/* for (each host of SET) */
#define HOSTSET_FOREACH(host, set, hosts)                                 \
	for (uint32_t host = hostset_next(set, 0, hosts); host < (hosts); \
	     host = hostset_next(set, host + 1, hosts))

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* mt19937.h - the random numbers of Python's random module, bit for bit
 *
 * Mersenne Twister (Matsumoto and Nishimura, 1998) with init_by_array(), and
 * the derived draws as CPython makes them.
 */
#ifndef NETEMU_MT19937_H
#define NETEMU_MT19937_H

#include <stdint.h>

struct mt19937 {
	uint32_t state[624];
	unsigned int next;
};

/* As random.seed(SEED) does for an integer >= 0. */
void mt19937_init(struct mt19937 *mt, uint64_t seed);
uint32_t mt19937_u32(struct mt19937 *mt);
double mt19937_random(struct mt19937 *mt);                    /* random() */
double mt19937_expovariate(struct mt19937 *mt, double lambd); /* expovariate() */
uint32_t mt19937_below(struct mt19937 *mt, uint32_t below);   /* choice(): an index */
void mt19937_shuffle(struct mt19937 *mt, uint32_t *items, uint32_t count);

#endif

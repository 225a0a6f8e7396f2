/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - streams of random numbers, one for each consumer
 *
 * A stream is made from a seed, the name of what draws from it and a number
 * (a job, a host), so what one consumer draws never shifts what another gets,
 * and all sub-scenarios of a sweep see the same jobs.  The generator is
 * xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64.
 */
#ifndef NETEMU_RANDOM_H
#define NETEMU_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t s[4];
};

void random_init(struct random *random, uint64_t seed, const char *name, uint64_t number);
uint64_t random_next(struct random *random);
/* In [0, BELOW), each equally likely (BELOW > 0; Lemire, 2019). */
uint64_t random_below(struct random *random, uint64_t below);
/* In [0, 1), 53 bits. */
double random_real(struct random *random);
/* COUNT numbers in random order (Fisher and Yates). */
void random_shuffle(struct random *random, uint32_t *items, uint32_t count);
/* Exponential with mean 1 / RATE. */
double random_exponential(struct random *random, double rate);

#endif

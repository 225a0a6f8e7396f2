/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void random_init(struct random *random, uint64_t seed, const char *name, uint64_t number)
{
	uint64_t state = seed;

	state = splitmix(&state);
	for (; *name; name++) {
		state ^= (unsigned char)*name;
		state = splitmix(&state);
	}
	state ^= 0xff00; /* no byte: where the name ends */
	state = splitmix(&state) ^ number;
	for (int i = 0; i < 4; i++)
		random->s[i] = splitmix(&state);
}

static uint64_t rotate(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

uint64_t random_next(struct random *random)
{
	uint64_t *s = random->s;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random *random, uint64_t below)
{
	unsigned __int128 product = (unsigned __int128)random_next(random) * below;
	uint64_t reject;

	if ((uint64_t)product >= below)
		return (uint64_t)(product >> 64);
	reject = -below % below;
	while ((uint64_t)product < reject)
		product = (unsigned __int128)random_next(random) * below;
	return (uint64_t)(product >> 64);
}

double random_real(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

void random_shuffle(struct random *random, uint32_t *items, uint32_t count)
{
	for (uint32_t i = count; i-- > 1;) {
		uint32_t other = (uint32_t)random_below(random, (uint64_t)i + 1);
		uint32_t item = items[i];

		items[i] = items[other];
		items[other] = item;
	}
}

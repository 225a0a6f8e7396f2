/* SPDX-License-Identifier: Apache-2.0 */
#include "mt19937.h"

#include <math.h>

#define N 624
#define M 397

static void init_one(struct mt19937 *mt, uint32_t seed)
{
	mt->state[0] = seed;
	for (uint32_t i = 1; i < N; i++)
		mt->state[i] = 1812433253u * (mt->state[i - 1] ^ (mt->state[i - 1] >> 30)) + i;
	mt->next = N;
}

void mt19937_init(struct mt19937 *mt, uint64_t seed)
{
	const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
	uint32_t length = key[1] ? 2 : 1;
	uint32_t *state = mt->state;
	uint32_t at = 1, from = 0;

	init_one(mt, 19650218);
	for (unsigned int turn = 0; turn < 2 * N - 1; turn++) {
		uint32_t mixed = state[at - 1] ^ (state[at - 1] >> 30);

		if (turn < N) {
			state[at] = (state[at] ^ (mixed * 1664525u)) + key[from] + from;
			from = (from + 1) % length;
		} else {
			state[at] = (state[at] ^ (mixed * 1566083941u)) - at;
		}
		if (++at == N) {
			state[0] = state[N - 1];
			at = 1;
		}
	}
	state[0] = 0x80000000u;
}

static void refill(struct mt19937 *mt)
{
	for (unsigned int i = 0; i < N; i++) {
		uint32_t y = (mt->state[i] & 0x80000000u) | (mt->state[(i + 1) % N] & 0x7fffffffu);

		mt->state[i] = mt->state[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
	}
	mt->next = 0;
}

uint32_t mt19937_u32(struct mt19937 *mt)
{
	uint32_t y;

	if (mt->next >= N)
		refill(mt);
	y = mt->state[mt->next++];
	y ^= y >> 11;
	y ^= (y << 7) & 0x9d2c5680u;
	y ^= (y << 15) & 0xefc60000u;
	return y ^ (y >> 18);
}

double mt19937_random(struct mt19937 *mt)
{
	uint32_t high = mt19937_u32(mt) >> 5;
	uint32_t low = mt19937_u32(mt) >> 6;

	return (high * 67108864.0 + low) / 9007199254740992.0;
}

double mt19937_expovariate(struct mt19937 *mt, double lambd)
{
	return -log(1.0 - mt19937_random(mt)) / lambd;
}

uint32_t mt19937_below(struct mt19937 *mt, uint32_t below)
{
	int shift = __builtin_clz(below);
	uint32_t number;

	do
		number = mt19937_u32(mt) >> shift;
	while (number >= below);
	return number;
}

void mt19937_shuffle(struct mt19937 *mt, uint32_t *items, uint32_t count)
{
	for (uint32_t i = count; i-- > 1;) {
		uint32_t other = mt19937_below(mt, i + 1);
		uint32_t item = items[i];

		items[i] = items[other];
		items[other] = item;
	}
}

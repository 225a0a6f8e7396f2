/* SPDX-License-Identifier: Apache-2.0 */
#include "loads.h"

#include "large.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRACTION_DIGITS 9
#define FRACTION_UNIT   1000000000U           /* 10 to the FRACTION_DIGITS */
#define WHOLE_CHUNK     10000000000000000000U /* the largest power of ten in 64 bits */

static bool is_zero(const struct load *load)
{
	return !load->bytes && !load->flows;
}

/* 96 bits take up to 29 digits: two chunks of at most 19. */
static int print_whole(load_amount whole, char *buf, size_t size)
{
	uint64_t high = (uint64_t)(whole / WHOLE_CHUNK), low = (uint64_t)(whole % WHOLE_CHUNK);

	if (high)
		return snprintf(buf, size, "%" PRIu64 "%019" PRIu64, high, low);
	return snprintf(buf, size, "%" PRIu64, low);
}

int loads_init(struct loads *loads, uint32_t links)
{
	*loads = (struct loads){ .count = links };
	loads->link = large_calloc((size_t)links + 1, sizeof(*loads->link));
	if (loads->link)
		return 0;
	errno = ENOMEM;
	return -1;
}

void loads_release(struct loads *loads)
{
	free(loads->link);
	free(loads->touched.links);
	free(loads->touched.words);
	*loads = (struct loads){ 0 };
}

void loads_clear(struct loads *loads)
{
	memset(loads->link, 0, loads->count * sizeof(*loads->link));
}

int loads_watch(struct loads *loads)
{
	loads->touched.links = calloc(loads->count / 64 + 1, sizeof(uint64_t));
	loads->touched.words = calloc(loads->count / 4096 + 1, sizeof(uint64_t));
	if (loads->touched.links && loads->touched.words)
		return 0;
	errno = ENOMEM;
	return -1;
}

uint32_t loads_take_touched(struct loads *loads, uint32_t *links)
{
	struct loads_touched *touched = &loads->touched;
	uint32_t count = 0;

	for (uint32_t top = 0; top < loads->count / 4096 + 1; top++) {
		for (; touched->words[top]; touched->words[top] &= touched->words[top] - 1) {
			uint32_t word = top * 64 + (uint32_t)__builtin_ctzll(touched->words[top]);
			uint64_t bits = touched->links[word];

			for (; bits; bits &= bits - 1)
				links[count++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
			touched->links[word] = 0;
		}
	}
	return count;
}

void loads_add(struct loads *loads, const struct load_shares *shares)
{
	for (size_t i = 0; i < shares->count; i++) {
		const struct load_share *share = &shares->share[i];

		loads->link[share->link].bytes += share->load.bytes;
		loads->link[share->link].flows += share->load.flows;
	}
}

void loads_remove(struct loads *loads, const struct load_shares *shares)
{
	for (size_t i = 0; i < shares->count; i++) {
		const struct load_share *share = &shares->share[i];
		struct load *load = &loads->link[share->link];

		assert(load->bytes >= share->load.bytes && load->flows >= share->load.flows);
		load->bytes -= share->load.bytes;
		load->flows -= share->load.flows;
	}
}

void load_shares_release(struct load_shares *shares)
{
	free(shares->share);
	*shares = (struct load_shares){ 0 };
}

int loads_shares(const struct loads *loads, struct load_shares *shares)
{
	struct load_share *share;
	size_t count = 0;

	for (uint32_t i = 0; i < loads->count; i++)
		count += !is_zero(&loads->link[i]);
	share = malloc(count ? count * sizeof(*share) : 1);
	if (!share) {
		errno = ENOMEM;
		return -1;
	}
	*shares = (struct load_shares){ .share = share, .count = count };
	for (uint32_t i = 0; i < loads->count; i++) {
		if (!is_zero(&loads->link[i]))
			*share++ = (struct load_share){ .link = i, .load = loads->link[i] };
	}
	return 0;
}

char *load_text(load_amount amount, char *buf, size_t size)
{
	uint64_t fraction = (uint64_t)amount & (((uint64_t)1 << LOADS_SHIFT) - 1);
	load_amount whole = amount >> LOADS_SHIFT;
	char digits[FRACTION_DIGITS + 1];
	int used, last = FRACTION_DIGITS;

	/* to the nearest unit of the last digit, halves away from 0 */
	fraction = (fraction * FRACTION_UNIT + ((uint64_t)1 << (LOADS_SHIFT - 1))) >> LOADS_SHIFT;
	if (fraction == FRACTION_UNIT) {
		fraction = 0;
		whole++;
	}
	used = print_whole(whole, buf, size);
	if (!fraction)
		return buf;
	snprintf(digits, sizeof(digits), "%09" PRIu32, (uint32_t)fraction);
	while (digits[last - 1] == '0')
		last--;
	snprintf(buf + used, size - used, ".%.*s", last, digits);
	return buf;
}

uint64_t load_integer(load_amount amount)
{
	load_amount whole = amount >> LOADS_SHIFT;

	return whole > UINT64_MAX ? UINT64_MAX : (uint64_t)whole;
}

double load_double(load_amount amount)
{
	return ldexp((double)amount, -LOADS_SHIFT);
}

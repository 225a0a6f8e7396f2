/* SPDX-License-Identifier: Apache-2.0 */
#include "nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void nearest_init(struct nearest *nearest, const char *word)
{
	size_t length = strlen(word);

	nearest->word = word;
	nearest->letters = least(length / 3 + 2, length);
	nearest->name[0] = '\0';
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	size_t letters = nearest_distance(nearest->word, name);

	if (letters >= nearest->letters)
		return;
	nearest->letters = letters;
	snprintf(nearest->name, sizeof(nearest->name), "%s", name);
}

const char *nearest_name(const struct nearest *nearest)
{
	return nearest->name[0] ? nearest->name : NULL;
}

/* Wagner and Fischer (1974), with the swaps of Lowrance and Wagner (1975) that
 * nothing else is done to.  The last three rows of their table are enough.
 */
size_t nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_LENGTH], *row = rows[0], *above = rows[1], *before = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n >= NEAREST_LENGTH || m >= NEAREST_LENGTH)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]),
				       least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[m];
}

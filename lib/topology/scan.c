/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/scan.h"

#include <ctype.h>
#include <string.h>

void scan_blanks(struct scan *scan)
{
	while (*scan->at == ' ' || *scan->at == '\t')
		scan->at++;
}

static const char *behind_blanks(const struct scan *scan)
{
	struct scan ahead = *scan;

	scan_blanks(&ahead);
	return ahead.at;
}

bool scan_text(struct scan *scan, const char *text)
{
	const char *at = behind_blanks(scan);
	size_t length = strlen(text);

	if (strncmp(at, text, length) != 0)
		return false;
	scan->at = at + length;
	return true;
}

static int digit_of(char c, int base)
{
	int value = isdigit((unsigned char)c) ? c - '0' : 10 + (c | 0x20) - 'a';

	return isalnum((unsigned char)c) && value < base ? value : -1;
}

bool scan_number(struct scan *scan, int base, uint64_t max, uint64_t *value)
{
	const char *at = behind_blanks(scan);
	const char *start;
	uint64_t number = 0;
	int digit;

	if (base == 16 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (start = at; (digit = digit_of(*at, base)) >= 0; at++) {
		if (__builtin_mul_overflow(number, (uint64_t)base, &number) ||
		    __builtin_add_overflow(number, (uint64_t)digit, &number) || number > max)
			return false;
	}
	if (at == start)
		return false;
	scan->at = at;
	*value = number;
	return true;
}

bool scan_word(struct scan *scan, struct piece *word)
{
	const char *at = behind_blanks(scan);

	word->text = at;
	while (*at && *at != ' ' && *at != '\t')
		at++;
	word->length = (size_t)(at - word->text);
	if (word->length == 0)
		return false;
	scan->at = at;
	return true;
}

/* The last CLOSE in TEXT, or NULL. */
static const char *last_one(const char *text, const char *close)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, close)); at++)
		found = at;
	return found;
}

bool scan_between(struct scan *scan, const char *open, const char *close, bool last,
		  struct piece *piece)
{
	struct scan ahead = *scan;
	const char *end;

	if (!scan_text(&ahead, open))
		return false;
	end = last ? last_one(ahead.at, close) : strstr(ahead.at, close);
	if (!end)
		return false;
	piece->text = ahead.at;
	piece->length = (size_t)(end - ahead.at);
	scan->at = end + strlen(close);
	return true;
}

bool piece_is(const struct piece *piece, const char *text)
{
	return strlen(text) == piece->length && memcmp(piece->text, text, piece->length) == 0;
}

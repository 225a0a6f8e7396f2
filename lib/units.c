/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t scale;
};

/* A decimal number as it is written: WHOLE + FRACTION / DIVISOR. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
	uint64_t divisor;
};

static const struct unit durations[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000ull },
	{ "m", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
	{ "d", 86400 * 1000000000ull },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "k", 1ull << 10 },
	{ "kB", 1ull << 10 },
	{ "kiB", 1ull << 10 },
	{ "M", 1ull << 20 },
	{ "MB", 1ull << 20 },
	{ "MiB", 1ull << 20 },
	{ "G", 1ull << 30 },
	{ "GB", 1ull << 30 },
	{ "GiB", 1ull << 30 },
	{ "T", 1ull << 40 },
	{ "TB", 1ull << 40 },
	{ "TiB", 1ull << 40 },
	{ NULL, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits beyond the 18th after the point are below every unit and skipped. */
static const char *read_fraction(const char *text, struct decimal *number)
{
	const uint64_t limit = 1000000000000000000ull;

	for (; is_digit(*text); text++) {
		if (number->divisor == limit)
			continue;
		number->fraction = number->fraction * 10 + (uint64_t)(*text - '0');
		number->divisor *= 10;
	}
	return text;
}

/* Returns what follows the number, or NULL with errno EINVAL or ERANGE. */
static const char *read_decimal(const char *text, struct decimal *number)
{
	*number = (struct decimal){ .divisor = 1 };
	errno = EINVAL;
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		if (__builtin_mul_overflow(number->whole, 10, &number->whole) ||
		    __builtin_add_overflow(number->whole, *text - '0', &number->whole)) {
			errno = ERANGE;
			return NULL;
		}
	}
	if (*text != '.')
		return text;
	return is_digit(text[1]) ? read_fraction(text + 1, number) : NULL;
}

static int read_scaled(const char *text, const struct unit *units, uint64_t max, uint64_t *result)
{
	struct decimal number;
	unsigned __int128 value;

	text = read_decimal(text, &number);
	if (!text)
		return -1;
	while (units->name && strcmp(text, units->name) != 0)
		units++;
	if (!units->name) {
		errno = EINVAL;
		return -1;
	}
	value = (unsigned __int128)number.whole * units->scale +
		(unsigned __int128)number.fraction * units->scale / number.divisor;
	if (value > max) {
		errno = ERANGE;
		return -1;
	}
	*result = (uint64_t)value;
	return 0;
}

int units_duration(const char *text, int64_t *ns)
{
	uint64_t value;

	if (read_scaled(text, durations, INT64_MAX, &value) < 0)
		return -1;
	*ns = (int64_t)value;
	return 0;
}

int units_size(const char *text, uint64_t *bytes)
{
	return read_scaled(text, sizes, UINT64_MAX, bytes);
}

char *units_grouped(char *buf, size_t size, uint64_t count)
{
	char digits[32];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	size_t used = 0;

	for (size_t i = 0; i < n && used + 2 < size; i++) {
		if (i && (n - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

char *units_bytes(char *buf, size_t size, double bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const size_t last = sizeof(names) / sizeof(names[0]) - 1;
	size_t unit = 0;

	/* 1023.995 would be shown as 1024.00 */
	while (unit < last && bytes >= (unit ? 1023.995 : 1023.5)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, size, "%.*f %s", unit ? 2 : 0, bytes, names[unit]);
	return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stats_init(struct stats *stats)
{
	*stats = (struct stats){ .min = NAN, .max = NAN };
}

void stats_add(struct stats *stats, double value)
{
	stats_add_weighted(stats, value, 1);
}

void stats_add_weighted(struct stats *stats, double value, double weight)
{
	double delta = value - stats->mean;

	stats->count++;
	if (!(value >= stats->min))
		stats->min = value;
	if (!(value <= stats->max))
		stats->max = value;
	if (!(weight > 0))
		return;
	stats->weight += weight;
	stats->mean += delta * weight / stats->weight;
	stats->m2 += weight * delta * (value - stats->mean);
}

double stats_variance(const struct stats *stats)
{
	return stats->weight > 1 ? stats->m2 / (stats->weight - 1) : 0;
}

double stats_variance_weighted(const struct stats *stats)
{
	return stats->weight > 0 ? stats->m2 / stats->weight : 0;
}

double stats_percentile(const double *values, size_t count, double percent)
{
	double place, below;
	size_t i;

	if (count == 0)
		return NAN;
	place = (double)(count - 1) * fmin(fmax(percent, 0), 100) / 100;
	below = floor(place);
	i = (size_t)below;
	if (i + 1 >= count)
		return values[count - 1];
	return values[i] + (place - below) * (values[i + 1] - values[i]);
}

/* The probability that Student's t with FREEDOM degrees lies within
 * +- tan(ANGLE) * sqrt(FREEDOM) (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 */
static double student_within(uint64_t freedom, double angle)
{
	double square = cos(angle) * cos(angle);
	double term = freedom % 2 ? cos(angle) : 1;
	double sum = freedom > 1 ? term : 0;

	for (uint64_t i = 2 + freedom % 2; i < freedom; i += 2)
		sum += term *= square * (double)(i - 1) / (double)i;
	sum *= sin(angle);
	return freedom % 2 ? 2 / M_PI * (angle + sum) : sum;
}

/* The same for many degrees, by the expansion about the normal distribution
 * (Abramowitz and Stegun, 26.7.5): off by less than 1e-9 above 100 degrees.
 */
static double student_many(double freedom)
{
	const double z = 1.959963984540054; /* within: 95 % */
	const double z2 = z * z;
	double g1 = (z2 + 1) * z / 4;
	double g2 = ((5 * z2 + 16) * z2 + 3) * z / 96;
	double g3 = (((3 * z2 + 19) * z2 + 17) * z2 - 15) * z / 384;
	double g4 = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) * z / 92160;

	return z + (g1 + (g2 + (g3 + g4 / freedom) / freedom) / freedom) / freedom;
}

/* T for which Student's t lies within +-T in 95 of 100 cases. */
static double student(uint64_t freedom)
{
	double low = 0, high = M_PI / 2;

	if (freedom > 200)
		return student_many((double)freedom);
	for (int i = 0; i < 64; i++) {
		double middle = (low + high) / 2;

		if (student_within(freedom, middle) < 0.95)
			low = middle;
		else
			high = middle;
	}
	return tan(low) * sqrt((double)freedom);
}

double stats_confidence(uint64_t count, double variance)
{
	return count < 2 ? 0 : student(count - 1) * sqrt(variance / (double)count);
}

#define DIGITS 17

/* VALUE > 0 as COUNT significant digits and the exponent of the first one. */
static void digits_of(double value, int count, char *digits, int *exponent)
{
	char text[64];
	int n = 0;

	snprintf(text, sizeof(text), "%.*e", count - 1, value);
	for (const char *c = text; *c != 'e'; c++) /* the point depends on the locale */
		if (isdigit((unsigned char)*c))
			digits[n++] = *c;
	digits[n] = '\0';
	*exponent = atoi(strchr(text, 'e') + 1);
}

static bool reads_back(double value, const char *digits, int exponent)
{
	char text[64];

	/* without a point: 0.DIGITS would depend on the locale */
	snprintf(text, sizeof(text), "%se%d", digits, exponent - (int)strlen(digits) + 1);
	return strtod(text, NULL) == value;
}

/* The next larger number with as many DIGITS. */
static void increment(char *digits, int *exponent)
{
	size_t i = strlen(digits);

	while (i > 0 && digits[i - 1] == '9')
		digits[--i] = '0';
	if (i > 0) {
		digits[i - 1]++;
		return;
	}
	digits[0] = '1';
	++*exponent;
}

/* The fewest digits that read back as VALUE > 0.  All of up to 15 digits
 * survive being a double, so those of 15 without zeros behind are the fewest;
 * but for denormal numbers.  Below a power of two numbers lie closer than
 * above, so there the next larger may do where the nearest does not.
 */
static void shortest(double value, char *digits, int *exponent)
{
	for (int count = value < DBL_MIN ? 1 : 15; count < DIGITS; count++) {
		digits_of(value, count, digits, exponent);
		if (reads_back(value, digits, *exponent))
			goto done;
		increment(digits, exponent);
		if (reads_back(value, digits, *exponent))
			goto done;
	}
	digits_of(value, DIGITS, digits, exponent);
done:
	for (size_t n = strlen(digits); n > 1 && digits[n - 1] == '0'; n--)
		digits[n - 1] = '\0';
}

/* Python writes an exponent below 1e-4 and from 1e16 on. */
static void write_number(char *buf, size_t size, const char *sign, const char *digits, int exponent)
{
	int n = (int)strlen(digits);

	if (exponent < -4 || exponent >= 16)
		snprintf(buf, size, "%s%c%s%se%c%02d", sign, digits[0], n > 1 ? "." : "",
			 digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
	else if (exponent < 0)
		snprintf(buf, size, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
	else if (exponent + 1 < n)
		snprintf(buf, size, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
	else
		snprintf(buf, size, "%s%s%.*s.0", sign, digits, exponent + 1 - n,
			 "000000000000000");
}

char *stats_repr(char *buf, size_t size, double value)
{
	const char *sign = signbit(value) ? "-" : "";
	char digits[DIGITS + 1];
	int exponent;

	if (isnan(value)) {
		snprintf(buf, size, "nan");
	} else if (isinf(value)) {
		snprintf(buf, size, "%sinf", sign);
	} else if (value == 0) {
		snprintf(buf, size, "%s0.0", sign);
	} else {
		shortest(fabs(value), digits, &exponent);
		write_number(buf, size, sign, digits, exponent);
	}
	return buf;
}

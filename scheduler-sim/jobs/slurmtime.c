/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/slurmtime.h"
#include "policy.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECOND   INT64_C(1000000000)
#define WHEN_MAX INT64_C(7258118400) /* the year 2200 */
#define SPAN_MAX INT64_C(1577880000) /* 50 years: a time and a span fit 64 bits of ns */

static bool is_unknown(const char *text)
{
	static const char *const words[] = { "", "Unknown", "None", "N/A", "INVALID", "(null)" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

/* Exactly COUNT digits at *AT, and END behind them unless that is NUL. */
static int digits(const char **at, int count, char end, int *value)
{
	const char *p = *at;

	*value = 0;
	for (int i = 0; i < count; i++, p++) {
		if (!isdigit((unsigned char)*p))
			return -1;
		*value = *value * 10 + (*p - '0');
	}
	if (end && *p++ != end)
		return -1;
	*at = p;
	return 0;
}

/* Seconds of the hour in TM, local time.  Files hold many times of few hours, and
 * mktime() is slow, so the latest ones are kept: for each hour of 32 days one.
 */
#define HOURS (32 * 24)

static int hour_of(const struct tm *tm, int64_t *seconds)
{
	static _Thread_local struct {
		int year, month, day; /* day 0: none */
		int64_t seconds;
	} kept[HOURS], *slot;
	struct tm hour = {
		.tm_year = tm->tm_year,
		.tm_mon = tm->tm_mon,
		.tm_mday = tm->tm_mday,
		.tm_hour = tm->tm_hour,
		.tm_isdst = -1,
	};
	time_t when;

	slot = &kept[tm->tm_mday * 24 + tm->tm_hour];
	if (slot->day != tm->tm_mday || slot->month != tm->tm_mon || slot->year != tm->tm_year) {
		when = mktime(&hour);
		if (when == (time_t)-1 && tm->tm_year != 69)
			return -1;
		slot->year = tm->tm_year;
		slot->month = tm->tm_mon;
		slot->day = tm->tm_mday;
		slot->seconds = when;
	}
	*seconds = slot->seconds;
	return 0;
}

/* "Z", "+01", "+0100" or "+01:00" as seconds east. */
static int zone_of(const char *text, int64_t *east)
{
	int hours, minutes = 0, sign = *text == '-' ? -1 : 1;

	*east = 0;
	if (!strcmp(text, "Z"))
		return 0;
	if (*text != '+' && *text != '-')
		return -1;
	text++;
	if (digits(&text, 2, '\0', &hours) < 0)
		return -1;
	if (*text == ':')
		text++;
	if (*text && (digits(&text, 2, '\0', &minutes) < 0 || *text))
		return -1;
	if (hours > 14 || minutes > 59)
		return -1;
	*east = sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int date_of(const char *text, int64_t *seconds)
{
	int64_t hour, east;
	struct tm tm = { 0 };

	if (digits(&text, 4, '-', &tm.tm_year) < 0 || digits(&text, 2, '-', &tm.tm_mon) < 0 ||
	    digits(&text, 2, 'T', &tm.tm_mday) < 0 || digits(&text, 2, ':', &tm.tm_hour) < 0 ||
	    digits(&text, 2, ':', &tm.tm_min) < 0 || digits(&text, 2, '\0', &tm.tm_sec) < 0)
		return -1;
	if (tm.tm_year < 1970 || tm.tm_year > 2200 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (*text) {
		struct tm utc = tm;

		if (zone_of(text, &east) < 0)
			return -1;
		*seconds = timegm(&utc) - east;
		return 0;
	}
	if (hour_of(&tm, &hour) < 0)
		return -1;
	*seconds = hour + tm.tm_min * 60 + tm.tm_sec;
	return 0;
}

int slurmtime_when(const char *text, int64_t *ns)
{
	int64_t seconds;
	char *end;

	if (is_unknown(text)) {
		*ns = NETEMU_NEVER;
		return 0;
	}
	if (!strchr(text, 'T')) {
		errno = 0;
		seconds = strtoll(text, &end, 10);
		if (!isdigit((unsigned char)*text) || *end || errno)
			return -1;
	} else if (date_of(text, &seconds) < 0) {
		return -1;
	}
	if (seconds < 0 || seconds > WHEN_MAX)
		return -1;
	*ns = seconds * SECOND;
	return 0;
}

/* A number without sign that ends at *END. */
static int number(const char *text, char **end, int64_t *value)
{
	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*value = strtoll(text, end, 10);
	return errno || *value > SPAN_MAX ? -1 : 0;
}

/* ".123" as ns. */
static int fraction(const char *text, int64_t *ns)
{
	int64_t unit = SECOND / 10;

	*ns = 0;
	if (!*text)
		return 0;
	if (*text++ != '.' || !*text)
		return -1;
	for (; isdigit((unsigned char)*text); text++, unit /= 10)
		*ns += (*text - '0') * unit;
	return *text ? -1 : 0;
}

/* Parts between colons; ALONE is the seconds that a single number counts. */
static int clock_of(const char *text, int64_t alone, int64_t *ns)
{
	int64_t part[3], days = 0, seconds = 0, rest;
	int count = 0;
	char *end;

	if (strchr(text, '-')) {
		if (number(text, &end, &days) < 0 || *end != '-')
			return -1;
		text = end + 1;
	}
	do {
		if (number(text, &end, &part[count]) < 0)
			return -1;
		text = end + 1;
	} while (++count < 3 && *end == ':');
	if (fraction(end, &rest) < 0)
		return -1;
	if (days || count == 3) { /* D-HH, D-HH:MM, D-HH:MM:SS */
		for (int i = 0, unit = 3600; i < count; i++, unit /= 60)
			seconds += part[i] * unit;
	} else {
		seconds = count == 2 ? part[0] * 60 + part[1] : part[0] * alone;
	}
	seconds += days * 86400;
	if (seconds > SPAN_MAX)
		return -1;
	*ns = seconds * SECOND + rest;
	return 0;
}

int slurmtime_elapsed(const char *text, int64_t *ns)
{
	if (is_unknown(text)) {
		*ns = NETEMU_NEVER;
		return 0;
	}
	return clock_of(text, 1, ns);
}

int slurmtime_limit(const char *text, int64_t *ns, bool *given)
{
	*given = !is_unknown(text);
	*ns = NETEMU_NEVER;
	if (!*given || !strcasecmp(text, "UNLIMITED") || !strcasecmp(text, "Partition_Limit"))
		return 0;
	return clock_of(text, 60, ns);
}

int slurmtime_count(const char *text, uint64_t *count)
{
	static const char units[] = "KMGTP";
	const char *unit;
	double value;
	char *end;

	*count = 0;
	if (is_unknown(text))
		return 0;
	if (!isdigit((unsigned char)*text))
		return -1;
	value = strtod(text, &end);
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return -1;
		value *= (double)(UINT64_C(1) << (10 * (unit - units + 1)));
	}
	if (!isfinite(value) || value > 1e18)
		return -1;
	*count = (uint64_t)value;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000

static int by_value(const void *a, const void *b)
{
	double x = ((const struct series_span *)a)->value;
	double y = ((const struct series_span *)b)->value;

	return (x > y) - (x < y);
}

/* Sort the spans and bring equal values together. */
static void gather(struct series *series)
{
	size_t kept = 0;

	if (!series->count)
		return;
	qsort(series->spans, series->count, sizeof(*series->spans), by_value);
	for (size_t i = 1; i < series->count; i++) {
		if (series->spans[i].value == series->spans[kept].value)
			series->spans[kept].weight += series->spans[i].weight;
		else
			series->spans[++kept] = series->spans[i];
	}
	series->count = series->sorted = kept + 1;
}

static int make_room(struct series *series)
{
	struct series_span *spans;
	size_t room = series->room ? 2 * series->room : 1024;

	gather(series);
	if (series->count < series->room / 2)
		return 0;
	spans = realloc(series->spans, room * sizeof(*spans));
	if (!spans)
		return -1;
	series->spans = spans;
	series->room = room;
	return 0;
}

static int hold(struct series *series, int64_t until)
{
	double weight = (double)(until - series->since) / SECOND;

	if (weight <= 0)
		return 0;
	stats_add_weighted(&series->stats, series->value, weight);
	if (series->count && series->spans[series->count - 1].value == series->value) {
		series->spans[series->count - 1].weight += weight;
		return 0;
	}
	if (series->count == series->room && make_room(series) < 0)
		return -1;
	series->spans[series->count++] =
		(struct series_span){ .value = series->value, .weight = weight };
	return 0;
}

int series_open(struct series *series, const char *path, bool whole, struct err *err)
{
	memset(series, 0, sizeof(*series));
	series->whole = whole;
	stats_init(&series->stats);
	if (outfile_open(&series->file, path, err) < 0)
		return -1;
	fputs("Time,Value\n", series->file.stream);
	return 0;
}

void series_release(struct series *series)
{
	outfile_abort(&series->file);
	free(series->spans);
	memset(series, 0, sizeof(*series));
}

/* Decimal digits of NUMBER, at least WIDTH, to end before END.  Returns their start. */
static char *put_digits(char *end, uint64_t number, int width)
{
	do {
		*--end = (char)('0' + number % 10);
		number /= 10;
	} while (--width > 0 || number);
	return end;
}

/* A million events have a row in each of seven files: no printf() here. */
void series_put_seconds(FILE *out, int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char text[40], *end = text + sizeof(text), *start;

	start = put_digits(end, size % SECOND, 9);
	while (end - start > 1 && end[-1] == '0')
		end--;
	*--start = '.';
	start = put_digits(start, size / SECOND, 1);
	if (ns < 0)
		*--start = '-';
	fwrite(start, 1, (size_t)(end - start), out);
}

static void put_value(FILE *out, double value, bool whole)
{
	char text[32], *end = text + sizeof(text), *start;

	if (value == floor(value) && value >= 0 && value < 9007199254740992.0) {
		start = put_digits(end, (uint64_t)value, 1);
		fwrite(start, 1, (size_t)(end - start), out);
		fputs(whole ? "" : ".0", out);
	} else {
		fputs(stats_repr(text, sizeof(text), value), out);
	}
}

int series_put(struct series *series, int64_t time, double value)
{
	FILE *out = series->file.stream;

	if (series->begun && hold(series, time) < 0)
		return -1;
	series->begun = true;
	series->since = time;
	series->value = value;
	series_put_seconds(out, time);
	putc(',', out);
	put_value(out, value, series->whole);
	putc('\n', out);
	return 0;
}

int series_finish(struct series *series, int64_t time, struct err *err)
{
	if (series->begun && hold(series, time) < 0)
		return err_errno(err, "unable to write '%s'", series->file.path);
	gather(series);
	return outfile_commit(&series->file, err);
}

double series_percentile(const struct series *series, double percent)
{
	double least = series->stats.weight * percent / 100, sum = 0;

	if (!series->count)
		return NAN;
	for (size_t i = 0; i < series->count; i++) {
		sum += series->spans[i].weight;
		if (sum >= least * (1 - 1e-12))
			return series->spans[i].value;
	}
	return series->spans[series->count - 1].value;
}

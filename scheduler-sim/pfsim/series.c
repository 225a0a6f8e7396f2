/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pfsim/series.h"

#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void pfsim_series_init(struct pfsim_series *series, const char *name, bool timed, bool integer,
		       bool store)
{
	*series = (struct pfsim_series){
		.name = name,
		.timed = timed,
		.integer = integer,
		.store = store,
		.max = -INFINITY,
		.min = INFINITY,
	};
}

void pfsim_series_release(struct pfsim_series *series)
{
	free(series->values);
	free(series->times);
	series->values = series->times = NULL;
}

static int make_room(struct pfsim_series *series)
{
	size_t room = series->room ? 2 * series->room : 256;
	double *values, *times;

	if (!series->store || series->count < series->room)
		return 0;
	values = reallocarray(series->values, room, sizeof(*values));
	if (!values)
		return -1;
	series->values = values;
	times = reallocarray(series->times, room, sizeof(*times));
	if (!times)
		return -1;
	series->times = times;
	series->room = room;
	return 0;
}

/* One value, by Welford's method. */
static int keep(struct pfsim_series *series, double time, double value)
{
	double delta = value - series->mean;

	if (make_room(series) < 0)
		return -1;
	if (series->store) {
		series->values[series->count] = value;
		series->times[series->count] = time;
	}
	series->count++;
	if (value > series->max)
		series->max = value;
	if (value < series->min)
		series->min = value;
	series->mean += delta / (double)series->count;
	series->m2 += delta * (value - series->mean);
	return 0;
}

static int keep_held(struct pfsim_series *series, double time)
{
	double held = time - series->time, weight = held / time;
	double delta = series->value - series->time_mean;

	series->time_mean = series->time_mean * (1.0 - weight) + series->value * weight;
	series->time_m2 += held * delta * (series->value - series->time_mean);
	return keep(series, series->time, series->value);
}

int pfsim_series_add(struct pfsim_series *series, double time, double value)
{
	if (!series->timed)
		return keep(series, 0, value);
	if (series->begun && time > series->time && keep_held(series, time) < 0)
		return -1;
	if (!series->begun || time > series->time)
		series->time = time;
	series->begun = true;
	series->value = value;
	return 0;
}

double pfsim_series_variance(const struct pfsim_series *series)
{
	if (series->count < 2)
		return NAN;
	if (series->timed)
		return series->time_m2 / series->time;
	return series->m2 / (double)(series->count - 1);
}

/* VALUE as Python prints it, as an integer when the series has such. */
static char *text_of(const struct pfsim_series *series, double value, char *buf, size_t size)
{
	if (series->integer && isfinite(value))
		snprintf(buf, size, "%.0f", value);
	else
		stats_repr(buf, size, value);
	return buf;
}

static size_t widest(const struct pfsim_row *rows, size_t count, bool value, size_t width)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(value ? rows[i].value : rows[i].item);

		if (length > width)
			width = length;
	}
	return width;
}

static void table_rule(size_t item, size_t value, FILE *out)
{
	fputc('+', out);
	for (size_t i = 0; i < item + 2; i++)
		fputc('-', out);
	fputc('+', out);
	for (size_t i = 0; i < value + 2; i++)
		fputc('-', out);
	fputs("+\n", out);
}

void pfsim_table(const struct pfsim_row *rows, size_t count, FILE *out)
{
	size_t item = widest(rows, count, false, sizeof("Item") - 1);
	size_t value = widest(rows, count, true, sizeof("Value") - 1);

	table_rule(item, value, out);
	fprintf(out, "| %-*s | %-*s |\n", (int)item, "Item", (int)value, "Value");
	table_rule(item, value, out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "| %-*s | %-*s |\n", (int)item, rows[i].item, (int)value,
			rows[i].value);
	table_rule(item, value, out);
}

void pfsim_series_report(const struct pfsim_series *series, FILE *out)
{
	struct pfsim_row rows[] = {
		{ .item = "Max" },   { .item = "Min" },      { .item = "Mean" },
		{ .item = "Count" }, { .item = "Variance" },
	};
	double mean = series->timed ? series->time_mean : series->mean;
	const size_t size = sizeof(rows[0].value);

	text_of(series, series->max, rows[0].value, size);
	text_of(series, series->min, rows[1].value, size);
	stats_repr(rows[2].value, size, mean);
	snprintf(rows[3].value, size, "%zu", series->count);
	stats_repr(rows[4].value, size, pfsim_series_variance(series));
	fprintf(out, "%s\n", series->name);
	pfsim_table(rows, sizeof(rows) / sizeof(*rows), out);
}

void pfsim_series_csv(const struct pfsim_series *series, FILE *out)
{
	char time[32], value[32];

	fputs(series->timed ? "Time,Value\n" : "Value\n", out);
	for (size_t i = 0; i < series->count; i++) {
		if (series->timed)
			fprintf(out, "%s,", stats_repr(time, sizeof(time), series->times[i]));
		fprintf(out, "%s\n", text_of(series, series->values[i], value, sizeof(value)));
	}
}

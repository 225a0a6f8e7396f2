/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/topology.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double scale; /* byte/s */
} units[] = {
	{ "bit/s", 0.125 },
	{ "B/s", 1 },
	{ "byte/s", 1 },
};

/* Returns what follows the prefix. */
static const char *read_prefix(const char *text, double *scale)
{
	static const char names[] = "kMGT";
	const char *at = *text ? strchr(names, *text) : NULL;

	*scale = 1;
	if (!at)
		return text;
	for (long i = 0; i <= at - names; i++)
		*scale *= 1000;
	return text + 1;
}

int topology_rate(const char *text, double *rate)
{
	double number, prefix, unit = 0;
	char *end;

	/* strtod() would take blanks, signs, hexadecimal, inf and nan */
	errno = EINVAL;
	if (*text < '0' || *text > '9' || (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
		return -1;
	number = strtod(text, &end);
	text = read_prefix(end, &prefix);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(text, units[i].name) == 0)
			unit = units[i].scale;
	errno = unit ? ERANGE : EINVAL;
	number *= prefix * unit;
	if (unit == 0 || !isfinite(number) || number <= 0)
		return -1;
	*rate = number;
	return 0;
}

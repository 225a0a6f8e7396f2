/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-spec.c - any text as the SPEC of a network
 *
 * Files are looked for in a folder that is not there.  Networks that would be
 * large are passed over, for speed alone; numbers without end are not.
 */
#include "fuzz-topology.h"

#include <ctype.h>
#include <stdio.h>

#define LARGE   4000.0 /* nodes or so */
#define REFUSED 1e12   /* refused before anything is built */

/* The product of all numbers is what a network can have. */
static bool is_large(const char *spec)
{
	double product = 1;

	while (*spec) {
		double number = 0;

		if (!isdigit((unsigned char)*spec)) {
			spec++;
			continue;
		}
		while (isdigit((unsigned char)*spec))
			number = 10 * number + (*spec++ - '0');
		product *= number > 1 ? 2 * number : 1;
	}
	return product > LARGE && product < REFUSED;
}

static void open_spec(const char *spec)
{
	struct topology topology;
	struct err err = { "" };

	if (topology_open(&topology, spec, "/nonexistent", &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	fuzz_check_taken(&topology);
	topology_release(&topology);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char spec[256];

	if (size >= sizeof(spec) || memchr(data, 0, size))
		return 0;
	memcpy(spec, data, size);
	spec[size] = '\0';
	/* no path of its own: /dev/zero has no end */
	if (strchr(spec, '/') != NULL && strncmp(strchr(spec, '/'), "/s", 2) != 0)
		return 0;
	if (*spec != '/' && !is_large(spec))
		open_spec(spec);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-numbers.c - any bytes as a file of seconds between jobs */
#include "fuzz.h"
#include "jobs/generate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct generate_distribution distribution;
	char *exact = malloc(size ? size : 1); /* so that reading behind the end is seen */
	struct err err = { "" };

	memcpy(exact, data, size);
	if (generate_parse(&distribution, exact, size, "f", &err) < 0) {
		if (strncmp(err.text, "f:", 2) != 0)
			abort();
		free(exact);
		return 0;
	}
	if (!distribution.count)
		abort();
	for (size_t i = 0; i < distribution.count; i++)
		if (!(distribution.numbers[i] >= 0) || distribution.numbers[i] > 1e12)
			abort();
	generate_release(&distribution);
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-jobtable.c - any bytes as a table of jobs
 *
 * What is taken is in order and differs in nothing from itself.
 */
#include "fuzz.h"
#include "load/jobtable.h"

#include <stdlib.h>
#include <string.h>

static void check(const struct jobtable *table)
{
	struct jobdiff diff;

	for (size_t i = 1; i < table->count; i++)
		if (table->row[i - 1].source > table->row[i].source ||
		    (table->row[i - 1].source == table->row[i].source &&
		     table->row[i - 1].id > table->row[i].id))
			abort();
	if (jobdiff_make(&diff, table, table) < 0 || diff.changed || diff.count != table->count)
		abort();
	jobdiff_release(&diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1);
	struct jobtable table;
	struct err err = { "" };

	memcpy(exact, data, size);
	if (jobtable_parse(&table, exact, size, "f", &err) < 0) {
		if (strncmp(err.text, "f:", 2))
			abort();
	} else {
		check(&table);
		jobtable_release(&table);
	}
	free(exact);
	return 0;
}

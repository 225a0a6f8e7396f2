/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-links.c - any bytes as a table of links
 *
 * What is taken must, written and read again, be taken again and be the same,
 * and differ in nothing from itself.
 */
#include "fuzz.h"
#include "load/linkdiff.h"
#include "load/linkwrite.h"

#include <stdlib.h>
#include <string.h>

static char *write_back(const struct linktable *table, bool json, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		abort();
	if (json)
		fputs("{\"links\": ", out);
	(json ? linktable_json : linktable_tsv)(table, out);
	if (json)
		fputs("}", out);
	if (fclose(out))
		abort();
	return text;
}

static void again(const struct linktable *table, bool json)
{
	struct linktable other;
	struct linkdiff diff;
	struct err err;
	size_t size;
	char *text = write_back(table, json, &size);

	if (linktable_parse(&other, text, size, "g", &err) < 0) {
		/* Names with control characters become alike when written. */
		if (!strstr(err.text, "twice") || !strchr(text, '?'))
			abort();
		free(text);
		return;
	}
	if (other.count != table->count || linkdiff_make(&diff, table, &other) < 0)
		abort();
	if (!strchr(text, '?') && (diff.matches.only_a || diff.matches.only_b))
		abort();
	linkdiff_release(&diff);
	linktable_release(&other);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1); /* so that reading behind the end is seen */
	struct linktable table;
	struct err err = { "" };

	memcpy(exact, data, size);
	if (linktable_parse(&table, exact, size, "f", &err) < 0) {
		if (strncmp(err.text, "f:", 2))
			abort();
	} else {
		again(&table, false);
		again(&table, true);
		linktable_release(&table);
	}
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* pfsim-heap.c - lines "TIME NUMBER" go in, "pop" prints the first's NUMBER */
#include "config.h"

#include "pfsim/heap.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
	struct pfsim_heap heap = { 0 };
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned int number;
		double time;

		if (strcmp(line, "pop\n") == 0 && heap.count)
			printf("%u\n", pfsim_heap_pop(&heap).job);
		else if (sscanf(line, "%lf %u", &time, &number) == 2 &&
			 pfsim_heap_push(&heap, time, 0, number) < 0)
			return 1;
	}
	pfsim_heap_release(&heap);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-faults.c - any bytes as a file of faults
 *
 * What is taken is sorted by time, and there is nothing in it that could never be
 * done: the doing of all of it, to no fabric, says nothing.
 */
#include "fuzz.h"

#include "control.h"
#include "faults.h"

#include <stdlib.h>
#include <string.h>

static void check(struct faults *faults)
{
	struct err err = { "" };

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->fault[i];

		if (fault->time < 0 || !fault->line || (i && fault[-1].time > fault->time) ||
		    (i && fault[-1].time == fault->time && fault[-1].line >= fault->line) ||
		    control_list(NULL, &target_default, fault->list, &err) < 0)
			abort();
	}
	/* all but the last, then that */
	if (faults->count && faults_do(faults, NULL, &target_default,
				       faults->fault[faults->count - 1].time - 1) <= 0)
		abort();
	if (faults_do(faults, NULL, &target_default, INT64_MAX) != -1 ||
	    faults->next != faults->count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct faults faults;
	struct err err = { "" };

	if (!file)
		return 0;
	if (faults_parse(&faults, file, "f", &err) == 0) {
		check(&faults);
		faults_release(&faults);
	} else if (strncmp(err.text, "f:", 2) != 0 || faults.count || faults.fault) {
		abort();
	}
	fclose(file);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-scenario.c - any bytes as a scenario
 *
 * What is taken has sub-scenarios, and the first and last of them can be read.
 */
#include "fuzz.h"
#include "run/scenario.h"

#include <stdlib.h>
#include <string.h>

static void look_at(struct scenario *scenario, size_t number)
{
	struct scenario_case sub;
	struct err err = { "" };
	char folder[48];

	if (scenario_case(scenario, number, &sub, &err) < 0) {
		if (strncmp(err.text, "f:", 2))
			abort();
		return;
	}
	if (!sub.topology || !sub.jobs || !sub.routing)
		abort();
	for (size_t i = 0; i < scenario->axes.count; i++) {
		char *text = scenario_axis_text(scenario, i, sub.id);

		if (!text)
			abort();
		free(text);
	}
	scenario_folder(scenario, number, folder, sizeof(folder));
	scenario_case_release(&sub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scenario_options options = { .output = "o" };
	char *exact = malloc(size + 1); /* so that reading behind the end is seen */
	struct scenario scenario;
	struct err err = { "" };

	memcpy(exact, data, size);
	exact = realloc(exact, size ? size : 1);
	if (scenario_parse(&scenario, exact, size, "f", &options, &err) < 0) {
		if (strncmp(err.text, "f:", 2))
			abort();
	} else {
		look_at(&scenario, 0);
		look_at(&scenario, scenario_count(&scenario) - 1);
		scenario_release(&scenario);
	}
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "result/plot.h"
#include "result/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char good[] =
	"{\"version\": 1, \"ranks\": [{\"rank\": 1, \"finish_ns\": 9, \"cpu_ns\": 1, "
	"\"compute_ns\": 2, \"communication_ns\": 3}, {\"rank\": 0, \"finish_ns\": 8, "
	"\"cpu_ns\": 0, \"compute_ns\": 0.5, \"communication_ns\": 1e18}], \"pairs\": [], "
	"\"collectives\": [{\"collective\": \"all-reduce\", \"ranks\": 2, \"bytes\": 4096, "
	"\"p50_ns\": 100.5, \"p99_ns\": 200, \"algbw\": 4e9, \"busbw\": 4e9}], "
	"\"predicted\": {\"ranks\": [], \"collectives\": [{\"collective\": \"barrier\", "
	"\"ranks\": 2, \"bytes\": 0, \"p50_ns\": 1, \"p99_ns\": 2, \"algbw\": 0, "
	"\"busbw\": 0}]}}";

static void what_was_written_is_read(void **state)
{
	static uint32_t members[3] = { 0, 1, 2 };
	static const struct group group = { .ranks = members, .count = 3 };
	char path[64];
	struct report report;
	struct summary summary;
	const struct summary_part *part = &summary.part[SUMMARY_MEASURED];
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/unit-summary.%d.json", (int)getpid());
	report_init(&report);
	for (uint32_t rank = 0; rank < 3; rank++) {
		report_rank(&report, &(struct report_rank){ .rank = 2 - rank,
							    .finish = 1000 + rank,
							    .busy = { 5, 300, 700 + rank } });
		report_collective(&report, &(struct collective){ .coll = COLL_ALL_REDUCE,
								 .group = &group,
								 .total = 6000,
								 .ended = 1000 * (rank + 1) });
	}
	report_sort(&report);
	assert_int_equal(report_write_summary(&report, &report, path, &err), 0);
	report_release(&report);
	if (summary_read(&summary, path, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
	assert_int_equal(part->nranks, 3);
	assert_int_equal(part->ranks[0].rank, 0);
	assert_true(part->ranks[0].finish == 1002 && part->ranks[0].communication == 702);
	assert_int_equal(part->ncollectives, 1);
	assert_string_equal(part->collectives[0].name, "all-reduce");
	assert_true(part->collectives[0].p50 == 2000 && part->collectives[0].p99 == 2980);
	/* 6000 bytes in 2000 ns, and 2 * 2/3 of that */
	assert_true(part->collectives[0].algbw == 3e9 && part->collectives[0].busbw == 4e9);
	assert_int_equal(summary.part[SUMMARY_PREDICTED].nranks, 3);
	summary_free(&summary);
}

/* Whatever stands there, it is drawn or refused. */
static bool is_drawn(const char *text, size_t size)
{
	struct summary summary;
	struct err err = { "" };
	FILE *out;
	int rc;

	if (summary_parse(&summary, "some", text, size, &err) < 0) {
		assert_true(err.text[0] != '\0');
		return false;
	}
	out = fopen("/dev/null", "w");
	assert_non_null(out);
	rc = plot_script(&(struct plot_files){ &summary, 1 }, "some.svg", out, &err);
	fclose(out);
	summary_free(&summary);
	return rc == 0;
}

static void any_bytes_are_read_or_refused(void **state)
{
	static const char some[] = "0123456789-+.eE\"{}[],:xn\\\xff";
	char text[sizeof(good)];
	uint32_t seed = 1;
	unsigned drawn = 0;

	(void)state;
	assert_true(is_drawn(good, sizeof(good) - 1));
	for (unsigned round = 0; round < 20000; round++) {
		memcpy(text, good, sizeof(good));
		for (unsigned change = 0; change <= round % 3; change++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % (sizeof(good) - 1)] =
				some[(seed >> 3) % (sizeof(some) - 1)];
		}
		drawn += is_drawn(text, sizeof(good) - 1 - (round % 5 ? 0 : (seed >> 9) % 200));
	}
	/* digits change digits */
	assert_in_range(drawn, 100, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(any_bytes_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

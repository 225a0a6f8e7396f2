/* SPDX-License-Identifier: Apache-2.0 */
/* unit-sacct.c - jobs out of what sacct -P prints */
#include "jobs/sacct.h"
#include "jobs/slurmtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define S INT64_C(1000000000)

static const struct workload_ask nothing;

static void parse_as(struct workload *workload, const char *text, const struct workload_ask *ask)
{
	struct err err = { "" };

	workload_init(workload);
	if (sacct_parse(workload, text, strlen(text), "f", ask, &err) < 0)
		fail_msg("%s", err.text);
}

static void parse(struct workload *workload, const char *text)
{
	parse_as(workload, text, &nothing);
}

static const struct workload_job *job_at(const struct workload *workload, size_t i)
{
	assert_true(i < workload->count);
	return &workload->jobs[i];
}

/* What Slurm 22.05 printed on a private cluster, cut to some rows. */
static const char real[] =
	"JobID|JobIDRaw|Cluster|User|Submit|Start|End|Elapsed|Timelimit|TimelimitRaw|State|NNodes|"
	"AllocCPUS|NTasks|AllocTRES|Priority|NodeList|JobName\n"
	"1|1|netemu|root|2026-11-28T14:27:53|2026-11-28T14:27:54|2026-11-28T14:27:55|00:00:01|"
	"365-00:00:00|525600|COMPLETED|2|2||billing=2,cpu=2,mem=3G,node=2,gres/gpu=4|4294901759|"
	"node[0-1]|a|b c\n"
	"1.batch|1.batch|netemu||2026-11-28T14:27:54|2026-11-28T14:27:54|2026-11-28T14:27:55|"
	"00:00:01|||COMPLETED|1|1|1|cpu=1,mem=0,node=1||node0|batch\n"
	"1.0|1.0|netemu||2026-11-28T14:27:54|2026-11-28T14:27:54|2026-11-28T14:27:55|00:00:01|||"
	"COMPLETED|2|2|6|cpu=2,mem=0,node=2||node[0-1]|sleep\n"
	"1.1|1.1|netemu||2026-11-28T14:27:55|2026-11-28T14:27:55|2026-11-28T14:27:55|00:00:00|||"
	"COMPLETED|1|1|1|cpu=1,mem=0,node=1||node0|true\n"
	"2_0|3|netemu|root|2026-11-28T14:27:55|2026-11-28T14:27:56|2026-11-28T14:27:57|00:00:01|"
	"UNLIMITED|UNLIMITED|COMPLETED|1|1||billing=1,cpu=1,node=1|4294901758|node0|arr\n"
	"2_[1-5]|2|netemu|root|2026-11-28T14:27:55|Unknown|Unknown|00:00:00|Partition_Limit||PENDING|"
	"1|1|||0|None assigned|arr\n"
	"5|5|netemu|root|2026-11-28T14:28:05|2026-11-28T14:28:06|2026-11-28T14:28:07|00:00:01|"
	"00:02:00|2|CANCELLED by 1000|1|1||billing=1|4294901757|node0|long\n"
	"6|6|netemu|root|2026-11-28T14:28:05|None|2026-11-28T14:28:07|00:00:00|00:02:00|2|"
	"CANCELLED by 0|1|1|||0|None assigned|gone\n"
	"7|7|netemu|root|2026-11-28T14:28:05|2026-11-28T14:28:06|Unknown|01:00:01|00:02:00|2|RUNNING|"
	"1|1|||0|node1|on\n"
	"10+0|10|netemu|root|2026-11-28T14:28:08|2026-11-28T14:29:09|2026-11-28T14:29:09|00:00:00|"
	"UNLIMITED|UNLIMITED|COMPLETED|1|2||billing=2|4294901752|node0|het\n"
	"10+1|11|netemu|root|2026-11-28T14:28:08|2026-11-28T14:29:09|2026-11-28T14:29:09|00:00:00|"
	"UNLIMITED|UNLIMITED|COMPLETED|1|1||billing=1|4294901751|node1|het\n";

static void a_real_output_becomes_its_jobs(void **state)
{
	struct workload workload;
	const struct workload_job *job;
	char text[512];

	(void)state;
	parse(&workload, real);
	assert_int_equal(workload.count, 5);
	assert_int_equal(workload.sources, 1);
	job = job_at(&workload, 0);
	assert_int_equal(job->job.id, 1);
	assert_string_equal(job->name, "a|b c");
	assert_string_equal(job->cluster, "netemu");
	assert_string_equal(job->node_list, "node[0-1]");
	assert_int_equal(job->job.nodes, 2);
	assert_int_equal(job->job.ranks, 6); /* tasks of step 0 */
	assert_int_equal(job->job.priority, 4294901759);
	assert_int_equal(job->duration, S);
	assert_int_equal(job->real_start - job->job.submit, S);
	assert_true(job->job.limit == 525600 * 60 * S);
	assert_int_equal(job->job.want[NETEMU_GPUS], 0);
	job = job_at(&workload, 1);
	assert_int_equal(job->job.id, 3);
	assert_int_equal(job->array_task, 0);
	assert_true(job->job.limit == NETEMU_NEVER);
	assert_int_equal(job_at(&workload, 2)->job.id, 5);
	assert_true(job_at(&workload, 2)->job.limit == 120 * S);
	assert_int_equal(job_at(&workload, 3)->job.id, 10);
	assert_int_equal(job_at(&workload, 4)->job.id, 11);
	assert_string_equal(workload_skip_text(&workload, text, sizeof(text)),
			    "3 steps of jobs, 2 jobs that never started, "
			    "1 jobs that have not ended");
	assert_int_equal(workload.skipped, 6);
	workload_settle(&workload);
	assert_int_equal(job_at(&workload, 0)->job.submit, 0);
	assert_int_equal(job_at(&workload, 0)->real_start, S);
	assert_int_equal(job_at(&workload, 4)->job.submit, 15 * S);
	assert_true(job_at(&workload, 4)->submit_s == 15);
	workload_release(&workload);
}

static void resources_are_those_of_one_node(void **state)
{
	const struct workload_ask ask = { .resources = true, .ranks_per_node = 8, .shares = true };
	struct workload workload;

	(void)state;
	parse_as(&workload, real, &ask);
	assert_int_equal(job_at(&workload, 0)->job.want[NETEMU_GPUS], 2);
	assert_int_equal(job_at(&workload, 0)->job.want[NETEMU_CORES], 1);
	assert_int_equal(job_at(&workload, 0)->job.want[NETEMU_MEMORY], 3ull << 29);
	assert_int_equal(job_at(&workload, 0)->job.ranks, 16);
	assert_true(job_at(&workload, 0)->job.shares);
	workload_release(&workload);
}

/* Each is one job: submitted at 100 s, 50 s long, on 4 nodes or CPUs. */
static void columns_may_be_any_that_say_it(void **state)
{
	static const struct {
		const char *text;
		uint32_t nodes, ranks;
		uint64_t id;
	} table[] = {
		{ "Submit|Elapsed|NNodes\n100|00:00:50|4\n", 4, 4, 1 },
		{ "submit|ELAPSED|nnodes|\n100|00:00:50|4|\n", 4, 4, 1 },
		{ "NCPUS|Start|End|Submit|JobID\n4|200|250|100|77\n", 0, 4, 77 },
		{ "ElapsedRaw|Submit|ReqCPUS\r\n50|100|4\r\n", 0, 4, 1 },
		{ "JobID|NTasks|Submit|Elapsed\n9|4|100|50\n", 0, 4, 9 },
		{ "Foo|Submit|Elapsed|AllocNodes|ReqNodes|Bar\nx|100|00:50|0|4|\n", 4, 4, 1 },
		{ "Submit|Elapsed|NNodes|NCPUS\n1970-01-01T00:01:40Z|0-00:00:50|4|16\n", 4, 16, 1 },
		{ "Submit|Elapsed|NNodes\n1970-01-01T02:01:40+0200|00:00:50.000|4\n", 4, 4, 1 },
		{ "Submit|Elapsed|NNodes\n1970-01-01T02:01:40+02:00|00:00:50|4\n", 4, 4, 1 },
		{ "Submit|Elapsed|NNodes\nSubmit|Elapsed|NNodes\n\n100|50|4\n", 4, 4, 1 },
		{ "JobName|Submit|Elapsed|NNodes\na|b|c|100|50|4\n", 4, 4, 1 },
		{ "Submit|Elapsed|NNodes|Whatever\n100|50|4|a|b|c|\n", 4, 4, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct workload workload;
		const struct workload_job *job;

		parse(&workload, table[i].text);
		job = job_at(&workload, 0);
		if (workload.count != 1 || job->job.submit != 100 * S || job->duration != 50 * S ||
		    job->job.nodes != table[i].nodes || job->job.ranks != table[i].ranks ||
		    job->job.id != table[i].id || job->job.limit != 50 * S)
			fail_msg("not as it should be: %s", table[i].text);
		workload_release(&workload);
	}
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "", "f: no header row of sacct -P: the file is empty" },
		{ "1|2|3\n", "f:1: no header row of sacct -P" },
		{ "JobID|Elapsed|NNodes\n", "f:1: there is no column 'Submit'" },
		{ "JobID|Submit|NNodes\n", "f:1: there is neither a column 'Elapsed' nor" },
		{ "JobID|Submit|End|NNodes\n", "f:1: there is neither a column 'Elapsed' nor" },
		{ "JobID|Submit|Elapsed\n", "f:1: there is no column with nodes or CPUs" },
		{ "Submit|Elapsed|NNodes\n1|2|3\n1|2\n", "f:3: 2 columns where the header has 3" },
		{ "Submit|Elapsed|NNodes\nx|2|3\n", "f:2: Submit 'x' is no time" },
		{ "Submit|Elapsed|NNodes\n2026-13-01T00:00:00|2|3\n", "is no time" },
		{ "Submit|Elapsed|NNodes\n-5|2|3\n", "f:2: Submit '-5' is no time" },
		{ "Submit|Elapsed|NNodes\n1|2:x|3\n", "f:2: Elapsed '2:x' is no span" },
		{ "Submit|Elapsed|NNodes\n1|99999999999|3\n", "is no span" },
		{ "Submit|Elapsed|NNodes\n1|2|3x\n", "f:2: NNodes '3x' is no number" },
		{ "Submit|Elapsed|NNodes|Timelimit\n1|2|3|x\n", "f:2: Timelimit 'x' is no limit" },
		{ "JobID|Submit|Elapsed|NNodes\na|1|2|3\n", "f:2: JobID 'a' is no job id" },
		{ "JobIDRaw|Submit|Elapsed|NNodes\n1_|1|2|3\n", "f:2: JobIDRaw '1_' is no job id" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct workload workload;
		struct err err = { "" };

		workload_init(&workload);
		assert_int_equal(sacct_parse(&workload, table[i].text, strlen(table[i].text), "f",
					     &nothing, &err),
				 -1);
		if (!strstr(err.text, table[i].says))
			fail_msg("'%s' says: %s", table[i].text, err.text);
		workload_release(&workload);
	}
}

static void only_steps_are_jobs_then(void **state)
{
	struct workload workload;

	(void)state;
	parse(&workload, "JobID|Submit|Elapsed|NTasks\n7.batch|1|9|1\n7.0|1|2|16\n7.1|5|3|8\n");
	assert_int_equal(workload.count, 2);
	assert_int_equal(job_at(&workload, 0)->job.ranks, 16);
	assert_int_equal(job_at(&workload, 1)->job.submit, 5 * S);
	assert_int_equal(workload.left_out[WORKLOAD_STEP], 1);
	workload_release(&workload);
}

static void requeued_jobs_ran_twice_and_the_same_row_is_one_job(void **state)
{
	struct workload workload;

	(void)state;
	parse(&workload, "JobID|Submit|Start|End|NNodes|State\n"
			 "7|1|10|20|4|NODE_FAIL\n"
			 "8|1|12|15|1|COMPLETED\n"
			 "7|20|30|40|4|COMPLETED\n"
			 "7|1|10|20|4|NODE_FAIL\n"
			 "8|1|12|15|1|COMPLETED\n"
			 "9_1|1|2|3|1|COMPLETED\n"
			 "9_2|1|2|3|1|COMPLETED\n");
	assert_int_equal(workload.count, 5);
	assert_int_equal(workload.left_out[WORKLOAD_TWICE], 2);
	assert_int_equal(job_at(&workload, 0)->job.id, 7);
	assert_int_equal(job_at(&workload, 1)->job.id, 8);
	assert_int_equal(job_at(&workload, 2)->job.submit, 20 * S);
	assert_int_equal(job_at(&workload, 4)->array_task, 2);
	workload_release(&workload);
}

static void a_limit_is_what_was_asked_for_but_not_below_what_ran(void **state)
{
	static const struct {
		const char *limit;
		int64_t ask, expected; /* s; -1: none */
	} table[] = {
		{ "00:01:30", 0, 90 },  { "2-00:00:00", 0, 172800 },
		{ "1", 0, 60 },         { "00:00:10", 0, 50 },
		{ "", 0, 50 },          { "", 500, 500 },
		{ "UNLIMITED", 0, -1 }, { "UNLIMITED", 500, 500 },
		{ "unlimited", 0, -1 }, { "Partition_Limit", 7, 50 },
		{ "1-01", 0, 90000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct workload_ask ask = { .limit = table[i].ask * S };
		int64_t expected = table[i].expected < 0 ? NETEMU_NEVER : table[i].expected * S;
		struct workload workload;
		char text[200];

		snprintf(text, sizeof(text), "Submit|Elapsed|NNodes|Timelimit\n1|50|1|%s\n",
			 table[i].limit);
		parse_as(&workload, text, &ask);
		if (job_at(&workload, 0)->job.limit != expected)
			fail_msg("'%s' with %ld: %ld", table[i].limit, (long)table[i].ask,
				 (long)job_at(&workload, 0)->job.limit);
		workload_release(&workload);
	}
}

/* No hour twice, because it is remembered.  2026-03-29 02:00 is 03:00 in Berlin, 2026-10-25 has
 * 02:30 twice. */
static void local_times_are_of_the_time_zone(void **state)
{
	static const struct {
		const char *zone, *text;
		int64_t seconds;
	} table[] = {
		{ "UTC", "2026-11-28T14:27:53", 1795876073 },
		{ "Europe/Berlin", "2026-11-28T15:27:53", 1795876073 },
		{ "Europe/Berlin", "2026-03-29T01:59:59", 1774745999 },
		{ "Europe/Berlin", "2026-03-29T03:00:00", 1774746000 },
		{ "Europe/Berlin", "2026-07-01T12:00:00", 1782900000 },
		{ "America/New_York", "2026-07-01T06:00:00", 1782900000 },
		{ "Europe/Berlin", "2026-07-01T10:00:00Z", 1782900000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int64_t ns;

		setenv("TZ", table[i].zone, 1);
		tzset();
		assert_int_equal(slurmtime_when(table[i].text, &ns), 0);
		if (ns / S != table[i].seconds)
			fail_msg("%s in %s: %ld", table[i].text, table[i].zone, (long)(ns / S));
	}
	unsetenv("TZ");
	tzset();
}

static void counts_may_have_units(void **state)
{
	uint64_t count;

	(void)state;
	assert_int_equal(slurmtime_count("16", &count), 0);
	assert_int_equal(count, 16);
	assert_int_equal(slurmtime_count("2K", &count), 0);
	assert_int_equal(count, 2048);
	assert_int_equal(slurmtime_count("1.50K", &count), 0);
	assert_int_equal(count, 1536);
	assert_int_equal(slurmtime_count("Unknown", &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(slurmtime_count("-1", &count), -1);
	assert_int_equal(slurmtime_count("5Q", &count), -1);
	assert_int_equal(slurmtime_count("9e99", &count), -1);
}

static void a_million_rows_are_a_million_jobs(void **state)
{
	static const char row[] = "%d|2026-11-28T%02d:%02d:%02d|00:10:00|4|16|app\n";
	size_t room = 70000000, used = 0;
	char *text = malloc(room);
	struct workload workload;

	(void)state;
	used = (size_t)sprintf(text, "JobID|Submit|Elapsed|NNodes|NCPUS|JobName\n");
	for (int i = 0; i < 1000000; i++)
		used += (size_t)sprintf(text + used, row, i + 1, i % 24, i / 24 % 60,
					i / 1440 % 60);
	parse(&workload, text);
	free(text);
	assert_int_equal(workload.count, 1000000);
	workload_settle(&workload);
	for (size_t i = 1; i < workload.count; i++)
		assert_true(workload.jobs[i - 1].job.submit < workload.jobs[i].job.submit ||
			    (workload.jobs[i - 1].job.submit == workload.jobs[i].job.submit &&
			     workload.jobs[i - 1].job.id < workload.jobs[i].job.id));
	workload_release(&workload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_output_becomes_its_jobs),
		cmocka_unit_test(resources_are_those_of_one_node),
		cmocka_unit_test(columns_may_be_any_that_say_it),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(only_steps_are_jobs_then),
		cmocka_unit_test(requeued_jobs_ran_twice_and_the_same_row_is_one_job),
		cmocka_unit_test(a_limit_is_what_was_asked_for_but_not_below_what_ran),
		cmocka_unit_test(local_times_are_of_the_time_zone),
		cmocka_unit_test(counts_may_have_units),
		cmocka_unit_test(a_million_rows_are_a_million_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

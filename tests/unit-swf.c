/* SPDX-License-Identifier: Apache-2.0 */
/* unit-swf.c - the Standard Workload Format, read and written; drawn jobs */
#include "jobs/generate.h"
#include "jobs/swf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define S INT64_C(1000000000)

static const struct workload_ask nothing;

static void parse_as(struct workload *workload, const char *text, const struct workload_ask *ask)
{
	struct err err = { "" };

	workload_init(workload);
	if (swf_parse(workload, text, strlen(text), "f", ask, &err) < 0)
		fail_msg("%s", err.text);
}

static const char log_text[] =
	"; Version: 2.2\n"
	";   UnixStartTime: 850000000\n"
	"\n"
	" 1 0 5 100 8 -1 -1 8 200 -1 1 3 1 -1 2 -1 -1 -1\n"
	"2\t10\t-1\t50\t-1\t-1\t512\t4\t-1\t1024\t1\t3\t1\t-1\t2\t-1\t-1\t-1\n"
	"3 20 30 0 4 -1 -1 4 60 -1 5 3 1 -1 2 -1 -1 -1\n"
	"4 25 0 10.5 1 10.25 -1 1 60 -1 0 3 1 -1 2 -1 -1 -1\r\n"
	"5 30 0 10 1 -1 -1 1 60 -1 2 3 1 -1 2 -1 -1 -1\n"
	"6 30 0 -1 1 -1 -1 1 60 -1 1 3 1 -1 2 -1 -1 -1\n"
	"7 30 0 10 -1 -1 -1 -1 60 -1 1 3 1 -1 2 -1 -1 -1\n"
	"8 15 0 300 1 -1 -1 1 60 -1 5 3 1 -1 2 -1 -1 -1\n";

static void a_log_becomes_its_jobs(void **state)
{
	struct workload workload;
	const struct workload_job *job;
	char text[512];

	(void)state;
	parse_as(&workload, log_text, &nothing);
	assert_int_equal(workload.count, 4);
	job = workload.jobs;
	assert_int_equal(job->job.id, 1);
	assert_int_equal(job->job.ranks, 8);
	assert_int_equal(job->job.nodes, 0);
	assert_int_equal(job->duration, 100 * S);
	assert_int_equal(job->job.limit, 200 * S);
	assert_int_equal(job->real_start, 5 * S);
	assert_false(job->clock);
	job++;
	assert_int_equal(job->job.ranks, 4); /* those asked for */
	assert_int_equal(job->job.limit, 50 * S);
	assert_true(job->real_start == NETEMU_NEVER);
	job++;
	assert_int_equal(job->job.id, 4);
	assert_true(job->duration == 10 * S + S / 2);
	job++;
	assert_int_equal(job->job.id, 8); /* cancelled while it ran, over its limit */
	assert_int_equal(job->job.limit, 300 * S);
	assert_string_equal(workload_skip_text(&workload, text, sizeof(text)),
			    "1 jobs that never started, 1 jobs without a time, "
			    "1 jobs without nodes or CPUs, "
			    "1 parts of jobs that were checkpointed");
	workload_sort(&workload);
	assert_int_equal(workload.jobs[2].job.id, 8);
	workload_release(&workload);
}

static void processors_become_nodes_when_it_is_said_how(void **state)
{
	const struct workload_ask ask = { .ranks_per_node = 3, .resources = true, .limit = 70 * S };
	struct workload workload;

	(void)state;
	parse_as(&workload, log_text, &ask);
	assert_int_equal(workload.jobs[0].job.nodes, 3); /* 8 of 3 each */
	assert_int_equal(workload.jobs[0].job.ranks, 8);
	assert_int_equal(workload.jobs[0].job.want[NETEMU_CORES], 3);
	assert_int_equal(workload.jobs[1].job.want[NETEMU_MEMORY], 2 * 1024 * 1024);
	assert_int_equal(workload.jobs[1].job.limit, 70 * S);
	workload_release(&workload);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "1 2 3\n", "f:1: 3 fields, a job has 18" },
		{ ";\n1 0 5 1 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1\n", "f:2: 17 fields" },
		{ "1 0 5 1 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1 9\n", "f:1: more than 18 fields" },
		{ "1 0 5 x 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n",
		  "f:1: field 4 (run): 'x' is no number" },
		{ "1 0 5 1x 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n", "'1x' is no number" },
		{ "1 0 5 nan 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n", "'nan' is no number" },
		{ "1 0 5 1e99 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n",
		  "f:1: field 4 (run): 1e+99 cannot be" },
		{ "1 0 5 -3 8 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n", "-3 cannot be" },
		{ "1 0 5 1 5e9 -1 -1 8 2 -1 1 3 1 -1 2 -1 -1 -1\n", "field 5 (procs)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct workload workload;
		struct err err = { "" };

		workload_init(&workload);
		assert_int_equal(swf_parse(&workload, table[i].text, strlen(table[i].text), "f",
					   &nothing, &err),
				 -1);
		if (!strstr(err.text, table[i].says))
			fail_msg("'%s' says: %s", table[i].text, err.text);
		workload_release(&workload);
	}
}

static void what_is_written_is_read_back(void **state)
{
	double field[SWF_FIELDS];
	struct workload workload;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	swf_write_header(out, "test", 850000000, 4, 32);
	for (int i = 0; i < 3; i++) {
		memcpy(field, swf_nothing, sizeof(field));
		field[SWF_job] = i + 1;
		field[SWF_submit] = 0.1 * i;
		field[SWF_wait] = 1;
		field[SWF_run] = 2.694581427281587;
		field[SWF_procs] = 8;
		field[SWF_status] = 1;
		swf_write_job(out, field);
	}
	fclose(out);
	assert_non_null(strstr(text, "; MaxProcs: 32\n"));
	assert_non_null(strstr(text, "\n1 0 1 2.694581427281587 8 -1 -1 -1 -1 -1 1 -1"));
	parse_as(&workload, text, &nothing);
	assert_int_equal(workload.count, 3);
	assert_true(workload.jobs[2].submit_s == 0.2);
	assert_true(workload.jobs[2].duration_s == 2.694581427281587);
	workload_release(&workload);
	free(text);
}

static void a_million_lines_are_a_million_jobs(void **state)
{
	size_t room = 80000000, used = 0;
	char *text = malloc(room);
	struct workload workload;

	(void)state;
	for (int i = 0; i < 1000000; i++)
		used += (size_t)sprintf(text + used,
					"%d %d 0 %d 16 -1 -1 16 3600 -1 1 1 1 1 1 1 -1 -1\n", i + 1,
					1000000 - i, i % 1000);
	parse_as(&workload, text, &nothing);
	free(text);
	assert_int_equal(workload.count, 1000000);
	workload_sort(&workload);
	for (size_t i = 0; i < workload.count; i++)
		assert_int_equal(workload.jobs[i].job.id, 1000000 - i);
	workload_release(&workload);
}

/* --- the workload itself --- */

static void equal_submissions_keep_the_order_of_the_source(void **state)
{
	struct workload workload;

	(void)state;
	workload_init(&workload);
	for (int i = 0; i < 1000; i++) {
		struct workload_job *job = workload_add(&workload);

		job->job.id = (uint64_t)i;
		job->job.submit = i * 7 % 10;
	}
	workload_sort(&workload);
	for (size_t i = 1; i < 1000; i++) {
		const struct netemu_job *job = &workload.jobs[i].job, *before = job;

		before = &workload.jobs[i - 1].job;
		assert_true(before->submit < job->submit ||
			    (before->submit == job->submit && before->id < job->id));
	}
	workload_release(&workload);
}

static void jobs_without_traffic_get_the_pattern(void **state)
{
	struct workload workload;
	struct err err = { "" };

	(void)state;
	workload_init(&workload);
	workload.sources = 1;
	for (uint32_t i = 0; i < 6; i++)
		workload_add(&workload)->job.ranks = 2 + i % 2;
	workload.sources = 2;
	workload_add(&workload)->job.ranks = 2;
	traffic_pattern(&workload.jobs[0].traffic, "none", 2, 0, &err);
	workload.jobs[0].recorded = true;
	for (int i = 0; i < 7; i++) {
		workload.jobs[i].duration = 10;
		workload.jobs[i].job.nodes = 4;
	}
	workload.jobs[6].job.nodes = 16;
	assert_int_equal(workload_traffic(&workload, 0, "ring", 5, &err), 0);
	assert_string_equal(workload.jobs[0].traffic->name, "none");
	assert_ptr_equal(workload.jobs[1].traffic, workload.jobs[3].traffic);
	assert_ptr_not_equal(workload.jobs[1].traffic, workload.jobs[2].traffic);
	assert_int_equal(workload.jobs[1].traffic->npairs, 3);
	assert_int_equal(workload.jobs[2].traffic->users, 2);
	assert_null(workload.jobs[6].traffic);
	assert_true(workload_recorded(&workload) == 40.0 / (6 * 40 + 160));
	assert_int_equal(workload_traffic(&workload, 1, "rong", 5, &err), -1);
	workload_release(&workload);
	assert_true(workload_recorded(&workload) == 0);
}

/* --- drawn jobs --- */

static void the_first_job_of_seed_12345_is_the_published_one(void **state)
{
	const struct generate_distribution duration = { .kind = GENERATE_EXPONENTIAL, .a = 0.2 };
	const struct generate_distribution submit = { .kind = GENERATE_EXPONENTIAL, .a = 0.1 };
	struct mt19937 python;
	struct generate generate = {
		.duration = &duration,
		.interarrival = &submit,
		.python = &python,
	};
	double ran, came;

	(void)state;
	mt19937_init(&python, 12345);
	assert_int_equal(generate_next(&generate, &ran, &came), 0);
	assert_true(ran == 2.694581427281587);
	assert_true(came == 0.10221228694314184);
}

static void draw(struct workload *workload, const struct generate_distribution *duration,
		 const struct generate_distribution *interarrival, uint64_t count, int64_t until)
{
	struct generate generate = {
		.duration = duration,
		.interarrival = interarrival,
		.seed = 5,
	};
	const struct netemu_job model = { .ranks = 8, .nodes = 2, .priority = 3 };
	struct err err = { "" };

	if (generate_jobs(&generate, workload, &model, NULL, "drawn", count, until, &err) < 0)
		fail_msg("%s", err.text);
}

static void another_distribution_of_one_draw_leaves_the_other_alone(void **state)
{
	const struct generate_distribution a = { .kind = GENERATE_EXPONENTIAL, .a = 0.2 };
	const struct generate_distribution b = { .kind = GENERATE_CONSTANT, .a = 7 };
	struct workload one, two;

	(void)state;
	workload_init(&one);
	workload_init(&two);
	draw(&one, &a, &a, 50, NETEMU_NEVER);
	draw(&two, &b, &a, 90, NETEMU_NEVER);
	assert_int_equal(one.count, 50);
	assert_int_equal(two.count, 90);
	for (size_t i = 0; i < 50; i++) {
		assert_true(one.jobs[i].submit_s == two.jobs[i].submit_s);
		assert_true(two.jobs[i].duration == 7 * S && two.jobs[i].job.limit == 7 * S);
		assert_int_equal(one.jobs[i].job.id, i);
		assert_int_equal(one.jobs[i].job.ranks, 8);
		assert_string_equal(one.jobs[i].name, "drawn");
	}
	draw(&two, &b, &a, 90, NETEMU_NEVER); /* another source: other draws */
	assert_true(two.jobs[90].submit_s != two.jobs[0].submit_s);
	workload_release(&one);
	workload_release(&two);
}

static void distributions_have_their_means(void **state)
{
	static const struct {
		struct generate_distribution distribution;
		double mean, sigma;
	} table[] = {
		{ { .kind = GENERATE_EXPONENTIAL, .a = 0.2 }, 5, 5 },
		{ { .kind = GENERATE_UNIFORM, .a = 2, .b = 6 }, 4, 1.1547005383792515 },
		{ { .kind = GENERATE_CONSTANT, .a = 3 }, 3, 0 },
	};
	const struct generate_distribution second = { .kind = GENERATE_CONSTANT, .a = 1 };

	(void)state;
	for (size_t t = 0; t < sizeof(table) / sizeof(*table); t++) {
		struct workload workload;
		double sum = 0, squares = 0;

		workload_init(&workload);
		draw(&workload, &table[t].distribution, &second, 40000, NETEMU_NEVER);
		for (size_t i = 0; i < workload.count; i++) {
			double x = workload.jobs[i].duration_s;

			sum += x;
			squares += (x - table[t].mean) * (x - table[t].mean);
		}
		assert_true(fabs(sum / 40000 - table[t].mean) <= 5 * table[t].sigma / 200);
		assert_true(fabs(sqrt(squares / 40000) - table[t].sigma) <= 0.05 * table[t].sigma);
		workload_release(&workload);
	}
}

static void jobs_come_until_the_horizon(void **state)
{
	const struct generate_distribution one = { .kind = GENERATE_CONSTANT, .a = 1 };
	struct workload workload;

	(void)state;
	workload_init(&workload);
	draw(&workload, &one, &one, 0, 10 * S);
	assert_int_equal(workload.count, 10);
	assert_int_equal(workload.jobs[9].job.submit, 10 * S);
	workload_release(&workload);
}

static void a_trace_gives_its_numbers_and_ends(void **state)
{
	const struct generate_distribution one = { .kind = GENERATE_CONSTANT, .a = 1 };
	struct generate_distribution trace;
	char path[] = "/tmp/netemu-numbers.XXXXXX";
	struct workload workload;
	struct err err = { "" };
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "1.5 2 # two\n\n3,4\n", 17), 17);
	assert_int_equal(generate_numbers(&trace, path, &err), 0);
	workload_init(&workload);
	draw(&workload, &one, &trace, 0, NETEMU_NEVER);
	assert_int_equal(workload.count, 4);
	assert_true(workload.jobs[1].submit_s == 3.5);
	assert_true(workload.jobs[3].job.submit == 10 * S + S / 2);
	workload_release(&workload);
	generate_release(&trace);
	assert_int_equal(pwrite(fd, "1.5 x", 5, 0), 5);
	assert_int_equal(generate_numbers(&trace, path, &err), -1);
	assert_non_null(strstr(err.text, ":1: 'x' is no number of seconds"));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(generate_numbers(&trace, path, &err), -1);
	assert_non_null(strstr(err.text, "no numbers in it"));
	close(fd);
	unlink(path);
}

static void jobs_that_come_for_ever_are_refused(void **state)
{
	const struct generate_distribution one = { .kind = GENERATE_CONSTANT, .a = 1 };
	struct generate generate = { .duration = &one, .interarrival = &one };
	const struct netemu_job model = { .ranks = 1 };
	struct workload workload;
	struct err err = { "" };

	(void)state;
	workload_init(&workload);
	assert_int_equal(
		generate_jobs(&generate, &workload, &model, NULL, NULL, 0, NETEMU_NEVER, &err), -1);
	assert_non_null(strstr(err.text, "for ever"));
	workload_release(&workload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_becomes_its_jobs),
		cmocka_unit_test(processors_become_nodes_when_it_is_said_how),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_million_lines_are_a_million_jobs),
		cmocka_unit_test(equal_submissions_keep_the_order_of_the_source),
		cmocka_unit_test(jobs_without_traffic_get_the_pattern),
		cmocka_unit_test(the_first_job_of_seed_12345_is_the_published_one),
		cmocka_unit_test(another_distribution_of_one_draw_leaves_the_other_alone),
		cmocka_unit_test(distributions_have_their_means),
		cmocka_unit_test(jobs_come_until_the_horizon),
		cmocka_unit_test(a_trace_gives_its_numbers_and_ends),
		cmocka_unit_test(jobs_that_come_for_ever_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

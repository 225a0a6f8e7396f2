/* SPDX-License-Identifier: Apache-2.0 */
/* unit-jobcomp.c - jobs out of what jobcomp/filetxt writes */
#include "jobs/jobcomp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define S INT64_C(1000000000)

static const struct workload_ask nothing;

#define LINE(id, name, state, limit, start, end, list, nodes, cpus, dir, array)                  \
	"JobId=" id " UserId=root(0) GroupId=root(0) Name=" name " JobState=" state              \
	" Partition=test TimeLimit=" limit " StartTime=" start " EndTime=" end " NodeList=" list \
	" NodeCnt=" nodes " ProcCnt=" cpus " WorkDir=" dir                                       \
	" ReservationName= Tres=cpu=2,mem=2G,node=2,billing=2,gres/gpu=4 Account= QOS= WcKey= "  \
	"Cluster=unknown SubmitTime=2026-11-28T14:29:25 EligibleTime=2026-11-28T14:29:25 " array \
	"DerivedExitCode=0:0 ExitCode=0:0 \n"

/* As Slurm 22.05 wrote it on a private cluster, with names made worse. */
static const char real[] = LINE("1", "a b=c", "COMPLETED", "525600", "2026-11-28T14:29:26",
				"2026-11-28T14:29:27", "node[0-1]", "2", "4", "/tmp/x y",
				"") LINE("3", "x JobState=RUNNING y", "FAILED", "3",
					 "2026-11-28T14:29:28", "2026-11-28T14:29:28", "node0", "1",
					 "1", "/tmp/NodeList=no", "ArrayJobId=2 ArrayTaskId=7 ")
	LINE("4", "", "CANCELLED", "UNLIMITED", "2026-11-28T14:29:31", "2026-11-28T14:29:31",
	     "(null)", "0", "0", "/", "") LINE("5", "t", "TIMEOUT", "1", "2026-11-28T14:29:31",
					       "2026-11-28T14:30:41", "node1", "1", "1", "/", "");

static void a_real_file_becomes_its_jobs(void **state)
{
	const struct workload_ask ask = { .resources = true };
	struct workload workload;
	struct err err = { "" };
	const struct workload_job *job;

	(void)state;
	workload_init(&workload);
	if (jobcomp_parse(&workload, real, strlen(real), "f", &ask, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(workload.count, 3);
	job = workload.jobs;
	assert_int_equal(job->job.id, 1);
	assert_string_equal(job->name, "a b=c");
	assert_null(job->cluster);
	assert_string_equal(job->node_list, "node[0-1]");
	assert_int_equal(job->job.nodes, 2);
	assert_int_equal(job->job.ranks, 4);
	assert_int_equal(job->job.want[NETEMU_CORES], 2);
	assert_int_equal(job->job.want[NETEMU_GPUS], 2);
	assert_int_equal(job->duration, S);
	assert_true(job->job.limit == 525600 * 60 * S);
	assert_int_equal(job->real_start - job->job.submit, S);
	job++;
	assert_string_equal(job->name, "x JobState=RUNNING y");
	assert_string_equal(job->node_list, "node0");
	assert_int_equal(job->array_task, 7);
	assert_int_equal(job->duration, 0);
	job++;
	assert_int_equal(job->job.limit, 70 * S); /* it ran over it */
	assert_int_equal(workload.left_out[WORKLOAD_PENDING], 1);
	assert_int_equal(workload.skipped, 1);
	workload_release(&workload);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "JobID|State\n", "f:1: 'JobID|State' is no line of jobcomp/filetxt" },
		{ "JobId=1 UserId=x\n", "f:1: there is no SubmitTime" },
		{ "\nJobId=x SubmitTime=1\n", "f:2: JobId 'x' is no job id" },
		{ "JobId=1 SubmitTime=y\n", "f:1: SubmitTime 'y' is no time" },
		{ "JobId=1 StartTime=12:00 SubmitTime=5\n", "f:1: StartTime '12:00' is no time" },
		{ "JobId=1 NodeCnt=-1 SubmitTime=5\n", "f:1: NodeCnt '-1' is no number" },
		{ "JobId=1 TimeLimit=x SubmitTime=5\n", "f:1: TimeLimit 'x' is no limit" },
		{ "JobId=1 SubmitTime=5 ArrayTaskId=x\n", "f:1: ArrayTaskId 'x' is no number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct workload workload;
		struct err err = { "" };

		workload_init(&workload);
		assert_int_equal(jobcomp_parse(&workload, table[i].text, strlen(table[i].text), "f",
					       &nothing, &err),
				 -1);
		if (!strstr(err.text, table[i].says))
			fail_msg("'%s' says: %s", table[i].text, err.text);
		workload_release(&workload);
	}
}

static void what_says_too_little_is_left_out(void **state)
{
	static const char text[] = "JobId=1 StartTime=5 EndTime=9 SubmitTime=5\n"
				   "JobId=2 StartTime=Unknown EndTime=9 NodeCnt=1 SubmitTime=5\n"
				   "JobId=3 StartTime=9 EndTime=5 NodeCnt=1 SubmitTime=5\n"
				   "JobId=4 StartTime=5 EndTime=9 NodeCnt=1 SubmitTime=5\n"
				   "JobId=4 StartTime=5 EndTime=9 NodeCnt=1 SubmitTime=5\n";
	struct workload workload;
	struct err err = { "" };

	(void)state;
	workload_init(&workload);
	assert_int_equal(jobcomp_parse(&workload, text, strlen(text), "f", &nothing, &err), 0);
	assert_int_equal(workload.count, 1);
	assert_int_equal(workload.left_out[WORKLOAD_SIZE], 1);
	assert_int_equal(workload.left_out[WORKLOAD_TIMES], 2);
	assert_int_equal(workload.left_out[WORKLOAD_TWICE], 1);
	workload_release(&workload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_file_becomes_its_jobs),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_says_too_little_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

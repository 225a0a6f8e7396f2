/* SPDX-License-Identifier: Apache-2.0 */
/* unit-runs.c - run directories as jobs, joined with accounting, on hosts */
#include "jobs/hostmap.h"
#include "jobs/runs.h"
#include "jobs/sacct.h"
#include "rankfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define S INT64_C(1000000000)

static const struct workload_ask nothing;

struct folder {
	char path[64];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	strcpy(folder->path, "/tmp/netemu-runs.XXXXXX");
	*state = folder;
	return mkdtemp(folder->path) ? 0 : -1;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	char command[256];
	int rc;

	snprintf(command, sizeof(command), "rm -rf '%s'", folder->path);
	rc = system(command);
	free(folder);
	return rc;
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* A run of RANKS ranks in a ring of BYTES, two on each of the nodes b, a, c, ... */
static void put_run(const struct folder *folder, const char *name, const char *run_json,
		    uint32_t ranks, uint64_t bytes)
{
	char dir[256], mpi[300], text[512];
	struct err err = { "" };

	snprintf(dir, sizeof(dir), "%s/%s", folder->path, name);
	snprintf(mpi, sizeof(mpi), "%s/mpi", dir);
	assert_int_equal(mkdir(dir, 0777), 0);
	assert_int_equal(mkdir(mpi, 0777), 0);
	for (uint32_t rank = 0; rank < ranks; rank++) {
		struct rankpeer next = { .peer = (rank + 1) % ranks,
					 .tx_bytes = bytes,
					 .tx_messages = 1,
					 .first = -1,
					 .last = -1 };
		struct rankfile file = { .rank = rank,
					 .ranks = ranks,
					 .complete = true,
					 .duration = 2.5,
					 .init_realtime = 1000 * S + rank,
					 .peers = { &next, 1 } };

		file.ops[RANKOP_P2P] = (struct rankpeers){ &next, 1 };
		if (rankfile_save(&file, mpi, &err) < 0)
			fail_msg("%s", err.text);
	}
	if (!run_json)
		return;
	put_file(dir, "run.json", run_json);
	for (uint32_t node = 0; node < ranks / 2; node++) {
		char file[32];

		snprintf(file, sizeof(file), "node-%u.json", node);
		snprintf(text, sizeof(text),
			 "{\"version\": 1, \"node\": \"%c\", \"index\": %u, \"ranks\": "
			 "[{\"rank\": %u}, {\"rank\": %u}]}",
			 "bacd"[node], node, 2 * node, 2 * node + 1);
		put_file(dir, file, text);
	}
}

#define RUN(job, more, submit, start, end)                                                          \
	"{\"version\": 1, \"cluster\": \"c1\", \"job\": " job ", " more "\"name\": \"app\", "       \
	"\"nodes\": [{\"name\": \"d\"}, {\"name\": \"a\"}, {\"name\": \"b\"}], \"submit\": " submit \
	", \"start\": " start ", \"end\": " end ", \"ranks\": 4}"

static void read_runs(struct workload *workload, const char *pattern)
{
	struct err err = { "" };

	workload_init(workload);
	if (runs_read(workload, pattern, &nothing, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_run_is_a_job_with_its_matrix_nodes_and_times(void **state)
{
	static const uint32_t placement[] = { 1, 1, 0, 0 };
	const struct folder *folder = *state;
	const struct workload_job *job;
	struct workload workload;
	char path[256];

	put_run(folder, "netemu.7.0", RUN("7", "", "100", "110", "112.5"), 4, 50);
	snprintf(path, sizeof(path), "%s/netemu.7.0", folder->path);
	read_runs(&workload, path);
	assert_int_equal(workload.count, 1);
	job = workload.jobs;
	assert_int_equal(job->job.id, 7);
	assert_string_equal(job->name, "app");
	assert_string_equal(job->cluster, "c1");
	assert_int_equal(job->job.submit, 100 * S);
	assert_int_equal(job->real_start, 110 * S);
	assert_int_equal(job->duration, 5 * S / 2);
	assert_int_equal(job->job.limit, 5 * S / 2);
	assert_int_equal(job->job.ranks, 4);
	assert_int_equal(job->job.nodes, 2);        /* d has no rank */
	assert_string_equal(job->node_list, "a,b"); /* in Slurm's order */
	assert_memory_equal(job->placement, placement, sizeof(placement));
	assert_int_equal(job->traffic->npairs, 4);
	assert_true(job->recorded && workload_recorded(&workload) == 1);
	workload_release(&workload);
}

/* run.json has whole seconds: the ranks ran longer than they say. */
static void a_run_is_as_long_as_its_ranks_ran(void **state)
{
	const struct folder *folder = *state;
	struct workload workload;
	char path[256];

	put_run(folder, "netemu.8.0", RUN("8", "", "100", "110", "110"), 4, 50);
	snprintf(path, sizeof(path), "%s/netemu.8.0", folder->path);
	read_runs(&workload, path);
	assert_int_equal(workload.count, 1);
	assert_int_equal(workload.jobs[0].duration, 5 * S / 2);
	workload_release(&workload);
}

static void later_runs_of_a_job_come_when_they_began(void **state)
{
	const struct folder *folder = *state;
	struct workload workload;

	put_run(folder, "netemu.7.1", RUN("7", "", "100", "120", "130"), 4, 50);
	put_run(folder, "netemu.7.0", RUN("7", "", "100", "110", "115"), 4, 50);
	put_run(folder, "netemu.8.0", RUN("8", "", "105", "130", "135"), 4, 50);
	put_run(folder, "netemu.9.0", "{", 4, 50);
	put_run(folder, "netemu.mpirun0", NULL, 2, 50);
	read_runs(&workload, folder->path);
	assert_int_equal(workload.count, 4);
	assert_int_equal(workload.left_out[WORKLOAD_BROKEN], 1);
	assert_int_equal(workload.jobs[0].job.submit, 100 * S);
	assert_int_equal(workload.jobs[1].job.submit, 120 * S);
	assert_int_equal(workload.jobs[2].job.submit, 105 * S);
	/* without Slurm: what the ranks say */
	assert_int_equal(workload.jobs[3].job.submit, 1000 * S);
	assert_int_equal(workload.jobs[3].duration, 5 * S / 2);
	assert_null(workload.jobs[3].node_list);
	assert_null(workload.jobs[3].placement);
	workload_settle(&workload);
	assert_int_equal(workload.epoch, 100 * S);
	assert_int_equal(workload.jobs[1].job.id, 8);
	assert_int_equal(workload.jobs[1].job.submit, 5 * S);
	assert_int_equal(workload.jobs[1].real_start, 30 * S);
	workload_release(&workload);
}

static void runs_that_are_not_there_are_named(void **state)
{
	const struct folder *folder = *state;
	struct workload workload;
	struct err err = { "" };
	char path[256];

	workload_init(&workload);
	snprintf(path, sizeof(path), "%s/no*", folder->path);
	assert_int_equal(runs_read(&workload, path, &nothing, &err), -1);
	assert_non_null(strstr(err.text, "no*': no run directories there"));
	put_run(folder, "netemu.9.0", "{\n\n", 4, 50);
	snprintf(path, sizeof(path), "%s/netemu.*", folder->path);
	assert_int_equal(runs_read(&workload, path, &nothing, &err), -1);
	assert_non_null(strstr(err.text, "netemu.9.0/run.json:"));
	workload_release(&workload);
}

/* --- with accounting --- */

static void join(struct workload *workload, const char *sacct, const struct folder *folder,
		 struct runs_report *report)
{
	struct err err = { "" };

	workload_init(workload);
	if (sacct_parse(workload, sacct, strlen(sacct), "f", &nothing, &err) < 0 ||
	    runs_join(workload, 0, folder->path, report, &err) < 0)
		fail_msg("%s", err.text);
}

static void jobs_get_the_matrix_of_their_longest_run(void **state)
{
	static const char sacct[] = "JobID|JobIDRaw|Cluster|Submit|Start|End|NNodes|NodeList\n"
				    "7|7|c1|100|110|140|2|[ab]\n"
				    "8|8|c1|100|110|140|3|[abd]\n"
				    "9|9|c2|100|110|140|2|a,b\n"
				    "10_3|11|c1|100|110|140|2|b,a\n"
				    "12|12|c1|100|110|170|4|a,b,c,d\n";
	const struct folder *folder = *state;
	struct runs_report report;
	struct workload workload;

	put_run(folder, "netemu.7.0", RUN("7", "", "100", "110", "112"), 4, 1);
	put_run(folder, "netemu.7.1", RUN("7", "", "100", "112", "139"), 4, 2);
	put_run(folder, "netemu.8.0", RUN("8", "", "100", "112", "139"), 4, 3);
	put_run(folder, "netemu.9.0", RUN("9", "", "100", "112", "139"), 4, 4);
	put_run(folder, "netemu.11.0",
		RUN("11", "\"array_job\": 10, \"array_task\": 3, ", "100", "112", "139"), 4, 5);
	join(&workload, sacct, folder, &report);
	assert_int_equal(report.runs, 5);
	assert_int_equal(report.joined, 3);
	assert_int_equal(report.strange, 1); /* 9 is of another cluster */
	assert_int_equal(workload.jobs[0].traffic->pairs[0].bytes, 2);
	assert_int_equal(workload.jobs[0].job.submit, 100 * S);
	assert_int_equal(workload.jobs[0].duration, 30 * S);
	assert_int_equal(workload.jobs[0].job.ranks, 4);
	assert_string_equal(workload.jobs[0].node_list, "a,b");
	assert_non_null(workload.jobs[0].placement);
	/* its ranks were on two of three nodes */
	assert_string_equal(workload.jobs[1].node_list, "[abd]");
	assert_null(workload.jobs[1].placement);
	assert_int_equal(workload.jobs[1].traffic->pairs[0].bytes, 3);
	assert_null(workload.jobs[2].traffic);
	assert_int_equal(workload.jobs[3].traffic->pairs[0].bytes, 5);
	assert_null(workload.jobs[4].traffic);
	/* 2 x 30 + 3 x 30 + 2 x 30 of these, 2 x 30 and 4 x 60 */
	assert_true(workload_recorded(&workload) == 210.0 / 510);
	workload_release(&workload);
}

static void tasks_of_arrays_meet_without_raw_ids(void **state)
{
	static const char sacct[] = "JobID|Submit|Start|End|NNodes\n"
				    "10_3|100|110|140|2\n"
				    "10_4|100|110|140|2\n"
				    "10_5|100|110|140|2\n";
	const struct folder *folder = *state;
	struct runs_report report;
	struct workload workload;

	put_run(folder, "netemu.11.0",
		RUN("11", "\"array_job\": 10, \"array_task\": 3, ", "100", "112", "139"), 4, 3);
	put_run(folder, "netemu.10.0", /* the last task has the id of the array */
		RUN("10", "\"array_job\": 10, \"array_task\": 5, ", "100", "112", "139"), 4, 5);
	join(&workload, sacct, folder, &report);
	assert_int_equal(report.joined, 2);
	assert_int_equal(workload.jobs[0].traffic->pairs[0].bytes, 3);
	assert_null(workload.jobs[1].traffic);
	assert_int_equal(workload.jobs[2].traffic->pairs[0].bytes, 5);
	workload_release(&workload);
}

static void each_run_of_a_requeued_job_has_its_own_matrix(void **state)
{
	static const char sacct[] = "JobID|Submit|Start|End|NNodes\n"
				    "7|100|110|140|2\n"
				    "7|150|1000|1040|2\n";
	const struct folder *folder = *state;
	struct runs_report report;
	struct workload workload;

	put_run(folder, "netemu.7.0", RUN("7", "", "100", "1001", "1030"), 4, 2);
	join(&workload, sacct, folder, &report);
	assert_int_equal(report.joined, 1);
	assert_null(workload.jobs[0].traffic);
	assert_non_null(workload.jobs[1].traffic);
	workload_release(&workload);
}

/* --- hosts --- */

static void topology(struct topology *topology, const char *const *hosts, size_t count)
{
	struct err err = { "" };
	uint32_t leaf;

	assert_int_equal(topology_init(topology, "net", &err), 0);
	leaf = topology_node(topology, "switch", false, 0, &err);
	for (size_t i = 0; i < count; i++) {
		uint32_t host = topology_node(topology, hosts[i], true, 0, &err);

		topology_cable(topology, host, NETEMU_NONE, leaf, NETEMU_NONE, 1, 0, &err);
	}
	if (topology_finish(topology, &err) < 0)
		fail_msg("%s", err.text);
}

static void nodes(struct workload *workload, const char *a, const char *b)
{
	workload_init(workload);
	workload_add(workload)->node_list = strdup(a);
	workload_add(workload)->node_list = strdup(b);
}

static const char *const four[] = { "host0", "node1", "host2", "host3" };

static void hosts_are_found_by_map_name_and_order(void **state)
{
	struct hostmap_report report;
	struct workload workload;
	struct topology net;
	struct hostmap map;
	struct err err = { "" };
	char text[512];

	(void)state;
	topology(&net, four, 4);
	nodes(&workload, "node1,node10", "node[9,1,7]");
	hostmap_init(&map);
	assert_int_equal(hostmap_add(&map, "node[7-8]", "host[2-3]", &err), 0);
	if (hostmap_apply(&map, &workload, &net, &report, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(report.nodes, 5);
	assert_int_equal(report.mapped, 2);
	assert_int_equal(report.named, 1);
	assert_int_equal(report.ordered, 1); /* node9 is host0 */
	assert_int_equal(report.homeless, 1);
	assert_int_equal(report.jobs, 1);
	assert_null(workload.jobs[0].job.given);
	assert_int_equal(workload.jobs[1].job.ngiven, 3);
	assert_int_equal(workload.jobs[1].job.given[0], 0);
	assert_int_equal(workload.jobs[1].job.given[1], 1);
	assert_int_equal(workload.jobs[1].job.given[2], 2);
	assert_string_equal(hostmap_warning(&report, text, sizeof(text)),
			    "1 of 5 nodes are no hosts by name and were taken for hosts in order, "
			    "the first: 'node9' is 'host0'; 1 nodes found no host: where 1 jobs "
			    "ran is not known");
	hostmap_release(&map);
	workload_release(&workload);
	topology_release(&net);
}

static void names_that_are_hosts_need_no_word(void **state)
{
	struct hostmap_report report;
	struct workload workload;
	struct topology net;
	struct hostmap map;
	struct err err = { "" };
	char text[512];

	(void)state;
	topology(&net, four, 4);
	nodes(&workload, "host3,host0", "node1");
	hostmap_init(&map);
	assert_int_equal(hostmap_apply(&map, &workload, &net, &report, &err), 0);
	assert_string_equal(hostmap_warning(&report, text, sizeof(text)), "");
	assert_int_equal(report.named, 3);
	assert_int_equal(workload.jobs[0].job.given[0], 3);
	assert_int_equal(workload.jobs[0].job.given[1], 0);
	hostmap_release(&map);
	workload_release(&workload);
	topology_release(&net);
}

static void wrong_maps_are_refused(void **state)
{
	static const struct {
		const char *from[2], *to[2], *says;
	} table[] = {
		{ { "n[0-3]" }, { "host[0-2]" }, "'n[0-3]' are 4 nodes, 'host[0-2]' are 3 hosts" },
		{ { "n0", "n[0-1]" }, { "host0", "host[2-3]" }, "node 'n0' is mapped twice" },
		{ { "n0" },
		  { "host9" },
		  "node 'n0' is mapped to 'host9', which is no host of 'net'" },
		{ { "n0" }, { "switch" }, "which is no host of 'net'" },
		{ { "n0", "n1" }, { "host0", "host0" }, "two nodes are mapped to host 'host0'" },
	};
	struct topology net;

	(void)state;
	topology(&net, four, 4);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct hostmap_report report;
		struct workload workload;
		struct hostmap map;
		struct err err = { "" };
		int rc = 0;

		nodes(&workload, "n0", "n1");
		hostmap_init(&map);
		for (int e = 0; rc == 0 && e < 2 && table[i].from[e]; e++)
			rc = hostmap_add(&map, table[i].from[e], table[i].to[e], &err);
		if (rc == 0)
			rc = hostmap_apply(&map, &workload, &net, &report, &err);
		assert_int_equal(rc, -1);
		if (!strstr(err.text, table[i].says))
			fail_msg("%zu says: %s", i, err.text);
		hostmap_release(&map);
		workload_release(&workload);
	}
	topology_release(&net);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(a_run_is_a_job_with_its_matrix_nodes_and_times),
		WITH_FOLDER(a_run_is_as_long_as_its_ranks_ran),
		WITH_FOLDER(later_runs_of_a_job_come_when_they_began),
		WITH_FOLDER(runs_that_are_not_there_are_named),
		WITH_FOLDER(jobs_get_the_matrix_of_their_longest_run),
		WITH_FOLDER(tasks_of_arrays_meet_without_raw_ids),
		WITH_FOLDER(each_run_of_a_requeued_job_has_its_own_matrix),
		cmocka_unit_test(hosts_are_found_by_map_name_and_order),
		cmocka_unit_test(names_that_are_hosts_need_no_word),
		cmocka_unit_test(wrong_maps_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct scenario_options plain;

#define JOBS "jobs:\n  - list: [{submit: 0, duration: 1, nodes: 1}]\n"
#define HEAD "topology: t.xml\noutput: out\n"

static void parse_with(struct scenario *scenario, const char *text,
		       const struct scenario_options *options)
{
	struct err err = { "" };

	if (scenario_parse(scenario, text, strlen(text), "dir/f.yml", options, &err) < 0)
		fail_msg("%s", err.text);
}

static void parse(struct scenario *scenario, const char *text)
{
	parse_with(scenario, text, &plain);
}

static void take(struct scenario *scenario, size_t number, struct scenario_case *sub)
{
	struct err err = { "" };

	if (scenario_case(scenario, number, sub, &err) < 0)
		fail_msg("%s", err.text);
}

static const char pfsim_text[] = "---\n"
				 "duration: 1000.0\n"
				 "topology:\n"
				 "  - kind: pfsim.topology.FileTopology\n"
				 "    params:\n"
				 "      path: topologies/a.graphml\n"
				 "  - kind: pfsim.topology.XGFTTopology\n"
				 "    params: {h: 2, m: [4, 4], w: [1, 2], npe: 8}\n"
				 "output: output/x\n"
				 "algorithms:\n"
				 "  router:\n"
				 "    - pfsim.router.DmodKRouter\n"
				 "    - pfsim.router.GreedyRouter\n"
				 "    - pfsim.router.GreedyRouter2\n"
				 "  scheduler:\n"
				 "    - pfsim.scheduler.FCFSScheduler\n"
				 "  process_mapper:\n"
				 "    - pfsim.process_mapper.LinearProcessMapper\n"
				 "    - pfsim.process_mapper.CyclicProcessMapper\n"
				 "  host_selector:\n"
				 "    - pfsim.host_selector.LinearHostSelector\n"
				 "    - pfsim.host_selector.RandomHostSelector\n"
				 "jobs:\n"
				 "  - submit:\n"
				 "      distribution: pfsim.math.ExponentialDistribution\n"
				 "      params: {lambd: 0.1}\n"
				 "    duration:\n"
				 "      distribution: pfsim.math.ExponentialDistribution\n"
				 "      params: {lambd: 0.2}\n"
				 "    trace: traces/cg.tar.gz\n";

/* As itertools.product() over topology, scheduler, host_selector,
 * process_mapper, router gives them, whatever the order of the file.
 */
static void nests_as_pfsim_does(void **state)
{
	static const char *const topologies[] = { "topologies/a.graphml", "xgft:4x4:1x2@slots=8" };
	static const char *const selections[] = { "Linear", "Random" };
	static const char *const mappers[] = { "Linear", "Cyclic" };
	static const char *const routers[] = { "DmodKRouter", "GreedyRouter", "GreedyRouter2" };
	struct scenario scenario;
	struct scenario_case sub;
	size_t number = 0;

	(void)state;
	parse(&scenario, pfsim_text);
	assert_int_equal(scenario_count(&scenario), 24);
	assert_string_equal(scenario.output, "dir/output/x");
	for (int t = 0; t < 2; t++)
		for (int s = 0; s < 2; s++)
			for (int m = 0; m < 2; m++)
				for (int r = 0; r < 3; r++) {
					take(&scenario, number, &sub);
					assert_int_equal(sub.id, number++);
					assert_string_equal(sub.topology, topologies[t]);
					assert_non_null(strstr(sub.selection, selections[s]));
					assert_non_null(strstr(sub.placement, mappers[m]));
					assert_string_equal(strrchr(sub.routing, '.') + 1,
							    routers[r]);
					scenario_case_release(&sub);
				}
	take(&scenario, 0, &sub);
	assert_string_equal(sub.scheduler, "pfsim.scheduler.FCFSScheduler");
	assert_true(sub.until == 1000 * INT64_C(1000000000));
	assert_string_equal(sub.duration, "1000.0");
	assert_false(sub.pfsim);
	scenario_case_release(&sub);
	scenario_release(&scenario);
}

static void other_axes_are_inside_in_file_order(void **state)
{
	struct scenario scenario;
	struct scenario_case sub;
	struct err err;

	(void)state;
	parse(&scenario, "stretch: [no, yes]\nlink_rate: [1, 2]\n" HEAD
			 "algorithms: {router: [dmodk, smodk]}\n" JOBS);
	assert_int_equal(scenario_count(&scenario), 8);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(scenario_case(&scenario, i, &sub, &err), 0);
		assert_string_equal(sub.routing, i & 4 ? "smodk" : "dmodk");
		assert_int_equal(sub.stretch, (i & 2) != 0);
		assert_string_equal(sub.link_rate, i & 1 ? "2" : "1");
		scenario_case_release(&sub);
	}
	scenario_release(&scenario);
}

/* RANGE makes exactly the values of EXPECTED, blanks between. */
static const struct range {
	const char *range, *expected;
} ranges[] = {
	{ "{from: 1, to: 4}", "1 2 3 4" },
	{ "{from: 1, to: 8, step: 3}", "1 4 7" },
	{ "{from: 2, to: 20, times: 2}", "2 4 8 16" },
	{ "{from: 0.1, to: 0.3, step: 0.1}", "0.1 0.2 0.3" },
	{ "{from: 5, to: 5}", "5" },
	{ "[3, 1, 2]", "3 1 2" },
	{ "[{from: 1, to: 2}, 9]", NULL }, /* a range within a list is no value */
};

static void ranges_and_lists_are_axes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct scenario scenario;
		struct err err = { "" };
		char text[512], seen[256] = "";
		int rc;

		snprintf(text, sizeof(text),
			 HEAD "jobs:\n  - list: [{submit: %s, duration: 1, nodes: 1}]\n",
			 ranges[i].range);
		rc = scenario_parse(&scenario, text, strlen(text), "f.yml", &plain, &err);
		assert_int_equal(rc, ranges[i].expected ? 0 : -1);
		if (rc < 0)
			continue;
		assert_int_equal(scenario.axes.count, 1);
		assert_string_equal(scenario.axes.axis[0].name, "jobs[0].list[0].submit");
		for (size_t id = 0; id < scenario_count(&scenario); id++) {
			char *value = scenario_axis_text(&scenario, 0, id);
			struct scenario_case sub;

			take(&scenario, id, &sub);
			assert_string_equal(
				schema_text(&yaml_find(&sub.jobs->items[0], "list")->items[0],
					    "submit", ""),
				value);
			scenario_case_release(&sub);
			strcat(strcat(seen, id ? " " : ""), value);
			free(value);
		}
		assert_string_equal(seen, ranges[i].expected);
		scenario_release(&scenario);
	}
}

static void axes_within_an_axis_unfold_in_place(void **state)
{
	static const char *const expected[] = { "a.xml",
						"xgft:4x2:1x1@slots=1",
						"xgft:4x2:1x1@slots=2",
						"xgft:2x2:1x1@slots=1",
						"xgft:2x2:1x1@slots=2",
						"kary:2:3" };
	struct scenario scenario;
	struct scenario_case sub;

	(void)state;
	parse(&scenario, "output: o\ntopology:\n  - a.xml\n"
			 "  - kind: xgft\n"
			 "    params: {m: [[4, 2], [2, 2]], w: [1, 1], slots: {from: 1, to: 2}}\n"
			 "  - {kind: kary, params: {k: 2, n: 3}}\n" JOBS);
	assert_int_equal(scenario_count(&scenario), 6);
	for (size_t i = 0; i < 6; i++) {
		take(&scenario, i, &sub);
		assert_string_equal(sub.topology, expected[i]);
		scenario_case_release(&sub);
	}
	scenario_release(&scenario);
}

static void kinds_become_specs(void **state)
{
	static const struct {
		const char *topology, *spec;
	} kinds[] = {
		{ "xgft:4x4:1x2@slots=2", "xgft:4x4:1x2@slots=2" },
		{ "{kind: file, params: {path: a/b.xml, rate: 100Gbit/s}}",
		  "a/b.xml@rate=100Gbit/s" },
		{ "{kind: torus, params: {n: 2, dims: [3, 4]}}", "torus:3x4" },
		{ "{kind: pfsim.topology.NDTorusTopology, params: {n: 1, dims: [5], bw: 2, npe: 3}}",
		  "torus:5@slots=3@capacity=2" },
		{ "{kind: mesh, params: {dims: [3, 4]}}", "mesh:3x4" },
		{ "{kind: kary, params: {k: 4, n: 3}}", "kary:4:3" },
		{ "{kind: dragonfly, params: {p: 2, a: 4, h: 2}}", "dragonfly:2:4:2" },
		{ "{kind: xgft, params: {m: [4,4], w: [1,2], cables: [1,2]}}", "xgft:4x4:1x2:1x2" },
		{ "{kind: ib, params: {path: net.txt, lfts: net.lfts}}", "ib:net.txt:net.lfts" },
		{ "{kind: slurm, params: {path: topology.conf}}", "slurm:topology.conf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct scenario scenario;
		struct scenario_case sub;
		char text[512];

		snprintf(text, sizeof(text), "output: o\ntopology: %s\n" JOBS, kinds[i].topology);
		parse(&scenario, text);
		take(&scenario, 0, &sub);
		assert_string_equal(sub.topology, kinds[i].spec);
		scenario_case_release(&sub);
		scenario_release(&scenario);
	}
}

static void repetitions_are_innermost_with_seeds_in_turn(void **state)
{
	struct scenario scenario;
	struct scenario_case sub;
	char buf[48];

	(void)state;
	parse(&scenario, "seed: 40\nrepeat: 3\n" HEAD "algorithms: {router: [a, b]}\n" JOBS);
	assert_int_equal(scenario_count(&scenario), 6);
	for (size_t i = 0; i < 6; i++) {
		take(&scenario, i, &sub);
		assert_int_equal(sub.id, i / 3);
		assert_int_equal(sub.seed, 40 + i % 3);
		assert_string_equal(sub.routing, i < 3 ? "a" : "b");
		scenario_case_release(&sub);
	}
	assert_string_equal(scenario_folder(&scenario, 5, buf, sizeof(buf)), "1/2");
	scenario_release(&scenario);
}

static void the_command_line_wins(void **state)
{
	static const struct scenario_options options = { .output = "there",
							 .seed = "18446744073709551615",
							 .pfsim = true };
	struct scenario scenario;
	struct scenario_case sub;

	(void)state;
	parse_with(&scenario, "seed: 1\n" HEAD JOBS, &options);
	take(&scenario, 0, &sub);
	assert_string_equal(scenario.output, "there");
	assert_true(sub.seed == UINT64_MAX);
	assert_true(sub.pfsim);
	scenario_case_release(&sub);
	scenario_release(&scenario);
}

static const struct bad {
	const char *text, *message;
} bad[] = {
	{ "x", "f.yml:1: 'x' stands where a mapping is wanted" },
	{ HEAD, "f.yml:1: 'jobs' is missing" },
	{ "output: o\n" JOBS, "f.yml:1: 'topology' is missing" },
	{ "topology: t\n" JOBS, "f.yml: there is neither 'output' in it nor --output" },
	{ "durration: 1\n" HEAD JOBS,
	  "f.yml:1: 'durration': unknown key (did you mean 'duration'?)" },
	{ HEAD "duration: -1\n" JOBS,
	  "f.yml:3: duration: '-1' is no time (seconds, or as 10ms, 5m, 2h)" },
	{ HEAD "duration: [1, x]\n" JOBS,
	  "f.yml:3: duration: 'x' is no time (seconds, or as 10ms, 5m, 2h)" },
	{ HEAD "duration: []\n" JOBS, "f.yml:3: duration: an empty list stands where a value" },
	{ HEAD "duration: [[1]]\n" JOBS, "f.yml:3: duration: a list stands within a list" },
	{ HEAD "duration: {from: 3, to: 1}\n" JOBS, "f.yml:3: duration: 'from' is more than 'to'" },
	{ HEAD "duration: {from: 1}\n" JOBS, "f.yml:3: duration: a range needs 'from' and 'to'" },
	{ HEAD "duration: {from: 1, to: 2, steps: 1}\n" JOBS,
	  "f.yml:3: duration: 'steps': unknown key (did you mean 'step'?)" },
	{ HEAD "duration: {from: 1, to: 2, step: 0}\n" JOBS,
	  "f.yml:3: duration: a range needs 'step' > 0" },
	{ HEAD "duration: {from: 1, to: 2, times: 1}\n" JOBS,
	  "f.yml:3: duration: a range needs 'from' > 0 and 'times' > 1" },
	{ HEAD "duration: {from: 0, to: 1, step: 1e-7}\n" JOBS,
	  "f.yml:3: duration: the sweep has too many values here" },
	{ HEAD "repeat: 0\n" JOBS, "f.yml:3: repeat: '0' is no integer >= 1" },
	{ HEAD "repeat: [1, 2]\n" JOBS,
	  "f.yml:3: repeat: a list stands where one value is wanted" },
	{ HEAD "seed: 18446744073709551616\n" JOBS, "f.yml:3: seed: '18446744073709551616' is no" },
	{ HEAD "compat: sim\n" JOBS, "f.yml:3: compat: 'sim' is none of pfsim" },
	{ HEAD "stretch: maybe\n" JOBS, "f.yml:3: stretch: 'maybe' is neither yes nor no" },
	{ HEAD "algorithms:\n  routr: x\n" JOBS,
	  "f.yml:4: algorithms: 'routr': unknown key (did you mean 'router'?)" },
	{ HEAD "algorithms: dmodk\n" JOBS,
	  "f.yml:3: algorithms: 'dmodk' stands where a mapping is wanted" },
	{ HEAD "snapshots: {every: 0}\n" JOBS,
	  "f.yml:3: snapshots: 'every' has to be more than 0" },
	{ HEAD "jobs: 1\n", "f.yml:3: jobs: '1' stands where a list is wanted" },
	{ HEAD "jobs: []\n", "f.yml:3: jobs: the list is empty" },
	{ HEAD "jobs:\n  - {nodes: 3}\n", "f.yml:4: jobs[0]: one of submit, list, swf, sacct" },
	{ HEAD "jobs:\n  - {swf: a, run: b}\n",
	  "f.yml:4: jobs[0]: 'swf' and 'run' exclude each other" },
	{ HEAD "jobs:\n  - {submit: 1, duration: 1, nodes: 1}\n",
	  "f.yml:4: jobs: these jobs never end" },
	{ HEAD "jobs:\n  - {submit: 1, nodes: 1}\n", "f.yml:4: jobs: 'duration' is missing" },
	{ HEAD "jobs:\n  - submit: {distribution: normal}\n",
	  "f.yml:4: jobs[0].submit: 'normal': unknown distribution (known are exponential" },
	{ HEAD "jobs:\n  - submit: {distribution: uniform, params: {min: 1}}\n",
	  "f.yml:4: jobs[0].submit.params: 'max' is missing" },
	{ HEAD "jobs:\n  - list:\n      - {submit: 0, duration: 1, nodes: 0}\n",
	  "f.yml:5: jobs[0].list[0].nodes: '0' is no integer >= 1" },
	{ "output: o\ntopology: {kind: xgtf}\n" JOBS,
	  "f.yml:2: topology: 'xgtf': unknown kind (did you mean 'xgft'?)" },
	{ "output: o\ntopology: {kind: file}\n" JOBS,
	  "f.yml:2: topology.params: 'path' is missing" },
	{ "output: o\ntopology: {params: {path: x}}\n" JOBS,
	  "f.yml:2: topology: 'kind' is missing" },
	{ "output: o\nseed: {from: 1, to: 2000}\nduration: {from: 1, to: 2000}\n"
	  "topology: t\n" JOBS,
	  "f.yml:3: duration: the sweep has more than 1000000 sub-scenarios" },
};

static void refuses_bad_input(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct scenario scenario;
		struct err err = { "" };

		if (scenario_parse(&scenario, bad[i].text, strlen(bad[i].text), "f.yml", &plain,
				   &err) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (strncmp(err.text, bad[i].message, strlen(bad[i].message)))
			fail_msg("%s\nsays: %s\nnot:  %s", bad[i].text, err.text, bad[i].message);
	}
}

static void lengths_that_contradict_are_refused(void **state)
{
	struct scenario scenario;
	struct scenario_case sub;
	struct err err = { "" };

	(void)state;
	parse(&scenario,
	      "output: o\ntopology: {kind: xgft, params: {h: 3, m: [1, 2], w: [1, 1]}}\n" JOBS);
	assert_int_equal(scenario_case(&scenario, 0, &sub, &err), -1);
	assert_string_equal(err.text, "dir/f.yml:2: topology: 'h' is 3, but 'm' has 2 numbers");
	scenario_release(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nests_as_pfsim_does),
		cmocka_unit_test(other_axes_are_inside_in_file_order),
		cmocka_unit_test(ranges_and_lists_are_axes),
		cmocka_unit_test(axes_within_an_axis_unfold_in_place),
		cmocka_unit_test(kinds_become_specs),
		cmocka_unit_test(repetitions_are_innermost_with_seeds_in_turn),
		cmocka_unit_test(the_command_line_wins),
		cmocka_unit_test(refuses_bad_input),
		cmocka_unit_test(lengths_that_contradict_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

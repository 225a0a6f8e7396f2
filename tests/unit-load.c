/* SPDX-License-Identifier: Apache-2.0 */
/* unit-load.c - tables of links and jobs, what they say, and how two differ */
#include "load/hot.h"
#include "load/jobtable.h"
#include "load/linkdiff.h"
#include "load/linkwrite.h"
#include "load/pattern.h"
#include "load/summary.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define HEADER "src\tdst\tcapacity\tbytes\tflows\tsrc_port\tdst_port\n"

static void parse(struct linktable *table, const char *text)
{
	struct err err = { "" };

	if (linktable_parse(table, text, strlen(text), "f", &err) < 0)
		fail_msg("%s", err.text);
}

static char *text_of(const struct linktable *table, bool json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	(json ? linktable_json : linktable_tsv)(table, out);
	fclose(out);
	return text;
}

static void rows_are_sorted_by_names_then_ports(void **state)
{
	struct linktable table;

	(void)state;
	parse(&table, HEADER "b\ta\t1\t1\t1\t1\t1\n"
			     "a\tb\t1\t2\t1\t10\t1\n"
			     "a\tb\t1\t3\t1\t9\t1\n"
			     "a\tb\t1\t4\t1\t-\t-\n"
			     "a\tB\t1\t5\t1\t1\t1\n");
	assert_int_equal(table.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(table.row[i].bytes == load_whole((uint64_t[]){ 5, 3, 2, 4, 1 }[i]));
	assert_int_equal(table.row[3].src_port, NETEMU_NONE);
	linktable_release(&table);
}

static void columns_come_in_any_order(void **state)
{
	struct linktable table;

	(void)state;
	parse(&table, "queue_ns\tbytes\tnew\tdst\tmessages\tsrc\twire_bytes\n"
		      "7\t500\tx\tb\t5\ta\t700\n");
	assert_true(table.has[LINK_MESSAGES] && !table.has[LINK_FLOWS]);
	assert_string_equal(table.row[0].src, "a");
	assert_string_equal(table.row[0].dst, "b");
	assert_true(table.row[0].bytes == load_whole(500));
	assert_int_equal(table.row[0].messages, 5);
	assert_int_equal(table.row[0].wire_bytes, 700);
	assert_int_equal(table.row[0].queue_ns, 7);
	linktable_release(&table);
}

static double tenth_of(const void *of, uint32_t link)
{
	return (double)((const int *)of)[link] / 10;
}

static void more_columns_go_by_link_not_by_row(void **state)
{
	const int of[] = { 20, 5 };
	const struct link_extra extra[] = { { "tenth", tenth_of, of } };
	struct linktable table;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	parse(&table, HEADER "b\ta\t1\t1\t1\t1\t-\n"
			     "a\tb\t1\t2\t1\t-\t1\n");
	linktable_tsv_with(&table, extra, 1, out);
	fclose(out);
	assert_string_equal(text, "src\tdst\tcapacity\tbytes\tflows\tsrc_port\tdst_port\ttenth\n"
				  "a\tb\t1\t2\t1\t-\t1\t0.5\n"
				  "b\ta\t1\t1\t1\t1\t-\t2\n");
	free(text);
	linktable_release(&table);
}

static void amounts_keep_every_digit(void **state)
{
	static const struct {
		const char *text;
		uint64_t whole;
		uint64_t part; /* of 2^32 */
	} good[] = {
		{ "0", 0, 0 },
		{ "18446744073709551615", UINT64_MAX, 0 },
		{ "0.5", 0, 1u << 31 },
		{ "3.25", 3, 1u << 30 },
		{ "0.333333333", 0, 1431655764 }, /* 2^32 * 0.333333333 = 1431655763.9 */
		{ "007", 7, 0 },
	};
	static const char *const bad[] = { "", "-1", "1.", ".5", "1e3", "1.2.3", "x", "1 ", "+1" };
	load_amount amount;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(link_amount(good[i].text, &amount), 0);
		assert_true(amount == load_whole(good[i].whole) + good[i].part);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(link_amount(bad[i], &amount), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(link_amount("99999999999999999999999999999", &amount), -1);
	assert_int_equal(errno, ERANGE);
}

static void bad_tables_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "", "f:1: no header: the file is empty" },
		{ "src\tdst\n", "f:1: no column 'bytes'" },
		{ "src\tdst\tbytes\tsrc\n", "f:1: column 'src' stands there twice" },
		{ "src\tdst\tbytes\na\tb\n", "f:2: 2 columns, but the header has 3" },
		{ "src\tdst\tbytes\na\tb\t1\t2\n", "f:2: more than the 3 columns of the header" },
		{ "src\tdst\tbytes\na\tb\t1\n\nc\td\t1\n", "f:3: an empty line" },
		{ "src\tdst\tbytes\na\tb\tmany\n", "f:2: bytes: 'many' is no such number" },
		{ "src\tdst\tbytes\na\tb\t-1\n", "f:2: bytes: '-1' is no such number" },
		{ "src\tdst\tbytes\n\tb\t1\n", "f:2: src: '' is no name" },
		{ "src\tdst\tbytes\tsrc_port\na\tb\t1\t4294967295\n",
		  "f:2: src_port: '4294967295' is out of range" },
		{ "src\tdst\tbytes\tcapacity\na\tb\t1\tinf\n",
		  "f:2: capacity: 'inf' is no such number" },
		{ "src\tdst\tbytes\tsrc_port\tdst_port\na\tb\t1\t1\t2\na\tb\t1\t1\t2\n",
		  "f: 'a 1 -> b 2' stands there twice" },
		{ "{\"links\": [{\"src\": \"a\", \"dst\": \"b\"}]}",
		  "f:1: 'dst': a link without 'bytes'" },
		{ "{\"links\": [{\"src\": null, \"dst\": \"b\", \"bytes\": 1}]}",
		  "f:1: 'src': no name" },
		{ "{\"links\": [\n{\"src\": \"a\", \"dst\": \"b\", \"bytes\": -1}]}",
		  "f:2: 'bytes': '-1' is not valid here" },
		{ "{\"version\": 1}", "f:1: no \"links\"" },
	};
	struct linktable table;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
			linktable_parse(&table, bad[i].text, strlen(bad[i].text), "f", &err), -1);
		assert_string_equal(err.text, bad[i].sentence);
	}
	assert_int_equal(linktable_parse(&table, "src\0", 4, "f", &err), -1);
	assert_string_equal(err.text, "f: is no text: it has a byte 0");
}

/* Random rows, written in both forms and read again. */
static void what_is_written_is_read_again(void **state)
{
	struct random random;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct linktable table, other;
	struct linkdiff diff;

	(void)state;
	random_init(&random, 1, "unit-load", 0);
	fputs(HEADER, out);
	for (int i = 0; i < 500; i++)
		fprintf(out, "n%d\t%s%d\t%d.5\t%llu\t%d.25\t%d\t%d\n",
			(int)random_below(&random, 20),
			random_below(&random, 2) ? "\xc3\xa9" : "\"\\",
			(int)random_below(&random, 20), (int)random_below(&random, 100),
			(unsigned long long)random_next(&random), (int)random_below(&random, 100),
			i, i);
	fclose(out);
	parse(&table, text);
	for (int json = 0; json < 2; json++) {
		char *written = text_of(&table, json), *document = NULL;

		assert_true(asprintf(&document, json ? "{\"links\": %s}" : "%s", written) > 0);
		parse(&other, document);
		assert_int_equal(linkdiff_make(&diff, &table, &other), 0);
		assert_int_equal(diff.matches.count, 500);
		assert_int_equal(diff.matches.only_a + diff.matches.only_b + diff.changed, 0);
		assert_true(diff.flows[0] == diff.flows[1] && diff.congestion[0] > 0 &&
			    diff.congestion[0] == diff.congestion[1]);
		linkdiff_release(&diff);
		linktable_release(&other);
		free(document);
		free(written);
	}
	linktable_release(&table);
	free(text);
}

static void cables_without_ports_are_matched_in_order(void **state)
{
	struct linktable a, b;
	struct linkmatches matches;

	(void)state;
	parse(&a, HEADER "a\tb\t1\t10\t1\t1\t1\na\tb\t1\t20\t1\t2\t2\na\tc\t1\t1\t1\t3\t1\n");
	parse(&b, "src\tdst\tbytes\na\tb\t11\na\tb\t21\na\tb\t31\nb\ta\t1\n");
	assert_int_equal(linktable_match(&a, &b, &matches), 0);
	assert_int_equal(matches.count, 5);
	assert_int_equal(matches.only_a, 1); /* a -> c */
	assert_int_equal(matches.only_b, 2); /* the third a -> b, b -> a */
	assert_true(matches.match[0].a->bytes == load_whole(10));
	assert_true(matches.match[0].b->bytes == load_whole(11));
	assert_true(matches.match[1].b->bytes == load_whole(21));
	assert_null(matches.match[2].a);
	free(matches.match);
	linktable_release(&b);
	/* with ports on both sides by port */
	parse(&b, HEADER "a\tb\t1\t20\t1\t2\t2\n");
	assert_int_equal(linktable_match(&a, &b, &matches), 0);
	assert_null(matches.match[0].b);
	assert_true(matches.match[1].b->bytes == load_whole(20));
	free(matches.match);
	linktable_release(&a);
	linktable_release(&b);
}

/* 100 + 50 against 120 + 50 + 30: 50 of 150 have moved. */
static void differences_are_counted_over_all_links(void **state)
{
	struct linktable a, b, none;
	struct linkdiff diff;

	(void)state;
	parse(&a, "src\tdst\tbytes\na\tb\t100\nb\ta\t50\n");
	parse(&b, "src\tdst\tbytes\na\tb\t120\nb\ta\t50\nb\tc\t30\n");
	parse(&none, "src\tdst\tbytes\na\tb\t0\n");
	assert_int_equal(linkdiff_make(&diff, &a, &b), 0);
	assert_true(diff.moved == load_whole(50));
	assert_true(fabs(diff.ratio - 1.0 / 3) < 1e-15);
	assert_int_equal(diff.changed, 2);
	assert_string_equal(diff.change[0].b->dst, "c"); /* the largest first */
	assert_int_equal(diff.matches.only_b, 1);
	linkdiff_release(&diff);
	assert_int_equal(linkdiff_make(&diff, &none, &a), 0);
	assert_true(isinf(diff.ratio));
	linkdiff_release(&diff);
	assert_int_equal(linkdiff_make(&diff, &none, &none), 0);
	assert_true(diff.ratio == 0);
	linkdiff_release(&diff);
	linktable_release(&a);
	linktable_release(&b);
	linktable_release(&none);
}

/* --- jobs --- */

static void jobs_are_read_from_csv(void **state)
{
	static const char text[] = "name,id,wait,run,outcome,source\r\n"
				   "\"a, \"\"b\"\"\nc\",1,1.5,2.000000001,done,1\r\n"
				   "x,0,,,rejected,1\r\n"
				   "y,7,0,9,done,0";
	struct jobtable table;
	struct err err = { "" };

	(void)state;
	assert_int_equal(jobtable_parse(&table, text, sizeof(text) - 1, "f", &err), 0);
	assert_int_equal(table.count, 3);
	assert_int_equal(table.row[0].id, 7);
	assert_int_equal(table.row[1].id, 0);
	assert_true(table.row[1].wait == NETEMU_NEVER && table.row[1].run == NETEMU_NEVER);
	assert_string_equal(table.row[1].outcome, "rejected");
	assert_true(table.row[2].wait == 1500000000 && table.row[2].run == 2000000001);
	jobtable_release(&table);
}

static void bad_jobs_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "", "f:1: no header: the file is empty" },
		{ "wait,run\n", "f:1: no column 'id'" },
		{ "id,id\n", "f:1: column 'id' stands there twice" },
		{ "id,wait\n1\n", "f:2: fewer columns than the header has" },
		{ "id\n1\n2,3\n", "f:3: more columns than the header has" },
		{ "id,wait\n1,soon\n", "f:2: wait: 'soon' is no such number" },
		{ "id,wait\n1,-2\n", "f:2: wait: '-2' is no such number" },
		{ "id,wait\n1,1e3\n", "f:2: wait: '1e3' is no such number" },
		{ "id,wait\n1,99999999999\n", "f:2: wait: '99999999999' is no such number" },
		{ "id\n\"1\n", "f:2: a quote that is not closed, or text behind it" },
		{ "id\n\"1\"2\n", "f:2: a quote that is not closed, or text behind it" },
		{ "id,name\n\"1\",\"a\n\nb\"\nx,y\n", "f:5: id: 'x' is no such number" },
	};
	struct jobtable table;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
			jobtable_parse(&table, bad[i].text, strlen(bad[i].text), "f", &err), -1);
		assert_string_equal(err.text, bad[i].sentence);
	}
}

static void jobs_are_compared_by_source_and_id(void **state)
{
	static const char before[] = "id,source,wait,run,outcome\n0,0,0,10,done\n1,0,5,10,done\n"
				     "1,1,2,3,done\n";
	static const char after[] = "id,source,wait,run,outcome\n0,0,0,10,done\n1,0,1,11,done\n"
				    "2,0,,,waiting\n";
	struct jobtable a, b;
	struct jobdiff diff;
	struct err err = { "" };

	(void)state;
	assert_int_equal(jobtable_parse(&a, before, strlen(before), "a", &err), 0);
	assert_int_equal(jobtable_parse(&b, after, strlen(after), "b", &err), 0);
	assert_int_equal(jobdiff_make(&diff, &a, &b), 0);
	assert_int_equal(diff.count, 4);
	assert_int_equal(diff.changed, 3);
	assert_int_equal(diff.only_a, 1);
	assert_int_equal(diff.only_b, 1);
	assert_true(diff.wait[0] == 7 && diff.wait[1] == 1);
	assert_true(diff.run[0] == 23 && diff.run[1] == 21);
	assert_true(diff.ratio == 10.0 / 30); /* 4 + 1, and the 2 + 3 of the lost one */
	assert_int_equal(diff.change[0].a->id, 1);
	jobdiff_release(&diff);
	jobtable_release(&a);
	jobtable_release(&b);
}

/* --- summary and hot links, on two leaves with two hosts and two spines --- */

struct net {
	struct topology topology;
	struct loads loads;
};

static void net_open(struct net *net)
{
	struct err err = { "" };

	if (topology_open(&net->topology, "kary:2:2", NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(loads_init(&net->loads, net->topology.net.links), 0);
	assert_int_equal(net->topology.net.links, 16);
}

static void net_close(struct net *net)
{
	loads_release(&net->loads);
	topology_release(&net->topology);
}

/* The link from node A to node B. */
static uint32_t link_of(const struct net *net, uint32_t a, uint32_t b)
{
	const struct netemu_net *plain = &net->topology.net;

	for (uint32_t link = plain->first[a]; link < plain->first[a + 1]; link++)
		if (plain->link[link].to == b)
			return link;
	fail_msg("no link from %s to %s", plain->name[a], plain->name[b]);
	return 0;
}

/* The path from host A to host B, upwards over the FIRST or other spine. */
static uint32_t walk(const struct net *net, uint32_t a, uint32_t b, bool first, uint32_t *path)
{
	const struct netemu_net *plain = &net->topology.net;
	uint32_t from = plain->host_node[a], to = plain->host_node[b];
	uint32_t leaf = plain->link[plain->first[from]].to,
		 other = plain->link[plain->first[to]].to;
	uint32_t spine = NETEMU_NONE, used = 0;

	for (uint32_t link = plain->first[leaf]; link < plain->first[leaf + 1]; link++)
		if (plain->level[plain->link[link].to] == 2 && (spine == NETEMU_NONE || !first))
			spine = plain->link[link].to;
	path[used++] = link_of(net, from, leaf);
	if (leaf != other) {
		path[used++] = link_of(net, leaf, spine);
		path[used++] = link_of(net, spine, other);
	}
	path[used++] = link_of(net, other, to);
	return used;
}

static void links_are_grouped_by_boundary_and_direction(void **state)
{
	struct net net;
	struct summary summary;
	uint32_t dlids[16], path[4];

	(void)state;
	net_open(&net);
	for (int i = 0; i < 16; i++)
		dlids[i] = i % 2;
	for (uint32_t i = walk(&net, 0, 2, true, path); i--;)
		net.loads.link[path[i]] = (struct load){ load_whole(30), load_whole(3) };
	assert_int_equal(summary_make(&summary, &net.topology, &net.loads, dlids, true), 0);
	assert_int_equal(summary.ngroups, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct summary_group *group = &summary.group[i];

		assert_int_equal(group->boundary, i / 2);
		assert_string_equal(group->direction, i % 2 ? "down" : "up");
		assert_int_equal(group->links, 4);
		assert_true(group->bytes.sum == load_whole(30));
		assert_int_equal(group->flows.nbins, 2);
		assert_true(group->flows.bin[0].low == 0 && group->flows.bin[0].links == 3);
		assert_true(group->flows.bin[1].high == 3 && group->flows.bin[1].links == 1);
		/* 0 0 0 30: mean 7.5, variance (3 * 56.25 + 506.25) / 3 */
		assert_true(group->bytes.stats.mean == 7.5);
		assert_true(fabs(stats_variance(&group->bytes.stats) - 225) < 1e-12);
		assert_true(group->bytes.percentile[SUMMARY_P50] == 0);
	}
	assert_int_equal(summary.switches.links, 8);
	assert_true(summary.switches.bytes.sum == load_whole(60));
	assert_int_equal(summary.ndlids, 2);
	assert_int_equal(summary.dlids[0].links + summary.dlids[1].links, 8);
	summary_release(&summary);
	assert_int_equal(summary_make(&summary, &net.topology, &net.loads, NULL, false), 0);
	assert_int_equal(summary.ngroups, 2);
	assert_int_equal(summary.ndlids, 0);
	summary_release(&summary);
	net_close(&net);
}

static void histograms_bin_what_is_too_various(void **state)
{
	struct summary_bin *bin;
	double values[1000];
	uint64_t sum = 0;
	ssize_t count;

	(void)state;
	for (int i = 0; i < 1000; i++)
		values[i] = 999 - i;
	count = summary_histogram(values, 1000, &bin);
	assert_int_equal(count, SUMMARY_BINS);
	for (ssize_t i = 0; i < count; i++)
		sum += bin[i].links;
	assert_int_equal(sum, 1000);
	assert_true(bin[0].low == 0 && bin[count - 1].high == 999);
	assert_int_equal(bin[0].links, 50); /* 0 .. 49.95 */
	free(bin);
	for (int i = 0; i < 1000; i++)
		values[i] = i % SUMMARY_EXACT;
	assert_int_equal(summary_histogram(values, 1000, &bin), SUMMARY_EXACT);
	free(bin);
	assert_int_equal(summary_histogram(values, 0, &bin), 0);
	free(bin);
}

/* Hosts 0 and 1 send to host 2 over the first spine, host 1 also to host 3 over
 * the other; rank = host.  Of the bytes of 0 -> 2 half are p2p, half bcast.
 */
static void hot_links_name_their_pairs_and_operations(void **state)
{
	struct netemu_pair pairs[] = { { 0, 2, 100, 1 }, { 1, 2, 70, 1 }, { 1, 3, 900, 1 } };
	struct netemu_rank_pair p2p[] = { { 0, 2, 50, 1 }, { 1, 3, 900, 1 } };
	struct netemu_rank_pair bcast[] = { { 0, 2, 50, 1 }, { 1, 2, 70, 2 } };
	char names[2][8] = { "bcast", "p2p" };
	struct traffic_part ops[] = { { .name = names[0], .pairs = bcast, .npairs = 2 },
				      { .name = names[1], .pairs = p2p, .npairs = 2 } };
	struct traffic traffic = { .ranks = 4, .ops = ops, .nops = 2 };
	const uint32_t placement[] = { 0, 1, 2, 3 };
	uint32_t path[12];
	size_t start[4] = { 0 };
	struct routed routed = { .path = path, .start = start };
	struct hot_traffic what = { .pairs = pairs,
				    .npairs = 3,
				    .routed = &routed,
				    .traffic = &traffic,
				    .placement = placement };
	struct linktable table;
	struct net net;
	struct hot hot;
	struct err err = { "" };

	(void)state;
	net_open(&net);
	what.topology = &net.topology;
	for (size_t i = 0; i < 3; i++) {
		uint32_t count =
			walk(&net, pairs[i].from, pairs[i].to, pairs[i].to == 2, path + start[i]);

		for (uint32_t k = 0; k < count; k++) {
			net.loads.link[path[start[i] + k]].bytes += load_whole(pairs[i].bytes);
			net.loads.link[path[start[i] + k]].flows += load_whole(1);
		}
		start[i + 1] = start[i] + count;
	}
	assert_int_equal(linktable_make(&table, &net.topology, &net.loads), 0);
	assert_int_equal(hot_make(&hot, &table, &net.topology, false, 3), 0);
	assert_int_equal(hot_explain(&hot, &what, &err), 0);
	assert_int_equal(hot.count, 3);
	assert_true(hot.link[0].congestion == 900 && hot.link[1].congestion == 900);
	assert_int_equal(hot.link[0].npairs, 1);
	assert_int_equal(hot.link[0].nops, 1);
	assert_string_equal(hot.link[0].op[0].name, "p2p");
	assert_true(hot.link[2].congestion == 170);
	assert_int_equal(hot.link[2].npairs, 2);
	assert_int_equal(hot.link[2].pair[0].from, 0);
	assert_int_equal(hot.link[2].nops, 2);
	assert_string_equal(hot.link[2].op[0].name, "bcast");
	assert_true(hot.link[2].op[0].bytes == load_whole(120));
	assert_true(hot.link[2].op[1].bytes == load_whole(50));
	hot_release(&hot);
	/* those of hosts: the link out of host 1 carries 970 */
	assert_int_equal(hot_make(&hot, &table, &net.topology, true, 100), 0);
	assert_true(hot.link[0].congestion == 970);
	assert_int_equal(hot.count, 4); /* 2 out, 2 in */
	hot_release(&hot);
	linktable_release(&table);
	net_close(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_by_names_then_ports),
		cmocka_unit_test(columns_come_in_any_order),
		cmocka_unit_test(more_columns_go_by_link_not_by_row),
		cmocka_unit_test(amounts_keep_every_digit),
		cmocka_unit_test(bad_tables_are_refused_with_their_line),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(cables_without_ports_are_matched_in_order),
		cmocka_unit_test(differences_are_counted_over_all_links),
		cmocka_unit_test(jobs_are_read_from_csv),
		cmocka_unit_test(bad_jobs_are_refused_with_their_line),
		cmocka_unit_test(jobs_are_compared_by_source_and_id),
		cmocka_unit_test(links_are_grouped_by_boundary_and_direction),
		cmocka_unit_test(histograms_bin_what_is_too_various),
		cmocka_unit_test(hot_links_name_their_pairs_and_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

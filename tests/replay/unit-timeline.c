/* SPDX-License-Identifier: Apache-2.0 */
#include "net/watch.h"
#include "result/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Names that need care: quotes, a control character, UTF-8, and what is not. */
static char text[] = "plain\0a\"b\\c\n\0\xc3\xa9\0\xe9";
static uint64_t names[] = { 0, 6, 13, 16 };
static struct graph_node nodes[] = {
	{ .id = 10, .name = 0, .type = ET_COMP },
	{ .id = 11, .name = 1, .type = ET_COMP, .is_cpu = true },
	{ .id = 12, .name = 2, .type = ET_COMM_COLL },
	{ .id = UINT64_MAX, .name = 3, .type = ET_COMM_RECV },
};
static const struct graph graph = {
	.nodes = nodes,
	.count = 4,
	.text = text,
	.names = names,
	.names_count = 4,
};

static char path[64];

/* A network whose calls take known times: handing over 100 ns, a poll 1000 and 10 more for each end
 * that it finds, what follows from an end 5000.
 */
static int64_t now;

static int64_t the_time(void *arg)
{
	(void)arg;
	return now;
}

static const struct loop_clock clock_stub = { .now = the_time };
static struct net_message *ends[2];

static int hand_over(struct net *net, struct net_message *message, struct err *err)
{
	(void)net;
	(void)err;
	ends[message->is_send ? 0 : 1] = message;
	now += 100;
	return 0;
}

static int poll_ends(struct net *net, struct err *err)
{
	int found = 0;

	(void)err;
	now += 1000;
	for (int i = 0; i < 2; i++) {
		if (!ends[i])
			continue;
		now += 10;
		net_done(net, ends[i], now);
		ends[i] = NULL;
		found++;
	}
	return found;
}

static void follow(struct net_message *message, int64_t time)
{
	(void)message;
	(void)time;
	now += 5000;
}

static const struct net_ops slow_ops = { .send = hand_over, .recv = hand_over, .poll = poll_ends };

/* One message each way, found by the second of IDLE + 1 polls, and a timer that is 7 ns late. */
static void exchange(struct net *net, unsigned idle)
{
	struct net_message send = { .peer = 1, .size = 4096, .tag = NET_TAG_P2P | 7 };
	struct net_message receive = { .peer = 2, .size = NET_ANY, .tag = 8 };
	struct err err;
	int64_t begin;

	send.done = receive.done = follow;
	assert_int_equal(net_send(net, &send, &err), 0);
	assert_int_equal(net_recv(net, &receive, &err), 0);
	assert_int_equal(net_poll(net, &err), 2);
	for (unsigned i = 0; i < idle; i++)
		assert_int_equal(net_poll(net, &err), 0);
	begin = net_timer_begins(net);
	now += 300;
	net_timer_ends(net, 42, begin - 7, begin);
}

static void write_all(enum timeline_level level, bool merged, unsigned times)
{
	static const enum lane lanes[] = { LANE_COMP, LANE_CPU, LANE_COMM, LANE_NONE };
	struct net_count counts[3] = { 0 };
	struct loop loop;
	struct net net = {
		.loop = &loop, .rank = 3, .size = 3, .counts = counts, .ops = &slow_ops
	};
	struct timeline timeline;
	struct err err;

	now = 0;
	loop_init(&loop, &clock_stub);
	assert_int_equal(timeline_open(&timeline, level, merged, path, &err), 0);
	timeline_begin(&timeline, 1000, 3);
	timeline_rank(&timeline, 3);
	timeline_watch(&timeline, &net);
	for (unsigned i = 0; i < times; i++) {
		for (uint32_t node = 0; node < 4; node++)
			timeline_node(&timeline, 3, &graph,
				      &(struct timeline_slice){ node, lanes[node], 1001 * (i + 1),
								1001 * (i + 1) + 2500 });
		exchange(&net, 0);
	}
	assert_int_equal(timeline_close(&timeline, &err), 0);
	timeline_leave(&timeline);
	loop_release(&loop);
}

static json_t *read_back(void)
{
	json_error_t why;
	json_t *root = json_load_file(path, 0, &why);

	if (!root)
		fail_msg("line %d: %s", why.line, why.text);
	unlink(path);
	return root;
}

/* Slices named NAME (NULL: any) on track TID (0: any). */
static unsigned count(const json_t *root, const char *name, json_int_t tid)
{
	json_t *event;
	unsigned found = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "traceEvents"), i, event)
	{
		const char *own = json_string_value(json_object_get(event, "name"));

		if (strcmp(json_string_value(json_object_get(event, "ph")), "X"))
			continue;
		assert_int_equal(json_integer_value(json_object_get(event, "pid")), 3);
		found += (!name || !strcmp(own, name)) &&
			 (!tid || json_integer_value(json_object_get(event, "tid")) == tid);
	}
	return found;
}

static void all_nodes_and_messages_are_there(void **state)
{
	json_t *root;

	(void)state;
	write_all(TIMELINE_EVENT, false, 5);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 5 * 10);
	assert_int_equal(count(root, "10:plain", 2), 5);
	assert_int_equal(count(root, "11:a\"b\\c\n", 1), 5);
	assert_int_equal(count(root, "12:\xc3\xa9", 9), 5);
	assert_int_equal(count(root, "18446744073709551615:\xc3\xa9", 9), 5);
	assert_int_equal(count(root, "SIM_SEND", 3), 5);
	assert_int_equal(count(root, "POLL_SEND_COMPLETE", 4), 5);
	assert_int_equal(count(root, "SIM_RECV", 5), 5);
	assert_int_equal(count(root, "POLL_RECV_COMPLETE", 6), 5);
	assert_int_equal(count(root, "42", 7), 5);
	assert_int_equal(count(root, "POLL_EVENT_COMPLETE", 8), 5);
	json_decref(root);
}

/* Lines of the file with PART in them. */
static unsigned lines_with(const char *part)
{
	FILE *in = fopen(path, "r");
	unsigned found = 0;
	char line[512];

	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		found += strstr(line, part) != NULL;
	fclose(in);
	return found;
}

/* The clock of the network above, by hand. */
static void events_take_the_time_they_took(void **state)
{
	static const char *const wanted[] = {
		"\"SIM_SEND\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":3,\"ts\":0.000,"
		"\"dur\":0.100,\"args\":{\"peer\":1,\"bytes\":4096,\"tag\":\"7\"}}",
		"\"SIM_RECV\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":5,\"ts\":0.100,"
		"\"dur\":0.100,\"args\":{\"peer\":2,\"tag\":\"8\",\"collective\":true}}",
		"\"POLL_SEND_COMPLETE\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":4,"
		"\"ts\":0.200,\"dur\":1.010,\"args\":{\"peer\":1,\"bytes\":4096,\"tag\":\"7\","
		"\"us\":1.210}}",
		"\"POLL_RECV_COMPLETE\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":6,"
		"\"ts\":6.210,\"dur\":0.010,\"args\":{\"peer\":2,\"tag\":\"8\","
		"\"collective\":true,\"us\":6.120}}",
		"\"POLL_EVENT_COMPLETE\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":8,"
		"\"ts\":0.200,\"dur\":11.020,\"args\":{\"done\":2}}",
		"\"42\",\"cat\":\"event\",\"ph\":\"X\",\"pid\":3,\"tid\":7,\"ts\":11.220,"
		"\"dur\":0.300,\"args\":{\"late_us\":0.007}}",
	};

	(void)state;
	write_all(TIMELINE_EVENT, false, 1);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (lines_with(wanted[i]) != 1)
			fail_msg("not once there: %s", wanted[i]);
	unlink(path);
}

/* As Genie: of polls that find nothing one in 128, and what it might have found. */
static void few_idle_polls_are_written(void **state)
{
	struct net_count counts[3] = { 0 };
	struct loop loop;
	struct net net = {
		.loop = &loop, .rank = 3, .size = 3, .counts = counts, .ops = &slow_ops
	};
	struct net_message send = { .peer = 1, .size = 1, .done = follow };
	struct timeline timeline;
	struct err err;
	json_t *root;

	(void)state;
	loop_init(&loop, &clock_stub);
	assert_int_equal(timeline_open(&timeline, TIMELINE_EVENT, false, path, &err), 0);
	timeline_begin(&timeline, 1000, 3);
	timeline_watch(&timeline, &net);
	assert_int_equal(net_send(&net, &send, &err), 0);
	ends[0] = NULL; /* it never ends */
	for (int i = 0; i < 1280; i++)
		assert_int_equal(net_poll(&net, &err), 0);
	assert_int_equal(timeline_close(&timeline, &err), 0);
	loop_release(&loop);
	root = read_back();
	assert_int_equal(count(root, "POLL_EVENT", 8), 10);
	assert_int_equal(count(root, "POLL_SEND", 4), 10);
	assert_int_equal(count(root, "POLL_RECV", 6), 0);
	json_decref(root);
}

static void a_run_that_failed_leaves_what_there_was(void **state)
{
	struct timeline timeline;
	struct err err;
	json_t *root;

	(void)state;
	assert_int_equal(timeline_open(&timeline, TIMELINE_WORKLOAD, false, path, &err), 0);
	timeline_leave(&timeline);
	assert_int_equal(access(path, F_OK), -1);

	assert_int_equal(timeline_open(&timeline, TIMELINE_WORKLOAD, false, path, &err), 0);
	timeline_begin(&timeline, 1000, 3);
	timeline_node(&timeline, 3, &graph, &(struct timeline_slice){ 0, LANE_COMP, 0, 5 });
	timeline_unfinished(&timeline, 3, &graph, &(struct timeline_slice){ 1, LANE_CPU, 5, 9 });
	timeline_leave(&timeline);
	assert_int_equal(lines_with("unfinished\":true"), 1);
	root = read_back();
	assert_int_equal(count(root, "10:plain", 2), 1);
	assert_int_equal(count(root, NULL, 1), 1);
	json_decref(root);
}

static void levels_and_lanes(void **state)
{
	json_t *root;

	(void)state;
	write_all(TIMELINE_WORKLOAD, true, 2);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 2 * 4);
	assert_int_equal(count(root, NULL, 1), 2);
	assert_int_equal(count(root, NULL, 2), 6);
	json_decref(root);
	write_all(TIMELINE_OFF, false, 2);
	assert_int_equal(access(path, F_OK), -1);
}

static void times_are_exact(void **state)
{
	(void)state;
	write_all(TIMELINE_WORKLOAD, false, 1);
	assert_int_equal(lines_with("\"ts\":1.001,\"dur\":2.500}"), 4);
	unlink(path);
}

static void the_number_of_records_is_bounded(void **state)
{
	struct timeline timeline;
	struct err err;
	json_t *root;

	(void)state;
	setenv("CHROMETRACE_SIZE", "7", 1);
	write_all(TIMELINE_EVENT, false, 50);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 7);
	json_decref(root);
	setenv("CHROMETRACE_SIZE", "many", 1);
	assert_int_equal(timeline_open(&timeline, TIMELINE_EVENT, false, path, &err), -1);
	assert_non_null(strstr(err.text, "many"));
	unsetenv("CHROMETRACE_SIZE");
}

static void the_environment_has_genies_words(void **state)
{
	static const struct {
		const char *word;
		int rc;
		enum timeline_level level;
	} rows[] = {
		{ "NONE", 0, TIMELINE_OFF },    { "WORKLOAD", 0, TIMELINE_WORKLOAD },
		{ "EVENT", 0, TIMELINE_EVENT }, { "EVENT_QUEUE", 0, TIMELINE_EVENT },
		{ "", 0, TIMELINE_OFF },        { "ALL", -1, TIMELINE_OFF },
	};
	enum timeline_level level;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setenv("CHROMETRACE", rows[i].word, 1);
		assert_int_equal(timeline_environment(&level, &err), rows[i].rc);
		assert_int_equal(level, rows[i].level);
	}
	unsetenv("CHROMETRACE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_nodes_and_messages_are_there),
		cmocka_unit_test(levels_and_lanes),
		cmocka_unit_test(events_take_the_time_they_took),
		cmocka_unit_test(few_idle_polls_are_written),
		cmocka_unit_test(a_run_that_failed_leaves_what_there_was),
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(the_number_of_records_is_bounded),
		cmocka_unit_test(the_environment_has_genies_words),
	};

	snprintf(path, sizeof(path), "/tmp/unit-timeline.%d.json", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}

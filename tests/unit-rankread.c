/* SPDX-License-Identifier: Apache-2.0 */
/* unit-rankread.c - rank files: what is written is what is read */
#include "rankfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct text {
	char *data;
	size_t size;
};

static struct text text_of(const struct rankfile *rank)
{
	int fd = memfd_create("rank", MFD_CLOEXEC);
	struct text text;
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(rankfile_write(rank, fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	text.size = (size_t)st.st_size;
	text.data = malloc(text.size + 1);
	assert_int_equal(pread(fd, text.data, text.size, 0), text.size);
	text.data[text.size] = '\0';
	close(fd);
	return text;
}

static void add(struct rankpeers *peers, struct rankpeer row)
{
	assert_non_null(rankpeers_add(peers, &row));
}

/* Rank 1 of 4 with a bit of everything. */
static void add_times(struct rankfile *rank)
{
	rank->phases = calloc(2, sizeof(*rank->phases));
	rank->phases[rank->nphases++] =
		(struct rankphase){ .level = -7, .opened = 2, .duration = 9 };
	rank->phases[0].spans = calloc(2, sizeof(*rank->phases[0].spans));
	rank->phases[0].spans[0] = (struct rankspan){ 5, 8 };
	rank->phases[0].spans[1] = (struct rankspan){ 20, 26 };
	rank->phases[0].nspans = 2;
	rank->phases[rank->nphases++] = (struct rankphase){ .other = true, .opened = 1 };
	add(&rank->phases[0].ops[RANKOP_BCAST], (struct rankpeer){ 0, 40, 1, 0, 0, -1, -1 });
	rank->windows = calloc(2, sizeof(*rank->windows));
	rank->windows[rank->nwindows++] = (struct rankwindow){ .start = 0 };
	rank->windows[rank->nwindows++] = (struct rankwindow){ .start = 800 };
	add(&rank->windows[0].peers, (struct rankpeer){ 0, 100, 4, 0, 0, -1, -1 });
	add(&rank->windows[0].peers, (struct rankpeer){ 3, INT64_MAX + 1ull, 1, 0, 0, -1, -1 });
	add(&rank->windows[1].peers, (struct rankpeer){ 0, 0, 0, 50, 2, -1, -1 });
}

/* What is beside the messages to ranks. */
static void add_others(struct rankfile *rank)
{
	rank->rma = calloc(1, sizeof(*rank->rma));
	rank->rma[rank->nrma++] = (struct rankrmacall){ 2, RANKRMA_GET, 3, 300 };
	rank->unseen = calloc(1, sizeof(*rank->unseen));
	rank->unseen[rank->nunseen++] =
		(struct rankunseen_count){ RANKOP_NONBLOCKING, RANKUNSEEN_POSTED, 2, 16 };
	rank->bypass = calloc(1, sizeof(*rank->bypass));
	rank->bypass[rank->nbypass++] = strdup("osc/rdma");
	rank->elsewhere = calloc(2, sizeof(*rank->elsewhere));
	rank->elsewhere[rank->nelsewhere++] =
		(struct rankelsewhere){ false, RANKOP_WRITE, 7, 18, NULL, 5, 1, 0, 0 };
	rank->elsewhere[rank->nelsewhere++] = (struct rankelsewhere){
		true, RANKOP_DATAGRAM, 0, 0xffffff, strdup("ff12::1"), 64, 2, 32, 1
	};
	rank->failed = calloc(2, sizeof(*rank->failed));
	rank->failed[rank->nfailed++] =
		(struct rankfailed){ -1, RANKOP_SEND, strdup("RETRY_EXC_ERR"), 3, 300 };
	rank->failed[rank->nfailed++] =
		(struct rankfailed){ 3, RANKOP_READ, strdup("REM_ACCESS_ERR"), 1, 8 };
	rank->dropped = 12;
}

static struct rankfile sample(void)
{
	struct rankfile rank = {
		.rank = 1,
		.ranks = 4,
		.complete = true,
		.description = strdup("netemu netprof 0.1.0"),
		.node = strdup("n\"\\\n\xfc\xff"), /* a name in Latin-1 */
		.processor_name = strdup("n1"),
		.program = strdup("/bin/m\xc3\xbcsli"), /* and one in UTF-8 */
		.mpi = NULL,
		.pml = strdup("ob1"),
		.job = strdup("17"),
		.step = strdup("0"),
		.pid = 4711,
		.duration = 123456.123456789,
		.init_realtime = 1234567890123456789,
		.resolution = 4000000,
		.outside = { .tx_bytes = 5, .tx_messages = 1, .first = -1, .last = -1 },
		.window_width = 100,
		.overhead_send = 3.25,
		.overhead_receive = 4.125,
	};

	add(&rank.peers, (struct rankpeer){ 0, 100, 4, 50, 2, 0, 900 });
	add(&rank.peers, (struct rankpeer){ 3, INT64_MAX + 1ull, 1, 0, 0, -1, -1 });
	add(&rank.ops[RANKOP_P2P], (struct rankpeer){ 0, 60, 3, 50, 2, -1, -1 });
	add(&rank.ops[RANKOP_P2P], (struct rankpeer){ 3, INT64_MAX + 1ull, 1, 0, 0, -1, -1 });
	add(&rank.ops[RANKOP_BCAST], (struct rankpeer){ 0, 40, 1, 0, 0, -1, -1 });
	rank.sizes = calloc(4, sizeof(*rank.sizes));
	rank.sizes[rank.nsizes++] = (struct ranksize){ 0, 0, 2, false };
	rank.sizes[rank.nsizes++] = (struct ranksize){ 20, 4, 1, false };
	rank.sizes[rank.nsizes++] = (struct ranksize){ 3, 1, 0, true };
	rank.sizes[rank.nsizes++] = (struct ranksize){ 63, 0, 1, true };
	rank.timing = calloc(1, sizeof(*rank.timing));
	rank.timing[rank.ntiming++] = (struct ranktiming){ 3, 1, 77, 77 };
	add_times(&rank);
	add_others(&rank);
	return rank;
}

static void round_trip(const struct rankfile *rank)
{
	struct text first = text_of(rank), second;
	struct rankfile copy;
	struct err err = { "" };

	if (rankfile_read(&copy, first.data, first.size, "f", &err) < 0)
		fail_msg("%s\n%s", err.text, first.data);
	second = text_of(&copy);
	assert_string_equal(first.data, second.data);
	rankfile_release(&copy);
	free(first.data);
	free(second.data);
}

static void reads_back_what_was_written(void **state)
{
	struct rankfile rank = sample();

	(void)state;
	round_trip(&rank);
	rank.ranks = RANKFILE_DENSE + 1;
	round_trip(&rank);
	rankfile_release(&rank);
}

static void reads_back_an_empty_rank(void **state)
{
	struct rankfile rank = { .ranks = 1, .outside = { .first = -1, .last = -1 } };

	(void)state;
	round_trip(&rank);
}

static void keeps_every_field(void **state)
{
	struct rankfile rank = sample(), copy;
	struct text text = text_of(&rank);
	struct err err;

	(void)state;
	assert_int_equal(rankfile_read(&copy, text.data, text.size, "f", &err), 0);
	assert_false(copy.foreign);
	assert_true(copy.complete);
	assert_string_equal(copy.node, rank.node);
	assert_string_equal(copy.program, rank.program);
	assert_null(copy.mpi);
	assert_int_equal(copy.peers.count, 2);
	assert_int_equal(copy.peers.rows[0].peer, 0);
	assert_int_equal(copy.peers.rows[0].tx_bytes, 100);
	assert_int_equal(copy.peers.rows[0].tx_messages, 4);
	assert_int_equal(copy.peers.rows[0].rx_bytes, 50);
	assert_int_equal(copy.peers.rows[0].rx_messages, 2);
	assert_int_equal(copy.peers.rows[0].first, 0);
	assert_int_equal(copy.peers.rows[0].last, 900);
	assert_int_equal(copy.peers.rows[1].peer, 3);
	assert_int_equal(copy.nsizes, 4);
	assert_int_equal(copy.sizes[1].size, 20);
	assert_int_equal(copy.sizes[1].tx_messages, 4);
	assert_int_equal(copy.sizes[1].rx_messages, 1);
	assert_int_equal(copy.sizes[3].size, 63);
	assert_true(copy.sizes[3].log2);
	assert_int_equal(copy.phases[0].level, -7);
	assert_int_equal(copy.phases[0].nspans, 2);
	assert_int_equal(copy.phases[0].spans[1].begin, 20);
	assert_int_equal(copy.phases[0].spans[1].end, 26);
	assert_int_equal(copy.phases[1].nspans, 0);
	assert_true(copy.phases[1].other);
	assert_int_equal(copy.windows[1].start, 800);
	assert_int_equal(copy.unseen[0].messages, 2);
	rankfile_release(&copy);
	rankfile_release(&rank);
	free(text.data);
}

#define PFPROF(rank, n)                                                                  \
	"{\"description\":\"Generated by PFProf v0.2.0\",\"n_events\":3,\"n_procs\":" #n \
	",\"processor_name\":\"vm\",\"rank\":" #rank

static const char pfprof[] =
	PFPROF(1, 2) ",\"rx_bytes\":[0,7],\"rx_messages\":[1,1],\"tx_bytes\":[9,0],"
		     "\"tx_messages\":[2,0],\"rx_message_sizes\":[],"
		     "\"tx_message_sizes\":[{\"frequency\":2,\"message_size\":4}]}";

static void takes_pfprofs_file_as_foreign(void **state)
{
	struct rankfile rank;
	struct err err = { "" };

	(void)state;
	if (rankfile_read(&rank, pfprof, strlen(pfprof), "f", &err) < 0)
		fail_msg("%s", err.text);
	assert_true(rank.foreign);
	assert_int_equal(rank.peers.count, 2);
	assert_int_equal(rank.peers.rows[0].tx_bytes, 9);
	assert_int_equal(rank.peers.rows[0].rx_messages, 1);
	assert_int_equal(rank.peers.rows[1].rx_bytes, 7);
	assert_int_equal(rank.ops[RANKOP_OTHER].count, 2);
	assert_int_equal(rank.peers.rows[1].first, -1);
	rankfile_release(&rank);
}

/* The files that the first version wrote: read, and written again, the same. */
static void writes_the_golden_files_again(void **state)
{
	const char *top = getenv("NETEMU_SRCDIR");
	char path[4096], data[16384];

	(void)state;
	assert_non_null(top);
	for (int number = 0; number < 2; number++) {
		struct rankfile rank;
		struct text text;
		struct err err;
		ssize_t size;
		int fd;

		snprintf(path, sizeof(path), "%s/tests/golden/rank-v1/rank-%d.json", top, number);
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		size = read(fd, data, sizeof(data) - 1);
		close(fd);
		assert_true(size > 0);
		data[size] = '\0';
		if (rankfile_read(&rank, data, (size_t)size, path, &err) < 0)
			fail_msg("%s", err.text);
		text = text_of(&rank);
		assert_string_equal(text.data, data);
		free(text.data);
		rankfile_release(&rank);
	}
}

/* A whole file of 2000 ranks whose parts the bad inputs replace. */
static const char ours[] = "{\"version\": 1, \"complete\": true,\n"
			   "\"rank\": 0, \"n_procs\": 2000,\n"
			   "\"peers\": {\"peer\": [1,5], \"tx_bytes\": [10,20],\n"
			   "\"tx_messages\": [1,2], \"rx_bytes\": [0,0], \"rx_messages\": [0,0],\n"
			   "\"first_ns\": [-1,-1], \"last_ns\": [-1,-1]},\n"
			   "\"ops\": {\"p2p\": {\"peer\": [1,5], \"tx_bytes\": [10,20],\n"
			   "\"tx_messages\": [1,2], \"rx_bytes\": [0,0], \"rx_messages\": [0,0]}}}";

static const struct {
	const char *from, *to; /* NULL: the whole file */
	const char *says;
} bad[] = {
	{ NULL, "", "f:1: the file ends where an object should be" },
	{ NULL, "[]", "f:1: an object should be where '[' is" },
	{ NULL,
	  "\x7f"
	  "ELF",
	  "f:1: an object should be where byte 0x7f is" },
	{ NULL, "{}", "f:1: the key 'rank' is missing" },
	{ NULL, "{\"rank\": 0}", "f:1: the key 'n_procs' is missing" },
	{ "true", "yes", "f:1: 'complete': true or false should be where 'y' is" },
	{ "\"version\": 1", "\"version\": 2", "'version': version 2 of rank files is not known" },
	{ "\"rank\": 0", "\"rank\": -1", "f:2: 'rank': -1 is out of range" },
	{ "\"rank\": 0", "\"rank\": 4294967296", "f:2: 'rank': 4294967296 is out of range" },
	{ "\"rank\": 0", "\"rank\": 2000", "f: 'rank': there is no rank 2000 of 2000" },
	{ "\"rank\": 0", "\"rank\": 0, \"rank\": 0", "f:2: 'rank': given twice" },
	{ "2000", "5", "f: the key 'tx_bytes' is missing" },
	{ "[10,20],\n", "[10,20.5],\n", "f:3: 'tx_bytes': 20.5 is not a whole number" },
	{ "[10,20],\n", "[10,2e1],\n", "f:3: 'tx_bytes': 2e1 is not a whole number" },
	{ "[10,20],\n", "[10,-20],\n", "f:3: 'tx_bytes': -20 is out of range" },
	{ "[10,20],\n", "[10,020],\n", "f:3: 'tx_bytes': a whole number should be where '0' is" },
	{ "[10,20],\n", "[10,18446744073709551616],\n", "18446744073709551616 is out of range" },
	{ "[10,20],\n", "[10,20,],\n", "f:3: 'tx_bytes': a whole number should be where ']' is" },
	{ "[10,20],\n", "[10 20],\n", "f:3: 'tx_bytes': ',' or ']' should be where '2' is" },
	{ "[10,20],\n", "[10,null],\n", "a whole number should be where 'n' is" },
	{ "[10,20],\n", "[10],\n", "1 numbers in 'tx_bytes', 2 in 'peer'" },
	{ "[1,5]", "[5,1]", "f:5: 'last_ns': peer 1 stands behind peer 5" },
	{ "[1,5]", "[1,1]", "peer 1 stands behind peer 1" },
	{ "[1,5]", "[1,2000]", "f: 'peers': there is no rank 2000 of 2000" },
	{ "[1,5]", "[1,6]", "f: 'ops' and 'peers' do not agree on peer 5" },
	{ "[1,5], \"tx_bytes\": [10,20]", "[1,5], \"tx_bytes\": [10,21]",
	  "f: 'ops' and 'peers' do not agree on peer 5" },
	{ "[1,5], \"tx_bytes\": [10,20]", "[1,5], \"tx_bytes\": [9,20]",
	  "f: 'ops' and 'peers' do not agree on peer 1" },
	{ "\"p2p\"", "\"p3p\"", "f:6: 'p3p': not an operation that is known" },
	{ "\"peers\"", "\"piers\"", "f: the key 'peers' is missing" },
	{ "{\"version\"",
	  "{\"windows\": {\"width_ns\": 5, \"start_ns\": [3], \"peers\": []},"
	  " \"version\"",
	  "1 numbers in 'start_ns', 0 objects in 'peers'" },
	{ "{\"version\"",
	  "{\"windows\": {\"width_ns\": 0, \"start_ns\": [], \"peers\": []},"
	  " \"version\"",
	  "windows of 0 ns" },
	{ "{\"version\"", "{\"tx_size_bins\": [{\"frequency\": 1, \"from\": 3}], \"version\"",
	  "3 is not a power of two" },
	{ "{\"version\"", "{\"rma\": [{\"call\": \"putt\", \"peer\": 0}], \"version\"",
	  "'call': 'putt' is not a name that is known" },
	{ "{\"version\"",
	  "{\"failed\": [{\"peer\": 2000, \"op\": \"send\", \"status\": \"x\", "
	  "\"messages\": 1, \"bytes\": 1}], \"version\"",
	  "f: 'failed': there is no rank 2000 of 2000" },
	{ "{\"version\"", "{\"failed\": [{\"peer\": -1, \"op\": \"sent\"}], \"version\"",
	  "'op': 'sent' is not a name that is known" },
	{ "{\"version\"", "{\"elsewhere\": [{\"why\": \"other\"}], \"version\"",
	  "'why': 'other' is not a name that is known" },
	{ "{\"version\"", "{\"elsewhere\": [{\"why\": \"nobody\"}], \"version\"",
	  "'gid' is missing" },
	{ "{\"version\"", "{\"node\": \"a\\u0000b\", \"version\"", "'node': \\u0000 in a string" },
	{ "{\"version\"", "{\"node\": \"a\nb\", \"version\"", "'node': byte 0x0a in a string" },
	{ "{\"version\"", "{\"node\": \"\\ud800\", \"version\"", "half a surrogate pair" },
	{ "{\"version\"", "{\"node\": \"\\x\", \"version\"", "an escape should be where 'x' is" },
	{ "{\"version\"", "{\"duration\": -1, \"version\"", "'duration': -1 is out of range" },
	{ "{\"version\"", "{\"duration\": 1e999, \"version\"", "'duration': inf is out of range" },
	{ "{\"version\"", "{\"future\": [[[[{\"a\": 1, \"b\": }]]]], \"version\"",
	  "f:1: 'b': a value should be where '}' is" },
	{ "]}}}", "]}}} x", "f:7: the end of the file should be where 'x' is" },
	{ NULL, PFPROF(0, 1) "}", "f: the key 'tx_bytes' is missing" },
	{ NULL,
	  PFPROF(0, 1) ",\"tx_bytes\":[1,2],\"tx_messages\":[1],\"rx_bytes\":[0],"
		       "\"rx_messages\":[0]}",
	  "f: 'tx_bytes': 2 numbers for 1 ranks" },
	{ NULL,
	  PFPROF(0, 1) ",\"tx_bytes\":[1],\"tx_messages\":[0],\"rx_bytes\":[0],"
		       "\"rx_messages\":[0]}",
	  "f: 'tx_bytes'[0]: bytes without a message" },
};

/* TEXT with the first FROM in it replaced by TO. */
static char *replace(const char *text, const char *from, const char *to)
{
	const char *at = from ? strstr(text, from) : text;
	char *result;

	assert_non_null(at);
	assert_true(asprintf(&result, "%.*s%s%s", (int)(at - text), text, to,
			     from ? at + strlen(from) : "") >= 0);
	return result;
}

static void names_the_place_of_bad_input(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = replace(ours, bad[i].from, bad[i].to);
		struct rankfile rank;
		struct err err = { "" };

		if (rankfile_read(&rank, text, strlen(text), "f", &err) == 0)
			fail_msg("row %zu was taken: %s", i, text);
		if (!strstr(err.text, bad[i].says) || strncmp(err.text, "f:", 2))
			fail_msg("row %zu says \"%s\", not \"%s\"", i, err.text, bad[i].says);
		free(text);
	}
}

static void takes_what_the_bad_inputs_start_from(void **state)
{
	struct rankfile rank;
	struct err err = { "" };

	(void)state;
	if (rankfile_read(&rank, ours, strlen(ours), "f", &err) < 0)
		fail_msg("%s", err.text);
	rankfile_release(&rank);
}

/* From a page of its own exact length: reading behind the end is a crash. */
static void truncate_everywhere(const char *data, size_t size)
{
	for (size_t length = 0; length < size; length++) {
		char *cut = malloc(length ? length : 1);
		struct rankfile rank;
		struct err err = { "" };

		memcpy(cut, data, length);
		if (rankfile_read(&rank, cut, length, "f", &err) == 0)
			fail_msg("%zu of %zu bytes were taken", length, size);
		assert_int_equal(strncmp(err.text, "f:", 2), 0);
		free(cut);
	}
}

static void refuses_every_truncation(void **state)
{
	struct rankfile rank = sample();
	struct text text = text_of(&rank);

	(void)state;
	truncate_everywhere(text.data, text.size - 1); /* without the line's end it is whole */
	truncate_everywhere(pfprof, strlen(pfprof));
	rankfile_release(&rank);
	free(text.data);
}

/* Any single byte changed: taken or refused with a sentence, and never more. */
static void survives_every_changed_byte(void **state)
{
	static const char bytes[] = "\0\"{}[],:-0x\\\x80";
	struct rankfile rank = sample();
	struct text text = text_of(&rank);

	(void)state;
	for (size_t i = 0; i < text.size; i++)
		for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
			struct rankfile copy;
			struct err err = { "" };
			char saved = text.data[i];

			text.data[i] = bytes[b];
			if (rankfile_read(&copy, text.data, text.size, "f", &err) == 0)
				rankfile_release(&copy);
			else
				assert_true(*err.text != '\0');
			text.data[i] = saved;
		}
	rankfile_release(&rank);
	free(text.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_was_written),
		cmocka_unit_test(reads_back_an_empty_rank),
		cmocka_unit_test(keeps_every_field),
		cmocka_unit_test(writes_the_golden_files_again),
		cmocka_unit_test(takes_pfprofs_file_as_foreign),
		cmocka_unit_test(takes_what_the_bad_inputs_start_from),
		cmocka_unit_test(names_the_place_of_bad_input),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_every_changed_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

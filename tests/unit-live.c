/* SPDX-License-Identifier: Apache-2.0 */
/* unit-live.c - mapped counters that are whole, cut, broken or foreign */
#include "live.h"
#include "rankfile.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define EXTENT    LIVE_HEADER_SIZE /* where the first one begins */
#define FILE_SIZE (LIVE_HEADER_SIZE + 4096)

static char path[PATH_MAX];

/* A file as rank 1 of 4 leaves it: one extent with two cells. */
struct picture {
	union {
		struct live_header header;
		char bytes[LIVE_HEADER_SIZE];
	} head;
	union {
		struct {
			struct live_extent extent;
			struct live_cell cells[2];
		} part;
		char bytes[4096];
	} body;
};

static struct picture whole(void)
{
	struct picture picture;

	memset(&picture, 0, sizeof(picture));
	picture.head.header = (struct live_header){
		.magic = LIVE_MAGIC,
		.version = LIVE_VERSION,
		.byte_order = LIVE_BYTE_ORDER,
		.rank = 1,
		.ranks = 4,
		.init_monotonic = 1000,
	};
	picture.body.part.extent = (struct live_extent){
		.kind = LIVE_CELLS,
		.size = 4096,
		.entry_size = sizeof(struct live_cell),
		.capacity = 2,
		.used = 2,
	};
	picture.body.part.cells[0] = (struct live_cell){
		.peer = 2,
		.op = RANKOP_P2P,
		.tx_bytes = 30,
		.tx_messages = 3,
		.first = 1500,
		.last = 1700,
	};
	picture.body.part.cells[1] = (struct live_cell){
		.peer = 0,
		.op = RANKOP_BCAST,
		.rx_bytes = 8,
		.rx_messages = 1,
		.first = 1600,
		.last = 1600,
	};
	return picture;
}

static void put(const char *name, const struct picture *picture, size_t size)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(picture, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static int load(struct rankfile *rank, struct err *err)
{
	const char *paths[] = { path };

	return live_load(paths, 1, rank, err);
}

static void reads_what_was_counted(void **state)
{
	struct picture picture = whole();
	struct rankfile rank;

	(void)state;
	put(path, &picture, FILE_SIZE);
	assert_int_equal(load(&rank, NULL), 0);
	assert_int_equal(rank.rank, 1);
	assert_int_equal(rank.ranks, 4);
	assert_false(rank.complete);
	assert_int_equal(rank.peers.count, 2);
	assert_int_equal(rank.peers.rows[0].peer, 0);
	assert_int_equal(rank.peers.rows[0].rx_bytes, 8);
	assert_int_equal(rank.peers.rows[1].tx_messages, 3);
	assert_int_equal(rank.peers.rows[1].first, 500);
	assert_int_equal(rank.ops[RANKOP_BCAST].count, 1);
	rankfile_release(&rank);
}

static void counts_only_what_is_used(void **state)
{
	struct picture picture = whole();
	struct rankfile rank;

	(void)state;
	picture.body.part.extent.used = 1;
	put(path, &picture, FILE_SIZE);
	assert_int_equal(load(&rank, NULL), 0);
	assert_int_equal(rank.peers.count, 1);
	assert_int_equal(rank.peers.rows[0].peer, 2);
	rankfile_release(&rank);
}

static void takes_room_that_is_no_extent_yet_for_the_end(void **state)
{
	struct picture picture = whole();
	struct rankfile rank;

	(void)state;
	memset(&picture.body, 0, sizeof(picture.body));
	put(path, &picture, FILE_SIZE);
	assert_int_equal(load(&rank, NULL), 0);
	assert_int_equal(rank.peers.count, 0);
	rankfile_release(&rank);
	put(path, &picture, LIVE_HEADER_SIZE);
	assert_int_equal(load(&rank, NULL), 0);
	rankfile_release(&rank);
}

static void adds_up_several_files(void **state)
{
	struct picture picture = whole();
	char second[PATH_MAX + 8];
	const char *paths[] = { path, second };
	struct rankfile rank;
	struct err err;

	(void)state;
	snprintf(second, sizeof(second), "%s.2", path);
	picture.head.header.clean = 1;
	put(path, &picture, FILE_SIZE);
	picture.body.part.cells[0].tx_bytes = 100;
	put(second, &picture, FILE_SIZE);
	assert_int_equal(live_load(paths, 2, &rank, NULL), 0);
	assert_true(rank.complete);
	assert_int_equal(rank.peers.rows[1].tx_bytes, 130);
	assert_int_equal(rank.peers.rows[1].tx_messages, 6);
	rankfile_release(&rank);
	picture.head.header.clean = 0;
	put(second, &picture, FILE_SIZE);
	assert_int_equal(live_load(paths, 2, &rank, NULL), 0);
	assert_false(rank.complete);
	rankfile_release(&rank);
	picture.head.header.rank = 2;
	put(second, &picture, FILE_SIZE);
	assert_int_equal(live_load(paths, 2, &rank, &err), -1);
	assert_non_null(strstr(err.text, "rank 2 of 4, but"));
	unlink(second);
}

static void refuses_a_file_cut_anywhere_within_its_parts(void **state)
{
	static const struct {
		size_t size;
		const char *sentence;
	} table[] = {
		{ 0, "ends at byte 0, within the header" },
		{ 8, "ends at byte 8, within the header" },
		{ LIVE_HEADER_SIZE - 1, "ends at byte 4095, within the header" },
		{ LIVE_HEADER_SIZE + 1, "byte 4096: an extent of" },
		{ LIVE_HEADER_SIZE + sizeof(struct live_extent), "byte 4096: an extent of 4096" },
		{ FILE_SIZE - 1, "byte 4096: an extent of 4096" },
	};
	struct picture picture = whole();
	struct rankfile rank;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		put(path, &picture, table[i].size);
		assert_int_equal(load(&rank, &err), -1);
		assert_non_null(strstr(err.text, table[i].sentence));
		assert_non_null(strstr(err.text, path));
	}
}

/* One field changed in a file that is right otherwise. */
static void refuses_what_cannot_be(void **state)
{
	static const struct {
		size_t offset, width;
		uint64_t value;
		const char *sentence;
	} table[] = {
#define HEAD(field) offsetof(struct live_header, field), sizeof(((struct live_header *)0)->field)
#define PART(field) \
	EXTENT + offsetof(struct live_extent, field), sizeof(((struct live_extent *)0)->field)
#define CELL(field)                                                              \
	EXTENT + sizeof(struct live_extent) + offsetof(struct live_cell, field), \
		sizeof(((struct live_cell *)0)->field)
		{ HEAD(magic), 0x46454c457full, "not a file of live counters" },
		{ HEAD(version), 99, "version 99" },
		{ HEAD(byte_order), 0x04030201, "other byte order" },
		{ HEAD(rank), 4, "rank 4 of 4 cannot be" },
		{ HEAD(ranks), 0, "rank 1 of 0 cannot be" },
		{ HEAD(ranks), UINT32_MAX, "cannot be" },
		{ HEAD(window_width), 1ull << 63, "cannot be" },
		{ offsetof(struct live_header, levels) + 4 * 63, 4, 41, "level 41 cannot be" },
		{ PART(kind), LIVE_KINDS, "byte 4096: not an extent" },
		{ PART(shard), LIVE_SHARDS, "byte 4096: not an extent" },
		{ PART(size), 8192, "byte 4096: an extent of 8192" },
		{ PART(size), 64, "byte 4096: an extent of 64" },
		{ PART(size), UINT64_MAX, "byte 4096: an extent of" },
		{ PART(entry_size), 0, "byte 4096: not an extent" },
		{ PART(entry_size), 8, "byte 4096: not an extent" },
		{ PART(capacity), 1000, "byte 4096: not an extent" },
		{ PART(used), 3, "byte 4096: not an extent" },
		{ PART(level), 41, "byte 4096: not an extent" },
		{ CELL(peer), 4, "byte 4160: an entry" },
		{ CELL(op), RANKOP_COUNT, "byte 4160: an entry" },
		{ CELL(phase), 258, "byte 4160: an entry" },
	};
	struct rankfile rank;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct picture picture = whole();

		memcpy((char *)&picture + table[i].offset, &table[i].value, table[i].width);
		put(path, &picture, FILE_SIZE);
		assert_int_equal(load(&rank, &err), -1);
		assert_non_null(strstr(err.text, table[i].sentence));
	}
}

static void refuses_what_is_no_plain_file(void **state)
{
	char other[PATH_MAX + 8];
	struct live_header header;
	struct err err;

	(void)state;
	snprintf(other, sizeof(other), "%s.x", path);
	assert_int_equal(live_peek(other, &header, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(live_peek(other, &header, &err), -1);
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(live_peek(other, &header, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	unlink(other);
	assert_int_equal(live_peek("/", &header, &err), -1);
}

static void ends_texts_where_their_field_ends(void **state)
{
	struct picture picture = whole();
	struct rankfile rank;

	(void)state;
	memset(picture.head.header.node, 'n', sizeof(picture.head.header.node));
	memset(picture.head.header.step, 's', sizeof(picture.head.header.step));
	put(path, &picture, FILE_SIZE);
	assert_int_equal(load(&rank, NULL), 0);
	assert_int_equal(strlen(rank.node), sizeof(picture.head.header.node) - 1);
	assert_int_equal(strlen(rank.step), sizeof(picture.head.header.step) - 1);
	rankfile_release(&rank);
}

static int make_path(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/unit-live.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_counted),
		cmocka_unit_test(counts_only_what_is_used),
		cmocka_unit_test(takes_room_that_is_no_extent_yet_for_the_end),
		cmocka_unit_test(adds_up_several_files),
		cmocka_unit_test(refuses_a_file_cut_anywhere_within_its_parts),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(refuses_what_is_no_plain_file),
		cmocka_unit_test(ends_texts_where_their_field_ends),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* rankread.c - a rank file back into memory */
#include "jsontable.h"
#include "rankcheck.h"
#include "rankdense.h"
#include "rankfile.h"
#include "rankkeys.h"
#include "rankrows.h"
#include "rankverbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

#define NCOUNTS RANKDENSE_COLUMNS
#define NALL    6 /* and first_ns, last_ns */

/* What the file is read into, and the context of every object in it. */
struct reader {
	struct rankfile rank;
	uint64_t version;                        /* 0 = the file has none */
	bool sparse;                             /* it has our own table of peers */
	struct json_numbers dense[NCOUNTS];      /* PFProf's arrays */
	struct json_numbers peer, columns[NALL]; /* of the latest object of peers */
	struct json_numbers starts;              /* of windows */
	int64_t width;
};

#define MEMBER(key, kind, type, member)                            \
	{                                                          \
		key, kind, false, offsetof(type, member), NULL, 0, \
	}
#define READ(key, type, member, function, argument)                                 \
	{                                                                           \
		key, JSON_OTHER, false, offsetof(type, member), function, argument, \
	}

/* The writer shows each byte of a name as one character of Latin-1: take that
 * back, unless there are characters that it cannot have written.
 */
static void latin1(char *text)
{
	const unsigned char *from;
	unsigned char *to = (unsigned char *)text;

	for (from = to; *from; from++) {
		if (*from < 0x80)
			continue;
		if ((*from & 0xfe) != 0xc2 || (from[1] & 0xc0) != 0x80)
			return;
		from++;
	}
	for (from = to; *from; from++) {
		if (*from < 0x80) {
			*to++ = *from;
			continue;
		}
		*to++ = (unsigned char)((from[0] & 0x03) << 6 | (from[1] & 0x3f));
		from++;
	}
	*to = '\0';
}

/* Ascending by rank, each once.  The world's size may stand further down:
 * ranks are compared with it at the end.
 */
static int check_peers(struct jsonscan *scan, const struct json_numbers *peer)
{
	for (size_t i = 0; i < peer->count; i++) {
		if (peer->values[i] >= UINT32_MAX)
			return jsonscan_fail(scan, "peer %llu is out of range",
					     (unsigned long long)peer->values[i]);
		if (i && peer->values[i] <= peer->values[i - 1])
			return jsonscan_fail(scan, "peer %llu stands behind peer %llu",
					     (unsigned long long)peer->values[i],
					     (unsigned long long)peer->values[i - 1]);
	}
	return 0;
}

/* An object of arrays: the peers and COUNT columns, which FIELDS[1..] name. */
static int read_columns(struct jsonscan *scan, const struct json_field *fields, size_t count,
			struct reader *reader)
{
	if (jsontable_object(scan, fields, 1 + count, reader, reader) < 0)
		return -1;
	for (size_t c = 0; c < count; c++)
		if (reader->columns[c].count != reader->peer.count)
			return jsonscan_fail(scan, "%zu numbers in '%s', %zu in '%s'",
					     reader->columns[c].count, fields[1 + c].key,
					     reader->peer.count, fields[0].key);
	return check_peers(scan, &reader->peer);
}

/* Rows out of the columns that were read last, NCOLUMNS of them. */
static int take_columns(struct jsonscan *scan, const struct reader *reader, size_t ncolumns,
			struct rankpeers *peers)
{
	const struct json_numbers *columns = reader->columns;
	size_t count = reader->peer.count;
	size_t room = 1;

	if (!count)
		return 0;
	while (room < count) /* as rankpeers_add() wants it */
		room *= 2;
	peers->rows = malloc(room * sizeof(*peers->rows));
	if (!peers->rows)
		return jsonscan_fail(scan, "%s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		peers->rows[i] = (struct rankpeer){
			.peer = (uint32_t)reader->peer.values[i],
			.tx_bytes = columns[0].values[i],
			.tx_messages = columns[1].values[i],
			.rx_bytes = columns[2].values[i],
			.rx_messages = columns[3].values[i],
			.first = ncolumns > NCOUNTS ? (int64_t)columns[4].values[i] : -1,
			.last = ncolumns > NCOUNTS ? (int64_t)columns[5].values[i] : -1,
		};
	peers->count = count;
	return 0;
}

/* Argument: how many columns. */
static int read_peers(struct jsonscan *scan, const struct json_field *field, void *to,
		      void *context)
{
	static const struct json_field fields[] = {
		MEMBER(RANKKEY_PEER, JSON_UNSIGNED, struct reader, peer),
		MEMBER(RANKKEY_TX_BYTES, JSON_UNSIGNED, struct reader, columns[0]),
		MEMBER(RANKKEY_TX_MESSAGES, JSON_UNSIGNED, struct reader, columns[1]),
		MEMBER(RANKKEY_RX_BYTES, JSON_UNSIGNED, struct reader, columns[2]),
		MEMBER(RANKKEY_RX_MESSAGES, JSON_UNSIGNED, struct reader, columns[3]),
		MEMBER(RANKKEY_FIRST_NS, JSON_SIGNED, struct reader, columns[4]),
		MEMBER(RANKKEY_LAST_NS, JSON_SIGNED, struct reader, columns[5]),
	};
	size_t ncolumns = (size_t)field->argument;

	if (read_columns(scan, fields, ncolumns, context) < 0)
		return -1;
	if (ncolumns == NALL)
		((struct reader *)context)->sparse = true;
	return take_columns(scan, context, ncolumns, to);
}

static const struct json_field counts_field = { .argument = NCOUNTS };

static int read_ops(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	struct rankpeers *ops = to;
	char key[sizeof(scan->key)];
	int rc;

	(void)field;
	if (jsonscan_open(scan, '{') < 0)
		return -1;
	while ((rc = jsonscan_key(scan, key, sizeof(key))) > 0) {
		int op = 0;

		while (op < RANKOP_COUNT && strcmp(rankop_names[op], key))
			op++;
		if (op == RANKOP_COUNT)
			return jsonscan_fail(scan, "not an operation that is known");
		if (ops[op].rows)
			return jsonscan_fail(scan, "given twice");
		if (read_peers(scan, &counts_field, &ops[op], context) < 0)
			return -1;
	}
	return rc;
}

/* The four lists of sizes, told apart by the argument: sent or received, by
 * exact size or by power of two.
 */
enum { SIZES_RX = 1, SIZES_LOG2 = 2 };

struct size_entry {
	uint64_t frequency, size;
};

static int add_size(struct jsonscan *scan, const struct size_entry *entry, int which,
		    struct rankfile *rank)
{
	struct ranksize *row;

	if (which & SIZES_LOG2 && (!entry->size || entry->size & (entry->size - 1)))
		return jsonscan_fail(scan, "%llu is not a power of two",
				     (unsigned long long)entry->size);
	row = jsontable_row(scan, &rank->sizes, &rank->nsizes, sizeof(*row));
	if (!row)
		return -1;
	row->log2 = which & SIZES_LOG2;
	row->size = row->log2 ? (uint64_t)__builtin_ctzll(entry->size) : entry->size;
	if (which & SIZES_RX)
		row->rx_messages = entry->frequency;
	else
		row->tx_messages = entry->frequency;
	return 0;
}

static int read_sizes(struct jsonscan *scan, const struct json_field *field, void *to,
		      void *context)
{
	const struct json_field fields[] = {
		MEMBER(RANKKEY_FREQUENCY, JSON_U64, struct size_entry, frequency),
		MEMBER(field->argument & SIZES_LOG2 ? RANKKEY_FROM : RANKKEY_MESSAGE_SIZE, JSON_U64,
		       struct size_entry, size),
	};
	struct size_entry entry;
	int rc;

	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0)
		if (jsontable_object(scan, fields, ARRAY_SIZE(fields), &entry, context) < 0 ||
		    add_size(scan, &entry, field->argument, to) < 0)
			return -1;
	return rc;
}

static int read_timing(struct jsonscan *scan, const struct json_field *field, void *to,
		       void *context)
{
	static const struct json_field fields[] = {
		MEMBER(RANKKEY_PEER, JSON_UNSIGNED, struct reader, peer),
		MEMBER(RANKKEY_SENDS, JSON_UNSIGNED, struct reader, columns[0]),
		MEMBER(RANKKEY_SUM_NS, JSON_UNSIGNED, struct reader, columns[1]),
		MEMBER(RANKKEY_MAX_NS, JSON_UNSIGNED, struct reader, columns[2]),
	};
	struct reader *reader = context;
	struct rankfile *rank = to;

	(void)field;
	if (read_columns(scan, fields, ARRAY_SIZE(fields) - 1, reader) < 0)
		return -1;
	for (size_t i = 0; i < reader->peer.count; i++) {
		struct ranktiming *row;

		row = jsontable_row(scan, &rank->timing, &rank->ntiming, sizeof(*row));
		if (!row)
			return -1;
		row->peer = (uint32_t)reader->peer.values[i];
		row->sends = reader->columns[0].values[i];
		row->sum = reader->columns[1].values[i];
		row->max = reader->columns[2].values[i];
	}
	return 0;
}

/* The level of a phase, or the text "other". */
static int read_level(struct jsonscan *scan, const struct json_field *field, void *to,
		      void *context)
{
	static const char *const other[] = { RANKVALUE_OTHER };
	struct rankphase *phase = to;
	int64_t level;

	(void)field, (void)context;
	if (jsonscan_peek(scan) == '"') {
		phase->other = true;
		return jsontable_name(scan, other, 1);
	}
	if (jsonscan_i64(scan, &level) < 0)
		return -1;
	if (level < INT32_MIN || level > INT32_MAX)
		return jsonscan_fail(scan, "%lld is out of range", (long long)level);
	phase->level = (int32_t)level;
	return 0;
}

static int read_spans(struct jsonscan *scan, const struct json_field *field, void *to,
		      void *context)
{
	static const struct json_field fields[] = {
		MEMBER(RANKKEY_BEGIN_NS, JSON_I64, struct rankspan, begin),
		MEMBER(RANKKEY_END_NS, JSON_I64, struct rankspan, end),
	};
	struct rankphase *phase = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &phase->spans, &phase->nspans,
			      sizeof(*phase->spans), context);
}

static int read_phases(struct jsonscan *scan, const struct json_field *field, void *to,
		       void *context)
{
	static const struct json_field fields[] = {
		{ RANKKEY_PHASE, JSON_OTHER, false, 0, read_level, 0 },
		MEMBER(RANKKEY_OPENED, JSON_U32, struct rankphase, opened),
		MEMBER(RANKKEY_DURATION_NS, JSON_I64, struct rankphase, duration),
		{ RANKKEY_SPANS, JSON_OTHER, true, 0, read_spans, 0 },
		READ(RANKKEY_OPS, struct rankphase, ops, read_ops, 0),
	};
	struct rankfile *rank = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &rank->phases, &rank->nphases,
			      sizeof(*rank->phases), context);
}

static int read_window_peers(struct jsonscan *scan, const struct json_field *field, void *to,
			     void *context)
{
	struct rankfile *rank = &((struct reader *)context)->rank;
	int rc;

	(void)field, (void)to;
	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0) {
		struct rankwindow *row;

		row = jsontable_row(scan, &rank->windows, &rank->nwindows, sizeof(*row));
		if (!row || read_peers(scan, &counts_field, &row->peers, context) < 0)
			return -1;
	}
	return rc;
}

/* The start times stand before or behind the traffic: they meet here. */
static int take_starts(struct jsonscan *scan, struct reader *reader)
{
	struct rankfile *rank = &reader->rank;

	if (reader->width <= 0)
		return jsonscan_fail(scan, "windows of %lld ns", (long long)reader->width);
	if (reader->starts.count != rank->nwindows)
		return jsonscan_fail(scan, "%zu numbers in '%s', %zu objects in '%s'",
				     reader->starts.count, RANKKEY_START_NS, rank->nwindows,
				     RANKKEY_PEERS);
	for (size_t i = 0; i < rank->nwindows; i++) {
		int64_t start = (int64_t)reader->starts.values[i];

		if (start < 0 || start % reader->width ||
		    (i && start <= rank->windows[i - 1].start))
			return jsonscan_fail(scan, "'%s': %lld is not the start of a window",
					     RANKKEY_START_NS, (long long)start);
		rank->windows[i].start = start;
	}
	rank->window_width = reader->width;
	return 0;
}

static int read_windows(struct jsonscan *scan, const struct json_field *field, void *to,
			void *context)
{
	static const struct json_field fields[] = {
		MEMBER(RANKKEY_WIDTH_NS, JSON_I64, struct reader, width),
		MEMBER(RANKKEY_START_NS, JSON_SIGNED, struct reader, starts),
		{ RANKKEY_PEERS, JSON_OTHER, false, 0, read_window_peers, 0 },
	};

	(void)field, (void)to;
	if (jsonscan_peek(scan) == 'n')
		return jsonscan_skip(scan);
	if (jsontable_object(scan, fields, ARRAY_SIZE(fields), context, context) < 0)
		return -1;
	return take_starts(scan, context);
}

/* One of the names of a table of rankfile.h; argument: enum names. */
enum names { NAMES_OP, NAMES_RMA, NAMES_UNSEEN };

static int read_name(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	static const struct {
		const char *const *names;
		int count;
	} tables[] = {
		[NAMES_OP] = { rankop_names, RANKOP_COUNT },
		[NAMES_RMA] = { rankrma_names, RANKRMA_COUNT },
		[NAMES_UNSEEN] = { rankunseen_names, RANKUNSEEN_COUNT },
	};
	int index =
		jsontable_name(scan, tables[field->argument].names, tables[field->argument].count);

	(void)context;
	if (index < 0)
		return -1;
	*(uint16_t *)to = (uint16_t)index;
	return 0;
}

static int read_rma(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	static const struct json_field fields[] = {
		READ(RANKKEY_CALL, struct rankrmacall, call, read_name, NAMES_RMA),
		MEMBER(RANKKEY_PEER, JSON_U32, struct rankrmacall, peer),
		MEMBER(RANKKEY_CALLS, JSON_U64, struct rankrmacall, calls),
		MEMBER(RANKKEY_BYTES, JSON_U64, struct rankrmacall, bytes),
	};
	struct rankfile *rank = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &rank->rma, &rank->nrma,
			      sizeof(*rank->rma), context);
}

static int read_bypass(struct jsonscan *scan, const struct json_field *field, void *to,
		       void *context)
{
	struct rankfile *rank = to;
	int rc;

	(void)field, (void)context;
	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0) {
		char **row = jsontable_row(scan, &rank->bypass, &rank->nbypass, sizeof(*row));

		if (!row || jsonscan_string(scan, row) < 0)
			return -1;
		if (!*row)
			return jsonscan_fail(scan, "null is not a name");
		latin1(*row);
	}
	return rc;
}

static int read_receives(struct jsonscan *scan, const struct json_field *field, void *to,
			 void *context)
{
	static const struct json_field fields[] = {
		READ(RANKKEY_OP, struct rankunseen_count, op, read_name, NAMES_OP),
		READ(RANKKEY_WHY, struct rankunseen_count, why, read_name, NAMES_UNSEEN),
		MEMBER(RANKKEY_MESSAGES, JSON_U64, struct rankunseen_count, messages),
		MEMBER(RANKKEY_BYTES, JSON_U64, struct rankunseen_count, bytes),
	};
	struct rankfile *rank = to;

	(void)field;
	return jsontable_rows(scan, fields, ARRAY_SIZE(fields), &rank->unseen, &rank->nunseen,
			      sizeof(*rank->unseen), context);
}

static int read_stamps(struct jsonscan *scan, const struct json_field *field, void *to,
		       void *context)
{
	static const char *const names[] = { RANKVALUE_COARSE, RANKVALUE_PRECISE };
	int index = jsontable_name(scan, names, ARRAY_SIZE(names));

	(void)field, (void)context;
	if (index < 0)
		return -1;
	((struct rankfile *)to)->precise = index == 1;
	return 0;
}

static int read_version(struct jsonscan *scan, const struct json_field *field, void *to,
			void *context)
{
	struct reader *reader = context;

	(void)field, (void)to;
	if (jsonscan_u64(scan, &reader->version) < 0)
		return -1;
	if (reader->version != RANKFILE_VERSION)
		return jsonscan_fail(scan, "version %llu of rank files is not known",
				     (unsigned long long)reader->version);
	return 0;
}

/* An object of a fixed form within the file; argument: enum parts. */
enum parts { PART_OVERHEAD, PART_OUTSIDE, PART_UNSEEN };

static int read_part(struct jsonscan *scan, const struct json_field *field, void *to, void *context)
{
	static const struct json_field overhead[] = {
		MEMBER(RANKKEY_SEND_NS, JSON_REAL, struct rankfile, overhead_send),
		MEMBER(RANKKEY_RECEIVE_NS, JSON_REAL, struct rankfile, overhead_receive),
	};
	static const struct json_field outside[] = {
		MEMBER(RANKKEY_TX_BYTES, JSON_U64, struct rankfile, outside.tx_bytes),
		MEMBER(RANKKEY_TX_MESSAGES, JSON_U64, struct rankfile, outside.tx_messages),
		MEMBER(RANKKEY_RX_BYTES, JSON_U64, struct rankfile, outside.rx_bytes),
		MEMBER(RANKKEY_RX_MESSAGES, JSON_U64, struct rankfile, outside.rx_messages),
	};
	static const struct json_field unseen[] = {
		{ RANKKEY_BYPASS, JSON_OTHER, false, 0, read_bypass, 0 },
		{ RANKKEY_RECEIVES, JSON_OTHER, false, 0, read_receives, 0 },
	};
	static const struct {
		const struct json_field *fields;
		size_t count;
	} parts[] = {
		[PART_OVERHEAD] = { overhead, ARRAY_SIZE(overhead) },
		[PART_OUTSIDE] = { outside, ARRAY_SIZE(outside) },
		[PART_UNSEEN] = { unseen, ARRAY_SIZE(unseen) },
	};

	return jsontable_object(scan, parts[field->argument].fields, parts[field->argument].count,
				to, context);
}

#define RANK(key, kind, member)                                                 \
	{                                                                       \
		key, kind, true, offsetof(struct reader, rank.member), NULL, 0, \
	}
#define PART(key, function, argument)                                                     \
	{                                                                                 \
		key, JSON_OTHER, true, offsetof(struct reader, rank), function, argument, \
	}
#define DENSE(key, index)                                                                 \
	{                                                                                 \
		key, JSON_UNSIGNED, true, offsetof(struct reader, dense[index]), NULL, 0, \
	}

/* What else must be there depends on whose file it is. */
static const struct json_field file_fields[] = {
	MEMBER(RANKKEY_RANK, JSON_U32, struct reader, rank.rank),
	MEMBER(RANKKEY_N_PROCS, JSON_U32, struct reader, rank.ranks),
	{ RANKKEY_VERSION, JSON_OTHER, true, 0, read_version, 0 },
	RANK(RANKKEY_DESCRIPTION, JSON_TEXT, description),
	RANK(RANKKEY_COMPLETE, JSON_BOOL, complete),
	RANK(RANKKEY_PROCESSOR_NAME, JSON_TEXT, processor_name),
	RANK(RANKKEY_NODE, JSON_TEXT, node),
	RANK(RANKKEY_JOB, JSON_TEXT, job),
	RANK(RANKKEY_STEP, JSON_TEXT, step),
	RANK(RANKKEY_PROGRAM, JSON_TEXT, program),
	RANK(RANKKEY_PID, JSON_I32, pid),
	RANK(RANKKEY_MPI, JSON_TEXT, mpi),
	RANK(RANKKEY_PML, JSON_TEXT, pml),
	RANK(RANKKEY_DURATION, JSON_REAL, duration),
	RANK(RANKKEY_INIT_REALTIME_NS, JSON_I64, init_realtime),
	RANK(RANKKEY_RESOLUTION_NS, JSON_I64, resolution),
	PART(RANKKEY_STAMPS, read_stamps, 0),
	PART(RANKKEY_OVERHEAD, read_part, PART_OVERHEAD),
	DENSE(RANKKEY_TX_BYTES, 0),
	DENSE(RANKKEY_TX_MESSAGES, 1),
	DENSE(RANKKEY_RX_BYTES, 2),
	DENSE(RANKKEY_RX_MESSAGES, 3),
	PART(RANKKEY_TX_MESSAGE_SIZES, read_sizes, 0),
	PART(RANKKEY_RX_MESSAGE_SIZES, read_sizes, SIZES_RX),
	PART(RANKKEY_TX_SIZE_BINS, read_sizes, SIZES_LOG2),
	PART(RANKKEY_RX_SIZE_BINS, read_sizes, SIZES_LOG2 | SIZES_RX),
	{ RANKKEY_PEERS, JSON_OTHER, true, offsetof(struct reader, rank.peers), read_peers, NALL },
	{ RANKKEY_OPS, JSON_OTHER, true, offsetof(struct reader, rank.ops), read_ops, 0 },
	PART(RANKKEY_OUTSIDE, read_part, PART_OUTSIDE),
	PART(RANKKEY_TIMING, read_timing, 0),
	PART(RANKKEY_PHASES, read_phases, 0),
	PART(RANKKEY_WINDOWS, read_windows, 0),
	PART(RANKKEY_RMA, read_rma, 0),
	PART(RANKKEY_UNSEEN, read_part, PART_UNSEEN),
	PART(RANKKEY_ELSEWHERE, rankverbs_elsewhere, 0),
	PART(RANKKEY_FAILED, rankverbs_failed, 0),
	RANK(RANKKEY_DROPPED, JSON_U64, dropped),
};

static int copy_peers(struct rankpeers *to, const struct rankpeers *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!rankpeers_add(to, &from->rows[i]))
			return -1;
	return 0;
}

static int finish_foreign(struct reader *reader, const char *name, struct err *err)
{
	struct rankfile *rank = &reader->rank;

	rank->foreign = true;
	rank->complete = true; /* PFProf writes in MPI_Finalize */
	/* Keys that mean something else there, or nothing. */
	rankpeers_release(&rank->peers);
	for (int op = 0; op < RANKOP_COUNT; op++)
		rankpeers_release(&rank->ops[op]);
	if (rankdense_rows(reader->dense, rank, name, &rank->peers, err) < 0)
		return -1;
	if (copy_peers(&rank->ops[RANKOP_OTHER], &rank->peers) < 0)
		return err_errno(err, "%s", name);
	return 0;
}

static int finish_ours(struct reader *reader, const char *name, struct err *err)
{
	struct rankfile *rank = &reader->rank;

	if (!reader->sparse)
		return err_set(err, "%s: the key '%s' is missing", name, RANKKEY_PEERS);
	for (int c = 0; c < NCOUNTS; c++)
		if (reader->dense[c].room || rank->ranks <= RANKFILE_DENSE)
			return rankdense_compare(reader->dense, rank, name, err);
	return 0;
}

static int read_all(struct reader *reader, struct jsonscan *scan)
{
	struct rankfile *rank = &reader->rank;
	char **const texts[] = { &rank->description, &rank->node, &rank->processor_name,
				 &rank->program,     &rank->mpi,  &rank->pml,
				 &rank->job,         &rank->step };

	if (jsontable_object(scan, file_fields, ARRAY_SIZE(file_fields), reader, reader) < 0 ||
	    jsonscan_end(scan) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (*texts[i])
			latin1(*texts[i]);
	rank->nsizes = rankrows_fold(&rankrows_sizes, rank->sizes, rank->nsizes);
	rank->outside.first = rank->outside.last = -1;
	return 0;
}

static void reader_release(struct reader *reader)
{
	for (int c = 0; c < NCOUNTS; c++)
		free(reader->dense[c].values);
	for (int c = 0; c < NALL; c++)
		free(reader->columns[c].values);
	free(reader->peer.values);
	free(reader->starts.values);
}

int rankfile_read(struct rankfile *rank, const char *data, size_t size, const char *name,
		  struct err *err)
{
	struct reader reader = { 0 };
	struct jsonscan scan;
	int rc;

	jsonscan_init(&scan, data, size, name, err);
	rc = read_all(&reader, &scan);
	if (rc == 0)
		rc = reader.version ? finish_ours(&reader, name, err)
				    : finish_foreign(&reader, name, err);
	if (rc == 0)
		rc = rankcheck(&reader.rank, name, err);
	reader_release(&reader);
	if (rc == 0)
		*rank = reader.rank;
	else
		rankfile_release(&reader.rank);
	return rc;
}

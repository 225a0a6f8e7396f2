/* SPDX-License-Identifier: Apache-2.0 */
/* rankwrite.c - a rank file as JSON, with libc only
 *
 * The library that writes it is loaded into other people's programs, so there
 * is no JSON library here: only the writer, a buffer in front of write(2).
 */
#include "rankfile.h"
#include "rankkeys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct out {
	int fd;
	int error;  /* errno of the first failure */
	bool comma; /* the next item needs one */
	size_t used;
	char buffer[16384];
};

static void out_flush(struct out *out)
{
	size_t done = 0;

	while (!out->error && done < out->used) {
		ssize_t n = write(out->fd, out->buffer + done, out->used - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			out->error = errno;
	}
	out->used = 0;
}

static void out_raw(struct out *out, const char *text, size_t length)
{
	if (out->used + length > sizeof(out->buffer))
		out_flush(out);
	if (length > sizeof(out->buffer)) { /* never: every text here is short */
		out->error = EMSGSIZE;
		return;
	}
	memcpy(out->buffer + out->used, text, length);
	out->used += length;
}

__attribute__((format(printf, 2, 3))) static void out_format(struct out *out, const char *fmt, ...)
{
	char text[128];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_raw(out, text, (size_t)length);
}

static void out_string(struct out *out, const char *text)
{
	out_raw(out, "\"", 1);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			out_format(out, "\\%c", *c);
		else if (*c < 0x20 || *c >= 0x7f) /* any byte is shown, as Latin-1 */
			out_format(out, "\\u%04x", *c);
		else
			out_raw(out, (const char *)c, 1);
	}
	out_raw(out, "\"", 1);
}

/* Begin the next item of the current object (KEY) or array (KEY NULL). */
static void out_item(struct out *out, const char *key)
{
	if (out->comma)
		out_raw(out, ",", 1);
	out->comma = true;
	if (key) {
		out_raw(out, "\n", 1);
		out_string(out, key);
		out_raw(out, ": ", 2);
	}
}

static void out_open(struct out *out, const char *key, const char *bracket)
{
	out_item(out, key);
	out_raw(out, bracket, 1);
	out->comma = false;
}

static void out_close(struct out *out, const char *bracket)
{
	out_raw(out, bracket, 1);
	out->comma = true;
}

static void out_text(struct out *out, const char *key, const char *text)
{
	out_item(out, key);
	if (text)
		out_string(out, text);
	else
		out_raw(out, "null", 4);
}

static void out_u64(struct out *out, const char *key, uint64_t number)
{
	out_item(out, key);
	out_format(out, "%" PRIu64, number);
}

static void out_i64(struct out *out, const char *key, int64_t number)
{
	out_item(out, key);
	out_format(out, "%" PRId64, number);
}

/* A real number in fixed notation, whatever the program's locale says. */
static void out_real(struct out *out, const char *key, double number, unsigned decimals)
{
	uint64_t scale = 1;
	double scaled;

	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	scaled = number * (double)scale + 0.5;
	out_item(out, key);
	if (!(scaled >= 0 && scaled < 1e18))
		scaled = 0;
	out_format(out, "%" PRIu64 ".%0*" PRIu64, (uint64_t)scaled / scale, (int)decimals,
		   (uint64_t)scaled % scale);
}

/* The columns of struct rankpeer, for dense and sparse arrays alike. */
static const struct column {
	const char *name;
	size_t offset;
} columns[] = {
	{ RANKKEY_TX_BYTES, offsetof(struct rankpeer, tx_bytes) },
	{ RANKKEY_TX_MESSAGES, offsetof(struct rankpeer, tx_messages) },
	{ RANKKEY_RX_BYTES, offsetof(struct rankpeer, rx_bytes) },
	{ RANKKEY_RX_MESSAGES, offsetof(struct rankpeer, rx_messages) },
	{ RANKKEY_FIRST_NS, offsetof(struct rankpeer, first) },
	{ RANKKEY_LAST_NS, offsetof(struct rankpeer, last) },
};

#define COLUMNS_COUNTS 4 /* the unsigned ones */
#define COLUMNS_ALL    6

static uint64_t column_of(const struct rankpeer *row, int column)
{
	uint64_t number;

	memcpy(&number, (const char *)row + columns[column].offset, sizeof(number));
	return number;
}

static void out_column(struct out *out, const struct rankpeers *peers, int column)
{
	out_open(out, columns[column].name, "[");
	for (size_t i = 0; i < peers->count; i++) {
		if (column < COLUMNS_COUNTS)
			out_u64(out, NULL, column_of(&peers->rows[i], column));
		else
			out_i64(out, NULL, (int64_t)column_of(&peers->rows[i], column));
	}
	out_close(out, "]");
}

static void out_peers(struct out *out, const char *key, const struct rankpeers *peers, int ncolumns)
{
	out_open(out, key, "{");
	out_open(out, RANKKEY_PEER, "[");
	for (size_t i = 0; i < peers->count; i++)
		out_u64(out, NULL, peers->rows[i].peer);
	out_close(out, "]");
	for (int column = 0; column < ncolumns; column++)
		out_column(out, peers, column);
	out_close(out, "}");
}

/* One of PFProf's arrays: an element per rank, zeros included. */
static void out_dense(struct out *out, const struct rankfile *rank, int column)
{
	size_t next = 0;

	out_open(out, columns[column].name, "[");
	for (uint32_t peer = 0; peer < rank->ranks; peer++) {
		uint64_t number = 0;

		if (next < rank->peers.count && rank->peers.rows[next].peer == peer)
			number = column_of(&rank->peers.rows[next++], column);
		out_u64(out, NULL, number);
	}
	out_close(out, "]");
}

static void out_ops(struct out *out, const struct rankpeers ops[RANKOP_COUNT])
{
	out_open(out, RANKKEY_OPS, "{");
	for (int op = 0; op < RANKOP_COUNT; op++)
		if (ops[op].count)
			out_peers(out, rankop_names[op], &ops[op], COLUMNS_COUNTS);
	out_close(out, "}");
}

/* PFProf's list of sizes, or (LOG2) ours of the bins beyond. */
static void out_sizes(struct out *out, const char *key, const struct rankfile *rank, bool tx,
		      bool log2)
{
	out_open(out, key, "[");
	for (size_t i = 0; i < rank->nsizes; i++) {
		const struct ranksize *size = &rank->sizes[i];
		uint64_t frequency = tx ? size->tx_messages : size->rx_messages;

		if (size->log2 != log2 || !frequency)
			continue;
		out_open(out, NULL, "{");
		out_u64(out, RANKKEY_FREQUENCY, frequency);
		if (log2)
			out_u64(out, RANKKEY_FROM, 1ull << size->size);
		else
			out_u64(out, RANKKEY_MESSAGE_SIZE, size->size);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static void out_timing(struct out *out, const struct rankfile *rank)
{
	static const struct column timing[] = {
		{ RANKKEY_SENDS, offsetof(struct ranktiming, sends) },
		{ RANKKEY_SUM_NS, offsetof(struct ranktiming, sum) },
		{ RANKKEY_MAX_NS, offsetof(struct ranktiming, max) },
	};

	if (!rank->ntiming)
		return;
	out_open(out, RANKKEY_TIMING, "{");
	out_open(out, RANKKEY_PEER, "[");
	for (size_t i = 0; i < rank->ntiming; i++)
		out_u64(out, NULL, rank->timing[i].peer);
	out_close(out, "]");
	for (size_t c = 0; c < sizeof(timing) / sizeof(*timing); c++) {
		out_open(out, timing[c].name, "[");
		for (size_t i = 0; i < rank->ntiming; i++) {
			uint64_t number;

			memcpy(&number, (const char *)&rank->timing[i] + timing[c].offset,
			       sizeof(number));
			out_u64(out, NULL, number);
		}
		out_close(out, "]");
	}
	out_close(out, "}");
}

static void out_spans(struct out *out, const struct rankphase *phase)
{
	if (!phase->nspans)
		return;
	out_open(out, RANKKEY_SPANS, "[");
	for (size_t i = 0; i < phase->nspans; i++) {
		out_open(out, NULL, "{");
		out_i64(out, RANKKEY_BEGIN_NS, phase->spans[i].begin);
		out_i64(out, RANKKEY_END_NS, phase->spans[i].end);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static void out_phases(struct out *out, const struct rankfile *rank)
{
	out_open(out, RANKKEY_PHASES, "[");
	for (size_t i = 0; i < rank->nphases; i++) {
		const struct rankphase *phase = &rank->phases[i];

		out_open(out, NULL, "{");
		if (phase->other)
			out_text(out, RANKKEY_PHASE, RANKVALUE_OTHER);
		else
			out_i64(out, RANKKEY_PHASE, phase->level);
		out_u64(out, RANKKEY_OPENED, phase->opened);
		out_i64(out, RANKKEY_DURATION_NS, phase->duration);
		out_spans(out, phase);
		out_ops(out, phase->ops);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static void out_windows(struct out *out, const struct rankfile *rank)
{
	if (!rank->window_width) {
		out_text(out, RANKKEY_WINDOWS, NULL);
		return;
	}
	out_open(out, RANKKEY_WINDOWS, "{");
	out_i64(out, RANKKEY_WIDTH_NS, rank->window_width);
	out_open(out, RANKKEY_START_NS, "[");
	for (size_t i = 0; i < rank->nwindows; i++)
		out_i64(out, NULL, rank->windows[i].start);
	out_close(out, "]");
	out_open(out, RANKKEY_PEERS, "[");
	for (size_t i = 0; i < rank->nwindows; i++)
		out_peers(out, NULL, &rank->windows[i].peers, COLUMNS_COUNTS);
	out_close(out, "]");
	out_close(out, "}");
}

static void out_rma(struct out *out, const struct rankfile *rank)
{
	out_open(out, RANKKEY_RMA, "[");
	for (size_t i = 0; i < rank->nrma; i++) {
		const struct rankrmacall *rma = &rank->rma[i];

		out_open(out, NULL, "{");
		out_text(out, RANKKEY_CALL, rankrma_names[rma->call]);
		out_u64(out, RANKKEY_PEER, rma->peer);
		out_u64(out, RANKKEY_CALLS, rma->calls);
		out_u64(out, RANKKEY_BYTES, rma->bytes);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static void out_unseen(struct out *out, const struct rankfile *rank)
{
	out_open(out, RANKKEY_UNSEEN, "{");
	out_open(out, RANKKEY_BYPASS, "[");
	for (size_t i = 0; i < rank->nbypass; i++)
		out_text(out, NULL, rank->bypass[i]);
	out_close(out, "]");
	out_open(out, RANKKEY_RECEIVES, "[");
	for (size_t i = 0; i < rank->nunseen; i++) {
		const struct rankunseen_count *unseen = &rank->unseen[i];

		out_open(out, NULL, "{");
		out_text(out, RANKKEY_OP, rankop_names[unseen->op]);
		out_text(out, RANKKEY_WHY, rankunseen_names[unseen->why]);
		out_u64(out, RANKKEY_MESSAGES, unseen->messages);
		out_u64(out, RANKKEY_BYTES, unseen->bytes);
		out_close(out, "}");
	}
	out_close(out, "]");
	out_close(out, "}");
}

static void out_elsewhere(struct out *out, const struct rankfile *rank)
{
	if (!rank->nelsewhere)
		return;
	out_open(out, RANKKEY_ELSEWHERE, "[");
	for (size_t i = 0; i < rank->nelsewhere; i++) {
		const struct rankelsewhere *row = &rank->elsewhere[i];

		out_open(out, NULL, "{");
		out_text(out, RANKKEY_WHY, row->multicast ? RANKVALUE_MULTICAST : RANKVALUE_NOBODY);
		out_text(out, RANKKEY_GID, row->gid);
		out_u64(out, RANKKEY_LID, row->lid);
		out_u64(out, RANKKEY_QPN, row->qpn);
		out_text(out, RANKKEY_OP, rankop_names[row->op]);
		out_u64(out, RANKKEY_TX_BYTES, row->tx_bytes);
		out_u64(out, RANKKEY_TX_MESSAGES, row->tx_messages);
		out_u64(out, RANKKEY_RX_BYTES, row->rx_bytes);
		out_u64(out, RANKKEY_RX_MESSAGES, row->rx_messages);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static void out_failed(struct out *out, const struct rankfile *rank)
{
	if (!rank->nfailed)
		return;
	out_open(out, RANKKEY_FAILED, "[");
	for (size_t i = 0; i < rank->nfailed; i++) {
		const struct rankfailed *row = &rank->failed[i];

		out_open(out, NULL, "{");
		out_i64(out, RANKKEY_PEER, row->peer);
		out_text(out, RANKKEY_OP, rankop_names[row->op]);
		out_text(out, RANKKEY_STATUS, row->status);
		out_u64(out, RANKKEY_MESSAGES, row->messages);
		out_u64(out, RANKKEY_BYTES, row->bytes);
		out_close(out, "}");
	}
	out_close(out, "]");
}

static uint64_t events(const struct rankfile *rank)
{
	uint64_t count = rank->outside.tx_messages + rank->outside.rx_messages;

	for (size_t i = 0; i < rank->peers.count; i++)
		count += rank->peers.rows[i].tx_messages + rank->peers.rows[i].rx_messages;
	return count;
}

static void out_head(struct out *out, const struct rankfile *rank)
{
	out_text(out, RANKKEY_DESCRIPTION,
		 rank->description ? rank->description : "netemu netprof");
	out_u64(out, RANKKEY_VERSION, RANKFILE_VERSION);
	out_item(out, RANKKEY_COMPLETE);
	out_raw(out, rank->complete ? "true" : "false", rank->complete ? 4 : 5);
	out_u64(out, RANKKEY_RANK, rank->rank);
	out_u64(out, RANKKEY_N_PROCS, rank->ranks);
	out_text(out, RANKKEY_PROCESSOR_NAME, rank->processor_name);
	out_text(out, RANKKEY_NODE, rank->node);
	out_text(out, RANKKEY_JOB, rank->job);
	out_text(out, RANKKEY_STEP, rank->step);
	out_text(out, RANKKEY_PROGRAM, rank->program);
	out_i64(out, RANKKEY_PID, rank->pid);
	out_text(out, RANKKEY_MPI, rank->mpi);
	out_text(out, RANKKEY_PML, rank->pml);
	out_real(out, RANKKEY_DURATION, rank->duration, 9);
	out_i64(out, RANKKEY_INIT_REALTIME_NS, rank->init_realtime);
	out_i64(out, RANKKEY_RESOLUTION_NS, rank->resolution);
	out_text(out, RANKKEY_STAMPS, rank->precise ? RANKVALUE_PRECISE : RANKVALUE_COARSE);
	out_u64(out, RANKKEY_N_EVENTS, events(rank));
	out_open(out, RANKKEY_OVERHEAD, "{");
	out_real(out, RANKKEY_SEND_NS, rank->overhead_send, 3);
	out_real(out, RANKKEY_RECEIVE_NS, rank->overhead_receive, 3);
	out_close(out, "}");
}

static void out_outside(struct out *out, const struct rankfile *rank)
{
	if (!rank->outside.tx_messages && !rank->outside.rx_messages)
		return;
	out_open(out, RANKKEY_OUTSIDE, "{");
	for (int column = 0; column < COLUMNS_COUNTS; column++)
		out_u64(out, columns[column].name, column_of(&rank->outside, column));
	out_close(out, "}");
}

int rankfile_write(const struct rankfile *rank, int fd)
{
	struct out out = { .fd = fd };

	out_raw(&out, "{", 1);
	out_head(&out, rank);
	if (rank->ranks <= RANKFILE_DENSE)
		for (int column = 0; column < COLUMNS_COUNTS; column++)
			out_dense(&out, rank, column);
	out_sizes(&out, RANKKEY_TX_MESSAGE_SIZES, rank, true, false);
	out_sizes(&out, RANKKEY_RX_MESSAGE_SIZES, rank, false, false);
	out_sizes(&out, RANKKEY_TX_SIZE_BINS, rank, true, true);
	out_sizes(&out, RANKKEY_RX_SIZE_BINS, rank, false, true);
	out_peers(&out, RANKKEY_PEERS, &rank->peers, COLUMNS_ALL);
	out_ops(&out, rank->ops);
	out_outside(&out, rank);
	out_timing(&out, rank);
	out_phases(&out, rank);
	out_windows(&out, rank);
	out_rma(&out, rank);
	out_unseen(&out, rank);
	out_elsewhere(&out, rank);
	out_failed(&out, rank);
	if (rank->dropped)
		out_u64(&out, RANKKEY_DROPPED, rank->dropped);
	out_raw(&out, "\n}\n", 3);
	out_flush(&out);
	if (out.error) {
		errno = out.error;
		return -1;
	}
	return 0;
}

/* Write into the new file FD at TEMP and bring it to NAME.  Closes FD. */
static int save_at(const struct rankfile *rank, int fd, const char *temp, const char *name)
{
	int saved;

	if (rankfile_write(rank, fd) < 0) {
		saved = errno;
		close(fd);
		unlink(temp);
		errno = saved;
		return -1;
	}
	if (close(fd) < 0 || rename(temp, name) < 0) {
		saved = errno;
		unlink(temp);
		errno = saved;
		return -1;
	}
	return 0;
}

int rankfile_save(const struct rankfile *rank, const char *dir, struct err *err)
{
	char name[PATH_MAX], temp[PATH_MAX];
	int fd;

	if (snprintf(name, sizeof(name), "%s/rank-%u.json", dir, rank->rank) >= (int)sizeof(name) ||
	    snprintf(temp, sizeof(temp), "%s/.rank-%u.tmp", dir, rank->rank) >= (int)sizeof(temp))
		return err_set(err, "'%s': the path is too long", dir);
	/* A writer that was killed may have left one; it is ours to replace. */
	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(err, "unable to make '%s'", temp);
	if (save_at(rank, fd, temp, name) < 0)
		return err_errno(err, "unable to write '%s'", name);
	return 0;
}

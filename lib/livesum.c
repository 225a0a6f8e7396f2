/* SPDX-License-Identifier: Apache-2.0 */
#include "livesum.h"
#include "rankrows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int64_t stamp_time(const struct livesum *sum, int64_t stamp)
{
	if (!stamp)
		return -1;
	return stamp > sum->zero ? stamp - sum->zero : 0;
}

static bool cell_good(const struct rankfile *rank, const struct live_cell *cell)
{
	return (cell->peer < rank->ranks || cell->peer == LIVE_OUTSIDE) &&
	       cell->op < RANKOP_COUNT && cell->phase <= 257;
}

static struct rankphase *phase_of(struct livesum *sum, unsigned slot)
{
	struct rankfile *rank = sum->rank;

	while (rank->nphases < slot) {
		struct rankphase *phases;

		phases = rankrows_grow(rank->phases, rank->nphases, sizeof(*phases));
		if (!phases)
			return NULL;
		rank->phases = phases;
		memset(&phases[rank->nphases++], 0, sizeof(*phases));
	}
	return &rank->phases[slot - 1];
}

/* Slots 1..256 are rows 0..255 in the order first opened; 257 is "other". */
static int add_cell(struct livesum *sum, const struct live_cell *cell)
{
	struct rankfile *rank = sum->rank;
	struct rankpeer row = {
		.peer = cell->peer,
		.tx_bytes = cell->tx_bytes,
		.tx_messages = cell->tx_messages,
		.rx_bytes = cell->rx_bytes,
		.rx_messages = cell->rx_messages,
		.first = stamp_time(sum, cell->first),
		.last = stamp_time(sum, cell->last),
	};

	if (row.last > sum->last)
		sum->last = row.last;
	if (cell->peer == LIVE_OUTSIDE) {
		rank->outside.tx_bytes += row.tx_bytes;
		rank->outside.tx_messages += row.tx_messages;
		rank->outside.rx_bytes += row.rx_bytes;
		rank->outside.rx_messages += row.rx_messages;
		return 0;
	}
	if (!row.tx_messages && !row.rx_messages)
		return 0;
	if (!rankpeers_add(&rank->peers, &row) || !rankpeers_add(&rank->ops[cell->op], &row))
		return -1;
	if (cell->phase) {
		struct rankphase *phase = phase_of(sum, cell->phase);

		if (!phase || !rankpeers_add(&phase->ops[cell->op], &row))
			return -1;
	}
	return 0;
}

static int window_compare(const void *a, const void *b)
{
	const struct rankwindow *left = a;
	const struct rankwindow *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

/* Every cell a window of its own; windows_fold() brings equal ones together. */
static int add_window(struct livesum *sum, const struct live_cell *cell, uint32_t level)
{
	struct rankfile *rank = sum->rank;
	struct rankwindow *windows;
	struct rankpeer row = {
		.peer = cell->peer,
		.tx_bytes = cell->tx_bytes,
		.tx_messages = cell->tx_messages,
		.rx_bytes = cell->rx_bytes,
		.rx_messages = cell->rx_messages,
		.first = -1,
		.last = -1,
	};

	if (cell->peer == LIVE_OUTSIDE || (!row.tx_messages && !row.rx_messages))
		return 0;
	windows = rankrows_grow(rank->windows, rank->nwindows, sizeof(*windows));
	if (!windows)
		return -1;
	rank->windows = windows;
	rank->windows[rank->nwindows] = (struct rankwindow){
		.start = (int64_t)((uint64_t)cell->window >> (sum->level - level)),
	};
	if (!rankpeers_add(&rank->windows[rank->nwindows].peers, &row))
		return -1;
	rank->nwindows++;
	return 0;
}

static int windows_fold(struct livesum *sum)
{
	struct rankfile *rank = sum->rank;
	size_t kept = 0;

	if (!rank->nwindows)
		return 0;
	qsort(rank->windows, rank->nwindows, sizeof(*rank->windows), window_compare);
	for (size_t i = 1; i < rank->nwindows; i++) {
		struct rankwindow *window = &rank->windows[i];

		if (window->start != rank->windows[kept].start) {
			rank->windows[++kept] = *window;
			continue;
		}
		/* Moved, not copied: on failure nothing is owned twice. */
		if (!rankpeers_add(&rank->windows[kept].peers, &window->peers.rows[0])) {
			for (size_t rest = i; rest < rank->nwindows; rest++)
				rankpeers_release(&rank->windows[rest].peers);
			rank->nwindows = kept + 1;
			return -1;
		}
		rankpeers_release(&window->peers);
	}
	rank->nwindows = kept + 1;
	for (size_t i = 0; i < rank->nwindows; i++) {
		rankpeers_sort(&rank->windows[i].peers);
		if (__builtin_mul_overflow(rank->windows[i].start, rank->window_width,
					   &rank->windows[i].start)) {
			errno = EOVERFLOW;
			return -1;
		}
	}
	return 0;
}

/* One more row behind the others; they are brought together at the end. */
#define ADD_ROW(rows, count, ...)                                               \
	do {                                                                    \
		void *grown_ = rankrows_grow((rows), (count), sizeof(*(rows))); \
                                                                                \
		if (!grown_)                                                    \
			return -1;                                              \
		(rows) = grown_;                                                \
		(rows)[(count)++] = (__typeof__(*(rows))){ __VA_ARGS__ };       \
	} while (0)

static int add_size(struct rankfile *rank, const struct live_size *size)
{
	ADD_ROW(rank->sizes, rank->nsizes, .size = size->size, .tx_messages = size->tx_messages,
		.rx_messages = size->rx_messages, .log2 = size->log2 != 0);
	return 0;
}

static int add_timing(struct rankfile *rank, const struct live_timing *timing)
{
	if (timing->peer == LIVE_OUTSIDE || !timing->sends)
		return 0;
	ADD_ROW(rank->timing, rank->ntiming, .peer = timing->peer, .sends = timing->sends,
		.sum = timing->sum, .max = timing->max);
	return 0;
}

static int add_rma(struct rankfile *rank, const struct live_rma *rma)
{
	ADD_ROW(rank->rma, rank->nrma, .peer = rma->peer, .call = rma->call, .calls = rma->calls,
		.bytes = rma->bytes);
	return 0;
}

static int add_unseen(struct rankfile *rank, const struct live_unseen *unseen)
{
	ADD_ROW(rank->unseen, rank->nunseen, .op = unseen->op, .why = unseen->why,
		.messages = unseen->messages, .bytes = unseen->bytes);
	return 0;
}

static int add_bypass(struct rankfile *rank, const struct live_bypass *bypass)
{
	char name[sizeof(bypass->name) + 1] = "";
	char **names;

	memcpy(name, bypass->name, sizeof(bypass->name));
	for (size_t i = 0; i < rank->nbypass; i++)
		if (!strcmp(rank->bypass[i], name))
			return 0;
	names = realloc(rank->bypass, (rank->nbypass + 1) * sizeof(*names));
	if (!names)
		return -1;
	rank->bypass = names;
	names[rank->nbypass] = strdup(name);
	if (!names[rank->nbypass])
		return -1;
	rank->nbypass++;
	return 0;
}

static void add_phase(struct livesum *sum, const struct live_phase *phase, uint32_t index)
{
	if (index < 257) {
		sum->phases[index] = *phase;
		if (index >= sum->nphases)
			sum->nphases = index + 1;
	}
}

static bool span_good(const struct live_span *span)
{
	return span->slot >= 1 && span->slot <= 257 && span->begin > 0 && span->end >= span->begin;
}

static int add_span(struct livesum *sum, uint32_t slot, int64_t begin, int64_t end)
{
	struct rankphase *phase = phase_of(sum, slot);
	struct rankspan *spans =
		phase ? rankrows_grow(phase->spans, phase->nspans, sizeof(*spans)) : NULL;

	if (!spans)
		return -1;
	phase->spans = spans;
	spans[phase->nspans++] = (struct rankspan){
		.begin = stamp_time(sum, begin),
		.end = stamp_time(sum, end),
	};
	return 0;
}

static bool size_good(const struct live_size *size)
{
	return !size->log2 || size->size <= 63;
}

static bool timing_good(const struct rankfile *rank, const struct live_timing *timing)
{
	return timing->peer < rank->ranks || timing->peer == LIVE_OUTSIDE;
}

static bool rma_good(const struct rankfile *rank, const struct live_rma *rma)
{
	return rma->peer < rank->ranks && rma->call < RANKRMA_COUNT;
}

static bool unseen_good(const struct live_unseen *unseen)
{
	return unseen->op < RANKOP_COUNT && unseen->why < RANKUNSEEN_COUNT;
}

static char *copy_or_null(const char *text)
{
	return *text ? strdup(text) : NULL;
}

/* Phases as rows, in the order first opened; "other" last. */
static int finish_phases(struct livesum *sum, int64_t end)
{
	if (sum->nphases && !phase_of(sum, sum->nphases))
		return -1;
	for (uint32_t i = 0; i < sum->rank->nphases; i++) {
		struct rankphase *phase = &sum->rank->phases[i];
		const struct live_phase *live = &sum->phases[i];

		phase->level = live->level;
		phase->other = i == 256;
		phase->opened = live->opened;
		phase->duration = live->total;
		if (live->since > 0 && end > live->since) {
			if (__builtin_add_overflow(phase->duration, end - live->since,
						   &phase->duration))
				phase->duration = INT64_MAX;
			if (phase->nspans + 1 == phase->opened &&
			    add_span(sum, i + 1, live->since, end) < 0)
				return -1;
		}
		for (int op = 0; op < RANKOP_COUNT; op++)
			rankpeers_sort(&phase->ops[op]);
	}
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int livesum_begin(struct livesum *sum, struct rankfile *rank, const struct live_header *header,
		  uint32_t level)
{
	sum->rank = rank;
	sum->level = level;

	rank->rank = header->rank;
	rank->ranks = header->ranks;
	rank->pid = header->pid;
	rank->description = strdup("netemu netprof " LIVE_WRITER);
	rank->node = copy_or_null(header->node);
	rank->processor_name = copy_or_null(header->processor_name);
	rank->program = copy_or_null(header->program);
	rank->mpi = copy_or_null(header->mpi);
	rank->pml = copy_or_null(header->pml);
	rank->job = copy_or_null(header->job);
	rank->step = copy_or_null(header->step);
	rank->init_realtime = header->init_realtime;
	rank->resolution = header->resolution;
	rank->precise = header->flags & LIVE_PRECISE;
	rank->overhead_send = header->overhead_send / 1e3;
	rank->overhead_receive = header->overhead_receive / 1e3;
	if (header->window_width > INT64_MAX >> sum->level) {
		errno = EOVERFLOW;
		return -1;
	}
	rank->window_width = header->window_width << sum->level;
	rank->outside.first = rank->outside.last = -1;
	sum->zero = header->init_monotonic;
	sum->last = 0;
	return rank->description ? 0 : -1;
}

int livesum_entry(struct livesum *sum, const struct live_extent *extent, const void *entry,
		  uint32_t index)
{
	struct rankfile *rank = sum->rank;

	switch (extent->kind) {
	case LIVE_CELLS:
		return cell_good(rank, entry) ? add_cell(sum, entry) : 1;
	case LIVE_WINDOWS:
		return cell_good(rank, entry) ? add_window(sum, entry, extent->level) : 1;
	case LIVE_SIZES:
		return size_good(entry) ? add_size(rank, entry) : 1;
	case LIVE_TIMING:
		return timing_good(rank, entry) ? add_timing(rank, entry) : 1;
	case LIVE_RMA:
		return rma_good(rank, entry) ? add_rma(rank, entry) : 1;
	case LIVE_UNSEEN:
		return unseen_good(entry) ? add_unseen(rank, entry) : 1;
	case LIVE_BYPASS:
		return add_bypass(rank, entry);
	case LIVE_SPANS: {
		const struct live_span *span = entry;

		return span_good(span) ? add_span(sum, span->slot, span->begin, span->end) : 1;
	}
	case LIVE_PHASES:
		add_phase(sum, entry, index);
		return 0;
	}
	return 0;
}

int livesum_end(struct livesum *sum, const struct live_header *header)
{
	struct rankfile *rank = sum->rank;
	int64_t end = header->finalize_monotonic;

	if (!end)
		end = sum->zero + sum->last;
	rank->duration = end > sum->zero ? (double)(end - sum->zero) / 1e9 : 0;
	rankpeers_sort(&rank->peers);
	for (int op = 0; op < RANKOP_COUNT; op++)
		rankpeers_sort(&rank->ops[op]);
	rank->nsizes = rankrows_fold(&rankrows_sizes, rank->sizes, rank->nsizes);
	rank->ntiming = rankrows_fold(&rankrows_timing, rank->timing, rank->ntiming);
	rank->nrma = rankrows_fold(&rankrows_rma, rank->rma, rank->nrma);
	rank->nunseen = rankrows_fold(&rankrows_unseen, rank->unseen, rank->nunseen);
	if (rank->nbypass)
		qsort(rank->bypass, rank->nbypass, sizeof(*rank->bypass), name_compare);
	if (windows_fold(sum) < 0)
		return -1;
	return finish_phases(sum, end);
}

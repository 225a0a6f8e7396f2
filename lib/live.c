/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"
#include "rankfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* One live file, mapped read-only. */
struct image {
	const char *path;
	const char *base;
	size_t size;
	struct live_header header;
};

static const uint32_t entry_sizes[LIVE_KINDS] = {
	[LIVE_CELLS] = sizeof(struct live_cell),    [LIVE_WINDOWS] = sizeof(struct live_cell),
	[LIVE_SIZES] = sizeof(struct live_size),    [LIVE_TIMING] = sizeof(struct live_timing),
	[LIVE_PHASES] = sizeof(struct live_phase),  [LIVE_RMA] = sizeof(struct live_rma),
	[LIVE_UNSEEN] = sizeof(struct live_unseen), [LIVE_BYPASS] = sizeof(struct live_bypass),
};

static int header_check(const struct live_header *header, const char *path, struct err *err)
{
	if (memcmp(header->magic, LIVE_MAGIC, sizeof(header->magic)))
		return err_set(err, "%s: not a file of live counters", path);
	if (header->byte_order != LIVE_BYTE_ORDER)
		return err_set(err, "%s: written on a machine of the other byte order", path);
	if (header->version != LIVE_VERSION)
		return err_set(err, "%s: version %u of the live counters is not known", path,
			       header->version);
	if (!header->ranks || header->rank >= header->ranks || header->window_width < 0 ||
	    header->ranks == LIVE_OUTSIDE)
		return err_set(err, "%s: rank %u of %u cannot be", path, header->rank,
			       header->ranks);
	if (header->init_monotonic < 0 || header->finalize_monotonic < 0)
		return err_set(err, "%s: a time before the machine's start cannot be", path);
	for (int shard = 0; shard < LIVE_SHARDS; shard++)
		if (header->levels[shard] > 40)
			return err_set(err, "%s: window level %u cannot be", path,
				       header->levels[shard]);
	return 0;
}

/* Strings come from a file: they end where their field ends. */
static void header_terminate(struct live_header *header)
{
	header->node[sizeof(header->node) - 1] = '\0';
	header->processor_name[sizeof(header->processor_name) - 1] = '\0';
	header->program[sizeof(header->program) - 1] = '\0';
	header->mpi[sizeof(header->mpi) - 1] = '\0';
	header->pml[sizeof(header->pml) - 1] = '\0';
	header->job[sizeof(header->job) - 1] = '\0';
	header->step[sizeof(header->step) - 1] = '\0';
}

/* Open PATH and check its first page.  Returns the descriptor or -1. */
static int header_read(const char *path, struct live_header *header, size_t *size, struct err *err)
{
	/* Memory without a name is reached through a link of the kernel's. */
	int follow = strncmp(path, "/proc/self/fd/", 14) ? O_NOFOLLOW : 0;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, "%s: not a regular file", path);
	}
	if (st.st_size < LIVE_HEADER_SIZE ||
	    pread(fd, header, sizeof(*header), 0) != (ssize_t)sizeof(*header)) {
		close(fd);
		return err_set(err, "%s: ends at byte %lld, within the header", path,
			       (long long)st.st_size);
	}
	header_terminate(header);
	if (header_check(header, path, err) < 0) {
		close(fd);
		return -1;
	}
	*size = (size_t)st.st_size;
	return fd;
}

int live_peek(const char *path, struct live_header *header, struct err *err)
{
	size_t size;
	int fd = header_read(path, header, &size, err);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int image_open(struct image *image, const char *path, struct err *err)
{
	int fd = header_read(path, &image->header, &image->size, err);
	void *base;

	if (fd < 0)
		return -1;
	base = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (base == MAP_FAILED)
		return err_errno(err, "unable to map '%s'", path);
	image->path = path;
	image->base = base;
	return 0;
}

static void image_close(struct image *image)
{
	munmap((void *)image->base, image->size);
}

/* What is being put together: RANK and lists of cells to be sorted later. */
struct gathering {
	struct rankfile *rank;
	int64_t zero;                  /* CLOCK_MONOTONIC of time 0 */
	int64_t last;                  /* latest time seen, ns after zero */
	uint32_t level;                /* coarsest level of windows over all shards */
	struct live_phase phases[257]; /* by slot - 1 */
	uint32_t nphases;
};

static int64_t gathering_time(const struct gathering *g, int64_t stamp)
{
	if (!stamp)
		return -1;
	return stamp > g->zero ? stamp - g->zero : 0;
}

static int cell_bad(const struct gathering *g, const struct live_cell *cell)
{
	return (cell->peer >= g->rank->ranks && cell->peer != LIVE_OUTSIDE) ||
	       cell->op >= RANKOP_COUNT || cell->phase > 257;
}

static struct rankphase *phase_of(struct gathering *g, unsigned slot)
{
	struct rankfile *rank = g->rank;

	while (rank->nphases < slot) {
		struct rankphase *phases;

		phases = realloc(rank->phases, (rank->nphases + 1) * sizeof(*phases));
		if (!phases)
			return NULL;
		rank->phases = phases;
		memset(&phases[rank->nphases++], 0, sizeof(*phases));
	}
	return &rank->phases[slot - 1];
}

/* Slots 1..256 are rows 0..255 in the order first opened; 257 is "other". */
static int add_cell(struct gathering *g, const struct live_cell *cell)
{
	struct rankfile *rank = g->rank;
	struct rankpeer row = {
		.peer = cell->peer,
		.tx_bytes = cell->tx_bytes,
		.tx_messages = cell->tx_messages,
		.rx_bytes = cell->rx_bytes,
		.rx_messages = cell->rx_messages,
		.first = gathering_time(g, cell->first),
		.last = gathering_time(g, cell->last),
	};

	if (row.last > g->last)
		g->last = row.last;
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
		struct rankphase *phase = phase_of(g, cell->phase);

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
static int add_window(struct gathering *g, const struct live_cell *cell, uint32_t level)
{
	struct rankfile *rank = g->rank;
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
	if (!(rank->nwindows & (rank->nwindows - 1))) {
		windows = realloc(rank->windows,
				  (rank->nwindows ? 2 * rank->nwindows : 1) * sizeof(*windows));
		if (!windows)
			return -1;
		rank->windows = windows;
	}
	rank->windows[rank->nwindows] = (struct rankwindow){
		.start = (int64_t)((uint64_t)cell->window >> (g->level - level)),
	};
	if (!rankpeers_add(&rank->windows[rank->nwindows].peers, &row))
		return -1;
	rank->nwindows++;
	return 0;
}

static int windows_fold(struct gathering *g)
{
	struct rankfile *rank = g->rank;
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

static int add_size(struct gathering *g, const struct live_size *size)
{
	struct rankfile *rank = g->rank;
	struct ranksize *sizes = realloc(rank->sizes, (rank->nsizes + 1) * sizeof(*sizes));

	if (!sizes)
		return -1;
	rank->sizes = sizes;
	sizes[rank->nsizes++] = (struct ranksize){
		.size = size->size,
		.tx_messages = size->tx_messages,
		.rx_messages = size->rx_messages,
		.log2 = size->log2 != 0,
	};
	return 0;
}

static int size_compare(const void *a, const void *b)
{
	const struct ranksize *left = a;
	const struct ranksize *right = b;

	if (left->log2 != right->log2)
		return left->log2 - right->log2;
	return (left->size > right->size) - (left->size < right->size);
}

static void sizes_fold(struct rankfile *rank)
{
	size_t kept = 0;

	if (!rank->nsizes)
		return;
	qsort(rank->sizes, rank->nsizes, sizeof(*rank->sizes), size_compare);
	for (size_t i = 1; i < rank->nsizes; i++) {
		if (size_compare(&rank->sizes[i], &rank->sizes[kept])) {
			rank->sizes[++kept] = rank->sizes[i];
			continue;
		}
		rank->sizes[kept].tx_messages += rank->sizes[i].tx_messages;
		rank->sizes[kept].rx_messages += rank->sizes[i].rx_messages;
	}
	rank->nsizes = kept + 1;
}

static int add_timing(struct gathering *g, const struct live_timing *timing)
{
	struct rankfile *rank = g->rank;
	struct ranktiming *rows;

	if (timing->peer == LIVE_OUTSIDE || !timing->sends)
		return 0;
	for (size_t i = 0; i < rank->ntiming; i++) {
		if (rank->timing[i].peer != timing->peer)
			continue;
		rank->timing[i].sends += timing->sends;
		rank->timing[i].sum += timing->sum;
		if (timing->max > rank->timing[i].max)
			rank->timing[i].max = timing->max;
		return 0;
	}
	rows = realloc(rank->timing, (rank->ntiming + 1) * sizeof(*rows));
	if (!rows)
		return -1;
	rank->timing = rows;
	rows[rank->ntiming++] = (struct ranktiming){
		.peer = timing->peer,
		.sends = timing->sends,
		.sum = timing->sum,
		.max = timing->max,
	};
	return 0;
}

static int add_rma(struct gathering *g, const struct live_rma *rma)
{
	struct rankfile *rank = g->rank;
	struct rankrmacall *rows;

	for (size_t i = 0; i < rank->nrma; i++) {
		if (rank->rma[i].peer != rma->peer || rank->rma[i].call != rma->call)
			continue;
		rank->rma[i].calls += rma->calls;
		rank->rma[i].bytes += rma->bytes;
		return 0;
	}
	rows = realloc(rank->rma, (rank->nrma + 1) * sizeof(*rows));
	if (!rows)
		return -1;
	rank->rma = rows;
	rows[rank->nrma++] = (struct rankrmacall){
		.peer = rma->peer,
		.call = rma->call,
		.calls = rma->calls,
		.bytes = rma->bytes,
	};
	return 0;
}

static int add_unseen(struct gathering *g, const struct live_unseen *unseen)
{
	struct rankfile *rank = g->rank;
	struct rankunseen_count *rows;

	for (size_t i = 0; i < rank->nunseen; i++) {
		if (rank->unseen[i].op != unseen->op || rank->unseen[i].why != unseen->why)
			continue;
		rank->unseen[i].messages += unseen->messages;
		rank->unseen[i].bytes += unseen->bytes;
		return 0;
	}
	rows = realloc(rank->unseen, (rank->nunseen + 1) * sizeof(*rows));
	if (!rows)
		return -1;
	rank->unseen = rows;
	rows[rank->nunseen++] = (struct rankunseen_count){
		.op = unseen->op,
		.why = unseen->why,
		.messages = unseen->messages,
		.bytes = unseen->bytes,
	};
	return 0;
}

static int add_bypass(struct gathering *g, const struct live_bypass *bypass)
{
	struct rankfile *rank = g->rank;
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

static void add_phase(struct gathering *g, const struct live_phase *phase, uint32_t index)
{
	if (index < 257) {
		g->phases[index] = *phase;
		if (index >= g->nphases)
			g->nphases = index + 1;
	}
}

/* Take one entry in.  Returns 0, 1 when it makes no sense, -1 with errno ENOMEM. */
static int add_entry(struct gathering *g, const struct live_extent *extent, const void *entry,
		     uint32_t index)
{
	switch (extent->kind) {
	case LIVE_CELLS:
		return cell_bad(g, entry) ? 1 : add_cell(g, entry);
	case LIVE_WINDOWS:
		return cell_bad(g, entry) ? 1 : add_window(g, entry, extent->level);
	case LIVE_SIZES:
		return ((const struct live_size *)entry)->log2 &&
				       ((const struct live_size *)entry)->size > 63
			       ? 1
			       : add_size(g, entry);
	case LIVE_TIMING:
		return ((const struct live_timing *)entry)->peer >= g->rank->ranks &&
				       ((const struct live_timing *)entry)->peer != LIVE_OUTSIDE
			       ? 1
			       : add_timing(g, entry);
	case LIVE_RMA:
		return ((const struct live_rma *)entry)->peer >= g->rank->ranks ||
				       ((const struct live_rma *)entry)->call >= RANKRMA_COUNT
			       ? 1
			       : add_rma(g, entry);
	case LIVE_UNSEEN:
		return ((const struct live_unseen *)entry)->op >= RANKOP_COUNT ||
				       ((const struct live_unseen *)entry)->why >= RANKUNSEEN_COUNT
			       ? 1
			       : add_unseen(g, entry);
	case LIVE_BYPASS:
		return add_bypass(g, entry);
	case LIVE_PHASES:
		add_phase(g, entry, index);
		return 0;
	}
	return 0;
}

/* The extent at OFFSET of IMAGE, checked; NULL with ERR written when it is broken. */
static const struct live_extent *extent_at(const struct image *image, size_t offset,
					   struct err *err)
{
	const struct live_extent *extent = (const void *)(image->base + offset);
	size_t left = image->size - offset;

	if (left < sizeof(*extent) || extent->size < sizeof(*extent) || extent->size > left ||
	    extent->size % 4096) {
		err_set(err, "%s: byte %zu: an extent of %llu bytes does not fit the file",
			image->path, offset,
			left < sizeof(*extent) ? 0ull : (unsigned long long)extent->size);
		return NULL;
	}
	if (extent->kind == LIVE_FREE)
		return extent;
	if (extent->kind >= LIVE_KINDS || extent->shard >= LIVE_SHARDS ||
	    extent->entry_size != entry_sizes[extent->kind] || extent->used > extent->capacity ||
	    extent->capacity > (extent->size - sizeof(*extent)) / extent->entry_size ||
	    extent->level > 40) {
		err_set(err, "%s: byte %zu: not an extent of this version", image->path, offset);
		return NULL;
	}
	return extent;
}

static int image_add(struct gathering *g, const struct image *image, struct err *err)
{
	const struct live_extent *extent;

	for (size_t offset = LIVE_HEADER_SIZE; offset < image->size; offset += extent->size) {
		/* Space the writer had reserved but not yet made an extent of. */
		if (image->size - offset >= sizeof(*extent) &&
		    !((const struct live_extent *)(const void *)(image->base + offset))->size)
			break;
		extent = extent_at(image, offset, err);
		if (!extent)
			return -1;
		if (extent->kind == LIVE_FREE ||
		    (extent->kind == LIVE_WINDOWS &&
		     extent->level != image->header.levels[extent->shard]))
			continue;
		for (uint32_t i = 0; i < extent->used; i++) {
			const char *entry =
				(const char *)(extent + 1) + (size_t)i * extent->entry_size;
			int rc = add_entry(g, extent, entry, i);

			if (rc > 0)
				return err_set(err, "%s: byte %zu: an entry that cannot be",
					       image->path, (size_t)(entry - image->base));
			if (rc < 0)
				return err_errno(err, "%s", image->path);
		}
	}
	return 0;
}

static char *copy_or_null(const char *text)
{
	return *text ? strdup(text) : NULL;
}

static int take_header(struct gathering *g, const struct live_header *header)
{
	struct rankfile *rank = g->rank;

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
	if (header->window_width > INT64_MAX >> g->level) {
		errno = EOVERFLOW;
		return -1;
	}
	rank->window_width = header->window_width << g->level;
	rank->outside.first = rank->outside.last = -1;
	g->zero = header->init_monotonic;
	g->last = 0;
	return rank->description ? 0 : -1;
}

/* Phases as rows, in the order first opened; "other" last. */
static int finish_phases(struct gathering *g, int64_t end)
{
	if (g->nphases && !phase_of(g, g->nphases))
		return -1;
	for (uint32_t i = 0; i < g->rank->nphases; i++) {
		struct rankphase *phase = &g->rank->phases[i];
		const struct live_phase *live = &g->phases[i];

		phase->level = live->level;
		phase->other = i == 256;
		phase->opened = live->opened;
		phase->duration = live->total;
		if (live->since > 0 && end > live->since &&
		    __builtin_add_overflow(phase->duration, end - live->since, &phase->duration))
			phase->duration = INT64_MAX;
		for (int op = 0; op < RANKOP_COUNT; op++)
			rankpeers_sort(&phase->ops[op]);
	}
	return 0;
}

static int timing_compare(const void *a, const void *b)
{
	const struct ranktiming *left = a;
	const struct ranktiming *right = b;

	return (left->peer > right->peer) - (left->peer < right->peer);
}

static int rma_compare(const void *a, const void *b)
{
	const struct rankrmacall *left = a;
	const struct rankrmacall *right = b;

	if (left->call != right->call)
		return left->call - right->call;
	return (left->peer > right->peer) - (left->peer < right->peer);
}

static int unseen_compare(const void *a, const void *b)
{
	const struct rankunseen_count *left = a;
	const struct rankunseen_count *right = b;

	return left->why != right->why ? left->why - right->why : left->op - right->op;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_rows(void *rows, size_t count, size_t size,
		      int (*compare)(const void *, const void *))
{
	if (count)
		qsort(rows, count, size, compare);
}

static int finish(struct gathering *g, const struct live_header *header)
{
	struct rankfile *rank = g->rank;
	int64_t end = header->finalize_monotonic;

	if (!end)
		end = g->zero + g->last;
	rank->duration = end > g->zero ? (double)(end - g->zero) / 1e9 : 0;
	rankpeers_sort(&rank->peers);
	for (int op = 0; op < RANKOP_COUNT; op++)
		rankpeers_sort(&rank->ops[op]);
	sizes_fold(rank);
	sort_rows(rank->timing, rank->ntiming, sizeof(*rank->timing), timing_compare);
	sort_rows(rank->rma, rank->nrma, sizeof(*rank->rma), rma_compare);
	sort_rows(rank->unseen, rank->nunseen, sizeof(*rank->unseen), unseen_compare);
	sort_rows(rank->bypass, rank->nbypass, sizeof(*rank->bypass), name_compare);
	if (windows_fold(g) < 0)
		return -1;
	return finish_phases(g, end);
}

static uint32_t coarsest_level(const struct image *images, int count)
{
	uint32_t level = 0;

	for (int i = 0; i < count; i++)
		for (int shard = 0; shard < LIVE_SHARDS; shard++)
			if (images[i].header.levels[shard] > level)
				level = images[i].header.levels[shard];
	return level;
}

static int gather_images(struct gathering *g, const struct image *images, int count,
			 struct err *err)
{
	g->level = coarsest_level(images, count);
	if (take_header(g, &images[0].header) < 0)
		return err_errno(err, "%s", images[0].path);
	g->rank->complete = true;
	for (int i = 0; i < count; i++) {
		if (images[i].header.rank != g->rank->rank ||
		    images[i].header.ranks != g->rank->ranks)
			return err_set(err, "%s: rank %u of %u, but '%s' is of rank %u of %u",
				       images[i].path, images[i].header.rank,
				       images[i].header.ranks, images[0].path, g->rank->rank,
				       g->rank->ranks);
		if (!images[i].header.clean || images[i].header.flags & LIVE_LOST)
			g->rank->complete = false;
		if (image_add(g, &images[i], err) < 0)
			return -1;
	}
	if (finish(g, &images[0].header) < 0)
		return err_errno(err, "%s", images[0].path);
	return 0;
}

int live_load(const char *const paths[], int count, struct rankfile *rank, struct err *err)
{
	struct rankfile result = { 0 };
	struct gathering *g;
	struct image *images;
	int opened = 0;
	int rc = -1;

	g = calloc(1, sizeof(*g));
	images = calloc((size_t)count + 1, sizeof(*images));
	if (!g || !images) {
		err_errno(err, "%s", paths[0]);
		goto out;
	}
	while (opened < count && image_open(&images[opened], paths[opened], err) == 0)
		opened++;
	if (opened == count) {
		g->rank = &result;
		rc = gather_images(g, images, count, err);
	}
	while (opened--)
		image_close(&images[opened]);
	if (rc == 0)
		*rank = result;
	else
		rankfile_release(&result);
out:
	free(images);
	free(g);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"
#include "rankrows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct run_node {
	char *name; /* owned; also in run->nodes */
	uint32_t index;
	UT_hash_handle hh;
};

static void nodes_release(struct run *run)
{
	struct run_node *node, *next;

	HASH_ITER (hh, run->by_name, node, next) {
		HASH_DEL(run->by_name, node);
		free(node->name);
		free(node);
	}
	free(run->nodes);
}

void run_init(struct run *run, const struct selection *selection)
{
	*run = (struct run){ .selection = *selection };
}

void run_release(struct run *run)
{
	matrix_release(&run->total);
	matrix_release(&run->view);
	for (uint32_t rank = 0; run->origin && rank < run->ranks; rank++)
		free(run->origin[rank]);
	free(run->origin);
	free(run->node);
	nodes_release(run);
	free(run->job);
	free(run->step);
	free(run->program);
	free(run->mpi);
	free(run->pml);
	free(run->sizes);
	free(run->phases);
	free(run->windows);
	for (size_t i = 0; i < run->nbypass; i++)
		free(run->bypass[i].name);
	free(run->bypass);
	*run = (struct run){ 0 };
}

struct matrix *run_view(struct run *run)
{
	return selection_any(&run->selection) ? &run->view : &run->total;
}

/* One more of SIZE bytes behind COUNT at *ROWS, cleared; in powers of two. */
static void *grow(void *rows, size_t count, size_t size)
{
	char **base = rows;

	if (!(count & (count - 1))) {
		char *grown = realloc(*base, (count ? 2 * count : 1) * size);

		if (!grown)
			return NULL;
		*base = grown;
	}
	return memset(*base + count * size, 0, size);
}

static int copy_text(char **to, const char *from)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -1;
}

/* The first rank says what world it is. */
static int run_begin(struct run *run, const struct rankfile *rank)
{
	run->ranks = rank->ranks;
	run->origin = calloc(rank->ranks, sizeof(*run->origin));
	run->node = calloc(rank->ranks, sizeof(*run->node));
	if (!run->origin || !run->node || matrix_init(&run->total, rank->ranks) < 0 ||
	    matrix_init(&run->view, rank->ranks) < 0)
		return -1;
	if (copy_text(&run->job, rank->job) < 0 || copy_text(&run->step, rank->step) < 0 ||
	    copy_text(&run->program, rank->program) < 0 || copy_text(&run->mpi, rank->mpi) < 0 ||
	    copy_text(&run->pml, rank->pml) < 0)
		return -1;
	return 0;
}

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

static const char *any_origin(const struct run *run)
{
	for (uint32_t rank = 0; rank < run->ranks; rank++)
		if (run->origin[rank])
			return run->origin[rank];
	return "?";
}

static int check_world(const struct run *run, const struct rankfile *rank, const char *origin,
		       struct err *err)
{
	if (rank->ranks != run->ranks)
		return err_set(err, "'%s' is of a run of %u ranks, '%s' of one of %u", origin,
			       rank->ranks, any_origin(run), run->ranks);
	if (differ(rank->job, run->job) || differ(rank->step, run->step))
		return err_set(err, "'%s' is of job %s.%s, '%s' of %s.%s", origin,
			       rank->job ? rank->job : "", rank->step ? rank->step : "",
			       any_origin(run), run->job ? run->job : "",
			       run->step ? run->step : "");
	if (run->origin[rank->rank])
		return err_set(err, "rank %u is in '%s' and in '%s'", rank->rank,
			       run->origin[rank->rank], origin);
	return 0;
}

static struct run_node *node_add(struct run *run, const char *name)
{
	struct run_node *node = calloc(1, sizeof(*node));
	char **slot = grow(&run->nodes, run->nnodes, sizeof(*run->nodes));

	if (!node || !slot)
		goto fail;
	node->name = strdup(name);
	if (!node->name)
		goto fail;
	*slot = node->name;
	node->index = run->nnodes++;
	HASH_ADD_KEYPTR(hh, run->by_name, node->name, strlen(node->name), node);
	return node;
fail:
	free(node);
	return NULL;
}

/* Which node it is on. */
static int add_node(struct run *run, const struct rankfile *rank)
{
	const char *name = rank->node ? rank->node : rank->processor_name;
	struct run_node *node;

	if (!name) {
		run->nameless = true;
		return 0;
	}
	HASH_FIND_STR(run->by_name, name, node);
	if (!node)
		node = node_add(run, name);
	if (!node)
		return -1;
	run->node[rank->rank] = node->index;
	return 0;
}

static int phase_wanted(const struct selection *selection, const struct rankphase *phase)
{
	return phase->other ? selection->other
			    : !selection->other && phase->level == selection->phase;
}

/* The part of RANK that is selected, into the view. */
static int add_view(struct run *run, const struct rankfile *rank)
{
	const struct selection *sel = &run->selection;
	int first = sel->op >= 0 ? sel->op : 0;
	int last = sel->op >= 0 ? sel->op : RANKOP_COUNT - 1;

	for (size_t i = 0; sel->window >= 0 && i < rank->nwindows; i++)
		if (sel->width && rank->windows[i].start / sel->width == sel->window &&
		    matrix_add(&run->view, rank, &rank->windows[i].peers) < 0)
			return -1;
	for (size_t i = 0; sel->by_phase && i < rank->nphases; i++)
		for (int op = first; phase_wanted(sel, &rank->phases[i]) && op <= last; op++)
			if (matrix_add(&run->view, rank, &rank->phases[i].ops[op]) < 0)
				return -1;
	if (sel->op >= 0 && !sel->by_phase)
		return matrix_add(&run->view, rank, &rank->ops[sel->op]);
	return 0;
}

static void sum_sent(struct traffic *sum, const struct rankpeers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		sum->bytes += peers->rows[i].tx_bytes;
		sum->messages += peers->rows[i].tx_messages;
	}
}

static struct run_phase *phase_of(struct run *run, const struct rankphase *phase)
{
	struct run_phase *row;

	for (size_t i = 0; i < run->nphases; i++)
		if (run->phases[i].other == phase->other &&
		    (phase->other || run->phases[i].level == phase->level))
			return &run->phases[i];
	row = grow(&run->phases, run->nphases, sizeof(*row));
	if (!row)
		return NULL;
	run->nphases++;
	row->other = phase->other;
	row->level = phase->other ? 0 : phase->level;
	return row;
}

static int add_phases(struct run *run, const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nphases; i++) {
		const struct rankphase *phase = &rank->phases[i];
		struct run_phase *row = phase_of(run, phase);
		struct traffic sum = { 0 };

		if (!row)
			return -1;
		for (int op = 0; op < RANKOP_COUNT; op++)
			sum_sent(&sum, &phase->ops[op]);
		row->bytes += sum.bytes;
		row->messages += sum.messages;
		row->ranks++;
		if (phase->opened > row->opened)
			row->opened = phase->opened;
		if (phase->duration > row->duration)
			row->duration = phase->duration;
	}
	return 0;
}

/* Windows of one width are the sum of FACTOR windows of the former. */
static void widen(struct run *run, int64_t factor)
{
	size_t count = 0;

	for (size_t i = 0; i < run->nwindows; i++) {
		struct traffic window = run->windows[i];
		size_t to = i / (size_t)factor;

		run->windows[i] = (struct traffic){ 0 };
		run->windows[to].bytes += window.bytes;
		run->windows[to].messages += window.messages;
		count = to + 1;
	}
	run->nwindows = count;
	run->width *= factor;
}

/* Widths differ by how often each rank had to double its own. */
static int fit_width(struct run *run, const struct rankfile *rank, const char *origin,
		     struct err *err)
{
	if (!run->width)
		run->width = rank->window_width;
	if (rank->window_width > run->width && rank->window_width % run->width == 0)
		widen(run, rank->window_width / run->width);
	if (run->width % rank->window_width)
		return err_set(err, "'%s': windows of %lld ns, but of %lld ns in another rank",
			       origin, (long long)rank->window_width, (long long)run->width);
	return 0;
}

#define WINDOWS_MAX (1 << 20) /* as many are not believed: each rank has up to 1024 */

static int add_windows(struct run *run, const struct rankfile *rank, const char *origin,
		       struct err *err)
{
	if (!rank->window_width)
		return 0;
	if (fit_width(run, rank, origin, err) < 0)
		return -1;
	for (size_t i = 0; i < rank->nwindows; i++) {
		int64_t at = rank->windows[i].start / run->width;

		if (at >= WINDOWS_MAX)
			return err_set(err, "'%s': a window %lld ns after the start", origin,
				       (long long)rank->windows[i].start);
		while (run->nwindows <= (size_t)at) {
			if (!grow(&run->windows, run->nwindows, sizeof(*run->windows)))
				return err_errno(err, "%s", origin);
			run->nwindows++;
		}
		sum_sent(&run->windows[at], &rank->windows[i].peers);
	}
	return 0;
}

static void fold_sizes(struct run *run)
{
	run->nsizes = rankrows_fold(&rankrows_sizes, run->sizes, run->nsizes);
	run->sorted_sizes = run->nsizes;
}

/* Those of all ranks behind each other, brought together whenever they have
 * doubled.
 */
static int add_sizes(struct run *run, const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nsizes; i++) {
		struct ranksize *row;

		if (run->nsizes >= 4096 && run->nsizes >= 2 * run->sorted_sizes &&
		    !(run->nsizes & (run->nsizes - 1)))
			fold_sizes(run);
		row = grow(&run->sizes, run->nsizes, sizeof(*row));
		if (!row)
			return -1;
		*row = rank->sizes[i];
		run->nsizes++;
	}
	return 0;
}

static int add_bypass(struct run *run, const char *name)
{
	struct run_bypass *row;

	for (size_t i = 0; i < run->nbypass; i++)
		if (!strcmp(run->bypass[i].name, name)) {
			run->bypass[i].ranks++;
			return 0;
		}
	row = grow(&run->bypass, run->nbypass, sizeof(*row));
	if (!row)
		return -1;
	row->name = strdup(name);
	if (!row->name)
		return -1;
	row->ranks = 1;
	run->nbypass++;
	return 0;
}

static int add_unseen(struct run *run, const struct rankfile *rank)
{
	for (size_t i = 0; i < rank->nunseen; i++) {
		run->unseen[rank->unseen[i].why].bytes += rank->unseen[i].bytes;
		run->unseen[rank->unseen[i].why].messages += rank->unseen[i].messages;
	}
	for (size_t i = 0; i < rank->nrma; i++) {
		run->rma[rank->rma[i].call].bytes += rank->rma[i].bytes;
		run->rma[rank->rma[i].call].messages += rank->rma[i].calls;
	}
	for (size_t i = 0; i < rank->nbypass; i++)
		if (add_bypass(run, rank->bypass[i]) < 0)
			return -1;
	run->outside.tx_bytes += rank->outside.tx_bytes;
	run->outside.tx_messages += rank->outside.tx_messages;
	run->outside.rx_bytes += rank->outside.rx_bytes;
	run->outside.rx_messages += rank->outside.rx_messages;
	return 0;
}

static bool is_verbs(const struct rankfile *rank)
{
	for (int op = RANKOP_SEND; op < RANKOP_COUNT; op++)
		if (rank->ops[op].count)
			return true;
	return rank->nelsewhere || rank->nfailed || rank->dropped;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

int run_add(struct run *run, const struct rankfile *rank, const char *origin, bool live,
	    struct err *err)
{
	if (!run->origin && run_begin(run, rank) < 0)
		return err_errno(err, "%s", origin);
	if (check_world(run, rank, origin, err) < 0 || add_windows(run, rank, origin, err) < 0)
		return -1;
	if (matrix_add(&run->total, rank, &rank->peers) < 0 || add_view(run, rank) < 0 ||
	    add_node(run, rank) < 0 || add_phases(run, rank) < 0 || add_sizes(run, rank) < 0 ||
	    add_unseen(run, rank) < 0)
		return err_errno(err, "%s", origin);
	for (int op = 0; op < RANKOP_COUNT; op++)
		sum_sent(&run->ops[op], &rank->ops[op]);
	run->foreign += rank->foreign;
	run->incomplete += !rank->complete;
	run->live += live;
	run->verbs |= is_verbs(rank);
	run->duration = larger(run->duration, rank->duration);
	run->overhead_send = larger(run->overhead_send, rank->overhead_send);
	run->overhead_receive = larger(run->overhead_receive, rank->overhead_receive);
	run->origin[rank->rank] = strdup(origin);
	return run->origin[rank->rank] ? 0 : err_errno(err, "%s", origin);
}

void run_list_missing(char *const *have, uint32_t count, char *buf, size_t size)
{
	size_t used = 0;
	uint32_t rank = 0;

	buf[0] = '\0';
	while (rank < count) {
		uint32_t end;

		while (rank < count && have[rank])
			rank++;
		for (end = rank; end < count && !have[end]; end++)
			;
		if (rank == count)
			break;
		if (used + 32 > size) {
			snprintf(buf + used, size - used, ", ...");
			break;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%u", used ? ", " : "", rank);
		if (end - rank > 1)
			used += (size_t)snprintf(buf + used, size - used, "-%u", end - 1);
		rank = end;
	}
}

static int check_missing(const struct run *run, const char *name, struct err *err)
{
	char list[200];
	uint32_t missing = 0;

	for (uint32_t rank = 0; rank < run->ranks; rank++)
		missing += !run->origin[rank];
	if (!missing)
		return 0;
	run_list_missing(run->origin, run->ranks, list, sizeof(list));
	return err_set(err, "%s: %u of %u ranks %s missing: %s", name, missing, run->ranks,
		       missing == 1 ? "is" : "are", list);
}

/* Nodes by the lowest rank on each, whatever the order of the files. */
static int sort_nodes(struct run *run)
{
	uint32_t *place = malloc(((size_t)run->nnodes + 1) * sizeof(*place));
	char **names = malloc(((size_t)run->nnodes + 1) * sizeof(*names));
	uint32_t next = 0;

	if (!place || !names) {
		free(place);
		free(names);
		return -1;
	}
	memset(place, 0xff, run->nnodes * sizeof(*place));
	for (uint32_t rank = 0; rank < run->ranks; rank++) {
		uint32_t *node = &run->node[rank];

		if (place[*node] == UINT32_MAX) {
			names[next] = run->nodes[*node];
			place[*node] = next++;
		}
		*node = place[*node];
	}
	free(place);
	free(run->nodes);
	run->nodes = names;
	return 0;
}

static int phase_compare(const void *a, const void *b)
{
	const struct run_phase *left = a;
	const struct run_phase *right = b;

	if (left->other != right->other)
		return left->other - right->other;
	return (left->level > right->level) - (left->level < right->level);
}

static int bypass_compare(const void *a, const void *b)
{
	return strcmp(((const struct run_bypass *)a)->name, ((const struct run_bypass *)b)->name);
}

static int check_selection(const struct run *run, const char *name, struct err *err)
{
	const struct selection *sel = &run->selection;
	size_t i = 0;

	if (sel->window >= 0 && !run->width)
		return err_set(err, "%s: no windows were recorded (window= of --netprof)", name);
	if (sel->window >= 0 && (size_t)sel->window >= run->nwindows)
		return err_set(err, "%s: there are windows 0 to %zu only", name,
			       run->nwindows ? run->nwindows - 1 : 0);
	if (!sel->by_phase)
		return 0;
	while (i < run->nphases && (run->phases[i].other != sel->other ||
				    (!sel->other && run->phases[i].level != sel->phase)))
		i++;
	if (i == run->nphases && sel->other)
		return err_set(err, "%s: there are no phases beyond the 256th", name);
	if (i == run->nphases)
		return err_set(err, "%s: no rank opened a phase %d", name, sel->phase);
	return 0;
}

int run_finish(struct run *run, const char *name, struct err *err)
{
	if (!run->origin)
		return err_set(err, "%s: no rank files there", name);
	if (check_missing(run, name, err) < 0)
		return -1;
	if (!run->nameless && sort_nodes(run) < 0)
		return err_errno(err, "%s", name);
	if (run->nphases)
		qsort(run->phases, run->nphases, sizeof(*run->phases), phase_compare);
	if (run->nbypass)
		qsort(run->bypass, run->nbypass, sizeof(*run->bypass), bypass_compare);
	fold_sizes(run);
	if (check_selection(run, name, err) < 0)
		return -1;
	if (matrix_finish(&run->total) < 0 || matrix_finish(&run->view) < 0)
		return err_errno(err, "%s", name);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int matrix_init(struct matrix *matrix, uint32_t size)
{
	*matrix = (struct matrix){ .size = size };
	matrix->unseen = calloc((size_t)size + 1, sizeof(*matrix->unseen));
	return matrix->unseen ? 0 : -1;
}

void matrix_release(struct matrix *matrix)
{
	free(matrix->pairs);
	free(matrix->unseen);
	*matrix = (struct matrix){ 0 };
}

static int matrix_reserve(struct matrix *matrix, size_t more)
{
	size_t room = matrix->room ? matrix->room : 256;
	struct matrix_pair *pairs;

	while (room < matrix->count + more)
		room += room / 2 + 16;
	if (room == matrix->room)
		return 0;
	pairs = realloc(matrix->pairs, room * sizeof(*pairs));
	if (!pairs)
		return -1;
	matrix->pairs = pairs;
	matrix->room = room;
	return 0;
}

int matrix_add(struct matrix *matrix, const struct rankfile *rank, const struct rankpeers *peers)
{
	struct matrix_unseen *unseen = &matrix->unseen[rank->rank];

	if (matrix_reserve(matrix, 2 * peers->count) < 0)
		return -1;
	for (size_t i = 0; i < peers->count; i++) {
		const struct rankpeer *row = &peers->rows[i];

		if (row->tx_messages || row->tx_bytes)
			matrix->pairs[matrix->count++] = (struct matrix_pair){
				.from = rank->rank,
				.to = row->peer,
				.bytes = row->tx_bytes,
				.messages = row->tx_messages,
			};
		if (row->rx_messages || row->rx_bytes)
			matrix->pairs[matrix->count++] = (struct matrix_pair){
				.from = row->peer,
				.to = rank->rank,
				.rx_bytes = row->rx_bytes,
				.rx_messages = row->rx_messages,
			};
	}
	for (size_t i = 0; i < rank->nunseen; i++) {
		if (rank->unseen[i].why == RANKUNSEEN_POSTED)
			unseen->posted = true;
		else if (rank->unseen[i].why == RANKUNSEEN_TRUNCATED)
			unseen->truncated = true;
		else
			unseen->lost += rank->unseen[i].messages;
	}
	for (size_t i = 0; i < rank->nfailed; i++)
		unseen->failed += rank->failed[i].messages;
	return 0;
}

static int to_compare(const void *a, const void *b)
{
	const struct matrix_pair *left = a;
	const struct matrix_pair *right = b;

	return (left->to > right->to) - (left->to < right->to);
}

/* Into rows by `from`, counted first: in linear time whatever the order. */
static int sort_pairs(struct matrix *matrix)
{
	size_t *start = calloc((size_t)matrix->size + 2, sizeof(*start));
	struct matrix_pair *sorted = malloc((matrix->count + 1) * sizeof(*sorted));

	if (!start || !sorted) {
		free(start);
		free(sorted);
		return -1;
	}
	for (size_t i = 0; i < matrix->count; i++)
		start[matrix->pairs[i].from + 2]++;
	for (size_t from = 2; from <= (size_t)matrix->size + 1; from++)
		start[from] += start[from - 1];
	for (size_t i = 0; i < matrix->count; i++)
		sorted[start[matrix->pairs[i].from + 1]++] = matrix->pairs[i];
	for (uint32_t from = 0; from < matrix->size; from++)
		if (start[from + 1] > start[from])
			qsort(sorted + start[from], start[from + 1] - start[from], sizeof(*sorted),
			      to_compare);
	free(start);
	free(matrix->pairs);
	matrix->pairs = sorted;
	matrix->room = matrix->count + 1;
	return 0;
}

/* Returns whether a sum did not fit. */
static bool pair_sum(struct matrix_pair *to, const struct matrix_pair *from)
{
	bool overflow = __builtin_add_overflow(to->bytes, from->bytes, &to->bytes);

	overflow |= __builtin_add_overflow(to->messages, from->messages, &to->messages);
	overflow |= __builtin_add_overflow(to->rx_bytes, from->rx_bytes, &to->rx_bytes);
	overflow |= __builtin_add_overflow(to->rx_messages, from->rx_messages, &to->rx_messages);
	return overflow;
}

int matrix_finish(struct matrix *matrix)
{
	struct matrix_pair all = { 0 };
	bool overflow = false;
	size_t kept = 0;

	if (sort_pairs(matrix) < 0)
		return -1;
	for (size_t i = 0; i < matrix->count; i++) {
		struct matrix_pair *last = kept ? &matrix->pairs[kept - 1] : NULL;
		const struct matrix_pair *pair = &matrix->pairs[i];

		overflow |= pair_sum(&all, pair);
		if (last && last->from == pair->from && last->to == pair->to)
			pair_sum(last, pair);
		else
			matrix->pairs[kept++] = *pair;
	}
	matrix->count = kept;
	if (kept < matrix->room / 2) { /* both sides of a pair were a row each */
		struct matrix_pair *smaller = realloc(matrix->pairs, (kept + 1) * sizeof(*smaller));

		if (smaller) {
			matrix->pairs = smaller;
			matrix->room = kept + 1;
		}
	}
	if (overflow) {
		errno = EOVERFLOW;
		return -1;
	}
	return 0;
}

void matrix_forget_received(struct matrix *matrix)
{
	size_t kept = 0;

	for (size_t i = 0; i < matrix->count; i++) {
		if (!matrix->pairs[i].messages)
			continue;
		matrix->pairs[kept] = matrix->pairs[i];
		matrix->pairs[kept].rx_bytes = matrix->pairs[kept].rx_messages = 0;
		kept++;
	}
	matrix->count = kept;
}

static int pair_compare(const void *a, const void *b)
{
	const struct matrix_pair *left = a;
	const struct matrix_pair *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return to_compare(left, right);
}

const struct matrix_pair *matrix_find(const struct matrix *matrix, uint32_t from, uint32_t to)
{
	struct matrix_pair key = { .from = from, .to = to };

	if (!matrix->count)
		return NULL;
	return bsearch(&key, matrix->pairs, matrix->count, sizeof(key), pair_compare);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* By how much more the sides of A differ than those of B: > 0 for A first. */
static bool worse(const struct matrix_pair *a, const struct matrix_pair *b)
{
	uint64_t bytes_a = apart(a->bytes, a->rx_bytes);
	uint64_t bytes_b = apart(b->bytes, b->rx_bytes);

	if (bytes_a != bytes_b)
		return bytes_a > bytes_b;
	return apart(a->messages, a->rx_messages) > apart(b->messages, b->rx_messages);
}

/* Take MORE from what is left of AVAILABLE. */
static bool account(uint64_t *found, uint64_t available, uint64_t more)
{
	if (more > available - *found)
		return false;
	*found += more;
	return true;
}

/* Whether PAIR differs by what its receiver or its sender says it could not see. */
static bool explain(struct matrix *matrix, const struct matrix_pair *pair)
{
	struct matrix_unseen *from = &matrix->unseen[pair->from];
	struct matrix_unseen *to = &matrix->unseen[pair->to];

	if (pair->messages == pair->rx_messages)
		return pair->rx_bytes > pair->bytes ? to->posted : to->truncated;
	if (pair->messages < pair->rx_messages)
		return account(&from->failed_found, from->failed,
			       pair->rx_messages - pair->messages);
	return account(&to->found, to->lost, pair->messages - pair->rx_messages);
}

void matrix_check(struct matrix *matrix, struct matrix_mismatch *mismatch)
{
	*mismatch = (struct matrix_mismatch){ .checked = matrix->count };
	for (uint32_t rank = 0; rank < matrix->size; rank++)
		matrix->unseen[rank].found = matrix->unseen[rank].failed_found = 0;
	for (size_t i = 0; i < matrix->count; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];
		size_t at = mismatch->count < MATRIX_WORST ? mismatch->count : MATRIX_WORST;

		if (pair->bytes == pair->rx_bytes && pair->messages == pair->rx_messages)
			continue;
		mismatch->count++;
		mismatch->bytes += apart(pair->bytes, pair->rx_bytes);
		mismatch->messages += apart(pair->messages, pair->rx_messages);
		for (; at > 0 && worse(pair, &mismatch->worst[at - 1]); at--)
			if (at < MATRIX_WORST)
				mismatch->worst[at] = mismatch->worst[at - 1];
		if (at < MATRIX_WORST)
			mismatch->worst[at] = *pair;
		if (!explain(matrix, pair) &&
		    (!mismatch->unexplained || worse(pair, &mismatch->culprit))) {
			mismatch->unexplained = true;
			mismatch->culprit = *pair;
		}
	}
}

int matrix_fold(struct matrix *matrix, const struct matrix *from, const uint32_t *group,
		uint32_t groups)
{
	if (matrix_init(matrix, groups) < 0)
		return -1;
	matrix->pairs = malloc((from->count + 1) * sizeof(*matrix->pairs));
	if (!matrix->pairs) {
		matrix_release(matrix);
		return -1;
	}
	matrix->room = from->count + 1;
	matrix->count = from->count;
	for (size_t i = 0; i < from->count; i++) {
		matrix->pairs[i] = from->pairs[i];
		matrix->pairs[i].from = group[from->pairs[i].from];
		matrix->pairs[i].to = group[from->pairs[i].to];
	}
	if (matrix_finish(matrix) < 0) {
		matrix_release(matrix);
		return -1;
	}
	return 0;
}

static double imbalance(const uint64_t *bytes, uint32_t count, uint64_t total)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < count; i++)
		if (bytes[i] > most)
			most = bytes[i];
	return total ? (double)most * count / (double)total : 0;
}

int matrix_summarize(const struct matrix *matrix, const uint32_t *group,
		     struct matrix_summary *summary)
{
	uint64_t *sent = calloc(2 * (size_t)matrix->size + 1, sizeof(*sent));
	uint64_t *taken = sent + matrix->size;
	double n = matrix->size;
	double moment = 0;

	if (!sent)
		return -1;
	*summary = (struct matrix_summary){ 0 };
	for (size_t i = 0; i < matrix->count; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];

		if (!pair->messages)
			continue;
		summary->bytes += pair->bytes;
		summary->messages += pair->messages;
		summary->self_pairs += pair->from == pair->to;
		summary->pairs += pair->from != pair->to;
		if (group && group[pair->from] == group[pair->to])
			summary->within_bytes += pair->bytes;
		moment += (double)pair->bytes * (double)apart(pair->from, pair->to);
		sent[pair->from] += pair->bytes;
		taken[pair->to] += pair->bytes;
	}
	summary->density = matrix->size > 1 ? (double)summary->pairs / (n * (n - 1)) : 0;
	summary->distance = summary->bytes ? moment / (double)summary->bytes : 0;
	summary->imbalance_tx = imbalance(sent, matrix->size, summary->bytes);
	summary->imbalance_rx = imbalance(taken, matrix->size, summary->bytes);
	free(sent);
	return 0;
}

static bool heavier(const struct matrix_pair *a, const struct matrix_pair *b, bool messages)
{
	return messages
		       ? a->messages > b->messages
		       : a->bytes > b->bytes || (a->bytes == b->bytes && a->messages > b->messages);
}

size_t matrix_top(const struct matrix *matrix, bool messages, struct matrix_pair *top, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < matrix->count; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];
		size_t at = used;

		if (!pair->messages)
			continue;
		if (used < count)
			used++;
		for (; at > 0 && heavier(pair, &top[at - 1], messages); at--)
			if (at < count)
				top[at] = top[at - 1];
		if (at < count)
			top[at] = *pair;
	}
	return used;
}

static void diff_keep(struct matrix_diff *diff, const struct matrix_change *change)
{
	uint64_t bytes = apart(change->bytes[0], change->bytes[1]);
	uint64_t messages = apart(change->messages[0], change->messages[1]);
	size_t at = diff->ntop;

	if (diff->ntop < MATRIX_CHANGED)
		diff->ntop++;
	for (; at > 0; at--) {
		const struct matrix_change *before = &diff->top[at - 1];
		uint64_t other = apart(before->bytes[0], before->bytes[1]);

		if (bytes < other ||
		    (bytes == other && messages <= apart(before->messages[0], before->messages[1])))
			break;
		if (at < MATRIX_CHANGED)
			diff->top[at] = *before;
	}
	if (at < MATRIX_CHANGED)
		diff->top[at] = *change;
}

/* One pair, of which A or B may be NULL. */
static void diff_pair(struct matrix_diff *diff, const struct matrix_pair *a,
		      const struct matrix_pair *b)
{
	struct matrix_change change = {
		.from = a ? a->from : b->from,
		.to = a ? a->to : b->to,
		.bytes = { a ? a->bytes : 0, b ? b->bytes : 0 },
		.messages = { a ? a->messages : 0, b ? b->messages : 0 },
	};

	for (int side = 0; side < 2; side++) {
		diff->bytes[side] += change.bytes[side];
		diff->messages[side] += change.messages[side];
		diff->pairs[side] += change.messages[side] > 0;
		diff->only[side] += change.messages[side] && !change.messages[!side];
	}
	if (change.bytes[0] == change.bytes[1] && change.messages[0] == change.messages[1])
		return;
	diff->changed += change.messages[0] && change.messages[1];
	diff->moved_bytes += apart(change.bytes[0], change.bytes[1]);
	diff->moved_messages += apart(change.messages[0], change.messages[1]);
	diff_keep(diff, &change);
}

static double ratio(uint64_t moved, uint64_t all)
{
	if (!moved)
		return 0;
	return all ? (double)moved / (double)all : INFINITY;
}

void matrix_compare(const struct matrix *a, const struct matrix *b, struct matrix_diff *diff)
{
	size_t i = 0, j = 0;

	memset(diff, 0, sizeof(*diff));
	while (i < a->count || j < b->count) {
		const struct matrix_pair *left = i < a->count ? &a->pairs[i] : NULL;
		const struct matrix_pair *right = j < b->count ? &b->pairs[j] : NULL;
		int order = !left ? 1 : !right ? -1 : pair_compare(left, right);

		diff_pair(diff, order <= 0 ? left : NULL, order >= 0 ? right : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	diff->bytes_ratio = ratio(diff->moved_bytes, diff->bytes[0]);
	diff->messages_ratio = ratio(diff->moved_messages, diff->messages[0]);
}

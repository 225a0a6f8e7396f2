/* SPDX-License-Identifier: Apache-2.0 */
#include "coll/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MEMBERS 17
#define PARTS   2

static uint64_t seed = 20240607;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

/* --- plans carried out on real vectors, messages delivered in any order --- */

/* A message under way: contents are taken from the sender's vector when it is delivered, as
 * late as a network may do it.
 */
struct letter {
	struct step step; /* the sender's */
	bool sent, taken;
	uint8_t *early; /* contents of those that are read when sent */
};

struct member {
	struct plan plan;
	uint8_t *vector;
	uint8_t *cells; /* all-to-all: [source][target][largest] */
	struct letter *letters;
	bool *in; /* receives */
	uint32_t sent, in_count;
};

struct run {
	enum coll coll;
	struct algorithm algorithm;
	uint32_t n, parts, root;
	bool backwards;
	const int64_t *sizes; /* [n][n] */
	uint64_t total, largest;
	uint8_t *inputs; /* [n][total] */
	struct member members[PARTS][MEMBERS];
	uint64_t bytes; /* sent in all */
	struct err err;
};

static uint64_t input_size(const struct run *run)
{
	return run->total ? run->total : 1;
}

static uint8_t *cell(const struct run *run, struct member *member, uint32_t source, uint32_t target)
{
	return member->cells + (source * run->n + target) * run->largest;
}

/* Of what SOURCE has for TARGET. */
static uint64_t cell_size(const struct run *run, uint32_t source, uint32_t target)
{
	struct region region = { .total = run->total };
	struct piece piece;

	if (run->sizes)
		return (uint64_t)run->sizes[source * run->n + target];
	region_shard(&region, run->n, target, &piece);
	return piece.bytes;
}

static uint8_t cell_byte(uint32_t source, uint32_t target, uint64_t i)
{
	return (uint8_t)(source * 37 + target * 101 + i * 7 + 1);
}

static void fill_cells(struct run *run, struct member *member, uint32_t me)
{
	uint32_t t;
	uint64_t i;

	for (t = 0; t < run->n; t++)
		for (i = 0; i < cell_size(run, me, t); i++)
			cell(run, member, me, t)[i] = cell_byte(me, t, i);
}

/* One's own shard of what is gathered, everything otherwise. */
static void fill_vector(struct run *run, struct member *member, uint32_t me)
{
	const uint8_t *input = run->inputs + me * input_size(run);
	struct region region = { .total = run->total };
	struct piece own = { 0, run->total };

	memset(member->vector, 0xee, input_size(run));
	if (run->coll == COLL_ALL_GATHER || run->coll == COLL_GATHER)
		region_shard(&region, run->n, me, &own);
	if ((run->coll == COLL_SCATTER || run->coll == COLL_BROADCAST) && me != run->root)
		own.bytes = 0;
	memcpy(member->vector + own.at, input + own.at, own.bytes);
}

static void set_up_member(struct run *run, uint32_t part, uint32_t me)
{
	struct member *member = &run->members[part][me];
	struct plan *plan = &member->plan;

	*plan = (struct plan){
		.coll = run->coll,
		.algorithm = run->algorithm,
		.backwards = run->backwards,
		.n = run->n,
		.me = me,
		.root = run->root,
		.tree = part,
		.region = { .total = run->total, .chunk = part, .chunks = run->parts },
		.sizes = run->sizes ? run->sizes + me * run->n : NULL,
	};
	assert_int_equal(plan_init(plan, &run->err), 0);
	member->vector = part ? run->members[0][me].vector : calloc(1, input_size(run));
	member->letters = calloc(plan->sends + 1, sizeof(*member->letters));
	member->in = calloc(plan->receives + 1, sizeof(*member->in));
	if (run->coll == COLL_ALL_TO_ALL) {
		member->cells = calloc(run->n * run->n, run->largest);
		fill_cells(run, member, me);
	} else if (!part) {
		fill_vector(run, member, me);
	}
}

static void set_up(struct run *run)
{
	uint32_t part, me, t;
	uint64_t i;

	run->parts = plan_parts(&run->algorithm, run->coll, false);
	run->inputs = malloc(run->n * input_size(run));
	for (i = 0; i < run->n * input_size(run); i++)
		run->inputs[i] = (uint8_t)draw(256);
	for (me = 0; me < run->n; me++)
		for (t = 0; t < run->n; t++)
			if (cell_size(run, me, t) >= run->largest)
				run->largest = cell_size(run, me, t) + 1;
	for (part = 0; part < run->parts; part++)
		for (me = 0; me < run->n; me++)
			set_up_member(run, part, me);
}

static void tear_down(struct run *run)
{
	uint32_t part, me, k;

	for (part = 0; part < run->parts; part++)
		for (me = 0; me < run->n; me++) {
			struct member *member = &run->members[part][me];

			for (k = 0; k < member->plan.sends; k++)
				free(member->letters[k].early);
			free(member->letters);
			free(member->in);
			free(member->cells);
			if (!part)
				free(member->vector);
		}
	free(run->inputs);
}

/* Contents of a message, packed. */
static uint8_t *pack(struct run *run, struct member *member, const struct step *step)
{
	uint8_t *data = malloc(step->bytes + 1), *to = data;
	struct piece piece;
	uint64_t i;
	uint32_t target;

	if (run->coll == COLL_ALL_TO_ALL) {
		for (i = 0; i < step->count; i++) {
			target = (uint32_t)((step->first + i * step->stride) % run->n);
			memcpy(to, cell(run, member, step->source, target),
			       cell_size(run, step->source, target));
			to += cell_size(run, step->source, target);
		}
	} else {
		for (i = 0; i < plan_pieces(&member->plan, step); i++) {
			plan_piece(&member->plan, step, i, &piece);
			memcpy(to, member->vector + piece.at, piece.bytes);
			to += piece.bytes;
		}
	}
	if (run->coll != COLL_BARRIER)
		assert_int_equal(to - data, step->bytes);
	return data;
}

static void unpack_cells(struct run *run, struct member *member, const struct step *step,
			 const uint8_t *data)
{
	uint32_t i, target;

	for (i = 0; i < step->count; i++) {
		target = (step->first + i * step->stride) % run->n;
		memcpy(cell(run, member, step->source, target), data,
		       cell_size(run, step->source, target));
		data += cell_size(run, step->source, target);
	}
}

static void unpack(struct run *run, struct member *member, const struct step *step,
		   const uint8_t *data)
{
	struct piece piece;
	uint64_t i, j;

	if (run->coll == COLL_ALL_TO_ALL) {
		unpack_cells(run, member, step, data);
		return;
	}
	for (i = 0; i < plan_pieces(&member->plan, step); i++) {
		plan_piece(&member->plan, step, i, &piece);
		for (j = 0; j < piece.bytes; j++) {
			uint8_t *at = &member->vector[piece.at + j];

			*at = (uint8_t)(step->reduce ? *at + *data : *data);
			data++;
		}
	}
}

static bool may_send(const struct member *member, uint32_t k, struct step *step)
{
	uint32_t i;

	plan_send(&member->plan, k, step);
	for (i = 0; i < step->needs; i++)
		if (!member->in[i])
			return false;
	return true;
}

static void send_next(struct run *run, struct member *member)
{
	struct letter *letter = &member->letters[member->sent];

	letter->sent = true;
	if (draw(2))
		letter->early = pack(run, member, &letter->step);
	run->bytes += letter->step.bytes;
	member->sent++;
}

/* The first letter from FROM to TO that was not delivered, or NULL. */
static struct letter *first_letter(struct member *from, uint32_t to)
{
	uint32_t k;

	for (k = 0; k < from->sent; k++)
		if (from->letters[k].step.peer == to && !from->letters[k].taken)
			return &from->letters[k];
	return NULL;
}

/* Messages of a pair match in order: is receive K the first from its peer that is open? */
static bool is_first(const struct member *member, uint32_t k, uint32_t peer)
{
	struct step step;
	uint32_t i;

	for (i = 0; i < k; i++) {
		plan_receive(&member->plan, i, &step);
		if (step.peer == peer && !member->in[i])
			return false;
	}
	return true;
}

static bool receive(struct run *run, uint32_t part, uint32_t me, uint32_t k)
{
	struct member *member = &run->members[part][me], *from;
	struct letter *letter;
	struct step step;
	uint8_t *data;

	plan_receive(&member->plan, k, &step);
	assert_true(step.peer < run->n && step.peer != me);
	from = &run->members[part][step.peer];
	letter = first_letter(from, me);
	if (!letter || !is_first(member, k, step.peer))
		return false;
	if (step.bytes != STEP_ANY)
		assert_int_equal(step.bytes, letter->step.bytes);
	assert_true(!step.reduce || step.charge == step.bytes);
	data = letter->early ? letter->early : pack(run, from, &letter->step);
	letter->early = NULL;
	unpack(run, member, &step, data);
	free(data);
	letter->taken = true;
	member->in[k] = true;
	member->in_count++;
	return true;
}

/* One thing that can be done, begun at a random place; false when there is none. */
static bool step_anywhere(struct run *run)
{
	uint32_t all = run->parts * run->n, begin = draw(all), i, k, at, first;

	for (i = 0; i < all; i++) {
		uint32_t part = (begin + i) % all / run->n, me = (begin + i) % all % run->n;
		struct member *member = &run->members[part][me];

		if (member->sent < member->plan.sends && draw(2) &&
		    may_send(member, member->sent, &member->letters[member->sent].step)) {
			send_next(run, member);
			return true;
		}
		first = member->plan.receives ? draw(member->plan.receives) : 0;
		for (k = 0; k < member->plan.receives; k++) {
			at = (first + k) % member->plan.receives;
			if (!member->in[at] && receive(run, part, me, at))
				return true;
		}
	}
	return false;
}

static bool is_over(const struct run *run)
{
	uint32_t part, me;

	for (part = 0; part < run->parts; part++)
		for (me = 0; me < run->n; me++) {
			const struct member *member = &run->members[part][me];

			if (member->sent < member->plan.sends ||
			    member->in_count < member->plan.receives)
				return false;
		}
	return true;
}

/* --- the serial oracle --- */

static uint8_t sum_of(const struct run *run, uint64_t i)
{
	uint8_t sum = 0;
	uint32_t m;

	for (m = 0; m < run->n; m++)
		sum = (uint8_t)(sum + run->inputs[m * input_size(run) + i]);
	return sum;
}

/* The rank whose part of the vector byte I is. */
static uint32_t owner(const struct run *run, uint64_t i)
{
	uint32_t t = 0;

	while (run->total * (t + 1) / run->n <= i)
		t++;
	return t;
}

/* Must ME have byte I in the end, and which? */
static bool expected(const struct run *run, uint32_t me, uint64_t i, uint8_t *byte)
{
	uint64_t size = input_size(run);

	switch (run->coll) {
	case COLL_ALL_REDUCE:
	case COLL_REDUCE:
	case COLL_REDUCE_SCATTER:
		*byte = sum_of(run, i);
		return run->coll == COLL_ALL_REDUCE ||
		       (run->coll == COLL_REDUCE ? me == run->root : owner(run, i) == me);
	case COLL_ALL_GATHER:
	case COLL_GATHER:
		*byte = run->inputs[owner(run, i) * size + i];
		return run->coll == COLL_ALL_GATHER || me == run->root;
	default:
		*byte = run->inputs[run->root * size + i];
		return run->coll == COLL_BROADCAST || owner(run, i) == me;
	}
}

static void check_vectors(const struct run *run, uint32_t me)
{
	uint64_t i;
	uint8_t byte;

	for (i = 0; i < run->total; i++)
		if (expected(run, me, i, &byte))
			assert_int_equal(run->members[0][me].vector[i], byte);
}

static void check_cells(struct run *run, uint32_t me)
{
	uint32_t source;
	uint64_t i;

	for (source = 0; source < run->n; source++)
		for (i = 0; i < cell_size(run, source, me); i++)
			assert_int_equal(cell(run, &run->members[0][me], source, me)[i],
					 cell_byte(source, me, i));
}

static void carry_out(struct run *run)
{
	uint32_t me, idle = 0;

	set_up(run);
	/* A send that may go is passed over now and then, but not a thousand times. */
	while (step_anywhere(run) || !is_over(run))
		assert_true(++idle < 1000000);
	for (me = 0; me < run->n; me++) {
		if (run->coll == COLL_ALL_TO_ALL)
			check_cells(run, me);
		else if (run->coll != COLL_BARRIER)
			check_vectors(run, me);
	}
	tear_down(run);
}

static const char *const algorithms[] = {
	"ring", "direct", "direct1", "direct2", "direct3", "halvingDoubling", "doubleBinaryTree"
};

static bool can(const struct run *run)
{
	struct plan plan = { .coll = run->coll, .algorithm = run->algorithm, .n = run->n };
	struct err err;

	return plan_init(&plan, &err) == 0;
}

static void everything_with_any_number_of_ranks(void **state)
{
	static const uint64_t totals[] = { 0, 1, 5, 1000, 1003 };
	uint32_t a, n, t, coll, done = 0;

	(void)state;
	for (a = 0; a < sizeof(algorithms) / sizeof(algorithms[0]); a++)
		for (coll = COLL_ALL_REDUCE; coll <= COLL_BARRIER; coll++)
			for (n = 1; n <= MEMBERS; n++)
				for (t = 0; t < 5; t++) {
					struct run run = { .coll = (enum coll)coll,
							   .n = n,
							   .total = totals[t],
							   .backwards = draw(2),
							   .root = draw(n) };

					algorithm_parse(&run.algorithm, algorithms[a], NULL);
					if (!can(&run))
						continue;
					carry_out(&run);
					done++;
				}
	/* 5 rings and windows do all nine, halving all but one, trees all but three. */
	assert_int_equal(done, (5 * 9 + 8 + 6) * MEMBERS * 5);
}

static void all_to_all_with_own_sizes(void **state)
{
	int64_t sizes[MEMBERS * MEMBERS];
	uint32_t n, i;

	(void)state;
	for (n = 2; n <= MEMBERS; n++) {
		struct run run = { .coll = COLL_ALL_TO_ALL, .n = n, .sizes = sizes };

		algorithm_parse(&run.algorithm, n % 2 ? "direct" : "direct2", NULL);
		for (i = 0; i < n * n; i++)
			sizes[i] = draw(4) ? draw(300) : 0;
		carry_out(&run);
	}
}

/* --- no byte more than needed --- */

static void bytes_sent_are_those_asked_for(void **state)
{
	static const struct {
		const char *algorithm;
		enum coll coll;
		uint32_t factor; /* of (n - 1) * total */
	} rows[] = {
		{ "ring", COLL_ALL_REDUCE, 2 },
		{ "ring", COLL_REDUCE_SCATTER, 1 },
		{ "ring", COLL_ALL_GATHER, 1 },
		{ "direct", COLL_ALL_REDUCE, 2 },
		{ "direct", COLL_ALL_GATHER, 1 },
		{ "direct2", COLL_ALL_TO_ALL, 1 },
		{ "doubleBinaryTree", COLL_ALL_REDUCE, 2 },
		{ "ring", COLL_BROADCAST, 1 },
		{ "direct", COLL_REDUCE, 1 },
		{ "halvingDoubling", COLL_BROADCAST, 1 },
		{ "doubleBinaryTree", COLL_REDUCE, 1 },
	};
	uint32_t i, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 2; n <= MEMBERS; n++) {
			struct run run = { .coll = rows[i].coll, .n = n, .total = 1003 };
			uint64_t whole = rows[i].factor * (n - 1) * run.total;

			algorithm_parse(&run.algorithm, rows[i].algorithm, NULL);
			carry_out(&run);
			/* Together: nothing twice, nothing to oneself. */
			assert_int_equal(run.bytes, whole);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_with_any_number_of_ranks),
		cmocka_unit_test(all_to_all_with_own_sizes),
		cmocka_unit_test(bytes_sent_are_those_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random sequences of verbs, over both transports, against a model that is as plain as
 * it can be.  Beside the options of random-options.h it has
 *
 *	--fault=N                         with mistake N of the model (random-model.h)
 *	--only=I,J,...                    these steps alone
 *
 * A sequence that fails is made as short as it can be, and printed.
 */
#include "random-options.h"
#include "random-world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS      300
#define MOST       100000
#define PATIENCE   1000 /* ms */
#define SEED       20261128
#define TRIES      3
#define TRY_SEEDS  100
#define MOST_LINES 40

struct sequence {
	struct world_options options;
	uint32_t steps;   /* of which it is made */
	uint32_t *chosen; /* their numbers */
	uint32_t count;
};

struct outcome {
	const char *wrong; /* NULL: nothing */
	char where[160];
	uint32_t at;   /* the step, as its place among the chosen ones */
	uint32_t done; /* steps that did something */
};

static struct world world;

/* --- one sequence --- */

static struct outcome run(const struct sequence *sequence)
{
	struct step *steps = calloc(sequence->steps + 1, sizeof(*steps));
	struct outcome outcome = { .at = 0 };

	assert_non_null(steps);
	steps_make(steps, sequence->steps, sequence->options.seed,
		   steps_processes(sequence->options.seed));
	world_open(&world, &sequence->options);
	for (; outcome.at < sequence->count && !world.wrong; outcome.at++)
		world_step(&world, &steps[sequence->chosen[outcome.at]]);
	outcome.wrong = world_close(&world);
	outcome.done = world.steps;
	memcpy(outcome.where, world.where, sizeof(outcome.where));
	free(steps);
	return outcome;
}

static bool is_same(const char *one, const char *other)
{
	return one && other && strcspn(one, ":") == strcspn(other, ":") &&
	       !strncmp(one, other, strcspn(one, ":"));
}

/* Without COUNT steps from FIRST on; false when it does not fail in the same way then. */
static bool drop(struct sequence *sequence, struct outcome *outcome, uint32_t first, uint32_t count)
{
	uint32_t *all = sequence->chosen, left = sequence->count - count;
	struct sequence less = *sequence;
	struct outcome other;

	less.chosen = malloc((left + 1) * sizeof(*all));
	assert_non_null(less.chosen);
	memcpy(less.chosen, all, first * sizeof(*all));
	memcpy(less.chosen + first, all + first + count, (left - first) * sizeof(*all));
	less.count = left;
	other = run(&less);
	if (!is_same(outcome->wrong, other.wrong)) {
		free(less.chosen);
		return false;
	}
	less.count = other.at; /* what comes behind is of no use */
	free(all);
	*sequence = less;
	*outcome = other;
	return true;
}

/* Halves, quarters, ... single steps, as long as one of them can go. */
static void shrink(struct sequence *sequence, struct outcome *outcome)
{
	bool changed;

	do {
		changed = false;
		for (uint32_t size = (sequence->count + 1) / 2; size; size /= 2)
			for (uint32_t end = sequence->count; end > 0;) {
				uint32_t first = end > size ? end - size : 0;

				if (drop(sequence, outcome, first, end - first))
					changed = true;
				end = first < sequence->count ? first : sequence->count;
			}
	} while (changed && sequence->count > 1);
}

static void print(const struct sequence *sequence, const struct outcome *outcome)
{
	const struct world_options *o = &sequence->options;
	struct step *steps = calloc(sequence->steps + 1, sizeof(*steps));
	char text[512];

	assert_non_null(steps);
	steps_make(steps, sequence->steps, o->seed, steps_processes(o->seed));
	fprintf(stderr, "# %s: %s (%u processes, transport=%s%s%s)\n", outcome->wrong,
		outcome->where, steps_processes(o->seed), o->transport, steps_settings(o->seed),
		steps_strict(o->seed) ? ",strict=yes" : "");
	for (uint32_t i = sequence->count > MOST_LINES ? sequence->count - MOST_LINES : 0;
	     i < sequence->count; i++) {
		step_text(&steps[sequence->chosen[i]], text, sizeof(text));
		fprintf(stderr, "# %s\n", text);
	}
	fprintf(stderr, "# again: unit-random-verbs --transport=%s", o->transport);
	for (uint32_t i = 0; i < sequence->count && sequence->count <= MOST_LINES; i++)
		fprintf(stderr, "%s%u", i ? "," : " --only=", sequence->chosen[i]);
	fprintf(stderr, " %llu %u\n", (unsigned long long)o->seed, sequence->steps);
	free(steps);
}

static void choose_all(struct sequence *sequence)
{
	sequence->count = sequence->steps;
	sequence->chosen = malloc((sequence->steps + 1) * sizeof(uint32_t));
	assert_non_null(sequence->chosen);
	for (uint32_t i = 0; i < sequence->steps; i++)
		sequence->chosen[i] = i;
}

static bool fails_again(const struct sequence *sequence, const struct outcome *outcome)
{
	for (int i = 0; i < TRIES; i++)
		if (is_same(run(sequence).wrong, outcome->wrong))
			return true;
	return false;
}

static void explain(struct sequence *sequence, struct outcome *outcome)
{
	fprintf(stderr, "# seed %llu, transport=%s, step %u: %s: %s\n",
		(unsigned long long)sequence->options.seed, sequence->options.transport,
		outcome->at, outcome->wrong, outcome->where);
	sequence->count = outcome->at;
	if (fails_again(sequence, outcome))
		shrink(sequence, outcome);
	else
		fprintf(stderr, "# it did not fail again: a matter of time; its last steps\n");
	print(sequence, outcome);
}

/* Returns how many of its steps did something; fails when it is not as the model says. */
static uint32_t check(struct sequence *sequence)
{
	struct outcome outcome;
	uint32_t done;

	if (!sequence->chosen)
		choose_all(sequence);
	outcome = run(sequence);
	done = outcome.done;
	if (outcome.wrong) {
		explain(sequence, &outcome);
		free(sequence->chosen);
		fail_msg("%s", outcome.wrong);
	}
	free(sequence->chosen);
	sequence->chosen = NULL;
	return done;
}

/* --- tests --- */

static struct random_options wanted = {
	.seed = SEED,
	.count = 30,
	.steps = STEPS,
	.most_steps = MOST,
};
static enum fault fault;
static const char *only;

static void keep_only(struct sequence *sequence)
{
	char *text = strdup(only);

	assert_non_null(text);
	sequence->chosen = malloc((strlen(text) + 1) * sizeof(uint32_t));
	assert_non_null(sequence->chosen);
	for (char *next = strtok(text, ","); next; next = strtok(NULL, ",")) {
		sequence->chosen[sequence->count] = (uint32_t)strtoul(next, NULL, 10);
		assert_true(sequence->chosen[sequence->count++] < wanted.steps);
	}
	free(text);
}

static void run_all(const char *transport)
{
	uint64_t done = 0;

	random_options_skip(&wanted, transport);
	for (uint64_t i = 0; i < wanted.count; i++) {
		struct sequence sequence = {
			.options = { .transport = transport,
				     .seed = wanted.seed + i,
				     .fault = fault,
				     .patience = PATIENCE },
			.steps = wanted.steps,
		};

		if (only)
			keep_only(&sequence);
		done += check(&sequence);
	}
	print_message("# %s: %llu sequences from seed %llu on, %llu steps\n", transport,
		      (unsigned long long)wanted.count, (unsigned long long)wanted.seed,
		      (unsigned long long)done);
}

static void does_what_the_model_says_directly(void **state)
{
	(void)state;
	run_all("direct");
}

static void does_what_the_model_says_by_mail(void **state)
{
	(void)state;
	run_all("queue");
}

/* The first sequence that shows mistake NUMBER; false: none of them does. */
static bool find_mistake(enum fault number, struct sequence *sequence, struct outcome *outcome)
{
	/* a request that is changed while it waits, and sent then, is not frequent */
	uint64_t first = number == FAULT_TOLD ? 100108 : SEED;

	for (uint64_t seed = first; seed < first + TRY_SEEDS; seed++) {
		*sequence = (struct sequence){
			.options = { .transport = "direct",
				     .seed = seed,
				     .fault = number,
				     .patience = 60 },
			.steps = STEPS,
		};
		choose_all(sequence);
		*outcome = run(sequence);
		if (outcome->wrong)
			return true;
		free(sequence->chosen);
	}
	return false;
}

/* That the test can fail: mistakes of the model are found, and few steps show them. */
static void finds_mistakes(void **state)
{
	(void)state;
	for (enum fault number = FAULT_NONE + 1; number < FAULTS; number++) {
		struct sequence sequence;
		struct outcome outcome;

		assert_true(find_mistake(number, &sequence, &outcome));
		sequence.count = outcome.at;
		shrink(&sequence, &outcome);
		print_message("# mistake %u of the model: %s, %u steps\n", number, outcome.wrong,
			      sequence.count);
		assert_true(sequence.count <= 10);
		free(sequence.chosen);
	}
}

static bool take_fault(const char *value)
{
	fault = (enum fault)strtoul(value, NULL, 10);
	return fault < FAULTS;
}

static bool take_only(const char *value)
{
	only = value;
	return true;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_the_model_says_directly),
		cmocka_unit_test(does_what_the_model_says_by_mail),
	};
	const struct CMUnitTest mistakes[] = {
		cmocka_unit_test(finds_mistakes),
	};
	const struct CMUnitTest all[] = { tests[0], tests[1], mistakes[0] };

	const struct random_option own[] = {
		{ "fault", "N", take_fault },
		{ "only", "I,J,...", take_only },
		{ 0 },
	};

	if (!random_options_parse(&wanted, own, argc, argv))
		return 2;
	return wanted.chosen ? cmocka_run_group_tests(tests, NULL, NULL)
			     : cmocka_run_group_tests(all, NULL, NULL);
}

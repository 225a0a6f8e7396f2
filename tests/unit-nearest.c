/* SPDX-License-Identifier: Apache-2.0 */
#include "nearest.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* By the definition: whatever is done to the first letters, then the rest. */
static size_t plainly(const char *a, const char *b)
{
	size_t best, other;

	if (!*a || !*b)
		return strlen(a) + strlen(b);
	best = plainly(a + 1, b + 1) + (*a != *b);
	other = plainly(a + 1, b) + 1;
	best = other < best ? other : best;
	other = plainly(a, b + 1) + 1;
	best = other < best ? other : best;
	if (a[1] && b[1] && a[0] == b[1] && a[1] == b[0]) {
		other = plainly(a + 2, b + 2) + 1;
		best = other < best ? other : best;
	}
	return best;
}

static void counts_as_the_definition_does(void **state)
{
	struct random dice;

	(void)state;
	random_init(&dice, 7, "words", 0);
	for (int i = 0; i < 2000; i++) {
		char words[2][8] = { "", "" };

		for (int w = 0; w < 2; w++)
			for (uint64_t n = random_below(&dice, 7); n > 0; n--)
				words[w][n - 1] = (char)('a' + random_below(&dice, 3));
		assert_int_equal(nearest_distance(words[0], words[1]), plainly(words[0], words[1]));
	}
}

static void what_is_too_long_is_near_to_nothing(void **state)
{
	char word[NEAREST_LENGTH + 1];

	(void)state;
	memset(word, 'x', sizeof(word));
	word[NEAREST_LENGTH] = '\0';
	assert_true(nearest_distance(word, word) == SIZE_MAX);
	assert_true(nearest_distance("x", word) == SIZE_MAX);
	word[NEAREST_LENGTH - 1] = '\0';
	assert_int_equal(nearest_distance(word, word), 0);
	assert_int_equal(nearest_distance(word, "x"), NEAREST_LENGTH - 2);
}

static void finds_what_was_meant(void **state)
{
	static const char *const names[] = { "dir", "window", "windows", "stamps", "sizes" };
	static const struct {
		const char *word, *name;
	} cases[] = {
		{ "widnow", "window" },   { "window", "window" }, { "windos", "window" },
		{ "widnows", "windows" }, { "stmp", "stamps" },   { "rid", "dir" },
		{ "xyzzyx", NULL },       { "x", NULL },          { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nearest nearest;

		nearest_init(&nearest, cases[i].word);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			nearest_offer(&nearest, names[j]);
		if (cases[i].name)
			assert_string_equal(nearest_name(&nearest), cases[i].name);
		else
			assert_null(nearest_name(&nearest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_as_the_definition_does),
		cmocka_unit_test(what_is_too_long_is_near_to_nothing),
		cmocka_unit_test(finds_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

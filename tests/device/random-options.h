/* SPDX-License-Identifier: Apache-2.0 */
/* random-options.h - command lines of random tests
 *
 * PROGRAM                    some seeds, for `make check`
 * PROGRAM --count N [SEED]   N seeds from SEED on (0: by the clock)
 * PROGRAM SEED [STEPS]       one
 *	--transport=NAME      over this one alone
 * and options of its own.
 */
#ifndef TESTS_DEVICE_RANDOM_OPTIONS_H
#define TESTS_DEVICE_RANDOM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct random_options {
	/* in: when nothing else is asked for */
	uint64_t seed, count;
	uint32_t steps;
	uint32_t most_steps;   /* 0: STEPS cannot be asked for */
	bool chosen;           /* something was asked for */
	const char *transport; /* NULL: each */
};

struct random_option {
	const char *name;                /* NULL: the end */
	const char *usage;               /* what stands behind = */
	bool (*take)(const char *value); /* false: no such value */
};

/* Returns false, when usage has been printed. */
bool random_options_parse(struct random_options *options, const struct random_option *own, int argc,
			  char **argv);

/* Skips the running test when it is over TRANSPORT, and another one was asked for. */
void random_options_skip(const struct random_options *options, const char *transport);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "random-options.h"

#include "clock.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define OWN_MOST 8 /* options of a program's own */

enum {
	COUNT = 256,
	TRANSPORT,
	OWN,
};

static int own_count(const struct random_option *own)
{
	int count = 0;

	while (own[count].name)
		count++;
	return count;
}

static void usage(const struct random_options *options, const struct random_option *own,
		  const char *program)
{
	const char *name = strrchr(program, '/');

	fprintf(stderr, "usage: %s [--count=N] [--transport=NAME]", name ? name + 1 : program);
	for (; own->name; own++)
		fprintf(stderr, " [--%s=%s]", own->name, own->usage);
	fprintf(stderr, options->most_steps ? " [SEED [STEPS]]\n" : " [SEED]\n");
}

/* Returns whether all of them could be taken; *COUNTED: the number of seeds is one. */
static bool parse_options(struct random_options *options, const struct random_option *own, int argc,
			  char **argv, bool *counted)
{
	struct option table[OWN_MOST + 3] = {
		{ "count", required_argument, NULL, COUNT },
		{ "transport", required_argument, NULL, TRANSPORT },
	};
	int c;

	for (int i = 0; i < own_count(own); i++)
		table[2 + i] = (struct option){ own[i].name, required_argument, NULL, OWN + i };
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == COUNT)
			options->count = strtoull(optarg, NULL, 10);
		else if (c == TRANSPORT)
			options->transport = optarg;
		else if (c < OWN || !own[c - OWN].take(optarg))
			return false;
		*counted |= c == COUNT;
	}
	return true;
}

static void parse_numbers(struct random_options *options, int argc, char **argv, bool counted)
{
	if (optind < argc && !counted)
		options->count = 1;
	if (optind < argc)
		options->seed = strtoull(argv[optind++], NULL, 10);
	if (optind < argc && options->most_steps)
		options->steps = (uint32_t)strtoul(argv[optind++], NULL, 10);
	if (!options->seed)
		options->seed = (uint64_t)clock_ns(CLOCK_REALTIME);
}

bool random_options_parse(struct random_options *options, const struct random_option *own, int argc,
			  char **argv)
{
	bool counted = false, right;

	options->chosen = argc > 1;
	right = parse_options(options, own, argc, argv, &counted);
	if (right)
		parse_numbers(options, argc, argv, counted);
	if (right && optind == argc &&
	    (!options->most_steps || options->steps <= options->most_steps))
		return true;
	usage(options, own, argv[0]);
	return false;
}

void random_options_skip(const struct random_options *options, const char *transport)
{
	if (options->transport && strcmp(options->transport, transport) != 0)
		skip();
}

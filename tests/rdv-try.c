/* SPDX-License-Identifier: Apache-2.0 */
/* rdv-try.c - a program that meets others
 *
 *	rdv-try serve SIZE FILE         a server; its ":PORT:COOKIE:SIZE" goes to FILE
 *	rdv-try meet PROGRAM            exchange, measure clocks, say how it went
 *	rdv-try miss PROGRAM MS RANK... these ranks stay away from a fence of MS
 */
#include "rendezvous.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct err *err)
{
	fprintf(stderr, "rdv-try: %s\n", err->text);
	return 1;
}

static int serve(int argc, char **argv)
{
	struct rendezvous_server_settings settings = { .size = (uint32_t)atoi(argv[0]) };
	struct err err = { "" };
	struct rendezvous_server *server = rendezvous_server_create(&settings, &err);
	char address[RENDEZVOUS_ADDRESS], tmp[4096];
	FILE *out;

	(void)argc;
	if (!server || rendezvous_server_address(server, "", address, sizeof(address)) < 0)
		return fail(&err);
	snprintf(tmp, sizeof(tmp), "%s.tmp", argv[1]);
	out = fopen(tmp, "w");
	if (!out || fprintf(out, "%s\n", address) < 0 || fclose(out) || rename(tmp, argv[1]))
		return 1;
	return rendezvous_server_run(server) < 0;
}

static int exchange(struct rendezvous *rdv, struct err *err)
{
	char value[256], got[256];
	uint32_t size = rendezvous_size(rdv);

	snprintf(value, sizeof(value), "%" PRIu32 " of generation %" PRIu32, rendezvous_rank(rdv),
		 rendezvous_generation(rdv));
	if (rendezvous_put(rdv, "addr", value, strlen(value) + 1, err) < 0 ||
	    rendezvous_put(rdv, "empty", NULL, 0, err) < 0 ||
	    rendezvous_fence(rdv, "addresses", 0, err) < 0)
		return -1;
	for (uint32_t rank = 0; rank < size; rank++) {
		snprintf(value, sizeof(value), "%" PRIu32 " of generation %" PRIu32, rank,
			 rendezvous_generation(rdv));
		if (rendezvous_get(rdv, rank, "addr", got, sizeof(got), 0, err) < 0 ||
		    rendezvous_get(rdv, rank, "empty", got + 200, 1, 0, err) != 0)
			return -1;
		if (strcmp(value, got))
			return err_set(err, "'%s' instead of '%s'", got, value);
	}
	if (rendezvous_get(rdv, 0, "none", got, sizeof(got), 0, NULL) >= 0)
		return err_set(err, "there is what nobody has put");
	return rendezvous_barrier(rdv, "got", 0, err);
}

static int meet(int argc, char **argv)
{
	struct rendezvous_options options = { .program = argv[0] };
	struct rendezvous_clock clock;
	struct err err = { "" };
	struct rendezvous *rdv = rendezvous_open(&options, &err);

	(void)argc;
	if (!rdv || exchange(rdv, &err) < 0 || rendezvous_clock(rdv, &clock, 0, &err) < 0 ||
	    rendezvous_clock(rdv, &clock, 0, &err) < 0)
		return fail(&err);
	printf("%s: rank %" PRIu32 " of %" PRIu32 " on %s, generation %" PRIu32 ", clock %s\n",
	       rendezvous_how(rdv), rendezvous_rank(rdv), rendezvous_size(rdv),
	       rendezvous_node(rdv), rendezvous_generation(rdv),
	       llabs(clock.last.offset) <= clock.last.uncertainty ? "right" : "wrong");
	if (getenv("RDV_TRY_VERBOSE"))
		printf("# offset %" PRId64 " +- %" PRId64 " ns\n", clock.last.offset,
		       clock.last.uncertainty);
	rendezvous_close(rdv);
	return 0;
}

static int miss(int argc, char **argv)
{
	struct rendezvous_options options = { .program = argv[0] };
	struct err err = { "" };
	struct rendezvous *rdv = rendezvous_open(&options, &err);

	if (!rdv)
		return fail(&err);
	for (int i = 2; i < argc; i++)
		if ((uint32_t)atoi(argv[i]) == rendezvous_rank(rdv))
			/* as long as others wait; they end the step */
			return pause();
	return rendezvous_barrier(rdv, "start", atoi(argv[1]), &err) < 0 ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(int argc, char **argv);
	} modes[] = {
		{ "serve", 2, serve },
		{ "meet", 1, meet },
		{ "miss", 2, miss },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (argc >= 2 + modes[i].arguments && !strcmp(argv[1], modes[i].name))
			return modes[i].run(argc - 2, argv + 2);
	fprintf(stderr,
		"usage: rdv-try serve SIZE FILE | meet PROGRAM | miss PROGRAM MS RANK...\n");
	return 2;
}

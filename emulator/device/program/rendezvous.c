/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous.c - `netemu device rendezvous` */
#include "config.h"

#include "commands.h"
#include "rendezvous.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "netemu device rendezvous"

struct options {
	struct rendezvous_server_settings settings;
	bool once;
};

enum { KEY_ONCE = 256 };

static const struct argp_option table[] = {
	{ "size", 's', "N", 0, "How many processes", 0 },
	{ "listen", 'l', "ADDRESS", 0, "Where to listen (127.0.0.1)", 0 },
	{ "port", 'p', "PORT", 0, "The port (one that is free)", 0 },
	{ "once", KEY_ONCE, NULL, 0, "End when the first session has ended", 0 },
	{ 0 },
};

static struct rendezvous_server *server; /* for the signal handler */

static void stop(int signal)
{
	(void)signal;
	rendezvous_server_stop(server);
}

static unsigned number(struct argp_state *state, const char *name, const char *arg, long most)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < 1 || value > most)
		argp_error(state, "--%s: '%s' is no number from 1 to %ld", name, arg, most);
	return (unsigned)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 's':
		options->settings.size = number(state, "size", arg, RENDEZVOUS_RANKS);
		break;
	case 'l':
		options->settings.bind = arg;
		break;
	case 'p':
		options->settings.first_port = number(state, "port", arg, 65535);
		options->settings.last_port = options->settings.first_port;
		break;
	case KEY_ONCE:
		options->once = true;
		break;
	case ARGP_KEY_END:
		if (!options->settings.size)
			argp_error(state, "--size is wanted");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.doc = "Let processes without MPI or Slurm find each other.\v"
	       "The first line of output is the value of NETEMU_RDV for their environment.  "
	       "See netemu-device(1).",
};

static int serve(bool once)
{
	int rc = 1;

	while (rc == 1 && !(once && rendezvous_server_ended(server) > 0 &&
			    rendezvous_server_clients(server) == 0))
		rc = rendezvous_server_turn(server, -1);
	return rc;
}

int command_rendezvous(int argc, char **argv)
{
	struct options options = { .settings = { .bind = "127.0.0.1" } };
	const struct sigaction action = { .sa_handler = stop };
	char address[RENDEZVOUS_ADDRESS];
	struct err err = { "" };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	server = rendezvous_server_create(&options.settings, &err);
	if (!server) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		return 1;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	rendezvous_server_address(server, options.settings.bind, address, sizeof(address));
	puts(address);
	if (fflush(stdout) != 0 || serve(options.once) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", strerror(errno));
		return 1;
	}
	rendezvous_server_destroy(server);
	return 0;
}

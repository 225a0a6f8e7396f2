/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - `netemu device run` */
#include "config.h"

#include "child.h"
#include "commands.h"
#include "faults.h"
#include "leave.h"
#include "network.h"
#include "preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "netemu device run"

enum { KEY_NODES = 256 };

struct options {
	const char *fabric; /* name */
	const char *list;   /* KEY=VALUE,..., or NULL */
	long node, nodes;   /* nodes 0: not said */
	char **argv;
};

#define NODES 4

static const struct argp_option table[] = {
	{ "fabric", 'f', "NAME", 0, "Join the fabric NAME, made when it is not there (default)",
	  0 },
	{ "node", 'n', "K", 0, "The node that the program is on, from 0 (0)", 0 },
	{ "nodes", KEY_NODES, "N", 0, "Nodes of a fabric that is made (4, or what --node needs)",
	  0 },
	{ 0 },
};

static long number(struct argp_state *state, const char *name, const char *arg, long least)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < least || value > 100000)
		argp_error(state, "--%s: '%s' is no number from %ld to 100000", name, arg, least);
	return value;
}

/* KEY=VALUE, where a program's name would hardly be one. */
static bool is_list(const char *arg)
{
	size_t key = strspn(arg, "abcdefghijklmnopqrstuvwxyz_0123456789.");

	return (key > 0 && arg[key] == '=') || arg[0] == '@';
}

/* Behind `--` only the program and what is its own can stand. */
static bool after_dashes(const struct argp_state *state)
{
	return state->quoted && state->next > state->quoted;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'f':
		if (!*arg || strlen(arg) >= 64 || strchr(arg, '/'))
			argp_error(state, "--fabric: '%s' is no name", arg);
		options->fabric = arg;
		break;
	case 'n':
		options->node = number(state, "node", arg, 0);
		break;
	case KEY_NODES:
		options->nodes = number(state, "nodes", arg, 1);
		break;
	case ARGP_KEY_ARG:
		if (!options->list && is_list(arg) && !after_dashes(state)) {
			options->list = arg;
			break;
		}
		options->argv = state->argv + state->next - 1;
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!options->argv)
			argp_error(state, "a program is wanted");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static char *help(int key, const char *text, void *input)
{
	(void)input;
	/* argp frees what is not TEXT */
	return key == ARGP_KEY_HELP_EXTRA ? strdup(device_settings_help) : (char *)text;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.args_doc = "[KEY=VALUE,...] [--] PROGRAM [ARG...]",
	.doc = "Run a program with an emulated RDMA device.\v"
	       "Programs of one fabric reach each other.  The exit status is the program's; 125 when "
	       "there is no device for it.  The keys, see netemu-device(7):",
	.help_filter = help,
};

/* --- the fabric --- */

struct asked {
	const struct options *options;
	struct device_settings *settings;
};

/* A node that is asked for is there, unless it is said how many there are. */
static size_t count_nodes(const struct options *options)
{
	if (options->nodes)
		return (size_t)options->nodes;
	return (size_t)(options->node < NODES ? NODES : options->node + 1);
}

static int make_fabric(void *arg, char *path, size_t size, struct err *err)
{
	const struct asked *asked = arg;
	size_t count = count_nodes(asked->options);
	struct fabric_node *nodes = calloc(count, sizeof(*nodes));
	char(*names)[32] = calloc(count, sizeof(*names));
	int rc = -1;

	if ((size_t)asked->options->node >= count) {
		err_set(err, "--node %ld: the fabric gets %zu nodes (--nodes)",
			asked->options->node, count);
	} else if (nodes && names) {
		for (size_t n = 0; n < count; n++) {
			snprintf(names[n], sizeof(names[n]), "n%zu", n);
			nodes[n].host = names[n];
		}
		rc = network_fabric(path, size, asked->options->fabric, nodes, (uint32_t)count,
				    asked->settings, NULL, err);
	} else {
		err_errno(err, "a fabric of %zu nodes", count);
	}
	free(nodes);
	free(names);
	return rc;
}

/* SETTINGS without what is a matter of one program: text that the caller frees. */
static char *of_fabric(struct device_settings *settings)
{
	char *faults = settings->faults, *dir = settings->dir, *text;

	settings->faults = settings->dir = NULL;
	text = device_settings_format(settings);
	settings->faults = faults;
	settings->dir = dir;
	return text;
}

/* The same of a list alone, or as a fabric was made with it. */
static char *of_fabric_text(const char *list)
{
	struct device_settings settings;
	char *text = NULL;

	if (device_settings_init(&settings) < 0)
		return NULL;
	if (device_settings_parse(&settings, list, NULL) == 0)
		text = of_fabric(&settings);
	device_settings_release(&settings);
	return text;
}

/* What is there must be what was asked for, if anything was. */
static int same_settings(const struct fabric *fabric, const struct options *options,
			 struct device_settings *settings, struct err *err)
{
	char *list = of_fabric_text(options->list ? options->list : "yes");
	char *asked = of_fabric(settings);
	char *there = of_fabric_text(fabric->segment.header->settings);
	int rc = 0;

	if (!list || !asked || !there)
		rc = err_errno(err, "fabric '%s'", options->fabric);
	else if (strcmp(list, "yes") != 0 && strcmp(asked, there) != 0)
		rc = err_set(err,
			     "fabric '%s' is there already, with other settings (%s); see netemu "
			     "device set",
			     options->fabric, there);
	free(list);
	free(asked);
	free(there);
	return rc;
}

static int join_fabric(struct fabric *fabric, const struct options *options,
		       struct device_settings *settings, struct err *err)
{
	struct asked asked = { .options = options, .settings = settings };

	if (fabric_obtain(fabric, options->fabric, (uint32_t)options->node, make_fabric, &asked,
			  err) < 0)
		return -1;
	if (same_settings(fabric, options, settings, err) == 0)
		return 0;
	fabric_leave(fabric);
	return -1;
}

/* --- the program --- */

/* Where libnetemu.so is: beside this program as it was built or installed. */
static int find_library(char *path, size_t size, struct err *err)
{
	static const char *const places[] = { "/.libs", "", "/../lib", "/../lib64",
					      "/../lib/x86_64-linux-gnu" };
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (snprintf(path, size, "%s%s/libnetemu.so", self, places[i]) < (int)size &&
		    access(path, R_OK) == 0)
			return 0;
	if (snprintf(path, size, "%s/libnetemu.so", INSTALL_LIBDIR) < (int)size &&
	    access(path, R_OK) == 0)
		return 0;
	return err_errno(err, "unable to find libnetemu.so");
}

static int set_environment(const struct fabric *fabric, const struct options *options,
			   struct err *err)
{
	const char *old = getenv("LD_PRELOAD");
	char library[PATH_MAX], node[16], *preload = malloc(strlen(old ? old : "") + PATH_MAX + 2);
	int rc = find_library(library, sizeof(library), err);

	snprintf(node, sizeof(node), "%ld", options->node);
	if (rc == 0 &&
	    (!preload ||
	     preload_add(preload, strlen(old ? old : "") + PATH_MAX + 2, old ? old : "", library) <
		     0 ||
	     setenv("LD_PRELOAD", preload, 1) < 0 || setenv("NETEMU_FABRIC", fabric->path, 1) < 0 ||
	     setenv("NETEMU_NODE", node, 1) < 0))
		rc = err_errno(err, "unable to set the environment");
	free(preload);
	return rc;
}

struct work {
	struct faults faults;
	struct fabric *fabric;
};

static int64_t do_faults(void *arg, int64_t now)
{
	struct work *work = arg;

	return faults_do(&work->faults, work->fabric, &target_default, now);
}

/* Returns the exit status; 125 with ERR when it was not tried. */
static int run(struct fabric *fabric, const struct options *options,
	       const struct device_settings *settings, struct err *err)
{
	struct work work = { .fabric = fabric };
	struct err why = { "" };
	int status;

	if (settings->faults && faults_read(&work.faults, settings->faults, err) < 0)
		return 125;
	if (set_environment(fabric, options, err) < 0)
		status = 125;
	else
		status = child_run(options->argv, settings->faults ? do_faults : NULL, &work, err);
	faults_release(&work.faults);
	if (settings->dir && status != 125 &&
	    leave_links(fabric, settings->dir, NULL, NULL, &why) < 0)
		fprintf(stderr, PROGRAM ": %s\n", why.text);
	return status;
}

static int read_settings(struct device_settings *settings, const struct options *options,
			 struct err *err)
{
	const char *environment = getenv("NETEMU");
	struct err why = { "" };

	if (device_settings_init(settings) < 0)
		return err_errno(err, "settings");
	if (environment && *environment && device_settings_parse(settings, environment, &why) < 0)
		return err_set(err, "NETEMU: %s", why.text);
	if (options->list && device_settings_parse(settings, options->list, err) < 0)
		return -1;
	/* who says `run` wants one; the library in the program would heed it, too */
	if (!settings->enabled)
		unsetenv("NETEMU");
	settings->enabled = true;
	return 0;
}

int command_run(int argc, char **argv)
{
	struct options options = { .fabric = "default" };
	struct device_settings settings;
	struct err err = { "" };
	struct fabric fabric;
	int status = 125;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	if (read_settings(&settings, &options, &err) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		device_settings_release(&settings);
		return 2;
	}
	if (join_fabric(&fabric, &options, &settings, &err) == 0) {
		status = run(&fabric, &options, &settings, &err);
		fabric_leave(&fabric);
	}
	device_settings_release(&settings);
	if (err.text[0])
		fprintf(stderr, PROGRAM ": %s\n", err.text);
	return status;
}

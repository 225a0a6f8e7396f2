/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slurm hands options on in lines of 1,024 bytes, name included. */
#define OPTION_MAX 900

/* How Slurm names an option that sbatch passes on to the srun inside. */
#define ENV_INHERITED "SLURM_SPANK__SLURM_SPANK_OPTION_netprof_netprof"

struct word {
	bool given;
	char text[OPTION_MAX + 1];
};

/* A SPANK callback gets no argument of ours, so this is where it leaves what
 * it was told.
 */
static struct netprof_settings plugstack = NETPROF_SETTINGS_INIT;
static struct word inherited, own;

void options_plugstack(int argc, char **argv, void (*say)(const char *fmt, ...))
{
	struct err err;

	for (int i = 0; i < argc; i++)
		if (netprof_settings_merge(&plugstack, NETPROF_PLUGSTACK, argv[i], &err) < 0)
			say("netprof: plugstack.conf: %s", err.text);
}

const struct netprof_settings *options_of_plugstack(void)
{
	return &plugstack;
}

static void keep(struct word *word, const char *text)
{
	word->given = true;
	snprintf(word->text, sizeof(word->text), "%s", text);
}

/* Slurm takes an inherited option straight from the environment and calls with
 * that very string; the command line comes later.
 */
static bool is_inherited(const char *optarg)
{
	const char *text = getenv(ENV_INHERITED);

	return text && (optarg == text || (!inherited.given && optarg && !strcmp(optarg, text)));
}

static int keep_local(const char *optarg, const char *text)
{
	struct netprof_settings settings = plugstack;
	bool from_sbatch = is_inherited(optarg);
	struct err err;

	if (strlen(text) > OPTION_MAX) {
		slurm_error("netprof: --netprof=: longer than %d bytes (use --netprof=@FILE)",
			    OPTION_MAX);
		return -1;
	}
	if (netprof_settings_merge(&settings, NETPROF_USER, text, &err) < 0) {
		/* the file sbatch has read; its content is in NETPROF by now */
		if (from_sbatch && text[0] == '@')
			return 0;
		slurm_error("netprof: %s%s",
			    from_sbatch ? "inherited --netprof: " : "--netprof: ", err.text);
		return -1;
	}
	keep(from_sbatch ? &inherited : &own, text);
	return 0;
}

/* Slurm may call twice, and spells "no argument" in three ways. */
static int on_option(int val, const char *optarg, int remote)
{
	const char *text = optarg && strcmp(optarg, "(null)") != 0 ? optarg : "";

	(void)val;
	if (!remote)
		return keep_local(optarg, text);
	/* read as root: judged later, and a file is not for root to open */
	if (text[0] != '@' && strlen(text) <= OPTION_MAX)
		keep(&own, text);
	return 0;
}

int options_register(spank_t sp)
{
	static char name[] = "netprof";
	static char values[] = "yes|no|KEY=VALUE,...";
	static char usage[] =
		"record which MPI rank sends what to which; keys: dir, window, stamps, "
		"timing, sizes, exclude (see netprof(8))";
	static struct spank_option option = { name, values, usage, 2, 0, on_option };

	if (spank_option_register(sp, &option) == ESPANK_SUCCESS)
		return 0;
	slurm_error("netprof: unable to register --netprof");
	return -1;
}

int options_decide(struct decision *decision, const char *environment, struct err *err)
{
	struct netprof_settings settings = plugstack;
	struct err why;

	settings.enable = -1;
	if (inherited.given &&
	    netprof_settings_merge(&settings, NETPROF_USER, inherited.text, &why) < 0)
		return err_set(err, "inherited --netprof: %s", why.text);
	if (environment && netprof_settings_merge(&settings, NETPROF_USER, environment, &why) < 0)
		return err_set(err, "%s: %s", NETPROF_ENV, why.text);
	if (own.given && netprof_settings_merge(&settings, NETPROF_USER, own.text, &why) < 0)
		return err_set(err, "--netprof: %s", why.text);
	decision->automatic = settings.enable < 0;
	decision->asked_not = settings.enable == 0;
	if (decision->automatic)
		settings.enable = plugstack.enable == 1;
	decision->settings = settings;
	return 0;
}

/* FNV-1a, 64 bits, of "JOB" or "JOB.STEP"; netprof(8) documents it. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ull;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3ull;
	return value;
}

bool options_sampled(const struct netprof_settings *settings, uint32_t job, uint32_t step,
		     uint32_t nodes)
{
	char text[32];

	if (nodes < settings->minnodes)
		return false;
	if (settings->sample < 2)
		return true;
	if (step == NO_STEP)
		snprintf(text, sizeof(text), "%u", job);
	else
		snprintf(text, sizeof(text), "%u.%u", job, step);
	return hash(text) % settings->sample == 0;
}

bool options_is_mpi_daemon(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	return strcmp(name, "orted") == 0 || strcmp(name, "prted") == 0;
}

void options_library(char *path, size_t size)
{
	snprintf(path, size, "%s",
		 plugstack.lib[0] ? plugstack.lib : INSTALL_LIBDIR "/libnetprof.so");
}

void options_program(char *path, size_t size, const char *program)
{
	snprintf(path, size, "%s/%s", plugstack.libexec[0] ? plugstack.libexec : PKGLIBEXECDIR,
		 program);
}

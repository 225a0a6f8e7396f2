/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slurm hands options on in lines of 1,024 bytes, name included. */
#define TEXT_MAX 900

struct word {
	bool given;
	char text[TEXT_MAX + 1];
};

/* A SPANK callback gets no argument of ours, so this is where it leaves what
 * it was told.
 */
static const struct said_option *the_option;
static struct word inherited, own;

static void keep(struct word *word, const char *text)
{
	word->given = true;
	snprintf(word->text, sizeof(word->text), "%s", text);
}

/* Slurm takes an option that sbatch passes on straight from the environment and
 * calls with that very string; the command line comes later.
 */
static bool is_inherited(const char *optarg)
{
	char name[128];
	const char *text;

	snprintf(name, sizeof(name), "SLURM_SPANK__SLURM_SPANK_OPTION_%s_%s", the_option->name,
		 the_option->name);
	text = getenv(name);
	return text && (optarg == text || (!inherited.given && optarg && !strcmp(optarg, text)));
}

static int keep_local(const char *optarg, const char *text)
{
	const char *name = the_option->name;
	bool from_sbatch = is_inherited(optarg);
	struct err err = { "" };

	if (strlen(text) > TEXT_MAX) {
		slurm_error("%s: --%s=: longer than %d bytes (use --%s=@FILE)", name, name,
			    TEXT_MAX, name);
		return -1;
	}
	if (the_option->check(text, &err) < 0) {
		/* the file sbatch has read; its content is in the environment by now */
		if (from_sbatch && text[0] == '@')
			return 0;
		slurm_error("%s: %s--%s: %s", name, from_sbatch ? "inherited " : "", name,
			    err.text);
		return -1;
	}
	keep(from_sbatch ? &inherited : &own, text);
	return 0;
}

/* Slurm may call twice, and spells "no argument" in three ways. */
static int on_option(int val, const char *optarg, int remote)
{
	const char *text = optarg && *optarg && strcmp(optarg, "(null)") != 0 ? optarg : "yes";

	(void)val;
	if (!remote)
		return keep_local(optarg, text);
	/* read as root: judged later, and a file is not for root to open */
	if (text[0] != '@' && strlen(text) <= TEXT_MAX)
		keep(&own, text);
	return 0;
}

int said_register(spank_t sp, const struct said_option *option)
{
	static char values[] = "yes|no|KEY=VALUE,...";
	static struct spank_option spank = { NULL, values, NULL, 2, 0, on_option };

	the_option = option;
	spank.name = (char *)option->name;
	spank.usage = (char *)option->usage;
	if (spank_option_register(sp, &spank) == ESPANK_SUCCESS)
		return 0;
	slurm_error("%s: unable to register --%s", option->name, option->name);
	return -1;
}

int said_lay(const struct said_option *option, const char *environment, said_lay_fn *lay,
	     void *settings, struct err *err)
{
	const struct {
		const char *before, *name, *text;
	} levels[] = {
		{ "inherited --", option->name, inherited.given ? inherited.text : NULL },
		{ "", option->variable, environment },
		{ "--", option->name, own.given ? own.text : NULL },
	};
	struct err why = { "" };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].text && lay(settings, levels[i].text, &why) < 0)
			return err_set(err, "%s%s: %s", levels[i].before, levels[i].name, why.text);
	return 0;
}

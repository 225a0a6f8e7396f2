/* SPDX-License-Identifier: Apache-2.0 */
#include "netemu/netemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slurm hands options on in lines of 1,024 bytes, name included. */
#define OPTION_MAX 900

/* How Slurm names an option that sbatch passes on to the srun inside. */
#define ENV_INHERITED "SLURM_SPANK__SLURM_SPANK_OPTION_netemu_netemu"

struct word {
	bool given;
	char text[OPTION_MAX + 1];
};

/* A SPANK callback gets no argument of ours, so this is where it leaves what
 * it was told.
 */
static struct word inherited, own;
static char plugstack[SETTINGS_SIZE]; /* settings of the plugstack line, a list */
static bool enabled_by_plugstack;
static char library[PATH_MAX] = INSTALL_LIBDIR "/libnetemu.so";
static char bin[PATH_MAX] = INSTALL_BINDIR;
static char shm[PATH_MAX];

/* Those that are for the plugin itself. */
static const struct {
	const char *key;
	char *value;
} paths[] = { { "lib=", library }, { "bin=", bin }, { "shm=", shm } };

static bool take_path(const char *arg, void (*say)(const char *fmt, ...))
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t length = strlen(paths[i].key);

		if (strncmp(arg, paths[i].key, length) != 0)
			continue;
		if (arg[length] != '/' || strlen(arg + length) >= PATH_MAX)
			say("netemu: plugstack.conf: '%s': an absolute path is wanted", arg);
		else
			strcpy(paths[i].value, arg + length);
		return true;
	}
	return false;
}

static void take_setting(const char *arg, void (*say)(const char *fmt, ...))
{
	struct device_settings settings;
	size_t used = strlen(plugstack);
	struct err err = { "" };

	if (strcmp(arg, "yes") == 0 || strcmp(arg, "no") == 0) {
		enabled_by_plugstack = arg[0] == 'y';
		return;
	}
	if (device_settings_init(&settings) < 0)
		return;
	if (arg[0] == '@')
		say("netemu: plugstack.conf: '%s': no file is read here", arg);
	else if (device_settings_parse(&settings, arg, &err) < 0)
		say("netemu: plugstack.conf: %s", err.text);
	else if (snprintf(plugstack + used, sizeof(plugstack) - used, "%s%s", used ? "," : "",
			  arg) >= (int)(sizeof(plugstack) - used))
		plugstack[used] = '\0';
	device_settings_release(&settings);
}

void options_plugstack(int argc, char **argv, void (*say)(const char *fmt, ...))
{
	for (int i = 0; i < argc; i++)
		if (!take_path(argv[i], say))
			take_setting(argv[i], say);
}

const char *options_library(void)
{
	return library;
}

void options_program(char *path, size_t size)
{
	snprintf(path, size, "%s/netemu-device", bin);
}

const char *options_shm(void)
{
	return shm;
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
	bool from_sbatch = is_inherited(optarg);
	struct device_settings settings;
	struct err err = { "" };
	int rc;

	if (strlen(text) > OPTION_MAX) {
		slurm_error("netemu: --netemu=: longer than %d bytes (use --netemu=@FILE)",
			    OPTION_MAX);
		return -1;
	}
	if (device_settings_init(&settings) < 0)
		return -1;
	rc = device_settings_parse(&settings, text, &err);
	device_settings_release(&settings);
	/* the file sbatch has read; its content is in SLURM_NETEMU by now */
	if (rc < 0 && from_sbatch && text[0] == '@')
		return 0;
	if (rc < 0) {
		slurm_error("netemu: %s%s",
			    from_sbatch ? "inherited --netemu: " : "--netemu: ", err.text);
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
	if (text[0] != '@' && strlen(text) <= OPTION_MAX)
		keep(&own, text);
	return 0;
}

int options_register(spank_t sp)
{
	static char name[] = "netemu";
	static char values[] = "yes|no|KEY=VALUE,...";
	static char usage[] = "an emulated RDMA device on each node; keys: latency, rate, loss, "
			      "jitter, mtu, topology and others (see netemu-spank(8))";
	static struct spank_option option = { name, values, usage, 2, 0, on_option };

	if (spank_option_register(sp, &option) == ESPANK_SUCCESS)
		return 0;
	slurm_error("netemu: unable to register --netemu");
	return -1;
}

static int lay(struct device_settings *settings, const char *who, const char *text, struct err *err)
{
	struct err why = { "" };

	if (device_settings_parse(settings, text, &why) == 0)
		return 0;
	return err_set(err, "%s: %s", who, why.text);
}

int options_decide(struct device_settings *settings, const char *environment, struct err *err)
{
	int rc = 0;

	if (device_settings_init(settings) < 0)
		return err_errno(err, "settings");
	if (plugstack[0])
		rc = lay(settings, "plugstack.conf", plugstack, err);
	/* what a site says of devices asks for none */
	settings->enabled = enabled_by_plugstack;
	settings->network_given = false;
	if (rc == 0 && inherited.given)
		rc = lay(settings, "inherited --netemu", inherited.text, err);
	if (rc == 0 && environment)
		rc = lay(settings, ENV_USER, environment, err);
	if (rc == 0 && own.given)
		rc = lay(settings, "--netemu", own.text, err);
	if (rc < 0)
		device_settings_release(settings);
	return rc;
}

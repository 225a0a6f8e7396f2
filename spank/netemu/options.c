/* SPDX-License-Identifier: Apache-2.0 */
#include "netemu/netemu.h"
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int lay(void *settings, const char *text, struct err *err)
{
	return device_settings_parse(settings, text, err);
}

static int check(const char *text, struct err *err)
{
	struct device_settings settings;
	int rc;

	if (device_settings_init(&settings) < 0)
		return err_errno(err, "settings");
	rc = lay(&settings, text, err);
	device_settings_release(&settings);
	return rc;
}

static const struct said_option option = {
	.name = "netemu",
	.usage = "an emulated RDMA device on each node; keys: latency, rate, loss, jitter, mtu, "
		 "topology and others (see netemu-spank(8))",
	.variable = ENV_USER,
	.check = check,
};

int options_register(spank_t sp)
{
	return said_register(sp, &option);
}

int options_decide(struct device_settings *settings, const char *environment, struct err *err)
{
	struct err why = { "" };
	int rc = 0;

	if (device_settings_init(settings) < 0)
		return err_errno(err, "settings");
	if (plugstack[0] && lay(settings, plugstack, &why) < 0)
		rc = err_set(err, "plugstack.conf: %s", why.text);
	/* what a site says of devices asks for none */
	settings->enabled = enabled_by_plugstack;
	settings->network_given = false;
	if (rc == 0)
		rc = said_lay(&option, environment, lay, settings, err);
	if (rc < 0)
		device_settings_release(settings);
	return rc;
}

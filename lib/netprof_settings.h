/* SPDX-License-Identifier: Apache-2.0 */
/* netprof_settings.h - what --netprof, $NETPROF and the plugstack line say
 *
 * One table of keys for the plugin (which checks them before anything is
 * submitted) and for libnetprof.so (which obeys them).  Uses libc only.
 */
#ifndef NETEMU_NETPROF_SETTINGS_H
#define NETEMU_NETPROF_SETTINGS_H

#include "err.h"
#include "recorder_settings.h"

#define NETPROF_ENV        "NETPROF" /* settings, to users and from the plugin to the library */
#define NETPROF_ENV_HELPER "NETPROF_HELPER" /* see helper.h */

struct netprof_settings {
	RECORDER_SETTINGS;
	int64_t window; /* ns; 0 = none */
	bool precise;   /* stamps=precise */
	bool timing;    /* timing=yes */
	uint32_t sizes; /* distinct message sizes counted exactly; default 1024 */
};

enum netprof_source {
	NETPROF_PLUGSTACK, /* auto= is known here: it sets enable */
	NETPROF_USER,      /* option or environment: a list without yes or no means yes */
};

#define NETPROF_SETTINGS_INIT                \
	{                                    \
		.enable = -1, .sizes = 1024, \
	}

/* Lay TEXT (a key=value list, see kvlist.h) over SETTINGS: what it does not
 * name stays.  Returns 0, or -1 with ERR written and SETTINGS unchanged, e.g.
 * "'maybe': neither yes, no nor KEY=VALUE", "unknown key 'widnow' (did you
 * mean 'window'?)", "window='10': not a duration (a number and ns, us, ms, s,
 * m, h or d)".  A dir= with an unknown conversion is refused here.
 */
int netprof_settings_merge(struct netprof_settings *settings, enum netprof_source source,
			   const char *text, struct err *err);

/* Write SETTINGS as a list that netprof_settings_merge() understands as
 * NETPROF_USER, only what differs from the default, `yes` or `no` first.
 * Returns 0, or -1 with errno
 * ENAMETOOLONG, or EINVAL when DIR cannot be written in a list (",name=" in it).
 */
int netprof_settings_format(const struct netprof_settings *settings, char *buf, size_t size);

/* Whether the program at PATH (its base name) is in EXCLUDE. */
bool netprof_settings_excludes(const struct netprof_settings *settings, const char *path);

#endif

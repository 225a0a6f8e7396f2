/* SPDX-License-Identifier: Apache-2.0 */
/* nettrace_settings.h - what --nettrace, $NETTRACE and the plugstack line say
 *
 * One table of keys for the plugin (which checks them before anything is
 * submitted), for libnettrace.so (which obeys them) and for what finishes its
 * files.  Uses libc only.
 */
#ifndef NETEMU_NETTRACE_SETTINGS_H
#define NETEMU_NETTRACE_SETTINGS_H

#include "err.h"
#include "recorder_settings.h"
#include "vring.h"

#define NETTRACE_ENV        "NETTRACE"
#define NETTRACE_ENV_HELPER "NETTRACE_HELPER"
#define NETTRACE_ENV_TAG    "IBVERBS_INTERCEPT_EXP_TAG"

struct nettrace_settings {
	RECORDER_SETTINGS;
	uint64_t ring; /* bytes of records of a process */
	bool stream;   /* all is kept */
	enum vring_level level;
	bool device;       /* what an emulated device says of messages over ideal links, too */
	uint32_t timed;    /* of so many posts one has its duration measured */
	bool export;       /* JSON at the end of the step */
	char tag[64];      /* before the names of files */
	uint64_t min_size; /* bytes: smaller messages are counted only */
	uint32_t qpn;      /* only this queue pair; 0 = all */
	char call[512];    /* CALL,CALL: only these, of what is not control; "" = all */
	/* plugstack only */
	char bin[PATH_MAX]; /* directory of netemu-trace; "" = as installed */
};

#define NETTRACE_SETTINGS_INIT                                                                    \
	{                                                                                         \
		.enable = -1, .ring = 64 << 20, .level = VRING_FULL, .timed = 16, .export = true, \
	}

enum nettrace_source {
	NETTRACE_PLUGSTACK, /* auto= is known here: it sets enable */
	NETTRACE_USER,      /* option or environment: a list without yes or no means yes */
};

/* Lay TEXT (a key=value list, see kvlist.h) over SETTINGS: what it does not name stays.
 * Returns 0, or -1 with ERR written and SETTINGS unchanged.
 */
int nettrace_settings_merge(struct nettrace_settings *settings, enum nettrace_source source,
			    const char *text, struct err *err);

/* Whether the program at PATH is one that is left alone. */
bool nettrace_settings_excludes(const struct nettrace_settings *settings, const char *path);

/* Which calls are to be recorded, by enum vcall: what `call' names, by itself, without
 * "ibv_", or by class (post, poll, event, memory, device); and all of control always.
 */
void nettrace_settings_calls(const struct nettrace_settings *settings, bool calls[VCALL_COUNT]);

/* SETTINGS as a list that nettrace_settings_merge() understands as NETTRACE_USER.
 * Returns 0, or -1 with errno as values_write().
 */
int nettrace_settings_format(const struct nettrace_settings *settings, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* recorder_settings.h - what can be said of every instrument that records
 *
 * struct netprof_settings and struct nettrace_settings begin with these, so that
 * one plugin's code serves both.  Uses libc only.
 */
#ifndef NETEMU_RECORDER_SETTINGS_H
#define NETEMU_RECORDER_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDER_SETTINGS                                                               \
	int enable;         /* -1 = nobody said, 0 = no, 1 = yes */                     \
	char dir[PATH_MAX]; /* parent of the run directory, unexpanded; "" = default */ \
	char exclude[1024]; /* PROGRAM,PROGRAM: base names that are left alone */       \
	/* plugstack only */                                                            \
	uint32_t sample;       /* one job step in N; 0 and 1 = all */                   \
	uint32_t minnodes;     /* 0 = any */                                            \
	int64_t keep;          /* ns; 0 = for ever */                                   \
	bool quiet;            /* no closing line from srun */                          \
	char lib[PATH_MAX];    /* the preloaded library; "" = where it was installed */ \
	char libexec[PATH_MAX] /* directory of the helper programs; "" = as installed */

struct recorder_settings {
	RECORDER_SETTINGS;
};

/* Rows of a table of keys of struct TYPE, for who includes values.h; special ones stand in
 * plugstack.conf only.
 */
#define RECORDER_KEY(type, name, kind, member, min, max, special)                    \
	{                                                                            \
		name, &kind_##kind, offsetof(struct type, member), min, max, special \
	}
#define RECORDER_TEXT(type, name, kind, member, special) \
	RECORDER_KEY(type, name, kind, member, 0, sizeof(((struct type *)0)->member) - 1, special)
#define RECORDER_KEYS(type)                                                           \
	RECORDER_KEY(type, "auto", enable, enable, 0, 0, true),                       \
		RECORDER_KEY(type, "sample", count, sample, 0, UINT32_MAX, true),     \
		RECORDER_KEY(type, "minnodes", count, minnodes, 0, UINT32_MAX, true), \
		RECORDER_KEY(type, "keep", time, keep, 0, INT64_MAX, true),           \
		RECORDER_KEY(type, "quiet", flag, quiet, 0, 0, true),                 \
		RECORDER_TEXT(type, "lib", path, lib, true),                          \
		RECORDER_TEXT(type, "libexec", path, libexec, true)

#endif

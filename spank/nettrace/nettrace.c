/* SPDX-License-Identifier: Apache-2.0 */
/* nettrace.c - the plugin that has the verbs calls of programs recorded */
#include "recorder/recorder.h"
#include "rundir.h"

#include <stdio.h>

static const union recorder_settings_of defaults = { .nettrace = NETTRACE_SETTINGS_INIT };

static int merge(union recorder_settings_of *settings, bool plugstack, const char *text,
		 struct err *err)
{
	return nettrace_settings_merge(&settings->nettrace,
				       plugstack ? NETTRACE_PLUGSTACK : NETTRACE_USER, text, err);
}

static int format(const union recorder_settings_of *settings, char *buf, size_t size)
{
	return nettrace_settings_format(&settings->nettrace, buf, size);
}

/* What makes JSON of the records. */
static void tell(const union recorder_settings_of *plugstack)
{
	const char *bin = plugstack->nettrace.bin;
	char program[PATH_MAX + 16];

	snprintf(program, sizeof(program), "%s/netemu-trace", bin[0] ? bin : INSTALL_BINDIR);
	start_tell("exporter", program);
}

const struct recorder recorder = {
	.name = "nettrace",
	.usage = "record verbs calls; keys: dir, ring, stream, level, export, tag, size, qp, "
		 "exclude (see nettrace(8))",
	.directory = RUNDIR_VERBS,
	.library = "libnettrace.so",
	.helper = "nettrace-helper",
	.undone = "not traced",
	.variable = NETTRACE_ENV,
	.helper_variable = NETTRACE_ENV_HELPER,
	.settings = "SLURM_NETTRACE",
	.gather = "SLURM_NETTRACE_GATHER",
	.origin = "SLURM_NETTRACE_ORIGIN",
	.agent = "NETTRACE_LIB",
	.defaults = &defaults,
	.merge = merge,
	.format = format,
	.tell = tell,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* netprof.c - the plugin that has the traffic of MPI programs counted */
#include "recorder/recorder.h"
#include "rundir.h"

static const union recorder_settings_of defaults = { .netprof = NETPROF_SETTINGS_INIT };

static int merge(union recorder_settings_of *settings, bool plugstack, const char *text,
		 struct err *err)
{
	return netprof_settings_merge(&settings->netprof,
				      plugstack ? NETPROF_PLUGSTACK : NETPROF_USER, text, err);
}

static int format(const union recorder_settings_of *settings, char *buf, size_t size)
{
	return netprof_settings_format(&settings->netprof, buf, size);
}

const struct recorder recorder = {
	.name = "netprof",
	.usage = "record which MPI rank sends what to which; keys: dir, window, stamps, "
		 "timing, sizes, exclude (see netprof(8))",
	.directory = RUNDIR_MPI,
	.library = "libnetprof.so",
	.helper = "netprof-helper",
	.undone = "not profiled",
	.variable = NETPROF_ENV,
	.helper_variable = NETPROF_ENV_HELPER,
	.settings = "SLURM_NETPROF",
	.gather = "SLURM_NETPROF_GATHER",
	.origin = "SLURM_NETPROF_ORIGIN",
	.agent = "NETPROF_LIB",
	.defaults = &defaults,
	.merge = merge,
	.format = format,
};

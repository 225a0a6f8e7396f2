/* SPDX-License-Identifier: Apache-2.0 */
#include "instrument.h"

int instrument_path(char path[PATH_MAX], const char *rundir, uint32_t rank)
{
	return snprintf(path, PATH_MAX, "%s%s%s/%s%u%s", rundir, *rundir ? "/" : "",
			instrument.directory, instrument.prefix, rank, instrument.suffix) < PATH_MAX
		       ? 0
		       : -1;
}

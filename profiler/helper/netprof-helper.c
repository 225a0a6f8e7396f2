/* SPDX-License-Identifier: Apache-2.0 */
/* netprof-helper.c - the helper of netprof */
#include "counted.h"
#include "rundir.h"

const struct instrument instrument = {
	.name = "netprof",
	.directory = RUNDIR_MPI,
	.prefix = "rank-",
	.suffix = ".json",
	.whole = "complete",
	.is_live = counted_is_live,
	.peek = counted_peek,
	.finish = counted_finish,
	.closing = counted_closing,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* nettrace-helper.c - the helper of nettrace */
#include "export.h"
#include "recorded.h"
#include "rundir.h"

const struct instrument instrument = {
	.name = "nettrace",
	.directory = RUNDIR_VERBS,
	.prefix = "ring-",
	.suffix = ".bin",
	.whole = "clean",
	.is_live = recorded_is_live,
	.peek = recorded_peek,
	.finish = recorded_finish,
	.closing = recorded_closing,
	.derive = export_world,
	.is_derived = export_is_made,
};

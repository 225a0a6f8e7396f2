/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.h - the files of records that nettrace's ranks leave (lib/vring.h)
 *
 * They are whole at every moment, so there is nothing to finish: at most they are
 * brought to where they should be.
 */
#ifndef NETTRACE_RECORDED_H
#define NETTRACE_RECORDED_H

#include "instrument.h"

/* As instrument.h says. */
bool recorded_is_live(const char *file, uint32_t rank);
int recorded_peek(const char *file, struct instrument_owner *owner);
void recorded_finish(struct roster_world *world, struct roster_rank *rank, const char *name);
int recorded_closing(const char *rundir, FILE *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - which of the data path is recorded, where not all of it is
 *
 * The calls that create, connect and destroy are not asked about: they tell whom
 * the rest belongs to.
 */
#ifndef NETTRACE_FILTER_H
#define NETTRACE_FILTER_H

#include "nettrace_settings.h"

#include <stdbool.h>

/* Obey SETTINGS.  Returns whether anything is left out. */
bool filter_start(const struct nettrace_settings *settings);

/* Whether a request of BYTES on QPN (0: not known, of a shared queue) is recorded; a
 * completion, which has BYTES when it is of a receive.
 */
bool filter_request(uint16_t call, uint32_t qpn, uint32_t bytes);
bool filter_wc(uint16_t call, uint32_t qpn, bool received, bool failed, uint32_t bytes);

/* Whether neither sends on QPN nor their completions are. */
bool filter_counts(uint32_t qpn);

/* Whether this other call is. */
bool filter_call(uint16_t call);

/* Whether what the device tells of QPN is. */
bool filter_device(uint32_t qpn);

#endif

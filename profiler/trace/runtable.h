/* SPDX-License-Identifier: Apache-2.0 */
/* runtable.h - ends of connections by address and number
 *
 * A port has many names: a LID, and each of its GIDs.  Files that know one name of it
 * mean the same port; so ends are kept by port.
 */
#ifndef TRACE_RUNTABLE_H
#define TRACE_RUNTABLE_H

#include "trace/run.h"

struct run_table *run_table_create(void); /* NULL with errno */
void run_table_free(struct run_table *table);

/* Enter all queue pairs of OBJECTS, which is as it was at the end of file FILE.  Returns 0,
 * or -1 with errno.
 */
int run_table_add(struct run_table *table, uint32_t file, const struct objects *objects);

/* As trace_run_find().  PEER_QPN: whom it must have been connected to, at any time if need
 * be; 0: it does not matter.
 */
const struct trace_end *run_table_find(const struct run_table *table,
				       const struct trace_address *address, uint32_t qpn,
				       int64_t time, uint32_t peer_qpn);

#endif

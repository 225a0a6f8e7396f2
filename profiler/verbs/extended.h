/* SPDX-License-Identifier: Apache-2.0 */
/* extended.h - objects that bring functions of their own, and what makes them */
#ifndef NETTRACE_EXTENDED_H
#define NETTRACE_EXTENDED_H

#include "traced.h"

/* Put our functions into an extended queue pair or completion queue that was made with
 * these attributes; once for each.
 */
void extended_qp_install(struct ibv_qp_ex *qp);
void extended_cq_install(struct ibv_cq_ex *cq, uint64_t wc_flags);

/* Put our functions into the table of CONTEXT that makes objects of all kinds (TRACED
 * has what was there).
 */
void extended_install(struct ibv_context *context, struct traced_context *traced);

#endif

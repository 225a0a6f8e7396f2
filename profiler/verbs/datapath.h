/* SPDX-License-Identifier: Apache-2.0 */
/* datapath.h - posting and polling by a context's operations */
#ifndef NETTRACE_DATAPATH_H
#define NETTRACE_DATAPATH_H

#include "vring.h"

#include <infiniband/verbs.h>

/* Put our functions into OPS, whose own traced.h keeps. */
void datapath_install(struct ibv_context_ops *ops);
void window_install(struct ibv_context_ops *ops);

/* COUNT elements but the first into the records at TO. */
void datapath_sges(struct vring_record *to, const struct ibv_sge *sge, int count);

#endif

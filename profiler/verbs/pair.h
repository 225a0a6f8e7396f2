/* SPDX-License-Identifier: Apache-2.0 */
/* pair.h - queue pairs */
#ifndef NETTRACE_PAIR_H
#define NETTRACE_PAIR_H

#include "control.h"

/* What QP (NULL: none was made) is, into a record. */
void pair_describe(struct control *control, const struct ibv_pd *pd, const struct ibv_qp *qp,
		   const struct ibv_qp_init_attr *attr);

void pair_describe_ex(struct control *control, const struct ibv_qp *qp,
		      const struct ibv_qp_init_attr_ex *attr);

#endif

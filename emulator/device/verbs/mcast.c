/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

EXPORT int ibv_attach_mcast(struct ibv_qp *qp, const union ibv_gid *gid, uint16_t lid)
{
	if (!front_owns(qp->context))
		return REAL(ibv_attach_mcast)(qp, gid, lid);
	return front_rc(group_attach(&((struct front_qp *)qp)->engine, gid->raw, lid));
}

EXPORT int ibv_detach_mcast(struct ibv_qp *qp, const union ibv_gid *gid, uint16_t lid)
{
	if (!front_owns(qp->context))
		return REAL(ibv_detach_mcast)(qp, gid, lid);
	return front_rc(group_detach(&((struct front_qp *)qp)->engine, gid->raw, lid));
}

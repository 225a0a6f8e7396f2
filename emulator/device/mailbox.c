/* SPDX-License-Identifier: Apache-2.0 */
#include "device/mailbox.h"

int mailbox_create(struct fabric *fabric)
{
	(void)fabric;
	return 0;
}

bool mailbox_ask(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		 const struct op *op, uint32_t process, struct answer *answer, int64_t *again)
{
	(void)fabric, (void)qp, (void)sqe, (void)op, (void)process, (void)again;
	answer->status = RESPOND_NOTHING;
	return true;
}

void mailbox_progress(struct fabric *fabric)
{
	(void)fabric;
}

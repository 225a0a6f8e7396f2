/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that nobody uses come and go. */
#include "race.h"

#include "random.h"

#include <string.h>

static bool make_queues(struct host *host, struct end *end, struct random *r)
{
	struct context *context = &host->context;
	struct qp_init init = { .type = random_below(r, 2) ? QP_RC : QP_UD,
				.pd = &host->pd,
				.send_cq = &end->send_cq,
				.recv_cq = &end->recv_cq,
				.max_send_wr = 4,
				.max_recv_wr = 4 };
	const uint8_t gid[16] = { 0xff, 0x12, [15] = (uint8_t)random_below(r, 3) };
	bool member = init.type == QP_UD;
	uint32_t async;
	struct qp qp;

	if (qp_create(&qp, context, &init) < 0)
		return false;
	if (member && (group_attach(&qp, gid, 0xc001) < 0 || qp_destroy(&qp, &async) == 0 ||
		       group_detach(&qp, gid, 0xc001) < 0))
		return false;
	return qp_destroy(&qp, &async) == 0;
}

static bool make_memory(struct host *host, struct end *end, struct random *r)
{
	struct context *context = &host->context;
	struct pd *pd = &host->pd;
	uint64_t memory = (uintptr_t)end->memory;
	char wrote[64], read[64];
	struct mr mr, part, mw;
	struct dm dm;

	memset(wrote, (int)random_below(r, 256), sizeof(wrote));
	return mr_register(&mr, context, pd, MR_MEMORY, memory, 4096, memory, ALL_ACCESS) == 0 &&
	       mw_create(&mw, context, pd, random_below(r, 2) ? MR_WINDOW1 : MR_WINDOW2) == 0 &&
	       mr_deregister(&mr) == 0 && mw_destroy(&mw) == 0 &&
	       dm_create(&dm, context, 4096, 0) == 0 &&
	       mr_register_dm(&part, pd, &dm, 64, 128, ALL_ACCESS) == 0 &&
	       dm_write(&dm, 100, wrote, sizeof(wrote)) == 0 &&
	       dm_read(&dm, 100, read, sizeof(read)) == 0 &&
	       memcmp(read, wrote, sizeof(read)) == 0 && dm_destroy(&dm) < 0 &&
	       mr_deregister(&part) == 0 && dm_destroy(&dm) == 0;
}

bool race_noise(struct host *host, struct end *end, struct random *r)
{
	return make_queues(host, end, r) && make_memory(host, end, r);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "onesided.h"
#include "comm.h"
#include "counter.h"
#include "types.h"

void onesided_count(enum rankrma call, MPI_Win win, int target, int count, MPI_Datatype type)
{
	struct counter_shard *shard = counter_shard();
	struct comm *group;
	uint32_t peer;

	if (target == MPI_PROC_NULL || count < 0)
		return;
	group = comm_get_window(shard, win);
	if (!group)
		return;
	peer = comm_world_rank(group, target);
	counter_rma(shard, peer, call, (uint64_t)count * types_size(shard, type));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* lifeline.h - the ranks of a run live and fail together
 *
 * Each rank keeps a TCP connection to rank 0.  Who gives up says why; who dies is
 * noticed by his connection; rank 0 tells the others.  So all ranks end with the
 * same sentence, whatever network carries the traffic.
 */
#ifndef NET_LIFELINE_H
#define NET_LIFELINE_H

#include "net/net.h"

struct lifeline;

/* All ranks of the rendezvous in SETTINGS call it together.  Returns 0, or -1 with ERR. */
int lifeline_open(struct lifeline **lifeline, const struct net_settings *settings, struct err *err);

/* Look whether all live, at most once a ms of time NOW (ns).  Returns 0, or -1 with ERR: "rank 3
 * (node1): ..." or "rank 3 (node1) is gone".
 */
int lifeline_check(struct lifeline *lifeline, int64_t now, struct err *err);

/* This rank gives up because of WHY, which may be what others said.  When another has
 * failed first, within WAIT_MS, his sentence takes the place of WHY.
 */
void lifeline_fail(struct lifeline *lifeline, struct err *why, int wait_ms);

/* Of rank 0: wait up to WAIT_MS until all others are done, which wait on for lifeline_finish():
 * what fails until then ends them too.  NET is polled meanwhile.  Returns 0, or -1 with ERR.
 */
int lifeline_gather(struct lifeline *lifeline, struct net *net, int wait_ms, struct err *err);

/* This rank is done; wait up to WAIT_MS until all are.  NET is polled meanwhile: others may
 * still need its answers.  Returns 0, or -1 with ERR.
 */
int lifeline_finish(struct lifeline *lifeline, struct net *net, int wait_ms, struct err *err);

void lifeline_close(struct lifeline *lifeline); /* NULL is fine */

#endif

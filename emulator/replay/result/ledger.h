/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - what each rank sent to whom, as the network carried it
 *
 * Counted where messages are handed to the network and where they have come, by peer,
 * operation and size; written as replay/rank-<r>.json in netprof's form (netprof-rank(5)), so that
 * `netemu matrix --from=replay` and `netemu sim` read it.
 */
#ifndef RESULT_LEDGER_H
#define RESULT_LEDGER_H

#include "net/net.h"
#include "rankfile.h"
#include "result/report.h"

struct ledger_row;

/* Of one rank. */
struct ledger {
	struct ledger_row *rows;      /* a hash by peer, operation and size; owned */
	struct ledger_row *latest[2]; /* of what came and of what was sent */
	int failed;                   /* errno: something is missing */
};

void ledger_init(struct ledger *ledger);
void ledger_release(struct ledger *ledger);

/* Count what goes over NET from now on; LEDGER stays where it is. */
void ledger_follow(struct ledger *ledger, struct net *net);

/* What RANK sent, into REPORT. */
void ledger_report(struct ledger *ledger, uint32_t rank, struct report *report);

/* The ledger of RANK of RANKS as a rank file, which the caller owns: names of node, job and
 * step are his to fill in.  SECONDS: how long the replay took.  Returns 0, or -1 with errno.
 */
int ledger_file(struct ledger *ledger, uint32_t rank, uint32_t ranks, double seconds,
		struct rankfile *file);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* rankdense.h - PFProf's arrays, with one number per rank
 *
 * Four of them: tx_bytes, tx_messages, rx_bytes, rx_messages.  All that a
 * foreign file has; in one of ours they say the same as its peers.
 */
#ifndef NETEMU_RANKDENSE_H
#define NETEMU_RANKDENSE_H

#include "jsontable.h"
#include "rankfile.h"

#define RANKDENSE_COLUMNS 4

/* Make rows of DENSE, read from NAME for RANK: PEERS gets one for each rank
 * with a number other than 0.  In a foreign file bytes without a message are
 * an error (a rank of ours that died may have counted the bytes of one and not
 * yet it).  Returns 0, or -1 with ERR written.
 */
int rankdense_rows(const struct json_numbers dense[RANKDENSE_COLUMNS], const struct rankfile *rank,
		   const char *name, struct rankpeers *peers, struct err *err);

/* Check that DENSE and the peers of RANK are the same.  Returns 0, or -1 with
 * ERR written.
 */
int rankdense_compare(const struct json_numbers dense[RANKDENSE_COLUMNS],
		      const struct rankfile *rank, const char *name, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.h - datagrams that ranks have received, until all senders are known
 *
 * A datagram says which number it came from, but not from where: it is who has sent to the
 * rank from a queue pair of this number, or who has one, if that is one rank alone.
 */
#ifndef TRACE_DATAGRAMS_H
#define TRACE_DATAGRAMS_H

#include "trace/match.h"
#include "trace/tally.h"

#define DATAGRAMS_ANYBODY UINT32_MAX

struct datagrams {
	struct datagram_sender *senders; /* owned */
	struct datagram_sort *sorts;     /* by receiver, number of the sender and size; owned */
};

void datagrams_release(struct datagrams *datagrams);

/* FROM sends to the rank TO (DATAGRAMS_ANYBODY: has a queue pair to do so) from QPN.  These
 * return 0, or -1 with errno.
 */
int datagrams_sender(struct datagrams *datagrams, uint32_t to, uint32_t qpn, uint32_t from);
/* A completion says that one of BYTES was sent to RANK from QPN. */
int datagrams_sent(struct datagrams *datagrams, uint32_t rank, uint32_t qpn, uint64_t bytes);
/* RANK has received WORK. */
int datagrams_came(struct datagrams *datagrams, uint32_t rank, const struct work *work);

/* Whether more of these have come than completions say were sent. */
bool datagrams_arrived(const struct datagrams *datagrams, uint32_t rank, uint32_t qpn,
		       uint64_t bytes);
/* Count those that have come. */
int datagrams_finish(const struct datagrams *datagrams, struct tally *tally);

#endif

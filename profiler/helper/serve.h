/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the life of a helper, from the first to the last task of a step */
#ifndef NETPROF_SERVE_H
#define NETPROF_SERVE_H

#include "err.h"

/* Listen on the descriptors of lib/helper.h until the life pipe ends, then
 * finish what the ranks of this node left; at most SERVE_SECONDS later the
 * process is over.  Returns 0, or -1 with ERR written when the descriptors are
 * not what they should be.
 */
#define SERVE_SECONDS 60
int serve(struct err *err);

#endif

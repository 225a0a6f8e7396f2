/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - the traffic of running jobs on the links
 *
 * A job that starts has its ranks placed on its hosts, its traffic folded to
 * pairs of hosts, and these routed with what is on the links already; what that
 * adds is kept with the job and taken away again, exactly, when it leaves.  A job
 * without traffic is not placed.
 */
#ifndef NETEMU_NETWORK_H
#define NETEMU_NETWORK_H

#include "engine.h"

/* The placement and the routing of SETTINGS.  Returns 0, or -1 with ERR. */
int network_create(struct network **network, const struct sim_settings *settings, struct err *err);
void network_destroy(struct network *network);

/* Place and route LIVE on COUNT HOSTS, in the order of selection.  With `windows`
 * a job that has any is routed but loads nothing before network_window().
 * Returns 0, or -1 with ERR written.
 */
int network_start(struct network *network, struct live *live, const uint32_t *hosts, uint32_t count,
		  struct err *err);
/* Take it off again; OVER: it will not come back.  Returns 0, or -1 with ERR
 * written.
 */
int network_stop(struct network *network, struct live *live, bool over, struct err *err);

/* Load the links with what LIVE sends in PART instead of what it does now (NULL:
 * nothing).  Returns 0, or -1 with ERR written.
 */
int network_window(struct network *network, struct live *live, const struct traffic_part *part,
		   struct err *err);

const struct loads *network_loads(const struct network *network);

/* Links whose load has changed since network_settled(), some perhaps twice. */
const uint32_t *network_changed(const struct network *network, size_t *count);
void network_settled(struct network *network);

/* Do the links carry what the RUNNING jobs put on them, and nothing else?
 * Returns 0, or -1 with ERR naming the first link that does not.
 */
int network_check(struct network *network, const struct running *running, struct err *err);

#endif

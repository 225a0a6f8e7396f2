/* SPDX-License-Identifier: Apache-2.0 */
/* netlib.h - a fabric of links without processes, and virtual time on them */
#ifndef TESTS_NETLIB_H
#define TESTS_NETLIB_H

#include "device/fabric.h"
#include "device/net.h"
#include "device/netlink.h"

struct netlib {
	struct fabric fabric;
	struct device_settings settings;
};

/* NODES nodes with the settings' devices each, as TEXT asks, linked by NETWORK
 * (NULL: a star).  Stops the test when that fails; leaves no file.
 */
void netlib_make(struct netlib *lib, uint32_t nodes, const char *text,
		 const struct net_topology *network);
void netlib_release(struct netlib *lib);

struct shared_link *netlib_up(const struct netlib *lib, uint32_t device);
struct shared_link *netlib_down(const struct netlib *lib, uint32_t device);

/* A queue pair that sends `left` times the same message, one after the other. */
struct flow {
	struct net_message message;
	struct net_stream stream;
	struct net_times times; /* of the last message */
	uint32_t left;
	int64_t posted_at;
	int64_t again; /* when it is called next */
	struct shared_sqe sqe;
};

/* Flow number QPN of MESSAGE, posted at 0. */
struct flow netlib_flow(const struct netlib *lib, uint32_t qpn, uint32_t count,
			struct net_message message);

/* Call net_send() of all flows at the times they ask for, in the order of time,
 * until all is sent or (when UNTIL > 0) UNTIL ns have passed.
 */
void netlib_run(struct netlib *lib, struct flow *flow, uint32_t flows, int64_t until);

/* One message from device FROM to TO, alone. */
struct net_times netlib_send(struct netlib *lib, struct net_message message);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* verbs-none.c - what stands here when netemu is built without libibverbs */
#include "net/net.h"

int net_verbs_create(struct net **net, struct loop *loop, const struct net_settings *settings,
		     struct err *err)
{
	(void)net;
	(void)loop;
	(void)settings;
	return err_set(err, "this netemu was built without libibverbs: --network=tcp or model");
}

bool net_verbs_gid(const struct net *net, uint32_t rank, uint32_t device, uint8_t gid[16])
{
	(void)net;
	(void)rank;
	(void)device;
	(void)gid;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

int network_create(struct network **network, const struct sim_settings *settings, struct err *err)
{
	(void)network;
	(void)settings;
	return err_set(err, "no network yet");
}

void network_destroy(struct network *network)
{
	(void)network;
}

int network_start(struct network *network, struct live *live, const uint32_t *hosts, uint32_t count,
		  struct err *err)
{
	(void)network;
	(void)live;
	(void)hosts;
	(void)count;
	return err_set(err, "no network yet");
}

void network_stop(struct network *network, struct live *live)
{
	(void)network;
	(void)live;
}

const struct loads *network_loads(const struct network *network)
{
	(void)network;
	return NULL;
}

int network_check(const struct network *network, const struct running *running, struct err *err)
{
	(void)network;
	(void)running;
	(void)err;
	return 0;
}

const uint32_t *network_changed(const struct network *network, size_t *count)
{
	(void)network;
	*count = 0;
	return NULL;
}

void network_settled(struct network *network)
{
	(void)network;
}

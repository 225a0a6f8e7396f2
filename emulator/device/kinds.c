/* SPDX-License-Identifier: Apache-2.0 */
#include "device/kinds.h"

#include "device/settings.h"

static int parse_mtu(void *field, const struct key *key, const char *value, struct err *err)
{
	uint32_t mtu;

	if (kind_count.parse(&mtu, key, value, err))
		return -1;
	if (mtu & (mtu - 1))
		return values_bad(key, value, "not one of 256, 512, 1024, 2048 and 4096", err);
	*(uint32_t *)field = mtu;
	return 0;
}

VALUES_WORDS(scope, bool, "neither job nor step", { "step", true }, { "job", false })
VALUES_WORDS(link_layer, enum link_layer, "neither ib nor ethernet", { "ib", LINK_IB },
	     { "ethernet", LINK_ETHERNET }, { "infiniband", LINK_IB }, { "roce", LINK_ETHERNET })
VALUES_WORDS(transport, enum transport, "none of auto, direct and queue",
	     { "auto", TRANSPORT_AUTO }, { "direct", TRANSPORT_DIRECT },
	     { "queue", TRANSPORT_QUEUE })
VALUES_WORDS(choice, enum device_choice, "none of auto, emulated, real and none",
	     { "auto", DEVICE_AUTO }, { "emulated", DEVICE_EMULATED }, { "real", DEVICE_REAL },
	     { "none", DEVICE_NONE })

static void format_mtu(const void *field, char *buf, size_t size)
{
	kind_count.format(field, buf, size);
}

const struct kind kind_mtu = { parse_mtu, format_mtu, false };

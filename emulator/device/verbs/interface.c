/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/interface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define IPV4_GID 2 /* after the link-local one, which is there for both types */

static bool is_link_local(const uint8_t raw[16])
{
	return raw[0] == 0xfe && (raw[1] & 0xc0) == 0x80;
}

/* An IPv4 address is ::ffff:a.b.c.d as a GID. */
static bool is_address(const struct sockaddr *address, const uint8_t raw[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (!address)
		return false;
	if (address->sa_family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)address)->sin6_addr, raw, 16);
	return address->sa_family == AF_INET && !memcmp(prefix, raw, sizeof(prefix)) &&
	       !memcmp(&((const struct sockaddr_in *)address)->sin_addr, raw + 12, 4);
}

static uint32_t find(const uint8_t raw[16], char name[IF_NAMESIZE])
{
	struct ifaddrs *list = NULL, *entry;
	uint32_t found = 0;
	int saved = errno;

	if (getifaddrs(&list))
		list = NULL;
	for (entry = list; entry && !found; entry = entry->ifa_next) {
		if (!is_address(entry->ifa_addr, raw))
			continue;
		found = if_nametoindex(entry->ifa_name);
		if (found)
			snprintf(name, IF_NAMESIZE, "%s", entry->ifa_name);
	}
	if (list)
		freeifaddrs(list);
	errno = saved;
	return found;
}

uint32_t interface_of(const struct shared_device *device, uint32_t index, char name[IF_NAMESIZE])
{
	const struct shared_gid *gid = &device->gid[index];

	if (device->link_layer != LINK_ETHERNET) {
		snprintf(name, IF_NAMESIZE, "%s", gid->ifname);
		return gid->ifindex;
	}
	name[0] = '\0';
	if (is_link_local(gid->raw) && device->gids > IPV4_GID)
		gid = &device->gid[IPV4_GID];
	return find(gid->raw, name);
}

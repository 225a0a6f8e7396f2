/* SPDX-License-Identifier: Apache-2.0 */
/* What the nodes and devices of a new fabric are called: GUIDs, GIDs, LIDs. */
#include "device/fabric.h"

#include <stdio.h>
#include <string.h>

#define LIDS       49151U     /* of one recipient */
#define BENCHMARKS 0xc6120000 /* 198.18.0.0/15, for tests of networks (RFC 2544) */

static const uint8_t ipv4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t no_ip[16];

/* FNV-1a, and mixed once more: names differ in their last digit, as a rule. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325;

	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * 0x100000001b3;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	return value ^ value >> 31;
}

/* A GUID that is administered locally, with room for the node's devices. */
static uint64_t guid_of(const char *name)
{
	return (hash(name) & 0x00ffffffffffff00) | 0x0200000000000000;
}

static struct shared_node *node_at(const struct fabric *fabric, uint32_t node)
{
	return (struct shared_node *)segment_at(&fabric->segment,
						fabric->segment.header->nodes_at) +
	       node;
}

static bool guid_taken(const struct fabric *fabric, uint32_t nodes, uint64_t guid)
{
	for (uint32_t i = 0; i < nodes; i++) {
		if (node_at(fabric, i)->guid >> 8 == guid >> 8)
			return true;
	}
	return false;
}

static void name_node(struct fabric *fabric, uint32_t number, const struct fabric_node *given)
{
	struct shared_node *node = node_at(fabric, number);
	uint64_t guid = given->guid;

	snprintf(node->host, sizeof(node->host), "%s", given->host);
	snprintf(node->name, sizeof(node->name), "%s", given->name ? given->name : given->host);
	if (!guid) {
		guid = guid_of(node->name);
		while (guid_taken(fabric, number, guid))
			guid += 0x100;
	}
	node->guid = guid;
	memcpy(node->ip, given->ip, sizeof(node->ip));
}

static bool ip_taken(const struct fabric *fabric, uint32_t devices, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < devices; i++) {
		const struct shared_device *device = fabric_device(fabric, i);

		for (uint32_t j = 1; j < device->gids; j++) {
			if (memcmp(device->gid[j].raw, ip, 16) == 0)
				return true;
		}
	}
	return false;
}

/* An address of its own for device NUMBER, where its node has none or shares it. */
static void make_ip(uint8_t ip[16], uint32_t number)
{
	uint32_t address = BENCHMARKS + number + 1;

	memcpy(ip, ipv4_prefix, sizeof(ipv4_prefix));
	for (int i = 0; i < 4; i++)
		ip[12 + i] = (uint8_t)(address >> (24 - 8 * i));
}

/* One GID in the entries of the types that the link layer has. */
static void add_gid(struct shared_device *device, const uint8_t raw[16])
{
	static const uint32_t ethernet[] = { GID_ROCE_V1, GID_ROCE_V2 }, ib[] = { GID_IB };
	bool is_ib = device->link_layer == LINK_IB;

	for (uint32_t i = 0; i < (is_ib ? 1 : 2) && device->gids < DEVICE_GIDS; i++) {
		struct shared_gid *gid = &device->gid[device->gids++];

		memcpy(gid->raw, raw, 16);
		gid->type = is_ib ? ib[i] : ethernet[i];
		if (!is_ib)
			continue;
		gid->ifindex = 1;
		snprintf(gid->ifname, sizeof(gid->ifname), "lo");
	}
}

static void add_gids(struct fabric *fabric, uint32_t number)
{
	struct shared_device *device = fabric_device(fabric, number);
	struct shared_node *node = node_at(fabric, device->node);
	uint8_t raw[16] = { 0xfe, 0x80 };

	for (int i = 0; i < 8; i++)
		raw[8 + i] = (uint8_t)(device->guid >> (56 - 8 * i));
	add_gid(device, raw);
	memcpy(raw, node->ip[0], 16);
	if (memcmp(raw, no_ip, 16) == 0 || ip_taken(fabric, number, raw))
		make_ip(raw, number);
	add_gid(device, raw);
	if (device->index == 0)
		memcpy(node->ip[0], raw, 16);
	if (memcmp(node->ip[1], no_ip, 16) && !ip_taken(fabric, number, node->ip[1]))
		add_gid(device, node->ip[1]);
}

static void make_tables(struct shared_device *device)
{
	const struct device_limits *limits = &device->limits;
	uint64_t keys = (uint64_t)limits->max_mr + limits->max_mw;

	table_init(&device->pd, sizeof(struct shared_pd), limits->max_pd);
	table_init(&device->mr, sizeof(struct shared_mr),
		   keys > UINT32_MAX ? UINT32_MAX : (uint32_t)keys);
	table_init(&device->dm, sizeof(struct shared_mr), limits->max_dm);
	table_init(&device->cq, sizeof(struct shared_cq), limits->max_cq);
	table_init(&device->srq, sizeof(struct shared_srq), limits->max_srq);
	table_init(&device->qp, sizeof(struct shared_qp), limits->max_qp);
	table_init(&device->xrcd, sizeof(struct shared_xrcd), limits->max_xrcd);
	table_init(&device->channel, sizeof(struct shared_channel), UINT32_MAX);
	table_init(&device->group, sizeof(struct shared_group), limits->max_mcast_grp);
}

static void make_device(struct fabric *fabric, uint32_t number, uint32_t node, uint32_t index,
			const struct device_settings *settings)
{
	const struct one_device *one = &settings->one[index];
	struct shared_device *device = fabric_device(fabric, number);

	snprintf(device->name, sizeof(device->name), "%s", one->name);
	device->node = node;
	device->index = index;
	device->guid = node_at(fabric, node)->guid + index;
	device->link_layer = one->link_layer;
	atomic_store(&device->lid, number + 1);
	atomic_store(&device->port_state, PORT_ACTIVE);
	atomic_store(&device->mtu, one->mtu);
	device->limits = one->limits;
	device->strict = one->strict;
	device->transport = one->transport;
	make_tables(device);
	add_gids(fabric, number);
}

int identity_make(struct fabric *fabric, const struct fabric_node *nodes, uint32_t count,
		  const struct device_settings *settings, struct err *err)
{
	struct shared_header *header = fabric->segment.header;
	uint64_t devices = (uint64_t)count * settings->devices;

	if (!count || devices > LIDS)
		return err_set(err, "a fabric of %u nodes with %u devices: not 1 to %u devices",
			       count, settings->devices, LIDS);
	header->nodes_at = segment_alloc(&fabric->segment, count * sizeof(struct shared_node));
	header->devices_at =
		segment_alloc(&fabric->segment, devices * sizeof(struct shared_device));
	if (!header->nodes_at || !header->devices_at)
		return err_errno(err, "a fabric of %u nodes", count);
	header->nodes = count;
	header->devices = (uint32_t)devices;
	for (uint32_t i = 0; i < count; i++) {
		struct shared_node *node = node_at(fabric, i);

		name_node(fabric, i, &nodes[i]);
		node->first = i * settings->devices;
		node->devices = settings->devices;
		for (uint32_t j = 0; j < settings->devices; j++)
			make_device(fabric, node->first + j, i, j, settings);
	}
	return 0;
}

uint32_t fabric_by_lid(const struct fabric *fabric, uint32_t lid)
{
	uint32_t devices = fabric->segment.header->devices;

	/* a LID may be changed; as a rule it is not */
	if (lid && lid <= devices && atomic_load(&fabric_device(fabric, lid - 1)->lid) == lid)
		return lid - 1;
	for (uint32_t i = 0; i < devices; i++) {
		if (lid && atomic_load(&fabric_device(fabric, i)->lid) == lid)
			return i;
	}
	return UINT32_MAX;
}

static bool has_gid(const struct shared_device *device, const uint8_t gid[16])
{
	for (uint32_t i = 0; i < device->gids && i < DEVICE_GIDS; i++) {
		if (memcmp(device->gid[i].raw, gid, 16) == 0)
			return true;
	}
	return false;
}

uint32_t fabric_by_gid(const struct fabric *fabric, const uint8_t gid[16])
{
	for (uint32_t i = 0; i < fabric->segment.header->devices; i++) {
		if (has_gid(fabric_device(fabric, i), gid))
			return i;
	}
	return UINT32_MAX;
}

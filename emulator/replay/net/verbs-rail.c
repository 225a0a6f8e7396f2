/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include "rendezvous.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which devices ---- */

#define NO_DEVICE "no RDMA device: srun --netemu makes one, --network=tcp needs none"

static int unknown_device(struct ibv_device **list, int count, const char *name, struct err *err)
{
	char names[512] = "";
	size_t length = 0;

	for (int i = 0; i < count && length < sizeof(names) - 64; i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i ? ", " : "", ibv_get_device_name(list[i]));
	return err_set(err, "no RDMA device '%s': there are %s", name, names);
}

static int open_named(struct verbs_rail *rail, struct ibv_device **list, int count,
		      const char *name, struct err *err)
{
	int i = 0;

	while (i < count && strcmp(name, ibv_get_device_name(list[i])))
		i++;
	if (i == count)
		return unknown_device(list, count, name, err);
	rail->context = ibv_open_device(list[i]);
	return rail->context ? 0 : err_errno(err, "unable to open '%s'", name);
}

/* Those of the settings, or the first of LIST. */
static int choose(struct devices *devices, const struct net_settings *settings,
		  struct ibv_device **list, struct err *err)
{
	if (settings->device)
		return devices_choose(devices, settings->device,
				      rendezvous_node(settings->rendezvous), settings->local_rank,
				      err);
	*devices = (struct devices){ .count = 1 };
	snprintf(devices->each[0].name, sizeof(devices->each[0].name), "%s",
		 ibv_get_device_name(list[0]));
	return 0;
}

static int open_list(struct verbs *verbs, struct ibv_device **list, int count, struct err *err)
{
	uint32_t port = verbs->settings->port ? verbs->settings->port : 1;
	struct devices devices;

	if (!count)
		return err_set(err, NO_DEVICE);
	if (choose(&devices, verbs->settings, list, err) < 0)
		return -1;
	for (uint32_t i = 0; i < devices.count; i++) {
		const struct devices_choice *choice = &devices.each[i];
		struct verbs_rail *rail = &verbs->rails[verbs->rail_count];

		if (open_named(rail, list, count, choice->name, err) < 0)
			return -1;
		rail->port_number = (uint8_t)(choice->port ? choice->port : port);
		verbs->rail_count++;
	}
	return 0;
}

static int open_devices(struct verbs *verbs, struct err *err)
{
	int count = 0, rc;
	struct ibv_device **list = ibv_get_device_list(&count);

	if (!list)
		return errno == ENOSYS ? err_set(err, NO_DEVICE)
				       : err_errno(err, "no RDMA devices can be listed");
	rc = open_list(verbs, list, count, err);
	ibv_free_device_list(list);
	return rc;
}

/* ---- port and address ---- */

static const char *name_of(const struct verbs_rail *rail)
{
	return ibv_get_device_name(rail->context->device);
}

static uint32_t mtu_bytes(enum ibv_mtu mtu)
{
	return 128u << mtu;
}

static bool is_zero(const union ibv_gid *gid)
{
	return !gid->global.subnet_prefix && !gid->global.interface_id;
}

/* Of RoCE the first of version 2, else the first that is there. */
static uint32_t choose_gid(struct verbs_rail *rail)
{
	struct ibv_gid_entry entry;
	uint32_t first = UINT32_MAX;

	for (int i = 0; i < rail->port.gid_tbl_len; i++) {
		if (ibv_query_gid_ex(rail->context, rail->port_number, (uint32_t)i, &entry, 0) ||
		    is_zero(&entry.gid))
			continue;
		if (entry.gid_type == IBV_GID_TYPE_ROCE_V2)
			return (uint32_t)i;
		if (first == UINT32_MAX)
			first = (uint32_t)i;
	}
	return first == UINT32_MAX ? 0 : first;
}

static int open_port(struct verbs_rail *rail, struct err *err)
{
	const char *name = name_of(rail);
	struct ibv_device_attr device;

	if (ibv_query_device(rail->context, &device))
		return err_errno(err, "'%s'", name);
	if (rail->port_number > device.phys_port_cnt)
		return err_set(err, "'%s' has no port %u, it has %u", name, rail->port_number,
			       device.phys_port_cnt);
	if (ibv_query_port(rail->context, rail->port_number, &rail->port))
		return err_errno(err, "'%s', port %u", name, rail->port_number);
	if (rail->port.state != IBV_PORT_ACTIVE)
		return err_set(err, "'%s', port %u: the port is not active", name,
			       rail->port_number);
	rail->max_cqe = device.max_cqe;
	return 0;
}

static int set_address(struct verbs_rail *rail, const struct net_settings *settings,
		       struct err *err)
{
	const char *name = name_of(rail);

	rail->global = settings->has_gid_index || rail->port.link_layer == IBV_LINK_LAYER_ETHERNET;
	rail->gid_index = settings->has_gid_index ? settings->gid_index
			  : rail->global          ? choose_gid(rail)
						  : 0;
	if (ibv_query_gid(rail->context, rail->port_number, (int)rail->gid_index, &rail->gid))
		return err_errno(err, "'%s', port %u: no GID %u", name, rail->port_number,
				 rail->gid_index);
	rail->mtu = mtu_bytes(rail->port.active_mtu);
	if (settings->mtu > rail->mtu)
		return err_set(err, "'%s', port %u: its MTU is %u, not %u", name, rail->port_number,
			       rail->mtu, settings->mtu);
	if (settings->mtu)
		rail->mtu = settings->mtu;
	return 0;
}

/* ---- all rails ---- */

static void name_rails(struct verbs *verbs)
{
	size_t length = 0;

	for (uint32_t i = 0; i < verbs->rail_count && length < sizeof(verbs->over); i++)
		length += (size_t)snprintf(verbs->over + length, sizeof(verbs->over) - length,
					   "%s%s:%u", i ? "+" : "", name_of(&verbs->rails[i]),
					   verbs->rails[i].port_number);
	verbs->net.over = verbs->over;
}

int verbs_open_rails(struct verbs *verbs, struct err *err)
{
	if (open_devices(verbs, err) < 0)
		return -1;
	for (uint32_t i = 0; i < verbs->rail_count; i++)
		if (open_port(&verbs->rails[i], err) < 0 ||
		    set_address(&verbs->rails[i], verbs->settings, err) < 0)
			return -1;
	name_rails(verbs);
	return 0;
}

static int equip(struct verbs *verbs, struct verbs_rail *rail, uint64_t entries, struct err *err)
{
	rail->pd = ibv_alloc_pd(rail->context);
	if (!rail->pd)
		return err_errno(err, "'%s': no protection domain", name_of(rail));
	rail->mr = ibv_reg_mr(rail->pd, verbs->memory, verbs->memory_size,
			      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	if (!rail->mr)
		return err_errno(err, "'%s': unable to register %zu bytes", name_of(rail),
				 verbs->memory_size);
	rail->cq = ibv_create_cq(rail->context, (int)entries, NULL, NULL, 0);
	if (!rail->cq)
		return err_errno(err, "'%s': no completion queue of %llu entries", name_of(rail),
				 (unsigned long long)entries);
	return 0;
}

int verbs_equip_rails(struct verbs *verbs, uint64_t entries, struct err *err)
{
	for (uint32_t i = 0; i < verbs->rail_count; i++)
		if (equip(verbs, &verbs->rails[i], entries, err) < 0)
			return -1;
	return 0;
}

void verbs_close_rails(struct verbs *verbs)
{
	for (uint32_t i = 0; i < verbs->rail_count; i++) {
		struct verbs_rail *rail = &verbs->rails[i];

		if (rail->cq)
			ibv_destroy_cq(rail->cq);
		if (rail->mr)
			ibv_dereg_mr(rail->mr);
		if (rail->pd)
			ibv_dealloc_pd(rail->pd);
		ibv_close_device(rail->context);
	}
}

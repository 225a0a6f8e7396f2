/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include "net/devices.h"
#include "rendezvous.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- which device ---- */

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

static int open_named(struct verbs *verbs, struct ibv_device **list, int count, struct err *err)
{
	const struct net_settings *settings = verbs->settings;
	struct devices_choice choice = { .port = settings->port };
	int i = 0;

	if (!count)
		return err_set(err, NO_DEVICE);
	if (settings->device) {
		if (devices_choose(&choice, settings->device, rendezvous_node(settings->rendezvous),
				   settings->local_rank, err) < 0)
			return -1;
		while (i < count && strcmp(choice.name, ibv_get_device_name(list[i])))
			i++;
		if (i == count)
			return unknown_device(list, count, choice.name, err);
	}
	if (!choice.port)
		choice.port = settings->port ? settings->port : 1;
	verbs->port_number = (uint8_t)choice.port;
	verbs->context = ibv_open_device(list[i]);
	return verbs->context ? 0
			      : err_errno(err, "unable to open '%s'", ibv_get_device_name(list[i]));
}

static int open_device(struct verbs *verbs, struct err *err)
{
	int count = 0, rc;
	struct ibv_device **list = ibv_get_device_list(&count);

	if (!list)
		return errno == ENOSYS ? err_set(err, NO_DEVICE)
				       : err_errno(err, "no RDMA devices can be listed");
	rc = open_named(verbs, list, count, err);
	ibv_free_device_list(list);
	return rc;
}

/* ---- which port and address ---- */

static uint32_t mtu_bytes(enum ibv_mtu mtu)
{
	return 128u << mtu;
}

static bool is_zero(const union ibv_gid *gid)
{
	return !gid->global.subnet_prefix && !gid->global.interface_id;
}

/* Of RoCE the first of version 2, else the first that is there. */
static uint32_t choose_gid(struct verbs *verbs)
{
	struct ibv_gid_entry entry;
	uint32_t first = UINT32_MAX;

	for (int i = 0; i < verbs->port.gid_tbl_len; i++) {
		if (ibv_query_gid_ex(verbs->context, verbs->port_number, (uint32_t)i, &entry, 0) ||
		    is_zero(&entry.gid))
			continue;
		if (entry.gid_type == IBV_GID_TYPE_ROCE_V2)
			return (uint32_t)i;
		if (first == UINT32_MAX)
			first = (uint32_t)i;
	}
	return first == UINT32_MAX ? 0 : first;
}

static int open_port(struct verbs *verbs, struct err *err)
{
	const struct net_settings *settings = verbs->settings;
	const char *name = ibv_get_device_name(verbs->context->device);
	struct ibv_device_attr device;

	if (ibv_query_device(verbs->context, &device))
		return err_errno(err, "'%s'", name);
	if (verbs->port_number > device.phys_port_cnt)
		return err_set(err, "'%s' has no port %u, it has %u", name, verbs->port_number,
			       device.phys_port_cnt);
	if (ibv_query_port(verbs->context, verbs->port_number, &verbs->port))
		return err_errno(err, "'%s', port %u", name, verbs->port_number);
	if (verbs->port.state != IBV_PORT_ACTIVE)
		return err_set(err, "'%s', port %u: the port is not active", name,
			       verbs->port_number);
	verbs->global =
		settings->has_gid_index || verbs->port.link_layer == IBV_LINK_LAYER_ETHERNET;
	verbs->gid_index = settings->has_gid_index ? settings->gid_index
			   : verbs->global         ? choose_gid(verbs)
						   : 0;
	verbs->mtu = mtu_bytes(verbs->port.active_mtu);
	if (settings->mtu > verbs->mtu)
		return err_set(err, "'%s', port %u: its MTU is %u, not %u", name,
			       verbs->port_number, verbs->mtu, settings->mtu);
	if (settings->mtu)
		verbs->mtu = settings->mtu;
	return 0;
}

/* ---- memory ---- */

static size_t round_up(size_t size)
{
	return (size + VERBS_PAGE - 1) & ~(size_t)(VERBS_PAGE - 1);
}

/* Segments that there is to be memory for. */
static uint64_t count_segments(const struct verbs *verbs)
{
	return (uint64_t)verbs->net.size * (verbs->slot_count + VERBS_LONG) + VERBS_POOL;
}

static uint64_t count_entries(const struct verbs *verbs)
{
	return (uint64_t)verbs->net.size * (verbs_queues(verbs) + 1) * 2 * verbs->slot_count;
}

/* As many as there is memory for, of SEGMENT bytes each, and entries of a completion queue. */
static void choose_slots(struct verbs *verbs, uint64_t memory, uint64_t segment, int max_cqe)
{
	verbs->slot_count = VERBS_SLOTS;
	while (verbs->slot_count > VERBS_SLOTS_LEAST &&
	       (verbs->slot_count * (uint64_t)verbs->net.size > VERBS_SLOTS_ALL ||
		count_segments(verbs) * (segment + 2 * VERBS_PAGE) > memory ||
		count_entries(verbs) > (uint64_t)max_cqe))
		verbs->slot_count /= 2;
}

/* How large segments may be with the memory there is. */
static int choose_segment(struct verbs *verbs, int max_cqe, struct err *err)
{
	uint64_t memory = verbs->settings->memory ? verbs->settings->memory : 256u << 20;
	uint64_t segment = verbs->settings->segment ? verbs->settings->segment : VERBS_SEGMENT;
	uint64_t slots, each;
	uint64_t least = VERBS_SEGMENT_MIN;

	choose_slots(verbs, memory, segment, max_cqe);
	slots = count_segments(verbs);
	each = memory / slots & ~(uint64_t)(VERBS_PAGE - 1);
	if (segment + VERBS_PAGE > each && !verbs->settings->segment)
		segment = each > VERBS_PAGE ? each - VERBS_PAGE : 0;
	if (verbs->settings->segment)
		least = round_up(verbs->settings->segment);
	if (segment < VERBS_SEGMENT_MIN || segment + VERBS_PAGE > each)
		return err_set(err, "%u ranks need %llu bytes of memory each, not %llu",
			       verbs->net.size, (unsigned long long)slots * (least + VERBS_PAGE),
			       (unsigned long long)memory);
	verbs->segment = (uint32_t)segment;
	verbs->slot_size = VERBS_PAGE + round_up(segment);
	verbs->peer_size = (verbs->slot_count + VERBS_LONG) * verbs->slot_size;
	for (uint32_t i = 0; i < verbs->net.size; i++)
		for (uint32_t slot = 0; slot < verbs->slot_count; slot++)
			verbs->peers[i].unused[verbs->peers[i].unused_count++] = (uint8_t)slot;
	return 0;
}

static int register_memory(struct verbs *verbs, struct err *err)
{
	const size_t size = verbs->net.size;
	size_t slots = size * verbs->peer_size;
	size_t words = round_up(size * sizeof(uint64_t));
	size_t heads = round_up(size * VERBS_SLOTS * sizeof(*verbs->heads));
	uint8_t *at;

	verbs->memory_size = slots + 2 * words + heads + (size_t)VERBS_POOL * verbs->segment;
	at = mmap(NULL, verbs->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	if (at == MAP_FAILED)
		return err_errno(err, "no room for %zu bytes of messages", verbs->memory_size);
	verbs->memory = at;
	verbs->slots = at;
	verbs->credits = (volatile uint64_t *)(at += slots);
	verbs->credit_source = (uint64_t *)(at += words);
	verbs->heads = (struct verbs_head *)(at += words);
	verbs->pool = at + heads;
	for (int i = VERBS_LONG; i < VERBS_POOL; i++)
		verbs->pool_free[verbs->pool_count++] = i;
	verbs->mr = ibv_reg_mr(verbs->pd, verbs->memory, verbs->memory_size,
			       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	return verbs->mr ? 0 : err_errno(err, "unable to register %zu bytes", verbs->memory_size);
}

/* Receives, segments and credits of all peers may complete at once. */
static int make_queue(struct verbs *verbs, int max_cqe, struct err *err)
{
	uint64_t entries = count_entries(verbs);

	if (entries > (uint64_t)max_cqe)
		return err_set(err,
			       "%u ranks with %u queue pairs each need a completion queue of "
			       "%llu entries, the device has %d",
			       verbs->net.size, verbs->qps, (unsigned long long)entries, max_cqe);
	verbs->cq = ibv_create_cq(verbs->context, (int)entries, NULL, NULL, 0);
	return verbs->cq ? 0
			 : err_errno(err, "no completion queue of %llu entries",
				     (unsigned long long)entries);
}

int verbs_open(struct verbs *verbs, struct err *err)
{
	struct ibv_device_attr device;

	verbs->qps = verbs->settings->queue_pairs ? verbs->settings->queue_pairs : 1;
	if (verbs->qps > VERBS_QPS)
		return err_set(err, "%u queue pairs for each peer: at most %d", verbs->qps,
			       VERBS_QPS);
	if (open_device(verbs, err) < 0 || open_port(verbs, err) < 0)
		return -1;
	if (ibv_query_device(verbs->context, &device))
		return err_errno(err, "device");
	verbs->pd = ibv_alloc_pd(verbs->context);
	if (!verbs->pd)
		return err_errno(err, "no protection domain");
	if (choose_segment(verbs, device.max_cqe, err) < 0 || register_memory(verbs, err) < 0)
		return -1;
	return make_queue(verbs, device.max_cqe, err);
}

void verbs_close(struct verbs *verbs)
{
	for (uint32_t i = 0; verbs->peers && i < verbs->net.size; i++)
		for (uint32_t q = 0; q < verbs_queues(verbs); q++)
			if (verbs->peers[i].qps[q].qp)
				ibv_destroy_qp(verbs->peers[i].qps[q].qp);
	if (verbs->cq)
		ibv_destroy_cq(verbs->cq);
	if (verbs->mr)
		ibv_dereg_mr(verbs->mr);
	if (verbs->memory)
		munmap(verbs->memory, verbs->memory_size);
	if (verbs->pd)
		ibv_dealloc_pd(verbs->pd);
	if (verbs->context)
		ibv_close_device(verbs->context);
}

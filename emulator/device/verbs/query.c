/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "device/verbs/front.h"
#include "device/verbs/interface.h"
#include "device/verbs/wire.h"
#include "clock.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* Nobody's numbers: 0xffff is no maker, 0x4e45 spells "NE". */
#define VENDOR_ID   0xffff
#define VENDOR_PART 0x4e45

#define PHYS_DISABLED 3
#define PHYS_LINK_UP  5

#define MAX_MESSAGE (1u << 31)

static struct shared_device *device_of(struct ibv_context *context)
{
	return front_engine(context)->device;
}

static uint64_t image_guid(struct ibv_context *context)
{
	struct fabric *fabric = front_engine(context)->fabric;
	const struct shared_node *nodes =
		segment_at(&fabric->segment, fabric->segment.header->nodes_at);

	return nodes[device_of(context)->node].guid;
}

/* --- the device --- */

#define CAP_FLAGS                                                                               \
	(IBV_DEVICE_UD_AV_PORT_ENFORCE | IBV_DEVICE_CURR_QP_STATE_MOD |                         \
	 IBV_DEVICE_PORT_ACTIVE_EVENT | IBV_DEVICE_SYS_IMAGE_GUID | IBV_DEVICE_RC_RNR_NAK_GEN | \
	 IBV_DEVICE_SRQ_RESIZE | IBV_DEVICE_MEM_WINDOW | IBV_DEVICE_XRC |                       \
	 IBV_DEVICE_MEM_MGT_EXTENSIONS | IBV_DEVICE_MEM_WINDOW_TYPE_2B)

/* At most what the attributes can say. */
static int product(uint64_t a, uint64_t b)
{
	return a * b < INT32_MAX ? (int)(a * b) : INT32_MAX;
}

static void fill_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	const struct shared_device *device = device_of(context);
	const struct device_limits *limits = &device->limits;

	*attr = (struct ibv_device_attr){
		.fw_ver = PACKAGE_VERSION,
		.node_guid = htobe64(device->guid),
		.sys_image_guid = htobe64(image_guid(context)),
		.max_mr_size = limits->max_mr_size,
		.page_size_cap = 0xfffffffffffff000,
		.vendor_id = VENDOR_ID,
		.vendor_part_id = VENDOR_PART,
		.hw_ver = 1,
		.max_qp = (int)limits->max_qp,
		.max_qp_wr = (int)limits->max_qp_wr,
		.device_cap_flags = CAP_FLAGS,
		.max_sge = (int)limits->max_sge,
		.max_sge_rd = (int)limits->max_sge,
		.max_cq = (int)limits->max_cq,
		.max_cqe = (int)limits->max_cqe,
		.max_mr = (int)limits->max_mr,
		.max_pd = (int)limits->max_pd,
		.max_qp_rd_atom = (int)limits->max_rd_atomic,
		.max_res_rd_atom = product(limits->max_rd_atomic, limits->max_qp),
		.max_qp_init_rd_atom = (int)limits->max_rd_atomic,
		.atomic_cap = IBV_ATOMIC_HCA,
		.max_mw = (int)limits->max_mw,
		.max_mcast_grp = (int)limits->max_mcast_grp,
		.max_mcast_qp_attach = (int)limits->max_mcast_qp,
		.max_total_mcast_qp_attach = product(limits->max_mcast_grp, limits->max_mcast_qp),
		.max_ah = (int)limits->max_ah,
		.max_srq = (int)limits->max_srq,
		.max_srq_wr = (int)limits->max_srq_wr,
		.max_srq_sge = (int)limits->max_srq_sge,
		.max_pkeys = 1,
		.local_ca_ack_delay = 0,
		.phys_port_cnt = 1,
	};
}

EXPORT int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	if (!front_owns(context))
		return REAL(ibv_query_device)(context, attr);
	fill_device(context, attr);
	return 0;
}

/* Memory is the program's own, so pages need never be pinned. */
#define ODP_DATAGRAM   (IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_SRQ_RECV)
#define ODP_UNRELIABLE (ODP_DATAGRAM | IBV_ODP_SUPPORT_WRITE)
#define ODP_RELIABLE   (ODP_UNRELIABLE | IBV_ODP_SUPPORT_READ | IBV_ODP_SUPPORT_ATOMIC)

/* The program's structure may be longer or shorter than ours. */
int front_query_device_ex(struct ibv_context *context, const struct ibv_query_device_ex_input *in,
			  struct ibv_device_attr_ex *attr, size_t size)
{
	struct ibv_device_attr_ex all = {
		.odp_caps = {
			.general_caps = IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT,
			.per_transport_caps = {
				.rc_odp_caps = ODP_RELIABLE,
				.uc_odp_caps = ODP_UNRELIABLE,
				.ud_odp_caps = ODP_DATAGRAM,
			},
		},
		.completion_timestamp_mask = UINT64_MAX,
		.hca_core_clock = 1000000, /* kHz: time stamps are ns */
		.device_cap_flags_ex = CAP_FLAGS,
		.cq_mod_caps = { .max_cq_count = UINT16_MAX, .max_cq_period = UINT16_MAX /* us */ },
		.max_dm_size = device_of(context)->limits.max_dm_size,
		.xrc_odp_caps = ODP_RELIABLE,
		.phys_port_cnt_ex = 1,
	};

	if ((in && in->comp_mask) || size < sizeof(all.orig_attr))
		return EINVAL;
	fill_device(context, &all.orig_attr);
	memset(attr, 0, size);
	memcpy(attr, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

/* Clock cycles of the device, as time stamps of completions. */
int front_query_rt_values(struct ibv_context *context, struct ibv_values_ex *values)
{
	(void)context;
	if (values->comp_mask & ~(uint32_t)IBV_VALUES_MASK_RAW_CLOCK)
		return EINVAL;
	if (values->comp_mask)
		values->raw_clock = (struct timespec){ .tv_nsec = clock_ns(CLOCK_MONOTONIC) };
	return 0;
}

/* --- the port --- */

static double up_rate(struct ibv_context *context)
{
	return wire_rate(front_engine(context)->fabric, device_of(context));
}

static void set_speed(struct ibv_port_attr *attr, double rate)
{
	attr->active_width = wire_of(rate)->width;
	attr->active_speed = wire_of(rate)->speed;
}

static enum ibv_mtu mtu_code(uint32_t bytes)
{
	enum ibv_mtu mtu = IBV_MTU_256;

	while (mtu < IBV_MTU_4096 && (256u << mtu) <= bytes)
		mtu++;
	return mtu;
}

static void fill_port(struct ibv_context *context, struct ibv_port_attr *attr)
{
	struct shared_device *device = device_of(context);
	bool ethernet = device->link_layer == LINK_ETHERNET;
	uint32_t state = atomic_load(&device->port_state);
	uint32_t lid = atomic_load(&device->lid);

	*attr = (struct ibv_port_attr){
		.state = (enum ibv_port_state)state,
		.max_mtu = IBV_MTU_4096,
		.active_mtu = mtu_code(atomic_load(&device->mtu)),
		.gid_tbl_len = DEVICE_GIDS,
		.port_cap_flags = ethernet ? IBV_PORT_CM_SUP | IBV_PORT_IP_BASED_GIDS
					   : IBV_PORT_CM_SUP | IBV_PORT_SYS_IMAGE_GUID_SUP |
						     IBV_PORT_EXTENDED_SPEEDS_SUP,
		.max_msg_sz = MAX_MESSAGE,
		.pkey_tbl_len = 1,
		.lid = ethernet ? 0 : (uint16_t)lid,
		.sm_lid = ethernet ? 0 : 1,
		.max_vl_num = 1,
		.subnet_timeout = 18,
		.phys_state = state >= PORT_INIT ? PHYS_LINK_UP : PHYS_DISABLED,
		.link_layer = (uint8_t)device->link_layer,
		.flags = ethernet ? IBV_QPF_GRH_REQUIRED : 0,
	};
	set_speed(attr, up_rate(context));
}

int front_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr,
		     size_t size)
{
	struct ibv_port_attr all;

	if (port != 1)
		return EINVAL;
	fill_port(context, &all);
	memset(attr, 0, size);
	memcpy(attr, &all, size < sizeof(all) ? size : sizeof(all));
	return 0;
}

/* The structure ended before port_cap_flags2 when this function was made. */
EXPORT int ibv_query_port(struct ibv_context *context, uint8_t port,
			  struct _compat_ibv_port_attr *attr)
{
	if (!front_owns(context))
		return REAL(ibv_query_port)(context, port, attr);
	return front_query_port(context, port, (struct ibv_port_attr *)attr,
				offsetof(struct ibv_port_attr, port_cap_flags2));
}

/* In units of 100 Mbit/s; of rdma-core 62. */
int front_query_port_speed(struct ibv_context *context, uint32_t port,
			   uint64_t *speed) __asm__("ibv_query_port_speed");
EXPORT int front_query_port_speed(struct ibv_context *context, uint32_t port, uint64_t *speed)
{
	static __typeof__(&front_query_port_speed) next;
	double rate;

	if (!front_owns(context)) {
		if (!next)
			next = front_real("ibv_query_port_speed", NULL);
		return next ? next(context, port, speed) : EOPNOTSUPP;
	}
	if (port != 1)
		return EINVAL;
	rate = up_rate(context);
	*speed = rate > 0 ? (uint64_t)(rate * 8 / 1e8 + 0.5) : 2000;
	return 0;
}

/* --- its tables of GIDs and partition keys --- */

/* GID INDEX in *ENTRY.  0, or EINVAL (no such place) or ENODATA (nothing in it). */
static int get_gid(struct ibv_context *context, uint32_t port, uint32_t index,
		   struct ibv_gid_entry *entry)
{
	const struct shared_device *device = device_of(context);
	const struct shared_gid *gid;
	char name[IF_NAMESIZE];

	if (port != 1 || index >= DEVICE_GIDS)
		return EINVAL;
	if (index >= device->gids)
		return ENODATA;
	gid = &device->gid[index];
	*entry = (struct ibv_gid_entry){
		.gid_index = index,
		.port_num = port,
		.gid_type = gid->type,
		.ndev_ifindex = interface_of(device, index, name),
	};
	memcpy(entry->gid.raw, gid->raw, sizeof(gid->raw));
	return 0;
}

EXPORT int ibv_query_gid(struct ibv_context *context, uint8_t port, int index, union ibv_gid *gid)
{
	struct ibv_gid_entry entry = { 0 };
	int rc;

	if (!front_owns(context))
		return REAL(ibv_query_gid)(context, port, index, gid);
	rc = get_gid(context, port, (uint32_t)index, &entry);
	if (rc && rc != ENODATA) {
		errno = rc;
		return -1;
	}
	*gid = entry.gid; /* zeros where there is nothing */
	return 0;
}

EXPORT int _ibv_query_gid_ex(struct ibv_context *context, uint32_t port, uint32_t index,
			     struct ibv_gid_entry *entry, uint32_t flags, size_t size)
{
	struct ibv_gid_entry all = { 0 };
	int rc;

	if (!front_owns(context))
		return REAL(_ibv_query_gid_ex)(context, port, index, entry, flags, size);
	if (flags)
		return EOPNOTSUPP;
	if (size < sizeof(all))
		return EINVAL;
	rc = get_gid(context, port, index, &all);
	if (rc)
		return rc;
	memset(entry, 0, size);
	memcpy(entry, &all, sizeof(all));
	return 0;
}

EXPORT ssize_t _ibv_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries,
				    size_t max, uint32_t flags, size_t size)
{
	uint32_t count;

	if (!front_owns(context))
		return REAL(_ibv_query_gid_table)(context, entries, max, flags, size);
	if (flags)
		return -EOPNOTSUPP;
	count = device_of(context)->gids;
	if (size < sizeof(*entries) || max < count)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		_ibv_query_gid_ex(context, 1, i, (void *)((char *)entries + i * size), 0, size);
	return count;
}

/* Not in the headers: ibv_devinfo and others of rdma-core use it.  0: IB or RoCE v1, 1:
 * RoCE v2.
 */
int ibv_query_gid_type(struct ibv_context *context, uint8_t port, unsigned int index, int *type);
EXPORT int ibv_query_gid_type(struct ibv_context *context, uint8_t port, unsigned int index,
			      int *type)
{
	struct ibv_gid_entry entry = { 0 };
	int rc;

	if (!front_owns(context))
		return REAL(ibv_query_gid_type)(context, port, index, type);
	rc = get_gid(context, port, index, &entry);
	if (rc && rc != ENODATA) {
		errno = rc;
		return -1;
	}
	*type = entry.gid_type == IBV_GID_TYPE_ROCE_V2;
	return 0;
}

#define DEFAULT_PKEY 0xffff

EXPORT int ibv_query_pkey(struct ibv_context *context, uint8_t port, int index, __be16 *pkey)
{
	if (!front_owns(context))
		return REAL(ibv_query_pkey)(context, port, index, pkey);
	if (port != 1 || index != 0) {
		errno = EINVAL;
		return -1;
	}
	*pkey = htobe16(DEFAULT_PKEY);
	return 0;
}

EXPORT int ibv_get_pkey_index(struct ibv_context *context, uint8_t port, __be16 pkey)
{
	if (!front_owns(context))
		return REAL(ibv_get_pkey_index)(context, port, pkey);
	if (port != 1 || pkey != htobe16(DEFAULT_PKEY)) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>

/* --- address vectors --- */

int front_path(struct context *context, const struct ibv_ah_attr *attr, struct shared_path *path)
{
	*path = (struct shared_path){
		.dlid = attr->dlid,
		.sl = attr->sl,
		.global = attr->is_global != 0,
		.flow_label = attr->grh.flow_label,
		.sgid_index = attr->grh.sgid_index,
		.hop_limit = attr->grh.hop_limit,
		.traffic_class = attr->grh.traffic_class,
		.src_path_bits = attr->src_path_bits,
		.static_rate = attr->static_rate,
		.port = attr->port_num,
	};
	memcpy(path->dgid, attr->grh.dgid.raw, sizeof(path->dgid));
	return path_resolve(context, path);
}

void front_path_attr(const struct shared_path *path, struct ibv_ah_attr *attr)
{
	*attr = (struct ibv_ah_attr){
		.dlid = path->dlid,
		.sl = path->sl,
		.src_path_bits = path->src_path_bits,
		.static_rate = path->static_rate,
		.is_global = path->global,
		.port_num = path->port,
	};
	if (!path->global)
		return;
	attr->grh.flow_label = path->flow_label;
	attr->grh.sgid_index = path->sgid_index;
	attr->grh.hop_limit = path->hop_limit;
	attr->grh.traffic_class = path->traffic_class;
	memcpy(attr->grh.dgid.raw, path->dgid, sizeof(path->dgid));
}

/* --- address handles --- */

static struct front_context *context_of(struct ibv_context *context)
{
	return (struct front_context *)verbs_get_ctx(context);
}

EXPORT struct ibv_ah *ibv_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	struct front_context *context;
	struct front_ah *front;

	if (!front_owns(pd->context))
		return REAL(ibv_create_ah)(pd, attr);
	context = context_of(pd->context);
	front = calloc(1, sizeof(*front));
	if (!front || front_path(&context->engine, attr, &front->path) < 0) {
		free(front);
		return NULL;
	}
	if (context->ahs++ >= context->engine.device->limits.max_ah) {
		context->ahs--;
		free(front);
		errno = ENOMEM;
		return NULL;
	}
	pd_use(front_engine_pd(pd));
	front->ah.context = pd->context;
	front->ah.pd = pd;
	return &front->ah;
}

EXPORT int ibv_destroy_ah(struct ibv_ah *ah)
{
	if (!front_owns(ah->context))
		return REAL(ibv_destroy_ah)(ah);
	pd_unuse(front_engine_pd(ah->pd));
	context_of(ah->context)->ahs--;
	free(ah);
	return 0;
}

/* --- back to who sent a datagram --- */

/* The addresses of a global routing header, or of the IPv4 header that stands in
 * its last 20 bytes (RoCE v2).
 */
struct header {
	union ibv_gid from, to;
	uint32_t flow_label;
	uint8_t traffic_class, hop_limit;
};

static void mapped(union ibv_gid *gid, uint32_t ip)
{
	memset(gid, 0, sizeof(*gid));
	gid->raw[10] = gid->raw[11] = 0xff;
	memcpy(gid->raw + 12, &ip, 4);
}

static void read_header(const struct ibv_grh *grh, struct header *header)
{
	uint32_t word = ntohl(grh->version_tclass_flow);
	struct iphdr ip;

	memcpy(&ip, (const char *)grh + sizeof(*grh) - sizeof(ip), sizeof(ip));
	if (word >> 28 != 6 && ip.version == 4 && ip.ihl == 5) {
		*header = (struct header){ .traffic_class = ip.tos, .hop_limit = ip.ttl };
		mapped(&header->from, ip.saddr);
		mapped(&header->to, ip.daddr);
		return;
	}
	*header = (struct header){
		.from = grh->sgid,
		.to = grh->dgid,
		.flow_label = word & 0xfffff,
		.traffic_class = word >> 20 & 0xff,
		.hop_limit = grh->hop_limit,
	};
}

/* What was sent to a group was sent to none of our GIDs: the answer comes from the first. */
static int find_gid(const struct shared_device *device, const union ibv_gid *gid)
{
	for (uint32_t i = 0; i < device->gids; i++)
		if (memcmp(device->gid[i].raw, gid->raw, sizeof(gid->raw)) == 0)
			return (int)i;
	return gid->raw[0] == 0xff ? 0 : -1;
}

EXPORT int ibv_init_ah_from_wc(struct ibv_context *context, uint8_t port, struct ibv_wc *wc,
			       struct ibv_grh *grh, struct ibv_ah_attr *attr)
{
	struct header header;
	int index;

	if (!front_owns(context))
		return REAL(ibv_init_ah_from_wc)(context, port, wc, grh, attr);
	*attr = (struct ibv_ah_attr){
		.dlid = wc->slid,
		.sl = wc->sl,
		.src_path_bits = wc->dlid_path_bits,
		.port_num = port,
	};
	if (!(wc->wc_flags & IBV_WC_GRH))
		return 0;
	read_header(grh, &header);
	index = find_gid(front_engine(context)->device, &header.to);
	if (index < 0) {
		errno = ENOENT;
		return -1;
	}
	attr->is_global = 1;
	attr->grh.dgid = header.from;
	attr->grh.sgid_index = (uint8_t)index;
	attr->grh.flow_label = header.flow_label;
	attr->grh.traffic_class = header.traffic_class;
	attr->grh.hop_limit = header.hop_limit;
	return 0;
}

EXPORT struct ibv_ah *ibv_create_ah_from_wc(struct ibv_pd *pd, struct ibv_wc *wc,
					    struct ibv_grh *grh, uint8_t port)
{
	struct ibv_ah_attr attr;

	if (!front_owns(pd->context))
		return REAL(ibv_create_ah_from_wc)(pd, wc, grh, port);
	if (ibv_init_ah_from_wc(pd->context, port, wc, grh, &attr) < 0)
		return NULL;
	return ibv_create_ah(pd, &attr);
}

/* --- the Ethernet address of a GID --- */

/* There is no neighbour to ask.  A link-local GID has the address in it (EUI-64); others
 * get one that is made from their last bytes, with the bit of local addresses.
 */
static void mac_of(const union ibv_gid *gid, uint8_t mac[6])
{
	const uint8_t *raw = gid->raw;

	if (raw[0] == 0xfe && raw[1] == 0x80 && raw[11] == 0xff && raw[12] == 0xfe) {
		const uint8_t own[] = { raw[8] ^ 2, raw[9], raw[10], raw[13], raw[14], raw[15] };

		memcpy(mac, own, sizeof(own));
		return;
	}
	mac[0] = 0x02;
	memcpy(mac + 1, raw + 11, 5);
}

EXPORT int ibv_resolve_eth_l2_from_gid(struct ibv_context *context, struct ibv_ah_attr *attr,
				       uint8_t mac[6], uint16_t *vid)
{
	if (!front_owns(context))
		return REAL(ibv_resolve_eth_l2_from_gid)(context, attr, mac, vid);
	if (front_engine(context)->device->link_layer != LINK_ETHERNET || !attr->is_global) {
		errno = EINVAL;
		return -1;
	}
	mac_of(&attr->grh.dgid, mac);
	if (vid)
		*vid = 0xffff;
	return 0;
}

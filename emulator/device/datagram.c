/* SPDX-License-Identifier: Apache-2.0 */
#include "device/datagram.h"
#include "device/memory.h"

#include <arpa/inet.h>
#include <string.h>

/* The global routing header of volume 1, 8.3. */
static void make_grh(const struct fabric *fabric, const struct op *op, uint64_t bytes,
		     uint8_t grh[GRH_SIZE])
{
	const struct shared_path *path = &op->path;
	const struct shared_device *from = fabric_device(fabric, op->from);
	uint32_t first = htonl(6u << 28 | (uint32_t)path->traffic_class << 20 |
			       (path->flow_label & 0xfffff));
	/* headers of transport and datagram, immediate data, payload, check sum */
	uint32_t immediate = op->opcode == WR_SEND_WITH_IMM ? 4 : 0;
	uint16_t length = htons((uint16_t)(12 + 8 + immediate + (bytes + 3) / 4 * 4 + 4));

	memcpy(grh, &first, 4);
	memcpy(grh + 4, &length, 2);
	grh[6] = 0x1b; /* a base transport header comes next */
	grh[7] = path->hop_limit;
	memcpy(grh + 8, from->gid[path->sgid_index % DEVICE_GIDS].raw, 16);
	memcpy(grh + 24, path->dgid, 16);
}

/* One copy for header and data where both are at hand. */
int datagram_copy(struct fabric *fabric, const struct op *op, uint64_t bytes,
		  const struct payload *to)
{
	const struct payload *data = op->payload;
	uint8_t grh[GRH_SIZE];
	struct payload from;

	if (!op->path.global)
		return bytes ? memory_copy(fabric, to, GRH_SIZE, data, 0, bytes) : 0;
	make_grh(fabric, op, bytes, grh);
	payload_one(&from, grh, sizeof(grh));
	if (bytes && (data->process == PAYLOAD_HERE || data->process == fabric->self) &&
	    data->parts < PAYLOAD_PARTS) {
		memcpy(from.part + 1, data->part, data->parts * sizeof(data->part[0]));
		from.parts += data->parts;
		return memory_copy(fabric, to, 0, &from, 0, GRH_SIZE + bytes);
	}
	if (memory_copy(fabric, to, 0, &from, 0, GRH_SIZE) < 0)
		return -1;
	return bytes ? memory_copy(fabric, to, GRH_SIZE, data, 0, bytes) : 0;
}

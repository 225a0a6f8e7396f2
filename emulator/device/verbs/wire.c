/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/wire.h"

#include <string.h>

const struct wire *wire_of(double rate)
{
	static const struct wire wires[] = {
		{ 2.5e9, 1, 1, "2.5 Gb/sec (1X SDR)" },  { 10e9, 2, 1, "10 Gb/sec (4X SDR)" },
		{ 20e9, 2, 2, "20 Gb/sec (4X DDR)" },    { 40e9, 2, 4, "40 Gb/sec (4X QDR)" },
		{ 56e9, 2, 16, "56 Gb/sec (4X FDR)" },   { 100e9, 2, 32, "100 Gb/sec (4X EDR)" },
		{ 200e9, 2, 64, "200 Gb/sec (4X HDR)" }, { 400e9, 2, 128, "400 Gb/sec (4X NDR)" },
	};
	const size_t last = sizeof(wires) / sizeof(wires[0]) - 1;
	size_t i = 0;

	/* the fastest that older programs know: Open MPI 4.1 refuses what it does not */
	if (rate <= 0)
		rate = 25e9;
	while (i < last && rate * 8 > wires[i].bits * 1.001)
		i++;
	return &wires[i];
}

double wire_rate(const struct fabric *fabric, const struct shared_device *device)
{
	struct shared_header *header = fabric->segment.header;
	struct shared_link *links = segment_at(&fabric->segment, header->links_at);
	uint32_t up = atomic_load(&device->up);
	uint64_t bits;
	double rate;

	if (!header->links_at || up >= header->links)
		return 0;
	bits = atomic_load(&links[up].rate);
	memcpy(&rate, &bits, sizeof(rate));
	return rate;
}

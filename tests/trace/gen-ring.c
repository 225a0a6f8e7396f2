/* SPDX-License-Identifier: Apache-2.0 */
/* gen-ring.c - a file of records of any size
 *
 *	gen-ring FILE MESSAGES
 *
 * A process that is connected with itself by two queue pairs, and has sent so many
 * messages of 64 bytes: for each a receive and a send, and a completion of each.
 */
#include "ringlib.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct ring ring;
	uint64_t messages;

	if (argc != 3) {
		fprintf(stderr, "usage: %s FILE MESSAGES\n", argv[0]);
		return 2;
	}
	messages = strtoull(argv[2], NULL, 10);
	ring_init(&ring);
	ring_open(&ring, 0, "device0");
	ring_port(&ring, 0, 1, 1);
	ring_gid(&ring, 0, 1, 0, 1);
	RING_QP(&ring, .qpn = 0x101, .max_send_wr = 16, .max_recv_wr = 16);
	RING_QP(&ring, .qpn = 0x201, .max_send_wr = 16, .max_recv_wr = 16);
	ring_connect(&ring, 0, 0x101, 0x201, 1, 0);
	ring_connect(&ring, 0, 0x201, 0x101, 1, 0);
	for (uint64_t i = 0; i < messages; i++) {
		RING_RECV(&ring, .qpn = 0x201, .wr_id = i, .bytes = 64);
		RING_SEND(&ring, .qpn = 0x101, .wr_id = i, .opcode = 2, .flags = 2, .bytes = 64);
		RING_WC(&ring, .qpn = 0x201, .wr_id = i, .opcode = 128, .bytes = 64);
		RING_WC(&ring, .qpn = 0x101, .wr_id = i);
	}
	ring_destroy_qp(&ring, 0, 0x101);
	ring_destroy_qp(&ring, 0, 0x201);
	ring_save(&ring, argv[1]);
	ring_release(&ring);
	return 0;
}

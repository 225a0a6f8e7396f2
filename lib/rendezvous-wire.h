/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-wire.h - what goes between a rendezvous and its clients
 *
 * One request, one answer, over TCP.  A frame is 20 bytes, big-endian, then the
 * name, then the value:
 *
 *	u32 magic	"NRV1"
 *	u8  type
 *	u8  bytes of the name, without a NUL
 *	u16 0
 *	u32 rank
 *	u32 number
 *	u32 bytes of the value
 *
 *	request                                            answer, or ERROR
 *	HELLO rank or ANY, generation or 0, program,       WELCOME rank, generation;
 *	      cookie and node                                      value: u32 size
 *	PUT   key, value                                   OK
 *	GET   rank, number: ms to wait, key                VALUE
 *	FENCE number: ms to wait                           OK
 *	PING                                               PONG two i64: ns at arrival, at answer
 *	BYE                                                OK, and the connection ends
 *
 * ERROR has one of enum rdv_code as number and a sentence's end as value.
 */
#ifndef NETEMU_RENDEZVOUS_WIRE_H
#define NETEMU_RENDEZVOUS_WIRE_H

#include "rendezvous.h"

#define RDV_HEADER    20
#define RDV_FRAME_MAX (RDV_HEADER + RENDEZVOUS_NAME + RENDEZVOUS_VALUE)
#define RDV_HELLO_MAX (RENDEZVOUS_COOKIE - 1 + RENDEZVOUS_NODE - 1) /* value of HELLO */
#define RDV_ANY       UINT32_MAX
#define RDV_WAIT_MAX  86400000 /* ms */
#define RDV_TEXT      512

enum rdv_type {
	RDV_HELLO = 1,
	RDV_PUT,
	RDV_GET,
	RDV_FENCE,
	RDV_PING,
	RDV_BYE,
	RDV_WELCOME = 65,
	RDV_OK,
	RDV_VALUE,
	RDV_PONG,
	RDV_ERROR,
};

enum rdv_code {
	RDV_REFUSED = 1, /* EACCES */
	RDV_WRONG,       /* EINVAL */
	RDV_NOT_PUT,     /* ENOENT */
	RDV_TIME,        /* ETIMEDOUT */
	RDV_BROKEN,      /* EPIPE */
	RDV_FULL,        /* ENOSPC */
};

struct rdv_frame {
	enum rdv_type type;
	uint32_t rank, number;
	char name[RENDEZVOUS_NAME];
	const uint8_t *value; /* in the bytes that were parsed */
	uint32_t value_size;
};

/* The frame at the beginning of SIZE bytes, with a value of at most MAX.  Returns
 * its bytes, 0 when there have to be more of them, or -1 when this is none,
 * as soon as that is sure.
 */
long rdv_frame_parse(const uint8_t *data, size_t size, uint32_t max, struct rdv_frame *frame);

/* Header and name of FRAME into HEAD; the value follows.  Returns the bytes. */
size_t rdv_frame_head(const struct rdv_frame *frame, uint8_t head[RDV_HEADER + RENDEZVOUS_NAME]);

/* The same and the value, into BYTES of RDV_HEADER + RENDEZVOUS_NAME + its size. */
size_t rdv_frame_write(const struct rdv_frame *frame, uint8_t *bytes);

/* The ERROR of CODE with TEXT, which has to stay. */
struct rdv_frame rdv_frame_error(enum rdv_code code, const char *text);

/* Letters, digits and "._-", 1 to RENDEZVOUS_NAME - 1 of them, not a "." first. */
bool rdv_name_valid(const char *name);

/* Printable, without blanks, not too long. */
bool rdv_node_valid(const uint8_t *node, size_t size);

int rdv_errno(uint32_t code);

void rdv_u64_write(uint8_t bytes[8], uint64_t number);
uint64_t rdv_u64_read(const uint8_t bytes[8]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "rendezvous-wire.h"

#include <errno.h>
#include <string.h>

static const uint8_t magic[4] = { 'N', 'R', 'V', '1' };

static void write_u32(uint8_t *bytes, uint32_t number)
{
	for (int i = 3; i >= 0; i--, number >>= 8)
		bytes[i] = (uint8_t)number;
}

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool type_valid(unsigned type)
{
	return (type >= RDV_HELLO && type <= RDV_BYE) || (type >= RDV_WELCOME && type <= RDV_ERROR);
}

static bool letter_valid(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool rdv_name_valid(const char *name)
{
	size_t length = strnlen(name, RENDEZVOUS_NAME);

	for (size_t i = 0; i < length; i++)
		if (!letter_valid(name[i]))
			return false;
	return length > 0 && length < RENDEZVOUS_NAME && name[0] != '.';
}

bool rdv_node_valid(const uint8_t *node, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (node[i] <= ' ' || node[i] >= 0x7f)
			return false;
	return size < RENDEZVOUS_NODE;
}

long rdv_frame_parse(const uint8_t *data, size_t size, uint32_t max, struct rdv_frame *frame)
{
	size_t known = size < sizeof(magic) ? size : sizeof(magic);
	size_t name;

	if (memcmp(data, magic, known))
		return -1;
	if (size < RDV_HEADER)
		return 0;
	name = data[5];
	frame->type = data[4];
	frame->rank = read_u32(data + 8);
	frame->number = read_u32(data + 12);
	frame->value_size = read_u32(data + 16);
	if (!type_valid(data[4]) || name >= RENDEZVOUS_NAME || data[6] || data[7] ||
	    frame->value_size > max)
		return -1;
	if (size < RDV_HEADER + name + frame->value_size)
		return 0;
	memcpy(frame->name, data + RDV_HEADER, name);
	frame->name[name] = '\0';
	if (name && (strlen(frame->name) != name || !rdv_name_valid(frame->name)))
		return -1;
	frame->value = data + RDV_HEADER + name;
	return (long)(RDV_HEADER + name + frame->value_size);
}

size_t rdv_frame_head(const struct rdv_frame *frame, uint8_t head[RDV_HEADER + RENDEZVOUS_NAME])
{
	size_t name = strnlen(frame->name, RENDEZVOUS_NAME - 1);

	memcpy(head, magic, sizeof(magic));
	head[4] = (uint8_t)frame->type;
	head[5] = (uint8_t)name;
	head[6] = head[7] = 0;
	write_u32(head + 8, frame->rank);
	write_u32(head + 12, frame->number);
	write_u32(head + 16, frame->value_size);
	memcpy(head + RDV_HEADER, frame->name, name);
	return RDV_HEADER + name;
}

size_t rdv_frame_write(const struct rdv_frame *frame, uint8_t *bytes)
{
	size_t head = rdv_frame_head(frame, bytes);

	if (frame->value_size)
		memcpy(bytes + head, frame->value, frame->value_size);
	return head + frame->value_size;
}

struct rdv_frame rdv_frame_error(enum rdv_code code, const char *text)
{
	return (struct rdv_frame){
		.type = RDV_ERROR,
		.number = code,
		.value = (const uint8_t *)text,
		.value_size = (uint32_t)strlen(text),
	};
}

int rdv_errno(uint32_t code)
{
	static const int numbers[] = {
		[RDV_REFUSED] = EACCES, [RDV_WRONG] = EINVAL, [RDV_NOT_PUT] = ENOENT,
		[RDV_TIME] = ETIMEDOUT, [RDV_BROKEN] = EPIPE, [RDV_FULL] = ENOSPC,
	};

	return code < sizeof(numbers) / sizeof(*numbers) && numbers[code] ? numbers[code] : EPROTO;
}

void rdv_u64_write(uint8_t bytes[8], uint64_t number)
{
	write_u32(bytes, (uint32_t)(number >> 32));
	write_u32(bytes + 4, (uint32_t)number);
}

uint64_t rdv_u64_read(const uint8_t bytes[8])
{
	return (uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4);
}

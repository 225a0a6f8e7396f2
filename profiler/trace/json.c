/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int json_init(struct json *json, FILE *stream, size_t size)
{
	*json = (struct json){ .base = malloc(size), .stream = stream };
	if (!json->base)
		return -1;
	json->at = json->base;
	json->end = json->base + size;
	return 0;
}

void json_release(struct json *json)
{
	free(json->base);
	*json = (struct json){ 0 };
}

void json_write(struct json *json, size_t at, size_t size)
{
	errno = 0;
	if (!json->failed && fwrite(json->base + at, 1, size, json->stream) != size)
		json->failed = errno ? errno : EIO;
}

static void write_all(struct json *json)
{
	size_t size = (size_t)(json->at - json->base);

	if (!json->stream)
		return;
	json_write(json, 0, size);
	json->at = json->base;
}

int json_flush(struct json *json)
{
	(json->full ? json->full : write_all)(json);
	return json->failed ? -1 : 0;
}

char *json_grow(struct json *json, size_t size)
{
	size_t used, room;
	char *grown;

	if (json->failed)
		return NULL;
	(json->full ? json->full : write_all)(json);
	if (json->failed || (size_t)(json->end - json->at) >= size)
		return json->failed ? NULL : json->at;
	used = (size_t)(json->at - json->base);
	room = 2 * (used + size);
	grown = realloc(json->base, room);
	if (!grown) {
		json->failed = ENOMEM;
		return NULL;
	}
	json->base = grown;
	json->at = grown + used;
	json->end = grown + room;
	return json->at;
}

void json_put(struct json *json, const char *text, size_t length)
{
	char *to = json_room(json, length);

	if (!to)
		return;
	memcpy(to, text, length);
	json->at = to + length;
}

/* --- numbers --- */

#define DIGITS_MAX 20

/* The digits of NUMBER end before END.  Returns where they begin. */
static char *digits(char *end, uint64_t number)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";

	for (; number >= 100; number /= 100) {
		end -= 2;
		memcpy(end, pairs + 2 * (number % 100), 2);
	}
	if (number < 10) {
		*--end = (char)('0' + number);
		return end;
	}
	end -= 2;
	memcpy(end, pairs + 2 * number, 2);
	return end;
}

static void put_digits(struct json *json, bool negative, uint64_t number)
{
	char text[DIGITS_MAX + 1], *end = text + sizeof(text), *begin = digits(end, number);

	if (negative)
		*--begin = '-';
	json_put(json, begin, (size_t)(end - begin));
}

static uint64_t magnitude(int64_t number)
{
	return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

void json_u64(struct json *json, uint64_t number)
{
	put_digits(json, false, number);
}

void json_i64(struct json *json, int64_t number)
{
	put_digits(json, number < 0, magnitude(number));
}

void json_hex(struct json *json, uint64_t number)
{
	char text[20], *end = text + sizeof(text), *at = end;

	*--at = '"';
	do
		*--at = "0123456789abcdef"[number & 15];
	while (number >>= 4);
	*--at = 'x';
	*--at = '0';
	*--at = '"';
	json_put(json, at, (size_t)(end - at));
}

void json_id(struct json *json, uint64_t number)
{
	if (number > JSON_EXACT)
		json_hex(json, number);
	else
		json_u64(json, number);
}

void json_us(struct json *json, int64_t time)
{
	uint64_t ns = magnitude(time);
	char text[DIGITS_MAX + 5], *end = text + sizeof(text), *at;

	/* the fraction with a 1 before it, which the point takes the place of */
	at = digits(end, 1000 + ns % 1000);
	*at = '.';
	at = digits(at, ns / 1000);
	if (time < 0)
		*--at = '-';
	json_put(json, at, (size_t)(end - at));
}

/* --- text --- */

/* How many bytes of UTF-8 stand at TEXT, 0: it is not UTF-8 (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *text)
{
	size_t length = *text < 0x80   ? 1
			: *text < 0xc2 ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
				       : 4;

	if (*text > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static void put_escaped(struct json *json, unsigned char byte)
{
	char text[8];

	json_put(json, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", byte));
}

void json_text(struct json *json, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	JSON_PUT(json, "\"");
	while (*at) {
		size_t length = utf8_length(at);

		if (!length || *at < 0x20 || *at == 0x7f) {
			put_escaped(json, *at++);
			continue;
		}
		if (*at == '"' || *at == '\\')
			JSON_PUT(json, "\\");
		json_put(json, (const char *)at, length);
		at += length;
	}
	JSON_PUT(json, "\"");
}

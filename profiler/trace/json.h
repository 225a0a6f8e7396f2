/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON written front to back, fast
 *
 * Values go into one buffer, which goes to a stream when it is full; nothing is
 * allocated for a value.  Commas, brackets and keys are the caller's, as literals:
 * what is written is mostly the same few keys, millions of times.
 *
 *	JSON_PUT(json, "{\"qpn\":");
 *	json_u64(json, qpn);
 *
 * Numbers: a reader whose numbers are doubles knows integers up to 2^53 - 1 exactly.
 * json_id() writes what is larger as text, "0x...", json_hex() writes everything so.
 */
#ifndef TRACE_JSON_H
#define TRACE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_EXACT ((UINT64_C(1) << 53) - 1)

struct json {
	char *base, *at, *end;
	FILE *stream; /* NULL: all stays in memory */
	/* Makes room: writes what can be written, or NULL: json_write(). */
	void (*full)(struct json *json);
	int failed; /* errno, once anything has failed: then nothing more is written */
};

/* STREAM is the caller's.  Returns 0, or -1 with errno. */
int json_init(struct json *json, FILE *stream, size_t size);
void json_release(struct json *json);

/* Write all there is.  Returns 0, or -1 when anything has failed. */
int json_flush(struct json *json);

/* Write SIZE bytes of the buffer, from its byte AT on. */
void json_write(struct json *json, size_t at, size_t size);

/* Room for SIZE bytes at json->at, or NULL. */
char *json_grow(struct json *json, size_t size);
static inline char *json_room(struct json *json, size_t size)
{
	return (size_t)(json->end - json->at) >= size ? json->at : json_grow(json, size);
}

/* TEXT as it is. */
void json_put(struct json *json, const char *text, size_t length);
#define JSON_PUT(json, literal) json_put(json, literal, sizeof(literal) - 1)

void json_u64(struct json *json, uint64_t number);
void json_i64(struct json *json, int64_t number);
void json_hex(struct json *json, uint64_t number);
void json_id(struct json *json, uint64_t number);
/* TIME (ns) in microseconds, all three decimals. */
void json_us(struct json *json, int64_t time);
/* In quotes.  What is not UTF-8 is taken as Latin-1, byte by byte. */
void json_text(struct json *json, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/recorder.h"

#include <stdio.h>
#include <string.h>

#define TAIL ",\"...\"]" /* always has room */

/* Length of the UTF-8 sequence at TEXT, 0 when there is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t length = c[0] < 0x80   ? 1
			: c[0] < 0xc2 ? 0
			: c[0] < 0xe0 ? 2
			: c[0] < 0xf0 ? 3
			: c[0] < 0xf5 ? 4
				      : 0;

	for (size_t i = 1; i < length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return length;
}

/* One character of TEXT as it stands in a JSON string; returns how many bytes
 * of TEXT it was.
 */
static size_t escape(char piece[8], const char *text)
{
	size_t length = utf8_length(text);

	if (length == 0)
		strcpy(piece, "\\ufffd");
	else if (length == 1 && (*text == '"' || *text == '\\'))
		snprintf(piece, 8, "\\%c", *text);
	else if (length == 1 && ((unsigned char)*text < ' ' || *text == 0x7f))
		snprintf(piece, 8, "\\u%04x", (unsigned)*text);
	else
		snprintf(piece, 8, "%.*s", (int)length, text);
	return length ? length : 1;
}

/* Write TEXT as a string; false when it does not fit before END. */
static bool put_string(char **at, const char *end, const char *text)
{
	char piece[8], *out = *at;

	if (end - out < 2)
		return false;
	*out++ = '"';
	while (*text) {
		size_t length;

		text += escape(piece, text);
		length = strlen(piece);
		if ((size_t)(end - out) < length + 1)
			return false;
		memcpy(out, piece, length);
		out += length;
	}
	*out++ = '"';
	*at = out;
	return true;
}

void command_json(char *buf, size_t size, int argc, char *const *argv)
{
	const char *end = buf + size - sizeof(TAIL);
	char *at = buf;

	*at++ = '[';
	for (int i = 0; i < argc && argv[i]; i++) {
		char *item = at;

		if (i > 0)
			*item++ = ',';
		if (item >= end || !put_string(&item, end, argv[i])) {
			strcpy(at, i > 0 ? TAIL : &TAIL[1]);
			return;
		}
		at = item;
	}
	strcpy(at, "]");
}

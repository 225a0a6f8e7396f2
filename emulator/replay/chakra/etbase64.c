/* SPDX-License-Identifier: Apache-2.0 */
/* etbase64.c - bytes as text, RFC 4648 section 4 */
#include "chakra/etbase64.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *etbase64_text(const uint8_t *data, size_t size)
{
	char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)data[i] << 16;

		bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= left > 2 ? data[i + 2] : 0;
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[bits & 63] : '=';
	}
	*to = '\0';
	return text;
}

int etbase64_bytes(const char *text, size_t length, uint8_t *data, size_t *size)
{
	uint32_t bits = 0;
	size_t count = 0;

	while (length && text[length - 1] == '=')
		length--;
	if (length % 4 == 1)
		return -1;
	for (size_t i = 0; i < length; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -1;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4)
			data[count++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	*size = count;
	return 0;
}

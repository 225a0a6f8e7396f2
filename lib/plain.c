/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <string.h>
#include <wchar.h>
#include <wctype.h>

int plain_put(FILE *out, const char *text)
{
	size_t left = strlen(text);
	mbstate_t state = { 0 };
	int columns = 0;

	while (left) {
		wchar_t c;
		size_t length = mbrtowc(&c, text, left, &state);
		int width = length <= left && iswprint((wint_t)c) ? wcwidth(c) : -1;

		if (length > left) { /* no character */
			memset(&state, 0, sizeof(state));
			length = 1;
		}
		if (out && width >= 0)
			fwrite(text, 1, length, out);
		else if (out)
			putc('?', out);
		columns += width >= 0 ? width : 1;
		text += length;
		left -= length;
	}
	return columns;
}

void plain_put_padded(FILE *out, const char *text, int width)
{
	if (width < 0)
		fprintf(out, "%*s",
			-width > plain_put(NULL, text) ? -width - plain_put(NULL, text) : 0, "");
	for (int used = plain_put(out, text); used < width; used++)
		putc(' ', out);
}

void plain_put_cell(FILE *out, const char *text)
{
	for (; *text; text++)
		putc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

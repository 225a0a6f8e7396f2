/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonscan.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void jsonscan_init(struct jsonscan *scan, const char *data, size_t size, const char *name,
		   struct err *err)
{
	*scan = (struct jsonscan){
		.at = data,
		.end = data + size,
		.start = data,
		.name = name,
		.err = err,
	};
}

int jsonscan_fail(struct jsonscan *scan, const char *fmt, ...)
{
	char what[256];
	unsigned long line = 1;
	va_list ap;

	if (scan->failed)
		return -1;
	scan->failed = true;
	for (const char *c = scan->start; c < scan->at; c++)
		line += *c == '\n';
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (*scan->key)
		return err_set(scan->err, "%s:%lu: '%s': %s", scan->name, line, scan->key, what);
	return err_set(scan->err, "%s:%lu: %s", scan->name, line, what);
}

static void skip_blanks(struct jsonscan *scan)
{
	while (scan->at < scan->end &&
	       (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
		scan->at++;
}

char jsonscan_peek(struct jsonscan *scan)
{
	skip_blanks(scan);
	return scan->at < scan->end && !scan->failed ? *scan->at : '\0';
}

/* "expected X, not 'y'", or where the file ends. */
static int expected(struct jsonscan *scan, const char *what)
{
	unsigned char c = (unsigned char)jsonscan_peek(scan);

	if (scan->at == scan->end)
		return jsonscan_fail(scan, "the file ends where %s should be", what);
	if (isgraph(c))
		return jsonscan_fail(scan, "%s should be where '%c' is", what, c);
	return jsonscan_fail(scan, "%s should be where byte 0x%02x is", what, c);
}

int jsonscan_open(struct jsonscan *scan, char bracket)
{
	if (jsonscan_peek(scan) != bracket)
		return expected(scan, bracket == '{' ? "an object" : "an array");
	if (scan->depth == JSONSCAN_DEPTH)
		return jsonscan_fail(scan, "nested too deeply");
	scan->closing[scan->depth++] = bracket == '{' ? '}' : ']';
	scan->at++;
	scan->first = true;
	return 0;
}

/* Go over a comma to the next item (1), or over the closing bracket (0). */
static int next_item(struct jsonscan *scan)
{
	char c = jsonscan_peek(scan);
	char closing = scan->closing[scan->depth - 1];

	if (scan->failed)
		return -1;
	if (c == closing) {
		scan->at++;
		scan->depth--;
		scan->first = false;
		return 0;
	}
	if (scan->first) {
		scan->first = false;
		return 1;
	}
	if (c != ',')
		return expected(scan, closing == '}' ? "',' or '}'" : "',' or ']'");
	scan->at++;
	return 1;
}

int jsonscan_element(struct jsonscan *scan)
{
	return next_item(scan);
}

/* Four hexadecimal digits. */
static int scan_hex(struct jsonscan *scan, unsigned *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, scan->at++) {
		if (scan->at == scan->end || !isxdigit((unsigned char)*scan->at))
			return expected(scan, "a hexadecimal digit");
		*code = *code * 16 + (unsigned)(isdigit((unsigned char)*scan->at)
							? *scan->at - '0'
							: (*scan->at | 0x20) - 'a' + 10);
	}
	return 0;
}

/* CODE as UTF-8 into TEXT.  Returns how many bytes. */
static size_t put_utf8(char text[4], unsigned code)
{
	if (code < 0x80) {
		text[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		text[0] = (char)(0xc0 | code >> 6);
		text[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		text[0] = (char)(0xe0 | code >> 12);
		text[1] = (char)(0x80 | (code >> 6 & 0x3f));
		text[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	text[0] = (char)(0xf0 | code >> 18);
	text[1] = (char)(0x80 | (code >> 12 & 0x3f));
	text[2] = (char)(0x80 | (code >> 6 & 0x3f));
	text[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* Behind "\u": one code point, of a surrogate pair if need be. */
static int scan_unicode(struct jsonscan *scan, char text[4], size_t *length)
{
	unsigned code, low;

	if (scan_hex(scan, &code) < 0)
		return -1;
	if (code >= 0xd800 && code < 0xdc00) {
		if (scan->end - scan->at < 2 || scan->at[0] != '\\' || scan->at[1] != 'u')
			return jsonscan_fail(scan, "half a surrogate pair");
		scan->at += 2;
		if (scan_hex(scan, &low) < 0)
			return -1;
		if (low < 0xdc00 || low >= 0xe000)
			return jsonscan_fail(scan, "half a surrogate pair");
		code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
	} else if ((code >= 0xdc00 && code < 0xe000) || !code) {
		return jsonscan_fail(scan, "\\u%04x in a string", code);
	}
	*length = put_utf8(text, code);
	return 0;
}

/* Behind the backslash. */
static int scan_escape(struct jsonscan *scan, char text[4], size_t *length)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (scan->at == scan->end)
		return jsonscan_fail(scan, "the file ends within a string");
	if (*scan->at == 'u') {
		scan->at++;
		return scan_unicode(scan, text, length);
	}
	found = memchr(from, *scan->at, sizeof(from) - 1);
	if (!found)
		return expected(scan, "an escape");
	scan->at++;
	text[0] = to[found - from];
	*length = 1;
	return 0;
}

/* A string, cut at SIZE (BUF may be NULL).  Returns its full length, or -1. */
static long scan_string(struct jsonscan *scan, char *buf, size_t size)
{
	size_t used = 0;

	if (jsonscan_peek(scan) != '"')
		return expected(scan, "a string");
	scan->at++;
	for (;;) {
		char text[4];
		size_t length = 1;

		if (scan->at == scan->end)
			return jsonscan_fail(scan, "the file ends within a string");
		text[0] = *scan->at++;
		if (text[0] == '"')
			break;
		if ((unsigned char)text[0] < 0x20)
			return jsonscan_fail(scan, "byte 0x%02x in a string",
					     (unsigned char)text[0]);
		if (text[0] == '\\' && scan_escape(scan, text, &length) < 0)
			return -1;
		if (buf && used + length < size)
			memcpy(buf + used, text, length);
		used += length;
	}
	if (buf && size)
		buf[used < size ? used : size - 1] = '\0';
	return (long)used;
}

int jsonscan_key(struct jsonscan *scan, char *key, size_t size)
{
	int rc = next_item(scan);

	if (rc <= 0)
		return rc;
	if (scan_string(scan, key, size) < 0)
		return -1;
	snprintf(scan->key, sizeof(scan->key), "%s", key);
	for (char *c = scan->key; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	if (jsonscan_peek(scan) != ':')
		return expected(scan, "':'");
	scan->at++;
	return 1;
}

/* Where the number that begins at scan->at ends; *WHOLE: no fraction, no
 * exponent.  NULL when it is none in JSON's grammar.
 */
static const char *number_end(const struct jsonscan *scan, bool *whole)
{
	const char *c = scan->at;
	const char *digits;

#define DIGITS()                                                       \
	for (digits = c; c < scan->end && *c >= '0' && *c <= '9'; c++) \
		;                                                      \
	if (c == digits)                                               \
		return NULL;
	*whole = true;
	if (c < scan->end && *c == '-')
		c++;
	DIGITS();
	if (*digits == '0' && c - digits > 1)
		return NULL;
	if (c < scan->end && *c == '.') {
		*whole = false;
		c++;
		DIGITS();
	}
	if (c < scan->end && (*c == 'e' || *c == 'E')) {
		*whole = false;
		c++;
		if (c < scan->end && (*c == '+' || *c == '-'))
			c++;
		DIGITS();
	}
#undef DIGITS
	return c;
}

/* Why the number that was to be whole is not. */
static int number_refused(struct jsonscan *scan)
{
	bool whole;
	char c = jsonscan_peek(scan);
	const char *end = c == '-' || isdigit((unsigned char)c) ? number_end(scan, &whole) : NULL;
	int shown;

	if (!end)
		return expected(scan, "a whole number");
	shown = end - scan->at > 40 ? 40 : (int)(end - scan->at);
	if (!whole)
		return jsonscan_fail(scan, "%.*s is not a whole number", shown, scan->at);
	return jsonscan_fail(scan, "%.*s is out of range", shown, scan->at);
}

int jsonscan_u64(struct jsonscan *scan, uint64_t *number)
{
	char first = jsonscan_peek(scan);
	const char *c = scan->at;
	uint64_t sum = 0;

	if (first < '0' || first > '9')
		return number_refused(scan);
	for (; c < scan->end && *c >= '0' && *c <= '9'; c++) {
		uint64_t digit = (uint64_t)(*c - '0');

		if (c - scan->at >= 19 && sum > (UINT64_MAX - digit) / 10)
			return number_refused(scan);
		sum = sum * 10 + digit;
	}
	if ((first == '0' && c - scan->at > 1) ||
	    (c < scan->end && (*c == '.' || *c == 'e' || *c == 'E')))
		return number_refused(scan);
	scan->at = c;
	*number = sum;
	return 0;
}

int jsonscan_i64(struct jsonscan *scan, int64_t *number)
{
	bool negative = jsonscan_peek(scan) == '-';
	const char *start = scan->at;
	uint64_t magnitude;

	if (negative) {
		if (++scan->at == scan->end || !isdigit((unsigned char)*scan->at)) {
			scan->at = start;
			return number_refused(scan);
		}
	}
	if (jsonscan_u64(scan, &magnitude) < 0)
		return -1;
	if (magnitude > (uint64_t)INT64_MAX + negative) {
		scan->at = start;
		return number_refused(scan);
	}
	*number = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}

int jsonscan_real(struct jsonscan *scan, double *number)
{
	static locale_t c_locale;
	char text[64];
	const char *end;
	locale_t before;
	bool whole;

	jsonscan_peek(scan);
	end = scan->failed ? NULL : number_end(scan, &whole);
	if (!end)
		return expected(scan, "a number");
	if (end - scan->at >= (long)sizeof(text))
		return jsonscan_fail(scan, "a number of %ld digits", (long)(end - scan->at));
	memcpy(text, scan->at, (size_t)(end - scan->at));
	text[end - scan->at] = '\0';
	if (!c_locale)
		c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	before = uselocale(c_locale);
	*number = strtod(text, NULL);
	uselocale(before);
	scan->at = end;
	return 0;
}

/* WORD, when it is what comes next. */
static bool take_word(struct jsonscan *scan, const char *word)
{
	size_t length = strlen(word);

	jsonscan_peek(scan);
	if (scan->failed || (size_t)(scan->end - scan->at) < length ||
	    memcmp(scan->at, word, length))
		return false;
	scan->at += length;
	return true;
}

int jsonscan_bool(struct jsonscan *scan, bool *value)
{
	if (take_word(scan, "true"))
		*value = true;
	else if (take_word(scan, "false"))
		*value = false;
	else
		return expected(scan, "true or false");
	return 0;
}

int jsonscan_string(struct jsonscan *scan, char **text)
{
	const char *start;
	long length;
	char *copy;

	if (take_word(scan, "null")) {
		*text = NULL;
		return 0;
	}
	jsonscan_peek(scan);
	start = scan->at;
	length = scan_string(scan, NULL, 0);
	if (length < 0)
		return -1;
	copy = malloc((size_t)length + 1);
	if (!copy)
		return jsonscan_fail(scan, "%s", strerror(errno));
	scan->at = start;
	scan_string(scan, copy, (size_t)length + 1);
	*text = copy;
	return 0;
}

static int skip_brackets(struct jsonscan *scan, char bracket)
{
	char key[sizeof(scan->key)];
	int rc;

	if (jsonscan_open(scan, bracket) < 0)
		return -1;
	while ((rc = bracket == '{' ? jsonscan_key(scan, key, sizeof(key))
				    : jsonscan_element(scan)) > 0)
		if (jsonscan_skip(scan) < 0)
			return -1;
	return rc;
}

int jsonscan_skip(struct jsonscan *scan)
{
	double number;
	char c = jsonscan_peek(scan);

	if (c == '{' || c == '[')
		return skip_brackets(scan, c);
	if (c == '"')
		return scan_string(scan, NULL, 0) < 0 ? -1 : 0;
	if (c == '-' || (c >= '0' && c <= '9'))
		return jsonscan_real(scan, &number);
	if (take_word(scan, "true") || take_word(scan, "false") || take_word(scan, "null"))
		return 0;
	return expected(scan, "a value");
}

int jsonscan_end(struct jsonscan *scan)
{
	if (scan->failed)
		return -1;
	*scan->key = '\0';
	jsonscan_peek(scan);
	return scan->at == scan->end ? 0 : expected(scan, "the end of the file");
}

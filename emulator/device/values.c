/* SPDX-License-Identifier: Apache-2.0 */
#include "device/values.h"

#include "device/settings.h"

#include "units.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- numbers that do not depend on the program's locale --- */

static locale_t c_locale(void)
{
	static _Atomic(locale_t) kept;
	locale_t locale = kept;

	/* that of "C" is the C library's own: nothing is allocated */
	if (!locale)
		kept = locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return locale;
}

/* A decimal number at TEXT: what follows it, or NULL. */
static const char *read_number(const char *text, double *number)
{
	char *end;

	/* strtod() takes blanks, signs, hexadecimal, inf and nan as well */
	if (*text < '0' || *text > '9' || (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
		return NULL;
	*number = strtod_l(text, &end, c_locale());
	return isfinite(*number) ? end : NULL;
}

static const char *read_prefix(const char *text, double *scale)
{
	static const char names[] = "kMGT";
	const char *at = *text ? strchr(names, *text) : NULL;

	*scale = 1;
	if (!at)
		return text;
	for (long i = 0; i <= at - names; i++)
		*scale *= 1000;
	return text + 1;
}

int device_settings_rate(const char *text, double *rate)
{
	static const struct {
		const char *name;
		double scale; /* byte/s */
	} units[] = {
		{ "", 1 },
		{ "bit/s", 0.125 },
		{ "B/s", 1 },
		{ "byte/s", 1 },
	};
	double number, prefix;

	errno = EINVAL;
	if (strcmp(text, "none") == 0) {
		*rate = 0;
		return 0;
	}
	text = read_number(text, &number);
	if (!text)
		return -1;
	text = read_prefix(text, &prefix);
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		errno = ERANGE;
		number *= prefix * units[i].scale;
		if (!isfinite(number))
			return -1;
		*rate = number;
		return 0;
	}
	return -1;
}

/* --- kinds of values --- */

struct word {
	const char *name;
	uint32_t value;
};

static int bad(const struct key *key, const char *value, const char *what, struct err *err)
{
	return err_set(err, "%s='%s': %s", key->name, value, what);
}

static int parse_time(void *field, const struct key *key, const char *value, struct err *err)
{
	if (strcmp(value, "0") == 0) {
		*(int64_t *)field = 0;
		return 0;
	}
	if (units_duration(value, field) != 0)
		return bad(key, value,
			   errno == ERANGE ? "too long"
					   : "not a duration (a number and ns, us, ms or s)",
			   err);
	return *(int64_t *)field > (int64_t)key->max ? bad(key, value, "too long", err) : 0;
}

static void format_time(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%lldns", (long long)*(const int64_t *)field);
}

static int parse_rate(void *field, const struct key *key, const char *value, struct err *err)
{
	if (device_settings_rate(value, field) == 0)
		return 0;
	return bad(key, value, "not a rate (like 100Gbit/s or 12.5GB/s, or none)", err);
}

static void format_double(const void *field, char *buf, size_t size)
{
	locale_t before = uselocale(c_locale());

	snprintf(buf, size, "%.17g", *(const double *)field);
	uselocale(before);
}

int device_settings_loss(const char *text, double *loss)
{
	double number;
	const char *end = read_number(text, &number);

	if (end && strcmp(end, "%") == 0) {
		number /= 100;
		end++;
	}
	errno = !end || *end ? EINVAL : ERANGE;
	if (!end || *end || number > 1)
		return -1;
	*loss = number;
	return 0;
}

static int parse_loss(void *field, const struct key *key, const char *value, struct err *err)
{
	if (device_settings_loss(value, field) == 0)
		return 0;
	return bad(key, value,
		   errno == ERANGE ? "more than 1" : "not a probability (like 0.001 or 0.1%)", err);
}

static int read_count(const struct key *key, const char *value, uint64_t *number, struct err *err)
{
	char *end;

	errno = 0;
	*number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end)
		return bad(key, value, "not a number", err);
	if (errno || *number < key->min || *number > key->max)
		return err_set(err, "%s='%s': not between %llu and %llu", key->name, value,
			       (unsigned long long)key->min, (unsigned long long)key->max);
	return 0;
}

static int parse_count(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t number;

	if (read_count(key, value, &number, err))
		return -1;
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static void format_count(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%u", *(const uint32_t *)field);
}

static int parse_seed(void *field, const struct key *key, const char *value, struct err *err)
{
	return read_count(key, value, field, err);
}

static int parse_bytes(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t bytes;

	if (units_size(value, &bytes))
		return bad(key, value, "not a size (like 64k, 2MiB or 4096)", err);
	if (bytes < key->min || bytes > key->max)
		return err_set(err, "%s='%s': not between %llu and %llu", key->name, value,
			       (unsigned long long)key->min, (unsigned long long)key->max);
	*(uint64_t *)field = bytes;
	return 0;
}

static void format_long(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%llu", (unsigned long long)*(const uint64_t *)field);
}

static int parse_mtu(void *field, const struct key *key, const char *value, struct err *err)
{
	uint32_t mtu;

	if (parse_count(&mtu, key, value, err))
		return -1;
	if (mtu & (mtu - 1))
		return bad(key, value, "not one of 256, 512, 1024, 2048 and 4096", err);
	*(uint32_t *)field = mtu;
	return 0;
}

static const struct word *word_named(const struct word *words, const char *name)
{
	while (words->name && strcmp(words->name, name) != 0)
		words++;
	return words->name ? words : NULL;
}

/* The first word with VALUE: what is written. */
static void format_word(const struct word *words, uint32_t value, char *buf, size_t size)
{
	while (words->name && words->value != value)
		words++;
	snprintf(buf, size, "%s", words->name ? words->name : "");
}

/* A kind for an enum: its words, and what is said of others. */
#define WORDS(kind, type, what, ...)                                                    \
	static const struct word kind##_words[] = { __VA_ARGS__, { NULL, 0 } };         \
	static int parse_##kind(void *field, const struct key *key, const char *value,  \
				struct err *err)                                        \
	{                                                                               \
		const struct word *word = word_named(kind##_words, value);              \
                                                                                        \
		if (!word)                                                              \
			return bad(key, value, what, err);                              \
		*(type *)field = (type)word->value;                                     \
		return 0;                                                               \
	}                                                                               \
	static void format_##kind(const void *field, char *buf, size_t size)            \
	{                                                                               \
		format_word(kind##_words, (uint32_t) * (const type *)field, buf, size); \
	}

WORDS(flag, bool, "neither yes nor no", { "yes", true }, { "no", false })
WORDS(scope, bool, "neither job nor step", { "step", true }, { "job", false })
WORDS(link_layer, enum link_layer, "neither ib nor ethernet", { "ib", LINK_IB },
      { "ethernet", LINK_ETHERNET }, { "infiniband", LINK_IB }, { "roce", LINK_ETHERNET })
WORDS(transport, enum transport, "none of auto, direct and queue", { "auto", TRANSPORT_AUTO },
      { "direct", TRANSPORT_DIRECT }, { "queue", TRANSPORT_QUEUE })
WORDS(choice, enum device_choice, "none of auto, emulated, real and none", { "auto", DEVICE_AUTO },
      { "emulated", DEVICE_EMULATED }, { "real", DEVICE_REAL }, { "none", DEVICE_NONE })

static int parse_text(void *field, const struct key *key, const char *value, struct err *err)
{
	char *copy;

	if (!*value)
		return bad(key, value, "a value is missing", err);
	if (strlen(value) >= PATH_MAX)
		return err_set(err, "%s=: longer than %d bytes", key->name, PATH_MAX - 1);
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, "%s=: a control character in it", key->name);
	}
	copy = strdup(value);
	if (!copy)
		return err_errno(err, "unable to keep %s=", key->name);
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

static void format_text(const void *field, char *buf, size_t size)
{
	const char *text = *(char *const *)field;

	snprintf(buf, size, "%s", text ? text : "");
}

/* Names are part of keys, so of their characters. */
static int parse_name(void *field, const struct key *key, const char *value, struct err *err)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t length = strlen(value);

	if (*value < 'a' || *value > 'z' || strspn(value, chars) != length)
		return bad(key, value, "not a name (a-z, 0-9 and '_', a letter first)", err);
	if (length > key->max)
		return err_set(err, "%s='%s': longer than %llu characters", key->name, value,
			       (unsigned long long)key->max);
	memcpy(field, value, length + 1);
	return 0;
}

static void format_name(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

const struct kind kind_time = { parse_time, format_time, false };
const struct kind kind_rate = { parse_rate, format_double, false };
const struct kind kind_loss = { parse_loss, format_double, false };
const struct kind kind_count = { parse_count, format_count, false };
const struct kind kind_seed = { parse_seed, format_long, false };
const struct kind kind_bytes = { parse_bytes, format_long, false };
const struct kind kind_mtu = { parse_mtu, format_count, false };
const struct kind kind_flag = { parse_flag, format_flag, false };
const struct kind kind_scope = { parse_scope, format_scope, false };
const struct kind kind_link_layer = { parse_link_layer, format_link_layer, false };
const struct kind kind_transport = { parse_transport, format_transport, false };
const struct kind kind_choice = { parse_choice, format_choice, false };
const struct kind kind_text = { parse_text, format_text, true };
const struct kind kind_name = { parse_name, format_name, false };

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/settings.h"

#include "kvlist.h"
#include "units.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stddef.h>
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

struct key {
	const char *name;
	const struct kind *kind;
	size_t offset;
	uint64_t min, max;
	bool network; /* asks for a network */
};

struct kind {
	int (*parse)(void *field, const struct key *key, const char *value, struct err *err);
	/* as text in BUF; nothing depends on the locale */
	void (*format)(const void *field, char *buf, size_t size);
	size_t size;
	bool text; /* owned */
};

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

static int parse_loss(void *field, const struct key *key, const char *value, struct err *err)
{
	double number;
	const char *end = read_number(value, &number);

	if (end && strcmp(end, "%") == 0) {
		number /= 100;
		end++;
	}
	if (!end || *end)
		return bad(key, value, "not a probability (like 0.001 or 0.1%)", err);
	if (number > 1)
		return bad(key, value, "more than 1", err);
	*(double *)field = number;
	return 0;
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

static const struct kind kind_time = { parse_time, format_time, sizeof(int64_t), false };
static const struct kind kind_rate = { parse_rate, format_double, sizeof(double), false };
static const struct kind kind_loss = { parse_loss, format_double, sizeof(double), false };
static const struct kind kind_count = { parse_count, format_count, sizeof(uint32_t), false };
static const struct kind kind_seed = { parse_seed, format_long, sizeof(uint64_t), false };
static const struct kind kind_bytes = { parse_bytes, format_long, sizeof(uint64_t), false };
static const struct kind kind_mtu = { parse_mtu, format_count, sizeof(uint32_t), false };
static const struct kind kind_flag = { parse_flag, format_flag, sizeof(bool), false };
static const struct kind kind_scope = { parse_scope, format_scope, sizeof(bool), false };
static const struct kind kind_link_layer = { parse_link_layer, format_link_layer,
					     sizeof(enum link_layer), false };
static const struct kind kind_transport = { parse_transport, format_transport,
					    sizeof(enum transport), false };
static const struct kind kind_choice = { parse_choice, format_choice, sizeof(enum device_choice),
					 false };
static const struct kind kind_text = { parse_text, format_text, sizeof(char *), true };
static const struct kind kind_name = { parse_name, format_name, 16, false };

/* --- the keys --- */

#define MINUTE   (60 * 1000000000ULL)
#define NUMBERED 65000 /* what has numbers of 24 bits */
#define KEYED    ((1U << 24) - 1)

/* NAME, kind, member, from, to, whether it asks for a network, help */
#define OF_ALL(X)                                                                                  \
	X(device, choice, device, 0, 0, false, "auto|emulated|real|none  which device a job gets") \
	X(devices, count, devices, 1, SETTINGS_DEVICES, false, "N  devices of each node")          \
	X(dir, text, dir, 0, 0, false, "DIR  where the run directory goes")                        \
	X(faults, text, faults, 0, 0, true, "FILE  what fails when")                               \
	X(jitter, time, jitter, 0, MINUTE, true, "TIME  is added to the latency, at most")         \
	X(latency, time, latency, 0, MINUTE, true, "TIME  from end to end, one way")               \
	X(routing, text, routing, 0, 0, true, "ALGORITHM  routes in the topology")                 \
	X(scope, scope, step_scope, 0, 0, false, "job|step  who shares the network")               \
	X(seed, seed, seed, 0, UINT64_MAX, false, "N  of losses and jitter")                       \
	X(topology, text, topology, 0, 0, true, "SPEC  the network; without it, a star")

#define OF_ONE(X)                                                                                 \
	X(link_layer, link_layer, link_layer, 0, 0, false, "ib|ethernet  what the ports are")     \
	X(loss, loss, loss, 0, 0, true, "P  probability that a packet it sends is lost")          \
	X(max_ah, count, limits.max_ah, 1, INT32_MAX, false, "N  address handles")                \
	X(max_cq, count, limits.max_cq, 1, KEYED, false, "N  completion queues")                  \
	X(max_cqe, count, limits.max_cqe, 1, 1U << 22, false, "N  entries of one")                \
	X(max_dm, count, limits.max_dm, 0, KEYED, false, "N  pieces of device memory")            \
	X(max_dm_size, bytes, limits.max_dm_size, 0, 1ULL << 30, false, "SIZE  of one")           \
	X(max_inline, count, limits.max_inline, 0, 4096, false, "N  bytes of inline data")        \
	X(max_mcast_grp, count, limits.max_mcast_grp, 0, 65535, false, "N  multicast groups")     \
	X(max_mcast_qp, count, limits.max_mcast_qp, 0, GROUP_MEMBERS, false,                      \
	  "N  queue pairs in one")                                                                \
	X(max_mr, count, limits.max_mr, 1, KEYED, false, "N  memory regions")                     \
	X(max_mr_size, bytes, limits.max_mr_size, 1, 1ULL << 63, false, "SIZE  of one")           \
	X(max_mw, count, limits.max_mw, 0, KEYED, false, "N  memory windows")                     \
	X(max_pd, count, limits.max_pd, 1, KEYED, false, "N  protection domains")                 \
	X(max_qp, count, limits.max_qp, 1, NUMBERED, false, "N  queue pairs")                     \
	X(max_qp_wr, count, limits.max_qp_wr, 1, 1U << 20, false, "N  requests in a queue")       \
	X(max_rd_atomic, count, limits.max_rd_atomic, 1, 255, false,                              \
	  "N  reads and atomics of a queue pair at once")                                         \
	X(max_sge, count, limits.max_sge, 1, 32, false, "N  pieces of a request")                 \
	X(max_srq, count, limits.max_srq, 0, NUMBERED, false, "N  shared receive queues")         \
	X(max_srq_sge, count, limits.max_srq_sge, 1, 32, false, "N  pieces of a request in one")  \
	X(max_srq_wr, count, limits.max_srq_wr, 1, 1U << 20, false, "N  requests in one")         \
	X(max_xrcd, count, limits.max_xrcd, 0, KEYED, false, "N  XRC domains")                    \
	X(mtu, mtu, mtu, 256, 4096, false, "256|512|1024|2048|4096  bytes of a packet's payload") \
	X(name, name, name, 0, sizeof(((struct one_device *)0)->name) - 3, false,                 \
	  "NAME  devices are NAME0, NAME1, ...; of one device: its name")                         \
	X(rate, rate, rate, 0, 0, true, "RATE  of its links (100Gbit/s, 12.5GB/s, none)")         \
	X(strict, flag, strict, 0, 0, false, "yes|no  check what programs must not do")           \
	X(transport, transport, transport, 0, 0, false,                                           \
	  "auto|direct|queue  how data get to another process")

#define KEY_OF_ALL(key, kind, member, min, max, network, help) \
	{ #key, &kind_##kind, offsetof(struct device_settings, member), min, max, network },
#define KEY_OF_ONE(key, kind, member, min, max, network, help) \
	{ #key, &kind_##kind, offsetof(struct one_device, member), min, max, network },
#define HELP(key, kind, member, min, max, network, help) #key "=" help "\n"

static const struct key keys_of_all[] = { OF_ALL(KEY_OF_ALL) };
static const struct key keys_of_one[] = { OF_ONE(KEY_OF_ONE) };

const char *const device_settings_help = OF_ALL(HELP) OF_ONE(HELP);

static const struct device_limits default_limits = {
	.max_qp = NUMBERED,
	.max_qp_wr = 16384,
	.max_sge = 30,
	.max_inline = 236,
	.max_cq = KEYED,
	.max_cqe = (1U << 22) - 1,
	.max_mr = KEYED,
	.max_mw = KEYED,
	.max_pd = KEYED,
	.max_srq = NUMBERED,
	.max_srq_wr = 32767,
	.max_srq_sge = 30,
	.max_ah = INT32_MAX,
	.max_rd_atomic = 16,
	.max_mcast_grp = 8192,
	.max_mcast_qp = GROUP_MEMBERS,
	.max_xrcd = 65535,
	.max_dm = 65535,
	.max_mr_size = 1ULL << 63,
	.max_dm_size = 256 * 1024,
};

/* --- settings --- */

static void number_names(struct device_settings *settings, const char *prefix)
{
	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++)
		snprintf(settings->one[i].name, sizeof(settings->one[i].name), "%.13s%u", prefix,
			 i);
}

int device_settings_init(struct device_settings *settings)
{
	*settings = (struct device_settings){ .seed = 1, .devices = 1 };
	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++)
		settings->one[i] = (struct one_device){
			.mtu = 4096,
			.link_layer = LINK_IB,
			.limits = default_limits,
		};
	number_names(settings, "netemu");
	return 0;
}

static char **owned(struct device_settings *settings, size_t i)
{
	return (char **)((char *)settings + keys_of_all[i].offset);
}

void device_settings_release(struct device_settings *settings)
{
	for (size_t i = 0; i < COUNT(keys_of_all); i++) {
		if (!keys_of_all[i].kind->text)
			continue;
		free(*owned(settings, i));
		*owned(settings, i) = NULL;
	}
}

static int copy(struct device_settings *to, const struct device_settings *from, struct err *err)
{
	bool whole = true;

	*to = *from;
	for (size_t i = 0; i < COUNT(keys_of_all); i++) {
		char **text = owned(to, i);

		if (!keys_of_all[i].kind->text || !*text)
			continue;
		*text = strdup(*text);
		whole = whole && *text;
	}
	if (whole)
		return 0;
	device_settings_release(to);
	return err_errno(err, "unable to copy settings");
}

static const struct key *key_named(const struct key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

static struct one_device *device_called(struct device_settings *settings, const char *text,
					size_t length, bool numbered)
{
	char name[32];

	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++) {
		if (numbered)
			snprintf(name, sizeof(name), "netemu%u", i);
		else
			snprintf(name, sizeof(name), "%s", settings->one[i].name);
		if (strlen(name) == length && memcmp(name, text, length) == 0)
			return &settings->one[i];
	}
	return NULL;
}

/* "netemu1.rate" or "ib0.rate": the device, and what stands behind the point. */
static struct one_device *device_named(struct device_settings *settings, const char *text,
				       const char **key)
{
	size_t length = strcspn(text, ".");
	struct one_device *one = device_called(settings, text, length, true);

	*key = text + length + 1;
	return one ? one : device_called(settings, text, length, false);
}

static int set(struct device_settings *settings, void *base, const struct key *key,
	       const char *value, struct err *err)
{
	if (key->kind->parse((char *)base + key->offset, key, value, err))
		return -1;
	settings->network_given = settings->network_given || key->network;
	return 0;
}

static int set_all(struct device_settings *settings, const struct key *key, const char *value,
		   struct err *err)
{
	if (key->kind == &kind_name) {
		char prefix[sizeof(settings->one[0].name)];

		if (parse_name(prefix, key, value, err))
			return -1;
		number_names(settings, prefix);
		return 0;
	}
	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++) {
		if (set(settings, &settings->one[i], key, value, err))
			return -1;
	}
	return 0;
}

static int set_one(struct device_settings *settings, const struct kvlist_item *item,
		   struct err *err)
{
	const char *name;
	struct one_device *one = device_named(settings, item->key, &name);
	const struct key *key = key_named(keys_of_one, COUNT(keys_of_one), name);
	struct key whole;

	if (!one)
		return err_set(err, "'%s': no such device", item->key);
	if (!key)
		return err_set(err, "unknown key '%s'", item->key);
	whole = *key;
	whole.name = item->key;
	return set(settings, one, &whole, item->value, err);
}

static int set_item(struct device_settings *settings, const struct kvlist_item *item,
		    struct err *err)
{
	const struct key *key = key_named(keys_of_all, COUNT(keys_of_all), item->key);

	if (key)
		return set(settings, settings, key, item->value, err);
	key = key_named(keys_of_one, COUNT(keys_of_one), item->key);
	if (key)
		return set_all(settings, key, item->value, err);
	return err_set(err, "unknown key '%s'", item->key);
}

static int set_word(struct device_settings *settings, const char *word, struct err *err)
{
	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return err_set(err, "'%s': neither yes, no nor KEY=VALUE", word);
	settings->enabled = strcmp(word, "yes") == 0;
	return 0;
}

/* What is said of all devices first, so what is said of one holds wherever it stands. */
static int set_items(struct device_settings *settings, const struct kvlist *list, struct err *err)
{
	settings->enabled = settings->enabled || list->count;
	for (size_t i = 0; i < list->count; i++) {
		const struct kvlist_item *item = &list->items[i];

		if (!*item->key ? set_word(settings, item->value, err)
				: !strchr(item->key, '.') && set_item(settings, item, err))
			return -1;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (strchr(list->items[i].key, '.') && set_one(settings, &list->items[i], err))
			return -1;
	}
	return 0;
}

static int check_names(const struct device_settings *settings, struct err *err)
{
	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(settings->one[i].name, settings->one[j].name) == 0)
				return err_set(err, "two devices are called '%s'",
					       settings->one[i].name);
		}
	}
	return 0;
}

int device_settings_parse(struct device_settings *settings, const char *text, struct err *err)
{
	struct device_settings changed;
	struct kvlist list;
	int rc;

	if (copy(&changed, settings, err))
		return -1;
	rc = kvlist_parse(&list, text, err);
	if (!rc) {
		rc = set_items(&changed, &list, err);
		kvlist_release(&list);
	}
	if (rc || check_names(&changed, err)) {
		device_settings_release(&changed);
		return -1;
	}
	device_settings_release(settings);
	*settings = changed;
	return 0;
}

/* --- as text --- */

/* KEY=VALUE of BASE, or nothing when it is what it is in DEFAULTS. */
static void write_key(FILE *file, const char *of, const struct key *key, const void *base,
		      const void *defaults)
{
	char value[PATH_MAX], usual[PATH_MAX];

	key->kind->format((const char *)base + key->offset, value, sizeof(value));
	key->kind->format((const char *)defaults + key->offset, usual, sizeof(usual));
	if (strcmp(value, usual) != 0)
		fprintf(file, ",%s%s=%s", of, key->name, value);
}

/* All have what the first has. */
static bool same_for_all(const struct device_settings *settings, const struct key *key)
{
	char first[64], other[64];

	key->kind->format((const char *)&settings->one[0] + key->offset, first, sizeof(first));
	for (uint32_t i = 1; i < SETTINGS_DEVICES; i++) {
		key->kind->format((const char *)&settings->one[i] + key->offset, other,
				  sizeof(other));
		if (strcmp(first, other) != 0)
			return false;
	}
	return true;
}

/* Keys that are sorted in two tables, as one sorted list. */
static void write_common(FILE *file, const struct device_settings *settings,
			 const struct device_settings *defaults)
{
	size_t i = 0, j = 0;

	while (i < COUNT(keys_of_all) || j < COUNT(keys_of_one)) {
		const struct key *all = i < COUNT(keys_of_all) ? &keys_of_all[i] : NULL;
		const struct key *one = j < COUNT(keys_of_one) ? &keys_of_one[j] : NULL;

		if (all && (!one || strcmp(all->name, one->name) < 0)) {
			write_key(file, "", all, settings, defaults);
			i++;
			continue;
		}
		if (same_for_all(settings, one))
			write_key(file, "", one, &settings->one[0], &defaults->one[0]);
		j++;
	}
}

static void write_one(FILE *file, const struct device_settings *settings,
		      const struct device_settings *defaults, uint32_t device)
{
	char of[32];

	snprintf(of, sizeof(of), "netemu%u.", device);
	for (size_t i = 0; i < COUNT(keys_of_one); i++) {
		if (!same_for_all(settings, &keys_of_one[i]))
			write_key(file, of, &keys_of_one[i], &settings->one[device],
				  &defaults->one[device]);
	}
}

char *device_settings_format(const struct device_settings *settings)
{
	struct device_settings defaults;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	device_settings_init(&defaults);
	fputs(settings->enabled ? "yes" : "no", file);
	write_common(file, settings, &defaults);
	for (uint32_t i = 0; i < SETTINGS_DEVICES; i++)
		write_one(file, settings, &defaults, i);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

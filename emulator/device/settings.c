/* SPDX-License-Identifier: Apache-2.0 */
#include "device/settings.h"

#include "device/kinds.h"

#include "kvlist.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
	X(max_dm_size, bytes, limits.max_dm_size, 0, 1ULL << 30, false, "SIZE  of all together")  \
	X(max_inline, count, limits.max_inline, 0, 4096, false, "N  bytes of inline data")        \
	X(max_mcast_grp, count, limits.max_mcast_grp, 0, 65535, false, "N  multicast groups")     \
	X(max_mcast_qp, count, limits.max_mcast_qp, 0, GROUP_MEMBERS, false,                      \
	  "N  queue pairs in one")                                                                \
	X(max_mr, count, limits.max_mr, 1, KEYED, false, "N  memory regions")                     \
	X(max_mr_size, bytes, limits.max_mr_size, 1, 1ULL << 63, false, "SIZE  of all together")  \
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
	settings->network_given = settings->network_given || key->special;
	return 0;
}

static int set_all(struct device_settings *settings, const struct key *key, const char *value,
		   struct err *err)
{
	if (key->kind == &kind_name) {
		char prefix[sizeof(settings->one[0].name)];

		if (key->kind->parse(prefix, key, value, err))
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
	const struct key *key = values_key(keys_of_one, COUNT(keys_of_one), name);
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
	const struct key *key = values_key(keys_of_all, COUNT(keys_of_all), item->key);

	if (key)
		return set(settings, settings, key, item->value, err);
	key = values_key(keys_of_one, COUNT(keys_of_one), item->key);
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

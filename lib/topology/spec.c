/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/build.h"
#include "topology/order.h"
#include "topology/readers.h"
#include "topology/shape.h"
#include "topology/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 65536 /* bytes of a file by which its format is known */

/* What stands behind a SPEC. */
struct options {
	uint32_t slots;  /* 0: as they are */
	double rate;     /* byte/s; 0: as they are */
	double capacity; /* without a unit; 0: as they are */
	enum topology_order order;
};

/* KIND:FILE[:FILE]: one that says what its file is. */
static const struct reader {
	const char *kind;
	int files; /* at most */
	int (*read)(struct topology *topology, const char *const *files, struct err *err);
} readers[] = {
	{ "graphml", 1, read_graphml },
	{ "ib", 2, read_ib },
	{ "slurm", 1, read_slurm },
};

/* Files by their first bytes, NUL-terminated; asked in this order. */
static const struct format {
	bool (*is)(const char *head, size_t size);
	int (*read)(struct topology *topology, const char *const *files, struct err *err);
} formats[] = {
	{ is_graphml, read_graphml },
	{ is_ib, read_ib },
	{ is_slurm, read_slurm },
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Does SPEC begin with KIND and a ':'?  Returns what stands behind it, or NULL. */
static const char *behind(const char *spec, const char *kind)
{
	size_t length = strlen(kind);

	return strncmp(spec, kind, length) == 0 && spec[length] == ':' ? spec + length + 1 : NULL;
}

static int set_slots(struct options *options, const char *value, const char *spec, struct err *err)
{
	char *end;
	unsigned long slots;

	errno = 0;
	slots = *value >= '0' && *value <= '9' ? strtoul(value, &end, 10) : 0;
	if (slots == 0 || *end || errno || slots > UINT32_MAX)
		return err_set(err, "'%s': slots '%s' is not a number of at least 1", spec, value);
	options->slots = (uint32_t)slots;
	return 0;
}

static int set_rate(struct options *options, const char *value, const char *spec, struct err *err)
{
	if (topology_rate(value, &options->rate) == 0)
		return 0;
	return err_set(err, "'%s': rate '%s' is not like 100Gbit/s or 12.5GB/s", spec, value);
}

static int set_capacity(struct options *options, const char *value, const char *spec,
			struct err *err)
{
	char *end;

	options->capacity = strtod(value, &end);
	if (end != value && !*end && isfinite(options->capacity) && options->capacity > 0)
		return 0;
	return err_set(err, "'%s': capacity '%s' is not a number above 0", spec, value);
}

static int set_order(struct options *options, const char *value, const char *spec, struct err *err)
{
	if (strcmp(value, "name") == 0)
		options->order = TOPOLOGY_BY_NAME;
	else if (strcmp(value, "lid") == 0)
		options->order = TOPOLOGY_BY_LID;
	else
		return err_set(err, "'%s': order '%s' is not name or lid", spec, value);
	return 0;
}

static const struct option {
	const char *key;
	int (*set)(struct options *options, const char *value, const char *spec, struct err *err);
} option_table[] = {
	{ "slots", set_slots },
	{ "rate", set_rate },
	{ "capacity", set_capacity },
	{ "order", set_order },
};

/* The `@KEY=VALUE` that ends TEXT, or NULL: other '@' belong to a file's name. */
static char *last_option(char *text)
{
	char *at = strrchr(text, '@');
	size_t key = at ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

	return key && at[1 + key] == '=' ? at : NULL;
}

/* Take the options off TEXT, a copy of SPEC; of two of a kind the last counts. */
static int take_options(char *text, struct options *options, const char *spec, struct err *err)
{
	unsigned seen = 0;
	char *at;

	while ((at = last_option(text))) {
		char *value = strchr(at, '=') + 1;
		struct options first = { 0 };
		size_t i = 0;

		*at = '\0';
		value[-1] = '\0';
		while (i < COUNT(option_table) && strcmp(option_table[i].key, at + 1) != 0)
			i++;
		if (i == COUNT(option_table))
			return err_set(err, "'%s': '@%s' is not @slots, @rate, @capacity or @order",
				       spec, at + 1);
		if (option_table[i].set(seen & 1u << i ? &first : options, value, spec, err) < 0)
			return -1;
		seen |= 1u << i;
	}
	return 0;
}

static void apply(struct topology *topology, const struct options *options)
{
	double capacity = options->rate ? options->rate : options->capacity;

	for (uint32_t i = 0; options->slots && i < topology->net.nodes; i++)
		if (topology->nodes[i].is_host)
			topology->nodes[i].slots = options->slots;
	if (!capacity)
		return;
	for (uint32_t i = 0; i < topology->net.links; i++)
		topology->build->link[i].capacity = capacity;
	topology->unit = options->rate ? TOPOLOGY_UNIT_BYTE : TOPOLOGY_UNIT_NONE;
}

/* FILE seen from BASE: malloc'ed. */
static char *resolve(const char *file, const char *base)
{
	char *path;

	if (!base || *file == '/')
		return strdup(file);
	return asprintf(&path, "%s/%s", base, file) < 0 ? NULL : path;
}

/* That PATH is not there: perhaps a kind was meant. */
static void no_file(const char *path, struct err *err)
{
	char kinds[128];

	if (errno == ENOENT && strchr(path, ':'))
		err_set(err, "'%s': no such file, and not one of %s", path,
			shape_kinds(kinds, sizeof(kinds)));
}

static const struct format *find_format(const char *path, struct err *err)
{
	char head[HEAD];
	ssize_t size = textfile_head(path, head, sizeof(head), err);

	if (size < 0) {
		no_file(path, err);
		return NULL;
	}
	for (size_t i = 0; i < COUNT(formats); i++)
		if (formats[i].is(head, (size_t)size))
			return &formats[i];
	err_set(err,
		"%s: not GraphML, the output of ibnetdiscover, opensm-subnet.lst or Slurm's "
		"topology.conf",
		path);
	return NULL;
}

/* TEXT has no options any more. */
static int read_file(struct topology *topology, const char *text, const char *base, struct err *err)
{
	const struct format *format;
	char *path = resolve(text, base);
	int rc = -1;

	if (!path)
		return err_errno(err, "'%s'", text);
	format = find_format(path, err);
	if (format && topology_init(topology, path, err) == 0)
		rc = format->read(topology, (const char *const[]){ path, NULL }, err);
	free(path);
	return rc;
}

/* NAMES is changed: files joined by ':'. */
static int read_files(struct topology *topology, const struct reader *reader, char *names,
		      const char *base, const char *spec, struct err *err)
{
	char *paths[3] = { NULL };
	char *name;
	int n = 0, rc = 0;

	while (rc == 0 && (name = strsep(&names, ":"))) {
		if (n == reader->files)
			rc = err_set(err, "'%s': more than %d file%s", spec, n, n == 1 ? "" : "s");
		else if (!*name)
			rc = err_set(err, "'%s': the name of a file is missing", spec);
		else if (!(paths[n++] = resolve(name, base)))
			rc = err_errno(err, "'%s'", spec);
	}
	if (rc == 0)
		rc = topology_init(topology, paths[0], err);
	if (rc == 0)
		rc = reader->read(topology, (const char *const *)paths, err);
	while (n--)
		free(paths[n]);
	return rc;
}

static int make(struct topology *topology, char *text, const char *base, const char *spec,
		struct err *err)
{
	const char *args;
	shape_generate_fn *generate = shape_find(text, &args);

	if (generate)
		return topology_init(topology, spec, err) < 0 ? -1 : generate(topology, args, err);
	for (size_t i = 0; i < COUNT(readers); i++)
		if (behind(text, readers[i].kind))
			return read_files(topology, &readers[i], strchr(text, ':') + 1, base, spec,
					  err);
	return read_file(topology, text, base, err);
}

int topology_open(struct topology *topology, const char *spec, const char *base, struct err *err)
{
	struct options options = { 0 };
	struct topology made = { 0 };
	char *text = strdup(spec);
	int rc;

	if (!text)
		return err_errno(err, "'%s'", spec);
	rc = take_options(text, &options, spec, err);
	if (rc == 0 && !*text)
		rc = err_set(err, "'%s': no topology", spec);
	if (rc == 0)
		rc = make(&made, text, base, spec, err);
	free(text);
	if (rc == 0)
		rc = topology_sort(&made, options.order, err);
	if (rc == 0) {
		apply(&made, &options);
		rc = topology_finish(&made, err);
	}
	if (rc == 0 && made.build->shape)
		rc = shape_adopt(&made, made.build->shape, err);
	if (rc < 0) {
		topology_release(&made);
		return -1;
	}
	*topology = made;
	return 0;
}

static int each_file(char *text, int (*each)(void *arg, const char *file), void *arg)
{
	const char *args;
	char *names, *name;
	int rc = 0;

	if (shape_find(text, &args))
		return 0;
	for (size_t i = 0; i < COUNT(readers); i++) {
		if (!behind(text, readers[i].kind))
			continue;
		names = strchr(text, ':') + 1;
		while (rc == 0 && (name = strsep(&names, ":")))
			if (*name)
				rc = each(arg, name);
		return rc;
	}
	return *text ? each(arg, text) : 0;
}

int topology_files(const char *spec, int (*each)(void *arg, const char *file), void *arg)
{
	struct options options = { 0 };
	char *text = strdup(spec);
	int rc = 0;

	if (!text)
		return -1;
	if (take_options(text, &options, spec, NULL) == 0)
		rc = each_file(text, each, arg);
	free(text);
	return rc;
}

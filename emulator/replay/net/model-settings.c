/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model.h"

#include "kvlist.h"
#include "run/yaml.h"
#include "topology/topology.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#define GIB         ((double)(1 << 30))
#define LATENCY_MAX 1e15 /* ns */

enum word {
	WORD_TOPOLOGY,
	WORD_NPUS,
	WORD_BANDWIDTH,
	WORD_LATENCY,
	WORD_CONGESTION,
	WORD_ROUTING,
	WORD_SEED,
	WORDS,
};

static const char *const names[WORDS] = {
	[WORD_TOPOLOGY] = "topology",
	[WORD_NPUS] = "npus_count",
	[WORD_BANDWIDTH] = "bandwidth",
	[WORD_LATENCY] = "latency",
	[WORD_CONGESTION] = "congestion",
	[WORD_ROUTING] = "routing",
	[WORD_SEED] = "seed",
};

/* What is said, whatever form it was said in: lists with '+' or ',' between. */
struct said {
	char *text[WORDS]; /* NULL: nothing; owned */
	char where[256];   /* "net.yml: " */
};

static void said_release(struct said *said)
{
	for (int i = 0; i < WORDS; i++)
		free(said->text[i]);
}

static int word_of(const char *name)
{
	for (int i = 0; i < WORDS; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static int bad(const struct said *said, enum word word, const char *what, struct err *err)
{
	return err_set(err, "%s%s='%.128s': %s", said->where, names[word], said->text[word], what);
}

static int say(struct said *said, enum word word, const char *text, struct err *err)
{
	free(said->text[word]);
	said->text[word] = strdup(text);
	return said->text[word] ? 0 : err_errno(err, "no room for settings");
}

/* --- KEY=VALUE --- */

static int say_list(struct said *said, const char *text, struct err *err)
{
	struct kvlist list;
	int rc = 0;

	if (kvlist_parse(&list, text, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count && rc == 0; i++) {
		int word = word_of(list.items[i].key);

		if (word < 0)
			rc = err_set(err,
				     "%s'%.64s': no such setting of the model (topology, "
				     "npus_count, bandwidth, latency, congestion, routing, seed)",
				     said->where,
				     list.items[i].key[0] ? list.items[i].key
							  : list.items[i].value);
		else
			rc = say(said, (enum word)word, list.items[i].value, err);
	}
	kvlist_release(&list);
	return rc;
}

/* --- a network file of ASTRA-sim --- */

static int join_items(const struct yaml_node *node, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	if (node->kind == YAML_SCALAR) {
		length = (size_t)snprintf(text, size, "%s", node->text);
		return length < size ? 0 : -1;
	}
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++) {
		if (node->items[i].kind != YAML_SCALAR || length >= size)
			return -1;
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "+" : "",
					   node->items[i].text);
	}
	return node->kind == YAML_LIST && node->count && length < size ? 0 : -1;
}

static int say_yaml(struct said *said, const char *path, const struct yaml_node *root,
		    struct err *err)
{
	char text[1024];

	if (root->kind != YAML_MAP)
		return err_set(err, "%s: is no mapping of topology, npus_count, bandwidth, latency",
			       path);
	for (size_t i = 0; i < root->count; i++) {
		int word = word_of(root->items[i].key);

		if (word < 0)
			continue;
		if (join_items(&root->items[i], text, sizeof(text)) < 0)
			return err_set(err, "%s:%u: '%s' is no value and no list of them", path,
				       root->items[i].line, names[word]);
		if (say(said, (enum word)word, text, err) < 0)
			return -1;
	}
	return 0;
}

static int check_whole(const struct said *said, struct err *err)
{
	static const enum word needed[] = { WORD_TOPOLOGY, WORD_BANDWIDTH, WORD_LATENCY };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!said->text[needed[i]])
			return err_set(err, "%s'%s' is missing", said->where, names[needed[i]]);
	return 0;
}

static int say_file(struct said *said, const char *path, struct err *err)
{
	struct yaml_node root;
	int rc;

	if (yaml_read(&root, path, err) < 0)
		return -1;
	rc = say_yaml(said, path, &root, err);
	yaml_release(&root);
	return rc < 0 ? -1 : check_whole(said, err);
}

/* Whether the first line that says something is one of YAML or JSON: 'key: value'. */
static int is_yaml(const char *path, bool *yaml, struct err *err)
{
	FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		return err_errno(err, "unable to open '%s'", path);
	*yaml = false;
	while (fgets(line, sizeof(line), file)) {
		const char *at = line + strspn(line, " \t\r\n");

		if (*at == '\0' || *at == '#')
			continue;
		at += strcspn(at, "=:{[-");
		*yaml = *at && *at != '=';
		break;
	}
	fclose(file);
	return 0;
}

static int say_all(struct said *said, const char *text, struct err *err)
{
	bool yaml = false;

	if (text[0] != '@')
		return say_list(said, text, err);
	snprintf(said->where, sizeof(said->where), "%s: ", text + 1);
	if (is_yaml(text + 1, &yaml, err) < 0)
		return -1;
	return yaml ? say_file(said, text + 1, err) : say_list(said, text, err);
}

/* --- lists of values --- */

struct values {
	char *text;
	char *item[MODEL_DIMS];
	uint32_t count;
};

static int split(const struct said *said, enum word word, struct values *values, struct err *err)
{
	char *at, *save;

	*values = (struct values){ 0 };
	if (!said->text[word])
		return 0;
	values->text = strdup(said->text[word]);
	if (!values->text)
		return err_errno(err, "no room for settings");
	for (at = strtok_r(values->text, "+, ", &save); at; at = strtok_r(NULL, "+, ", &save)) {
		if (values->count == MODEL_DIMS)
			return bad(said, word, "too many dimensions", err);
		values->item[values->count++] = at;
	}
	return values->count ? 0 : bad(said, word, "is empty", err);
}

static int parse_number(const char *text, double *number)
{
	char *end;

	if (*text < '0' || *text > '9' || strpbrk(text, "xX"))
		return -1;
	*number = strtod(text, &end);
	return *end || !isfinite(*number) ? -1 : 0;
}

static int parse_kind(const char *text, void *value)
{
	static const struct {
		const char *name;
		enum model_kind kind;
	} kinds[] = {
		{ "Ring", MODEL_RING },
		{ "Switch", MODEL_SWITCH },
		{ "FullyConnected", MODEL_FULL },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcasecmp(text, kinds[i].name) == 0) {
			*(enum model_kind *)value = kinds[i].kind;
			return 0;
		}
	return -1;
}

static int parse_npus(const char *text, void *value)
{
	double number;

	if (parse_number(text, &number) < 0 || number < 1 || number > UINT32_MAX ||
	    number != floor(number))
		return -1;
	*(uint32_t *)value = (uint32_t)number;
	return 0;
}

static int parse_bandwidth(const char *text, void *value)
{
	double rate;

	if (parse_number(text, &rate) == 0)
		rate *= GIB;
	else if (topology_rate(text, &rate) < 0)
		return -1;
	if (rate < 1 || !isfinite(rate))
		return -1;
	*(double *)value = rate;
	return 0;
}

static int parse_latency(const char *text, void *value)
{
	double number;
	int64_t ns;

	if (parse_number(text, &number) < 0) {
		if (units_duration(text, &ns) < 0)
			return -1;
		number = (double)ns;
	}
	if (number > LATENCY_MAX)
		return -1;
	*(double *)value = number;
	return 0;
}

/* One key that has a value for each dimension. */
struct list {
	enum word word;
	int (*parse)(const char *text, void *value);
	size_t offset, size; /* in struct model_settings, of one */
	const char *what;
};

#define LIST(word, parse, field, what)                                       \
	{                                                                    \
		word, parse, offsetof(struct model_settings, field),         \
			sizeof(((struct model_settings *)0)->field[0]), what \
	}

static const struct list lists[] = {
	LIST(WORD_TOPOLOGY, parse_kind, kind,
	     "is no Ring, Switch or FullyConnected, nor a SPEC or file of a topology"),
	LIST(WORD_NPUS, parse_npus, npus, "is no number of ranks"),
	LIST(WORD_BANDWIDTH, parse_bandwidth, bandwidth,
	     "is no bandwidth in GB/s and has no unit as in 100Gbit/s"),
	LIST(WORD_LATENCY, parse_latency, latency, "is no latency in ns and has no unit as in 2us"),
};

#define LISTS (sizeof(lists) / sizeof(*lists))

static int fill(struct model_settings *settings, const struct list *list,
		const struct values *values, const struct said *said, struct err *err)
{
	char *field = (char *)settings + list->offset;

	if (!values->count)
		return 0;
	if (values->count != 1 && values->count != settings->dims)
		return err_set(err, "%s%s='%.128s': has %u values for %u dimensions", said->where,
			       names[list->word], said->text[list->word], values->count,
			       settings->dims);
	for (uint32_t d = 0; d < settings->dims; d++)
		if (list->parse(values->item[values->count == 1 ? 0 : d], field + d * list->size) <
		    0)
			return bad(said, list->word, list->what, err);
	return 0;
}

static void set_defaults(struct model_settings *settings)
{
	for (uint32_t d = 0; d < MODEL_DIMS; d++) {
		settings->kind[d] = MODEL_SWITCH;
		settings->bandwidth[d] = 50 * GIB;
		settings->latency[d] = 500;
	}
}

/* How many there are: as many as the longest list has; where all are single values as
 * many as the logical topology, unless npus_count= says one.
 */
static uint32_t count_dims(const struct values *values, uint32_t logical)
{
	uint32_t dims = 1;

	for (size_t i = 0; i < LISTS; i++)
		if (values[i].count > dims)
			dims = values[i].count;
	return dims == 1 && !values[WORD_NPUS].count && logical ? logical : dims;
}

static int set_npus(struct model_settings *settings, const struct values *values,
		    const struct said *said, const uint32_t *logical, uint32_t nlogical,
		    struct err *err)
{
	if (values[WORD_NPUS].count == settings->dims)
		return 0;
	if (values[WORD_NPUS].count)
		return bad(said, WORD_NPUS, "says how many for one dimension only", err);
	if (settings->dims != nlogical)
		return err_set(err,
			       "%sthe model has %u dimensions, the logical topology %u: "
			       "npus_count= is missing",
			       said->where, settings->dims, nlogical);
	memcpy(settings->npus, logical, nlogical * sizeof(*logical));
	return 0;
}

static int parse_lists(struct model_settings *settings, const struct values *values,
		       const struct said *said, const uint32_t *logical, uint32_t nlogical,
		       struct err *err)
{
	settings->dims = count_dims(values, nlogical);
	if (settings->dims > MODEL_DIMS)
		return err_set(err, "%sthe model has at most %d dimensions", said->where,
			       MODEL_DIMS);
	for (size_t i = 0; i < LISTS; i++)
		if (fill(settings, &lists[i], &values[i], said, err) < 0)
			return -1;
	return set_npus(settings, values, said, logical, nlogical, err);
}

static int parse_dims(struct model_settings *settings, const struct said *said,
		      const uint32_t *logical, uint32_t nlogical, struct err *err)
{
	struct values values[LISTS] = { 0 };
	int rc = 0;

	for (size_t i = 0; i < LISTS && rc == 0; i++)
		rc = split(said, lists[i].word, &values[i], err);
	if (rc == 0)
		rc = parse_lists(settings, values, said, logical, nlogical, err);
	for (size_t i = 0; i < LISTS; i++)
		free(values[i].text);
	return rc;
}

/* --- links of a topology, and what is left --- */

/* A bare word that is no file is a dimension's kind, misspelt. */
static bool is_spec(const char *text)
{
	enum model_kind kind;

	return text && !strpbrk(text, "+,") && parse_kind(text, &kind) < 0 &&
	       (strpbrk(text, ":/.") || access(text, F_OK) == 0);
}

static int parse_links(struct model_settings *settings, struct said *said, struct err *err)
{
	if (said->text[WORD_NPUS])
		return bad(said, WORD_NPUS, "a topology of links says that itself", err);
	if (said->text[WORD_LATENCY] &&
	    parse_latency(said->text[WORD_LATENCY], &settings->link_latency) < 0)
		return bad(said, WORD_LATENCY, lists[WORD_LATENCY].what, err);
	if (said->text[WORD_BANDWIDTH] &&
	    parse_bandwidth(said->text[WORD_BANDWIDTH], &settings->link_rate) < 0)
		return bad(said, WORD_BANDWIDTH, lists[WORD_BANDWIDTH].what, err);
	settings->topology = said->text[WORD_TOPOLOGY];
	settings->routing = said->text[WORD_ROUTING];
	said->text[WORD_TOPOLOGY] = said->text[WORD_ROUTING] = NULL;
	return 0;
}

static int parse_flags(struct model_settings *settings, const struct said *said, struct err *err)
{
	const char *congestion = said->text[WORD_CONGESTION], *seed = said->text[WORD_SEED];
	char *end;

	if (congestion) {
		settings->congestion = strcmp(congestion, "yes") == 0;
		if (!settings->congestion && strcmp(congestion, "no") != 0)
			return bad(said, WORD_CONGESTION, "is neither yes nor no", err);
	}
	if (seed) {
		settings->seed = strtoull(seed, &end, 10);
		if (*seed < '0' || *seed > '9' || *end)
			return bad(said, WORD_SEED, "is no number", err);
	}
	return 0;
}

static int parse_said(struct model_settings *settings, struct said *said, const uint32_t *logical,
		      uint32_t nlogical, struct err *err)
{
	set_defaults(settings);
	if (parse_flags(settings, said, err) < 0)
		return -1;
	if (is_spec(said->text[WORD_TOPOLOGY]))
		return parse_links(settings, said, err);
	if (said->text[WORD_ROUTING])
		return bad(said, WORD_ROUTING, "only a topology of links has routes to choose",
			   err);
	return parse_dims(settings, said, logical, nlogical, err);
}

int model_settings_parse(struct model_settings *settings, const char *text, const uint32_t *logical,
			 uint32_t nlogical, struct err *err)
{
	struct model_settings parsed = { 0 };
	struct said said = { .where = "" };
	int rc;

	rc = say_all(&said, text, err);
	if (rc == 0)
		rc = parse_said(&parsed, &said, logical, nlogical, err);
	said_release(&said);
	if (rc < 0) {
		model_settings_release(&parsed);
		return -1;
	}
	*settings = parsed;
	return 0;
}

static void links_free(struct model_links *links)
{
	if (!links)
		return;
	free(links->rate);
	free(links->place);
	free(links->path);
	free(links->start);
	free(links);
}

void model_settings_release(struct model_settings *settings)
{
	links_free(settings->links);
	free(settings->topology);
	free(settings->routing);
	*settings = (struct model_settings){ 0 };
}

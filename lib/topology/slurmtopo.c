/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/slurmtopo.h"

#include "topology/readers.h"
#include "topology/scan.h"

#include "hostlist.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 1000000 /* hosts of one list */

/* A switch with its lists as they stand in the file. */
struct line {
	uint32_t line; /* the first, when it goes on */
	uint32_t node;
	char *name, *switches, *nodes; /* owned; NULL: not given */
	double speed;
};

struct reader {
	struct topology *topology;
	struct textfile *file;
	struct err *err;
	struct line *lines;
	size_t count, room;
	char *text; /* the line in hand, with those that go on from it; owned */
	size_t length;
	uint32_t line; /* its first */
};

static int bad(const struct reader *reader, uint32_t line, const char *what, const char *which)
{
	return err_set(reader->err, "%s:%u: %s%s%.60s%s", reader->file->name, line, what,
		       which ? " '" : "", which ? which : "", which ? "'" : "");
}

static int no_memory(const struct reader *reader)
{
	return err_errno(reader->err, "%s", reader->file->name);
}

/* --- keys and values --- */

static int keep(struct reader *reader, char **where, const char *key, const char *value)
{
	if (*where)
		return bad(reader, reader->line, "a second", key);
	if (!*value)
		return bad(reader, reader->line, "no value for", key);
	*where = strdup(value);
	return *where ? 0 : no_memory(reader);
}

static int set_name(struct reader *reader, struct line *line, const char *value)
{
	return keep(reader, &line->name, "SwitchName", value);
}

static int set_switches(struct reader *reader, struct line *line, const char *value)
{
	return keep(reader, &line->switches, "Switches", value);
}

static int set_nodes(struct reader *reader, struct line *line, const char *value)
{
	return keep(reader, &line->nodes, "Nodes", value);
}

static int set_speed(struct reader *reader, struct line *line, const char *value)
{
	char *end;

	errno = 0;
	line->speed = isdigit((unsigned char)*value) ? strtod(value, &end) : 0;
	if (line->speed <= 0 || *end || errno || !isfinite(line->speed))
		return bad(reader, reader->line, "LinkSpeed is not a number above 0:", value);
	return 0;
}

static int refuse_block(struct reader *reader, struct line *line, const char *value)
{
	(void)line;
	(void)value;
	return bad(reader, reader->line,
		   "the topology of Slurm's block plugin has no switches to simulate; "
		   "only that of topology/tree is read",
		   NULL);
}

static const struct key {
	const char *name;
	int (*set)(struct reader *reader, struct line *line, const char *value);
} keys[] = {
	{ "SwitchName", set_name }, { "Switches", set_switches },  { "Nodes", set_nodes },
	{ "LinkSpeed", set_speed }, { "BlockName", refuse_block }, { "BlockSizes", refuse_block },
};

static const struct key *find_key(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strlen(keys[i].name) == length && !strncasecmp(keys[i].name, name, length))
			return &keys[i];
	return NULL;
}

/* The value at *AT, NUL put behind it; *AT moves behind.  Returns NULL when its
 * quotes do not close.
 */
static char *take_value(char **at)
{
	char *value = *at + strspn(*at, " \t");
	char *end;

	if (*value == '"') {
		end = strchr(++value, '"');
		if (!end)
			return NULL;
	} else {
		end = value + strcspn(value, " \t");
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	return value;
}

/* KEY = VALUE at *AT. */
static int take_pair(struct reader *reader, struct line *line, char **at)
{
	char *name = *at;
	size_t length = strcspn(name, " \t=");
	const struct key *key = find_key(name, length);
	char *value;

	*at = name + length;
	*at += strspn(*at, " \t");
	if (**at != '=') {
		name[length] = '\0';
		return strcasecmp(name, "include") == 0
			       ? bad(reader, reader->line,
				     "Include is not followed; give one file with all switches",
				     NULL)
			       : bad(reader, reader->line, "'=' is missing behind", name);
	}
	++*at;
	name[length] = '\0';
	if (!key)
		return bad(reader, reader->line, "not a key of topology.conf:", name);
	value = take_value(at);
	if (!value)
		return bad(reader, reader->line, "the quotes do not close behind", name);
	return key->set(reader, line, value);
}

/* --- lines --- */

/* Cut TEXT at the '#' that begins a comment, and take the '\' away before one
 * that does not.
 */
static void cut_comment(char *text)
{
	char *out = text;

	for (char *in = text; *in && *in != '#'; in++) {
		if (in[0] == '\\' && in[1] == '#')
			in++;
		*out++ = *in;
	}
	*out = '\0';
}

static int append(struct reader *reader, const char *text, size_t length)
{
	char *more;

	if (reader->length + length >= TEXTFILE_LINE_MAX)
		return bad(reader, reader->line, "a line that goes on for too long", NULL);
	more = realloc(reader->text, reader->length + length + 1);
	if (!more)
		return no_memory(reader);
	memcpy(more + reader->length, text, length);
	reader->text = more;
	reader->length += length;
	more[reader->length] = '\0';
	return 0;
}

/* The next line with those that go on from it.  Returns 1, 0 at the end, -1. */
static int next_line(struct reader *reader)
{
	bool goes_on = false;
	size_t length;
	char *text;

	reader->length = 0;
	while ((text = textfile_next(reader->file, &length, reader->err))) {
		if (!goes_on)
			reader->line = reader->file->line;
		cut_comment(text);
		length = strlen(text);
		while (length && isspace((unsigned char)text[length - 1]))
			length--;
		goes_on = length && text[length - 1] == '\\';
		if (append(reader, text, length - goes_on) < 0)
			return -1;
		if (!goes_on)
			return 1;
	}
	if (textfile_failed(reader->file))
		return -1;
	return reader->length > 0;
}

static void release_line(struct line *line)
{
	free(line->name);
	free(line->switches);
	free(line->nodes);
}

static int check_line(const struct reader *reader, const struct line *line)
{
	if (!line->name)
		return bad(reader, line->line, "a line without SwitchName", NULL);
	if (strpbrk(line->name, "[],"))
		return bad(reader, line->line, "SwitchName is not one switch:", line->name);
	if (!line->switches && !line->nodes)
		return bad(reader, line->line, "neither Switches nor Nodes of switch", line->name);
	return 0;
}

static int put_line(struct reader *reader, const struct line *line)
{
	if (reader->count == reader->room) {
		size_t room = reader->room ? 2 * reader->room : 64;
		struct line *lines = reallocarray(reader->lines, room, sizeof(*lines));

		if (!lines)
			return no_memory(reader);
		reader->lines = lines;
		reader->room = room;
	}
	reader->lines[reader->count++] = *line;
	return 0;
}

/* A logical line: KEY=VALUE ..., or nothing. */
static int take_line(struct reader *reader)
{
	struct line line = { .line = reader->line, .node = NETEMU_NONE, .speed = 1 };
	char *at = reader->text + strspn(reader->text, " \t");
	int rc = 0;

	if (!*at)
		return 0;
	while (rc == 0 && *at) {
		rc = take_pair(reader, &line, &at);
		if (rc == 0)
			at += strspn(at, " \t");
	}
	if (rc == 0)
		rc = check_line(reader, &line);
	if (rc == 0)
		rc = put_line(reader, &line);
	if (rc < 0)
		release_line(&line);
	return rc;
}

/* --- the network --- */

static int hosts_of(const struct reader *reader, const struct line *line, const char *list,
		    char ***names, size_t *count)
{
	struct err why;

	if (hostlist_parse(list, MEMBERS_MAX, names, count, &why) == 0)
		return 0;
	return err_set(reader->err, "%s:%u: %s", reader->file->name, line->line, why.text);
}

static int cable(struct reader *reader, const struct line *line, uint32_t below)
{
	return topology_cable(reader->topology, below, NETEMU_NONE, line->node, NETEMU_NONE,
			      line->speed, line->line, reader->err);
}

static int put_host(struct reader *reader, const struct line *line, const char *name)
{
	uint32_t node = topology_find(reader->topology, name);

	if (node != NETEMU_NONE)
		return err_set(reader->err, "%s:%u: '%s' stands below '%s' and on line %u",
			       reader->file->name, line->line, name, line->name,
			       reader->topology->nodes[node].line);
	node = topology_node(reader->topology, name, true, line->line, reader->err);
	return node == NETEMU_NONE ? -1 : cable(reader, line, node);
}

static int put_hosts(struct reader *reader, const struct line *line)
{
	char **names;
	size_t count;
	int rc = 0;

	if (hosts_of(reader, line, line->nodes, &names, &count) < 0)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_host(reader, line, names[i]);
	hostlist_free(names);
	return rc;
}

static int put_below(struct reader *reader, const struct line *line, char **names, size_t i)
{
	uint32_t node = topology_find(reader->topology, names[i]);

	if (node == NETEMU_NONE || reader->topology->nodes[node].is_host)
		return err_set(reader->err, "%s:%u: switch '%s' below '%s' is not in the file",
			       reader->file->name, line->line, names[i], line->name);
	if (node == line->node)
		return bad(reader, line->line, "below itself: switch", line->name);
	return cable(reader, line, node);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put_switches(struct reader *reader, const struct line *line)
{
	char **names;
	size_t count;
	int rc = 0;

	if (hosts_of(reader, line, line->switches, &names, &count) < 0)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_below(reader, line, names, i);
	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 1; i < count && rc == 0; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			rc = bad(reader, line->line, "twice in one list: switch", names[i]);
	hostlist_free(names);
	return rc;
}

static int put_switch(struct reader *reader, struct line *line)
{
	uint32_t old = topology_find(reader->topology, line->name);

	if (old != NETEMU_NONE)
		return err_set(reader->err, "%s:%u: switch '%s' stands on line %u already",
			       reader->file->name, line->line, line->name,
			       reader->topology->nodes[old].line);
	line->node = topology_node(reader->topology, line->name, false, line->line, reader->err);
	return line->node == NETEMU_NONE ? -1 : 0;
}

/* Switches first: a line may name switches of later ones. */
static int build(struct reader *reader)
{
	int rc = 0;

	for (size_t i = 0; i < reader->count && rc == 0; i++)
		rc = put_switch(reader, &reader->lines[i]);
	for (size_t i = 0; i < reader->count && rc == 0; i++)
		if (reader->lines[i].nodes)
			rc = put_hosts(reader, &reader->lines[i]);
	for (size_t i = 0; i < reader->count && rc == 0; i++)
		if (reader->lines[i].switches)
			rc = put_switches(reader, &reader->lines[i]);
	return rc;
}

int slurmtopo_read(struct topology *topology, struct textfile *file, struct err *err)
{
	struct reader reader = { .topology = topology, .file = file, .err = err };
	int rc;

	while ((rc = next_line(&reader)) > 0) {
		rc = take_line(&reader);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = build(&reader);
	for (size_t i = 0; i < reader.count; i++)
		release_line(&reader.lines[i]);
	free(reader.lines);
	free(reader.text);
	return rc;
}

int read_slurm(struct topology *topology, const char *const *files, struct err *err)
{
	struct textfile file;
	int rc;

	if (textfile_open(&file, files[0], err) < 0)
		return -1;
	rc = slurmtopo_read(topology, &file, err);
	textfile_close(&file);
	return rc;
}

bool is_slurm(const char *head, size_t size)
{
	static const char *const words[] = { "SwitchName", "BlockName", "BlockSizes" };
	const char *line = head;

	(void)size;
	for (;;) {
		line += strspn(line, " \t\r\n");
		if (*line != '#')
			break;
		line += strcspn(line, "\n");
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t length = strlen(words[i]);

		if (strncasecmp(line, words[i], length) == 0 &&
		    line[length + strspn(line + length, " \t")] == '=')
			return true;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hostlist.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libslurm takes no range longer than 64 Ki hosts; longer ones are handed to
 * it in pieces.  No number longer than this fits what it counts with.
 */
#define RANGE_MAX  50000
#define DIGITS_MAX 18
#define SHOWN      60 /* bytes of a list that stand in a message */

/* --- libslurm --- */

/* The type behind slurm_hostlist_create() was `struct hostlist *` under the
 * name hostlist_t up to 22.05 and is `hostlist_t *` since: one pointer.
 */
struct library {
	void *(*create)(const char *text);
	void (*destroy)(void *list);
	int (*count)(void *list);
	char *(*shift)(void *list);
	int (*push_host)(void *list, const char *host);
	void (*uniq)(void *list); /* sorts as well */
	char *(*text)(void *list);
};

static const struct function {
	const char *name;
	size_t offset;
} functions[] = {
	{ "slurm_hostlist_create", offsetof(struct library, create) },
	{ "slurm_hostlist_destroy", offsetof(struct library, destroy) },
	{ "slurm_hostlist_count", offsetof(struct library, count) },
	{ "slurm_hostlist_shift", offsetof(struct library, shift) },
	{ "slurm_hostlist_push_host", offsetof(struct library, push_host) },
	{ "slurm_hostlist_uniq", offsetof(struct library, uniq) },
	{ "slurm_hostlist_ranged_string_malloc", offsetof(struct library, text) },
};

/* 20.11 .. what may come; the newest one that is there. */
#define ABI_FIRST 36
#define ABI_LAST  60

/* The plugins' folder has all of libslurm in a library of its own. */
static const char *const folders[] = {
	"/usr/lib/*/slurm*/libslurmfull.so", "/usr/lib64/slurm*/libslurmfull.so",
	"/usr/lib/slurm*/libslurmfull.so",   "/opt/slurm/lib*/libslurm.so*",
	"/usr/local/lib*/libslurm.so*",
};

static bool resolve(void *handle, struct library *library)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *symbol = dlsym(handle, functions[i].name);

		if (!symbol)
			return false;
		memcpy((char *)library + functions[i].offset, &symbol, sizeof(symbol));
	}
	return true;
}

/* libslurm stays loaded once it is. */
static bool try(const char *path, struct library *library)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
	if (resolve(handle, library))
		return true;
	dlclose(handle);
	return false;
}

static bool try_folder(const char *pattern, struct library *library)
{
	bool found = false;
	glob_t paths;

	if (glob(pattern, 0, NULL, &paths))
		return false;
	for (size_t i = 0; i < paths.gl_pathc && !found; i++)
		found = try(paths.gl_pathv[i], library);
	globfree(&paths);
	return found;
}

static bool find_library(struct library *library)
{
	const char *given = getenv("NETEMU_LIBSLURM");
	char name[32];

	if (given && *given)
		return try(given, library);
	for (int abi = ABI_LAST; abi >= ABI_FIRST; abi--) {
		snprintf(name, sizeof(name), "libslurm.so.%d", abi);
		if (try(name, library))
			return true;
	}
	if (try("libslurm.so", library))
		return true;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (try_folder(folders[i], library))
			return true;
	return false;
}

static const struct library *load(void)
{
	static struct library library;
	static bool loaded;

	if (!loaded)
		loaded = find_library(&library);
	return loaded ? &library : NULL;
}

/* --- what is handed to it --- */

/* One walk over a list: what it says is checked, counted and written again
 * with its long ranges in pieces.
 */
struct walk {
	const char *text; /* the whole list, for messages */
	const char *at;
	size_t limit;
	FILE *out;
	struct err *err;
};

static int bad(struct walk *walk, const char *what)
{
	return err_set(walk->err, "host list '%.*s%s': %s", SHOWN, walk->text,
		       strlen(walk->text) > SHOWN ? "..." : "", what);
}

static int bad_limit(struct walk *walk)
{
	char what[64];

	snprintf(what, sizeof(what), "more than %zu hosts", walk->limit);
	return bad(walk, what);
}

static int number(struct walk *walk, uint64_t *value, int *digits)
{
	for (*value = 0, *digits = 0; isdigit((unsigned char)*walk->at); walk->at++, ++*digits) {
		if (*digits == DIGITS_MAX)
			return bad(walk, "a number of more than 18 digits");
		*value = *value * 10 + (uint64_t)(*walk->at - '0');
	}
	return *digits ? 0 : bad(walk, "a number is missing in brackets");
}

static void put_range(FILE *out, uint64_t first, uint64_t last, int width)
{
	for (; last - first >= RANGE_MAX; first += RANGE_MAX)
		fprintf(out, "%0*ju-%0*ju,", width, (uintmax_t)first, width,
			(uintmax_t)(first + RANGE_MAX - 1));
	fprintf(out, "%0*ju-%0*ju", width, (uintmax_t)first, width, (uintmax_t)last);
}

/* "1" or "1-3": *COUNT grows by the hosts it makes. */
static int range(struct walk *walk, uint64_t *count)
{
	uint64_t first, last;
	int width, digits;

	if (number(walk, &first, &width) < 0)
		return -1;
	last = first;
	if (*walk->at == '-') {
		walk->at++;
		if (number(walk, &last, &digits) < 0)
			return -1;
	}
	if (last < first)
		return bad(walk, "a range that goes down");
	if (last - first >= walk->limit - *count)
		return bad_limit(walk);
	*count += last - first + 1;
	put_range(walk->out, first, last, width);
	return 0;
}

/* "[...]": *COUNT is multiplied by the hosts it makes. */
static int brackets(struct walk *walk, uint64_t *count)
{
	uint64_t ranges = 0;

	for (;;) {
		fputc(*walk->at, walk->out);
		walk->at++; /* behind '[' or ',' */
		if (range(walk, &ranges) < 0)
			return -1;
		if (*walk->at != ',')
			break;
	}
	if (*walk->at != ']')
		return bad(walk, *walk->at ? "only numbers, '-' and ',' stand in brackets"
					   : "']' is missing");
	fputc(*walk->at++, walk->out);
	if (ranges > walk->limit / *count)
		return bad_limit(walk);
	*count *= ranges;
	return 0;
}

/* One element of the list; *COUNT gets how many hosts it makes. */
static int element(struct walk *walk, uint64_t *count)
{
	const char *start = walk->at;
	bool bracketed = false, text = false;

	for (*count = 1; *walk->at && *walk->at != ',';) {
		if (*walk->at == '[') {
			if (brackets(walk, count) < 0)
				return -1;
			bracketed = true;
			text = false;
			continue;
		}
		if (*walk->at == ']')
			return bad(walk, "']' without '['");
		if (!isgraph((unsigned char)*walk->at))
			return bad(walk, "a blank in it");
		text = true;
		fputc(*walk->at++, walk->out);
	}
	if (walk->at == start)
		return bad(walk, "an empty element");
	if (bracketed && text)
		return bad(walk, "text behind the last ']' of an element");
	return 0;
}

/* The list with its long ranges in pieces; *HOSTS gets how many it makes. */
static int elements(struct walk *walk, uint64_t *hosts)
{
	uint64_t count;

	for (*hosts = 0;;) {
		if (element(walk, &count) < 0)
			return -1;
		if (count > walk->limit - *hosts)
			return bad_limit(walk);
		*hosts += count;
		if (!*walk->at)
			return 0;
		fputc(*walk->at++, walk->out);
	}
}

static char *prepare(const char *text, size_t limit, uint64_t *count, struct err *err)
{
	struct walk walk = { .text = text, .at = text, .limit = limit, .err = err };
	char *out = NULL;
	size_t size;
	int rc;

	walk.out = open_memstream(&out, &size);
	if (!walk.out) {
		err_errno(err, "host list");
		return NULL;
	}
	rc = *text ? elements(&walk, count) : bad(&walk, "it is empty");
	if (fclose(walk.out) && rc == 0)
		rc = err_errno(err, "host list");
	if (rc < 0) {
		free(out);
		return NULL;
	}
	return out;
}

/* --- what comes back --- */

static char **take(const struct library *library, void *list, size_t count, struct err *err)
{
	char **hosts = calloc(count + 1, sizeof(*hosts));

	if (!hosts) {
		err_errno(err, "host list of %zu hosts", count);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		hosts[i] = library->shift(list);
		if (!hosts[i]) {
			errno = ENOMEM;
			err_errno(err, "host list of %zu hosts", count);
			hostlist_free(hosts);
			return NULL;
		}
	}
	return hosts;
}

static char **expand(const struct library *library, const char *text, const char *prepared,
		     uint64_t count, struct err *err)
{
	void *list = library->create(prepared);
	char **hosts = NULL;

	if (!list || library->count(list) < 0 || (uint64_t)library->count(list) != count)
		err_set(err, "host list '%.*s': libslurm does not understand it", SHOWN, text);
	else
		hosts = take(library, list, count, err);
	if (list)
		library->destroy(list);
	return hosts;
}

int hostlist_parse(const char *text, size_t limit, char ***hosts, size_t *count, struct err *err)
{
	const struct library *library = load();
	uint64_t expected = 0;
	char **list = NULL;
	char *prepared;

	if (!library)
		return err_set(err,
			       "host list '%.*s': there is no libslurm here to read it with"
			       " (install it, or set NETEMU_LIBSLURM to its path)",
			       SHOWN, text);
	prepared = prepare(text, limit, &expected, err);
	if (prepared)
		list = expand(library, text, prepared, expected, err);
	free(prepared);
	if (!list)
		return -1;
	*hosts = list;
	*count = expected;
	return 0;
}

void hostlist_free(char **hosts)
{
	if (!hosts)
		return;
	for (size_t i = 0; hosts[i]; i++)
		free(hosts[i]);
	free(hosts);
}

char *hostlist_text(char *const *hosts, size_t count)
{
	const struct library *library = load();
	char *text = NULL;
	void *list;

	if (!library) {
		errno = ENOSYS;
		return NULL;
	}
	list = library->create("");
	for (size_t i = 0; list && i < count; i++) {
		if (library->push_host(list, hosts[i]) > 0)
			continue;
		library->destroy(list);
		list = NULL;
	}
	if (list) {
		library->uniq(list);
		text = library->text(list);
		library->destroy(list);
	}
	if (!text)
		errno = ENOMEM;
	return text;
}

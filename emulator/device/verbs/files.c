/* SPDX-License-Identifier: Apache-2.0 */
/* The headers must not have inline what is defined here. */
#undef _FORTIFY_SOURCE

#include "device/verbs/files.h"
#include "device/verbs/front.h"
#include "device/verbs/sysfs.h"
#include "dlhook.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is in the headers as a macro or inline. */
#undef stat64
#undef lstat64
#undef fstatat64

static __thread int paused __attribute__((tls_model("initial-exec")));

void files_pause(void)
{
	paused++;
}

void files_resume(void)
{
	paused--;
}

bool files_paused(void)
{
	return paused > 0;
}

/* --- where a path leads --- */

static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;
static char tree[PATH_MAX]; /* for "/"; "" while it is not there; guarded */
static size_t tree_length;
static _Atomic bool have_tree;

/* The rest of PATH behind PREFIX when it is that directory or below it. */
static const char *below(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(path, prefix, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	path += length;
	while (*path == '/')
		path++;
	return path;
}

static bool is_device(const struct fabric *fabric, const char *name, size_t length)
{
	const struct shared_node *nodes =
		segment_at(&fabric->segment, fabric->segment.header->nodes_at);
	const struct shared_node *node = &nodes[fabric->node];

	for (uint32_t d = 0; d < node->devices; d++) {
		const char *own = fabric_device(fabric, node->first + d)->name;

		if (strlen(own) == length && memcmp(own, name, length) == 0)
			return true;
	}
	return false;
}

/* Is REST, behind the name of a directory of the list, that directory or ours? */
static bool is_ours(const struct fabric *fabric, const char *rest)
{
	size_t length = strcspn(rest, "/");

	if (length == 0 || (length == 11 && strncmp(rest, "abi_version", 11) == 0))
		return true;
	if (strncmp(rest, "uverbs_", 7) == 0) {
		rest += 7;
		length -= 7;
	}
	return is_device(fabric, rest, length);
}

/* May REST be ours, by the look of it?  A process that has nothing to do with devices
 * and asks for another's is no reason to make a fabric.
 */
static bool looks_ours(const char *rest)
{
	const char *settings = getenv("NETEMU");

	if (strncmp(rest, "uverbs_", 7) == 0)
		rest += 7;
	return !*rest || strncmp(rest, "netemu", 6) == 0 || strncmp(rest, "abi_version", 11) == 0 ||
	       getenv("NETEMU_FABRIC") ||
	       (settings && (strstr(settings, "name=") || *settings == '@'));
}

/* One of the paths that may be ours: what stands behind the directory, else NULL. */
static const char *watched(const char *path)
{
	static const char *const prefixes[] = { "/sys/class/infiniband",
						"/sys/class/infiniband_verbs", "/dev/infiniband",
						"/sys/devices/virtual/netemu" };
	const char *rest;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if ((rest = below(path, prefixes[i])))
			return rest;
	return NULL;
}

static bool make_tree(struct fabric *fabric)
{
	bool made;

	pthread_mutex_lock(&tree_lock);
	if (!have_tree && sysfs_make(fabric, tree, sizeof(tree)) == 0) {
		tree_length = strlen(tree);
		have_tree = true;
	}
	made = have_tree;
	pthread_mutex_unlock(&tree_lock);
	return made;
}

/* The slow half of lead(). */
static const char *lead_watched(const char *path, char *buf, size_t size)
{
	const char *rest = watched(path);
	struct fabric *fabric;
	int error = errno;

	if (!rest || paused || (!have_tree && !looks_ours(rest)))
		return path;
	paused++; /* what is called from here sees the host */
	fabric = front_fabric();
	if (fabric && is_ours(fabric, rest) && make_tree(fabric) &&
	    snprintf(buf, size, "%s%s", tree, path) < (int)size) {
		pthread_mutex_lock(&tree_lock);
		sysfs_refresh(fabric, tree, path + 1);
		pthread_mutex_unlock(&tree_lock);
		path = buf;
	}
	paused--;
	errno = error;
	return path;
}

/* PATH, or where it leads, in BUF. */
static inline const char *lead(const char *path, char *buf, size_t size)
{
	if (!path || path[0] != '/' ||
	    (strncmp(path, "/sys/", 5) != 0 && strncmp(path, "/dev/inf", 8) != 0))
		return path;
	return lead_watched(path, buf, size);
}

/* PATH as the program knows it: without the directory that stands for "/". */
static char *lead_back(char *path)
{
	if (path && have_tree && strncmp(path, tree, tree_length) == 0 && path[tree_length] == '/')
		memmove(path, path + tree_length, strlen(path + tree_length) + 1);
	return path;
}

/* --- the functions --- */

/* The C library's own, or that of a library behind us.  Not by dlsym(), which may be
 * another library's: it would look from there on, and find us.
 */
#define NEXT(name, ...)                                                  \
	({                                                               \
		static _Atomic(void *) found;                            \
		void *f = found;                                         \
		if (!f)                                                  \
			found = f = dlhook_real_dlsym(RTLD_NEXT, #name); \
		((__typeof__(&name))f)(__VA_ARGS__);                     \
	})

/* A function of this file: RETURN NAME(PARAMETERS) calls the next one with ARGUMENTS,
 * in which `path` is where it leads.
 */
#define LED(type, name, parameters, ...)             \
	EXPORT type name parameters;                 \
	EXPORT type name parameters                  \
	{                                            \
		char led[PATH_MAX];                  \
                                                     \
		path = lead(path, led, sizeof(led)); \
		return NEXT(name, __VA_ARGS__);      \
	}

#define HAS_MODE(flags) ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE)

#define LED_OPEN(name)                                                        \
	EXPORT int name(const char *path, int flags, ...)                     \
	{                                                                     \
		char led[PATH_MAX];                                           \
		mode_t mode = 0;                                              \
		va_list args;                                                 \
                                                                              \
		va_start(args, flags);                                        \
		if (HAS_MODE(flags))                                          \
			mode = va_arg(args, mode_t);                          \
		va_end(args);                                                 \
		return NEXT(name, lead(path, led, sizeof(led)), flags, mode); \
	}

#define LED_OPENAT(name)                                                           \
	EXPORT int name(int dir, const char *path, int flags, ...)                 \
	{                                                                          \
		char led[PATH_MAX];                                                \
		mode_t mode = 0;                                                   \
		va_list args;                                                      \
                                                                                   \
		va_start(args, flags);                                             \
		if (HAS_MODE(flags))                                               \
			mode = va_arg(args, mode_t);                               \
		va_end(args);                                                      \
		return NEXT(name, dir, lead(path, led, sizeof(led)), flags, mode); \
	}

/* clang-format off */
LED_OPEN(open)
LED_OPEN(open64)
LED_OPENAT(openat)
LED_OPENAT(openat64)
LED(int, __open_2, (const char *path, int flags), path, flags)
LED(int, __open64_2, (const char *path, int flags), path, flags)
LED(int, __openat_2, (int dir, const char *path, int flags), dir, path, flags)
LED(int, __openat64_2, (int dir, const char *path, int flags), dir, path, flags)
LED(FILE *, fopen, (const char *path, const char *mode), path, mode)
LED(FILE *, fopen64, (const char *path, const char *mode), path, mode)
LED(DIR *, opendir, (const char *path), path)
LED(int, scandir, (const char *path, struct dirent ***list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **)),
    path, list, filter, compare)
LED(int, scandir64, (const char *path, struct dirent64 ***list,
		     int (*filter)(const struct dirent64 *),
		     int (*compare)(const struct dirent64 **, const struct dirent64 **)),
    path, list, filter, compare)
LED(int, stat, (const char *path, struct stat *st), path, st)
LED(int, stat64, (const char *path, struct stat64 *st), path, st)
LED(int, lstat, (const char *path, struct stat *st), path, st)
LED(int, lstat64, (const char *path, struct stat64 *st), path, st)
LED(int, fstatat, (int dir, const char *path, struct stat *st, int flags), dir, path, st, flags)
LED(int, fstatat64, (int dir, const char *path, struct stat64 *st, int flags), dir, path, st,
    flags)
LED(int, __xstat, (int version, const char *path, struct stat *st), version, path, st)
LED(int, __xstat64, (int version, const char *path, struct stat64 *st), version, path, st)
LED(int, __lxstat, (int version, const char *path, struct stat *st), version, path, st)
LED(int, __lxstat64, (int version, const char *path, struct stat64 *st), version, path, st)
LED(int, __fxstatat, (int version, int dir, const char *path, struct stat *st, int flags),
    version, dir, path, st, flags)
LED(int, __fxstatat64, (int version, int dir, const char *path, struct stat64 *st, int flags),
    version, dir, path, st, flags)
LED(int, statx, (int dir, const char *path, int flags, unsigned int mask, struct statx *st), dir,
    path, flags, mask, st)
LED(int, access, (const char *path, int mode), path, mode)
LED(int, eaccess, (const char *path, int mode), path, mode)
LED(int, euidaccess, (const char *path, int mode), path, mode)
LED(int, faccessat, (int dir, const char *path, int mode, int flags), dir, path, mode, flags)
LED(ssize_t, readlink, (const char *path, char *buf, size_t size), path, buf, size)
LED(ssize_t, readlinkat, (int dir, const char *path, char *buf, size_t size), dir, path, buf,
    size)
LED(ssize_t, __readlink_chk, (const char *path, char *buf, size_t size, size_t object), path,
    buf, size, object)
LED(ssize_t, __readlinkat_chk, (int dir, const char *path, char *buf, size_t size,
				size_t object), dir, path, buf, size, object)
LED(int, chdir, (const char *path), path)
/* clang-format on */

EXPORT char *realpath(const char *path, char *resolved)
{
	char led[PATH_MAX];

	return lead_back(NEXT(realpath, lead(path, led, sizeof(led)), resolved));
}

EXPORT char *__realpath_chk(const char *path, char *resolved, size_t size);
EXPORT char *__realpath_chk(const char *path, char *resolved, size_t size)
{
	char led[PATH_MAX];

	return lead_back(NEXT(__realpath_chk, lead(path, led, sizeof(led)), resolved, size));
}

EXPORT char *canonicalize_file_name(const char *path)
{
	char led[PATH_MAX];

	return lead_back(NEXT(canonicalize_file_name, lead(path, led, sizeof(led))));
}

/* A pattern's own directory part is led as far as it is no pattern. */
static const char *lead_pattern(const char *pattern, char *buf, size_t size)
{
	char fixed[PATH_MAX];
	size_t length = strcspn(pattern, "*?[");
	const char *led;

	while (length > 0 && pattern[length - 1] != '/')
		length--;
	if (length < 2 || length >= sizeof(fixed) || !pattern[length])
		return lead(pattern, buf, size);
	memcpy(fixed, pattern, length - 1);
	fixed[length - 1] = '\0';
	led = lead(fixed, buf, size);
	if (led == fixed || strlen(led) + strlen(pattern + length - 1) >= size)
		return pattern;
	return strcat(buf, pattern + length - 1);
}

EXPORT int glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *list)
{
	char led[PATH_MAX];
	int rc = NEXT(glob, lead_pattern(pattern, led, sizeof(led)), flags, error, list);

	for (size_t i = 0; rc == 0 && i < list->gl_pathc; i++)
		lead_back(list->gl_pathv[(flags & GLOB_DOOFFS ? list->gl_offs : 0) + i]);
	return rc;
}

EXPORT int glob64(const char *pattern, int flags, int (*error)(const char *, int), glob64_t *list)
{
	char led[PATH_MAX];
	int rc = NEXT(glob64, lead_pattern(pattern, led, sizeof(led)), flags, error, list);

	for (size_t i = 0; rc == 0 && i < list->gl_pathc; i++)
		lead_back(list->gl_pathv[(flags & GLOB_DOOFFS ? list->gl_offs : 0) + i]);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* stub-node.c - the stub driver's device node, for those who may not make one
 *
 * libibverbs looks for it before it lists a device, and opens it.  To be preloaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static const char *other(const char *path)
{
	return strcmp(path, "/dev/infiniband/uverbs7") == 0 ? "/dev/null" : path;
}

int stat(const char *path, struct stat *st)
{
	int (*next)(const char *, struct stat *) =
		(int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");

	return next(other(path), st);
}

#define OPEN(name)                                                                \
	int name(const char *path, int flags, ...)                                \
	{                                                                         \
		int (*next)(const char *, int, ...) =                             \
			(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
		va_list list;                                                     \
		int mode;                                                         \
                                                                                  \
		va_start(list, flags);                                            \
		mode = flags & O_CREAT ? va_arg(list, int) : 0;                   \
		va_end(list);                                                     \
		return next(other(path), flags, mode);                            \
	}
OPEN(open)
OPEN(open64)

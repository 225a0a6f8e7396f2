/* SPDX-License-Identifier: Apache-2.0 */
/* rankarchive.c - rank files in a tar archive, in any compression */
#include "ranksource.h"

#include <archive.h>
#include <archive_entry.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

/* Whether NAME stands in a folder of another instrument. */
static bool other_instrument(const char *name, const char *from)
{
	static const char *const instruments[] = {
#define X(name) name,
		RANKSOURCE_FROM_LIST(X)
#undef X
	};
	const char *end = strrchr(name, '/');
	const char *start = end;
	size_t length;

	if (!end)
		return false;
	while (start > name && start[-1] != '/')
		start--;
	length = (size_t)(end - start);
	for (size_t i = 0; i < sizeof(instruments) / sizeof(*instruments); i++)
		if (strlen(instruments[i]) == length && !strncmp(instruments[i], start, length))
			return strcmp(instruments[i], from) != 0;
	return false;
}

static int archive_fail(struct archive *archive, const char *path, struct err *err)
{
	const char *why = archive_error_string(archive);

	return err_set(err, "'%s' is neither a rank file nor a whole tar archive: %s", path,
		       why ? why : "unknown error");
}

/* The whole member into source->buffer.  *USED gets its length. */
static int read_member(struct ranksource *source, struct archive *archive, const char *path,
		       const char *origin, size_t *used, struct err *err)
{
	la_ssize_t n;

	*used = 0;
	do {
		if (source->room < *used + BLOCK &&
		    ranksource_reserve(source, 2 * *used + BLOCK, origin, err) < 0)
			return -1;
		n = archive_read_data(archive, source->buffer + *used, BLOCK);
		if (n < 0)
			return archive_fail(archive, path, err);
		*used += (size_t)n;
	} while (n > 0);
	return 0;
}

/* A live file has to be mapped: SIZE bytes of the buffer go to a file. */
static int unpack_live(struct ranksource *source, size_t size, const char *origin, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *copy = strdup(origin);
	char *path = NULL;
	ssize_t n = -1;
	int fd;

	if (!copy || asprintf(&path, "%s/netemu-live.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
		free(copy);
		return err_errno(err, "%s", origin);
	}
	fd = mkstemp(path);
	if (fd >= 0) {
		n = write(fd, source->buffer, size);
		close(fd);
	}
	if (n != (ssize_t)size) {
		err_errno(err, "unable to write '%s'", path);
		if (fd >= 0)
			unlink(path);
		free(path);
		free(copy);
		return -1;
	}
	return ranksource_take_live(source, path, copy, true, err);
}

static int take_member(struct ranksource *source, struct archive *archive, const char *path,
		       struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	enum ranksource_kind kind = name ? ranksource_kind_of(name) : RANKSOURCE_NONE;
	char *origin;
	size_t size;
	int rc;

	if (kind == RANKSOURCE_NONE || archive_entry_filetype(entry) != AE_IFREG ||
	    other_instrument(name, source->from ? source->from : "mpi"))
		return 0;
	if (asprintf(&origin, "%s(%s)", path, name) < 0)
		return err_errno(err, "%s", path);
	rc = read_member(source, archive, path, origin, &size, err);
	if (rc == 0)
		rc = kind == RANKSOURCE_LIVE
			     ? unpack_live(source, size, origin, err)
			     : ranksource_take(source, source->buffer, size, origin, err);
	free(origin);
	return rc;
}

static int read_members(struct ranksource *source, struct archive *archive, const char *path,
			struct err *err)
{
	struct archive_entry *entry;
	int rc;

	if (archive_read_open_filename(archive, path, BLOCK) != ARCHIVE_OK)
		return archive_fail(archive, path, err);
	while ((rc = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		if (take_member(source, archive, path, entry, err) < 0)
			return -1;
	return rc == ARCHIVE_EOF ? 0 : archive_fail(archive, path, err);
}

int ranksource_archive(struct ranksource *source, const char *path, struct err *err)
{
	struct archive *archive = archive_read_new();
	int rc;

	if (!archive)
		return err_errno(err, "%s", path);
	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	rc = read_members(source, archive, path, err);
	archive_read_free(archive);
	return rc;
}

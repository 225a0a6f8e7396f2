/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/textfile.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64u << 10)

static int archive_bad(struct archive *archive, const char *name, struct err *err)
{
	const char *why = archive_error_string(archive);

	return err_set(err, "unable to read '%s': %s", name, why ? why : "not readable");
}

/* The format "raw" gives what the filters make of a file, of any content. */
static int set_up(struct archive *archive)
{
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_format_empty(archive);
	return archive_read_support_format_raw(archive) == ARCHIVE_OK ? 0 : -1;
}

/* What libarchive would say less well. */
static int check_file(const char *name, struct err *err)
{
	struct stat st;

	if (stat(name, &st) < 0 || access(name, R_OK) < 0)
		return err_errno(err, "unable to open '%s'", name);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return err_errno(err, "unable to read '%s'", name);
	}
	return 0;
}

int textfile_open(struct textfile *file, const char *name, struct err *err)
{
	struct archive_entry *entry;
	struct archive *archive;
	int rc;

	*file = (struct textfile){ .name = name };
	if (check_file(name, err) < 0)
		return -1;
	archive = archive_read_new();
	if (!archive || set_up(archive) < 0) {
		archive_read_free(archive);
		return err_set(err, "unable to read '%s': %s", name, strerror(ENOMEM));
	}
	rc = archive_read_open_filename(archive, name, BLOCK);
	if (rc == ARCHIVE_OK)
		rc = archive_read_next_header(archive, &entry);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF) {
		archive_bad(archive, name, err);
		archive_read_free(archive);
		return -1;
	}
	file->archive = archive;
	file->at_end = rc == ARCHIVE_EOF;
	return 0;
}

void textfile_open_memory(struct textfile *file, const char *name, const void *data, size_t size)
{
	*file = (struct textfile){ .name = name, .block = data, .left = size };
}

int textfile_fill(struct textfile *file, struct err *err)
{
	const void *block;
	la_int64_t offset;
	size_t size = 0;
	int rc;

	while (file->left == 0) {
		if (file->at_end || !file->archive)
			return 0;
		rc = archive_read_data_block(file->archive, &block, &size, &offset);
		if (rc == ARCHIVE_EOF) {
			file->at_end = true;
			return 0;
		}
		if (rc != ARCHIVE_OK)
			return archive_bad(file->archive, file->name, err);
		file->block = block;
		file->left = size;
	}
	return 1;
}

/* Put SIZE bytes behind the LENGTH that the line has. */
static int append(struct textfile *file, size_t length, size_t size, struct err *err)
{
	if (length + size >= TEXTFILE_LINE_MAX)
		return textfile_bad(file, err, "a line of more than %u bytes", TEXTFILE_LINE_MAX);
	if (length + size + 1 > file->room) {
		size_t room = (length + size + 1) * 2;
		char *text = realloc(file->text, room);

		if (!text)
			return err_errno(err, "unable to read '%s'", file->name);
		file->text = text;
		file->room = room;
	}
	if (size)
		memcpy(file->text + length, file->block, size);
	file->text[length + size] = '\0';
	return 0;
}

/* Returns 1 when there is a line of *LENGTH bytes, 0 at the end, -1 with ERR. */
static int read_line(struct textfile *file, size_t *length, struct err *err)
{
	const char *end;
	size_t size;
	int rc;

	file->line++;
	*length = 0;
	while ((rc = textfile_fill(file, err)) > 0) {
		end = memchr(file->block, '\n', file->left);
		size = end ? (size_t)(end - file->block) : file->left;
		if (append(file, *length, size, err) < 0)
			return -1;
		*length += size;
		file->block += size + (end != NULL);
		file->left -= size + (end != NULL);
		if (end)
			return 1;
	}
	return rc < 0 ? -1 : *length > 0;
}

char *textfile_next(struct textfile *file, size_t *length, struct err *err)
{
	int rc = read_line(file, length, err);

	if (rc > 0 && memchr(file->text, '\0', *length))
		rc = textfile_bad(file, err, "a NUL byte: this is not text");
	file->failed = rc < 0;
	if (rc <= 0)
		return NULL;
	if (*length && file->text[*length - 1] == '\r')
		file->text[--*length] = '\0';
	return file->text;
}

bool textfile_failed(const struct textfile *file)
{
	return file->failed;
}

void textfile_close(struct textfile *file)
{
	archive_read_free(file->archive);
	free(file->text);
	*file = (struct textfile){ 0 };
}

ssize_t textfile_head(const char *name, char *buf, size_t size, struct err *err)
{
	struct textfile file;
	size_t length = 0;
	int rc;

	if (textfile_open(&file, name, err) < 0)
		return -1;
	while (length + 1 < size && (rc = textfile_fill(&file, err)) != 0) {
		size_t n = size - 1 - length;

		if (rc < 0) {
			textfile_close(&file);
			return -1;
		}
		n = n < file.left ? n : file.left;
		memcpy(buf + length, file.block, n);
		length += n;
		file.left -= n;
	}
	buf[length] = '\0';
	textfile_close(&file);
	return (ssize_t)length;
}

int textfile_bad(const struct textfile *file, struct err *err, const char *fmt, ...)
{
	struct err what;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what.text, sizeof(what.text), fmt, args);
	va_end(args);
	return err_set(err, "%s:%u: %s", file->name, file->line, what.text);
}

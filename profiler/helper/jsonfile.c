/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

static int write_new(const char *path, const json_t *root)
{
	char *text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	int fd, rc;

	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	unlink(path); /* of a helper with this process id that was killed */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	rc = fd < 0 || write_all(fd, text, strlen(text)) < 0 || write_all(fd, "\n", 1) < 0 ? -1 : 0;
	if (fd >= 0 && close(fd) < 0)
		rc = -1;
	free(text);
	return rc;
}

/* Bring TEMP to PATH.  Where the file system has no links, the last one wins. */
static int publish(const char *temp, const char *path, bool fresh)
{
	int rc;

	if (!fresh)
		return rename(temp, path);
	rc = link(temp, path);
	if (rc < 0 && errno != EEXIST)
		return rename(temp, path);
	if (rc == 0)
		unlink(temp);
	return rc;
}

int jsonfile_save(const char *dir, const char *name, const json_t *root, bool fresh,
		  struct err *err)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int saved;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    snprintf(temp, sizeof(temp), "%s/.%s.%d.tmp", dir, name, (int)getpid()) >=
		    (int)sizeof(temp))
		return err_set(err, "'%s': the path is too long", dir);
	if (write_new(temp, root) == 0 && publish(temp, path, fresh) == 0)
		return 0;
	saved = errno;
	unlink(temp);
	errno = saved;
	return err_errno(err, "unable to write '%s'", path);
}

json_t *jsonfile_load(const char *dir, const char *name)
{
	char path[PATH_MAX];
	json_t *root = NULL;
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return NULL;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		root = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	close(fd);
	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

void jsonfile_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

json_t *jsonfile_text(const char *text)
{
	json_t *value = *text ? json_string(text) : NULL;
	char *wide, *to;

	if (value || !*text)
		return value;
	wide = malloc(2 * strlen(text) + 1);
	if (!wide)
		return NULL;
	to = wide;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c >= 0x80)
			*to++ = (char)(0xc0 | (*c >> 6));
		*to++ = (char)(*c >= 0x80 ? 0x80 | (*c & 0x3f) : *c);
	}
	*to = '\0';
	value = json_string(wide);
	free(wide);
	return value;
}

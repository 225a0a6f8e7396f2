/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "outfile.h"

#include <errno.h>
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what a signal has to remove ---- */

#define GUARDED 64 /* files at a time; what is beyond is not removed */

static _Atomic(const char *) guarded[GUARDED];

static void watch(const char *temp)
{
	for (size_t i = 0; i < GUARDED; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&guarded[i], &none, temp))
			return;
	}
}

static void unwatch(const char *temp)
{
	for (size_t i = 0; temp && i < GUARDED; i++)
		if (guarded[i] == temp)
			guarded[i] = NULL;
}

static _Atomic(outfile_gently_fn *) gently;
static _Atomic int struck; /* the signal that was taken gently */

static void strike(int number)
{
	outfile_gently_fn *fn = gently;

	if (fn && !atomic_exchange(&struck, number)) {
		fn();
		return;
	}
	for (size_t i = 0; i < GUARDED; i++) {
		const char *temp = guarded[i];

		if (temp)
			unlink(temp);
	}
	signal(number, SIG_DFL);
	raise(number);
}

void outfile_guard(outfile_gently_fn *fn)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = strike, .sa_flags = SA_NODEFER };
	struct sigaction before;

	gently = fn;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

int outfile_struck(void)
{
	return struck;
}

/* ---- files ---- */

static void forget(struct outfile *file)
{
	unwatch(file->temp);
	free(file->path);
	free(file->temp);
	memset(file, 0, sizeof(*file));
}

/* mkstemp() makes files of mode 600; give it what open() would have. */
static void usual_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	fchmod(fd, 0666 & ~mask);
}

static int open_temp(struct outfile *file, const char *path)
{
	int fd;

	file->path = strdup(path);
	if (!file->path || asprintf(&file->temp, "%s.XXXXXX", path) < 0) {
		file->temp = NULL;
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(file->temp, O_CLOEXEC);
	if (fd < 0)
		return -1;
	watch(file->temp);
	usual_mode(fd);
	file->stream = fdopen(fd, "w");
	if (file->stream)
		return 0;
	close(fd);
	unlink(file->temp);
	return -1;
}

/* A device, a pipe: what is there stays there, and is written to as it is. */
static bool is_special(const char *path)
{
	struct stat stat_;

	return stat(path, &stat_) == 0 && !S_ISREG(stat_.st_mode);
}

static int open_special(struct outfile *file, const char *path)
{
	file->path = strdup(path);
	if (file->path)
		file->stream = fopen(path, "we");
	return file->stream ? 0 : -1;
}

int outfile_open(struct outfile *file, const char *path, struct err *err)
{
	memset(file, 0, sizeof(*file));
	if (!path || strcmp(path, "-") == 0) {
		file->stream = stdout;
		return 0;
	}
	if ((is_special(path) ? open_special : open_temp)(file, path) == 0)
		return 0;
	err_errno(err, "unable to write '%s'", path);
	forget(file);
	return -1;
}

int outfile_commit(struct outfile *file, struct err *err)
{
	bool failed = fflush(file->stream) != 0 || ferror(file->stream);

	if (!file->path) {
		file->stream = NULL;
		return failed ? err_errno(err, "unable to write standard output") : 0;
	}
	if (fclose(file->stream) != 0)
		failed = true;
	if (!failed && (!file->temp || rename(file->temp, file->path) == 0)) {
		forget(file);
		return 0;
	}
	err_errno(err, "unable to write '%s'", file->path);
	if (file->temp)
		unlink(file->temp);
	forget(file);
	return -1;
}

void outfile_abort(struct outfile *file)
{
	if (!file->stream)
		return;
	if (file->path) {
		fclose(file->stream);
		if (file->temp)
			unlink(file->temp);
	}
	forget(file);
}

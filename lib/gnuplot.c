/* SPDX-License-Identifier: Apache-2.0 */
#include "gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const struct terminal {
	const char *suffix, *name;
	const char *unit; /* of its size */
	double pixels;    /* of a unit */
	const char *rest;
} terminals[] = {
	{ ".svg", "svg", "", 1, "font 'sans,14' background 'white'" },
	{ ".png", "pngcairo", "", 1, "font 'sans,12'" },
	{ ".pdf", "pdfcairo", "cm", 50, "font 'sans,11'" },
};

static const struct terminal *terminal_of(const char *path)
{
	for (size_t i = 0; i < sizeof(terminals) / sizeof(*terminals); i++) {
		size_t length = strlen(terminals[i].suffix);

		if (strlen(path) > length &&
		    !strcmp(path + strlen(path) - length, terminals[i].suffix))
			return &terminals[i];
	}
	return NULL;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool gnuplot_can_draw(const char *path)
{
	return terminal_of(path) != NULL;
}

void gnuplot_put_quoted(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', out);
		putc((unsigned char)*text < 0x20 ? '?' : *text, out);
	}
	putc('\'', out);
}

void gnuplot_put_head(FILE *out, const char *program, const char *path, unsigned int width,
		      unsigned int height)
{
	const struct terminal *terminal = terminal_of(path);

	fprintf(out,
		"# drawn by %s; draw it again with gnuplot, in this folder\n"
		"set terminal %s size %g%s,%g%s %s noenhanced\nset output ",
		program, terminal->name, width / terminal->pixels, terminal->unit,
		height / terminal->pixels, terminal->unit, terminal->rest);
	gnuplot_put_quoted(out, base_of(path));
	putc('\n', out);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int gnuplot_run(char *const argv[], const char *dir, bool quiet)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int rc = posix_spawn_file_actions_init(&actions);

	if (!rc) {
		if (dir)
			rc = posix_spawn_file_actions_addchdir_np(&actions, dir);
		for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && quiet && !rc; fd++)
			rc = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", 1, 0);
		if (!rc)
			rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	if (!rc)
		return wait_for(pid);
	errno = rc;
	return -1;
}

static int run(const char *script, struct err *err)
{
	char *dir = strdup(script), *slash = dir ? strrchr(dir, '/') : NULL;
	char *const argv[] = { (char *)"gnuplot", (char *)base_of(script), NULL };
	int status;

	if (!dir)
		return err_errno(err, "%s", script);
	if (slash)
		slash[slash == dir] = '\0';
	status = gnuplot_run(argv, slash ? dir : NULL, false);
	free(dir);
	if (status < 0 && errno == ENOENT)
		return err_set(err,
			       "gnuplot is not installed (Debian package 'gnuplot-nox'); its "
			       "script is '%s'",
			       script);
	if (status < 0)
		return err_errno(err, "unable to run gnuplot");
	return status ? err_set(err, "gnuplot failed on '%s'", script) : 0;
}

int gnuplot_draw(const char *path, gnuplot_put_fn *put, const void *arg, struct err *err)
{
	int stem = (int)(strlen(path) - strlen(terminal_of(path)->suffix)), rc;
	char *script;
	FILE *out;

	if (asprintf(&script, "%.*s.gnuplot", stem, path) < 0)
		return err_errno(err, "%s", path);
	out = fopen(script, "we");
	if (!out) {
		err_errno(err, "unable to write '%s'", script);
		free(script);
		return -1;
	}
	rc = put(out, path, arg, err);
	if (fclose(out) != 0 && rc == 0)
		rc = err_errno(err, "unable to write '%s'", script);
	if (rc < 0)
		unlink(script);
	else
		rc = run(script, err);
	if (rc < 0)
		unlink(path); /* gnuplot begins one before it fails */
	free(script);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - pictures by gnuplot
 *
 * Each picture has its script beside it, data included, so that it can be
 * changed and drawn again: gnuplot FILE.gnuplot.
 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLOT_CELLS 512 /* a side, at most */

extern char **environ;

static const struct terminal {
	const char *suffix, *setting;
} terminals[] = {
	{ ".svg", "svg size 900,820 font 'sans,14' background 'white'" },
	{ ".png", "pngcairo size 900,820 font 'sans,12'" },
	{ ".pdf", "pdfcairo size 18cm,16.4cm font 'sans,11'" },
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

bool report_plot_suffix(const char *path)
{
	return terminal_of(path) != NULL;
}

/* TEXT within single quotes, and with no markup in it. */
static void put_quoted(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', out);
		putc((unsigned char)*text < 0x20 ? '?' : *text, out);
	}
	putc('\'', out);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_start(FILE *out, const char *path)
{
	fprintf(out, "# drawn by netemu-matrix; draw it again with gnuplot\n");
	fprintf(out, "set terminal %s noenhanced\nset output ", terminal_of(path)->setting);
	put_quoted(out, base_of(path));
	fprintf(out, "\n");
}

static void put_title(FILE *out, const struct report *report, const char *what)
{
	char title[512];

	snprintf(title, sizeof(title), "%s: %s", base_of(report->name), what);
	fprintf(out, "set title ");
	put_quoted(out, title);
	fprintf(out, "\n");
}

static void put_range(FILE *out, const double *values, size_t count)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < count; i++)
		if (values[i] > 0) {
			least = fmin(least, values[i]);
			most = fmax(most, values[i]);
		}
	if (most <= 0)
		least = most = 1;
	if (least == most)
		most = 10 * least;
	fprintf(out, "set logscale cb\nset cbrange [%.0f:%.0f]\n", least, most);
}

/* Names instead of numbers at the axes, as many as can be read. */
static void put_names(FILE *out, const struct report *report, uint32_t side, uint32_t width)
{
	char buf[32];

	if (report->by != BY_NODE || side > 48)
		return;
	for (int axis = 0; axis < 2; axis++) {
		fprintf(out, "set %ctics %s(", "xy"[axis], axis ? "" : "rotate ");
		for (uint32_t i = 0; i < side; i++) {
			fputs(i ? ", " : "", out);
			put_quoted(out, report_label(report, i * width, buf));
			fprintf(out, " %" PRIu32, i * width);
		}
		fprintf(out, ")\n");
	}
}

static int put_heat(FILE *out, const struct report *report, const char *path, struct err *err)
{
	const char *unit = report->by == BY_NODE ? "node" : "rank";
	uint32_t side, width;
	double *values;

	if (report_cells(report, PLOT_CELLS, &values, &side, &width, err) < 0)
		return -1;
	put_start(out, path);
	put_title(out, report, report->what == WHAT_MESSAGES ? "messages sent" : "bytes sent");
	fprintf(out, "set xlabel 'to %s'\nset ylabel 'from %s'\nset cblabel '%s'\n", unit, unit,
		report->what == WHAT_MESSAGES ? "messages" : "bytes");
	fprintf(out, "set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', "
		     "4 '#21908d', 5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725')\n");
	put_range(out, values, (size_t)side * side);
	fprintf(out, "set format cb '%s'\nset size square\nset tics out nomirror\nunset key\n",
		report->what == WHAT_MESSAGES ? "%.0s%c" : "%.0s %cB");
	fprintf(out, "set xrange [%g:%g]\nset yrange [%g:%g]\n", -0.5 * width,
		((double)side - 0.5) * width, ((double)side - 0.5) * width, -0.5 * width);
	put_names(out, report, side, width);
	fprintf(out, "$cells << EOD\n");
	for (uint32_t row = 0; row < side; row++) {
		for (uint32_t column = 0; column < side; column++) {
			double value = values[(size_t)row * side + column];

			fputs(column ? " " : "", out);
			fprintf(out, "%.0f", value > 0 ? value : 0);
		}
		putc('\n', out);
	}
	fprintf(out,
		"EOD\nplot $cells matrix using ($1*%" PRIu32 "):($2*%" PRIu32
		"):($3 > 0 ? $3 : NaN) with image pixels\n",
		width, width);
	free(values);
	return 0;
}

static int put_sizes(FILE *out, const struct report *report, const char *path, struct err *err)
{
	static const char *const prefixes[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	uint64_t bins[REPORT_BINS];
	int used = report_bins(report->run, bins);

	(void)err;
	put_start(out, path);
	put_title(out, report, "sizes of the messages sent");
	fprintf(out, "set xlabel 'bytes, from'\nset ylabel 'messages'\nset logscale y\n"
		     "set yrange [0.5:*]\nset format y '%%.0s%%c'\nset style fill solid 0.8\n"
		     "set boxwidth 0.9\nset tics out nomirror\nset xtics rotate\nunset key\n"
		     "set datafile missing '-'\n$bins << EOD\n");
	for (int bin = 0; bin < used || bin < 2; bin++) {
		int power = bin ? bin - 1 : 0;

		fprintf(out, "\"%d %s\" ", bin ? 1 << power % 10 : 0, prefixes[power / 10]);
		if (bins[bin])
			fprintf(out, "%" PRIu64 "\n", bins[bin]);
		else
			fprintf(out, "-\n");
	}
	fprintf(out, "EOD\nplot [-1:%d] $bins using 0:2:xtic(1) with boxes lc rgb '#2c718e'\n",
		used > 2 ? used : 2);
	return 0;
}

/* Run gnuplot on SCRIPT, in its folder. */
static int run_gnuplot(const char *script, struct err *err)
{
	char *folder = strdup(script);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	char *const argv[] = { (char *)"gnuplot", (char *)base_of(script), NULL };
	posix_spawn_file_actions_t actions;
	int status, rc;
	pid_t pid;

	if (!folder)
		return err_errno(err, "%s", script);
	posix_spawn_file_actions_init(&actions);
	if (slash) {
		slash[slash == folder] = '\0';
		posix_spawn_file_actions_addchdir_np(&actions, folder);
	}
	rc = posix_spawnp(&pid, "gnuplot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	free(folder);
	if (rc == ENOENT)
		return err_set(err,
			       "gnuplot is not installed (Debian package 'gnuplot-nox'); its "
			       "script is '%s'",
			       script);
	errno = rc;
	if (rc)
		return err_errno(err, "unable to run gnuplot");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "unable to wait for gnuplot");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, "gnuplot failed on '%s'", script);
	return 0;
}

typedef int draw_fn(FILE *out, const struct report *report, const char *path, struct err *err);

static int draw(draw_fn *put, const struct report *report, const char *path, struct err *err)
{
	size_t stem = strlen(path) - strlen(terminal_of(path)->suffix);
	char *script;
	FILE *out;
	int rc;

	if (asprintf(&script, "%.*s.gnuplot", (int)stem, path) < 0)
		return err_errno(err, "%s", path);
	out = fopen(script, "we");
	if (!out) {
		err_errno(err, "unable to write '%s'", script);
		free(script);
		return -1;
	}
	rc = put(out, report, path, err);
	if (fclose(out) != 0 && rc == 0)
		rc = err_errno(err, "unable to write '%s'", script);
	if (rc == 0)
		rc = run_gnuplot(script, err);
	if (rc < 0)
		unlink(path); /* gnuplot begins one before it fails */
	free(script);
	return rc;
}

int report_plot(const struct report *report, const char *path, struct err *err)
{
	const char *suffix = terminal_of(path)->suffix;
	char *sizes;
	int rc;

	if (draw(put_heat, report, path, err) < 0)
		return -1;
	if (!report->run->nsizes) {
		fprintf(stderr,
			"netemu-matrix: %s: no sizes were recorded, so there is no "
			"histogram of them\n",
			report->name);
		return 0;
	}
	if (asprintf(&sizes, "%.*s-sizes%s", (int)(strlen(path) - strlen(suffix)), path, suffix) <
	    0)
		return err_errno(err, "%s", path);
	rc = draw(put_sizes, report, sizes, err);
	free(sizes);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *report_label(const struct report *report, uint32_t index, char buf[32])
{
	if (report->by == BY_NODE)
		return report->run->nodes[index];
	snprintf(buf, 32, "%" PRIu32, index);
	return buf;
}

int report_bins(const struct run *run, uint64_t bins[REPORT_BINS])
{
	int used = 0;

	memset(bins, 0, REPORT_BINS * sizeof(*bins));
	for (size_t i = 0; i < run->nsizes; i++) {
		const struct ranksize *size = &run->sizes[i];
		int bin = size->log2   ? (int)size->size + 1
			  : size->size ? 64 - __builtin_clzll(size->size)
				       : 0;

		bins[bin] += size->tx_messages;
		if (size->tx_messages && bin >= used)
			used = bin + 1;
	}
	return used;
}

void report_terminal(struct report *report, bool to_stdout)
{
	const char *columns = getenv("COLUMNS");
	const char *term = getenv("TERM");
	bool tty = to_stdout && isatty(STDOUT_FILENO);
	struct winsize size;

	report->columns = 80;
	if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		report->columns = size.ws_col;
	else if (columns && atoi(columns) > 0)
		report->columns = (unsigned)atoi(columns);
	if (report->columns < 40)
		report->columns = 40;
	if (report->columns > 250)
		report->columns = 250;
	report->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	report->colour = tty && term && strcmp(term, "dumb") && !getenv("NO_COLOR");
}

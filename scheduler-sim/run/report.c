/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>

int report_open(const char *dir, struct outfile *file, const char *name, struct err *err)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_errno(err, "%s", name);
	rc = outfile_open(file, path, err);
	free(path);
	return rc;
}

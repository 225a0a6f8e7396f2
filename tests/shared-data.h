/* SPDX-License-Identifier: Apache-2.0 */

/* Where the data lies that is not part of this project. */

#ifndef TEST_SHARED_DATA_H
#define TEST_SHARED_DATA_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Write the path of NAME in NETEMU_SHARED_DATA (default: ../shared/data beside
 * the sources) to PATH.  Returns whether it can be read.
 */
static inline bool shared_data(char *path, size_t size, const char *name)
{
	const char *data = getenv("NETEMU_SHARED_DATA"), *source = getenv("NETEMU_SRCDIR");

	if (data)
		snprintf(path, size, "%s/%s", data, name);
	else
		snprintf(path, size, "%s/../shared/data/%s", source ? source : ".", name);
	if (access(path, R_OK) == 0)
		return true;
	printf("# no %s here\n", path);
	return false;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "slurp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int slurp(const char *path, char **text, size_t *size, struct err *err)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t room = 0;

	*text = NULL;
	*size = 0;
	if (!in)
		return err_errno(err, "unable to open '%s'", path);
	do {
		char *more = *size == room ? realloc(*text, room = room ? 2 * room : 65536) : *text;

		if (!more)
			break;
		*text = more;
		errno = 0;
		*size += fread(*text + *size, 1, room - *size, in);
	} while (!feof(in) && !ferror(in));
	if (!feof(in))
		err_errno(err, "unable to read '%s'", path);
	room = feof(in) != 0;
	if (in != stdin)
		fclose(in);
	return room ? 0 : -1;
}

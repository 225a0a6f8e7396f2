/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rankfile.c - any bytes as a rank file
 *
 * What is taken must, written and read again, be taken again and be the same.
 */
#include "fuzz.h"
#include "rankfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* RANK as its file: malloc'ed, *SIZE gets the length. */
static char *write_back(const struct rankfile *rank, size_t *size)
{
	int fd = memfd_create("rank", MFD_CLOEXEC);
	char *text;
	off_t end;

	if (fd < 0 || rankfile_write(rank, fd) < 0 || (end = lseek(fd, 0, SEEK_END)) < 0)
		abort();
	*size = (size_t)end;
	text = malloc(*size);
	if (!text || pread(fd, text, *size, 0) != (ssize_t)*size)
		abort();
	close(fd);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size + 1); /* so that reading behind the end is seen */
	struct rankfile rank, again;
	struct err err = { "" };
	size_t first_size, second_size;
	char *first, *second;

	memcpy(exact, data, size);
	exact = realloc(exact, size ? size : 1);
	if (rankfile_read(&rank, exact, size, "f", &err) < 0) {
		if (strncmp(err.text, "f:", 2))
			abort();
		free(exact);
		return 0;
	}
	first = write_back(&rank, &first_size);
	if (rankfile_read(&again, first, first_size, "g", &err) < 0)
		abort();
	second = write_back(&again, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size))
		abort();
	rankfile_release(&rank);
	rankfile_release(&again);
	free(first);
	free(second);
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-main.c - run a fuzz target without libFuzzer
 *
 *	fuzz-X TURNS SEED FILE...
 *
 * Each FILE as it is, then TURNS times with a few bytes changed, cut or
 * doubled, in a way that SEED determines.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned state;

static size_t below(size_t limit)
{
	return limit ? (size_t)rand_r(&state) % limit : 0;
}

static uint8_t *load(const char *path, size_t *size)
{
	FILE *in = fopen(path, "rb");
	uint8_t *data;
	long end;

	if (!in || fseek(in, 0, SEEK_END) || (end = ftell(in)) < 0 || fseek(in, 0, SEEK_SET)) {
		perror(path);
		exit(1);
	}
	*size = (size_t)end;
	data = malloc(*size + 1);
	if (!data || fread(data, 1, *size, in) != *size) {
		perror(path);
		exit(1);
	}
	fclose(in);
	return data;
}

/* Change the SIZE bytes of DATA, which has room for twice as many. */
static size_t mutate(uint8_t *data, size_t size)
{
	static const char bytes[] = "\0\x01\xff\x7f\x80{}[]\",:-0123456789eE. \n\\u";
	size_t turns = 1 + below(4);

	while (turns--) {
		size_t at = below(size), length = below(size - at < 64 ? size - at : 64);

		switch (below(6)) {
		case 0: /* cut off */
			size = below(10) ? size : at;
			break;
		case 1: /* take out */
			memmove(data + at, data + at + length, size - at - length);
			size -= length;
			break;
		case 2: /* double */
			memmove(data + at + length, data + at, size - at);
			size += length;
			return size;
		case 3: /* copy from elsewhere */
			memmove(data + at, data + below(size - length + 1), length);
			break;
		default:
			if (size)
				data[at] = below(3) ? (uint8_t)bytes[below(sizeof(bytes) - 1)]
						    : (uint8_t)below(256);
		}
	}
	return size;
}

int main(int argc, char **argv)
{
	long turns = argc > 2 ? atol(argv[1]) : 0;
	long done = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: %s TURNS SEED FILE...\n", argv[0]);
		return 2;
	}
	state = (unsigned)atol(argv[2]);
	for (int i = 3; i < argc; i++) {
		size_t size;
		uint8_t *data = load(argv[i], &size);
		uint8_t *copy = malloc(2 * size + 64);

		LLVMFuzzerTestOneInput(data, size);
		for (long turn = 0; turn < turns; turn++, done++) {
			memcpy(copy, data, size);
			LLVMFuzzerTestOneInput(copy, mutate(copy, size));
		}
		free(copy);
		free(data);
	}
	printf("%d files, %ld changed ones, seed %s\n", argc - 3, done, argv[2]);
	return 0;
}

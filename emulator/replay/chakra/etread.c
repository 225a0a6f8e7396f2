/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etparts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64u << 10)
#define READ  (256u << 10)

/* ---- memory for a record ---- */

void *et_alloc(struct et_arena *arena, size_t size)
{
	struct et_block *block = arena->blocks;
	size_t room;

	size = (size + 15) & ~(size_t)15;
	if (block && block->size - block->used >= size) {
		block->used += size;
		return block->bytes + block->used - size;
	}
	room = size > BLOCK ? size : BLOCK;
	block = malloc(sizeof(*block) + room);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->size = room;
	block->used = size;
	arena->blocks = block;
	return block->bytes;
}

/* Keep the largest block: the next record is as large, most likely. */
void et_arena_reset(struct et_arena *arena)
{
	struct et_block *block, *kept = arena->blocks;

	for (block = kept ? kept->next : NULL; block; block = kept->next) {
		if (block->size > kept->size) {
			arena->blocks = block;
			free(kept);
			kept = block;
		} else {
			kept->next = block->next;
			free(block);
		}
	}
	if (kept)
		kept->used = 0;
}

void et_arena_release(struct et_arena *arena)
{
	et_arena_reset(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}

static void *arena_alloc(void *arg, size_t size)
{
	return et_alloc(arg, size);
}

static void arena_free(void *arg, void *pointer)
{
	(void)arg;
	(void)pointer;
}

/* ---- bytes ---- */

int et_bad(const struct et_reader *reader, struct err *err, const char *what)
{
	if (!reader->number)
		return err_set(err, "%s: at byte %" PRIu64 ": %s", reader->path, reader->offset,
			       what);
	return err_set(err, "%s: record %" PRIu64 " at byte %" PRIu64 ": %s", reader->path,
		       reader->number, reader->offset, what);
}

static int damaged(const struct et_reader *reader, struct err *err, const char *why)
{
	char what[128];

	snprintf(what, sizeof(what), "damaged: %s", why);
	return et_bad(reader, err, what);
}

static int make_room(struct et_reader *reader, size_t size, struct err *err)
{
	size_t room = reader->room ? reader->room : READ;
	uint8_t *buffer;

	if (reader->start) {
		memmove(reader->buffer, reader->buffer + reader->start,
			reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	while (room < size + READ)
		room *= 2;
	if (room == reader->room)
		return 0;
	buffer = realloc(reader->buffer, room);
	if (!buffer)
		return err_errno(err, "%s: a record of %zu bytes", reader->path, size);
	reader->buffer = buffer;
	reader->room = room;
	return 0;
}

int et_have(struct et_reader *reader, size_t size, struct err *err)
{
	int got, code;

	while (reader->end - reader->start < size) {
		if (reader->ended)
			return 0;
		if (make_room(reader, size, err) < 0)
			return -1;
		got = gzread(reader->file, reader->buffer + reader->end, READ);
		if (got < 0) {
			const char *why = gzerror(reader->file, &code);

			return code == Z_ERRNO ? err_errno(err, "%s", reader->path)
					       : damaged(reader, err, why);
		}
		reader->end += (size_t)got;
		if (got == 0) {
			gzerror(reader->file, &code);
			reader->ended = true;
			if (code == Z_BUF_ERROR)
				return et_bad(reader, err, "the compressed file is cut off");
		}
	}
	return 1;
}

void et_take(struct et_reader *reader, size_t size)
{
	reader->start += size;
	reader->offset += size;
}

/* ---- records ---- */

/* The length in front of a record, into SIZE.  Returns 1, 0 at the end, or -1 with ERR. */
static int take_length(struct et_reader *reader, size_t *size, struct err *err)
{
	uint64_t value = 0;
	int rc;

	for (size_t i = 0; i < 5; i++) {
		rc = et_have(reader, i + 1, err);
		if (rc <= 0)
			return rc < 0 || i == 0 ? rc : et_bad(reader, err, "the file ends in it");
		value |= (uint64_t)(reader->buffer[reader->start + i] & 0x7f) << 7 * i;
		if (!(reader->buffer[reader->start + i] & 0x80)) {
			if (value > ET_RECORD_MAX)
				break;
			*size = (size_t)value;
			et_take(reader, i + 1);
			return 1;
		}
	}
	return et_bad(reader, err, "its length is too large: not a trace, or damaged");
}

/* The next record lies at reader->start, SIZE bytes.  Returns as take_length(). */
static int next_record(struct et_reader *reader, size_t *size, struct err *err)
{
	int rc;

	if (reader->pending) {
		reader->pending = false;
		*size = reader->pending_size;
		return 1;
	}
	reader->number++;
	rc = take_length(reader, size, err);
	if (rc <= 0)
		return rc;
	rc = et_have(reader, *size, err);
	if (rc)
		return rc;
	return et_bad(reader, err,
		      reader->number > 1 ? "the file ends in it"
					 : "the file ends in it: cut off, or not a trace");
}

/* ---- which form ---- */

/* The wire types of fields 1..31 of a message, as far as it can be read: bit 1 << type of each. */
static void scan_fields(const uint8_t *data, size_t size, uint8_t types[32])
{
	size_t at = 0;

	memset(types, 0, 32);
	while (at < size) {
		uint64_t tag = 0, value = 0;
		unsigned shift = 0;

		do
			tag |= (uint64_t)(data[at] & 0x7f) << shift;
		while (data[at++] & 0x80 && (shift += 7) < 35 && at < size);
		if (tag >> 3 < 32)
			types[tag >> 3] |= (uint8_t)(1u << (tag & 7));
		if ((tag & 7) == 0 || (tag & 7) == 2) {
			for (shift = 0; at < size; shift += 7) {
				value |= shift < 64 ? (uint64_t)(data[at] & 0x7f) << shift : 0;
				if (!(data[at++] & 0x80))
					break;
			}
			if ((tag & 7) == 2)
				at = value > size - at ? size : at + (size_t)value;
		} else {
			at += (tag & 7) == 1 ? 8 : 4;
		}
	}
}

#define VARINT (1u << 0)
#define BYTES  (1u << 2)

/* What the first record is: GlobalMetadata has a text where nodes have their id.  Schema 0.0.1
 * has numbers where 0.0.4 has lists of attributes and inputs.
 */
static enum et_form form_of(const uint8_t *data, size_t size, bool *is_node)
{
	uint8_t types[32];

	scan_fields(data, size, types);
	*is_node = types[1] & VARINT;
	if (!*is_node || types[10] & BYTES || types[8] & BYTES || types[9] & BYTES)
		return ET_FORM_PROTO;
	return ET_FORM_PROTO1;
}

int et_keep_head(struct et_reader *reader, const void *data, size_t size, struct err *err)
{
	reader->head = malloc(size + 1);
	if (!reader->head)
		return err_errno(err, "%s", reader->path);
	memcpy(reader->head, data, size);
	reader->head_size = size;
	return 0;
}

static int begin(struct et_reader *reader, struct err *err)
{
	bool is_node;
	size_t size;
	int rc = et_have(reader, 64, err);

	if (rc < 0)
		return -1;
	if (reader->start == reader->end)
		return err_set(err, "%s: the file is empty", reader->path);
	if (et_json_begins(reader->buffer, reader->end))
		return et_json_open(reader, err);
	/* look at the first record, and take it only when it is about the file */
	if (next_record(reader, &size, err) < 0)
		return -1;
	reader->form = form_of(reader->buffer + reader->start, size, &is_node);
	if (is_node) {
		reader->pending = true;
		reader->pending_size = size;
		return 0;
	}
	if (et_decode_metadata(reader, reader->buffer + reader->start, size) < 0)
		return et_bad(reader, err,
			      errno == ENOMEM ? "no room for it"
					      : "not readable: "
						"not a trace, or "
						"damaged");
	if (et_keep_head(reader, reader->buffer + reader->start, size, err) < 0)
		return -1;
	et_take(reader, size);
	return 0;
}

static int next_proto(struct et_reader *reader, struct et_node *node, struct et_record *record,
		      struct err *err)
{
	const uint8_t *data;
	size_t size;
	int rc = next_record(reader, &size, err);

	if (rc <= 0)
		return rc;
	data = reader->buffer + reader->start;
	rc = reader->form == ET_FORM_PROTO1 ? et_decode1(reader, node, data, size)
					    : et_decode(reader, node, data, size);
	if (rc < 0)
		return et_bad(reader, err, errno == ENOMEM ? "no room for it" : "damaged: no node");
	if (record)
		*record = (struct et_record){ data, size, reader->offset, reader->number };
	et_take(reader, size);
	return 1;
}

/* ---- public ---- */

static struct et_reader *open_fd(int fd, const char *path, struct err *err)
{
	struct et_reader *reader = calloc(1, sizeof(*reader));
	struct stat status;

	if (!reader || !(reader->path = strdup(path)) || !(reader->file = gzdopen(fd, "rb"))) {
		err_errno(err, "%s", path);
		close(fd);
		if (reader)
			free(reader->path);
		free(reader);
		return NULL;
	}
	gzbuffer(reader->file, READ);
	if (fstat(fd, &status) == 0)
		reader->length = (uint64_t)status.st_size;
	reader->allocator = (ProtobufCAllocator){ arena_alloc, arena_free, &reader->arena };
	if (begin(reader, err) < 0) {
		et_close(reader);
		return NULL;
	}
	return reader;
}

struct et_reader *et_open(const char *path, struct err *err)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		err_errno(err, "unable to open '%s'", path);
		return NULL;
	}
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		err_set(err, "unable to open '%s': Is a directory", path);
		close(fd);
		return NULL;
	}
	return open_fd(fd, path, err);
}

struct et_reader *et_open_memory(const uint8_t *data, size_t size, const char *name,
				 struct err *err)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0)
		return open_fd(fd, name, err);
	err_errno(err, "%s", name);
	if (fd >= 0)
		close(fd);
	return NULL;
}

void et_close(struct et_reader *reader)
{
	if (!reader)
		return;
	gzclose(reader->file);
	et_arena_release(&reader->arena);
	free(reader->buffer);
	free(reader->head);
	free(reader->path);
	free(reader);
}

enum et_form et_form(const struct et_reader *reader)
{
	return reader->form;
}

bool et_compressed(const struct et_reader *reader)
{
	return !gzdirect(reader->file);
}

const char *et_version(const struct et_reader *reader)
{
	return reader->version;
}

const char *et_schema(const struct et_reader *reader)
{
	return reader->schema;
}

const uint8_t *et_head(const struct et_reader *reader, size_t *size)
{
	*size = reader->head_size;
	return reader->head;
}

int et_next(struct et_reader *reader, struct et_node *node, struct et_record *record,
	    struct err *err)
{
	et_arena_reset(&reader->arena);
	*node = (struct et_node){ .name = "", .group = "" };
	if (reader->form == ET_FORM_PROTO || reader->form == ET_FORM_PROTO1)
		return next_proto(reader, node, record, err);
	return et_json_next(reader, node, record, err);
}

uint64_t et_position(const struct et_reader *reader)
{
	z_off_t at = gzoffset(reader->file);

	return at > 0 ? (uint64_t)at : 0;
}

uint64_t et_length(const struct et_reader *reader)
{
	return reader->length;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* etparts.h - the parts of the reader of execution traces */
#ifndef CHAKRA_ETPARTS_H
#define CHAKRA_ETPARTS_H

#include "chakra/etread.h"

#include <protobuf-c/protobuf-c.h>
#include <zlib.h>

/* Memory for one record, all given back at once. */
struct et_arena {
	struct et_block {
		struct et_block *next;
		size_t size, used;
		uint8_t bytes[];
	} * blocks; /* the first is the one in use; owned */
};

void *et_alloc(struct et_arena *arena, size_t size);
void et_arena_reset(struct et_arena *arena);
void et_arena_release(struct et_arena *arena);

struct et_reader {
	char *path; /* owned */
	gzFile file;
	uint8_t *buffer; /* owned: bytes [start, end) have not been taken */
	size_t start, end, room;
	uint64_t offset; /* of buffer[start] in the unpacked file */
	uint64_t number; /* of the record that is read */
	uint64_t length; /* of the file on disk */
	enum et_form form;
	bool ended;
	bool pending; /* the length of the next record has been taken: */
	size_t pending_size;
	char version[32], schema[64];
	uint8_t *head; /* owned: the record about the file, or NULL */
	size_t head_size;
	struct et_arena arena;
	ProtobufCAllocator allocator; /* of protobuf-c, into the arena */
	/* the neutral node's own memory */
	char number_text[32];
};

/* At least SIZE bytes from reader->start on.  Returns 1, 0 when the file ends before, or -1
 * with ERR.
 */
int et_have(struct et_reader *reader, size_t size, struct err *err);
void et_take(struct et_reader *reader, size_t size);

/* Keep the record about the file for et_head(). */
int et_keep_head(struct et_reader *reader, const void *data, size_t size, struct err *err);

/* "FILE: record N at byte B: WHAT"; -1. */
int et_bad(const struct et_reader *reader, struct err *err, const char *what);

/* Decode a record.  0, or -1 with errno: EINVAL is damage, ENOMEM. */
int et_decode_metadata(struct et_reader *reader, const uint8_t *data, size_t size);
int et_decode(struct et_reader *reader, struct et_node *node, const uint8_t *data, size_t size);
int et_decode1(struct et_reader *reader, struct et_node *node, const uint8_t *data, size_t size);

/* A number under NAME, whatever it was written as. */
void et_set_number(struct et_reader *reader, struct et_node *node, const char *name, int64_t value);
void et_set_text(struct et_node *node, const char *name, const char *value);
void et_set_list(struct et_node *node, const char *name, const int64_t *list, size_t count);

/* JSON: is that what the file begins with?  Then go to the first node; the next one. */
bool et_json_begins(const uint8_t *data, size_t size);
int et_json_open(struct et_reader *reader, struct err *err);
int et_json_next(struct et_reader *reader, struct et_node *node, struct et_record *record,
		 struct err *err);

#endif

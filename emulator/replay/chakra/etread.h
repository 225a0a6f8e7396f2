/* SPDX-License-Identifier: Apache-2.0 */
/* etread.h - read an execution trace from front to back
 *
 * Protobuf records behind their lengths, plain or by gzip, schema 0.0.4 or
 * 0.0.1, or JSON ("workload_graph", or one object a record as chakra_jsonizer prints them):
 * told apart by what is in the file, not by its name.  Needs memory for one
 * record and no temporary copy; a file can be opened again for a second pass.
 * netemu-chakra(5) documents what is read.
 *
 * A file that ends inside a record is an error; one that ends between
 * records cannot be told from a whole one.
 */
#ifndef CHAKRA_ETREAD_H
#define CHAKRA_ETREAD_H

#include "chakra/etnode.h"
#include "err.h"

#define ET_RECORD_MAX (1u << 30) /* bytes; a longer one is taken for damage */

enum et_form {
	ET_FORM_PROTO,    /* schema 0.0.4 and what follows it */
	ET_FORM_PROTO1,   /* schema 0.0.1 */
	ET_FORM_WORKLOAD, /* {"workload_graph": [...]} */
	ET_FORM_RECORDS,  /* JSON objects one behind the other */
};

struct et_record {
	const uint8_t *data; /* a message, or the text of an object; in the reader until the next */
	size_t size;
	uint64_t offset; /* of its first byte in the (unpacked) file */
	uint64_t number; /* 1 = the first in the file */
};

struct et_reader;

/* Open PATH.  Returns the reader, or NULL with ERR naming the file. */
struct et_reader *et_open(const char *path, struct err *err);
void et_close(struct et_reader *reader);

enum et_form et_form(const struct et_reader *reader);
bool et_compressed(const struct et_reader *reader);

/* What the file says of itself; "" when it does not. */
const char *et_version(const struct et_reader *reader); /* GlobalMetadata.version */
const char *et_schema(const struct et_reader *reader);  /* its attribute "schema" */

/* The record about the file as it is, SIZE bytes: a message of 0.0.4, or of ET_FORM_RECORDS the
 * text of an object.  NULL when the file has none.
 */
const uint8_t *et_head(const struct et_reader *reader, size_t *size);

/* The next node.  Returns 1, 0 at the end, or -1 with ERR: file, number and offset of
 * the record, and what is wrong with it.  RECORD may be NULL.
 */
int et_next(struct et_reader *reader, struct et_node *node, struct et_record *record,
	    struct err *err);

/* Bytes of the file as it is on disk: how many have been read, and all; for progress. */
uint64_t et_position(const struct et_reader *reader);
uint64_t et_length(const struct et_reader *reader);

/* --- from memory, for tests and fuzzing --- */
struct et_reader *et_open_memory(const uint8_t *data, size_t size, const char *name,
				 struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* graphml.h - what graphml-read.c, graphml-fields.c and graphml-stream.c share
 *
 * The stream feeds libxml2's reader and knows lines; the fields are what a
 * <data> may say of a node, an edge or the graph; reading puts both together.
 */
#ifndef NETEMU_TOPOLOGY_GRAPHML_H
#define NETEMU_TOPOLOGY_GRAPHML_H

#include "topology/textfile.h"
#include "topology/topology.h"

#include <libxml/xmlreader.h>

#define GRAPHML_NAME 1000 /* bytes of a node's name at most */

/* --- the stream --- */

/* A file on its way into the reader.  It is handed over in lines, so that the
 * reader is never ahead of the line it is asked for (it counts beyond 65535
 * only where it stands itself).
 */
struct graphml_stream {
	xmlTextReaderPtr xml;
	struct textfile *file; /* not owned */
	bool failed;           /* FILE could not be read: why */
	struct err why;
	char message[256]; /* the first that libxml2 had to say */
	uint32_t message_line;
};

/* Returns 0, or -1 with ERR written. */
int graphml_stream_open(struct graphml_stream *stream, struct textfile *file, struct err *err);
void graphml_stream_close(struct graphml_stream *stream);

/* The line at which the reader stands. */
uint32_t graphml_stream_line(const struct graphml_stream *stream);

/* Did the file, or libxml2, say that something is wrong? */
bool graphml_stream_failed(const struct graphml_stream *stream);

/* The sentence for a file that cannot be read on.  Returns -1. */
int graphml_stream_fail(const struct graphml_stream *stream, struct err *err);

/* --- texts that are used again and again --- */

struct graphml_text {
	char *s; /* NUL-terminated, or NULL before the first; owned */
	size_t length, room;
};

/* Append LENGTH bytes.  Returns 0, or -1 with errno ENOMEM. */
int graphml_text_add(struct graphml_text *text, const char *bytes, size_t length);
int graphml_text_set(struct graphml_text *text, const char *string);
const char *graphml_text_get(const struct graphml_text *text); /* "" before the first */

/* --- the fields --- */

/* A node, an edge, the graph, as far as it has been read. */
struct graphml_draft {
	struct graphml_text id, name; /* node; name: one that goes before the id */
	struct graphml_text typ, mac, info;
	double slots; /* NAN: not a number */
	int64_t dpid;
	uint32_t lid;
	uint64_t guid;

	struct graphml_text source, target; /* edge */
	bool directed;
	double capacity; /* NAN: none */
	uint32_t from_port, to_port;

	struct graphml_text title, shape; /* graph */
	double unit;                      /* byte/s; 0: none */

	uint32_t line;
};

enum graphml_domain {
	GRAPHML_NODE = 1,
	GRAPHML_EDGE = 2,
	GRAPHML_GRAPH = 4,
};

struct graphml_field {
	const char *name;
	enum graphml_domain domain;
	/* VALUE has no blanks around it.  Returns NULL, or what it should be. */
	const char *(*set)(struct graphml_draft *draft, const char *value);
};

/* The field NAME of one of DOMAINS behind AFTER (NULL: the first), or NULL. */
const struct graphml_field *graphml_field_next(const struct graphml_field *after, const char *name,
					       unsigned domains);

void graphml_draft_clear(struct graphml_draft *draft);
void graphml_draft_release(struct graphml_draft *draft);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/graphml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Up to SIZE bytes, and no newline but as the first of them: then the reader
 * has not counted that line yet when it hands out what stands before.
 */
static int give(void *context, char *buf, int size)
{
	struct graphml_stream *stream = context;
	struct textfile *file = stream->file;
	const char *newline;
	size_t length;
	int rc = stream->failed ? -1 : textfile_fill(file, &stream->why);

	stream->failed = rc < 0;
	if (rc <= 0)
		return rc;
	length = file->left < (size_t)size ? file->left : (size_t)size;
	newline = memchr(file->block + 1, '\n', length - 1);
	if (newline)
		length = (size_t)(newline - file->block);
	memcpy(buf, file->block, length);
	file->block += length;
	file->left -= length;
	return (int)length;
}

static int stay_open(void *context)
{
	(void)context;
	return 0;
}

static void keep_message(void *context, xmlErrorPtr error)
{
	struct graphml_stream *stream = context;
	size_t length;

	if (stream->message[0] || !error->message || error->level < XML_ERR_ERROR)
		return;
	snprintf(stream->message, sizeof(stream->message), "%s", error->message);
	length = strlen(stream->message);
	while (length && strchr(" .\n", stream->message[length - 1]))
		stream->message[--length] = '\0';
	for (char *at = stream->message; (at = strchr(at, '\n'));)
		*at = ' ';
	stream->message_line = error->line > 0 ? (uint32_t)error->line : 0;
}

int graphml_stream_open(struct graphml_stream *stream, struct textfile *file, struct err *err)
{
	*stream = (struct graphml_stream){ .file = file };
	stream->xml = xmlReaderForIO(give, stay_open, stream, NULL, NULL, XML_PARSE_NONET);
	if (!stream->xml && stream->failed)
		return err_set(err, "%s", stream->why.text);
	if (!stream->xml)
		return err_set(err, "unable to read '%s': %s", file->name, strerror(ENOMEM));
	xmlTextReaderSetStructuredErrorHandler(stream->xml, keep_message, stream);
	return 0;
}

void graphml_stream_close(struct graphml_stream *stream)
{
	xmlFreeTextReader(stream->xml);
}

uint32_t graphml_stream_line(const struct graphml_stream *stream)
{
	int line = xmlTextReaderGetParserLineNumber(stream->xml);

	return line > 0 ? (uint32_t)line : 0;
}

bool graphml_stream_failed(const struct graphml_stream *stream)
{
	return stream->failed || stream->message[0];
}

int graphml_stream_fail(const struct graphml_stream *stream, struct err *err)
{
	const char *name = stream->file->name;

	if (stream->failed)
		return err_set(err, "%s", stream->why.text);
	if (!stream->message[0])
		return err_set(err, "%s:%u: not XML", name, graphml_stream_line(stream));
	return err_set(err, "%s:%u: %s", name, stream->message_line, stream->message);
}

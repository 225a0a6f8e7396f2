/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/graphml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t fill(struct graphml_stream *stream)
{
	ssize_t n;

	do
		n = read(stream->fd, stream->bytes, sizeof(stream->bytes));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		stream->error = errno;
	stream->used = 0;
	stream->size = n > 0 ? (size_t)n : 0;
	return n;
}

/* Up to SIZE bytes, and no newline but as the first of them: then the reader
 * has not counted that line yet when it hands out what stands before.
 */
static int give(void *context, char *buf, int size)
{
	struct graphml_stream *stream = context;
	const char *newline;
	size_t length;
	ssize_t n = 1;

	if (stream->used == stream->size && (n = fill(stream)) <= 0)
		return (int)n;
	length = stream->size - stream->used;
	if (length > (size_t)size)
		length = (size_t)size;
	newline = memchr(stream->bytes + stream->used + 1, '\n', length - 1);
	if (newline)
		length = (size_t)(newline - (stream->bytes + stream->used));
	memcpy(buf, stream->bytes + stream->used, length);
	stream->used += length;
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

int graphml_stream_open(struct graphml_stream *stream, const char *path, struct err *err)
{
	stream->error = 0;
	stream->used = stream->size = 0;
	stream->message[0] = '\0';
	stream->message_line = 0;
	stream->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (stream->fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	stream->xml = xmlReaderForIO(give, stay_open, stream, NULL, NULL, XML_PARSE_NONET);
	if (!stream->xml) {
		close(stream->fd);
		errno = ENOMEM;
		return err_errno(err, "unable to read '%s'", path);
	}
	xmlTextReaderSetStructuredErrorHandler(stream->xml, keep_message, stream);
	return 0;
}

void graphml_stream_close(struct graphml_stream *stream)
{
	xmlFreeTextReader(stream->xml);
	close(stream->fd);
}

uint32_t graphml_stream_line(const struct graphml_stream *stream)
{
	int line = xmlTextReaderGetParserLineNumber(stream->xml);

	return line > 0 ? (uint32_t)line : 0;
}

int graphml_stream_fail(const struct graphml_stream *stream, const char *path, struct err *err)
{
	if (stream->error) {
		errno = stream->error;
		return err_errno(err, "unable to read '%s'", path);
	}
	if (!stream->message[0])
		return err_set(err, "%s:%u: not XML", path, graphml_stream_line(stream));
	return err_set(err, "%s:%u: %s", path, stream->message_line, stream->message);
}

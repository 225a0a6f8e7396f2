/* SPDX-License-Identifier: Apache-2.0 */
#include "matchlib.h"
#include "trace/names.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "matchlib-XXXXXX";
static bool made;

const char *match_path(const struct ring *ring)
{
	int fd = made ? -1 : mkstemp(path);

	if (fd >= 0)
		close(fd);
	made = true;
	if (ring)
		ring_save(ring, path);
	return path;
}

void match_path_remove(void)
{
	if (made)
		unlink(path);
	strcpy(path, "matchlib-XXXXXX");
	made = false;
}

static void put_who(FILE *out, char what, const struct work *work)
{
	fprintf(out, "%c ", what);
	if (work->qp)
		fprintf(out, "%x ", work->qp->qpn);
	else
		fprintf(out, "srq ");
	fprintf(out, "%s id %" PRIx64,
		work->receive ? name_wc_opcode(work->opcode) : name_wr_opcode(work->opcode),
		work->wr_id);
}

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	FILE *out = arg;

	assert_true(work->posted);
	assert_false(work->completed);
	put_who(out, '+', work);
	fprintf(out, " bytes %" PRIu64 " depth %u", work->bytes, depth->outstanding);
	if (work->refused)
		fprintf(out, " refused %u", work->error);
	fputc('\n', out);
	return 0;
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	FILE *out = arg;

	assert_true(work->completed);
	assert_false(work->refused);
	assert_non_null(work->qp);
	if (work->posted)
		assert_true(work->end_time >= work->post_time);
	put_who(out, '-', work);
	fprintf(out, " bytes %" PRIu64 " %s depth %u", work->bytes, name_wc_status(work->status),
		depth->outstanding);
	if (work->has_message)
		fprintf(out, " m %" PRIu64, work->message);
	fprintf(out, "%s%s%s\n", work->inferred ? " inferred" : "", work->posted ? "" : " unposted",
		work->srq ? " srq" : "");
	return 0;
}

static int left(void *arg, const struct work *work)
{
	put_who(arg, '!', work);
	fprintf(arg, "%s\n", work->unsure ? " unsure" : "");
	return 0;
}

char *match_text(const char *name)
{
	struct trace_handler handler = {
		.match = { .posted = posted, .ended = ended, .left = left },
	};
	struct trace_run run;
	struct err err = { "" };
	char *text = NULL;
	size_t size;

	handler.arg = open_memstream(&text, &size);
	if (trace_run_open(&run, name, &err) < 0)
		fail_msg("%s", err.text);
	if (trace_run_walk_all(&run, &handler, &err) < 0)
		fail_msg("%s", err.text);
	trace_run_close(&run);
	fclose(handler.arg);
	return text;
}

void match_expect(const struct ring *ring, const char *text)
{
	char *got = match_text(match_path(ring));

	assert_string_equal(got, text);
	free(got);
	match_path_remove();
}

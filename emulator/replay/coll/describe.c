/* SPDX-License-Identifier: Apache-2.0 */
/* What a collective waits for, for whoever wonders why it does not end. */
#include "coll/work.h"

#include <inttypes.h>
#include <stdio.h>

/* The first receive that is not in, if there is one. */
static bool missing(const struct run *run, struct step *step)
{
	if (!run->chunk || run->in_order == run->plan.receives)
		return false;
	plan_receive(&run->plan, run->in_order, step);
	return true;
}

static const struct run *waiting_run(const struct chunk *chunk, struct step *step)
{
	uint32_t i;

	for (i = 0; i < PARTS; i++)
		if (missing(&chunk->runs[i], step))
			return &chunk->runs[i];
	return NULL;
}

static void describe_chunk(const struct chunk *chunk, char *buf, size_t size)
{
	const struct work *work = chunk->work;
	const struct phase *phase = &work->phases[chunk->phase];
	const struct run *run;
	struct step step;
	int length = snprintf(buf, size, "chunk %u of %u in phase %u of %u ", chunk->number + 1,
			      work->chunks_count, chunk->phase + 1, work->phases_count);

	if (length < 0 || (size_t)length >= size)
		return;
	buf += length;
	size -= (size_t)length;
	run = waiting_run(chunk, &step);
	if (!run)
		snprintf(buf, size, "waits for others to take what it sent");
	else if (step.bytes == STEP_ANY)
		snprintf(buf, size, "waits for rank %u, tag %" PRIu64,
			 members_rank(&phase->members, step.peer), run_tag(run));
	else
		snprintf(buf, size, "waits for rank %u, tag %" PRIu64 ", %" PRIu64 " bytes",
			 members_rank(&phase->members, step.peer), run_tag(run), step.bytes);
}

void collective_describe(const struct collective *collective, char *buf, size_t size)
{
	const struct work *work = collective->work;
	uint32_t c;

	snprintf(buf, size, "%s", "");
	if (!work || !work->chunks)
		return;
	if (work->custom) {
		snprintf(buf, size, "%" PRIu64 " messages under way", work->open);
		return;
	}
	for (c = 0; c < work->chunks_count; c++)
		if (work->chunks[c].open) {
			describe_chunk(&work->chunks[c], buf, size);
			return;
		}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lifeline.h"

#include "clock.h"
#include "net/door.h"
#include "rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY          "lifeline"
#define CHECK_NS     1000000
#define LAST_WORD_MS 1000

enum word_kind { WORD_FAILED = 1, WORD_DONE };

/* All that is ever said on a connection: whole or not at all. */
struct word {
	uint32_t kind;
	char text[508];
};

/* A connection, to rank 0 or of one to it. */
struct line {
	int fd; /* -1: closed */
	bool done;
	size_t have;
	struct word word;
	char node[RENDEZVOUS_NODE];
};

struct lifeline {
	struct line *lines; /* [size], rank 0's; of others only [0] is used */
	struct pollfd *polled;
	uint32_t rank, size, count; /* count: of lines */
	uint32_t done;              /* ranks, known to rank 0 */
	int64_t checked;            /* ns */
	bool all_done;
	struct err failed; /* the first sentence there was; "" without */
};

/* ---- words ---- */

static void say(struct line *line, enum word_kind kind, const char *text)
{
	struct word word = { .kind = kind };

	if (line->fd < 0)
		return;
	snprintf(word.text, sizeof(word.text), "%s", text);
	/* one who does not read what fits into every socket buffer is lost anyway */
	send(line->fd, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_all(struct lifeline *lifeline, enum word_kind kind, const char *text)
{
	for (uint32_t i = 0; i < lifeline->count; i++)
		say(&lifeline->lines[i], kind, text);
}

static void note_failure(struct lifeline *lifeline, const char *text)
{
	if (lifeline->failed.text[0])
		return;
	err_set(&lifeline->failed, "%s", text);
	if (lifeline->rank == 0)
		say_all(lifeline, WORD_FAILED, text);
}

static void take_word(struct lifeline *lifeline, struct line *line)
{
	line->word.text[sizeof(line->word.text) - 1] = '\0';
	if (line->word.kind == WORD_FAILED)
		note_failure(lifeline, line->word.text);
	else if (lifeline->rank)
		lifeline->all_done = true;
	else if (!line->done) {
		line->done = true;
		lifeline->done++;
	}
}

static void lost(struct lifeline *lifeline, struct line *line)
{
	char text[128];

	close(line->fd);
	line->fd = -1;
	if (line->done || lifeline->all_done)
		return;
	snprintf(text, sizeof(text), "rank %u%s%s%s is gone", (unsigned)(line - lifeline->lines),
		 line->node[0] ? " (" : "", line->node, line->node[0] ? ")" : "");
	note_failure(lifeline, text);
}

static void listen_to(struct lifeline *lifeline, struct line *line)
{
	ssize_t got;

	while (line->fd >= 0) {
		got = recv(line->fd, (char *)&line->word + line->have,
			   sizeof(line->word) - line->have, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			lost(lifeline, line);
			return;
		}
		line->have += (size_t)got;
		if (line->have == sizeof(line->word)) {
			line->have = 0;
			take_word(lifeline, line);
		}
	}
}

static void listen_to_all(struct lifeline *lifeline, int wait_ms)
{
	int ready;

	for (uint32_t i = 0; i < lifeline->count; i++)
		lifeline->polled[i] =
			(struct pollfd){ .fd = lifeline->lines[i].fd, .events = POLLIN };
	ready = poll(lifeline->polled, lifeline->count, wait_ms);
	for (uint32_t i = 0; ready > 0 && i < lifeline->count; i++)
		if (lifeline->polled[i].revents)
			listen_to(lifeline, &lifeline->lines[i]);
}

/* ---- open ---- */

static int let_in(struct lifeline *lifeline, struct door *door, int wait_ms, struct err *err)
{
	int64_t until = clock_ms() + wait_ms;
	uint32_t left = lifeline->size - 1, rank;

	while (left) {
		int64_t ms = until - clock_ms();
		int fd = ms > 0 ? door_accept(door, &rank, (int)ms) : -1;

		if (fd < 0)
			return err_set(err,
				       "after %d s %u of %u ranks have not connected to rank 0",
				       wait_ms / 1000, left, lifeline->size);
		if (rank == 0 || lifeline->lines[rank].fd >= 0) {
			close(fd);
			continue;
		}
		lifeline->lines[rank].fd = fd;
		left--;
	}
	return 0;
}

/* "CARD", then the nodes of all by rank 0 are known from the rendezvous. */
static int open_first(struct lifeline *lifeline, const struct net_settings *settings, int wait_ms,
		      struct err *err)
{
	struct rendezvous *rdv = settings->rendezvous;
	char card[DOOR_CARD];
	struct door door;
	int rc;

	if (door_open(&door, lifeline->size, settings->interface, rendezvous_node(rdv), card, err) <
	    0)
		return -1;
	rc = rendezvous_put(rdv, KEY, card, strlen(card), err);
	if (rc == 0)
		rc = rendezvous_fence(rdv, "lifeline", wait_ms, err);
	if (rc == 0)
		rc = let_in(lifeline, &door, wait_ms, err);
	door_close(&door);
	return rc;
}

static int open_other(struct lifeline *lifeline, const struct net_settings *settings, int wait_ms,
		      struct err *err)
{
	struct rendezvous *rdv = settings->rendezvous;
	const char *node = rendezvous_node(rdv);
	struct err why = { "" };
	char card[DOOR_CARD];
	long size;

	if (rendezvous_put(rdv, KEY, node, strlen(node), err) < 0 ||
	    rendezvous_fence(rdv, "lifeline", wait_ms, err) < 0)
		return -1;
	size = rendezvous_get(rdv, 0, KEY, card, sizeof(card) - 1, wait_ms, err);
	if (size < 0)
		return -1;
	card[size] = '\0';
	lifeline->lines[0].fd = door_visit(card, lifeline->rank, node, wait_ms, &why);
	return lifeline->lines[0].fd >= 0 ? 0
					  : err_set(err, "unable to reach rank 0: %s", why.text);
}

/* For sentences: without them it works as well. */
static void learn_nodes(struct lifeline *lifeline, struct rendezvous *rdv)
{
	struct line *line;
	long size;

	for (uint32_t i = 1; lifeline->rank == 0 && i < lifeline->size; i++) {
		line = &lifeline->lines[i];
		size = rendezvous_get(rdv, i, KEY, line->node, sizeof(line->node) - 1, 1000, NULL);
		line->node[size > 0 ? size : 0] = '\0';
	}
}

int lifeline_open(struct lifeline **out, const struct net_settings *settings, struct err *err)
{
	int wait_ms = settings->wait_ms ? settings->wait_ms : RENDEZVOUS_WAIT_MS;
	struct lifeline *lifeline = calloc(1, sizeof(*lifeline));
	int rc;

	if (!lifeline)
		return err_errno(err, "no room for a lifeline");
	lifeline->rank = rendezvous_rank(settings->rendezvous);
	lifeline->size = rendezvous_size(settings->rendezvous);
	lifeline->count = lifeline->rank ? 1 : lifeline->size;
	lifeline->lines = calloc(lifeline->count, sizeof(*lifeline->lines));
	lifeline->polled = calloc(lifeline->count, sizeof(*lifeline->polled));
	for (uint32_t i = 0; lifeline->lines && i < lifeline->count; i++)
		lifeline->lines[i].fd = -1;
	if (!lifeline->lines || !lifeline->polled)
		rc = err_errno(err, "no room for a lifeline");
	else
		rc = lifeline->rank ? open_other(lifeline, settings, wait_ms, err)
				    : open_first(lifeline, settings, wait_ms, err);
	if (rc < 0) {
		lifeline_close(lifeline);
		return -1;
	}
	learn_nodes(lifeline, settings->rendezvous);
	*out = lifeline;
	return 0;
}

/* ---- use ---- */

static int failure(const struct lifeline *lifeline, struct err *err)
{
	return lifeline->failed.text[0] ? err_set(err, "%s", lifeline->failed.text) : 0;
}

int lifeline_check(struct lifeline *lifeline, int64_t now, struct err *err)
{
	if (now - lifeline->checked < CHECK_NS)
		return 0;
	lifeline->checked = now;
	if (rendezvous_stopped())
		return err_set(err, "rank %u was interrupted", lifeline->rank);
	listen_to_all(lifeline, 0);
	return failure(lifeline, err);
}

void lifeline_fail(struct lifeline *lifeline, struct err *why, int wait_ms)
{
	int64_t until = clock_ms() + wait_ms, left;

	while (!lifeline->failed.text[0] && (left = until - clock_ms()) > 0)
		listen_to_all(lifeline, (int)left);
	if (lifeline->failed.text[0])
		*why = lifeline->failed;
	else
		say_all(lifeline, WORD_FAILED, why->text);
}

/* The network is gone: because all are done and some have left, or one has died? */
static int finish_without(struct lifeline *lifeline, struct err *why)
{
	int64_t until = clock_ms() + LAST_WORD_MS, left;

	while (!lifeline->all_done && !lifeline->failed.text[0] && (left = until - clock_ms()) > 0)
		listen_to_all(lifeline, (int)left);
	if (lifeline->failed.text[0])
		*why = lifeline->failed;
	return lifeline->all_done ? 0 : -1;
}

static bool all_are_here(const struct lifeline *lifeline)
{
	return lifeline->rank ? lifeline->all_done : lifeline->done == lifeline->size - 1;
}

int lifeline_gather(struct lifeline *lifeline, struct net *net, int wait_ms, struct err *err)
{
	int64_t until = clock_ms() + wait_ms, left;

	for (;;) {
		if (failure(lifeline, err) < 0)
			return -1;
		if (net_poll(net, err) < 0)
			return finish_without(lifeline, err);
		if (all_are_here(lifeline))
			return 0;
		if (rendezvous_stopped())
			return err_set(err, "rank %u was interrupted", lifeline->rank);
		left = until - clock_ms();
		if (left <= 0)
			return err_set(err, "other ranks have not finished after %d s",
				       wait_ms / 1000);
		listen_to_all(lifeline, 1);
	}
}

int lifeline_finish(struct lifeline *lifeline, struct net *net, int wait_ms, struct err *err)
{
	if (lifeline->rank)
		say(&lifeline->lines[0], WORD_DONE, "");
	if (lifeline_gather(lifeline, net, wait_ms, err) < 0)
		return -1;
	if (lifeline->rank == 0) {
		lifeline->all_done = true;
		say_all(lifeline, WORD_DONE, "");
	}
	return 0;
}

void lifeline_close(struct lifeline *lifeline)
{
	if (!lifeline)
		return;
	for (uint32_t i = 0; lifeline->lines && i < lifeline->count; i++)
		if (lifeline->lines[i].fd >= 0)
			close(lifeline->lines[i].fd);
	free(lifeline->lines);
	free(lifeline->polled);
	free(lifeline);
}

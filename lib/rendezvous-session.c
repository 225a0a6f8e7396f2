/* SPDX-License-Identifier: Apache-2.0 */
#include "rendezvous-session.h"
#include "rendezvous-say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 64 /* remembered, those that are over with them */
#define PROGRAMS 64

enum presence {
	ABSENT,
	HERE,
	LEFT, /* said so */
	GONE, /* did not */
};

enum waiting {
	WAITS_NOT,
	WAITS_FENCE,
	WAITS_VALUE,
};

struct value {
	struct value *next;
	uint32_t size;
	char key[RENDEZVOUS_NAME];
	uint8_t bytes[];
};

struct member {
	void *owner;
	enum presence presence;
	enum waiting waiting;
	int64_t deadline; /* ms */
	uint32_t wanted;  /* rank of WAITS_VALUE */
	char key[RENDEZVOUS_NAME];
	char *node;           /* owned */
	struct value *values; /* owned */
	uint32_t keys;
};

struct rdv_session {
	struct rdv_session *next;
	char program[RENDEZVOUS_NAME];
	uint32_t generation, size;
	uint32_t joined, here, fenced, wanting;
	uint32_t lowest; /* no rank below it is absent */
	bool broken;
	char why[RDV_TEXT];
	struct member members[];
};

/* How often each rank has opened it: the number of its next session. */
struct rdv_program {
	struct rdv_program *next;
	char name[RENDEZVOUS_NAME];
	uint32_t opened[];
};

/* ---- values ---- */

static struct value **find_value(struct member *member, const char *key)
{
	struct value **at = &member->values;

	while (*at && strcmp((*at)->key, key))
		at = &(*at)->next;
	return at;
}

static void drop_value(struct rdv_book *book, struct member *member, struct value **at)
{
	struct value *value = *at;

	*at = value->next;
	book->memory -= sizeof(*value) + value->size;
	member->keys--;
	free(value);
}

static void drop_values(struct rdv_book *book, struct rdv_session *session)
{
	for (uint32_t rank = 0; rank < session->size; rank++)
		while (session->members[rank].values)
			drop_value(book, &session->members[rank], &session->members[rank].values);
}

/* ---- answers ---- */

static void answer(struct rdv_book *book, struct rdv_session *session, struct member *member,
		   const struct rdv_frame *frame)
{
	if (member->waiting == WAITS_FENCE)
		session->fenced--;
	if (member->waiting == WAITS_VALUE)
		session->wanting--;
	member->waiting = WAITS_NOT;
	if (member->presence == HERE)
		book->answer(member->owner, frame);
}

static void answer_ok(struct rdv_book *book, struct rdv_session *session, struct member *member)
{
	answer(book, session, member, &(struct rdv_frame){ .type = RDV_OK });
}

static void answer_value(struct rdv_book *book, struct rdv_session *session, struct member *member,
			 const struct value *value)
{
	struct rdv_frame frame = {
		.type = RDV_VALUE,
		.value = value->bytes,
		.value_size = value->size,
	};

	answer(book, session, member, &frame);
}

static void answer_error(struct rdv_book *book, struct rdv_session *session, struct member *member,
			 enum rdv_code code, const char *text)
{
	struct rdv_frame frame = rdv_frame_error(code, text);

	answer(book, session, member, &frame);
}

/* ---- sentences ---- */

static const char *node_of(const struct rdv_book *book, const struct rdv_session *session,
			   uint32_t rank)
{
	const char *node = session->members[rank].node;

	return node ? node : book->nodes && book->nodes[rank] ? book->nodes[rank] : NULL;
}

static const char *rank_text(const struct rdv_book *book, const struct rdv_session *session,
			     uint32_t rank, char text[RDV_RANK_TEXT])
{
	return rdv_rank_text(text, rank, node_of(book, session, rank),
			     session->members[rank].presence != ABSENT);
}

static void say_missing(const struct rdv_book *book, const struct rdv_session *session,
			char text[RDV_TEXT])
{
	struct rdv_missing missing = { 0 };
	char one[RDV_RANK_TEXT];

	for (uint32_t rank = 0; rank < session->size; rank++)
		if (session->members[rank].waiting != WAITS_FENCE)
			rdv_missing_add(&missing, rank_text(book, session, rank, one));
	rdv_missing_say(&missing, session->size, text);
}

static void say_rank(const struct rdv_book *book, const struct rdv_session *session, uint32_t rank,
		     const char *what, char text[RDV_TEXT])
{
	char one[RDV_RANK_TEXT];

	snprintf(text, RDV_TEXT, "rank %s %s", rank_text(book, session, rank, one), what);
}

/* ---- ends ---- */

/* Those that wait for all, with CODE; those that wait for RANK's values as well. */
static void wake(struct rdv_book *book, struct rdv_session *session, enum rdv_code code,
		 const char *text, uint32_t rank)
{
	for (uint32_t i = 0; i < session->size && (session->fenced || session->wanting); i++) {
		struct member *member = &session->members[i];

		if (member->waiting == WAITS_FENCE ||
		    (member->waiting == WAITS_VALUE && member->wanted == rank))
			answer_error(book, session, member, code, text);
	}
}

static void break_it(struct rdv_session *session, const char *why)
{
	if (!session->broken)
		snprintf(session->why, sizeof(session->why), "%s", why);
	session->broken = true;
}

static void session_free(struct rdv_book *book, struct rdv_session **at)
{
	struct rdv_session *session = *at;

	*at = session->next;
	drop_values(book, session);
	for (uint32_t rank = 0; rank < session->size; rank++)
		free(session->members[rank].node);
	free(session);
	book->session_count--;
}

/* Nobody is in it: it is forgotten when nobody can come; of a broken one, why
 * is kept for those who come late.
 */
static void session_idle(struct rdv_book *book, struct rdv_session *session)
{
	struct rdv_session **at = &book->sessions;

	if (session->joined == session->size) {
		book->ended++;
		while (*at != session)
			at = &(*at)->next;
		session_free(book, at);
	} else if (session->broken) {
		book->ended++;
		drop_values(book, session);
	}
}

/* ---- join ---- */

static struct rdv_program *find_program(struct rdv_book *book, const char *name)
{
	struct rdv_program *program = book->programs;

	while (program && strcmp(program->name, name))
		program = program->next;
	if (program || book->program_count == PROGRAMS)
		return program;
	program = calloc(1, sizeof(*program) + book->size * sizeof(*program->opened));
	if (!program)
		return NULL;
	snprintf(program->name, sizeof(program->name), "%s", name);
	program->next = book->programs;
	book->programs = program;
	book->program_count++;
	return program;
}

/* The oldest one that nobody is in makes room. */
static bool make_room(struct rdv_book *book)
{
	struct rdv_session **oldest = NULL;

	if (book->session_count < SESSIONS)
		return true;
	for (struct rdv_session **at = &book->sessions; *at; at = &(*at)->next)
		if (!(*at)->here)
			oldest = at;
	if (oldest)
		session_free(book, oldest);
	return oldest;
}

static struct rdv_session *session_create(struct rdv_book *book, const char *program,
					  uint32_t generation)
{
	struct rdv_session *session;

	if (!make_room(book))
		return NULL;
	session = calloc(1, sizeof(*session) + book->size * sizeof(*session->members));
	if (!session)
		return NULL;
	snprintf(session->program, sizeof(session->program), "%s", program);
	session->generation = generation;
	session->size = book->size;
	session->next = book->sessions;
	book->sessions = session;
	book->session_count++;
	return session;
}

static struct rdv_session *find_session(struct rdv_book *book, const char *program,
					uint32_t generation)
{
	struct rdv_session *session = book->sessions;

	while (session && (strcmp(session->program, program) || session->generation != generation))
		session = session->next;
	return session ? session : session_create(book, program, generation);
}

static uint32_t lowest_absent(struct rdv_session *session)
{
	while (session->lowest < session->size &&
	       session->members[session->lowest].presence != ABSENT)
		session->lowest++;
	return session->lowest;
}

/* For a rank that does not know its number: the first session with room that is whole, or
 * one behind all there have been.
 */
static uint32_t open_generation(const struct rdv_book *book, const struct rdv_program *program)
{
	uint32_t first = UINT32_MAX, last = 0;

	for (uint32_t rank = 0; rank < book->size; rank++)
		last = program->opened[rank] > last ? program->opened[rank] : last;
	for (const struct rdv_session *session = book->sessions; session; session = session->next)
		if (!strcmp(session->program, program->name) && !session->broken &&
		    session->joined < session->size && session->generation < first)
			first = session->generation;
	return first < UINT32_MAX ? first : last + 1;
}

static void *refuse(enum rdv_code *code, char text[RDV_TEXT], enum rdv_code with, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
static void *refuse(enum rdv_code *code, char text[RDV_TEXT], enum rdv_code with, const char *fmt,
		    ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, RDV_TEXT, fmt, ap);
	va_end(ap);
	*code = with;
	return NULL;
}

struct rdv_session *rdv_join(struct rdv_book *book, const char *name, uint32_t *generation,
			     uint32_t *rank, const char *node, void *owner, enum rdv_code *code,
			     char text[RDV_TEXT])
{
	struct rdv_program *program;
	struct rdv_session *session;
	struct member *member;

	if (*rank != RDV_ANY && *rank >= book->size)
		return refuse(code, text, RDV_WRONG, "rank %" PRIu32 " of %" PRIu32 " ranks", *rank,
			      book->size);
	program = find_program(book, name);
	if (!program)
		return refuse(code, text, RDV_FULL, "too many programs");
	if (!*generation)
		*generation = *rank == RDV_ANY ? open_generation(book, program)
					       : program->opened[*rank] + 1;
	session = find_session(book, name, *generation);
	if (!session)
		return refuse(code, text, RDV_FULL, "too many sessions");
	if (*rank == RDV_ANY)
		*rank = lowest_absent(session);
	if (*rank == session->size || session->members[*rank].presence != ABSENT)
		return refuse(code, text, RDV_WRONG, "rank %" PRIu32 " has come already", *rank);
	if (*generation > program->opened[*rank])
		program->opened[*rank] = *generation;
	if (session->broken)
		return refuse(code, text, RDV_BROKEN, "%s", session->why);
	member = &session->members[*rank];
	member->node = *node ? strdup(node) : NULL;
	member->owner = owner;
	member->presence = HERE;
	session->joined++;
	session->here++;
	return session;
}

/* ---- requests ---- */

static void hold(struct rdv_book *book, struct member *member, enum waiting what,
		 const struct rdv_frame *request, int64_t now)
{
	uint32_t wait = request->number < RDV_WAIT_MAX ? request->number : RDV_WAIT_MAX;

	member->waiting = what;
	member->deadline = now + wait;
	if (member->deadline < book->deadline)
		book->deadline = member->deadline;
}

static void give(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		 const struct value *value)
{
	for (uint32_t i = 0; i < session->size && session->wanting; i++) {
		struct member *member = &session->members[i];

		if (member->waiting == WAITS_VALUE && member->wanted == rank &&
		    !strcmp(member->key, value->key))
			answer_value(book, session, member, value);
	}
}

static void on_put(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		   const struct rdv_frame *request, int64_t now)
{
	struct member *member = &session->members[rank];
	struct value **at = find_value(member, request->name), *value;
	uint64_t size = sizeof(*value) + request->value_size;

	(void)now;
	if (*at)
		drop_value(book, member, at);
	if (member->keys == RENDEZVOUS_KEYS || book->memory + size > book->memory_max ||
	    !(value = malloc(size))) {
		answer_error(book, session, member, RDV_FULL,
			     member->keys == RENDEZVOUS_KEYS ? "too many keys"
							     : "too many values in the rendezvous");
		return;
	}
	*value = (struct value){ .next = member->values, .size = request->value_size };
	memcpy(value->key, request->name, sizeof(value->key));
	if (value->size)
		memcpy(value->bytes, request->value, value->size);
	member->values = value;
	member->keys++;
	book->memory += size;
	answer_ok(book, session, member);
	give(book, session, rank, value);
}

static void on_get(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		   const struct rdv_frame *request, int64_t now)
{
	struct member *member = &session->members[rank], *from;
	struct value *value;
	char text[RDV_TEXT];

	if (request->rank >= session->size) {
		answer_error(book, session, member, RDV_WRONG, "no such rank");
		return;
	}
	from = &session->members[request->rank];
	value = *find_value(from, request->name);
	if (value) {
		answer_value(book, session, member, value);
	} else if (from->presence == LEFT || from->presence == GONE) {
		say_rank(book, session, request->rank,
			 from->presence == LEFT ? "has left" : "is gone", text);
		answer_error(book, session, member, RDV_BROKEN, text);
	} else if (!request->number) {
		say_rank(book, session, request->rank, "has not put it", text);
		answer_error(book, session, member, RDV_NOT_PUT, text);
	} else {
		member->wanted = request->rank;
		memcpy(member->key, request->name, sizeof(member->key));
		session->wanting++;
		hold(book, member, WAITS_VALUE, request, now);
	}
}

/* Whoever has left will not come to a fence. */
static bool somebody_left(const struct rdv_book *book, const struct rdv_session *session,
			  char text[RDV_TEXT])
{
	if (session->here == session->joined)
		return false;
	for (uint32_t rank = 0; rank < session->size; rank++) {
		if (session->members[rank].presence != LEFT)
			continue;
		say_rank(book, session, rank, "has left", text);
		return true;
	}
	return false;
}

static void on_fence(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		     const struct rdv_frame *request, int64_t now)
{
	struct member *member = &session->members[rank];
	char text[RDV_TEXT];

	if (session->broken) {
		answer_error(book, session, member, RDV_BROKEN, session->why);
		return;
	}
	if (somebody_left(book, session, text)) {
		answer_error(book, session, member, RDV_BROKEN, text);
		return;
	}
	session->fenced++;
	hold(book, member, WAITS_FENCE, request, now);
	if (session->fenced < session->size)
		return;
	for (uint32_t i = 0; i < session->size; i++)
		answer_ok(book, session, &session->members[i]);
}

void rdv_request(struct rdv_book *book, struct rdv_session *session, uint32_t rank,
		 const struct rdv_frame *request, int64_t now)
{
	static void (*const requests[])(struct rdv_book *, struct rdv_session *, uint32_t,
					const struct rdv_frame *, int64_t) = {
		[RDV_PUT] = on_put,
		[RDV_GET] = on_get,
		[RDV_FENCE] = on_fence,
	};

	requests[request->type](book, session, rank, request, now);
}

void rdv_leave(struct rdv_book *book, struct rdv_session *session, uint32_t rank, bool clean)
{
	struct member *member = &session->members[rank];
	char text[RDV_TEXT];

	if (member->waiting == WAITS_FENCE)
		session->fenced--;
	if (member->waiting == WAITS_VALUE)
		session->wanting--;
	member->waiting = WAITS_NOT;
	member->presence = clean ? LEFT : GONE;
	member->owner = NULL;
	session->here--;
	say_rank(book, session, rank, clean ? "has left" : "is gone", text);
	if (!clean)
		break_it(session, text);
	wake(book, session, RDV_BROKEN, text, rank);
	if (!session->here)
		session_idle(book, session);
}

/* ---- time ---- */

static void expire_session(struct rdv_book *book, struct rdv_session *session, int64_t now)
{
	char text[RDV_TEXT];

	for (uint32_t rank = 0; rank < session->size; rank++) {
		struct member *member = &session->members[rank];

		if (!member->waiting)
			continue;
		if (member->deadline > now) {
			if (member->deadline < book->deadline)
				book->deadline = member->deadline;
		} else if (member->waiting == WAITS_VALUE) {
			say_rank(book, session, member->wanted, "has not put it", text);
			answer_error(book, session, member, RDV_TIME, text);
		} else {
			say_missing(book, session, text);
			break_it(session, text);
			wake(book, session, RDV_TIME, text, RDV_ANY);
		}
	}
}

void rdv_expire(struct rdv_book *book, int64_t now)
{
	if (now < book->deadline)
		return;
	book->deadline = INT64_MAX;
	for (struct rdv_session *session = book->sessions; session; session = session->next)
		if (session->fenced || session->wanting)
			expire_session(book, session, now);
}

/* ---- begin and end ---- */

int rdv_book_init(struct rdv_book *book, const struct rendezvous_server_settings *settings,
		  rdv_answer_fn answer)
{
	*book = (struct rdv_book){
		.size = settings->size,
		.memory_max = settings->memory ? settings->memory : 256ull << 20,
		.answer = answer,
		.deadline = INT64_MAX,
	};
	if (!settings->nodes)
		return 0;
	book->nodes = calloc(book->size, sizeof(*book->nodes));
	for (uint32_t rank = 0; book->nodes && rank < book->size; rank++) {
		book->nodes[rank] = settings->nodes[rank] ? strdup(settings->nodes[rank]) : NULL;
		if (settings->nodes[rank] && !book->nodes[rank]) {
			rdv_book_release(book);
			return -1;
		}
	}
	return book->nodes ? 0 : -1;
}

void rdv_book_release(struct rdv_book *book)
{
	while (book->sessions)
		session_free(book, &book->sessions);
	while (book->programs) {
		struct rdv_program *program = book->programs;

		book->programs = program->next;
		free(program);
	}
	for (uint32_t rank = 0; book->nodes && rank < book->size; rank++)
		free(book->nodes[rank]);
	free(book->nodes);
	book->nodes = NULL;
}

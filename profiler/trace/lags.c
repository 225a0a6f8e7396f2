/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/lags.h"
#include "trace/account.h"

#include <stdlib.h>
#include <uthash.h>

/* What one side has said, until the other one does. */
struct said {
	bool due; /* else: taken */
	int64_t time;
	struct account *account;
	struct said *next;
};

struct lag {
	struct lag_key {
		uint64_t wr_id;
		uint32_t qpn, pad;
	} key;
	struct said *first, *last;
	UT_hash_handle hh;
};

void lags_release(struct lags *lags)
{
	struct lag *lag, *next;
	struct said *said;

	HASH_ITER (hh, lags->of, lag, next) {
		HASH_DEL(lags->of, lag);
		while ((said = lag->first)) {
			lag->first = said->next;
			free(said);
		}
		free(lag);
	}
	lags->waiting = 0;
}

static int count(const struct said *due, const struct said *taken)
{
	int64_t lag = taken->time - due->time;

	return taken->account ? histogram_add(&taken->account->lag, lag > 0 ? (uint64_t)lag : 0)
			      : 0;
}

static int add(struct lags *lags, struct lag *lag, const struct lag_key *key,
	       const struct said *said)
{
	struct said *copy;

	if (lags->waiting >= LAGS_MOST)
		return 0;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -1;
	*copy = *said;
	if (!lag) {
		lag = calloc(1, sizeof(*lag));
		if (!lag) {
			free(copy);
			return -1;
		}
		lag->key = *key;
		HASH_ADD(hh, lags->of, key, sizeof(lag->key), lag);
	}
	if (lag->first)
		lag->last->next = copy;
	else
		lag->first = copy;
	lag->last = copy;
	lags->waiting++;
	return 0;
}

/* Take the first one away. */
static void forget(struct lags *lags, struct lag *lag)
{
	struct said *said = lag->first;

	lag->first = said->next;
	free(said);
	lags->waiting--;
	if (lag->first)
		return;
	HASH_DEL(lags->of, lag);
	free(lag);
}

static int meet(struct lags *lags, uint32_t qpn, uint64_t wr_id, const struct said *said)
{
	const struct lag_key key = { .wr_id = wr_id, .qpn = qpn };
	struct lag *lag;
	int rc;

	HASH_FIND(hh, lags->of, &key, sizeof(key), lag);
	if (!lag || lag->first->due == said->due)
		return add(lags, lag, &key, said);
	rc = said->due ? count(said, lag->first) : count(lag->first, said);
	forget(lags, lag);
	return rc;
}

int lags_due(struct lags *lags, uint32_t qpn, uint64_t wr_id, int64_t time)
{
	return meet(lags, qpn, wr_id, &(struct said){ .due = true, .time = time });
}

int lags_taken(struct lags *lags, uint32_t qpn, uint64_t wr_id, int64_t time,
	       struct account *account)
{
	return meet(lags, qpn, wr_id, &(struct said){ .time = time, .account = account });
}

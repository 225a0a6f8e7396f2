/* SPDX-License-Identifier: Apache-2.0 */
#include "traced.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct traced_context *traced_recent;

static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

/* Chains of entries that only grow: who looks needs no lock.  An entry without a key
 * is free.
 */
#define BUCKETS 1024

struct entry {
	_Atomic(const void *) key;
	struct entry *_Atomic next;
	uint64_t mark; /* no two objects have the same */
	union {
		struct traced_context context;
		struct traced_qp qp;
		struct traced_cq cq;
	};
};

static struct entry *_Atomic table[BUCKETS];

static struct entry *_Atomic *chain(const void *key)
{
	return &table[((uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15ULL >> 32) % BUCKETS];
}

static struct entry *find(const void *key)
{
	struct entry *entry = *chain(key);

	while (entry && entry->key != key)
		entry = entry->next;
	return entry;
}

static struct entry *unused(struct entry *entry)
{
	while (entry && entry->key)
		entry = entry->next;
	return entry;
}

/* An entry for OBJECT; its memory may be that of another one which was destroyed. */
static struct entry *add(const void *object)
{
	struct entry *_Atomic *head = chain(object);
	static uint64_t marks;
	struct entry *entry;

	pthread_mutex_lock(&adding);
	entry = find(object);
	if (!entry)
		entry = unused(*head);
	if (entry) {
		entry->key = object;
	} else if ((entry = calloc(1, sizeof(*entry)))) {
		entry->key = object;
		entry->next = *head;
		*head = entry;
	}
	if (entry)
		entry->mark = ++marks;
	pthread_mutex_unlock(&adding);
	return entry;
}

uint64_t traced_mark(const void *object)
{
	struct entry *entry = find(object);

	return entry ? entry->mark : 0;
}

void traced_forget(const void *object, uint64_t mark)
{
	struct entry *entry;

	if (!mark)
		return;
	pthread_mutex_lock(&adding);
	entry = find(object);
	if (entry && entry->mark == mark) {
		__atomic_store_n(&traced_recent, NULL, __ATOMIC_RELEASE);
		entry->key = NULL;
	}
	pthread_mutex_unlock(&adding);
}

/* --- contexts --- */

struct traced_context *traced_context_find(const struct ibv_context *context)
{
	struct entry *entry = find(context);

	if (!entry)
		return NULL;
	__atomic_store_n(&traced_recent, &entry->context, __ATOMIC_RELEASE);
	return &entry->context;
}

static struct traced_head head_of(uint32_t number, enum vcall call)
{
	return (struct traced_head){ .call = (uint16_t)call, .context = (uint8_t)number };
}

struct traced_context *traced_context_add(struct ibv_context *context)
{
	static uint32_t number;
	struct entry *entry = add(context);
	uint32_t own;

	if (!entry)
		return NULL;
	own = __atomic_fetch_add(&number, 1, __ATOMIC_RELAXED);
	if (own > VRING_CONTEXT_LAST)
		own = VRING_CONTEXT_LAST;
	entry->context = (struct traced_context){
		.context = context,
		.number = own,
		.send = head_of(own, VCALL_POST_SEND),
		.receive = head_of(own, VCALL_POST_RECV),
		.wc = head_of(own, VCALL_POLL_CQ),
	};
	return &entry->context;
}

/* --- extended queue pairs and completion queues --- */

struct traced_qp *traced_qp_find(const struct ibv_qp_ex *qp)
{
	struct entry *entry = find(qp);

	return entry ? &entry->qp : NULL;
}

struct traced_qp *traced_qp_add(struct ibv_qp_ex *qp)
{
	struct entry *entry = add(qp);

	if (!entry)
		return NULL;
	entry->qp = (struct traced_qp){ .qp = qp };
	return &entry->qp;
}

struct traced_cq *traced_cq_find(const struct ibv_cq_ex *cq)
{
	struct entry *entry = find(cq);

	return entry ? &entry->cq : NULL;
}

struct traced_cq *traced_cq_add(struct ibv_cq_ex *cq)
{
	struct entry *entry = add(cq);

	if (!entry)
		return NULL;
	entry->cq = (struct traced_cq){ .cq = cq };
	return &entry->cq;
}

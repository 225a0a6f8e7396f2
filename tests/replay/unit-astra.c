/* SPDX-License-Identifier: Apache-2.0 */
/* Every run of ASTRA-sim again: messages, bytes, sizes and times.  None is left out. */
#include "coll/collective.h"
#include "net/model.h"

#include "astra-ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RANKS 8

struct rank {
	struct collective collective; /* first */
	struct collectives *collectives;
	int64_t finished;
};

struct trial {
	struct loop loop;
	struct model_settings network;
	struct model *model;
	struct system system;
	struct dims dims;
	struct collectives_settings settings;
	struct rank ranks[RANKS];
	struct astra_traffic traffic;
};

static void note_end(struct collective *collective, int64_t time)
{
	((struct rank *)collective)->finished = time;
}

static void note_message(void *arg, const struct net *net, const struct net_message *message,
			 bool sent)
{
	if (sent)
		astra_sent(arg, net->rank, message->peer, message->size);
}

/* The D-th of words with 'x' between them. */
static void word(const char *text, uint32_t d, char *buf, size_t size)
{
	size_t length;

	while (d-- && strchr(text, 'x'))
		text = strchr(text, 'x') + 1;
	length = strcspn(text, "x");
	snprintf(buf, size, "%.*s", (int)length, text);
}

static void set_system(struct trial *trial, const struct astra_row *ref)
{
	struct system *system = &trial->system;
	struct err err;
	char name[64];
	uint32_t d;

	*system = (struct system){
		.policy = strcmp(ref->policy, "FIFO") == 0 ? POLICY_FIFO : POLICY_LIFO,
		.endpoint_delay = 10,
		.active_chunks = ref->active,
		.splits = ref->splits,
		.local_bw_aware = strcmp(ref->optimization, "localBWAware") == 0,
		.memory_bw = 1600,
	};
	for (d = 0; d < trial->dims.count; d++) {
		word(ref->impl, d, name, sizeof(name));
		assert_int_equal(algorithm_parse(&system->all_reduce[d], name, &err), 0);
		system->all_gather[d] = system->all_reduce[d];
		system->reduce_scatter[d] = system->all_reduce[d];
		system->all_to_all[d] = system->all_reduce[d];
	}
	system->all_reduce_count = system->all_gather_count = trial->dims.count;
	system->reduce_scatter_count = system->all_to_all_count = trial->dims.count;
}

static void set_network(struct trial *trial, const struct astra_row *ref)
{
	struct model_settings *network = &trial->network;
	char name[64];
	uint32_t d;

	network->dims = trial->dims.count;
	network->congestion = strcmp(ref->backend, "aware") == 0;
	for (d = 0; d < trial->dims.count; d++) {
		word(ref->topology, d, name, sizeof(name));
		network->kind[d] = strcmp(name, "Switch") == 0 ? MODEL_SWITCH : MODEL_RING;
		network->npus[d] = trial->dims.size[d];
		network->bandwidth[d] = 50.0 * (1 << 30);
		network->latency[d] = 500;
	}
}

static void set_dims(struct dims *dims, const char *text)
{
	char size[16];

	dims->count = 0;
	do {
		word(text, dims->count, size, sizeof(size));
		dims->size[dims->count++] = (uint32_t)atoi(size);
	} while (dims->count < 2 && strchr(text, 'x'));
}

static void start(struct trial *trial, const struct astra_row *ref, uint32_t i)
{
	struct rank *rank = &trial->ranks[i];
	struct net *net = model_net(trial->model, i);
	struct err err;

	net->told = note_message;
	net->told_arg = &trial->traffic;
	rank->finished = -1;
	rank->collective = (struct collective){
		.coll = ref->coll, .size = ASTRA_BYTES, .dims = UINT64_MAX, .done = note_end
	};
	if (collectives_create(&rank->collectives, net, &trial->settings, &err) < 0 ||
	    collectives_start(rank->collectives, &rank->collective, 0, &err) < 0)
		fail_msg("%s: %s", ref->name, err.text);
}

static void play(struct trial *trial, const struct astra_row *ref)
{
	struct err err;
	uint32_t i;

	set_dims(&trial->dims, ref->dims);
	set_system(trial, ref);
	set_network(trial, ref);
	trial->settings = (struct collectives_settings){ .system = &trial->system,
							 .dims = &trial->dims,
							 .queues_per_dim = ref->queues,
							 .compat = true };
	loop_init(&trial->loop, NULL);
	loop_start(&trial->loop);
	if (model_create(&trial->model, &trial->loop, &trial->network, ref->n, &err) < 0)
		fail_msg("%s: %s", ref->name, err.text);
	for (i = 0; i < ref->n; i++)
		start(trial, ref, i);
	if (loop_run(&trial->loop, &err) < 0)
		fail_msg("%s: %s", ref->name, err.text);
}

static void release(struct trial *trial, const struct astra_row *ref)
{
	uint32_t i;

	for (i = 0; i < ref->n; i++)
		collectives_destroy(trial->ranks[i].collectives);
	model_destroy(trial->model);
	loop_release(&trial->loop);
	free(trial);
}

/* Are the times at which ranks finish those of the row, as a set? */
static bool times_differ(const struct trial *trial, const struct astra_row *ref)
{
	json_t *cycles = json_object_get(ref->row, "cycles"), *cycle;
	bool seen[RANKS] = { false }, found, differ = false;
	size_t i;
	uint32_t r;

	json_array_foreach(cycles, i, cycle)
	{
		found = false;
		for (r = 0; r < ref->n; r++) {
			if (trial->ranks[r].finished != json_integer_value(cycle))
				continue;
			seen[r] = found = true;
		}
		differ |= !found;
	}
	for (r = 0; r < ref->n; r++)
		differ |= !seen[r];
	if (!differ)
		return false;
	printf("# %s: finish at", ref->name);
	for (r = 0; r < ref->n; r++)
		printf(" %lld", (long long)trial->ranks[r].finished);
	printf(", not");
	json_array_foreach(cycles, i, cycle) printf(" %lld", (long long)json_integer_value(cycle));
	printf("\n");
	return true;
}

static void every_run_comes_out_the_same(void **state)
{
	json_t *rows = astra_rows(), *row;
	int wrong = 0, compared = 0;
	struct astra_row ref;
	struct trial *trial;
	bool differs;
	size_t i;

	(void)state;
	if (!rows)
		skip();
	json_array_foreach(rows, i, row)
	{
		astra_row(&ref, row);
		assert_in_range(ref.n, 1, RANKS);
		trial = calloc(1, sizeof(*trial));
		play(trial, &ref);
		differs = astra_differences(&ref, &trial->traffic) > 0;
		differs |= times_differ(trial, &ref);
		wrong += differs;
		compared++;
		release(trial, &ref);
	}
	json_decref(rows);
	assert_int_equal(compared, 121);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_comes_out_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

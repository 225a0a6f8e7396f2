/* SPDX-License-Identifier: Apache-2.0 */
#include "device/section.h"
#include "clock.h"

#define SPINS 200 /* looks before sleeps are longer */

__thread uint32_t section_hint __attribute__((tls_model("initial-exec"))) = UINT32_MAX;

/* Threads begin to look at different places. */
static _Atomic uint32_t threads;

/* Who looked ROUND times in vain lets others run. */
static void rest(uint32_t round)
{
	clock_rest(round < SPINS ? 1 : round < 2 * SPINS ? 20000 : 1000000);
}

/* Places below SECTIONS are looked at by section_wait(): before one is taken. */
static void raise_sections(struct shared_process *process, uint32_t sections)
{
	uint32_t seen = atomic_load(&process->sections);

	while (seen < sections &&
	       !atomic_compare_exchange_weak(&process->sections, &seen, sections))
		;
}

static bool take_place(struct shared_process *process, uint32_t place)
{
	_Atomic uint64_t *count = &process->section[place].count;
	uint64_t seen = atomic_load(count);

	if (seen & 1)
		return false;
	raise_sections(process, place + 1);
	return atomic_compare_exchange_strong(count, &seen, seen + 1);
}

_Atomic uint64_t *section_search(struct fabric *fabric)
{
	struct shared_process *process = fabric->process;
	uint32_t first = section_hint, place;

	if (first >= FABRIC_THREADS)
		first = atomic_fetch_add(&threads, 1) % FABRIC_THREADS;
	for (uint32_t i = 0;; i++) {
		place = (first + i) % FABRIC_THREADS;
		if (take_place(process, place))
			break;
		if (i % FABRIC_THREADS == FABRIC_THREADS - 1)
			rest(i / FABRIC_THREADS);
	}
	section_hint = place;
	return &process->section[place].count;
}

/* --- waiting --- */

static void wait_place(struct fabric *fabric, uint32_t number, _Atomic uint64_t *place)
{
	uint64_t count = atomic_load(place);

	if (!(count & 1))
		return;
	for (uint32_t i = 0; atomic_load(place) == count; i++) {
		if (!fabric_alive(fabric, number))
			return;
		rest(i);
	}
}

static void wait_process(struct fabric *fabric, uint32_t number)
{
	struct shared_process *process = &fabric->segment.header->process[number];
	uint32_t sections = atomic_load(&process->sections);

	for (uint32_t i = 0; i < sections && i < FABRIC_THREADS; i++)
		wait_place(fabric, number, &process->section[i].count);
}

void section_wait(struct fabric *fabric)
{
	struct shared_header *header = fabric->segment.header;

	for (uint32_t i = 0; i < FABRIC_PROCESSES / 64; i++) {
		uint64_t present = atomic_load(&header->present[i]);

		for (; present; present &= present - 1)
			wait_process(fabric, 64 * i + (uint32_t)__builtin_ctzll(present));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that send, receive, resize, fail and die at the same time, at random: order,
 * exactly one completion, and no byte anywhere else (race.h); over both transports.
 * Beside the options of random-options.h it has
 *
 *	--links=MASK                 with these of its links alone
 *	--kill=yes|no                with a process that is killed, or without
 */
#include "race.h"
#include "random-options.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SEED  20261128
#define TRIES 4

static struct random_options wanted = { .seed = SEED, .count = 15 };
static uint32_t links_wanted = UINT32_MAX;
static const char *kills_wanted;

/* --- one race --- */

static void nap(void)
{
	const struct timespec time = { .tv_nsec = 200000 };

	nanosleep(&time, NULL);
}

/* In the midst of it, when it has posted so much. */
static void kill_victim(struct race *race, pid_t *pid)
{
	int victim = race->plan.victim, status;
	uint32_t bit;

	if (victim < 0 || !pid[victim])
		return;
	bit = 1u << victim;
	if (atomic_load(&race->dead) & bit || !(atomic_load(&race->connected) & bit) ||
	    atomic_load(&race->sent[victim]) < race->plan.kill_at)
		return;
	atomic_store(&race->dying, bit);
	kill(pid[victim], SIGKILL);
	waitpid(pid[victim], &status, 0);
	pid[victim] = 0;
	atomic_store(&race->dead, bit);
}

/* Returns false when something is wrong. */
static bool wait_for_all(struct race *race, pid_t *pid)
{
	uint32_t left = race->plan.processes;
	bool fine = true;
	int status;

	while (left) {
		kill_victim(race, pid);
		left = 0;
		for (uint32_t i = 0; i < race->plan.processes; i++) {
			if (!pid[i])
				continue;
			left++;
			if (waitpid(pid[i], &status, WNOHANG) != pid[i])
				continue;
			pid[i] = 0;
			fine &= status == 0;
		}
		for (uint32_t i = 0; !fine && i < race->plan.processes; i++)
			if (pid[i])
				kill(pid[i], SIGKILL);
		nap();
	}
	return fine;
}

static bool run(const struct race_plan *plan, const char *transport, char *text, size_t size)
{
	struct race *race = share(sizeof(*race));
	struct racer_options options[RACERS];
	char settings[96];
	pid_t pid[RACERS] = { 0 };
	bool fine;

	race->plan = *plan;
	snprintf(settings, sizeof(settings), "transport=%s%s", transport, plan->settings);
	lab_open(&race->lab, settings, 2);
	for (uint32_t i = 0; i < plan->processes; i++) {
		options[i] = (struct racer_options){ .race = race, .number = i };
		pid[i] = child_run(racer_run, &options[i]);
	}
	fine = wait_for_all(race, pid);
	snprintf(text, size, "%s", race->wrong[0] ? race->wrong : "a process has died");
	lab_close(&race->lab);
	munmap(race, sizeof(*race));
	return fine;
}

/* --- fewer links, fewer messages --- */

static bool fails(const struct race_plan *plan, const char *transport, char *text, size_t size)
{
	for (int i = 0; i < TRIES; i++)
		if (!run(plan, transport, text, size))
			return true;
	return false;
}

/* A link without messages does nothing: the others keep their numbers. */
static void shrink(struct race_plan *plan, const char *transport, char *text, size_t size)
{
	struct race_plan less;

	for (uint32_t i = 0; i < plan->links; i++) {
		less = *plan;
		less.link[i].messages = 0;
		less.link[i].ending = ENDING_DONE;
		if (fails(&less, transport, text, size))
			*plan = less;
	}
	for (uint32_t i = 0; i < plan->links; i++)
		for (less = *plan; less.link[i].messages > 1;) {
			less.link[i].messages /= 2;
			if (!fails(&less, transport, text, size))
				break;
			*plan = less;
		}
}

static void print(const struct race_plan *plan, const char *transport, const char *text)
{
	static const char *const endings[] = { "", ", ERR", ", RESET", ", destroyed" };
	uint32_t links = 0;

	fprintf(stderr, "# %s (transport=%s%s)\n", text, transport, plan->settings);
	for (uint32_t i = 0; i < plan->links; i++) {
		const struct link_plan *l = &plan->link[i];

		if (!l->messages)
			continue;
		links |= 1u << i;
		fprintf(stderr,
			"# link %u: process %u to %u, type %u%s, %u messages, up to %u bytes%s", i,
			l->process[0], l->process[1], l->type, l->srq ? " srq" : "", l->messages,
			l->size, endings[l->ending]);
		fprintf(stderr, l->ending ? " at %u\n" : "\n", l->end_at);
	}
	if (plan->victim >= 0)
		fprintf(stderr, "# process %d is killed at %u\n", plan->victim, plan->kill_at);
	fprintf(stderr, "# again: unit-random-races --transport=%s --kill=%s --links=0x%x %llu\n",
		transport, plan->victim < 0 ? "no" : "yes", links, (unsigned long long)plan->seed);
}

/* --- tests --- */

static void race_all(const char *transport, bool kills)
{
	char text[256];

	random_options_skip(&wanted, transport);
	if (kills_wanted && strcmp(kills_wanted, kills ? "yes" : "no"))
		skip();
	for (uint64_t i = 0; i < wanted.count; i++) {
		struct race_plan plan;

		race_plan(&plan, wanted.seed + i, kills);
		for (uint32_t j = 0; j < plan.links; j++)
			if (!(links_wanted & 1u << j))
				plan.link[j].messages = 0;
		if (run(&plan, transport, text, sizeof(text)))
			continue;
		fprintf(stderr, "# seed %llu, transport=%s: %s\n", (unsigned long long)plan.seed,
			transport, text);
		shrink(&plan, transport, text, sizeof(text));
		print(&plan, transport, text);
		fail_msg("%s", text);
	}
	print_message("# %s: %llu races from seed %llu on\n", transport,
		      (unsigned long long)wanted.count, (unsigned long long)wanted.seed);
}

static void keeps_order_directly(void **state)
{
	(void)state;
	race_all("direct", false);
}

static void keeps_order_by_mail(void **state)
{
	(void)state;
	race_all("queue", false);
}

static void survives_a_death_directly(void **state)
{
	(void)state;
	race_all("direct", true);
}

static void survives_a_death_by_mail(void **state)
{
	(void)state;
	race_all("queue", true);
}

/* That the test can fail. */
static void finds_mistakes(void **state)
{
	char text[256];

	(void)state;
	if (wanted.chosen)
		skip();
	for (uint32_t mistake = MISTAKE_NONE + 1; mistake < MISTAKES; mistake++) {
		struct race_plan plan;

		race_plan(&plan, SEED, false);
		plan.mistake = mistake;
		assert_false(run(&plan, "direct", text, sizeof(text)));
		print_message("# mistake %u: %s\n", mistake, text);
	}
}

static bool take_links(const char *value)
{
	links_wanted = (uint32_t)strtoul(value, NULL, 0);
	return true;
}

static bool take_kill(const char *value)
{
	kills_wanted = value;
	return !strcmp(value, "yes") || !strcmp(value, "no");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_directly),
		cmocka_unit_test(keeps_order_by_mail),
		cmocka_unit_test(survives_a_death_directly),
		cmocka_unit_test(survives_a_death_by_mail),
		cmocka_unit_test(finds_mistakes),
	};

	const struct random_option own[] = {
		{ "links", "MASK", take_links },
		{ "kill", "yes|no", take_kill },
		{ 0 },
	};

	if (!random_options_parse(&wanted, own, argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

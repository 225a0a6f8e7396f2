/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - in srun, sbatch and salloc: decide, pass on, serve a rendezvous */
#include "netemu/netemu.h"
#include "ports.h"
#include "rendezvous.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct device_settings settings;
static bool decided;

/* Of the tasks, and of the helpers of nodes, who compare their clocks. */
static struct serving {
	const char *variable;
	struct rendezvous_server *server;
	pthread_t thread;
} servings[] = { { .variable = ENV_RENDEZVOUS }, { .variable = ENV_CLOCK } };

#define SERVINGS (sizeof(servings) / sizeof(*servings))

/* Slurm ignores what an `optional` plugin returns, and a wrong setting must
 * not submit anything: so leave here, where nothing has been submitted yet.
 */
static void __attribute__((noreturn)) refuse(const char *sentence)
{
	slurm_error("netemu: %s", sentence);
	exit(255);
}

/* Put the decision where slurmstepd finds it; files in it are relative to here. */
static int pass_on(struct err *err)
{
	char base[PATH_MAX], *text = device_settings_format(&settings);
	int rc = 0;

	if (!text || !getcwd(base, sizeof(base)))
		rc = err_errno(err, "unable to pass the settings on");
	else if (strlen(text) >= SETTINGS_SIZE)
		rc = err_set(err, "the settings are too long");
	if (rc == 0) {
		env_set(NULL, ENV_SETTINGS, text);
		env_set(NULL, ENV_BASE, base);
	}
	free(text);
	return rc;
}

int local_init_post_opt(spank_t sp)
{
	char text[SETTINGS_SIZE];
	struct err err = { "" };
	int rc = env_get(NULL, ENV_USER, text, sizeof(text));

	(void)sp;
	if (rc < 0)
		refuse(ENV_USER ": longer than any settings can be");
	if (options_decide(&settings, rc ? text : NULL, &err) < 0)
		refuse(err.text);
	decided = true;
	/* what an outer step has said is not for this one */
	env_unset(NULL, ENV_SETTINGS);
	env_unset(NULL, ENV_BASE);
	for (size_t i = 0; i < SERVINGS; i++)
		env_unset(NULL, servings[i].variable);
	env_unset(NULL, ENV_FABRIC);
	env_unset(NULL, ENV_NODE);
	if (settings.enabled && pass_on(&err) < 0)
		refuse(err.text);
	return 0;
}

static void *serve(void *arg)
{
	rendezvous_server_run(arg);
	return NULL;
}

/* A thread that no signal of srun's reaches. */
static int start_thread(struct serving *serving)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&serving->thread, NULL, serve, serving->server);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

/* For sessions of SIZE. */
static int start_server(struct serving *serving, uint32_t size, struct err *err)
{
	struct rendezvous_server_settings ask = { .size = size };
	char address[RENDEZVOUS_ADDRESS];

	ports_of_srun(&ask.first_port, &ask.last_port);
	serving->server = rendezvous_server_create(&ask, err);
	if (!serving->server)
		return -1;
	if (rendezvous_server_address(serving->server, "", address, sizeof(address)) == 0 &&
	    start_thread(serving) == 0) {
		env_set(NULL, serving->variable, address);
		return 0;
	}
	rendezvous_server_destroy(serving->server);
	serving->server = NULL;
	return err_set(err, "unable to serve a rendezvous");
}

static void start_servers(const uint32_t sizes[SERVINGS], const uint32_t least[SERVINGS])
{
	struct err err = { "" };

	for (size_t i = 0; i < SERVINGS; i++)
		if (!servings[i].server && sizes[i] >= least[i] && sizes[i] <= RENDEZVOUS_RANKS &&
		    start_server(&servings[i], sizes[i], &err) < 0)
			slurm_error("netemu: no rendezvous: %s", err.text);
}

/* Job and step are known; tasks start after this. */
int local_user_init(spank_t sp)
{
	const uint32_t least[SERVINGS] = { 1, 2 }; /* one node has one clock */
	uint32_t sizes[SERVINGS] = { 0, 0 };

	if (!decided)
		return 0;
	if (!settings.enabled) {
		env_set(NULL, ENV_SETTINGS, "no");
		return 0;
	}
	spank_get_item(sp, S_JOB_TOTAL_TASK_COUNT, &sizes[0]);
	spank_get_item(sp, S_JOB_NNODES, &sizes[1]);
	start_servers(sizes, least);
	return 0;
}

static void stop_server(struct serving *serving)
{
	if (!serving->server)
		return;
	rendezvous_server_stop(serving->server);
	pthread_join(serving->thread, NULL);
	rendezvous_server_destroy(serving->server);
	serving->server = NULL;
}

void local_exit(spank_t sp)
{
	(void)sp;
	for (size_t i = 0; i < SERVINGS; i++)
		stop_server(&servings[i]);
	if (decided)
		device_settings_release(&settings);
	decided = false;
}

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
static struct rendezvous_server *server;
static pthread_t server_thread;

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
	env_unset(NULL, ENV_RENDEZVOUS);
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
static int start_thread(void)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&server_thread, NULL, serve, server);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static int start_server(uint32_t tasks, struct err *err)
{
	struct rendezvous_server_settings ask = { .size = tasks };
	char address[RENDEZVOUS_ADDRESS];

	ports_of_srun(&ask.first_port, &ask.last_port);
	server = rendezvous_server_create(&ask, err);
	if (!server)
		return -1;
	if (rendezvous_server_address(server, "", address, sizeof(address)) == 0 &&
	    start_thread() == 0) {
		env_set(NULL, ENV_RENDEZVOUS, address);
		return 0;
	}
	rendezvous_server_destroy(server);
	server = NULL;
	return err_set(err, "unable to serve a rendezvous");
}

/* Job and step are known; tasks start after this. */
int local_user_init(spank_t sp)
{
	struct err err = { "" };
	uint32_t tasks = 0;

	if (!decided)
		return 0;
	if (!settings.enabled) {
		env_set(NULL, ENV_SETTINGS, "no");
		return 0;
	}
	if (server || spank_get_item(sp, S_JOB_TOTAL_TASK_COUNT, &tasks) != ESPANK_SUCCESS ||
	    tasks == 0 || tasks > RENDEZVOUS_RANKS)
		return 0;
	if (start_server(tasks, &err) < 0)
		slurm_error("netemu: no rendezvous: %s", err.text);
	return 0;
}

void local_exit(spank_t sp)
{
	(void)sp;
	if (server) {
		rendezvous_server_stop(server);
		pthread_join(server_thread, NULL);
		rendezvous_server_destroy(server);
	}
	server = NULL;
	if (decided)
		device_settings_release(&settings);
	decided = false;
}

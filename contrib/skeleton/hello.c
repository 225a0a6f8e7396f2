/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - a SPANK plugin to start from
 *
 *	srun --hello ...		every task finds HELLO=world
 *	srun --hello=TEXT ...		every task finds HELLO=TEXT
 *	plugstack.conf: optional .../hello.so [text=TEXT]
 *
 * Small, but complete: an option for srun, sbatch and salloc, an argument of
 * the plugstack line, something done to the tasks, and the rules that keep a
 * plugin from costing nodes.  README.md says how to make another one of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <slurm/slurm.h>
#include <slurm/spank.h>

#define TEXT_MAX 64

/* Callbacks get nothing of ours passed, so what they are told is kept here.
 * Each process (srun, slurmstepd) loads the plugin anew and has its own.
 */
static char text[TEXT_MAX + 1] = "world"; /* from plugstack.conf, then the option */
static bool asked;
static const char *failure; /* of user_init, for task_init to raise */

static bool is_usable(const char *value)
{
	return value[0] && strlen(value) <= TEXT_MAX && !strpbrk(value, "\n\r");
}

/* Called by srun while it reads its options, and again in slurmstepd, there
 * twice up to Slurm 23.11: so it sets, and never appends.  "No argument" is
 * NULL, "" or "(null)".
 */
static int on_hello(int val, const char *optarg, int remote)
{
	(void)val;
	asked = true;
	if (!optarg || !optarg[0] || strcmp(optarg, "(null)") == 0)
		return 0;
	if (!is_usable(optarg)) {
		/* Here an error stops the command, and nothing is submitted.  In
		 * slurmstepd it would drain the node under sbatch.
		 */
		if (!remote)
			slurm_error("hello: --hello='%s': empty, or longer than %d bytes", optarg,
				    TEXT_MAX);
		failure = "the text is not usable";
		return remote ? 0 : -1;
	}
	snprintf(text, sizeof(text), "%s", optarg);
	return 0;
}

/* The only options that sbatch and salloc see are those registered in init;
 * a table `spank_options` would do for srun alone.
 */
static int register_option(spank_t sp)
{
	static char name[] = "hello", argument[] = "TEXT";
	static char usage[] = "put HELLO=TEXT (default: world) into the environment of tasks";
	static struct spank_option option = { name, argument, usage, 2, 0, on_hello };

	return spank_option_register(sp, &option) == ESPANK_SUCCESS ? 0 : -1;
}

/* An unknown argument is a mistake of the admin: say it, and go on. */
static void take_argument(const char *argument)
{
	if (strncmp(argument, "text=", 5) == 0 && is_usable(argument + 5))
		snprintf(text, sizeof(text), "%s", argument + 5);
	else
		slurm_error("hello: plugstack.conf: '%s': not text=TEXT", argument);
}

/* Batch scripts, the extern step and what comes later have numbers above. */
static bool is_normal_step(spank_t sp)
{
	uint32_t step;

	return spank_get_item(sp, S_JOB_STEPID, &step) == ESPANK_SUCCESS &&
	       step < SLURM_MAX_NORMAL_STEP_ID;
}

/* Everything between `push` and `pop` is seen by Slurm, nothing else is: two
 * plugins in one process must not share names.
 */
#pragma GCC visibility push(default)

/* The name and the version of the plugin; Slurm checks that it was built for
 * its own release.
 */
SPANK_PLUGIN(hello, 1)

/* In every process that loads plugins: srun, sbatch, salloc, slurmd,
 * slurmstepd, and once more for prologs.  Only some have options.
 */
int slurm_spank_init(spank_t sp, int ac, char **av)
{
	spank_context_t context = spank_context();

	if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR && context != S_CTX_REMOTE)
		return 0;
	for (int i = 0; i < ac; i++)
		take_argument(av[i]);
	return register_option(sp);
}

/* In slurmstepd, as root with the user's effective id, before any task.  This,
 * init_post_opt and task_post_fork must not return an error: srun would report
 * success, and under sbatch the node would be drained.
 */
int slurm_spank_user_init(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	if (asked && !failure && is_normal_step(sp) &&
	    spank_setenv(sp, "HELLO", text, 1) != ESPANK_SUCCESS)
		failure = "unable to set HELLO";
	return 0;
}

/* In the child that becomes a task, as the user: the place to fail, with a
 * sentence and by leaving, which works for `optional` lines too.
 */
int slurm_spank_task_init(spank_t sp, int ac, char **av)
{
	(void)sp;
	(void)ac;
	(void)av;
	if (asked && failure) {
		slurm_error("hello: %s", failure);
		_exit(1);
	}
	return 0;
}

#pragma GCC visibility pop

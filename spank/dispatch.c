/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.c - Slurm's entry points
 *
 * Every other file runs in one kind of process only.  In slurmstepd an error
 * from init_post_opt, user_init or task_post_fork would drain the node, so
 * only task_init may return one.
 */
#include "plugin.h"

/* The name, not the word PLUGIN_NAME. */
#define DECLARE(name) SPANK_PLUGIN(name, 1)

#pragma GCC visibility push(default)

DECLARE(PLUGIN_NAME)

int slurm_spank_init(spank_t sp, int ac, char **av)
{
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		options_plugstack(ac, av, slurm_error);
		return options_register(sp);
	case S_CTX_REMOTE:
		options_plugstack(ac, av, slurm_info);
		options_register(sp);
		return 0;
	case S_CTX_SLURMD:
		options_plugstack(ac, av, slurm_error);
		return 0;
	default:
		return 0;
	}
}

int slurm_spank_init_post_opt(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_ALLOCATOR:
		return local_init_post_opt(sp);
	default:
		return 0;
	}
}

int slurm_spank_local_user_init(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	return local_user_init(sp);
}

int slurm_spank_user_init(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	remote_user_init(sp);
	return 0;
}

int slurm_spank_task_init(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	return remote_task_init(sp);
}

int slurm_spank_task_exit(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	remote_task_exit(sp);
	return 0;
}

int slurm_spank_exit(spank_t sp, int ac, char **av)
{
	(void)ac;
	(void)av;
	switch (spank_context()) {
	case S_CTX_LOCAL:
		local_exit(sp);
		break;
	case S_CTX_REMOTE:
		remote_exit(sp);
		break;
	default:
		break;
	}
	return 0;
}

#pragma GCC visibility pop

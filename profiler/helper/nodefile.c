/* SPDX-License-Identifier: Apache-2.0 */
#include "nodefile.h"
#include "home.h"
#include "instrument.h"
#include "jsonfile.h"
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMES_TRIED 64

const char *nodefile_step(const char *rundir)
{
	const char *name = strrchr(rundir, '/');
	size_t digits;

	name = name ? name + 1 : rundir;
	if (!strncmp(name, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)))
		name += strlen(RUNDIR_PREFIX);
	digits = strspn(name, "0123456789");
	return digits && name[digits] == '.' ? name + digits + 1 : name;
}

/* Whether WORLD was started by the launcher of STEP: "0", or "0.2" when it was
 * the second program of that step.
 */
static bool is_of_step(const struct roster_world *world, const char *step)
{
	const char *own = nodefile_step(world->rundir);
	size_t length = strlen(step);

	return !strncmp(own, step, length) && (!own[length] || own[length] == '.');
}

/* The statuses are those of this step's tasks.  Under mpirun a rank is no
 * task, and SLURM_PROCID in its environment is somebody else's.
 */
static const struct inbox_exit *exit_of(const struct inbox *inbox, const struct roster_world *world,
					const struct roster_rank *rank)
{
	bool direct = is_of_step(world, inbox_text(inbox, INBOX_step));

	return inbox_exit_of(inbox, rank->pid, direct ? rank->procid : -1);
}

static json_t *rank_row(const struct inbox *inbox, const struct roster_world *world,
			const struct roster_rank *rank)
{
	const struct inbox_exit *exit = exit_of(inbox, world, rank);
	json_t *row = json_object();

	jsonfile_set(row, "rank", json_integer(rank->rank));
	jsonfile_set(row, "pid", json_integer(rank->pid));
	jsonfile_set(row, "procid", rank->procid < 0 ? NULL : json_integer(rank->procid));
	jsonfile_set(row, "exit_code",
		     exit && WIFEXITED(exit->status) ? json_integer(WEXITSTATUS(exit->status))
						     : NULL);
	jsonfile_set(row, "signal",
		     exit && WIFSIGNALED(exit->status) ? json_integer(WTERMSIG(exit->status))
						       : NULL);
	jsonfile_set(row, instrument.whole, json_boolean(rank->complete));
	return row;
}

static json_int_t row_rank(const json_t *row)
{
	return json_integer_value(json_object_get(row, "rank"));
}

static int row_compare(const void *a, const void *b)
{
	json_int_t left = row_rank(*(json_t *const *)a);
	json_int_t right = row_rank(*(json_t *const *)b);

	return (left > right) - (left < right);
}

static void sort_rows(json_t *rows)
{
	size_t count = json_array_size(rows);
	json_t **list = calloc(count + 1, sizeof(*list));

	if (!list)
		return;
	for (size_t i = 0; i < count; i++)
		list[i] = json_incref(json_array_get(rows, i));
	qsort(list, count, sizeof(*list), row_compare);
	json_array_clear(rows);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, list[i]);
	free(list);
}

/* What another instrument knows of the same process stays. */
static void keep_old(json_t *row, json_t *old)
{
	const char *key;
	json_t *value;

	json_object_foreach(old, key, value)
	{
		const json_t *new = json_object_get(row, key);

		if (!new || json_is_null(new))
			json_object_set(row, key, value);
	}
}

/* The row of RANK, or NULL. */
static json_t *find_row(const json_t *rows, json_int_t rank)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i,
			   row) if (json_is_object(row) && row_rank(row) == rank) return row;
	return NULL;
}

/* Rows of OLD whose ranks WORLD does not have are kept. */
static void add_old_rows(json_t *rows, const json_t *old, const struct roster_world *world)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(old, "ranks"), i, row)
	{
		json_int_t rank = row_rank(row);
		json_t *new;

		if (!json_is_object(row) || rank < 0 || rank >= world->size)
			continue;
		new = find_row(rows, rank);
		if (!new)
			json_array_append(rows, row);
		else if (json_equal(json_object_get(new, "pid"), json_object_get(row, "pid")))
			keep_old(new, row);
	}
}

static json_t *node_object(const struct inbox *inbox, const struct roster_world *world, unsigned k,
			   const json_t *old)
{
	json_t *root = json_object();
	json_t *rows = json_array();
	int64_t job = inbox_number(inbox, INBOX_job, -1);

	jsonfile_set(root, "version", json_integer(RUNDIR_VERSION));
	jsonfile_set(root, "node", jsonfile_text(inbox_text(inbox, INBOX_node)));
	jsonfile_set(root, "index", json_integer(k));
	jsonfile_set(root, "job", job < 0 ? NULL : json_integer(job));
	jsonfile_set(root, "step", jsonfile_text(nodefile_step(world->rundir)));
	for (size_t i = 0; i < world->count; i++)
		json_array_append_new(rows, rank_row(inbox, world, &world->ranks[i]));
	if (old)
		add_old_rows(rows, old, world);
	sort_rows(rows);
	jsonfile_set(root, "ranks", rows);
	return root;
}

static bool is_of_node(const json_t *old, const char *node)
{
	const char *text = json_string_value(json_object_get(old, "node"));

	return text && !strcmp(text, node);
}

/* One try under the name of K.  Returns 0, 1 when that name is another's, or
 * -1 with ERR written.
 */
static int write_as(const struct inbox *inbox, const struct roster_world *world, const char *dir,
		    unsigned k, char name[32], struct err *err)
{
	json_t *root, *old;
	int rc;

	snprintf(name, 32, RUNDIR_NODE, k);
	old = jsonfile_load(dir, name);
	if (old && !is_of_node(old, inbox_text(inbox, INBOX_node))) {
		json_decref(old);
		return 1;
	}
	root = node_object(inbox, world, k, old);
	rc = jsonfile_save(dir, name, root, !old, err);
	json_decref(root);
	json_decref(old);
	return rc < 0 && errno == EEXIST ? 1 : rc;
}

static int write_locked(const struct inbox *inbox, const struct roster_world *world,
			const char *dir, char name[32], struct err *err)
{
	unsigned first = (unsigned)inbox_number(inbox, INBOX_index, 0);

	/* Each name twice: it may have come into being between look and write. */
	for (unsigned tried = 0; tried < 2 * NAMES_TRIED; tried++) {
		int rc = write_as(inbox, world, dir, first + tried / 2, name, err);

		if (rc <= 0)
			return rc;
	}
	return err_set(err, "'%s': no name is free for '%s'", dir, inbox_text(inbox, INBOX_node));
}

int nodefile_write(const struct inbox *inbox, const struct roster_world *world, const char *dir,
		   char name[32], struct err *err)
{
	int fd = rundir_lock(dir);
	int rc = write_locked(inbox, world, dir, name, err);

	if (fd >= 0)
		close(fd);
	return rc;
}

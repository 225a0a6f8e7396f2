/* SPDX-License-Identifier: Apache-2.0 */
#include "runfile.h"
#include "home.h"
#include "instrument.h"
#include "jsonfile.h"
#include "nodefile.h"
#include "rundir.h"

#include <unistd.h>

/* Keys in the order they are written; those without a value here are null
 * until the job's data is laid over them.
 */
static const char *const keys[] = {
	"version", "cluster",    "job",         "step",   "slurm_step", "array_job", "array_task",
	"het_job", "user",       "uid",         "name",   "partition",  "account",   "command",
	"nodes",   "cpus",       "gres",        "memory", "submit",     "job_start", "start",
	"end",     "submit_dir", "instruments", "ranks",
};

static json_t *command_of(const struct inbox *inbox)
{
	json_t *command = json_loads(inbox_text(inbox, INBOX_command), 0, NULL);

	if (command && !json_is_array(command)) {
		json_decref(command);
		command = NULL;
	}
	return command;
}

static json_t *number_of(const struct inbox *inbox, enum inbox_key key)
{
	int64_t number = inbox_number(inbox, key, -1);

	return number < 0 ? NULL : json_integer(number);
}

static void keep_number(json_t *root, const json_t *old, const char *key, bool larger)
{
	json_t *mine = json_object_get(root, key), *other = json_object_get(old, key);

	if (json_is_integer(other) &&
	    (!json_is_integer(mine) ||
	     (json_integer_value(other) > json_integer_value(mine)) == larger))
		json_object_set(root, key, other);
}

/* What the helper of another instrument has written of the same run. */
static void keep_old(json_t *root, const json_t *old)
{
	json_t *instruments = json_object_get(root, "instruments");

	if (!json_equal(json_object_get(root, "job"), json_object_get(old, "job")))
		return;
	/* netemu's helper has measured it */
	if (json_object_get(old, "clock"))
		json_object_set(root, "clock", json_object_get(old, "clock"));
	json_object_update_missing(instruments, json_object_get(old, "instruments"));
	keep_number(root, old, "start", false);
	keep_number(root, old, "end", true);
	keep_number(root, old, "ranks", true);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_is_null(json_object_get(root, keys[i])))
			json_object_set(root, keys[i], json_object_get(old, keys[i]));
}

int runfile_write(const struct inbox *inbox, const struct roster_world *world, json_t *job,
		  const char *dir, int64_t start, int64_t end, struct err *err)
{
	json_t *root = json_object();
	json_t *instruments = json_object(), *old;
	int lock, rc;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set_new(root, keys[i], json_null());
	jsonfile_set(root, "version", json_integer(RUNDIR_VERSION));
	jsonfile_set(root, "job", number_of(inbox, INBOX_job));
	jsonfile_set(root, "step", jsonfile_text(nodefile_step(world->rundir)));
	jsonfile_set(root, "slurm_step", jsonfile_text(inbox_text(inbox, INBOX_step)));
	jsonfile_set(root, "uid", json_integer(geteuid()));
	jsonfile_set(root, "command", command_of(inbox));
	jsonfile_set(root, "start", json_integer(start));
	jsonfile_set(root, "end", json_integer(end));
	jsonfile_set(root, "submit_dir", jsonfile_text(inbox_text(inbox, INBOX_submit)));
	jsonfile_set(instruments, instrument.name,
		     jsonfile_text(inbox_text(inbox, INBOX_settings)));
	jsonfile_set(root, "instruments", instruments);
	jsonfile_set(root, "ranks", json_integer(world->size));
	if (job)
		json_object_update_existing(root, job);
	lock = rundir_lock(dir);
	old = jsonfile_load(dir, RUNDIR_RUN);
	if (old)
		keep_old(root, old);
	rc = jsonfile_save(dir, RUNDIR_RUN, root, false, err);
	rundir_unlock(lock);
	json_decref(old);
	json_decref(root);
	return rc;
}

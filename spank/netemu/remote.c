/* SPDX-License-Identifier: Apache-2.0 */
/* remote.c - in slurmstepd: have a fabric, give the tasks their environment
 *
 * Runs as root for the user: whatever the environment of the job says is
 * checked again, bounded, and used by processes of the user only.
 */
#include "netemu/netemu.h"
#include "loaded.h"
#include "start.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <slurm/slurm.h>

#define PATIENCE 20000 /* ms for a fabric; a topology takes a while */

static struct {
	bool on, emulated;
	uint32_t node;    /* in the job */
	uint32_t tasks;   /* on this node */
	uint32_t exited;  /* of them */
	struct err error; /* for task_init */
	char fabric[PATH_MAX];
} state;

static uint32_t item(spank_t sp, spank_item_t which)
{
	uint32_t value = 0;

	return spank_get_item(sp, which, &value) == ESPANK_SUCCESS ? value : 0;
}

/* Tasks of srun, a batch script, an interactive step: all but what only contains. */
static bool has_tasks(uint32_t step)
{
	if (step < SLURM_MAX_NORMAL_STEP_ID || step == SLURM_BATCH_SCRIPT)
		return true;
#ifdef SLURM_INTERACTIVE_STEP
	if (step == SLURM_INTERACTIVE_STEP)
		return true;
#endif
	return false;
}

/* What srun has decided, or what the option and the job's environment say. */
static int decide(spank_t sp, struct device_settings *settings, struct err *err)
{
	char text[SETTINGS_SIZE];
	int rc = env_get(sp, ENV_SETTINGS, text, sizeof(text));

	if (rc < 0 || text[0] == '@')
		return err_set(err, ENV_SETTINGS ": not what srun writes");
	if (rc == 0) {
		rc = env_get(sp, ENV_USER, text, sizeof(text));
		return options_decide(settings, rc == 1 && text[0] != '@' ? text : NULL, err);
	}
	if (device_settings_init(settings) < 0)
		return err_errno(err, "settings");
	if (device_settings_parse(settings, text, err) == 0)
		return 0;
	device_settings_release(settings);
	return -1;
}

/* --- which device --- */

static bool port_is_active(const char *device, const char *port)
{
	char path[PATH_MAX], text[16] = "";
	int fd;

	if (snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/%s/state", device, port) >=
	    (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strstr(text, "ACTIVE") != NULL;
}

/* Does SEE hold of an entry of the directory PATH? */
static bool any_entry(const char *path, bool (*see)(const char *one, const char *other),
		      const char *one)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && see(one ? one : entry->d_name, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static bool is_active(const char *device, const char *same)
{
	char path[PATH_MAX];

	(void)same;
	return snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports", device) <
		       (int)sizeof(path) &&
	       any_entry(path, port_is_active, device);
}

static bool is_emulated(const struct device_settings *settings)
{
	switch (settings->device) {
	case DEVICE_EMULATED:
		return true;
	case DEVICE_AUTO:
		return settings->network_given ||
		       !any_entry("/sys/class/infiniband", is_active, NULL);
	default:
		return false;
	}
}

/* --- the helper --- */

static void tell_number(const char *key, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	start_tell(key, text);
}

static void tell_variable(spank_t sp, const char *key, const char *name)
{
	char value[32768];

	if (env_get(sp, name, value, sizeof(value)) == 1)
		start_tell(key, value);
}

/* lib/helper.h is the form, emulator/device/program/helper.c reads the keys. */
static void tell_all(spank_t sp, const struct device_settings *settings)
{
	char name[256], *text = device_settings_format(settings);
	uint32_t step = item(sp, S_JOB_STEPID);

	tell_number("job", item(sp, S_JOB_ID));
	if (step < SLURM_MAX_NORMAL_STEP_ID)
		tell_number("step", step);
	else
		start_tell("step", step == SLURM_BATCH_SCRIPT ? "batch" : "interactive");
	tell_number("index", state.node);
	if (start_daemon_variable(sp, "SLURMD_NODENAME", name, sizeof(name)))
		start_tell("node", name);
	tell_variable(sp, "nodelist", "SLURM_JOB_NODELIST");
	tell_variable(sp, "base", ENV_BASE);
	tell_variable(sp, "submit", "SLURM_SUBMIT_DIR");
	tell_number("nodeid", item(sp, S_JOB_NODEID));
	if (text)
		start_tell("settings", text);
	free(text);
	start_tell("go", "on");
}

/* Have the fabric; its directory is in state.fabric. */
static int have_fabric(spank_t sp, const struct device_settings *settings, struct err *err)
{
	const char *more[] = { ENV_SHM, options_shm(), NULL };
	char program[PATH_MAX], word[] = "helper", list[64], line[sizeof(err->text)];
	char *argv[] = { program, word, NULL };

	options_program(program, sizeof(program));
	if (start_step(sp, argv, options_shm()[0] ? more : NULL, list, sizeof(list), err) < 0)
		return -1;
	tell_all(sp, settings);
	if (start_answer(line, sizeof(line), PATIENCE) < 0)
		return err_set(err, "the helper does not answer");
	if (strncmp(line, "fabric ", 7) != 0)
		return err_set(err, "%s",
			       strncmp(line, "failed ", 7) == 0 ? line + 7 : "the helper failed");
	snprintf(state.fabric, sizeof(state.fabric), "%s", line + 7);
	return 0;
}

void remote_user_init(spank_t sp)
{
	struct device_settings settings;
	struct err err = { "" };

	if (!has_tasks(item(sp, S_JOB_STEPID)))
		return;
	state.tasks = item(sp, S_JOB_LOCAL_TASK_COUNT);
	state.node = start_index_in_job(sp, item(sp, S_JOB_NODEID));
	if (decide(sp, &settings, &err) < 0) {
		state.on = true;
		state.error = err;
		return;
	}
	state.on = settings.enabled;
	state.emulated = state.on && is_emulated(&settings);
	if (state.emulated && have_fabric(sp, &settings, &err) < 0)
		state.error = err;
	device_settings_release(&settings);
}

/* --- the tasks --- */

static void set_device(spank_t sp, struct err *err)
{
	char node[16];

	snprintf(node, sizeof(node), "%u", state.node);
	env_set(sp, ENV_FABRIC, state.fabric);
	env_set(sp, ENV_NODE, node);
	if (options_shm()[0])
		env_set(sp, ENV_SHM, options_shm());
	if (access(options_library(), R_OK) < 0)
		err_errno(err, "unable to open '%s'", options_library());
	else
		loaded_add(sp, options_library(), err);
}

/* Where nodes compare their clocks: srun's address is known to the tasks only. */
static void tell_clock(spank_t sp)
{
	char address[512];

	if (item(sp, S_TASK_ID) == 0 && env_address(sp, ENV_CLOCK, address, sizeof(address)))
		start_tell("clock", address);
}

/* In the child that becomes the task.  A line for the user, and no task: that
 * drains no node.
 */
int remote_task_init(spank_t sp)
{
	if (state.emulated)
		tell_clock(sp);
	env_unset(sp, ENV_SETTINGS);
	env_unset(sp, ENV_BASE);
	env_unset(sp, ENV_CLOCK);
	if (!state.emulated) {
		loaded_remove(sp, options_library());
		env_unset(sp, ENV_FABRIC);
		env_unset(sp, ENV_NODE);
	}
	if (!state.on)
		return 0;
	if (!state.error.text[0] && state.emulated)
		set_device(sp, &state.error);
	if (!state.error.text[0])
		return 0;
	for (char *c = state.error.text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	slurm_error("netemu: no device: %s", state.error.text);
	_exit(97);
}

void remote_task_exit(spank_t sp)
{
	(void)sp;
	/* the last moment before slurmstepd kills whatever descends from it */
	if (state.emulated && ++state.exited >= state.tasks)
		start_finish();
}

void remote_exit(spank_t sp)
{
	(void)sp;
	start_finish(); /* of a step that ran no task */
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "jobinfo.h"
#include "clock.h"
#include "helper.h"
#include "jsonfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#define ANSWER_LONGEST (64u << 20)

/* libslurm's functions that are used, by their types in slurm.h. */
#define API_LIST(X)                         \
	X(slurm_init)                       \
	X(slurm_api_version)                \
	X(slurm_load_job)                   \
	X(slurm_load_node)                  \
	X(slurm_load_ctl_conf)              \
	X(slurm_job_cpus_allocated_on_node) \
	X(slurm_hostlist_create)            \
	X(slurm_hostlist_shift)

static struct {
#define X(name) __typeof__(name) *name;
	API_LIST(X)
#undef X
} api;

static int api_load(const char *library, struct err *err)
{
	/* Slurm's own plugins take their symbols from the global scope. */
	void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);

	if (!handle)
		return err_set(err, "%s", dlerror());
#define X(name)                                     \
	*(void **)&api.name = dlsym(handle, #name); \
	if (!api.name)                              \
		return err_set(err, "%s has no " #name, library);
	API_LIST(X)
#undef X
	api.slurm_init(NULL);
	return 0;
}

static json_t *text_or_null(const char *text)
{
	return text ? jsonfile_text(text) : NULL;
}

static json_t *number_or_null(uint64_t number, uint64_t none)
{
	return number == none ? NULL : json_integer((json_int_t)number);
}

/* Bytes in all, as asked for. */
static json_t *memory(const slurm_job_info_t *job)
{
	uint64_t megabytes = job->pn_min_memory & ~MEM_PER_CPU;
	uint64_t times = job->pn_min_memory & MEM_PER_CPU ? job->num_cpus : job->num_nodes;

	if (!megabytes || job->pn_min_memory == NO_VAL64)
		return NULL;
	return json_integer((json_int_t)(megabytes * times << 20));
}

static json_t *user_of(const slurm_job_info_t *job)
{
	const struct passwd *entry;

	if (job->user_name && *job->user_name)
		return jsonfile_text(job->user_name);
	entry = getpwuid(job->user_id);
	return entry ? jsonfile_text(entry->pw_name) : NULL;
}

static json_t *cluster_of(const slurm_job_info_t *job)
{
	slurm_conf_t *conf = NULL;

	if (job->cluster && *job->cluster)
		return jsonfile_text(job->cluster);
	if (api.slurm_load_ctl_conf(0, &conf) || !conf)
		return NULL;
	return text_or_null(conf->cluster_name);
}

static const char *address_of(const node_info_msg_t *nodes, const char *name)
{
	for (uint32_t i = 0; nodes && i < nodes->record_count; i++)
		if (nodes->node_array[i].name && !strcmp(nodes->node_array[i].name, name))
			return nodes->node_array[i].node_addr;
	return NULL;
}

static json_t *nodes_of(const slurm_job_info_t *job)
{
	node_info_msg_t *known = NULL;
	json_t *rows = json_array();
	hostlist_t list;
	char *name;

	if (!job->nodes || !(list = api.slurm_hostlist_create(job->nodes)))
		return rows;
	if (api.slurm_load_node(0, &known, SHOW_ALL))
		known = NULL;
	while ((name = api.slurm_hostlist_shift(list))) {
		json_t *row = json_object();
		int cpus = job->job_resrcs
				   ? api.slurm_job_cpus_allocated_on_node(job->job_resrcs, name)
				   : -1;

		jsonfile_set(row, "name", jsonfile_text(name));
		jsonfile_set(row, "address", text_or_null(address_of(known, name)));
		jsonfile_set(row, "cpus", cpus > 0 ? json_integer(cpus) : NULL);
		json_array_append_new(rows, row);
		free(name);
	}
	return rows;
}

static json_t *object_of(const slurm_job_info_t *job)
{
	json_t *root = json_object();

	jsonfile_set(root, "cluster", cluster_of(job));
	jsonfile_set(root, "array_job", number_or_null(job->array_job_id, 0));
	jsonfile_set(root, "array_task", number_or_null(job->array_task_id, NO_VAL));
	jsonfile_set(root, "het_job", number_or_null(job->het_job_id, 0));
	jsonfile_set(root, "user", user_of(job));
	jsonfile_set(root, "uid", json_integer(job->user_id));
	jsonfile_set(root, "name", text_or_null(job->name));
	jsonfile_set(root, "partition", text_or_null(job->partition));
	jsonfile_set(root, "account", text_or_null(job->account));
	jsonfile_set(root, "nodes", nodes_of(job));
	jsonfile_set(root, "cpus", json_integer(job->num_cpus));
	jsonfile_set(root, "gres", text_or_null(job->gres_total));
	jsonfile_set(root, "memory", memory(job));
	jsonfile_set(root, "submit", number_or_null((uint64_t)job->submit_time, 0));
	jsonfile_set(root, "job_start", number_or_null((uint64_t)job->start_time, 0));
	return root;
}

/* The layouts in slurm.h hold for one version.  slurmstepd has loaded the
 * plugin, which it does only when that was built for its version, and the
 * library is slurmstepd's; this is in case it was replaced since.
 */
static bool is_plausible(const job_info_msg_t *message, uint32_t job)
{
	return message && message->record_count && message->job_array[0].job_id == job &&
	       message->job_array[0].user_id == geteuid();
}

/* In the child: ask and write the answer (or a sentence) to FD. */
__attribute__((noreturn)) static void ask(const char *library, uint32_t job, int fd)
{
	job_info_msg_t *message = NULL;
	json_t *root = json_object();
	struct err err;
	int null = open("/dev/null", O_RDWR);

	alarm(JOBINFO_SECONDS);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	for (int i = HELPER_FD_LIFE; i <= HELPER_FD_LIST; i++)
		if (i != fd)
			close(i);
	if (api_load(library, &err) < 0)
		jsonfile_set(root, "error", jsonfile_text(err.text));
	else if (api.slurm_load_job(&message, job, SHOW_ALL | SHOW_DETAIL))
		jsonfile_set(root, "error", jsonfile_text("slurmctld does not say"));
	else if (!is_plausible(message, job))
		jsonfile_set(root, "error", jsonfile_text("of another version of Slurm"));
	else
		jsonfile_set(root, "job", object_of(&message->job_array[0]));
	_exit(json_dumpfd(root, fd, JSON_COMPACT) < 0);
}

/* All that comes from FD before the time is over, as text (malloc). */
static char *listen_to(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int64_t end = clock_ms() + (JOBINFO_SECONDS + 1) * 1000ll;
	size_t room = 1 << 16, used = 0;
	char *text = malloc(room);
	ssize_t length = 1;

	while (text && length > 0 && used < ANSWER_LONGEST) {
		int64_t left = end - clock_ms();

		if (left <= 0 || poll(&poller, 1, (int)left) <= 0)
			break;
		if (room - used < 4096) {
			char *more = realloc(text, room *= 2);

			if (!more)
				break;
			text = more;
		}
		length = read(fd, text + used, room - used - 1);
		used += length > 0 ? (size_t)length : 0;
	}
	if (text)
		text[used] = '\0';
	return text;
}

static json_t *answer_of(const char *text, struct err *err)
{
	json_t *root = text ? json_loads(text, 0, NULL) : NULL;
	json_t *job = json_object_get(root, "job");
	const char *error = json_string_value(json_object_get(root, "error"));

	if (job)
		json_incref(job);
	else
		err_set(err, "no data of the job from Slurm: %s",
			error ? error : "no answer in time");
	json_decref(root);
	return job;
}

json_t *jobinfo_load(const char *library, uint32_t job, struct err *err)
{
	json_t *answer;
	int fds[2];
	char *text;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		err_errno(err, "unable to make a pipe");
		return NULL;
	}
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		ask(library, job, fds[1]);
	}
	close(fds[1]);
	text = pid > 0 ? listen_to(fds[0]) : NULL;
	close(fds[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	answer = answer_of(text, err);
	free(text);
	return answer;
}

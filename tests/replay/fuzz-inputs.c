/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-inputs.c - any bytes as what is given beside a trace
 *
 * The first line says as what the rest is read: "system", "memory", "dims", "topology" (4x2),
 * "groups", "model", "network" (the file of a model), "devices", "map" (the file of these),
 * "nodes" (the file of their custom collectives), "summary", or "report", which ranks send each
 * other.  Whatever the bytes are, an error is a sentence, and what is read is within its bounds.
 */
#include "../fuzz.h"

#include "config/system.h"
#include "net/devices.h"
#include "net/model.h"
#include "result/report.h"
#include "result/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANKS 8 /* of groups */

struct input {
	const char *text; /* with a '\0' behind it */
	size_t size;
	char path[40], at_path[41]; /* a file that holds it; that behind an '@' */
};

static void check(int ok)
{
	if (!ok)
		abort();
}

/* Whether RC says that something was read; else there is a sentence. */
static int is_read(int rc, const struct err *err)
{
	check(rc == 0 || (rc == -1 && *err->text));
	return rc == 0;
}

static void read_system(const struct input *input)
{
	struct err err = { "" };
	struct system system;

	system_init(&system);
	if (is_read(system_read(&system, input->path, &err), &err)) {
		check(system.splits >= 1 && system.splits <= SYSTEM_SPLITS);
		check(system.endpoint_delay >= 0 && system.memory_bw >= 0);
		check(system.all_reduce_count <= SYSTEM_DIMS &&
		      system.all_gather_count <= SYSTEM_DIMS &&
		      system.reduce_scatter_count <= SYSTEM_DIMS &&
		      system.all_to_all_count <= SYSTEM_DIMS);
	}
	system_release(&system);
}

/* A file of custom collectives by node, which that of the system names. */
static void read_nodes(const struct input *input)
{
	struct input named = { .size = 0 };
	char text[96];
	int fd = memfd_create("system", MFD_CLOEXEC);
	int size = snprintf(text, sizeof(text), "{\"per-node-custom-implementation\": \"%s\"}",
			    input->path);

	check(fd >= 0 && write(fd, text, (size_t)size) == size);
	snprintf(named.path, sizeof(named.path), "/proc/self/fd/%d", fd);
	read_system(&named);
	close(fd);
}

static void read_memory(const struct input *input)
{
	struct err err = { "" };
	struct remote remote;

	if (!is_read(remote_read(&remote, input->path, &err), &err))
		return;
	if (remote.kind != REMOTE_NONE)
		check(remote_time(&remote, 1) >= 0 && remote_take(&remote, 0, 0, 1) >= 0);
	remote_release(&remote);
}

static void check_dims(const struct dims *dims)
{
	check(dims->count >= 1 && dims->count <= SYSTEM_DIMS);
	for (uint32_t d = 0; d < dims->count; d++)
		check(dims->size[d] >= 1);
}

static void read_dims(const struct input *input)
{
	struct err err = { "" };
	struct dims dims;

	if (is_read(dims_read(&dims, input->path, &err), &err))
		check_dims(&dims);
}

static void read_topology(const struct input *input)
{
	struct err err = { "" };
	struct dims dims;

	if (is_read(dims_parse(&dims, input->text, &err), &err))
		check_dims(&dims);
}

static void read_groups(const struct input *input)
{
	struct err err = { "" };
	struct groups groups;

	check(groups_init(&groups, RANKS) == 0);
	if (is_read(groups_read(&groups, input->path, RANKS, &err), &err))
		for (size_t i = 0; i < groups.count; i++)
			for (uint32_t k = 0; k < groups.list[i]->count; k++)
				check(groups.list[i]->ranks[k] < RANKS);
	groups_release(&groups);
}

static void read_model_of(const char *text)
{
	const uint32_t logical[] = { 4, 2 };
	struct model_settings settings;
	struct err err = { "" };

	if (!is_read(model_settings_parse(&settings, text, logical, 2, &err), &err))
		return;
	check(settings.dims <= MODEL_DIMS);
	for (uint32_t d = 0; d < settings.dims; d++)
		check(settings.bandwidth[d] >= 0 && settings.latency[d] >= 0);
	model_settings_release(&settings);
}

static void read_model(const struct input *input)
{
	if (*input->text != '@') /* any file at all */
		read_model_of(input->text);
}

static void read_network(const struct input *input)
{
	read_model_of(input->at_path);
}

static void read_devices_of(const char *text)
{
	struct devices devices;
	struct err err = { "" };

	if (!is_read(devices_choose(&devices, text, "node7", 3, &err), &err))
		return;
	check(devices.count >= 1 && devices.count <= DEVICES_EACH);
	for (uint32_t i = 0; i < devices.count; i++) {
		check(*devices.each[i].name && devices.each[i].port <= 255);
		for (uint32_t k = 0; k < i; k++)
			check(devices.each[i].port != devices.each[k].port ||
			      strcmp(devices.each[i].name, devices.each[k].name) != 0);
	}
}

static void read_devices(const struct input *input)
{
	if (*input->text != '@')
		read_devices_of(input->text);
}

static void read_map(const struct input *input)
{
	read_devices_of(input->at_path);
}

static void read_summary(const struct input *input)
{
	struct summary summary;
	struct err err = { "" };

	if (is_read(summary_parse(&summary, "summary", input->text, input->size, &err), &err))
		summary_free(&summary);
}

/* What was unpacked says the same when it is packed and unpacked again. */
static void read_report(const struct input *input)
{
	struct report report, again;
	struct err err = { "" };
	char *once, *twice;

	report_init(&report);
	report_init(&again);
	if (is_read(report_unpack(&report, input->text, &err), &err)) {
		once = report_pack(&report);
		check(once != NULL);
		check(report_unpack(&again, once, &err) == 0);
		twice = report_pack(&again);
		check(twice && strcmp(once, twice) == 0);
		free(once);
		free(twice);
	}
	report_release(&again);
	report_release(&report);
}

static const struct {
	const char *name;
	void (*read)(const struct input *input);
} kinds[] = {
	{ "system", read_system },     { "memory", read_memory },   { "dims", read_dims },
	{ "topology", read_topology }, { "groups", read_groups },   { "model", read_model },
	{ "network", read_network },   { "devices", read_devices }, { "map", read_map },
	{ "nodes", read_nodes },       { "summary", read_summary }, { "report", read_report },
};

static void read_as(const char *name, const char *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	char *text = malloc(size + 1);
	struct input input = { .text = text, .size = size };

	check(fd >= 0 && text && write(fd, data, size) == (ssize_t)size);
	memcpy(text, data, size);
	text[size] = '\0';
	snprintf(input.path, sizeof(input.path), "/proc/self/fd/%d", fd);
	snprintf(input.at_path, sizeof(input.at_path), "@%s", input.path);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			kinds[i].read(&input);
	free(text);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	char name[16];
	size_t length;

	if (!end || (length = (size_t)(end - data)) >= sizeof(name))
		return 0;
	memcpy(name, data, length);
	name[length] = '\0';
	read_as(name, (const char *)end + 1, size - length - 1);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* run-predict.c - the network that --predict is about
 *
 * The fabric is the one whose segment this process has mapped, as the device that was opened is
 * in it.  Only the segment is opened here: locks of the library that has joined the fabric
 * would end with any descriptor of their file that this program closed.
 */
#include "cmd/run.h"

#include "device/fabric.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int unknown(const char *why, struct err *err)
{
	return err_set(err, "--predict: %s: say with --model what network to compute", why);
}

/* The path in a line of maps, if it is one of a segment. */
static bool is_segment(char *line, char *path, size_t size)
{
	const char *at = strchr(line, '/'), *end;

	line[strcspn(line, "\n")] = '\0';
	end = at ? strrchr(at, '/') : NULL;
	return end && strcmp(end, "/segment") == 0 && strstr(at, "/netemu-") &&
	       (size_t)snprintf(path, size, "%s", at) < size;
}

static bool find_segment(char *path, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (maps && !found && getline(&line, &room, maps) > 0)
		found = is_segment(line, path, size);
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

/* To be read only; NULL with ERR. */
static struct shared_header *map_segment(const char *path, size_t *size, struct err *err)
{
	struct shared_header *header = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*header)) {
		*size = (size_t)st.st_size;
		header = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (header == MAP_FAILED) {
		err_errno(err, "unable to read '%s'", path);
		return NULL;
	}
	if (header->version == LAYOUT_VERSION && !memcmp(header->magic, LAYOUT_MAGIC, 8))
		return header;
	munmap(header, *size);
	err_set(err, "'%s' is of another version of netemu", path);
	return NULL;
}

/* Bits of a double. */
static double rate_of(const struct shared_link *link)
{
	uint64_t bits = atomic_load(&link->rate);
	double rate;

	memcpy(&rate, &bits, sizeof(rate));
	return rate;
}

static const struct shared_link *link_of(const struct fabric *fabric, uint32_t number)
{
	const struct shared_link *links =
		segment_at(&fabric->segment, fabric->segment.header->links_at);

	return links + number;
}

/* The device of rank 0, or NULL. */
static const struct shared_device *own_device(const struct fabric *fabric, const char *names)
{
	const char *text = getenv("NETEMU_NODE");
	uint32_t node = text ? (uint32_t)strtoul(text, NULL, 10) : 0;
	size_t length = names ? strcspn(names, ",") : 0;

	for (uint32_t i = 0; i < fabric->segment.header->devices; i++) {
		const struct shared_device *device = fabric_device(fabric, i);

		if (device->node == node && (!names || (strlen(device->name) == length &&
							!strncmp(device->name, names, length))))
			return device;
	}
	return NULL;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* A star is a switch of two hops: half of the latency each. */
static void as_switch(struct model_settings *settings, double rate, double latency, uint32_t size)
{
	*settings = (struct model_settings){
		.dims = 1,
		.kind = { MODEL_SWITCH },
		.npus = { size },
		.bandwidth = { rate },
		.latency = { latency / 2 },
	};
}

static int as_links(struct model_settings *settings, const struct device_settings *given,
		    double latency, struct err *err)
{
	*settings = (struct model_settings){
		.topology = copy(given->topology),
		.routing = copy(given->routing),
		.link_latency = latency,
		.link_rate = given->one[0].rate,
		.seed = given->seed,
	};
	if (settings->topology && !settings->routing == !given->routing)
		return 0;
	model_settings_release(settings);
	return err_errno(err, "no room for settings");
}

/* What is in force now, which `netemu device set` may have changed. */
static int from_device(struct model_settings *settings, const struct fabric *fabric,
		       const struct run_config *config, struct err *err)
{
	const struct shared_header *header = fabric->segment.header;
	const struct shared_device *device = own_device(fabric, config->options->net.device);
	struct device_settings given;
	double latency = (double)atomic_load(&header->latency);
	int rc = 0;

	if (!device)
		return unknown("the device is none that netemu emulates", err);
	if (device_settings_init(&given) < 0)
		return err_errno(err, "no room for settings");
	if (device_settings_parse(&given, header->settings, err) < 0)
		rc = -1;
	else if (given.topology)
		rc = as_links(settings, &given, latency, err);
	else
		as_switch(settings, rate_of(link_of(fabric, device->up)), latency, config->size);
	device_settings_release(&given);
	return rc;
}

static int from_fabric(struct model_settings *settings, const struct run_config *config,
		       struct err *err)
{
	struct fabric fabric = { 0 };
	char path[PATH_MAX];
	size_t size;
	int rc;

	if (!find_segment(path, sizeof(path)))
		return unknown("the device is none that netemu emulates", err);
	fabric.segment.header = map_segment(path, &size, err);
	if (!fabric.segment.header)
		return -1;
	rc = from_device(settings, &fabric, config, err);
	munmap(fabric.segment.header, size);
	return rc;
}

int run_predicted_network(struct model_settings *settings, const struct run_config *config,
			  struct err *err)
{
	const struct run_options *options = config->options;

	if (options->model)
		return model_settings_parse(settings, options->model, config->dims.size,
					    config->dims.count, err);
	if (options->network != RUN_VERBS)
		return unknown("nothing is known of the network under tcp", err);
	return from_fabric(settings, config, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* run-predict.c - the network that --predict is about
 *
 * The fabric is the one whose segment this process has mapped, as the device that was opened is
 * in it.  Only the segment is opened here: locks of the library that has joined the fabric
 * would end with any descriptor of their file that this program closed.
 */
#include "cmd/run.h"

#include "device/netlink.h"

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

/* --- its links --- */

struct network {
	struct fabric fabric;
	struct model_links *links;
	uint32_t *device; /* [links->places] */
	bool quiet;
};

static int no_room(struct err *err)
{
	return err_errno(err, "no room for the links of the device");
}

/* Of the engine only headers are used here: it has a net_send() of its own. */

static bool has_gid(const struct shared_device *device, const uint8_t gid[16])
{
	for (uint32_t i = 0; i < device->gids && i < DEVICE_GIDS; i++)
		if (memcmp(device->gid[i].raw, gid, 16) == 0)
			return true;
	return false;
}

static uint32_t find_device(const struct fabric *fabric, const uint8_t gid[16])
{
	uint32_t count = fabric->segment.header->devices;

	for (uint32_t i = 0; i < count; i++)
		if (has_gid(fabric_device(fabric, i), gid))
			return i;
	return UINT32_MAX;
}

/* Bits of a double. */
static double rate_of(const struct shared_link *link)
{
	uint64_t bits = atomic_load(&link->rate);
	double rate;

	memcpy(&rate, &bits, sizeof(rate));
	return rate;
}

/* The links from one device to another; STAR is room for two. */
static const uint32_t *find_path(const struct fabric *fabric, uint32_t from, uint32_t to,
				 uint32_t star[2], uint32_t *links)
{
	const struct shared_header *header = fabric->segment.header;
	const struct net_route *route;
	const uint64_t *routes;

	star[0] = atomic_load(&fabric_device(fabric, from)->up);
	star[1] = atomic_load(&fabric_device(fabric, to)->down);
	*links = 2;
	if (!header->routes_at)
		return star;
	routes = segment_at(&fabric->segment, header->routes_at);
	route = segment_at(&fabric->segment, routes[(uint64_t)from * header->devices + to]);
	*links = route->links;
	return route->link;
}

/* The place of DEVICE, which may be a new one. */
static uint32_t place_of(struct network *network, uint32_t device)
{
	uint32_t place = 0;

	while (place < network->links->places && network->device[place] != device)
		place++;
	if (place == network->links->places)
		network->device[network->links->places++] = device;
	return place;
}

/* How many devices RANK has. */
static uint32_t count_devices(const struct net *net, uint32_t rank)
{
	uint32_t count = 0;
	uint8_t gid[16];

	while (net_verbs_gid(net, rank, count, gid))
		count++;
	return count;
}

/* So many that a rank's devices, taken in turn, end with the last of them, for every rank. */
static uint32_t count_ways(const struct net *net)
{
	uint32_t ways = 1, step;

	for (uint32_t rank = 0; rank < net->size; rank++) {
		uint32_t count = count_devices(net, rank);

		for (step = ways; count && ways % count;)
			ways += step;
	}
	return ways;
}

/* Those of one rank, by each way. */
static int place_rank(struct network *network, const struct net *net, uint32_t rank,
		      struct err *err)
{
	struct model_links *links = network->links;
	uint32_t count = count_devices(net, rank), device;
	uint8_t gid[16];

	for (uint32_t way = 0; way < links->ways; way++) {
		device = UINT32_MAX;
		if (net_verbs_gid(net, rank, count ? way % count : 0, gid))
			device = find_device(&network->fabric, gid);
		if (device == UINT32_MAX)
			return unknown("a device is none that netemu emulates", err);
		links->place[(size_t)rank * links->ways + way] = place_of(network, device);
	}
	return 0;
}

/* Where each rank is: what shares a device shares its links. */
static int place_ranks(struct network *network, const struct net *net, struct err *err)
{
	struct model_links *links = network->links;
	size_t count;

	links->ranks = net->size;
	links->ways = count_ways(net);
	count = (size_t)links->ranks * links->ways;
	links->place = calloc(count, sizeof(*links->place));
	network->device = calloc(count, sizeof(*network->device));
	if (!links->place || !network->device)
		return no_room(err);
	for (uint32_t rank = 0; rank < net->size; rank++)
		if (place_rank(network, net, rank, err) < 0)
			return -1;
	return 0;
}

/* What the model does not know of the links in use. */
static void tell_what_is_left_out(const struct network *network)
{
	const struct model_links *links = network->links;
	bool jitter = atomic_load(&network->fabric.segment.header->jitter) > 0, loss = false;
	uint64_t count = links->start[(uint64_t)links->places * links->places];
	uint64_t bits;

	for (uint64_t i = 0; i < count && !loss; i++) {
		bits = atomic_load(&net_link(&network->fabric, links->path[i])->loss);
		loss = bits != 0; /* as a double */
	}
	if (jitter || loss)
		fprintf(stderr,
			"netemu replay: what --predict says is without the %s of the device\n",
			!loss    ? "jitter"
			: jitter ? "jitter and the losses"
				 : "losses");
}

static int take_rates(struct network *network, struct err *err)
{
	struct model_links *links = network->links;

	links->links = network->fabric.segment.header->links;
	links->rate = calloc(links->links + (size_t)1, sizeof(*links->rate));
	if (!links->rate)
		return no_room(err);
	for (uint32_t i = 0; i < links->links; i++)
		links->rate[i] = rate_of(net_link(&network->fabric, i));
	return 0;
}

/* Add the path of pair P to those that are there. */
static int take_path(struct network *network, uint64_t p, uint32_t from, uint32_t to)
{
	struct model_links *links = network->links;
	uint64_t at = links->start[p];
	uint32_t star[2], count, *grown;
	const uint32_t *path = find_path(&network->fabric, network->device[from],
					 network->device[to], star, &count);

	grown = reallocarray(links->path, at + count, sizeof(*grown));
	if (!grown)
		return -1;
	links->path = grown;
	memcpy(grown + at, path, count * sizeof(*grown));
	links->start[p + 1] = at + count;
	return 0;
}

static int take_paths(struct network *network, struct err *err)
{
	struct model_links *links = network->links;
	uint32_t places = links->places;

	links->start = calloc((size_t)places * places + 1, sizeof(*links->start));
	if (!links->start)
		return no_room(err);
	for (uint32_t i = 0; i < places; i++)
		for (uint32_t j = 0; j < places; j++)
			if (take_path(network, (uint64_t)i * places + j, i, j) < 0)
				return no_room(err);
	return 0;
}

/* What is in force now, which `netemu device set` may have changed. */
static int take_network(struct network *network, const struct net *net,
			struct model_settings *settings, struct err *err)
{
	const struct shared_header *header = network->fabric.segment.header;

	settings->link_latency = (double)atomic_load(&header->latency);
	settings->links = network->links = calloc(1, sizeof(*network->links));
	if (!settings->links)
		return no_room(err);
	if (place_ranks(network, net, err) == 0 && take_rates(network, err) == 0 &&
	    take_paths(network, err) == 0) {
		if (!network->quiet)
			tell_what_is_left_out(network);
		return 0;
	}
	model_settings_release(settings);
	return -1;
}

static int from_fabric(struct model_settings *settings, const struct net *net, bool quiet,
		       struct err *err)
{
	struct network network = { .quiet = quiet };
	char path[PATH_MAX];
	size_t size;
	int rc;

	if (!find_segment(path, sizeof(path)))
		return unknown("the device is none that netemu emulates", err);
	network.fabric.segment.header = map_segment(path, &size, err);
	if (!network.fabric.segment.header)
		return -1;
	rc = take_network(&network, net, settings, err);
	free(network.device);
	munmap(network.fabric.segment.header, size);
	return rc;
}

int run_predicted_network(struct model_settings *settings, const struct run_config *config,
			  const struct net *net, struct err *err)
{
	const struct run_options *options = config->options;

	if (options->model)
		return model_settings_parse(settings, options->model, config->dims.size,
					    config->dims.count, err);
	if (options->network != RUN_VERBS)
		return unknown("nothing is known of the network under tcp", err);
	return from_fabric(settings, net, options->quiet, err);
}

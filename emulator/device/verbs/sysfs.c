/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "device/verbs/sysfs.h"
#include "device/verbs/interface.h"
#include "device/verbs/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "sys/devices/virtual/netemu"

/* Where a file of the tree is made. */
struct place {
	int dir; /* of the tree */
	const struct fabric *fabric;
	const struct shared_device *device;
	char base[64]; /* of the device, below DEVICES */
	int error;     /* errno of the first thing that failed */
};

static void failed(struct place *place)
{
	if (!place->error)
		place->error = errno;
}

/* Make directory NAME and those above it. */
static void make_dirs(struct place *place, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", name);
	for (char *slash = path; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdirat(place->dir, path, 0700) < 0 && errno != EEXIST)
			failed(place);
	}
	if (mkdirat(place->dir, path, 0700) < 0 && errno != EEXIST)
		failed(place);
}

/* Write a file of the tree, whole or not at all: readers may be there. */
static void write_text(struct place *place, const char *name, const char *text)
{
	char temporary[300];
	size_t length = strlen(text);
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	fd = openat(place->dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		failed(place);
		return;
	}
	if (write(fd, text, length) != (ssize_t)length ||
	    renameat(place->dir, temporary, place->dir, name) < 0) {
		failed(place);
		unlinkat(place->dir, temporary, 0);
	}
	close(fd);
}

static void __attribute__((format(printf, 3, 4)))
put(struct place *place, const char *name, const char *fmt, ...)
{
	char path[256], text[512];
	va_list args;
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", place->base, name);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text) - 1, fmt, args);
	va_end(args);
	length = strlen(text);
	memcpy(text + length, "\n", 2);
	write_text(place, path, text);
}

static void make_link(struct place *place, const char *to, const char *name)
{
	if (symlinkat(to, place->dir, name) < 0 && errno != EEXIST)
		failed(place);
}

/* --- what the files say --- */

static void guid_text(char *text, size_t size, uint64_t guid)
{
	snprintf(text, size, "%04x:%04x:%04x:%04x", (unsigned)(guid >> 48),
		 (unsigned)(guid >> 32 & 0xffff), (unsigned)(guid >> 16 & 0xffff),
		 (unsigned)(guid & 0xffff));
}

static void put_gids(struct place *place)
{
	static const char *const types[] = {
		[GID_IB] = "IB/RoCE v1",
		[GID_ROCE_V1] = "IB/RoCE v1",
		[GID_ROCE_V2] = "RoCE v2",
	};
	const struct shared_device *device = place->device;

	for (uint32_t g = 0; g < device->gids && g < DEVICE_GIDS; g++) {
		const struct shared_gid *gid = &device->gid[g];
		char name[64], interface[IF_NAMESIZE], text[48] = "";

		for (int i = 0; i < 16; i += 2)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%02x%02x",
				 i ? ":" : "", gid->raw[i], gid->raw[i + 1]);
		snprintf(name, sizeof(name), "ports/1/gids/%u", g);
		put(place, name, "%s", text);
		snprintf(name, sizeof(name), "ports/1/gid_attrs/types/%u", g);
		put(place, name, "%s", types[gid->type <= GID_ROCE_V2 ? gid->type : GID_IB]);
		snprintf(name, sizeof(name), "ports/1/gid_attrs/ndevs/%u", g);
		if (interface_of(device, g, interface))
			put(place, name, "%s", interface);
	}
}

static void put_state(struct place *place)
{
	static const char *const states[] = { "0: NOP",   "1: DOWN",   "2: INIT",
					      "3: ARMED", "4: ACTIVE", "5: ACTIVE_DEFER" };
	uint32_t state = atomic_load(&place->device->port_state);
	bool up = state >= PORT_INIT && state <= PORT_ACTIVE;

	put(place, "ports/1/state", "%s", states[state <= PORT_ACTIVE ? state : 0]);
	put(place, "ports/1/phys_state", "%s", up ? "5: LinkUp" : "3: Disabled");
	put(place, "ports/1/lid", "0x%x", atomic_load(&place->device->lid));
	put(place, "ports/1/rate", "%s", wire_of(wire_rate(place->fabric, place->device))->text);
}

/* Bytes as a port of InfiniBand counts them: in units of 4. */
static void put_counters(struct place *place)
{
	const struct port_counters *counters = &place->device->counters;
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{ "counters/port_xmit_data", atomic_load(&counters->xmit_bytes) / 4 },
		{ "counters/port_rcv_data", atomic_load(&counters->rcv_bytes) / 4 },
		{ "counters/port_xmit_packets", atomic_load(&counters->xmit_packets) },
		{ "counters/port_rcv_packets", atomic_load(&counters->rcv_packets) },
		{ "counters/multicast_xmit_packets", atomic_load(&counters->multicast_xmit) },
		{ "counters/multicast_rcv_packets", atomic_load(&counters->multicast_rcv) },
		{ "counters/port_rcv_errors", atomic_load(&counters->packets_lost) },
		{ "counters/symbol_error", 0 },
		{ "counters/link_downed", 0 },
		{ "counters/port_xmit_wait", 0 },
		{ "hw_counters/retransmitted_packets", atomic_load(&counters->packets_resent) },
		{ "hw_counters/rnr_nak_retry_err", atomic_load(&counters->rnr_naks) },
		{ "hw_counters/local_ack_timeout_err", atomic_load(&counters->timeouts) },
		{ "hw_counters/packet_seq_err", atomic_load(&counters->sequence_naks) },
		{ "hw_counters/req_remote_access_errors", atomic_load(&counters->remote_errors) },
		{ "hw_counters/out_of_buffer", atomic_load(&counters->drops) },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char name[80];

		snprintf(name, sizeof(name), "ports/1/%s", values[i].name);
		put(place, name, "%llu", (unsigned long long)values[i].value);
	}
}

static void put_identity(struct place *place)
{
	const struct shared_device *device = place->device;
	const struct shared_node *nodes =
		segment_at(&place->fabric->segment, place->fabric->segment.header->nodes_at);
	char guid[32];

	guid_text(guid, sizeof(guid), device->guid);
	put(place, "node_guid", "%s", guid);
	guid_text(guid, sizeof(guid), nodes[device->node].guid);
	put(place, "sys_image_guid", "%s", guid);
	put(place, "node_type", "1: CA");
	put(place, "fw_ver", "%s", PACKAGE_VERSION);
	put(place, "hca_type", "netemu");
	put(place, "hw_rev", "0x1");
	put(place, "board_id", "netemu");
	put(place, "node_desc", "%.40s %s", nodes[device->node].name, device->name);
	put(place, "ports/1/link_layer", "%s",
	    device->link_layer == LINK_ETHERNET ? "Ethernet" : "InfiniBand");
	put(place, "ports/1/sm_lid", "0x1");
	put(place, "ports/1/sm_sl", "0");
	put(place, "ports/1/lid_mask_count", "0");
	put(place, "ports/1/cap_mask", "0x00000000");
	put(place, "ports/1/pkeys/0", "0xffff");
	put(place, "device/numa_node", "-1");
	put(place, "device/vendor", "0xffff");
	put(place, "device/device", "0x4e45");
	put(place, "device/class", "0x020700");
}

/* --- the tree --- */

static void make_device(struct place *place)
{
	static const char *const dirs[] = {
		"ports/1/gids",
		"ports/1/pkeys",
		"ports/1/gid_attrs/types",
		"ports/1/gid_attrs/ndevs",
		"ports/1/counters",
		"ports/1/hw_counters",
		"device/infiniband_verbs",
		"device/infiniband",
	};
	const char *name = place->device->name;
	char path[256], to[256];

	snprintf(place->base, sizeof(place->base), DEVICES "/%s", name);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->base, dirs[i]);
		make_dirs(place, path);
	}
	put_identity(place);
	put_gids(place);
	put_state(place);
	put_counters(place);
	snprintf(path, sizeof(path), "sys/class/infiniband/%s", name);
	snprintf(to, sizeof(to), "../../devices/virtual/netemu/%s", name);
	make_link(place, to, path);
	snprintf(path, sizeof(path), "%s/device/infiniband/%s", place->base, name);
	make_link(place, "../..", path);

	snprintf(path, sizeof(path), "%s/device/infiniband_verbs/uverbs_%s", place->base, name);
	make_dirs(place, path);
	snprintf(to, sizeof(to),
		 "../../devices/virtual/netemu/%s/device/infiniband_verbs/uverbs_%s", name, name);
	snprintf(path, sizeof(path), "sys/class/infiniband_verbs/uverbs_%s", name);
	make_link(place, to, path);
	snprintf(path, sizeof(path), "device/infiniband_verbs/uverbs_%s/ibdev", name);
	put(place, path, "%s", name);
	snprintf(path, sizeof(path), "device/infiniband_verbs/uverbs_%s/abi_version", name);
	put(place, path, "1");
	snprintf(path, sizeof(path), "device/infiniband_verbs/uverbs_%s/dev", name);
	put(place, path, "1:3");
	snprintf(path, sizeof(path), "%s/device/infiniband_verbs/uverbs_%s/device", place->base,
		 name);
	make_link(place, "../..", path);
	/* a character device that may be opened, and does nothing */
	snprintf(path, sizeof(path), "dev/infiniband/uverbs_%s", name);
	make_link(place, "/dev/null", path);
}

/* Links to what the host itself has in DIR. */
static void join_host(struct place *place, const char *dir)
{
	char path[256], name[600], to[600];
	struct dirent *entry;
	DIR *host;

	snprintf(path, sizeof(path), "/%s", dir);
	host = opendir(path);
	if (!host)
		return;
	while ((entry = readdir(host))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
		snprintf(to, sizeof(to), "/%s/%s", dir, entry->d_name);
		make_link(place, to, name);
	}
	closedir(host);
}

static void make_tree(struct place *place)
{
	static const char *const dirs[] = { "sys/class/infiniband", "sys/class/infiniband_verbs",
					    "dev/infiniband" };
	const struct fabric *fabric = place->fabric;
	const struct shared_node *node =
		(struct shared_node *)segment_at(&fabric->segment,
						 fabric->segment.header->nodes_at) +
		fabric->node;

	make_dirs(place, DEVICES);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		make_dirs(place, dirs[i]);
		join_host(place, dirs[i]);
	}
	if (faccessat(place->dir, "sys/class/infiniband_verbs/abi_version", F_OK, 0) < 0)
		write_text(place, "sys/class/infiniband_verbs/abi_version", "6\n");
	for (uint32_t d = 0; d < node->devices; d++) {
		place->device = fabric_device(fabric, node->first + d);
		make_device(place);
	}
}

int sysfs_make(struct fabric *fabric, char *path, size_t size)
{
	struct place place = { .fabric = fabric };
	char name[32], temporary[64];

	snprintf(name, sizeof(name), "node.%u", fabric->node);
	if (snprintf(path, size, "%s/%s", fabric->path, name) >= (int)size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (faccessat(fabric->dir_fd, name, F_OK, 0) == 0)
		return 0;
	snprintf(temporary, sizeof(temporary), "%s.%d", name, (int)getpid());
	if (mkdirat(fabric->dir_fd, temporary, 0700) < 0 && errno != EEXIST)
		return -1;
	place.dir = openat(fabric->dir_fd, temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place.dir < 0)
		return -1;
	make_tree(&place);
	close(place.dir);
	/* another process may have been as quick; one tree is as good as another */
	if (!place.error && renameat(fabric->dir_fd, temporary, fabric->dir_fd, name) == 0)
		return 0;
	fabric_remove_tree(fabric->dir_fd, temporary);
	if (!place.error && faccessat(fabric->dir_fd, name, F_OK, 0) == 0)
		return 0;
	errno = place.error ? place.error : EIO;
	return -1;
}

void sysfs_refresh(struct fabric *fabric, const char *path, const char *rest)
{
	const struct shared_node *node =
		(struct shared_node *)segment_at(&fabric->segment,
						 fabric->segment.header->nodes_at) +
		fabric->node;
	struct place place = { .fabric = fabric };
	bool counters = strstr(rest, "counters/") != NULL;

	if (!counters && !strstr(rest, "/ports/1"))
		return;
	place.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place.dir < 0)
		return;
	for (uint32_t d = 0; d < node->devices; d++) {
		place.device = fabric_device(fabric, node->first + d);
		if (!strstr(rest, place.device->name))
			continue;
		snprintf(place.base, sizeof(place.base), DEVICES "/%s", place.device->name);
		if (counters)
			put_counters(&place);
		else
			put_state(&place);
	}
	close(place.dir);
}

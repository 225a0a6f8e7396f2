/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - KEY=VALUE,... of --netemu, NETEMU and netemu device */
#ifndef DEVICE_SETTINGS_H
#define DEVICE_SETTINGS_H

#include "device/layout.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_DEVICES 16 /* of a node */

struct net_topology;

enum device_choice {
	DEVICE_AUTO, /* a real one where there is one, else emulated */
	DEVICE_EMULATED,
	DEVICE_REAL,
	DEVICE_NONE,
};

/* Of one device; the first is what all start with. */
struct one_device {
	char name[16];
	double rate; /* byte/s; 0: no limit */
	double loss;
	uint32_t mtu;
	enum link_layer link_layer;
	enum transport transport;
	bool strict;
	struct device_limits limits;
};

struct device_settings {
	bool enabled;
	enum device_choice device;
	bool step_scope; /* scope=step */
	int64_t latency; /* ns, one way */
	int64_t jitter;  /* ns */
	uint64_t seed;
	char *topology; /* SPEC, or NULL; owned */
	/* What a program works out from it before it makes a fabric; not owned */
	const struct net_topology *network;
	char *routing;    /* owned */
	char *faults;     /* FILE, or NULL; owned */
	char *dir;        /* of the run directory, or NULL; owned */
	uint32_t devices; /* of each node */
	struct one_device one[SETTINGS_DEVICES];
	bool network_given; /* a key that asks for a network, as latency= */
};

/* The defaults. */
int device_settings_init(struct device_settings *settings);
void device_settings_release(struct device_settings *settings);

/* Change SETTINGS by TEXT ("yes", "no", or KEY=VALUE,...; `netemu1.rate=...` for
 * one device by its name or number).  Returns 0, or -1 with ERR naming key and
 * value; SETTINGS are then as they were.
 */
int device_settings_parse(struct device_settings *settings, const char *text, struct err *err);

/* The text that gives these settings again, sorted; the caller frees it. */
char *device_settings_format(const struct device_settings *settings);

/* One line per key, for --help and the man page's test: "latency=TIME  ...". */
extern const char *const device_settings_help;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How a program that knows nothing of fabrics gets into one. */
#include "device/fabric.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 2000 /* ms, in which another process has made the default fabric */
#define TRIES    10

/* --- one at a time --- */

/* A socket whose name only one process can have at a time; the kernel takes it from
 * who dies.  Others can have it too and keep it: so it is only waited for a while,
 * and what matters is looked at again afterwards.  Returns -1 without it.
 */
static int enter_alone(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t until = clock_ms() + PATIENCE;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timespec nap = { .tv_nsec = 1000000 };
	socklen_t length;

	if (fd < 0)
		return -1;
	length = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 +
		 (socklen_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
				     "netemu-%u-%.60s", (unsigned)geteuid(), name);
	while (bind(fd, (struct sockaddr *)&address, length)) {
		if (errno != EADDRINUSE || clock_ms() > until) {
			close(fd);
			return -1;
		}
		nanosleep(&nap, NULL);
	}
	return fd;
}

/* --- this node --- */

static bool is_usable(const struct ifaddrs *entry, int family)
{
	return entry->ifa_addr && entry->ifa_addr->sa_family == family &&
	       (entry->ifa_flags & IFF_UP) && !(entry->ifa_flags & IFF_LOOPBACK);
}

static void copy_ip(uint8_t ip[16], const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6) {
		memcpy(ip, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
		return;
	}
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
}

static bool is_local(const struct sockaddr *address)
{
	return IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* The first addresses of this node that others may know: IPv4 and IPv6. */
static void own_addresses(uint8_t ip[2][16])
{
	struct ifaddrs *list = NULL;
	bool v4 = false, v6 = false;

	if (getifaddrs(&list))
		return;
	for (struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		if (!v4 && is_usable(entry, AF_INET)) {
			copy_ip(ip[0], entry->ifa_addr);
			v4 = true;
		}
		if (!v6 && is_usable(entry, AF_INET6) && !is_local(entry->ifa_addr)) {
			copy_ip(ip[1], entry->ifa_addr);
			v6 = true;
		}
	}
	freeifaddrs(list);
}

static int make_default(void *settings, char *path, size_t size, struct err *err)
{
	char host[256] = "localhost";
	struct fabric_node node = { .host = host, .name = getenv("SLURMD_NODENAME") };

	gethostname(host, sizeof(host) - 1);
	own_addresses(node.ip);
	return fabric_create(path, size, NULL, "default", &node, 1, settings, err);
}

/* --- a fabric by its name --- */

static int find_or_make(char *path, size_t size, const char *name, fabric_make_fn *make, void *arg,
			struct err *err)
{
	int alone, rc = 0;

	if (fabric_find(path, size, name) == 0)
		return 0;
	alone = enter_alone(name);
	if (fabric_find(path, size, name))
		rc = make(arg, path, size, err);
	/* who did not get the name may have made one as well: all take the first */
	if (!rc && alone < 0)
		fabric_find(path, size, name);
	if (alone >= 0)
		close(alone);
	return rc;
}

int fabric_obtain(struct fabric *fabric, const char *name, uint32_t node, fabric_make_fn *make,
		  void *arg, struct err *err)
{
	char path[sizeof(fabric->path)];

	for (int i = 0; i < TRIES; i++) {
		if (find_or_make(path, sizeof(path), name, make, arg, err))
			return -1;
		if (fabric_join(fabric, path, node, true, err) == 0)
			return 0;
		/* its last process may have left in between */
		if (errno != ENOENT)
			return -1;
	}
	return -1;
}

static int enter_named(struct fabric *fabric, const char *name, uint32_t node, struct err *err)
{
	char path[sizeof(fabric->path)];

	if (strchr(name, '/'))
		return fabric_join(fabric, name, node, true, err);
	if (fabric_find(path, sizeof(path), name))
		return err_set(err, "NETEMU_FABRIC: there is no fabric '%s'", name);
	return fabric_join(fabric, path, node, true, err);
}

static int read_node(uint32_t *node, struct err *err)
{
	const char *text = getenv("NETEMU_NODE");
	unsigned long number;
	char *end;

	*node = 0;
	if (!text || !*text)
		return 0;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number > UINT32_MAX) {
		errno = EINVAL;
		return err_set(err, "NETEMU_NODE='%s': not a number", text);
	}
	*node = (uint32_t)number;
	return 0;
}

/* As NETEMU says; it need not: who is preloaded is wanted. */
static int read_settings(struct device_settings *settings, struct err *err)
{
	const char *text = getenv("NETEMU");
	struct err why;

	if (device_settings_init(settings))
		return err_errno(err, "unable to read settings");
	settings->enabled = true;
	if (text && *text && device_settings_parse(settings, text, &why)) {
		errno = EINVAL;
		return err_set(err, "NETEMU: %s", why.text);
	}
	if (settings->enabled)
		return 0;
	errno = ENODEV;
	return err_set(err, "NETEMU=no");
}

int fabric_enter(struct fabric *fabric, struct err *err)
{
	const char *name = getenv("NETEMU_FABRIC");
	struct device_settings settings;
	uint32_t node;
	int rc;

	if (read_node(&node, err))
		return -1;
	rc = read_settings(&settings, err);
	if (!rc)
		rc = name && *name
			     ? enter_named(fabric, name, node, err)
			     : fabric_obtain(fabric, "default", node, make_default, &settings, err);
	device_settings_release(&settings);
	return rc;
}

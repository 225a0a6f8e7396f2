/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-clock.c - clocks of nodes, side by side
 *
 * With a server, everybody measures its clock and rank 0 tells what it found; the
 * uncertainties add up.  Without one, rank 0 is the server, for as long as it takes.
 */
#include "clock.h"
#include "rendezvous-client.h"
#include "rendezvous-wire.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <math.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PINGS        32
#define PINGS_MANY   8    /* where there are */
#define MANY         1000 /* ranks */
#define MEASUREMENTS 100
#define KEY          "netemu-clock-%u"
#define ADDRESSES    4096 /* bytes of all addresses of rank 0 */
#define CONNECT_MS   3000 /* to one of them */

static unsigned pings_of(const struct rendezvous *rdv)
{
	return rdv->size > MANY ? PINGS_MANY : PINGS;
}

/* ---- against the server all have ---- */

static int share(struct rendezvous *rdv, const char *key, const struct rendezvous_moment *own,
		 int wait_ms, struct rendezvous_moment *node0, struct err *err)
{
	uint8_t value[16];

	rdv_u64_write(value, (uint64_t)own->offset);
	rdv_u64_write(value + 8, (uint64_t)own->uncertainty);
	if ((rdv->rank == 0 && rendezvous_put(rdv, key, value, sizeof(value), err) < 0) ||
	    rendezvous_fence(rdv, key, wait_ms, err) < 0)
		return -1;
	if (rendezvous_get(rdv, 0, key, value, sizeof(value), 0, err) != sizeof(value))
		return -1;
	node0->offset = (int64_t)rdv_u64_read(value);
	node0->uncertainty = (int64_t)rdv_u64_read(value + 8);
	return 0;
}

static int measure_both(struct rendezvous *rdv, const char *key, int wait_ms,
			struct rendezvous_moment *moment, struct err *err)
{
	struct rendezvous_moment node0;
	struct err why = { "" };

	/* together: what the clocks drift apart in between is not seen */
	if (rendezvous_barrier(rdv, key, wait_ms, err) < 0)
		return -1;
	if (rdv->ops->clock(rdv, moment, pings_of(rdv), &why) < 0)
		return err_set(err, "clock: %s", why.text);
	if (share(rdv, key, moment, wait_ms, &node0, err) < 0)
		return -1;
	moment->offset -= node0.offset;
	moment->uncertainty += node0.uncertainty;
	if (rdv->rank == 0)
		moment->uncertainty = 0; /* against itself */
	return 0;
}

/* ---- against rank 0 ---- */

static size_t add_address(const struct rendezvous_server *server, const struct ifaddrs *at,
			  char *text, size_t used)
{
	int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
	socklen_t length =
		family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	char host[NI_MAXHOST], one[RENDEZVOUS_ADDRESS];

	if ((family != AF_INET && family != AF_INET6) || !(at->ifa_flags & IFF_UP) ||
	    getnameinfo(at->ifa_addr, length, host, sizeof(host), NULL, 0, NI_NUMERICHOST) ||
	    strchr(host, '%') || /* of one link only */
	    rendezvous_server_address(server, host, one, sizeof(one)) < 0 ||
	    used + strlen(one) + 2 > ADDRESSES)
		return used;
	return used + (size_t)snprintf(text + used, ADDRESSES - used, "%s\n", one);
}

/* Those of the network before that of the host itself. */
static size_t own_addresses(const struct rendezvous_server *server, char text[ADDRESSES])
{
	struct ifaddrs *list;
	size_t used = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (int loopback = 0; loopback < 2; loopback++)
		for (const struct ifaddrs *at = list; at; at = at->ifa_next)
			if (!(at->ifa_flags & IFF_LOOPBACK) == !loopback)
				used = add_address(server, at, text, used);
	freeifaddrs(list);
	return used;
}

/* Until all have measured. */
static int serve(struct rendezvous_server *server, int wait_ms, struct err *err)
{
	int64_t deadline = clock_ms() + wait_ms;

	while (!rendezvous_server_ended(server)) {
		int64_t left = deadline - clock_ms();

		if (left <= 0) {
			errno = ETIMEDOUT;
			return err_set(err, "clock: not all ranks have come within %g s",
				       wait_ms / 1e3);
		}
		if (rendezvous_server_turn(server, (int)left) < 0)
			return err_errno(err, "clock");
	}
	return 0;
}

static int be_measured(struct rendezvous *rdv, const char *key, int wait_ms,
		       struct rendezvous_moment *moment, struct err *err)
{
	struct rendezvous_server_settings settings = { .size = rdv->size - 1 };
	struct rendezvous_server *server = rendezvous_server_create(&settings, err);
	char addresses[ADDRESSES];
	int rc;

	if (!server)
		return -1;
	rc = rendezvous_put(rdv, key, addresses, own_addresses(server, addresses), err);
	if (rc == 0)
		rc = rendezvous_fence(rdv, key, wait_ms, err);
	if (rc == 0)
		rc = serve(server, wait_ms, err);
	rendezvous_server_destroy(server);
	*moment = (struct rendezvous_moment){ .at = clock_ns(CLOCK_MONOTONIC) };
	return rc;
}

static struct rendezvous *reach(const struct rendezvous *rdv, char *addresses, int wait_ms,
				struct err *err)
{
	struct rendezvous_options options = {
		.program = "clock",
		.generation = 1,
		.wait_ms = wait_ms < CONNECT_MS ? wait_ms : CONNECT_MS,
		.has_rank = true,
		.rank = rdv->rank - 1,
		.node = rdv->node,
	};
	struct rendezvous *to = NULL;
	char *rest = NULL;

	errno = EHOSTUNREACH;
	err_set(err, "rank 0 has no address");
	for (char *one = strtok_r(addresses, "\n", &rest); one && !to;
	     one = strtok_r(NULL, "\n", &rest)) {
		options.address = one;
		to = strncmp(one, "file:", 5) ? rendezvous_open(&options, err) : NULL;
	}
	return to;
}

static int measure_node0(struct rendezvous *rdv, const char *key, int wait_ms,
			 struct rendezvous_moment *moment, struct err *err)
{
	char addresses[ADDRESSES + 1];
	struct rendezvous *node0;
	struct err why = { "" };
	long size;
	int rc;

	if (rendezvous_fence(rdv, key, wait_ms, err) < 0)
		return -1;
	size = rendezvous_get(rdv, 0, key, addresses, ADDRESSES, wait_ms, err);
	if (size < 0)
		return -1;
	addresses[size] = '\0';
	node0 = reach(rdv, addresses, wait_ms, &why);
	if (!node0)
		return err_set(err, "clock: %s", why.text);
	rc = node0->ops->clock(node0, moment, pings_of(rdv), &why);
	rendezvous_close(node0);
	return rc < 0 ? err_set(err, "clock: %s", why.text) : 0;
}

/* ---- together ---- */

static void remember(struct rendezvous_clock *clock, const struct rendezvous_moment *moment,
		     bool first)
{
	double apart;

	if (first)
		clock->first = *moment;
	clock->last = *moment;
	apart = (double)(clock->last.at - clock->first.at);
	if (apart <= 0)
		return;
	clock->drift = (double)(clock->last.offset - clock->first.offset) / apart;
	clock->drift_uncertainty =
		(double)(clock->last.uncertainty + clock->first.uncertainty) / apart;
}

int rendezvous_clock(struct rendezvous *rdv, struct rendezvous_clock *clock, int wait_ms,
		     struct err *err)
{
	struct rendezvous_moment moment = { .at = clock_ns(CLOCK_MONOTONIC) };
	char key[RENDEZVOUS_NAME];
	int rc = 0;

	if (rdv->measurements == MEASUREMENTS) {
		errno = EINVAL;
		return err_set(err, "clock: more than %d measurements", MEASUREMENTS);
	}
	if (wait_ms <= 0)
		wait_ms = RENDEZVOUS_WAIT_MS;
	snprintf(key, sizeof(key), KEY, rdv->measurements);
	if (rdv->size > 1) {
		if (rdv->ops->clock)
			rc = measure_both(rdv, key, wait_ms, &moment, err);
		else if (rdv->rank == 0)
			rc = be_measured(rdv, key, wait_ms, &moment, err);
		else
			rc = measure_node0(rdv, key, wait_ms, &moment, err);
	}
	if (rc < 0)
		return -1;
	remember(&rdv->clock, &moment, rdv->measurements++ == 0);
	*clock = rdv->clock;
	return 0;
}

/* By the line through both; outside of them its uncertainty grows with the drift's. */
int64_t rendezvous_clock_at(const struct rendezvous_clock *clock, int64_t at, int64_t *uncertainty)
{
	const struct rendezvous_moment *near = &clock->first;
	int64_t away;

	if (at - clock->first.at > clock->last.at - at)
		near = &clock->last;
	away = at - near->at;
	if (uncertainty) {
		double apart = (double)(clock->last.at - clock->first.at);
		double part = apart > 0 ? (double)(at - clock->first.at) / apart : 0;

		*uncertainty = near->uncertainty;
		if (apart > 0) /* both ends of both bounds, on the line */
			*uncertainty = (int64_t)(fabs(1 - part) * (double)clock->first.uncertainty +
						 fabs(part) * (double)clock->last.uncertainty) +
				       1;
	}
	return at + near->offset + (int64_t)((double)away * clock->drift);
}

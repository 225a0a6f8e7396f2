/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mesh.h"

#include "clock.h"
#include "net/door.h"
#include "rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define KEY "tcp"

/* Lower ranks are visited, higher ones come. */
static int visit_one(int *fd, struct rendezvous *rdv, uint32_t rank, int wait_ms, struct err *err)
{
	char card[DOOR_CARD];
	struct err why = { "" };
	long size = rendezvous_get(rdv, rank, KEY, card, sizeof(card) - 1, wait_ms, err);

	if (size < 0)
		return -1;
	card[size] = '\0';
	*fd = door_visit(card, rendezvous_rank(rdv), rendezvous_node(rdv), wait_ms, &why);
	return *fd >= 0 ? 0 : err_set(err, "unable to reach rank %u: %s", rank, why.text);
}

static int name_missing(const int *fds, uint32_t own, uint32_t size, int wait_ms, struct err *err)
{
	uint32_t missing = 0, first = 0;

	for (uint32_t i = size; i-- > own + 1;) {
		if (fds[i] < 0) {
			missing++;
			first = i;
		}
	}
	return err_set(err, "after %d s %u of %u ranks have not connected to rank %u: %u%s",
		       wait_ms / 1000, missing, size, own, first, missing > 1 ? ", ..." : "");
}

static int let_all_in(int *fds, struct door *door, uint32_t own, uint32_t size, int wait_ms,
		      struct err *err)
{
	int64_t until = clock_ms() + wait_ms;
	uint32_t left = size - own - 1, rank;
	int fd;

	while (left) {
		int64_t ms = until - clock_ms();

		fd = ms > 0 ? door_accept(door, &rank, (int)ms) : -1;
		if (fd < 0)
			return name_missing(fds, own, size, wait_ms, err);
		if (rank <= own || fds[rank] >= 0) {
			close(fd);
			continue;
		}
		fds[rank] = fd;
		left--;
	}
	return 0;
}

static int connect_all(int *fds, struct door *door, const struct net_settings *settings,
		       struct err *err)
{
	struct rendezvous *rdv = settings->rendezvous;
	uint32_t own = rendezvous_rank(rdv), size = rendezvous_size(rdv);
	int wait_ms = settings->wait_ms ? settings->wait_ms : RENDEZVOUS_WAIT_MS;

	if (rendezvous_fence(rdv, "addresses", wait_ms, err) < 0)
		return -1;
	for (uint32_t i = 0; i < own; i++)
		if (visit_one(&fds[i], rdv, i, wait_ms, err) < 0)
			return -1;
	if (let_all_in(fds, door, own, size, wait_ms, err) < 0)
		return -1;
	for (uint32_t i = 0; i < size; i++)
		if (i != own && fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0)
			return err_errno(err, "connection to rank %u", i);
	return 0;
}

int mesh_connect(int *fds, const struct net_settings *settings, struct err *err)
{
	struct rendezvous *rdv = settings->rendezvous;
	char card[DOOR_CARD];
	struct door door;
	int rc;

	for (uint32_t i = 0; i < rendezvous_size(rdv); i++)
		fds[i] = -1;
	if (door_open(&door, rendezvous_size(rdv), settings->interface, rendezvous_node(rdv), card,
		      err) < 0)
		return -1;
	rc = rendezvous_put(rdv, KEY, card, strlen(card), err);
	if (rc == 0)
		rc = connect_all(fds, &door, settings, err);
	door_close(&door);
	for (uint32_t i = 0; rc < 0 && i < rendezvous_size(rdv); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/runtable.h"
#include "trace/hash.h"

#include <stdlib.h>
#include <string.h>

#define SLACK 1000000000 /* ns that clocks of nodes may differ */

struct end {
	struct trace_end end;
	struct end *next; /* that had the same number at the same port */
};

struct port {
	uint64_t number;
	uint16_t lid;
	struct port *next;     /* all of them */
	struct port *same_lid; /* subnets may use a LID twice */
};

struct run_table {
	struct hash gids; /* port */
	struct hash lids; /* (lid, 0): the first port that has it */
	struct hash ends; /* (port's number, qpn): the newest */
	struct port *ports;
	uint64_t count;
};

struct run_table *run_table_create(void)
{
	return calloc(1, sizeof(struct run_table));
}

void run_table_free(struct run_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->ends.room; i++)
		for (struct end *end = table->ends.slot[i].value, *next; end; end = next) {
			next = end->next;
			free(end);
		}
	for (struct port *port = table->ports, *next; port; port = next) {
		next = port->next;
		free(port);
	}
	hash_release(&table->gids);
	hash_release(&table->lids);
	hash_release(&table->ends);
	free(table);
}

/* --- ports --- */

struct gid {
	uint64_t high, low;
};

static struct gid gid_of(const uint8_t raw[16])
{
	struct gid gid;

	memcpy(&gid, raw, sizeof(gid));
	return gid;
}

static struct port *port_by_gid(const struct run_table *table, const uint8_t raw[16])
{
	struct gid gid = gid_of(raw);

	return gid.high || gid.low ? hash_get(&table->gids, gid.high, gid.low) : NULL;
}

static struct port *ports_by_lid(const struct run_table *table, uint16_t lid)
{
	return lid ? hash_get(&table->lids, lid, 0) : NULL;
}

static struct port *known_port(const struct run_table *table, const struct trace_port *port)
{
	struct port *found = NULL;

	for (uint8_t i = 0; i < port->gids && !found; i++)
		found = port_by_gid(table, port->gid[i].raw);
	return found || port->gids ? found : ports_by_lid(table, port->lid);
}

static int set_lid(struct run_table *table, struct port *port, uint16_t lid)
{
	if (!lid || port->lid)
		return 0;
	port->lid = lid;
	port->same_lid = ports_by_lid(table, lid);
	return hash_put(&table->lids, lid, 0, port);
}

static struct port *enter_port(struct run_table *table, const struct trace_port *seen)
{
	struct port *port = known_port(table, seen);

	if (!port) {
		port = calloc(1, sizeof(*port));
		if (!port)
			return NULL;
		*port = (struct port){ .number = ++table->count, .next = table->ports };
		table->ports = port;
	}
	for (uint8_t i = 0; i < seen->gids; i++) {
		struct gid gid = gid_of(seen->gid[i].raw);

		if ((gid.high || gid.low) && hash_put(&table->gids, gid.high, gid.low, port) < 0)
			return NULL;
	}
	return set_lid(table, port, seen->lid) < 0 ? NULL : port;
}

/* --- ends --- */

static int enter_end(struct run_table *table, uint32_t file, const struct objects *objects,
		     const struct trace_qp *qp)
{
	const struct trace_port *seen = objects_port(objects, qp->context, qp->port);
	struct port *port = seen ? enter_port(table, seen) : NULL;
	struct end *end;

	if (!port)
		return seen ? -1 : 0;
	end = malloc(sizeof(*end));
	if (!end)
		return -1;
	*end = (struct end){
		.end = {
			.file = file,
			.qp = qp->id,
			.qpn = qp->qpn,
			.peer_qpn = qp->peer_qpn,
			.address = { .lid = seen->lid, .has_gid = seen->gids > 0 },
			.created = qp->created,
			.ended = qp->ended ? qp->ended : INT64_MAX,
		},
		.next = hash_get(&table->ends, port->number, qp->qpn),
	};
	memcpy(end->end.address.gid, seen->gid[0].raw, sizeof(end->end.address.gid));
	if (hash_put(&table->ends, port->number, qp->qpn, end) == 0)
		return 0;
	free(end);
	return -1;
}

int run_table_add(struct run_table *table, uint32_t file, const struct objects *objects)
{
	for (uint32_t i = 0; i < objects->qps; i++)
		if (objects->qp[i]->port && enter_end(table, file, objects, objects->qp[i]) < 0)
			return -1;
	return 0;
}

/* --- who it is --- */

struct search {
	const struct run_table *table;
	uint32_t qpn, peer_qpn;
	int64_t time;
	const struct trace_end *best;
	uint64_t distance;
};

/* How long before or after its life TIME is. */
static uint64_t distance(const struct trace_end *end, int64_t time)
{
	if (time < end->created)
		return (uint64_t)end->created - (uint64_t)time;
	return time > end->ended ? (uint64_t)time - (uint64_t)end->ended : 0;
}

static bool is_better(const struct search *search, const struct trace_end *end, uint64_t away)
{
	if (search->peer_qpn ? end->peer_qpn != search->peer_qpn : away > SLACK)
		return false;
	if (!search->best || away != search->distance)
		return !search->best || away < search->distance;
	return end->created > search->best->created;
}

static void search_port(struct search *search, const struct port *port)
{
	const struct end *end = hash_get(&search->table->ends, port->number, search->qpn);

	for (; end; end = end->next) {
		uint64_t away = distance(&end->end, search->time);

		if (!is_better(search, &end->end, away))
			continue;
		search->best = &end->end;
		search->distance = away;
	}
}

const struct trace_end *run_table_find(const struct run_table *table,
				       const struct trace_address *address, uint32_t qpn,
				       int64_t time, uint32_t peer_qpn)
{
	struct search search = { .table = table, .qpn = qpn, .peer_qpn = peer_qpn, .time = time };
	const struct port *port = address->has_gid ? port_by_gid(table, address->gid) : NULL;

	if (port)
		search_port(&search, port);
	if (!port)
		for (port = ports_by_lid(table, address->lid); port; port = port->same_lid)
			search_port(&search, port);
	return search.best;
}

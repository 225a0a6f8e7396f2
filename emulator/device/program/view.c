/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"
#include "device/hold.h"
#include "plain.h"

#include <string.h>

static const char *const formats[] = { "text", "tsv", "json" };

int view_format(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(name, formats[i]) == 0)
			return i;
	return -1;
}

/* Index of VALUE in a list of words, or "?" */
#define WORD(words, value)                                                                     \
	((size_t)(value) < sizeof(words) / sizeof(*(words)) && (words)[value] ? (words)[value] \
									      : "?")

static const char *const port_states[] = {
	[PORT_DOWN] = "down",
	[PORT_INIT] = "init",
	[PORT_ARMED] = "armed",
	[PORT_ACTIVE] = "active",
};

static const char *const qp_states[] = {
	[QP_RESET] = "RESET", [QP_INIT] = "INIT", [QP_RTR] = "RTR", [QP_RTS] = "RTS",
	[QP_SQD] = "SQD",     [QP_SQE] = "SQE",   [QP_ERR] = "ERR",
};

static const char *const qp_types[] = {
	[QP_RC] = "RC",
	[QP_UC] = "UC",
	[QP_UD] = "UD",
	[QP_XRC_SEND] = "XRC_SEND",
	[QP_XRC_RECV] = "XRC_RECV",
};

static const char *const layers[] = { [LINK_IB] = "ib", [LINK_ETHERNET] = "ethernet" };

static double from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Has it neither left nor died? */
static bool lives(const struct fabric *fabric, uint32_t process)
{
	return atomic_load(&fabric->segment.header->process[process].state) == PROCESS_ALIVE &&
	       hold_taken(fabric->lock_fd, process);
}

json_t *view_fabric(const struct fabric *fabric)
{
	const struct shared_header *header = fabric->segment.header;
	uint32_t processes = 0;

	for (uint32_t p = 0; p < FABRIC_PROCESSES; p++)
		processes += lives(fabric, p);
	return json_pack("[{s:s s:i s:i s:i s:I s:s s:s}]", "fabric", header->name, "nodes",
			 (int)header->nodes, "devices", (int)header->devices, "processes",
			 (int)processes, "memory", (json_int_t)atomic_load(&header->size),
			 "settings", header->settings, "path", fabric->path);
}

json_t *view_ports(const struct fabric *fabric, const struct target *target)
{
	const struct shared_header *header = fabric->segment.header;
	const struct shared_node *nodes = target_nodes(fabric);
	json_t *rows = json_array();

	for (uint32_t d = 0; d < header->devices; d++) {
		const struct shared_device *device = fabric_device(fabric, d);
		const struct port_counters *counters = &device->counters;

		if (!target_has(fabric, target, d))
			continue;
#define COUNT(name) #name, (json_int_t)atomic_load(&counters->name)
		json_array_append_new(
			rows,
			json_pack("{s:i s:s s:s s:s s:s s:i s:i s:I s:I s:I s:I s:I s:I s:I s:I}",
				  "node", (int)device->node, "host", nodes[device->node].name,
				  "device", device->name, "state",
				  WORD(port_states, atomic_load(&device->port_state)), "layer",
				  WORD(layers, device->link_layer), "lid",
				  (int)atomic_load(&device->lid), "mtu",
				  (int)atomic_load(&device->mtu), COUNT(xmit_bytes),
				  COUNT(xmit_packets), COUNT(rcv_bytes), COUNT(rcv_packets),
				  COUNT(packets_lost), COUNT(packets_resent), COUNT(timeouts),
				  COUNT(drops)));
#undef COUNT
	}
	return rows;
}

json_t *view_links(const struct fabric *fabric)
{
	const struct shared_link *links = target_links(fabric);
	json_t *rows = json_array();

	for (uint32_t l = 0; l < fabric->segment.header->links; l++) {
		const struct shared_link *link = &links[l];

		json_array_append_new(
			rows,
			json_pack("{s:s s:s s:s s:s s:f s:f s:I s:I s:I s:I s:I s:I}", "link",
				  link->name, "from", link->from, "to", link->to, "state",
				  atomic_load(&link->down) ? "down" : "up", "rate",
				  from_bits(atomic_load(&link->rate)), "loss",
				  from_bits(atomic_load(&link->loss)), "bytes",
				  (json_int_t)link->bytes, "messages", (json_int_t)link->messages,
				  "wire_bytes", (json_int_t)link->wire_bytes, "queue_ns",
				  (json_int_t)link->queue_ns, "lost", (json_int_t)link->lost,
				  "resent_bytes", (json_int_t)link->resent_bytes));
	}
	return rows;
}

json_t *view_processes(const struct fabric *fabric, const struct target *target)
{
	const struct shared_header *header = fabric->segment.header;
	json_t *rows = json_array();

	for (uint32_t p = 0; p < FABRIC_PROCESSES; p++) {
		const struct shared_process *process = &header->process[p];

		if (!lives(fabric, p) ||
		    (target->node >= 0 && process->node != (uint32_t)target->node))
			continue;
		json_array_append_new(rows, json_pack("{s:i s:i s:i s:s}", "process", (int)p, "pid",
						      (int)process->pid, "node", (int)process->node,
						      "command", process->command));
	}
	return rows;
}

static void add_queue_pair(json_t *rows, const struct shared_device *device,
			   const struct shared_qp *qp)
{
#define COUNT(name) #name, (json_int_t)atomic_load(&qp->name)
	json_array_append_new(
		rows,
		json_pack("{s:i s:s s:i s:i s:s s:s s:i s:I s:I s:I s:I s:I s:I s:I s:I}", "node",
			  (int)device->node, "device", device->name, "qpn",
			  (int)atomic_load(&qp->head.number), "process", (int)qp->head.owner,
			  "type", WORD(qp_types, qp->type), "state",
			  WORD(qp_states, atomic_load(&qp->state)), "remote_qpn", (int)qp->dest_qpn,
			  "waiting",
			  (json_int_t)(atomic_load(&qp->sq_posted) - atomic_load(&qp->sq_acked)),
			  COUNT(tx_bytes), COUNT(tx_messages), COUNT(rx_bytes), COUNT(rx_messages),
			  COUNT(resent), COUNT(rnr), COUNT(timeouts)));
#undef COUNT
}

json_t *view_queue_pairs(const struct fabric *fabric, const struct target *target)
{
	json_t *rows = json_array();

	for (uint32_t d = 0; d < fabric->segment.header->devices; d++) {
		const struct shared_device *device = fabric_device(fabric, d);
		const struct shared_head *head;
		uint32_t index = 0;

		if (!target_has(fabric, target, d))
			continue;
		while ((head = table_next(&fabric->segment, &device->qp, &index)))
			add_queue_pair(rows, device, (const struct shared_qp *)head);
	}
	return rows;
}

/* Upper end of the bucket that holds PERCENT of COUNT. */
static uint64_t bucket_of(const struct shared_device *device, uint64_t count, double percent)
{
	uint64_t sum = 0;

	for (int b = 0; b < LATENESS_BUCKETS; b++) {
		sum += atomic_load(&device->lateness[b]);
		if ((double)sum >= (double)count * percent / 100)
			return (uint64_t)1 << b;
	}
	return (uint64_t)1 << (LATENESS_BUCKETS - 1);
}

json_t *view_lateness(const struct fabric *fabric, const struct target *target)
{
	json_t *rows = json_array();

	for (uint32_t d = 0; d < fabric->segment.header->devices; d++) {
		const struct shared_device *device = fabric_device(fabric, d);
		uint64_t count = 0;

		for (int b = 0; b < LATENESS_BUCKETS; b++)
			count += atomic_load(&device->lateness[b]);
		if (!count || !target_has(fabric, target, d))
			continue;
		json_array_append_new(
			rows,
			json_pack("{s:i s:s s:I s:I s:I}", "node", (int)device->node, "device",
				  device->name, "delayed_messages", (json_int_t)count,
				  "p50_below_ns", (json_int_t)bucket_of(device, count, 50),
				  "p99_below_ns", (json_int_t)bucket_of(device, count, 99)));
	}
	return rows;
}

/* --- printing --- */

static const char *cell(const json_t *value, char *buf, size_t size)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_real(value))
		snprintf(buf, size, "%.9g", json_real_value(value));
	else
		snprintf(buf, size, "%lld", (long long)json_integer_value(value));
	return buf;
}

static int width_of(const json_t *rows, const char *key)
{
	int width = (int)strlen(key);
	const json_t *row;
	char buf[32];
	size_t i;

	json_array_foreach(rows, i, row)
	{
		int columns = plain_put(NULL, cell(json_object_get(row, key), buf, sizeof(buf)));

		if (columns > width)
			width = columns;
	}
	return width;
}

static void print_cell(FILE *out, const char *text, bool word, int width)
{
	plain_put_padded(out, text, word ? width : -width);
	fputs("  ", out);
}

static void print_columns(FILE *out, const json_t *rows)
{
	json_t *first = json_array_get(rows, 0), *row;
	const char *key;
	json_t *value;
	char buf[32];
	size_t i;

	json_object_foreach(first, key, value)
		print_cell(out, key, json_is_string(value), width_of(rows, key));
	fputc('\n', out);
	json_array_foreach(rows, i, row)
	{
		json_object_foreach(row, key, value)
			print_cell(out, cell(value, buf, sizeof(buf)), json_is_string(value),
				   width_of(rows, key));
		fputc('\n', out);
	}
}

static void print_tsv(FILE *out, const json_t *rows)
{
	json_t *first = json_array_get(rows, 0), *row, *value;
	const char *key, *before = "";
	char buf[32];
	size_t i;

	json_object_foreach(first, key, value)
	{
		fprintf(out, "%s%s", before, key);
		before = "\t";
	}
	fputc('\n', out);
	json_array_foreach(rows, i, row)
	{
		before = "";
		json_object_foreach(row, key, value)
		{
			fputs(before, out);
			plain_put_cell(out, cell(value, buf, sizeof(buf)));
			before = "\t";
		}
		fputc('\n', out);
	}
}

void view_print(FILE *out, const char *title, const json_t *rows, enum view_format format)
{
	if (format == VIEW_JSON) {
		json_dumpf(rows, out, JSON_INDENT(1));
		fputc('\n', out);
		return;
	}
	if (json_array_size(rows) == 0)
		return;
	if (title && format == VIEW_TEXT)
		fprintf(out, "%s\n", title);
	if (format == VIEW_TSV)
		print_tsv(out, rows);
	else
		print_columns(out, rows);
}

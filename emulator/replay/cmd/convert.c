/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - `netemu replay convert`: a trace in another form */
#include "cmd/commands.h"
#include "chakra/etread.h"
#include "chakra/etrecord.h"
#include "chakra/etwrite.h"
#include "optrow.h"
#include "outfile.h"
#include "result/waymark.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum form { FORM_ET, FORM_WORKLOAD, FORM_RECORDS };

VALUES_WORDS(replay_form, enum form, "none of et, workload and records", { "et", FORM_ET },
	     { "workload", FORM_WORKLOAD }, { "records", FORM_RECORDS })

struct convert_options {
	const char *in, *out;
	enum form to;
	bool has_to;
};

static const struct optrow rows[] = {
	OPTROW(struct convert_options, "to", to, &kind_replay_form, "FORM",
	       "et: protobuf, by gzip when OUT ends in .gz; records: JSON, an object for each record, "
	       "that comes back as the same bytes; workload: JSON, what decides what a node does; "
	       "without it records when OUT ends in .json, else et",
	       .given = offsetof(struct convert_options, has_to)),
	{ .help = NULL },
};

static error_t take_files(int key, char *arg, struct argp_state *state)
{
	struct convert_options *options = state->hook;
	size_t length;

	switch (key) {
	case ARGP_KEY_ARG:
		if (options->out)
			argp_error(state, "one IN and one OUT: '%s'", arg);
		*(options->in ? &options->out : &options->in) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->out)
			argp_error(state, "IN or OUT is missing");
		length = strlen(options->out);
		if (!options->has_to && length > 5 && !strcmp(options->out + length - 5, ".json"))
			options->to = FORM_RECORDS;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

struct conversion {
	struct et_reader *in;
	const char *path;        /* of IN, for sentences */
	struct et_writer *et;    /* of FORM_ET */
	struct outfile file;     /* of the others */
	struct et_bytes encoded; /* a node that was read in another form */
	uint64_t number;         /* of nodes */
	struct waymark mark;
};

/* ---- to protobuf ---- */

/* A record in JSON as bytes. */
static int add_object(struct conversion *conversion, const uint8_t *text, size_t length, bool head,
		      struct err *err)
{
	json_t *object = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, NULL);
	struct err why = { "" };
	uint8_t *data;
	size_t size;
	int rc;

	if (!object || etrecord_bytes(object, head, &data, &size, &why) < 0) {
		json_decref(object);
		return err_set(err, "%s: record %" PRIu64 ": %s", conversion->path,
			       conversion->number + 1,
			       object ? why.text : "not readable as an object");
	}
	json_decref(object);
	rc = et_add_raw(conversion->et, data, size, err);
	free(data);
	return rc;
}

static int et_head_to_et(struct conversion *conversion, struct err *err)
{
	size_t size;
	const uint8_t *head = et_head(conversion->in, &size);

	if (!head)
		return 0;
	if (et_form(conversion->in) == ET_FORM_RECORDS)
		return add_object(conversion, head, size, true, err);
	return et_add_raw(conversion->et, head, size, err);
}

static int node_to_et(struct conversion *conversion, const struct et_node *node,
		      const struct et_record *record, struct err *err)
{
	switch (et_form(conversion->in)) {
	case ET_FORM_PROTO:
		return et_add_raw(conversion->et, record->data, record->size, err);
	case ET_FORM_RECORDS:
		return add_object(conversion, record->data, record->size, false, err);
	default:
		return et_add(conversion->et, node, err);
	}
}

/* ---- to records ---- */

static int put_object(struct conversion *conversion, json_t *object, size_t flags)
{
	int rc = json_dumpf(object, conversion->file.stream, flags);

	json_decref(object);
	return rc;
}

static int put_record(struct conversion *conversion, const uint8_t *data, size_t size, bool head,
		      struct err *err)
{
	json_t *object = etrecord_json(data, size, head, err);

	if (!object)
		return -1;
	put_object(conversion, object, JSON_INDENT(2));
	putc('\n', conversion->file.stream);
	return 0;
}

static int head_to_records(struct conversion *conversion, struct err *err)
{
	size_t size;
	const uint8_t *head = et_head(conversion->in, &size);

	if (et_form(conversion->in) == ET_FORM_WORKLOAD ||
	    et_form(conversion->in) == ET_FORM_PROTO1)
		fputs("{\n  \"version\": \"0.0.4\"\n}\n", conversion->file.stream);
	if (!head)
		return 0;
	if (et_form(conversion->in) == ET_FORM_PROTO)
		return put_record(conversion, head, size, true, err);
	fprintf(conversion->file.stream, "%.*s\n", (int)size, (const char *)head);
	return 0;
}

static int node_to_records(struct conversion *conversion, const struct et_node *node,
			   const struct et_record *record, struct err *err)
{
	if (et_form(conversion->in) == ET_FORM_PROTO)
		return put_record(conversion, record->data, record->size, false, err);
	if (et_form(conversion->in) == ET_FORM_RECORDS) {
		fprintf(conversion->file.stream, "%.*s\n", (int)record->size,
			(const char *)record->data);
		return 0;
	}
	if (et_encode(node, &conversion->encoded) < 0)
		return err_errno(err, "%s", conversion->path);
	return put_record(conversion, conversion->encoded.data, conversion->encoded.size, false,
			  err);
}

/* ---- to a workload graph ---- */

static int head_to_workload(struct conversion *conversion, struct err *err)
{
	(void)err;
	fputs("{\n\"workload_graph\": [", conversion->file.stream);
	return 0;
}

static json_t *ids_json(const uint64_t *ids, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_integer((json_int_t)ids[i]));
	return list;
}

static void add_numbers(json_t *object, const struct et_node *node)
{
	const struct {
		uint32_t has;
		const char *name;
		int64_t value;
	} numbers[] = {
		{ ET_HAS_OPS, "num_ops", (int64_t)node->num_ops },
		{ ET_HAS_TENSOR, "tensor_size", (int64_t)node->tensor_size },
		{ ET_HAS_COMM, "comm_type", node->comm_type },
		{ ET_HAS_SIZE, "comm_size", (int64_t)node->comm_size },
		{ ET_HAS_PRIORITY, "comm_priority", node->comm_priority },
		{ ET_HAS_SOURCE, "comm_src", node->comm_src },
		{ ET_HAS_TARGET, "comm_dst", node->comm_dst },
		{ ET_HAS_TAG, "comm_tag", node->comm_tag },
		{ ET_HAS_ROOT, "root", node->root },
		{ ET_HAS_STREAM, "stream", node->stream },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (node->has & numbers[i].has)
			json_object_set_new(object, numbers[i].name,
					    json_integer(numbers[i].value));
}

static void add_lists(json_t *object, const struct et_node *node)
{
	json_t *list;

	if (node->has & ET_HAS_DIMS) {
		list = json_array();
		for (uint32_t d = 0; d < node->dims_count && d < ET_DIMS; d++)
			json_array_append_new(list, json_boolean(node->dims >> d & 1));
		json_object_set_new(object, "involved_dim", list);
	}
	if (node->sizes_count)
		json_object_set_new(object, "comm_sizes",
				    ids_json((const uint64_t *)node->sizes, node->sizes_count));
	if (node->values)
		json_object_set_new(object, "inputs", json_pack("{s:s}", "values", node->values));
}

static int node_to_workload(struct conversion *conversion, const struct et_node *node,
			    const struct et_record *record, struct err *err)
{
	json_t *object = json_object(), *name = json_string(node->name);

	(void)record;
	if (!object)
		return err_errno(err, "%s", conversion->path);
	json_object_set_new(object, "Id", json_integer((json_int_t)node->id));
	json_object_set_new(object, "Name", name ? name : json_string("?"));
	json_object_set_new(object, "NodeType", json_integer(node->type));
	json_object_set_new(object, "ctrlDeps", ids_json(node->ctrl_deps, node->ctrl_count));
	json_object_set_new(object, "data_deps", ids_json(node->data_deps, node->data_count));
	json_object_set_new(object, "runtime", json_integer((json_int_t)node->duration_us));
	if (node->start_us)
		json_object_set_new(object, "start_time_micros",
				    json_integer((json_int_t)node->start_us));
	if (node->has & ET_HAS_CPU)
		json_object_set_new(object, "is_cpu_op", json_boolean(node->is_cpu));
	add_numbers(object, node);
	if (node->has & ET_HAS_GROUP)
		json_object_set_new(object, "pg_name", json_string(node->group));
	add_lists(object, node);
	fputs(conversion->number ? ",\n" : "\n", conversion->file.stream);
	put_object(conversion, object, 0);
	return 0;
}

static const struct target {
	int (*head)(struct conversion *conversion, struct err *err);
	int (*node)(struct conversion *conversion, const struct et_node *node,
		    const struct et_record *record, struct err *err);
	const char *end;
} targets[] = {
	[FORM_ET] = { et_head_to_et, node_to_et, "" },
	[FORM_WORKLOAD] = { head_to_workload, node_to_workload, "\n]\n}\n" },
	[FORM_RECORDS] = { head_to_records, node_to_records, "" },
};

/* ---- the command ---- */

static int convert_nodes(struct conversion *conversion, const struct target *target,
			 struct err *err)
{
	struct et_record record;
	struct et_node node;
	int rc = target->head(conversion, err);

	while (rc == 0 && (rc = et_next(conversion->in, &node, &record, err)) > 0) {
		rc = target->node(conversion, &node, &record, err);
		conversion->number++;
		waymark_show(&conversion->mark, "MiB of the trace converted",
			     (double)(et_position(conversion->in) >> 20),
			     et_length(conversion->in) >> 20);
	}
	waymark_end(&conversion->mark);
	if (rc == 0 && conversion->file.stream)
		fputs(target->end, conversion->file.stream);
	return rc;
}

static int open_output(struct conversion *conversion, const struct convert_options *options,
		       struct err *err)
{
	if (options->to != FORM_ET)
		return outfile_open(&conversion->file, options->out, err);
	conversion->et = et_create(options->out, err);
	return conversion->et ? 0 : -1;
}

static int convert(const struct convert_options *options, struct err *err)
{
	struct conversion conversion = { .path = options->in };
	int rc = -1;

	conversion.in = et_open(options->in, err);
	if (conversion.in && open_output(&conversion, options, err) == 0) {
		rc = convert_nodes(&conversion, &targets[options->to], err);
		if (rc == 0 && conversion.et)
			rc = et_commit(conversion.et, err);
		else if (rc == 0)
			rc = outfile_commit(&conversion.file, err);
		else if (conversion.et)
			et_abort(conversion.et);
		else
			outfile_abort(&conversion.file);
	}
	et_close(conversion.in);
	free(conversion.encoded.data);
	return rc;
}

int command_convert(int argc, char **argv)
{
	static const struct optrow_program program = {
		.rows = rows,
		.other = take_files,
		.args_doc = "IN OUT",
		.doc = "Write the trace IN as OUT ('-': standard output), in another form.",
	};
	struct convert_options options = { 0 };
	struct err err = { "" };

	if (optrow_parse(&program, &options, argc, argv))
		return 2;
	if (convert(&options, &err) == 0)
		return 0;
	return command_failed("convert", &err);
}

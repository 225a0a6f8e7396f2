/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/ibbuild.h"

#include "topology/iblft.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(const struct ibfabric *fabric, struct err *err)
{
	errno = ENOMEM;
	return err_errno(err, "%s", fabric->source);
}

static const char *id_of(const struct ibfabric *fabric, uint32_t node)
{
	return fabric->nodes[node].id->text;
}

/* --- the two ends of each cable --- */

static int by_port(const void *a, const void *b)
{
	const struct ibfabric_end *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static const struct ibfabric_end *find_end(const struct ibfabric *fabric, uint32_t node,
					   uint8_t port)
{
	uint32_t low = 0, high = fabric->nends;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct ibfabric_end *end = &fabric->ends[middle];

		if (end->node == node && end->port == port)
			return end;
		if (end->node < node || (end->node == node && end->port < port))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int check_port(const struct ibfabric *fabric, uint32_t i, struct err *err)
{
	const struct ibfabric_end *end = &fabric->ends[i];

	if (i == 0 || end->node != end[-1].node || end->port != end[-1].port)
		return 0;
	return err_set(err, "%s:%u: a second cable in port %u of '%s', after that on line %u",
		       fabric->source, end->line, end->port, id_of(fabric, end->node),
		       end[-1].line);
}

static int check_end(const struct ibfabric *fabric, const struct ibfabric_end *end, struct err *err)
{
	const struct ibfabric_end *other;

	if (end->to->node == NETEMU_NONE)
		return err_set(err,
			       "%s:%u: the cable in port %u of '%s' leads to '%s', which is not in "
			       "the file",
			       fabric->source, end->line, end->port, id_of(fabric, end->node),
			       end->to->text);
	other = find_end(fabric, end->to->node, end->to_port);
	if (other && other->to->node == end->node && other->to_port == end->port)
		return 0;
	return err_set(err,
		       "%s:%u: the cable from port %u of '%s' to port %u of '%s' is seen at this "
		       "end only",
		       fabric->source, end->line, end->port, id_of(fabric, end->node), end->to_port,
		       end->to->text);
}

static int check_ends(struct ibfabric *fabric, struct err *err)
{
	if (fabric->nends)
		qsort(fabric->ends, fabric->nends, sizeof(*fabric->ends), by_port);
	for (uint32_t i = 0; i < fabric->nends; i++)
		if (check_port(fabric, i, err) < 0)
			return -1;
	for (uint32_t i = 0; i < fabric->nends; i++)
		if (check_end(fabric, &fabric->ends[i], err) < 0)
			return -1;
	return 0;
}

/* --- names --- */

/* How many nodes have this word, or this description. */
struct word {
	UT_hash_handle hh;
	uint32_t count;
};

static size_t first_word(const char *text)
{
	size_t length = 0;

	while (text[length] && !isspace((unsigned char)text[length]))
		length++;
	return length;
}

/* Count TEXT in WORDS, which need not be NUL-terminated but must stay. */
static int count(struct word **words, const char *text, size_t length)
{
	struct word *word;

	HASH_FIND(hh, *words, text, length, word);
	if (!word) {
		word = calloc(1, sizeof(*word));
		if (!word)
			return -1;
		HASH_ADD_KEYPTR(hh, *words, text, length, word);
		if (!word->hh.tbl) {
			free(word);
			return -1;
		}
	}
	word->count++;
	return 0;
}

static bool is_unique(struct word *words, const char *text, size_t length)
{
	struct word *word;

	if (length == 0)
		return false;
	HASH_FIND(hh, words, text, length, word);
	return word && word->count == 1;
}

static void free_words(struct word **words)
{
	struct word *word, *next;

	HASH_ITER (hh, *words, word, next) {
		HASH_DEL(*words, word);
		free(word);
	}
}

struct names {
	struct word *words, *descriptions;
};

static int count_names(const struct ibfabric *fabric, struct names *names)
{
	for (uint32_t i = 0; i < fabric->nnodes; i++) {
		const char *text = fabric->nodes[i].description;

		if (fabric->nodes[i].left_out)
			continue;
		if (count(&names->words, text, first_word(text)) < 0 ||
		    count(&names->descriptions, text, strlen(text)) < 0)
			return -1;
	}
	return 0;
}

/* The name of NODE: malloc'ed. */
static char *name_of(const struct ibfabric_node *node, const struct names *names)
{
	const char *text = node->description;
	size_t word = first_word(text);
	char *id;

	if (is_unique(names->words, text, word))
		return strndup(text, word);
	if (is_unique(names->descriptions, text, strlen(text)))
		return strdup(text);
	if (!node->guid)
		return strdup(node->id->text);
	return asprintf(&id, "0x%016" PRIx64, node->guid) < 0 ? NULL : id;
}

/* --- the topology --- */

static int by_lid(const void *a, const void *b)
{
	const struct ibfabric_node *x = *(struct ibfabric_node *const *)a;
	const struct ibfabric_node *y = *(struct ibfabric_node *const *)b;

	/* without a LID behind all others */
	if (x->lid - 1 != y->lid - 1)
		return x->lid - 1 < y->lid - 1 ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The nodes in the order of their LIDs: malloc'ed. */
static struct ibfabric_node **in_order(struct ibfabric *fabric)
{
	struct ibfabric_node **order = calloc(fabric->nnodes + 1, sizeof(*order));

	if (!order)
		return NULL;
	for (uint32_t i = 0; i < fabric->nnodes; i++)
		order[i] = &fabric->nodes[i];
	qsort(order, fabric->nnodes, sizeof(struct ibfabric_node *), by_lid);
	return order;
}

static int put_node(const struct ibfabric *fabric, struct topology *topology,
		    struct ibfabric_node *node, const struct names *names, struct err *err)
{
	char *name = name_of(node, names);
	struct topology_node *made;

	if (!name)
		return no_memory(fabric, err);
	node->index = topology_node(topology, name, node->kind != IBFABRIC_SWITCH, node->line, err);
	free(name);
	if (node->index == NETEMU_NONE)
		return -1;
	made = &topology->nodes[node->index];
	made->lid = node->lid;
	made->guid = node->guid;
	made->info = strdup(node->description);
	return made->info ? 0 : no_memory(fabric, err);
}

/* Both directions come from the two ends, so that the links of each node are in
 * the order of its ports.
 */
static int put_links(const struct ibfabric *fabric, struct topology *topology, uint32_t node,
		     uint32_t first, struct err *err)
{
	for (uint32_t i = first; i < fabric->nends && fabric->ends[i].node == node; i++) {
		const struct ibfabric_end *end = &fabric->ends[i];
		const struct ibfabric_node *to = &fabric->nodes[end->to->node];
		const struct ibfabric_end *other = find_end(fabric, end->to->node, end->to_port);
		double rate = end->rate < other->rate ? end->rate : other->rate;

		if (to->left_out || end->to->node == node)
			continue;
		if (topology_link(topology, fabric->nodes[node].index, end->port, to->index,
				  end->to_port, rate, end->line, err) < 0)
			return -1;
	}
	return 0;
}

static uint32_t *first_ends(const struct ibfabric *fabric)
{
	uint32_t *first = calloc(fabric->nnodes + 1, sizeof(*first));

	for (uint32_t i = fabric->nends; first && i-- > 0;)
		first[fabric->ends[i].node] = i;
	return first;
}

static int put_all(const struct ibfabric *fabric, struct topology *topology,
		   struct ibfabric_node **order, const struct names *names, struct err *err)
{
	uint32_t *first = first_ends(fabric);
	int rc = first ? 0 : no_memory(fabric, err);

	for (uint32_t i = 0; i < fabric->nnodes && rc == 0; i++)
		if (!order[i]->left_out)
			rc = put_node(fabric, topology, order[i], names, err);
	for (uint32_t i = 0; i < fabric->nnodes && rc == 0; i++) {
		uint32_t node = (uint32_t)(order[i] - fabric->nodes);

		if (!order[i]->left_out)
			rc = put_links(fabric, topology, node, first[node], err);
	}
	free(first);
	return rc;
}

/* Tables with all LIDs and no routes. */
static int put_tables(const struct ibfabric *fabric, struct topology *topology, struct err *err)
{
	struct topology_tables *tables = calloc(1, sizeof(*tables));
	uint32_t lids = 0;

	if (!tables)
		return no_memory(fabric, err);
	topology->tables = tables;
	for (uint32_t i = 0; i <= IB_LID_MAX; i++)
		if (fabric->lid_node[i] != NETEMU_NONE)
			lids = i + 1;
	tables->port = calloc(topology->net.nodes + 1, sizeof(*tables->port));
	tables->node = calloc(lids + 1, sizeof(*tables->node));
	if (!tables->port || !tables->node)
		return no_memory(fabric, err);
	tables->lids = lids;
	for (uint32_t i = 0; i < lids; i++) {
		uint32_t node = fabric->lid_node[i];

		if (node == NETEMU_NONE)
			tables->node[i] = NETEMU_NONE;
		else
			tables->node[i] = fabric->nodes[node].left_out ? IBLFT_LEFT_OUT
								       : fabric->nodes[node].index;
	}
	return 0;
}

int ibfabric_build(struct ibfabric *fabric, struct topology *topology, bool tables, struct err *err)
{
	struct names names = { 0 };
	struct ibfabric_node **order;
	int rc;

	if (check_ends(fabric, err) < 0)
		return -1;
	order = in_order(fabric);
	if (!order || count_names(fabric, &names) < 0)
		rc = no_memory(fabric, err);
	else
		rc = put_all(fabric, topology, order, &names, err);
	if (rc == 0 && tables)
		rc = put_tables(fabric, topology, err);
	free(order);
	free_words(&names.words);
	free_words(&names.descriptions);
	if (rc == 0)
		topology->unit = TOPOLOGY_UNIT_BYTE;
	return rc;
}

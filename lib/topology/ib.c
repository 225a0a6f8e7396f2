/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/readers.h"

#include "topology/iblft.h"
#include "topology/ibnet.h"
#include "topology/order.h"

#include <string.h>

#define HEAD 65536 /* bytes by which the form is known: ibnetdiscover may say much before */

/* The beginnings of lines by which the form of a dump is known. */
static const struct form {
	const char *text;
	ibnet_read_fn read;
} forms[] = {
	{ "# Topology file: generated on", ibnet_read },
	{ "DR path ", ibnet_read },
	{ "vendid=0x", ibnet_read },
	{ "switchguid=0x", ibnet_read },
	{ "caguid=0x", ibnet_read },
	{ "rtguid=0x", ibnet_read },
	{ "Switch\t", ibnet_read },
	{ "Ca\t", ibnet_read },
	{ "Rt\t", ibnet_read },
	{ "SW  ", ibnet_read },
	{ "CA  ", ibnet_read },
	{ "RT  ", ibnet_read },
	{ "{ SW", ibsubnet_read },
	{ "{ CA", ibsubnet_read },
	{ "{ Rt", ibsubnet_read },
};

ibnet_read_fn ibnet_form(const char *head)
{
	for (const char *line = head; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
			if (strncmp(line, forms[i].text, strlen(forms[i].text)) == 0)
				return forms[i].read;
	}
	return NULL;
}

bool is_ib(const char *head, size_t size)
{
	(void)size;
	return ibnet_form(head) != NULL;
}

static int read_fabric(struct ibfabric *fabric, ibnet_read_fn read, const char *path,
		       struct err *err)
{
	struct textfile file;
	int rc;

	if (textfile_open(&file, path, err) < 0)
		return -1;
	rc = read(fabric, &file, err);
	textfile_close(&file);
	return rc;
}

static int read_dump(struct topology *topology, ibnet_read_fn read, const char *const *files,
		     struct err *err)
{
	struct ibfabric fabric;
	int rc;

	if (ibfabric_init(&fabric, files[0], err) < 0)
		return -1;
	rc = read_fabric(&fabric, read, files[0], err);
	if (rc == 0)
		rc = ibfabric_build(&fabric, topology, files[1] != NULL, err);
	ibfabric_release(&fabric);
	return rc < 0 ? rc : topology_sort(topology, TOPOLOGY_BY_NAME, err);
}

/* A dump that was converted before: one LID for each node. */
static int read_converted(struct topology *topology, const char *const *files, struct err *err)
{
	if (read_graphml(topology, files, err) < 0)
		return -1;
	return files[1] ? iblft_tables(topology, err) : 0;
}

int read_ib(struct topology *topology, const char *const *files, struct err *err)
{
	char head[HEAD];
	ssize_t size = textfile_head(files[0], head, sizeof(head), err);
	ibnet_read_fn read;
	int rc;

	if (size < 0)
		return -1;
	read = ibnet_form(head);
	if (read)
		rc = read_dump(topology, read, files, err);
	else if (is_graphml(head, (size_t)size))
		rc = read_converted(topology, files, err);
	else
		rc = err_set(err, "%s: not the output of ibnetdiscover or opensm-subnet.lst",
			     files[0]);
	if (rc == 0 && files[1])
		rc = iblft_read(topology, files[1], err);
	return rc;
}

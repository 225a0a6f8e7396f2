/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/readers.h"

#include "topology/iblft.h"
#include "topology/ibnet.h"

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

static int read_fabric(struct ibfabric *fabric, const char *path, struct err *err)
{
	char head[HEAD];
	struct textfile file;
	ibnet_read_fn read;
	int rc;

	if (textfile_head(path, head, sizeof(head), err) < 0)
		return -1;
	read = ibnet_form(head);
	if (!read)
		return err_set(err, "%s: not the output of ibnetdiscover or opensm-subnet.lst",
			       path);
	if (textfile_open(&file, path, err) < 0)
		return -1;
	rc = read(fabric, &file, err);
	textfile_close(&file);
	return rc;
}

int read_ib(struct topology *topology, const char *const *files, struct err *err)
{
	struct ibfabric fabric;
	int rc;

	if (ibfabric_init(&fabric, files[0], err) < 0)
		return -1;
	rc = read_fabric(&fabric, files[0], err);
	if (rc == 0)
		rc = ibfabric_build(&fabric, topology, files[1] != NULL, err);
	ibfabric_release(&fabric);
	if (rc == 0 && files[1])
		rc = iblft_read(topology, files[1], err);
	return rc;
}

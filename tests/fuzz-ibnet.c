/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ibnet.c - any bytes as the output of ibnetdiscover */
#include "fuzz.h"
#include "fuzz-topology.h"
#include "topology/ibnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topology topology;
	struct ibfabric fabric;
	struct textfile file;
	struct err err = { "" };
	int rc;

	if (topology_init(&topology, "f", &err) < 0 || ibfabric_init(&fabric, "f", &err) < 0)
		abort();
	textfile_open_memory(&file, "f", data, size);
	rc = ibnet_read(&fabric, &file, &err);
	textfile_close(&file);
	if (rc == 0)
		rc = ibfabric_build(&fabric, &topology, false, &err);
	ibfabric_release(&fabric);
	if (rc == 0)
		rc = topology_finish(&topology, &err);
	if (rc < 0)
		fuzz_check_refused(&err);
	else
		fuzz_check_taken(&topology);
	topology_release(&topology);
	return 0;
}

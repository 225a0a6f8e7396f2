/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-slurmtopo.c - any bytes as topology.conf */
#include "fuzz.h"
#include "fuzz-topology.h"
#include "topology/slurmtopo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topology topology;
	struct textfile file;
	struct err err = { "" };
	int rc;

	if (topology_init(&topology, "f", &err) < 0)
		abort();
	textfile_open_memory(&file, "f", data, size);
	rc = slurmtopo_read(&topology, &file, &err);
	textfile_close(&file);
	if (rc == 0)
		rc = topology_finish(&topology, &err);
	if (rc < 0)
		fuzz_check_refused(&err);
	else
		fuzz_check_taken(&topology);
	topology_release(&topology);
	return 0;
}

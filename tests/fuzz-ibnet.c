/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz-topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_cables(ibnet_read, data, size);
}

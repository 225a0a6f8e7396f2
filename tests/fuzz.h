/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what libFuzzer and fuzz-main.c call
 *
 * Each fuzz-*.c defines it: take DATA in, abort() when something is wrong.
 * Returns 0.
 */
#ifndef NETEMU_TESTS_FUZZ_H
#define NETEMU_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

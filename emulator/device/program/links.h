/* SPDX-License-Identifier: Apache-2.0 */
/* links.h - what the links of a fabric have carried: links.tsv */
#ifndef PROGRAM_LINKS_H
#define PROGRAM_LINKS_H

#include "device/fabric.h"
#include "load/linktable.h"

/* The columns of `netemu sim load`, and messages, wire_bytes, queue_ns: of the
 * topology's links, or, without a topology, of the devices'.  Flows are not known: 0;
 * nor is the capacity of a link without a rate: 0.  The names in TABLE lie in
 * the fabric.  Returns 0, or -1 with errno ENOMEM.
 */
int links_table(struct linktable *table, const struct fabric *fabric);

/* The table to the file PATH (NULL: standard output).  Returns 0, or -1 with ERR. */
int links_write(const struct fabric *fabric, const char *path, struct err *err);

#endif

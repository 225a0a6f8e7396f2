/* SPDX-License-Identifier: Apache-2.0 */
/* iblft.h - forwarding tables of InfiniBand switches
 *
 * Read line by line, in any mixture and in any number of files:
 *   - `Unicast lids [..] of switch Lid 2 guid 0x.. (..):` and `0x0001 003 ...`
 *     below it, as OpenSM (opensm-lfts.dump), ibroute and dump_fts write them;
 *   - `dump_ucast_routes: Switch 0x..` and `0x0001 : 003 : ...`, OpenSM's
 *     opensm.fdbs;
 *   - `SWITCH-LID LID PORT`, three numbers.
 * What the programs themselves say in between, multicast tables, counts and
 * errors, is passed over.
 *
 * Tables and cables are not read at the same moment, so a switch or a LID that
 * the fabric does not have, and an entry that says something else than an
 * earlier one (which stands), do no harm: they are counted in tables->strange.
 * Ports without a cable and loops are seen by who follows the entries.
 */
#ifndef NETEMU_TOPOLOGY_IBLFT_H
#define NETEMU_TOPOLOGY_IBLFT_H

#include "topology/textfile.h"
#include "topology/topology.h"

/* In topology->tables->node while tables are read: a node that is in the fabric
 * and not in the topology.
 */
#define IBLFT_LEFT_OUT (NETEMU_NONE - 1)

struct iblft_switch;

struct iblft {
	struct topology *topology;
	struct iblft_switch *by_guid; /* sorted; owned */
	uint32_t nswitches;
	uint32_t node; /* whose entries follow */
	bool skip;     /* entries of a switch that is not there, or of multicast */
	bool multicast;
	bool begun;
};

/* Give TOPOLOGY tables without an entry that know the LID of each node.  Returns 0,
 * or -1 with ERR written: no LIDs, one above IB_LID_MAX, two nodes with the same.
 */
int iblft_tables(struct topology *topology, struct err *err);

/* Read the file PATH, or all files of the folder PATH in the order of their
 * names (but not those that begin with a dot), into topology->tables, which has
 * all LIDs and no entry.  Returns 0, or -1 with ERR written: a line that is not
 * understood, no entry at all.
 */
int iblft_read(struct topology *topology, const char *path, struct err *err);

/* The same in steps: any number of open files, each of which begins anew. */
int iblft_init(struct iblft *lft, struct topology *topology, struct err *err);
int iblft_take(struct iblft *lft, struct textfile *file, struct err *err);
int iblft_finish(struct iblft *lft, const char *path, struct err *err);
void iblft_release(struct iblft *lft);

#endif

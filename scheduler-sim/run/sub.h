/* SPDX-License-Identifier: Apache-2.0 */
/* sub.h - run one sub-scenario and leave its files
 *
 * Networks, jobs and checksums of files are kept from one to the next, as
 * neighbours in a sweep mostly share them.
 */
#ifndef NETEMU_SIM_SUB_H
#define NETEMU_SIM_SUB_H

#include "scenario.h"
#include "sha256.h"

struct sub_cache;

struct sub_cache *sub_cache_create(void); /* NULL with errno ENOMEM */
void sub_cache_destroy(struct sub_cache *cache);

/* Run number NUMBER of SCENARIO.  With RESUME nothing happens when its summary
 * is there with the digest it would have; then *SKIPPED is true.  WARNING gets
 * what a person should know, or "".  Returns 0, or -1 with ERR written.
 */
int sub_run(struct scenario *scenario, size_t number, struct sub_cache *cache, bool resume,
	    bool *skipped, struct err *warning, struct err *err);

/* Remove what an interrupted run has left half-written in DIR. */
void sub_clean(const char *dir);

#endif

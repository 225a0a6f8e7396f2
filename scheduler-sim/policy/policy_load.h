/* SPDX-License-Identifier: Apache-2.0 */
/* policy_load.h - find an algorithm by its name
 *
 * A name is "NAME[:OPTIONS]": one of a table of built-in policies, PFSim's
 * dotted name for it, or, when it contains a '/', the path of a shared object
 * that exports `const struct netemu_policy netemu_policy`.
 */
#ifndef NETEMU_POLICY_LOAD_H
#define NETEMU_POLICY_LOAD_H

#include "err.h"
#include "policy.h"

struct policy {
	const struct netemu_policy *what;
	char *name;          /* without options; the path of a shared object; owned */
	const char *options; /* behind the name, or NULL; owned with the name */
	void *object;        /* of the shared object, or NULL; owned */
};

/* Find SPEC of KIND in the TABLE of COUNT; a relative path is relative to BASE
 * (NULL: the working directory).  Returns 0, or -1 with ERR written: an unknown
 * name (the known ones are named), an object that cannot be loaded, or one of
 * another version or kind.
 */
int policy_find(struct policy *policy, enum netemu_policy_kind kind,
		const struct netemu_policy *const *table, size_t count, const char *spec,
		const char *base, struct err *err);
void policy_release(struct policy *policy);

/* "scheduler", "node selection", ... */
const char *policy_kind_name(enum netemu_policy_kind kind);

#endif

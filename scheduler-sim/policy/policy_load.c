/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *policy_kind_name(enum netemu_policy_kind kind)
{
	static const char *const names[] = {
		[NETEMU_SCHEDULING] = "scheduler",
		[NETEMU_SELECTION] = "node selection",
		[NETEMU_PLACEMENT] = "placement",
		[NETEMU_ROUTING] = "routing",
	};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "policy";
}

static int unknown(enum netemu_policy_kind kind, const struct netemu_policy *const *table,
		   size_t count, const char *name, struct err *err)
{
	char known[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < count && n < sizeof(known); i++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", i ? ", " : "",
				      table[i]->name);
	return err_set(err, "'%s': not a %s (%s, or a path with a '/')", name,
		       policy_kind_name(kind), known);
}

static int find_built_in(struct policy *policy, enum netemu_policy_kind kind,
			 const struct netemu_policy *const *table, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i]->name, policy->name) == 0 ||
		    (table[i]->alias && strcmp(table[i]->alias, policy->name) == 0)) {
			policy->what = table[i];
			return 0;
		}
	}
	return unknown(kind, table, count, policy->name, err);
}

static bool is_whole(const struct netemu_policy *policy)
{
	switch (policy->kind) {
	case NETEMU_SCHEDULING:
		return policy->scheduling.pass;
	case NETEMU_SELECTION:
		return policy->selection.select;
	case NETEMU_PLACEMENT:
		return policy->placement.place;
	case NETEMU_ROUTING:
		return policy->routing.route;
	}
	return false;
}

static int check_object(const struct policy *policy, enum netemu_policy_kind kind, struct err *err)
{
	const struct netemu_policy *what = policy->what;

	if (!what)
		return err_set(err, "'%s': exports no netemu_policy", policy->name);
	if (what->version != NETEMU_POLICY_VERSION)
		return err_set(err, "'%s': made for version %u of <netemu/policy.h>, not %u",
			       policy->name, what->version, NETEMU_POLICY_VERSION);
	if (what->kind != kind)
		return err_set(err, "'%s': is a %s, not a %s", policy->name,
			       policy_kind_name(what->kind), policy_kind_name(kind));
	if (!what->name || !is_whole(what))
		return err_set(err, "'%s': has no name or no function", policy->name);
	return 0;
}

static int load_object(struct policy *policy, enum netemu_policy_kind kind, const char *base,
		       struct err *err)
{
	char *path;
	int rc;

	if (base && policy->name[0] != '/')
		rc = asprintf(&path, "%s/%s", base, policy->name);
	else
		rc = asprintf(&path, "%s", policy->name);
	if (rc < 0)
		return err_set(err, "no memory");
	policy->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	free(path);
	if (!policy->object)
		return err_set(err, "unable to load '%s': %s", policy->name, dlerror());
	policy->what = dlsym(policy->object, "netemu_policy");
	return check_object(policy, kind, err);
}

int policy_find(struct policy *policy, enum netemu_policy_kind kind,
		const struct netemu_policy *const *table, size_t count, const char *spec,
		const char *base, struct err *err)
{
	char *slash, *colon;
	int rc;

	*policy = (struct policy){ .name = strdup(spec) };
	if (!policy->name)
		return err_set(err, "no memory");
	slash = strrchr(policy->name, '/');
	colon = strchr(slash ? slash : policy->name, ':');
	if (colon) {
		*colon = '\0';
		policy->options = colon + 1;
	}
	rc = slash ? load_object(policy, kind, base, err)
		   : find_built_in(policy, kind, table, count, err);
	if (rc < 0)
		policy_release(policy);
	return rc;
}

void policy_release(struct policy *policy)
{
	if (policy->object)
		dlclose(policy->object);
	free(policy->name);
	*policy = (struct policy){ 0 };
}

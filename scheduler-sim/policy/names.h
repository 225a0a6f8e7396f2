/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - what an algorithm is called in outputs, however it was asked for */
#ifndef NETEMU_POLICY_NAMES_H
#define NETEMU_POLICY_NAMES_H

#include "policy.h"

/* Our name of the algorithm of KIND that SPEC asks for by PFSim's dotted name;
 * any other SPEC (one of ours with its options, a shared object, an unknown
 * name) is returned as it is.
 */
const char *policy_own_name(enum netemu_policy_kind kind, const char *spec);

#endif

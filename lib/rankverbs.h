/* SPDX-License-Identifier: Apache-2.0 */
/* rankverbs.h - reading what only rank files of verbs have
 *
 * Readers for jsontable.h; what they read goes to the struct rankfile at TO.
 */
#ifndef NETEMU_RANKVERBS_H
#define NETEMU_RANKVERBS_H

#include "jsontable.h"

int rankverbs_elsewhere(struct jsonscan *scan, const struct json_field *field, void *to,
			void *context);
int rankverbs_failed(struct jsonscan *scan, const struct json_field *field, void *to,
		     void *context);

#endif

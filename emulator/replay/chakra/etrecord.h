/* SPDX-License-Identifier: Apache-2.0 */
/* etrecord.h - records of schema 0.0.4 as JSON, and back to the same bytes
 *
 * The JSON is that of protobuf's own mapping (which chakra_jsonizer prints): names in
 * camelCase, 64-bit numbers as text, enums by name, bytes in base64, nothing where proto3 has
 * its default.  A record that does not come back from that as the bytes it was (fields nobody
 * knows, another order, a text that is not UTF-8) has all of them under ETRECORD_RAW as well.
 */
#ifndef CHAKRA_ETRECORD_H
#define CHAKRA_ETRECORD_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETRECORD_RAW "@record" /* base64 */

/* DATA as an object: a Node, or (HEAD) a GlobalMetadata.  The caller owns it; NULL with ERR. */
json_t *etrecord_json(const uint8_t *data, size_t size, bool head, struct err *err);

/* The bytes of OBJECT into *DATA, which the caller frees.  Returns 0, or -1 with ERR naming the
 * key that cannot be.
 */
int etrecord_bytes(json_t *object, bool head, uint8_t **data, size_t *size, struct err *err);

#endif

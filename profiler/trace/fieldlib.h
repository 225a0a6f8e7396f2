/* SPDX-License-Identifier: Apache-2.0 */
/* fieldlib.h - inside fields.c and fields-run.c: how fields are written */
#ifndef TRACE_FIELDLIB_H
#define TRACE_FIELDLIB_H

#include "trace/fields.h"

/* ,"NAME": and a value */
#define FIELD_U64(json, name, value)  (JSON_PUT(json, ",\"" name "\":"), json_u64(json, value))
#define FIELD_I64(json, name, value)  (JSON_PUT(json, ",\"" name "\":"), json_i64(json, value))
#define FIELD_ID(json, name, value)   (JSON_PUT(json, ",\"" name "\":"), json_id(json, value))
#define FIELD_HEX(json, name, value)  (JSON_PUT(json, ",\"" name "\":"), json_hex(json, value))
#define FIELD_TEXT(json, name, value) (JSON_PUT(json, ",\"" name "\":"), json_text(json, value))
#define FIELD_BOOL(json, name, value) \
	((value) ? JSON_PUT(json, ",\"" name "\":true") : JSON_PUT(json, ",\"" name "\":false"))

/* One of our own names: nothing in it needs an escape. */
void fields_name(struct json *json, const char *name);
/* Numbers without a name ("?") stay. */
void fields_name_or_number(struct json *json, const char *name, uint32_t number);

#define FIELD_NAME(json, key, name, number) \
	(JSON_PUT(json, ",\"" key "\":"), fields_name_or_number(json, name, number))

#endif

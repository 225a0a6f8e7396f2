/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - what a record says, by name, as nettrace-raw(5) documents it */
#ifndef TRACE_FIELDS_H
#define TRACE_FIELDS_H

#include "trace/json.h"
#include "trace/reader.h"
#include "trace/run.h"

#define FIELDS_VERSION 2

/* The fields of EVENT but for its time, each with a comma before it.  OFFSET is what is
 * added to times within it.
 */
void fields_event(struct json *json, const struct reader_event *event, int64_t offset);

/* An object that says where the records of FILE come from. */
void fields_process(struct json *json, const struct trace_file *file);

/* The keys "job" and "step" of RUN, without a comma before them. */
void fields_job(struct json *json, const struct trace_run *run);

/* ,"NAME":"A|B|C" by the bits in BITS; nothing when there are none. */
void fields_flags(struct json *json, const char *name, const char *const names[], uint32_t bits);
extern const char *const fields_send_flags[];

/* What the device did, a word. */
const char *fields_device_step(const struct vring_device *device);

/* "0123:4567:..." of 16 bytes. */
void fields_gid(struct json *json, const uint8_t *gid);

/* Whether requests with OPCODE have immediate data, or a key to invalidate. */
bool fields_has_imm(uint8_t opcode);
bool fields_has_key(uint8_t opcode);
/* Whether they name memory of the peer. */
bool fields_has_remote(uint8_t opcode);

#endif

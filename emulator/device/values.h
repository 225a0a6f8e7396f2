/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - the kinds of values that settings have, as text and in a field */
#ifndef DEVICE_VALUES_H
#define DEVICE_VALUES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kind;

/* One key: where its value goes and what it may be. */
struct key {
	const char *name;
	const struct kind *kind;
	size_t offset;
	uint64_t min, max; /* of numbers; of names, how long */
	bool network;      /* asks for a network */
};

struct kind {
	/* Write what VALUE says to FIELD; -1 with ERR naming key and value. */
	int (*parse)(void *field, const struct key *key, const char *value, struct err *err);
	/* FIELD as text in BUF; nothing depends on the program's locale. */
	void (*format)(const void *field, char *buf, size_t size);
	bool text; /* a string that is owned */
};

extern const struct kind kind_time;                                    /* int64_t ns */
extern const struct kind kind_rate, kind_loss;                         /* double */
extern const struct kind kind_count, kind_mtu;                         /* uint32_t */
extern const struct kind kind_seed, kind_bytes;                        /* uint64_t */
extern const struct kind kind_flag, kind_scope;                        /* bool */
extern const struct kind kind_link_layer, kind_transport, kind_choice; /* enums */
extern const struct kind kind_text;                                    /* char * */
extern const struct kind kind_name;                                    /* char[] */

#endif

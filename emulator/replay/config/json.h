/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - values of the files beside a trace, with sentences for what is wrong */
#ifndef CONFIG_JSON_H
#define CONFIG_JSON_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The object in PATH, which the caller owns; NULL with ERR naming file and line. */
json_t *config_load(const char *path, struct err *err);

/* "FILE: 'KEY': WHAT"; -1. */
int config_bad(const char *path, const char *key, const char *what, struct err *err);

/* VALUE of KEY as a number (a text with one as well), a whole one up to MAX, yes or no (numbers,
 * true, "yes").  Return 0, or -1 with ERR.
 */
int config_number(const char *path, const char *key, const json_t *value, double *number,
		  struct err *err);
int config_whole(const char *path, const char *key, const json_t *value, uint64_t max,
		 uint64_t *number, struct err *err);
int config_flag(const char *path, const char *key, const json_t *value, bool *flag,
		struct err *err);

#endif

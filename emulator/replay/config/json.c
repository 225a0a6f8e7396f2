/* SPDX-License-Identifier: Apache-2.0 */
#include "config/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *config_load(const char *path, struct err *err)
{
	json_error_t why;
	json_t *root;
	FILE *file = fopen(path, "re");
	int failed;

	if (!file) {
		err_errno(err, "unable to open '%s'", path);
		return NULL;
	}
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
	failed = ferror(file) ? errno : 0;
	fclose(file);
	if (failed) {
		errno = failed;
		err_errno(err, "unable to read '%s'", path);
		json_decref(root);
		return NULL;
	}
	if (!root) {
		err_set(err, "%s:%d: %s", path, why.line, why.text);
		return NULL;
	}
	if (json_is_object(root))
		return root;
	json_decref(root);
	err_set(err, "%s: an object, {...}, is wanted", path);
	return NULL;
}

int config_bad(const char *path, const char *key, const char *what, struct err *err)
{
	return err_set(err, "%s: '%s': %s", path, key, what);
}

int config_number(const char *path, const char *key, const json_t *value, double *number,
		  struct err *err)
{
	const char *text = json_string_value(value);
	char *end = NULL;
	double found = json_number_value(value);

	if (text)
		found = strtod(text, &end);
	if ((!json_is_number(value) && (!text || !*text || *end)) || !isfinite(found))
		return config_bad(path, key, "a number is wanted", err);
	*number = found;
	return 0;
}

int config_whole(const char *path, const char *key, const json_t *value, uint64_t max,
		 uint64_t *number, struct err *err)
{
	double found = 0;

	if (config_number(path, key, value, &found, err) < 0)
		return -1;
	if (found < 0 || found > (double)max || found != floor(found))
		return err_set(err, "%s: '%s': a whole number from 0 to %llu is wanted", path, key,
			       (unsigned long long)max);
	*number = (uint64_t)found;
	return 0;
}

int config_flag(const char *path, const char *key, const json_t *value, bool *flag, struct err *err)
{
	const char *text = json_string_value(value);
	double number;

	if (json_is_boolean(value)) {
		*flag = json_is_true(value);
		return 0;
	}
	if (text && (!strcmp(text, "yes") || !strcmp(text, "true"))) {
		*flag = true;
		return 0;
	}
	if (text && (!strcmp(text, "no") || !strcmp(text, "false"))) {
		*flag = false;
		return 0;
	}
	if (config_number(path, key, value, &number, NULL) < 0)
		return config_bad(path, key, "true or false is wanted", err);
	*flag = number != 0;
	return 0;
}

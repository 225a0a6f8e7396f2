/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-device-settings.c - any text as the settings of a device
 *
 * What is taken is the same when it is written and read again; what is refused
 * changes nothing and is said in a sentence.
 */
#include "fuzz.h"

#include "device/settings.h"

#include <stdlib.h>
#include <string.h>

static char *format(const struct device_settings *settings)
{
	char *text = device_settings_format(settings);

	if (!text)
		abort();
	return text;
}

static void check_same(const struct device_settings *settings)
{
	struct device_settings again;
	char *text = format(settings), *other;

	device_settings_init(&again);
	if (device_settings_parse(&again, text, NULL) < 0)
		abort();
	other = format(&again);
	if (strcmp(text, other) != 0)
		abort();
	device_settings_release(&again);
	free(text);
	free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_settings settings;
	struct err err = { "" };
	char *text, *before, *after;

	/* no file is read here: /dev/zero has no end */
	if ((size && data[0] == '@') || memchr(data, 0, size))
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	device_settings_init(&settings);
	before = format(&settings);
	if (device_settings_parse(&settings, text, &err) == 0) {
		check_same(&settings);
	} else {
		after = format(&settings);
		if (!*err.text || strcmp(before, after) != 0)
			abort();
		free(after);
	}
	device_settings_release(&settings);
	free(before);
	free(text);
	return 0;
}

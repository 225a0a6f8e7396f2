/* SPDX-License-Identifier: Apache-2.0 */
#include "nodelist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One entry of a list: PREFIX[RANGES]SUFFIX, or PREFIX alone (RANGES == NULL). */
struct entry {
	const char *prefix, *ranges, *suffix;
	size_t prefix_length, ranges_length, suffix_length;
};

/* Read the entry at *AT and move behind it and its comma; false when there is
 * none, or one that is not understood (several brackets).
 */
static bool next_entry(const char **at, struct entry *entry)
{
	const char *end;

	memset(entry, 0, sizeof(*entry));
	entry->prefix = *at;
	entry->prefix_length = strcspn(*at, ",[]");
	end = *at + entry->prefix_length;
	if (*end == '[') {
		entry->ranges = end + 1;
		entry->ranges_length = strcspn(entry->ranges, "[]");
		if (entry->ranges[entry->ranges_length] != ']')
			return false;
		entry->suffix = entry->ranges + entry->ranges_length + 1;
		entry->suffix_length = strcspn(entry->suffix, ",[]");
		end = entry->suffix + entry->suffix_length;
	}
	if ((*end && *end != ',') || end == *at)
		return false;
	*at = end + (*end == ',');
	return true;
}

/* A number of at most 9 digits at *AT; WIDTH is how many there are. */
static bool read_number(const char **at, const char *end, uint32_t *number, size_t *width)
{
	const char *start = *at;

	*number = 0;
	while (*at < end && **at >= '0' && **at <= '9' && *at - start < 9)
		*number = *number * 10 + (uint32_t)(*(*at)++ - '0');
	*width = (size_t)(*at - start);
	return *width > 0;
}

/* What stands in NAME where ENTRY has its brackets; false when the rest differs. */
static bool read_middle(const struct entry *entry, const char *name, uint32_t *number,
			size_t *width)
{
	size_t length = strlen(name);
	const char *middle = name + entry->prefix_length, *end;

	if (length <= entry->prefix_length + entry->suffix_length ||
	    memcmp(name, entry->prefix, entry->prefix_length) != 0 ||
	    memcmp(name + length - entry->suffix_length, entry->suffix, entry->suffix_length) != 0)
		return false;
	end = name + length - entry->suffix_length;
	return read_number(&middle, end, number, width) && middle == end;
}

/* Look for NAME in the ranges of ENTRY.  1 and *COUNT its place, 0 and *COUNT
 * how many there are, -1 when they are not understood.
 */
static int find_in_ranges(const struct entry *entry, const char *name, uint64_t *count)
{
	const char *at = entry->ranges, *end = entry->ranges + entry->ranges_length;
	uint32_t wanted = 0, low, high;
	size_t digits = 0, width, ignored;
	bool fits = read_middle(entry, name, &wanted, &digits);

	*count = 0;
	while (at < end) {
		if (!read_number(&at, end, &low, &width))
			return -1;
		high = low;
		if (at < end && *at == '-' && (at++, !read_number(&at, end, &high, &ignored)))
			return -1;
		if (high < low || (at < end && *at++ != ','))
			return -1;
		/* 08 is not 8: as many digits as the range begins with, or more */
		if (fits && wanted >= low && wanted <= high && digits >= width &&
		    (digits == width || name[entry->prefix_length] != '0')) {
			*count += wanted - low;
			return 1;
		}
		*count += (uint64_t)high - low + 1;
	}
	return 0;
}

int64_t nodelist_find(const char *list, const char *name)
{
	uint64_t before = 0, count;
	struct entry entry;

	while (*list) {
		int found;

		if (!next_entry(&list, &entry))
			return -1;
		if (entry.ranges) {
			found = find_in_ranges(&entry, name, &count);
		} else {
			found = strlen(name) == entry.prefix_length &&
				memcmp(name, entry.prefix, entry.prefix_length) == 0;
			count = !found;
		}
		if (found < 0)
			return -1;
		before += count;
		if (found)
			return (int64_t)before;
	}
	return -1;
}

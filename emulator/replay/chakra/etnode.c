/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etnode.h"

#include <ctype.h>

static const char *const types[] = {
	[ET_INVALID] = "INVALID",     [ET_METADATA] = "METADATA",   [ET_MEM_LOAD] = "MEM_LOAD",
	[ET_MEM_STORE] = "MEM_STORE", [ET_COMP] = "COMP",           [ET_COMM_SEND] = "COMM_SEND",
	[ET_COMM_RECV] = "COMM_RECV", [ET_COMM_COLL] = "COMM_COLL",
};

static const char *const collectives[] = {
	[ET_ALL_REDUCE] = "ALL_REDUCE",
	[ET_REDUCE] = "REDUCE",
	[ET_ALL_GATHER] = "ALL_GATHER",
	[ET_GATHER] = "GATHER",
	[ET_SCATTER] = "SCATTER",
	[ET_BROADCAST] = "BROADCAST",
	[ET_ALL_TO_ALL] = "ALL_TO_ALL",
	[ET_REDUCE_SCATTER] = "REDUCE_SCATTER",
	[ET_REDUCE_SCATTER_BLOCK] = "REDUCE_SCATTER_BLOCK",
	[ET_BARRIER] = "BARRIER",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *et_type_name(uint32_t type)
{
	return type < COUNT(types) ? types[type] : NULL;
}

const char *et_collective_name(uint32_t collective)
{
	return collective < COUNT(collectives) ? collectives[collective] : NULL;
}

static const char *skip_separators(const char *text)
{
	while (*text == '_' || *text == '-')
		text++;
	return text;
}

/* The same letters, whatever stands between them. */
static bool is_same_word(const char *a, const char *b)
{
	for (;; a++, b++) {
		a = skip_separators(a);
		b = skip_separators(b);
		if (toupper((unsigned char)*a) != toupper((unsigned char)*b))
			return false;
		if (!*a)
			return true;
	}
}

int et_collective_number(const char *name)
{
	for (size_t i = 0; i < COUNT(collectives); i++)
		if (is_same_word(name, collectives[i]))
			return (int)i;
	return -1;
}

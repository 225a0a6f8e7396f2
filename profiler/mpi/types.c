/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include <stdio.h>

struct index types_predefined;

/* What stands behind MPI_BYTE and the others is an object ompi_mpi_<name>. */
static const char *const names[] = {
	"2cplex",
	"2dblcplex",
	"2dblprec",
	"2int",
	"2integer",
	"2real",
	"aint",
	"byte",
	"c_bool",
	"c_complex",
	"c_double_complex",
	"c_float_complex",
	"c_long_double_complex",
	"char",
	"character",
	"complex16",
	"complex32",
	"complex4",
	"complex8",
	"count",
	"cplex",
	"cxx_bool",
	"cxx_cplex",
	"cxx_dblcplex",
	"cxx_ldblcplex",
	"dblcplex",
	"dblprec",
	"double",
	"double_int",
	"float",
	"float_int",
	"int",
	"int16_t",
	"int32_t",
	"int64_t",
	"int8_t",
	"integer",
	"integer1",
	"integer16",
	"integer2",
	"integer4",
	"integer8",
	"ldblcplex",
	"logical",
	"logical1",
	"logical2",
	"logical4",
	"logical8",
	"long",
	"long_double",
	"long_int",
	"long_long_int",
	"longdbl_int",
	"offset",
	"packed",
	"real",
	"real16",
	"real2",
	"real4",
	"real8",
	"short",
	"short_int",
	"signed_char",
	"uint16_t",
	"uint32_t",
	"uint64_t",
	"uint8_t",
	"unsigned",
	"unsigned_char",
	"unsigned_long",
	"unsigned_long_long",
	"unsigned_short",
	"wchar",
};

uint64_t types_ask(MPI_Datatype type)
{
	MPI_Count size = 0;

	/* Within MPI_Finalize asking would abort the program. */
	if (!ompi.finalizing)
		ompi.type_size_x(type, &size);
	return size > 0 ? (uint64_t)size : 0;
}

static int add(const char *name)
{
	char symbol[64];
	void *type;
	size_t size;

	snprintf(symbol, sizeof(symbol), "ompi_mpi_%s", name);
	type = ompi_object(symbol, &size);
	if (!type || index_find(&types_predefined, (uintptr_t)type))
		return 0;
	return index_add(&types_predefined, (uintptr_t)type,
			 (void *)(uintptr_t)(types_ask(type) + 1));
}

int types_init(void)
{
	if (index_init(&types_predefined) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (add(names[i]) < 0)
			return -1;
	return 0;
}

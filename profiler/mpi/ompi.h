/* SPDX-License-Identifier: Apache-2.0 */
/* ompi.h - the Open MPI that the program has loaded
 *
 * Nothing of MPI is linked: this library must load into programs that have
 * none.  What is needed is looked up by name after MPI_Init has returned, so
 * it is the one the program runs with, also where it was opened RTLD_LOCAL.
 */
#ifndef NETPROF_OMPI_H
#define NETPROF_OMPI_H

#include "err.h"

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MPI functions that are called: X(field, name, type of arguments).  All return int. */
#define OMPI_CALL_LIST(X)                                                                  \
	X(comm_rank, PMPI_Comm_rank, (MPI_Comm, int *))                                    \
	X(comm_size, PMPI_Comm_size, (MPI_Comm, int *))                                    \
	X(comm_group, PMPI_Comm_group, (MPI_Comm, MPI_Group *))                            \
	X(comm_remote_group, PMPI_Comm_remote_group, (MPI_Comm, MPI_Group *))              \
	X(comm_test_inter, PMPI_Comm_test_inter, (MPI_Comm, int *))                        \
	X(group_size, PMPI_Group_size, (MPI_Group, int *))                                 \
	X(group_compare, PMPI_Group_compare, (MPI_Group, MPI_Group, int *))                \
	X(group_translate_ranks, PMPI_Group_translate_ranks,                               \
	  (MPI_Group, int, const int *, MPI_Group, int *))                                 \
	X(group_free, PMPI_Group_free, (MPI_Group *))                                      \
	X(win_get_group, PMPI_Win_get_group, (MPI_Win, MPI_Group *))                       \
	X(type_size_x, PMPI_Type_size_x, (MPI_Datatype, MPI_Count *))                      \
	X(request_get_status, PMPI_Request_get_status, (MPI_Request, int *, MPI_Status *)) \
	X(query_thread, PMPI_Query_thread, (int *))                                        \
	X(get_processor_name, PMPI_Get_processor_name, (char *, int *))                    \
	X(get_library_version, PMPI_Get_library_version, (char *, int *))

/* Slots of mca_pml (mca_pml_base_module_t, ompi/mca/pml/pml.h) as of v2.1 to
 * v4.1.  v5 has pml_revoke_comm behind del_comm, which moves all that follow.
 */
enum ompi_slot {
	OMPI_ADD_COMM = 4,
	OMPI_DEL_COMM,
	OMPI_IRECV_INIT,
	OMPI_IRECV,
	OMPI_RECV,
	OMPI_ISEND_INIT,
	OMPI_ISEND,
	OMPI_SEND,
	OMPI_IPROBE,
	OMPI_PROBE,
	OMPI_START,
	OMPI_IMPROBE,
	OMPI_MPROBE,
	OMPI_IMRECV,
	OMPI_MRECV,
};

/* Slots of ompi_request_functions (ompi/request/request.h). */
enum ompi_completion {
	OMPI_TEST,
	OMPI_TEST_ANY,
	OMPI_TEST_ALL,
	OMPI_TEST_SOME,
	OMPI_WAIT,
	OMPI_WAIT_ANY,
	OMPI_WAIT_ALL,
	OMPI_WAIT_SOME,
	OMPI_COMPLETIONS,
};

typedef void (*ompi_fn)(void);

struct ompi {
	void *handle; /* of the library with the PMPI_ functions */
	MPI_Comm world;
	MPI_Comm null_comm;
	MPI_Request null_request;
	MPI_Group world_group;
	bool threads;    /* MPI_THREAD_MULTIPLE */
	bool finalizing; /* within MPI_Finalize: MPI may no longer be called */
	char version[MPI_MAX_LIBRARY_VERSION_STRING]; /* first line */
	char pml[32];                                 /* name of the component, "" = unknown */
#define X(field, name, args) int(*field) args;
	OMPI_CALL_LIST(X)
#undef X
	ompi_fn *pml_slots;   /* mca_pml as an array of functions */
	int pml_shift;        /* what to add to slots from OMPI_IRECV_INIT on */
	ompi_fn *completions; /* ompi_request_functions */
};

extern struct ompi ompi;

/* The next definition of NAME behind this library, or NULL. */
void *ompi_next(const char *name);

/* Fill OMPI.  MPI_Init must have returned.  Returns 0, or -1 with ERR written
 * when this is another MPI or an Open MPI whose tables are not known.
 */
int ompi_find(struct err *err);

/* The place of SLOT in ompi.pml_slots. */
static inline ompi_fn *ompi_slot(enum ompi_slot slot)
{
	return &ompi.pml_slots[slot + (slot >= OMPI_IRECV_INIT ? ompi.pml_shift : 0)];
}

/* The address of the object NAME and its size as the symbol table has it. */
void *ompi_object(const char *name, size_t *size);

#endif

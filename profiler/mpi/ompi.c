/* SPDX-License-Identifier: Apache-2.0 */
#include "ompi.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct ompi ompi;

/* mca_pml's size tells the layouts apart; see ompi.h. */
#define PML_SIZE_V4      184
#define PML_SIZE_V5      192
#define COMPLETIONS_SIZE (OMPI_COMPLETIONS * sizeof(ompi_fn))

static int is_libmpi(struct dl_phdr_info *info, size_t size, void *data)
{
	const char *base = strrchr(info->dlpi_name, '/');
	void **handle = data;

	(void)size;
	base = base ? base + 1 : info->dlpi_name;
	if (strncmp(base, "libmpi.so", 9) && strncmp(base, "libmpich.so", 11))
		return 0;
	*handle = dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
	return *handle != NULL;
}

static void *find_libmpi(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static void *handle;
	void *found;

	pthread_mutex_lock(&lock);
	if (!handle)
		dl_iterate_phdr(is_libmpi, &handle);
	found = handle;
	pthread_mutex_unlock(&lock);
	return found;
}

void *ompi_next(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);
	void *handle;

	if (symbol)
		return symbol;
	/* Opened with RTLD_LOCAL, as a module of an interpreter may do. */
	handle = find_libmpi();
	return handle ? dlsym(handle, name) : NULL;
}

/* A program may hold the one and only copy (R_*_COPY), so the global scope
 * comes before the library that defines it.
 */
void *ompi_object(const char *name, size_t *size)
{
	const ElfW(Sym) *entry = NULL;
	void *object = dlsym(RTLD_DEFAULT, name);
	Dl_info info;

	*size = 0;
	if (!object)
		object = ompi_next(name);
	if (object && dladdr1(object, &info, (void **)&entry, RTLD_DL_SYMENT) && entry)
		*size = entry->st_size;
	return object;
}

static void first_line(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%.*s", (int)strcspn(from, "\r\n,"), from);
}

static int find_calls(struct err *err)
{
#define X(field, name, args)                        \
	ompi.field = (int(*) args)ompi_next(#name); \
	if (!ompi.field)                            \
		return err_set(err, "the MPI library has no %s", #name);
	OMPI_CALL_LIST(X)
#undef X
	return 0;
}

static int find_version(struct err *err)
{
	char text[MPI_MAX_LIBRARY_VERSION_STRING + 8192] = ""; /* MPICH writes up to 8192 */
	int length;

	if (ompi.get_library_version(text, &length) != 0)
		return err_set(err, "the MPI library does not tell its version");
	first_line(ompi.version, sizeof(ompi.version), text);
	if (strncmp(text, "Open MPI", 8))
		return err_set(err, "'%s' is not Open MPI", ompi.version);
	return 0;
}

static int find_tables(struct err *err)
{
	size_t size;

	ompi.pml_slots = ompi_object("mca_pml", &size);
	if (!ompi.pml_slots || (size != PML_SIZE_V4 && size != PML_SIZE_V5))
		return err_set(err, "%s: a table 'mca_pml' of %zu bytes is not known", ompi.version,
			       size);
	ompi.pml_shift = size == PML_SIZE_V5;
	ompi.completions = ompi_object("ompi_request_functions", &size);
	if (!ompi.completions || size != COMPLETIONS_SIZE)
		return err_set(err,
			       "%s: a table 'ompi_request_functions' of %zu bytes is not known",
			       ompi.version, size);
	for (int i = 0; i < OMPI_COMPLETIONS; i++)
		if (!ompi.completions[i])
			return err_set(err, "%s: 'ompi_request_functions' is not filled",
				       ompi.version);
	for (int slot = OMPI_ADD_COMM; slot <= OMPI_MRECV; slot++)
		if (!*ompi_slot((enum ompi_slot)slot))
			return err_set(err, "%s: 'mca_pml' is not filled", ompi.version);
	return 0;
}

/* Predefined communicators and datatypes are objects in libmpi's data. */
static int find_objects(struct err *err)
{
	size_t size;

	ompi.world = ompi_object("ompi_mpi_comm_world", &size);
	ompi.null_comm = ompi_object("ompi_mpi_comm_null", &size);
	ompi.null_request = ompi_object("ompi_request_null", &size);
	if (!ompi.world || !ompi.null_comm || !ompi.null_request)
		return err_set(err, "%s: no 'ompi_mpi_comm_world'", ompi.version);
	return 0;
}

/* Components that are files of their own are named by their file. */
static void find_pml_name(void)
{
	Dl_info info;
	const char *name;

	if (!dladdr((void *)*ompi_slot(OMPI_SEND), &info) || !info.dli_fname)
		return;
	name = strstr(info.dli_fname, "mca_pml_");
	if (name)
		snprintf(ompi.pml, sizeof(ompi.pml), "%.*s", (int)strcspn(name + 8, "."), name + 8);
}

int ompi_find(struct err *err)
{
	int level = 0;

	if (find_calls(err) < 0 || find_version(err) < 0 || find_objects(err) < 0 ||
	    find_tables(err) < 0)
		return -1;
	find_pml_name();
	if (ompi.query_thread(&level) != MPI_SUCCESS)
		level = MPI_THREAD_MULTIPLE;
	ompi.threads = level == MPI_THREAD_MULTIPLE;
	if (ompi.comm_group(ompi.world, &ompi.world_group) != MPI_SUCCESS)
		return err_set(err, "%s: no group of MPI_COMM_WORLD", ompi.version);
	return 0;
}

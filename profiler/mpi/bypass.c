/* SPDX-License-Identifier: Apache-2.0 */
#include "bypass.h"
#include "comm.h"
#include "counter.h"

#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define OBJECT_WORDS 64   /* Open MPI pads a predefined communicator or window to that */
#define TABLE_WORDS  512  /* of each thing it points to */
#define TABLE_MIN    8    /* functions that make a table */
#define LOOKED_MAX   64   /* communicators; they hardly ever differ */
#define CODE_MAX     1024 /* executable segments */

/* Components that do not use the PML. */
static const char *const bypassing[] = {
	"coll_sm",       "coll_hcoll",    "coll_ucc", "coll_xhc", "coll_fca", "coll_acoll",
	"coll_portals4", "coll_smdirect", "osc_rdma", "osc_sm",   "osc_ucx",  "osc_portals4",
};

/* An executable segment; NAME when it is of one of them. */
struct code {
	const char *name;
	uintptr_t begin, size;
	bool found;
};

struct codes {
	struct code ranges[CODE_MAX];
	size_t count;
	bool any; /* has a name */
};

static struct codes codes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int looked;

static const char *bypassing_name(const char *path)
{
	const char *file = strrchr(path, '/');
	const char *component = strstr(file ? file : path, "mca_");
	size_t length;

	if (!component)
		return NULL;
	component += 4;
	length = strcspn(component, ".");
	for (size_t i = 0; i < sizeof(bypassing) / sizeof(*bypassing); i++)
		if (strlen(bypassing[i]) == length && !strncmp(bypassing[i], component, length))
			return bypassing[i];
	return NULL;
}

static int collect(struct dl_phdr_info *info, size_t size, void *data)
{
	const char *name = bypassing_name(info->dlpi_name);

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    codes.count == CODE_MAX)
			continue;
		codes.ranges[codes.count++] = (struct code){
			.name = name,
			.begin = info->dlpi_addr + segment->p_vaddr,
			.size = segment->p_memsz,
		};
		if (name)
			codes.any = true;
	}
	return 0;
}

/* Copy COUNT words at ADDRESS, as far as they can be read. */
static size_t peek(uintptr_t address, uintptr_t *words, size_t count)
{
	struct iovec local = { words, count * sizeof(*words) };
	struct iovec remote = { (void *)address, count * sizeof(*words) };
	ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (got < 0) { /* perhaps only up to the end of the page */
		remote.iov_len = 4096 - (address & 4095);
		if (remote.iov_len > local.iov_len)
			return 0;
		got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	}
	return got > 0 ? (size_t)got / sizeof(*words) : 0;
}

/* "coll_sm" -> "coll/sm" */
static void note(const char *component)
{
	char name[32];
	char *bar;

	snprintf(name, sizeof(name), "%s", component);
	bar = strchr(name, '_');
	if (bar)
		*bar = '/';
	counter_bypass(name);
}

static struct code *code_at(uintptr_t address)
{
	for (size_t i = 0; i < codes.count; i++)
		if (address - codes.ranges[i].begin < codes.ranges[i].size)
			return &codes.ranges[i];
	return NULL;
}

/* How many of COUNT words at TABLE are functions, every STRIDE-th being one or
 * NULL up to the end of the table.
 */
static size_t table_functions(const uintptr_t *table, size_t count, size_t stride, size_t *length)
{
	size_t functions = 0;
	size_t i;

	for (i = 0; i < count; i += stride) {
		if (!table[i])
			continue;
		if (!code_at(table[i]))
			break;
		functions++;
	}
	*length = i < count ? i : count;
	return functions;
}

static void look_at_table(const uintptr_t *table, size_t count, size_t stride)
{
	size_t length;

	if (table_functions(table, count, stride, &length) < TABLE_MIN)
		return;
	for (size_t i = 0; i < length; i += stride) {
		struct code *code = code_at(table[i]);

		if (code)
			code->found = true;
	}
}

/* OBJECT points to a table in which every STRIDE-th word is a function: 2 for
 * a communicator (a function and its module), 1 for a window.
 */
static void look_at(const void *object, size_t stride)
{
	uintptr_t words[OBJECT_WORDS], table[TABLE_WORDS];
	size_t count;

	pthread_mutex_lock(&lock);
	codes.count = 0;
	codes.any = false;
	dl_iterate_phdr(collect, NULL);
	count = codes.any ? peek((uintptr_t)object, words, OBJECT_WORDS) : 0;
	for (size_t i = 0; i < count; i++)
		if (words[i] >= 4096 && words[i] % sizeof(void *) == 0)
			look_at_table(table, peek(words[i], table, TABLE_WORDS), stride);
	for (size_t i = 0; i < codes.count; i++)
		if (codes.ranges[i].found && codes.ranges[i].name)
			note(codes.ranges[i].name);
	pthread_mutex_unlock(&lock);
}

static void look_at_comm(struct comm *comm)
{
	if (comm->window || comm->scanned || looked >= LOOKED_MAX)
		return;
	comm->scanned = true;
	looked++;
	look_at(comm->handle, 2);
}

void bypass_start(void)
{
	look_at(ompi.world, 2);
}

void bypass_comm_going(MPI_Comm comm)
{
	if (looked >= LOOKED_MAX)
		return;
	looked++;
	look_at(comm, 2);
}

void bypass_win_made(MPI_Win win)
{
	look_at(win, 1);
}

void bypass_finish(void)
{
	look_at(ompi.world, 2);
	comm_each(look_at_comm);
}

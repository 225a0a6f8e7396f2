/* SPDX-License-Identifier: Apache-2.0 */
/* entry.c - the MPI functions that stand in front of the library's
 *
 * Each comes twice: C programs call MPI_x, Fortran bindings and tools call
 * PMPI_x.  Both call the next one of the same name, so other tools keep their
 * place; what is done, is done in the outermost call only.
 */
#include "bypass.h"
#include "comm.h"
#include "onesided.h"
#include "ompi.h"
#include "phase.h"
#include "pml.h"
#include "session.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static __thread int depth __attribute__((tls_model("initial-exec")));

/* int MPI_NAME PARAMETERS and int PMPI_NAME PARAMETERS, which hand the next
 * function of that name and the arguments to around_NAME.
 */
#define BOTH(name, parameters, ...)                                                \
	EXPORT int MPI_##name parameters                                           \
	{                                                                          \
		static int(*next) parameters;                                      \
                                                                                   \
		if (!next)                                                         \
			next = (int(*) parameters)ompi_next("MPI_" #name);         \
		return next ? around_##name(next, ##__VA_ARGS__) : MPI_ERR_INTERN; \
	}                                                                          \
	EXPORT int PMPI_##name parameters                                          \
	{                                                                          \
		static int(*next) parameters;                                      \
                                                                                   \
		if (!next)                                                         \
			next = (int(*) parameters)ompi_next("PMPI_" #name);        \
		return next ? around_##name(next, ##__VA_ARGS__) : MPI_ERR_INTERN; \
	}

/* ---- beginning and end ---- */

static int around_Init(int (*next)(int *, char ***), int *argc, char ***argv)
{
	int rc;

	depth++;
	rc = next(argc, argv);
	if (--depth == 0 && rc == MPI_SUCCESS)
		session_start();
	return rc;
}
BOTH(Init, (int *argc, char ***argv), argc, argv)

static int around_Init_thread(int (*next)(int *, char ***, int, int *), int *argc, char ***argv,
			      int required, int *provided)
{
	int rc;

	depth++;
	rc = next(argc, argv, required, provided);
	if (--depth == 0 && rc == MPI_SUCCESS)
		session_start();
	return rc;
}
BOTH(Init_thread, (int *argc, char ***argv, int required, int *provided), argc, argv, required,
     provided)

static int around_Finalize(int (*next)(void))
{
	int rc;

	if (depth++ == 0)
		session_finalizing();
	rc = next();
	if (--depth == 0)
		session_finish();
	return rc;
}
BOTH(Finalize, (void))

/* ---- phases ---- */

static int around_Pcontrol(int (*next)(const int, ...), const int level)
{
	int rc;

	if (depth++ == 0 && session_active)
		phase_open(level);
	rc = next(level);
	depth--;
	return rc;
}

EXPORT int MPI_Pcontrol(const int level, ...)
{
	static int (*next)(const int, ...);

	if (!next)
		next = (int (*)(const int, ...))ompi_next("MPI_Pcontrol");
	return next ? around_Pcontrol(next, level) : MPI_ERR_INTERN;
}

EXPORT int PMPI_Pcontrol(const int level, ...)
{
	static int (*next)(const int, ...);

	if (!next)
		next = (int (*)(const int, ...))ompi_next("PMPI_Pcontrol");
	return next ? around_Pcontrol(next, level) : MPI_ERR_INTERN;
}

/* ---- persistent requests: started without passing mca_pml ---- */

static int around_Start(int (*next)(MPI_Request *), MPI_Request *request)
{
	MPI_Request before = NULL;
	int rc;

	if (depth == 0 && session_active && request) {
		before = *request;
		pml_starting(1, request);
	}
	depth++;
	rc = next(request);
	if (--depth == 0 && before && rc == MPI_SUCCESS)
		pml_started(1, &before, request);
	return rc;
}
BOTH(Start, (MPI_Request * request), request)

#define START_PART 64

/* In portions where there are many, so that the handles fit on the stack. */
static int around_Startall(int (*next)(int, MPI_Request[]), int count, MPI_Request requests[])
{
	MPI_Request before[START_PART];
	int rc = MPI_SUCCESS;

	if (depth || !session_active || !requests || count <= 0)
		return next(count, requests);
	for (int done = 0; done < count && rc == MPI_SUCCESS; done += START_PART) {
		int part = count - done < START_PART ? count - done : START_PART;

		memcpy(before, requests + done, (size_t)part * sizeof(*before));
		pml_starting((size_t)part, requests + done);
		depth++;
		rc = next(part, requests + done);
		depth--;
		if (rc == MPI_SUCCESS)
			pml_started((size_t)part, before, requests + done);
	}
	return rc;
}
BOTH(Startall, (int count, MPI_Request requests[]), count, requests)

static int around_Request_free(int (*next)(MPI_Request *), MPI_Request *request)
{
	int rc;

	if (depth++ == 0 && session_active && request)
		pml_freeing(*request);
	rc = next(request);
	depth--;
	return rc;
}
BOTH(Request_free, (MPI_Request * request), request)

/* ---- windows and files: their communicators are made inside ---- */

static enum comm_class making(enum comm_class class)
{
	enum comm_class before = pml_making;

	pml_making = class;
	depth++;
	return before;
}

static int made(enum comm_class before, int rc, MPI_Win *win)
{
	pml_making = before;
	if (--depth == 0 && session_active && rc == MPI_SUCCESS && win) {
		comm_removed(*win); /* an older one at the same address */
		bypass_win_made(*win);
	}
	return rc;
}

static int around_Win_create(int (*next)(void *, MPI_Aint, int, MPI_Info, MPI_Comm, MPI_Win *),
			     void *base, MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm,
			     MPI_Win *win)
{
	enum comm_class before = making(COMM_RMA);

	return made(before, next(base, size, unit, info, comm, win), win);
}
BOTH(Win_create, (void *base, MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, MPI_Win *win),
     base, size, unit, info, comm, win)

static int around_Win_allocate(int (*next)(MPI_Aint, int, MPI_Info, MPI_Comm, void *, MPI_Win *),
			       MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base,
			       MPI_Win *win)
{
	enum comm_class before = making(COMM_RMA);

	return made(before, next(size, unit, info, comm, base, win), win);
}
BOTH(Win_allocate,
     (MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base, MPI_Win *win), size, unit,
     info, comm, base, win)

#define around_Win_allocate_shared around_Win_allocate
BOTH(Win_allocate_shared,
     (MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base, MPI_Win *win), size, unit,
     info, comm, base, win)

static int around_Win_create_dynamic(int (*next)(MPI_Info, MPI_Comm, MPI_Win *), MPI_Info info,
				     MPI_Comm comm, MPI_Win *win)
{
	enum comm_class before = making(COMM_RMA);

	return made(before, next(info, comm, win), win);
}
BOTH(Win_create_dynamic, (MPI_Info info, MPI_Comm comm, MPI_Win *win), info, comm, win)

static int around_Win_free(int (*next)(MPI_Win *), MPI_Win *win)
{
	/* A handle is a pointer in Open MPI alone: look at it only there. */
	MPI_Win handle = session_active && win ? *win : NULL;
	int rc;

	depth++;
	rc = next(win);
	if (--depth == 0 && handle && rc == MPI_SUCCESS)
		comm_removed(handle);
	return rc;
}
BOTH(Win_free, (MPI_Win * win), win)

static int around_File_open(int (*next)(MPI_Comm, const char *, int, MPI_Info, MPI_File *),
			    MPI_Comm comm, const char *name, int mode, MPI_Info info,
			    MPI_File *file)
{
	enum comm_class before = making(COMM_IO);

	return made(before, next(comm, name, mode, info, file), NULL);
}
BOTH(File_open, (MPI_Comm comm, const char *name, int mode, MPI_Info info, MPI_File *file), comm,
     name, mode, info, file)

/* ---- one-sided calls ---- */

/* After the outermost call has succeeded. */
static int onesided(int rc, enum rankrma call, MPI_Win win, int target, int count,
		    MPI_Datatype type)
{
	if (--depth == 0 && session_active && rc == MPI_SUCCESS)
		onesided_count(call, win, target, count, type);
	return rc;
}

#define TRANSFER (const void *, int, MPI_Datatype, int, MPI_Aint, int, MPI_Datatype, MPI_Win)
#define TRANSFER_PARAMETERS                                                             \
	(const void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, \
	 int tcount, MPI_Datatype ttype, MPI_Win win)
#define TRANSFER_ARGS origin, ocount, otype, target, disp, tcount, ttype, win

static int around_Put(int(*next) TRANSFER, const void *origin, int ocount, MPI_Datatype otype,
		      int target, MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Win win)
{
	depth++;
	return onesided(next(TRANSFER_ARGS), RANKRMA_PUT, win, target, ocount, otype);
}
BOTH(Put, TRANSFER_PARAMETERS, TRANSFER_ARGS)

static int around_Rput(int (*next)(const void *, int, MPI_Datatype, int, MPI_Aint, int,
				   MPI_Datatype, MPI_Win, MPI_Request *),
		       const void *origin, int ocount, MPI_Datatype otype, int target,
		       MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Win win,
		       MPI_Request *request)
{
	depth++;
	return onesided(next(TRANSFER_ARGS, request), RANKRMA_PUT, win, target, ocount, otype);
}
BOTH(Rput,
     (const void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, int tcount,
      MPI_Datatype ttype, MPI_Win win, MPI_Request *request),
     TRANSFER_ARGS, request)

static int around_Get(int (*next)(void *, int, MPI_Datatype, int, MPI_Aint, int, MPI_Datatype,
				  MPI_Win),
		      void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp,
		      int tcount, MPI_Datatype ttype, MPI_Win win)
{
	depth++;
	return onesided(next(TRANSFER_ARGS), RANKRMA_GET, win, target, ocount, otype);
}
BOTH(Get,
     (void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, int tcount,
      MPI_Datatype ttype, MPI_Win win),
     TRANSFER_ARGS)

static int around_Rget(int (*next)(void *, int, MPI_Datatype, int, MPI_Aint, int, MPI_Datatype,
				   MPI_Win, MPI_Request *),
		       void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp,
		       int tcount, MPI_Datatype ttype, MPI_Win win, MPI_Request *request)
{
	depth++;
	return onesided(next(TRANSFER_ARGS, request), RANKRMA_GET, win, target, ocount, otype);
}
BOTH(Rget,
     (void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, int tcount,
      MPI_Datatype ttype, MPI_Win win, MPI_Request *request),
     TRANSFER_ARGS, request)

static int around_Accumulate(int (*next)(const void *, int, MPI_Datatype, int, MPI_Aint, int,
					 MPI_Datatype, MPI_Op, MPI_Win),
			     const void *origin, int ocount, MPI_Datatype otype, int target,
			     MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Op op, MPI_Win win)
{
	depth++;
	return onesided(next(origin, ocount, otype, target, disp, tcount, ttype, op, win),
			RANKRMA_ACCUMULATE, win, target, ocount, otype);
}
BOTH(Accumulate,
     (const void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, int tcount,
      MPI_Datatype ttype, MPI_Op op, MPI_Win win),
     origin, ocount, otype, target, disp, tcount, ttype, op, win)

static int around_Raccumulate(int (*next)(const void *, int, MPI_Datatype, int, MPI_Aint, int,
					  MPI_Datatype, MPI_Op, MPI_Win, MPI_Request *),
			      const void *origin, int ocount, MPI_Datatype otype, int target,
			      MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Op op, MPI_Win win,
			      MPI_Request *request)
{
	depth++;
	return onesided(next(origin, ocount, otype, target, disp, tcount, ttype, op, win, request),
			RANKRMA_ACCUMULATE, win, target, ocount, otype);
}
BOTH(Raccumulate,
     (const void *origin, int ocount, MPI_Datatype otype, int target, MPI_Aint disp, int tcount,
      MPI_Datatype ttype, MPI_Op op, MPI_Win win, MPI_Request *request),
     origin, ocount, otype, target, disp, tcount, ttype, op, win, request)

/* Fetching and updating: the bytes of the target, once. */
static int around_Get_accumulate(int (*next)(const void *, int, MPI_Datatype, void *, int,
					     MPI_Datatype, int, MPI_Aint, int, MPI_Datatype, MPI_Op,
					     MPI_Win),
				 const void *origin, int ocount, MPI_Datatype otype, void *result,
				 int rcount, MPI_Datatype rtype, int target, MPI_Aint disp,
				 int tcount, MPI_Datatype ttype, MPI_Op op, MPI_Win win)
{
	depth++;
	return onesided(next(origin, ocount, otype, result, rcount, rtype, target, disp, tcount,
			     ttype, op, win),
			RANKRMA_GET_ACCUMULATE, win, target, tcount, ttype);
}
BOTH(Get_accumulate,
     (const void *origin, int ocount, MPI_Datatype otype, void *result, int rcount,
      MPI_Datatype rtype, int target, MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Op op,
      MPI_Win win),
     origin, ocount, otype, result, rcount, rtype, target, disp, tcount, ttype, op, win)

static int around_Rget_accumulate(int (*next)(const void *, int, MPI_Datatype, void *, int,
					      MPI_Datatype, int, MPI_Aint, int, MPI_Datatype,
					      MPI_Op, MPI_Win, MPI_Request *),
				  const void *origin, int ocount, MPI_Datatype otype, void *result,
				  int rcount, MPI_Datatype rtype, int target, MPI_Aint disp,
				  int tcount, MPI_Datatype ttype, MPI_Op op, MPI_Win win,
				  MPI_Request *request)
{
	depth++;
	return onesided(next(origin, ocount, otype, result, rcount, rtype, target, disp, tcount,
			     ttype, op, win, request),
			RANKRMA_GET_ACCUMULATE, win, target, tcount, ttype);
}
BOTH(Rget_accumulate,
     (const void *origin, int ocount, MPI_Datatype otype, void *result, int rcount,
      MPI_Datatype rtype, int target, MPI_Aint disp, int tcount, MPI_Datatype ttype, MPI_Op op,
      MPI_Win win, MPI_Request *request),
     origin, ocount, otype, result, rcount, rtype, target, disp, tcount, ttype, op, win, request)

static int around_Fetch_and_op(int (*next)(const void *, void *, MPI_Datatype, int, MPI_Aint,
					   MPI_Op, MPI_Win),
			       const void *origin, void *result, MPI_Datatype type, int target,
			       MPI_Aint disp, MPI_Op op, MPI_Win win)
{
	depth++;
	return onesided(next(origin, result, type, target, disp, op, win), RANKRMA_FETCH_AND_OP,
			win, target, 1, type);
}
BOTH(Fetch_and_op,
     (const void *origin, void *result, MPI_Datatype type, int target, MPI_Aint disp, MPI_Op op,
      MPI_Win win),
     origin, result, type, target, disp, op, win)

static int around_Compare_and_swap(int (*next)(const void *, const void *, void *, MPI_Datatype,
					       int, MPI_Aint, MPI_Win),
				   const void *origin, const void *compare, void *result,
				   MPI_Datatype type, int target, MPI_Aint disp, MPI_Win win)
{
	depth++;
	return onesided(next(origin, compare, result, type, target, disp, win),
			RANKRMA_COMPARE_AND_SWAP, win, target, 1, type);
}
BOTH(Compare_and_swap,
     (const void *origin, const void *compare, void *result, MPI_Datatype type, int target,
      MPI_Aint disp, MPI_Win win),
     origin, compare, result, type, target, disp, win)

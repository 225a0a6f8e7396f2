/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"
#include "pml.h"

#include <stdlib.h>
#include <string.h>

/* X(field, slot, arguments) */
#define COMPLETION_LIST(X)                                                                \
	X(test, OMPI_TEST, (MPI_Request *, int *, MPI_Status *))                          \
	X(test_any, OMPI_TEST_ANY, (size_t, MPI_Request *, int *, int *, MPI_Status *))   \
	X(test_all, OMPI_TEST_ALL, (size_t, MPI_Request *, int *, MPI_Status *))          \
	X(test_some, OMPI_TEST_SOME, (size_t, MPI_Request *, int *, int *, MPI_Status *)) \
	X(wait, OMPI_WAIT, (MPI_Request *, MPI_Status *))                                 \
	X(wait_any, OMPI_WAIT_ANY, (size_t, MPI_Request *, int *, MPI_Status *))          \
	X(wait_all, OMPI_WAIT_ALL, (size_t, MPI_Request *, MPI_Status *))                 \
	X(wait_some, OMPI_WAIT_SOME, (size_t, MPI_Request *, int *, int *, MPI_Status *))

static struct {
#define X(field, slot, args) int(*field) args;
	COMPLETION_LIST(X)
#undef X
} next;

static void tell(const struct request *request, const MPI_Status *status, int rc)
{
	pml_completed(request, status, rc);
	if (request->comm)
		comm_unref(request->comm);
}

/* Requests whose addresses and meanings are kept over a call.  With several
 * threads the meanings are taken out of the table before the call: as soon as
 * a request is complete, another thread may get its address for a new one.
 */
#define BATCH_SMALL 32

struct batch {
	size_t count;
	MPI_Request *handles;
	struct request *known; /* handle NULL = nothing known; NULL without threads */
	MPI_Status *statuses;  /* the program's or ours */
	bool own;
	void *memory;
	MPI_Request small_handles[BATCH_SMALL];
	struct request small_known[BATCH_SMALL];
	MPI_Status small_statuses[BATCH_SMALL];
};

static bool batch_allocate(struct batch *batch, size_t count)
{
	char *memory;

	batch->memory = NULL;
	if (count <= BATCH_SMALL) {
		batch->handles = batch->small_handles;
		batch->known = batch->small_known;
		batch->statuses = batch->small_statuses;
		return true;
	}
	memory =
		malloc(count * (sizeof(MPI_Request) + sizeof(struct request) + sizeof(MPI_Status)));
	if (!memory)
		return false;
	batch->memory = memory;
	batch->known = (struct request *)(void *)memory;
	batch->statuses = (MPI_Status *)(void *)(batch->known + count);
	batch->handles = (MPI_Request *)(void *)(batch->statuses + count);
	return true;
}

/* Returns false when none of REQUESTS can matter: then call on. */
static bool batch_begin(struct batch *batch, size_t count, const MPI_Request *requests,
			MPI_Status *statuses)
{
	if (!request_any() || !batch_allocate(batch, count))
		return false;
	batch->count = count;
	memcpy(batch->handles, requests, count * sizeof(*requests));
	batch->own = statuses == MPI_STATUSES_IGNORE;
	if (!batch->own)
		batch->statuses = statuses;
	if (!ompi.threads) {
		batch->known = NULL;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		if (!request_take(requests[i], &batch->known[i]))
			batch->known[i].handle = NULL;
	return true;
}

/* The request at INDEX has completed. */
static void batch_complete(struct batch *batch, size_t index, const MPI_Status *status, int rc)
{
	struct request request;

	if (batch->known) {
		if (batch->known[index].handle)
			tell(&batch->known[index], status, rc);
		batch->known[index].handle = NULL;
	} else if (request_take(batch->handles[index], &request)) {
		tell(&request, status, rc);
	}
}

static void batch_end(struct batch *batch)
{
	if (batch->known)
		for (size_t i = 0; i < batch->count; i++)
			if (batch->known[i].handle)
				request_return(&batch->known[i]);
	free(batch->memory);
}

/* What the call would have returned had the program's own IGNORE been passed. */
static int batch_code(const struct batch *batch, size_t nstatuses, int rc)
{
	if (rc != MPI_ERR_IN_STATUS || !batch->own)
		return rc;
	for (size_t i = 0; i < nstatuses; i++)
		if (batch->statuses[i].MPI_ERROR != MPI_SUCCESS &&
		    batch->statuses[i].MPI_ERROR != MPI_ERR_PENDING)
			return batch->statuses[i].MPI_ERROR;
	return rc;
}

static void batch_complete_all(struct batch *batch, int rc)
{
	for (size_t i = 0; i < batch->count; i++) {
		int code = rc == MPI_ERR_IN_STATUS ? batch->statuses[i].MPI_ERROR : rc;

		if (code != MPI_ERR_PENDING)
			batch_complete(batch, i, &batch->statuses[i], code);
	}
}

static void batch_complete_some(struct batch *batch, int count, const int *indices, int rc)
{
	for (int i = 0; i < count; i++) /* MPI_UNDEFINED is negative */
		batch_complete(batch, (size_t)indices[i], &batch->statuses[i],
			       rc == MPI_ERR_IN_STATUS ? batch->statuses[i].MPI_ERROR : rc);
}

static int wait(MPI_Request *request, MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	struct request known;
	int rc;

	if (!request_any() || !request_take(*request, &known))
		return next.wait(request, status);
	rc = next.wait(request, seen);
	tell(&known, seen, rc);
	return rc;
}

/* Most tests fail: look first, take when it is done. */
static int test_alone(MPI_Request *request, int *completed, MPI_Status *status)
{
	MPI_Request handle = *request;
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	struct request known;
	int rc;

	if (!request_peek(handle, &known) || !(known.flags & REQUEST_ACTIVE))
		return next.test(request, completed, status);
	rc = next.test(request, completed, seen);
	if (*completed && request_take(handle, &known))
		tell(&known, seen, rc);
	return rc;
}

static int test(MPI_Request *request, int *completed, MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	struct request known;
	int rc;

	if (!request_any())
		return next.test(request, completed, status);
	if (!ompi.threads)
		return test_alone(request, completed, status);
	if (!request_take(*request, &known))
		return next.test(request, completed, status);
	rc = next.test(request, completed, seen);
	if (*completed)
		tell(&known, seen, rc);
	else
		request_return(&known);
	return rc;
}

static int wait_any(size_t count, MPI_Request *requests, int *index, MPI_Status *status)
{
	struct batch batch;
	int rc;

	/* The one status of the call is the first of the batch's own. */
	if (!batch_begin(&batch, count, requests, MPI_STATUSES_IGNORE))
		return next.wait_any(count, requests, index, status);
	if (status == MPI_STATUS_IGNORE)
		status = batch.statuses;
	rc = next.wait_any(count, requests, index, status);
	if (count && *index >= 0)
		batch_complete(&batch, (size_t)*index, status, rc);
	batch_end(&batch);
	return rc;
}

static int test_any(size_t count, MPI_Request *requests, int *index, int *completed,
		    MPI_Status *status)
{
	struct batch batch;
	int rc;

	if (!count || !batch_begin(&batch, count, requests, MPI_STATUSES_IGNORE))
		return next.test_any(count, requests, index, completed, status);
	if (status == MPI_STATUS_IGNORE)
		status = batch.statuses;
	rc = next.test_any(count, requests, index, completed, status);
	if (*completed && *index >= 0)
		batch_complete(&batch, (size_t)*index, status, rc);
	batch_end(&batch);
	return rc;
}

static int wait_all(size_t count, MPI_Request *requests, MPI_Status *statuses)
{
	struct batch batch;
	int rc;

	if (!batch_begin(&batch, count, requests, statuses))
		return next.wait_all(count, requests, statuses);
	rc = next.wait_all(count, requests, batch.statuses);
	batch_complete_all(&batch, rc);
	rc = batch_code(&batch, count, rc);
	batch_end(&batch);
	return rc;
}

static int test_all(size_t count, MPI_Request *requests, int *completed, MPI_Status *statuses)
{
	struct batch batch;
	int rc;

	if (!batch_begin(&batch, count, requests, statuses))
		return next.test_all(count, requests, completed, statuses);
	rc = next.test_all(count, requests, completed, batch.statuses);
	if (*completed)
		batch_complete_all(&batch, rc);
	rc = batch_code(&batch, *completed ? count : 0, rc);
	batch_end(&batch);
	return rc;
}

static int wait_some(size_t count, MPI_Request *requests, int *outcount, int *indices,
		     MPI_Status *statuses)
{
	struct batch batch;
	int rc;

	if (!batch_begin(&batch, count, requests, statuses))
		return next.wait_some(count, requests, outcount, indices, statuses);
	rc = next.wait_some(count, requests, outcount, indices, batch.statuses);
	batch_complete_some(&batch, *outcount, indices, rc);
	rc = batch_code(&batch, *outcount > 0 ? (size_t)*outcount : 0, rc);
	batch_end(&batch);
	return rc;
}

static int test_some(size_t count, MPI_Request *requests, int *outcount, int *indices,
		     MPI_Status *statuses)
{
	struct batch batch;
	int rc;

	if (!batch_begin(&batch, count, requests, statuses))
		return next.test_some(count, requests, outcount, indices, statuses);
	rc = next.test_some(count, requests, outcount, indices, batch.statuses);
	batch_complete_some(&batch, *outcount, indices, rc);
	rc = batch_code(&batch, *outcount > 0 ? (size_t)*outcount : 0, rc);
	batch_end(&batch);
	return rc;
}

void completion_install(void)
{
#define X(field, slot, args) next.field = (int(*) args)ompi.completions[slot];
	COMPLETION_LIST(X)
#undef X
#define X(field, slot, args) ompi.completions[slot] = (ompi_fn)field;
	COMPLETION_LIST(X)
#undef X
}

/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-pmix.c - a rendezvous by the PMIx of srun --mpi=pmix or mpirun
 *
 * libpmix is loaded, never linked: it is there where PMIX_NAMESPACE is set.  Its calls
 * that wait are made in the form that calls back, from a thread of its own, so
 * that a time can be set; what does not come back in time is left to it.
 * Keys have the program and the generation in front, as a namespace outlives
 * a program: netemu.PROGRAM.GENERATION.KEY.
 */
#include "config.h"
#include "rendezvous-client.h"

#include <errno.h>

#ifdef HAVE_PMIX

#include "clock.h"
#include "rendezvous-say.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pmix.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOCAL_MS 2000 /* for what should be here */
#define ASK_MS   2000 /* for who is missing */
#define LIBRARY  "libpmix.so.2"

struct pmix {
	void *library;
	pmix_proc_t self;
	uint32_t fences;
	bool broken;
	char why[RDV_TEXT];
	pmix_status_t (*init)(pmix_proc_t *, pmix_info_t *, size_t);
	pmix_status_t (*finalize)(const pmix_info_t *, size_t);
	pmix_status_t (*put)(pmix_scope_t, const char *, pmix_value_t *);
	pmix_status_t (*commit)(void);
	pmix_status_t (*fence)(const pmix_proc_t *, size_t, const pmix_info_t *, size_t,
			       pmix_op_cbfunc_t, void *);
	pmix_status_t (*get)(const pmix_proc_t *, const char *, const pmix_info_t *, size_t,
			     pmix_value_cbfunc_t, void *);
	const char *(*text)(pmix_status_t);
};

/* A call that will call back; it and who waits hold it. */
struct call {
	sem_t done;
	int holders; /* atomic */
	pmix_status_t status;
	pmix_info_t info; /* has to stay as long as the call */
	pmix_proc_t proc;
	size_t size;
	uint64_t number;
	uint8_t *bytes; /* owned */
};

/* ---- calls ---- */

static struct call *call_create(void)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	sem_init(&call->done, 0, 0);
	call->holders = 2;
	return call;
}

static void call_release(struct call *call)
{
	if (__atomic_sub_fetch(&call->holders, 1, __ATOMIC_ACQ_REL))
		return;
	sem_destroy(&call->done);
	free(call->bytes);
	free(call);
}

static void call_end(struct call *call, pmix_status_t status)
{
	call->status = status;
	sem_post(&call->done);
	call_release(call);
}

static void on_done(pmix_status_t status, void *data)
{
	call_end(data, status);
}

static void keep_bytes(struct call *call, const void *bytes, size_t size)
{
	call->bytes = malloc(size + 1);
	if (!call->bytes)
		return;
	if (size)
		memcpy(call->bytes, bytes, size);
	call->size = size;
}

/* VALUE is the library's. */
static void on_value(pmix_status_t status, pmix_value_t *value, void *data)
{
	struct call *call = data;

	if (status == PMIX_SUCCESS && value && value->type == PMIX_BYTE_OBJECT)
		keep_bytes(call, value->data.bo.bytes, value->data.bo.size);
	else if (status == PMIX_SUCCESS && value && value->type == PMIX_STRING)
		keep_bytes(call, value->data.string, strlen(value->data.string));
	else if (status == PMIX_SUCCESS && value && value->type == PMIX_UINT32)
		call->number = value->data.uint32;
	else if (status == PMIX_SUCCESS)
		status = PMIX_ERR_NOT_FOUND;
	call_end(call, status);
}

/* Returns 0 when CALL is done, or -1 with errno. */
static int call_wait(struct call *call, int64_t deadline)
{
	for (;;) {
		int64_t look = clock_ms() + RDV_LOOK_MS;
		int64_t at = look < deadline ? look : deadline;
		const struct timespec until = {
			.tv_sec = at / 1000,
			.tv_nsec = at % 1000 * 1000000,
		};

		if (sem_clockwait(&call->done, CLOCK_MONOTONIC, &until) == 0)
			return 0;
		if (errno == ETIMEDOUT && (at == deadline || rendezvous_stopped()))
			return -1;
		if (errno != ETIMEDOUT && errno != EINTR)
			return -1;
	}
}

/* It was not accepted: nobody will call back. */
static void call_refused(struct call *call, pmix_status_t status)
{
	if (status != PMIX_SUCCESS)
		call_end(call, status == PMIX_OPERATION_SUCCEEDED ? PMIX_SUCCESS : status);
}

static void set_flag(pmix_info_t *info, const char *name)
{
	snprintf(info->key, sizeof(info->key), "%s", name);
	info->value.type = PMIX_BOOL;
	info->value.data.flag = true;
}

/* Begin to get KEY of RANK; NOW is asked for what is known, without waiting. */
static struct call *get_begin(struct pmix *pmix, uint32_t rank, const char *key, bool now)
{
	struct call *call = call_create();

	if (!call)
		return NULL;
	call->proc = pmix->self;
	call->proc.rank = rank;
	if (now)
		set_flag(&call->info, PMIX_IMMEDIATE);
	call_refused(call,
		     pmix->get(&call->proc, key, now ? &call->info : NULL, now, on_value, call));
	return call;
}

/* The call when it was successful, else NULL with errno. */
static struct call *get_end(struct call *call, int64_t deadline)
{
	if (!call)
		return NULL;
	if (call_wait(call, deadline) == 0) {
		if (call->status == PMIX_SUCCESS)
			return call;
		errno = ENOENT;
	}
	call_release(call);
	return NULL;
}

/* ---- keys ---- */

#define KEY_SIZE (RENDEZVOUS_NAME * 2 + 64)

static const char *key_of(const struct rendezvous *rdv, const char *key, char text[KEY_SIZE])
{
	snprintf(text, KEY_SIZE, "netemu.%s.%" PRIu32 ".%s", rdv->program, rdv->generation, key);
	return text;
}

/* PMIx knows no empty values: at least one byte. */
static int put_key(struct pmix *pmix, const char *key, const void *bytes, size_t size,
		   struct err *err)
{
	pmix_value_t value = { .type = PMIX_BYTE_OBJECT };
	pmix_status_t status;

	value.data.bo.bytes = (char *)(uintptr_t)bytes;
	value.data.bo.size = size;
	status = pmix->put(PMIX_GLOBAL, key, &value);
	if (status == PMIX_SUCCESS)
		status = pmix->commit();
	if (status == PMIX_SUCCESS)
		return 0;
	errno = EIO;
	return err_set(err, "PMIx: %s", pmix->text(status));
}

/* ---- put, get, fence ---- */

/* With a byte in front. */
static int pmix_put(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		    struct err *err)
{
	char text[KEY_SIZE], *bytes = malloc(size + 1);
	int rc;

	if (!bytes)
		return err_errno(err, "%zu bytes", size);
	bytes[0] = '=';
	if (size)
		memcpy(bytes + 1, value, size);
	rc = put_key(rdv->way, key_of(rdv, key, text), bytes, size + 1, err);
	free(bytes);
	return rc;
}

static const char *who(struct rendezvous *rdv, uint32_t rank, char text[RDV_RANK_TEXT])
{
	struct call *node =
		get_end(get_begin(rdv->way, rank, PMIX_HOSTNAME, true), clock_ms() + LOCAL_MS);

	if (node && node->bytes)
		node->bytes[node->size] = '\0';
	rdv_rank_text(text, rank, node ? (const char *)node->bytes : NULL, true);
	if (node)
		call_release(node);
	return text;
}

static long pmix_get(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		     size_t size, int wait_ms, struct err *err)
{
	struct pmix *pmix = rdv->way;
	char text[KEY_SIZE], name[RDV_RANK_TEXT];
	int64_t deadline = clock_ms() + (wait_ms ? wait_ms : LOCAL_MS);
	struct call *call =
		get_end(get_begin(pmix, rank, key_of(rdv, key, text), !wait_ms), deadline);
	long got;

	if (!call || !call->bytes || !call->size) {
		if (call)
			call_release(call);
		errno = wait_ms ? ETIMEDOUT : ENOENT;
		return err_set(err, "rank %s has not put it", who(rdv, rank, name));
	}
	got = (long)call->size - 1;
	if ((size_t)got <= size && got)
		memcpy(buffer, call->bytes + 1, (size_t)got);
	call_release(call);
	return got;
}

/* Ask all at once whether they have come to FENCE; who does not say so is missing. */
static void say_missing(struct rendezvous *rdv, const char *key, char text[RDV_TEXT])
{
	int64_t deadline = clock_ms() + ASK_MS;
	struct call **calls = calloc(rdv->size, sizeof(struct call *));
	struct rdv_missing missing = { 0 };
	char one[RDV_RANK_TEXT] = "";

	for (uint32_t rank = 0; calls && rank < rdv->size; rank++)
		calls[rank] = get_begin(rdv->way, rank, key, false);
	for (uint32_t rank = 0; calls && rank < rdv->size; rank++) {
		struct call *call = get_end(calls[rank], deadline);

		if (call)
			call_release(call);
		else
			rdv_missing_add(&missing,
					rdv_missing_room(&missing) ? who(rdv, rank, one) : "");
	}
	free(calls);
	rdv_missing_say(&missing, rdv->size, text);
}

static int pmix_fence(struct rendezvous *rdv, bool values, int wait_ms, struct err *err)
{
	struct pmix *pmix = rdv->way;
	int64_t deadline = clock_ms() + wait_ms;
	char name[RENDEZVOUS_NAME], key[KEY_SIZE];
	struct call *call;
	pmix_status_t status;

	if (pmix->broken) {
		errno = EPIPE;
		return err_set(err, "%s", pmix->why);
	}
	snprintf(name, sizeof(name), ".fence.%" PRIu32, pmix->fences++);
	if (put_key(pmix, key_of(rdv, name, key), "+", 1, err) < 0)
		return -1;
	call = call_create();
	if (!call)
		return err_errno(err, "PMIx");
	if (values)
		set_flag(&call->info, PMIX_COLLECT_DATA);
	call_refused(call,
		     pmix->fence(NULL, 0, values ? &call->info : NULL, values, on_done, call));
	if (call_wait(call, deadline) < 0) {
		say_missing(rdv, key, pmix->why);
		pmix->broken = true;
		call_release(call);
		errno = ETIMEDOUT;
		return err_set(err, "%s", pmix->why);
	}
	status = call->status;
	call_release(call);
	if (status == PMIX_SUCCESS)
		return 0;
	pmix->broken = true;
	snprintf(pmix->why, sizeof(pmix->why), "PMIx: %s", pmix->text(status));
	errno = EPIPE;
	return err_set(err, "%s", pmix->why);
}

/* ---- open and close ---- */

/* The library stays: its threads may be in it, and MPI may use it. */
static void pmix_close(struct rendezvous *rdv)
{
	struct pmix *pmix = rdv->way;

	pmix->finalize(NULL, 0);
	free(pmix);
}

static const struct rendezvous_ops pmix_ops = {
	.how = "pmix",
	.put = pmix_put,
	.get = pmix_get,
	.fence = pmix_fence,
	.close = pmix_close,
};

static int load(struct pmix *pmix, struct err *err)
{
	const struct {
		const char *name;
		void *function; /* where it goes */
	} symbols[] = {
		{ "PMIx_Init", &pmix->init },         { "PMIx_Finalize", &pmix->finalize },
		{ "PMIx_Put", &pmix->put },           { "PMIx_Commit", &pmix->commit },
		{ "PMIx_Fence_nb", &pmix->fence },    { "PMIx_Get_nb", &pmix->get },
		{ "PMIx_Error_string", &pmix->text },
	};

	errno = ENOENT;
	/* its parts are loaded by it and find its names */
	pmix->library = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
	if (!pmix->library)
		return err_set(err, "'%s': %s", LIBRARY, dlerror());
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		void *symbol = dlsym(pmix->library, symbols[i].name);

		if (!symbol)
			return err_set(err, "'%s' has no %s", LIBRARY, symbols[i].name);
		memcpy(symbols[i].function, &symbol, sizeof(symbol));
	}
	return 0;
}

static int get_size(struct rendezvous *rdv, struct pmix *pmix, struct err *err)
{
	struct call *call = get_end(get_begin(pmix, PMIX_RANK_WILDCARD, PMIX_JOB_SIZE, true),
				    clock_ms() + LOCAL_MS);

	rdv->size = call && call->number <= RENDEZVOUS_RANKS ? (uint32_t)call->number : 0;
	if (call)
		call_release(call);
	if (rdv->size && pmix->self.rank < rdv->size)
		return 0;
	errno = EPROTO;
	return err_set(err, "it does not know how many ranks there are");
}

/* A directory on this node that lives as long as the namespace, or nothing. */
static void get_directory(struct pmix *pmix, char *path, size_t size)
{
	struct call *call = get_end(get_begin(pmix, PMIX_RANK_WILDCARD, PMIX_NSDIR, true),
				    clock_ms() + LOCAL_MS);
	const char *other = getenv("PMIX_SERVER_TMPDIR");

	snprintf(path, size, "%s", other ? other : "");
	if (!call)
		return;
	if (call->bytes && call->size && call->size < size)
		snprintf(path, size, "%.*s", (int)call->size, (const char *)call->bytes);
	call_release(call);
}

/* PMIx does not give a process what another of its rank has put before: the
 * count is in a file.  Where there is no place for it, a program comes once.
 */
static void count_opening(struct rendezvous *rdv, struct pmix *pmix)
{
	char directory[PATH_MAX], path[PATH_MAX + 512], text[16] = "";
	uint32_t before;
	int fd, length;

	get_directory(pmix, directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/netemu.%s.%s.%" PRIu32, directory, pmix->self.nspace,
		 rdv->program, pmix->self.rank);
	fd = *directory ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	before = (uint32_t)strtoul(text, NULL, 10);
	if (!rdv->generation)
		rdv->generation = before + 1;
	length = snprintf(text, sizeof(text), "%" PRIu32, rdv->generation);
	if (fd >= 0 && rdv->generation > before && pwrite(fd, text, (size_t)length, 0) != length)
		unlink(path);
	if (fd >= 0)
		close(fd);
}

int rdv_pmix_open(struct rendezvous *rdv, int wait_ms, struct err *err)
{
	struct pmix *pmix = calloc(1, sizeof(*pmix));
	pmix_status_t status;

	(void)wait_ms; /* only the server on this node is asked */
	if (!pmix)
		return err_errno(err, "no memory");
	if (load(pmix, err) < 0) {
		free(pmix);
		return -1;
	}
	status = pmix->init(&pmix->self, NULL, 0);
	if (status != PMIX_SUCCESS) {
		errno = ENOENT; /* the variables are left over from somebody else */
		err_set(err, "%s", pmix->text(status));
		free(pmix);
		return -1;
	}
	if (get_size(rdv, pmix, err) < 0) {
		pmix->finalize(NULL, 0);
		free(pmix);
		return -1;
	}
	count_opening(rdv, pmix);
	rdv->rank = pmix->self.rank;
	rdv->ops = &pmix_ops;
	rdv->way = pmix;
	return 0;
}

#else

int rdv_pmix_open(struct rendezvous *rdv, int wait_ms, struct err *err)
{
	(void)rdv;
	(void)wait_ms;
	errno = ENOENT;
	return err_set(err, "netemu was built without pmix.h");
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "rendezvous-client.h"
#include "rendezvous-wire.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the environment ---- */

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool is_step(void)
{
	return environment("SLURM_STEP_ID") && environment("SLURM_STEP_NUM_TASKS");
}

/* Whether srun itself launched this process. */
static bool is_direct_task(void)
{
	const char *namespace = environment("PMIX_NAMESPACE");

	if (!is_step())
		return false;
	return namespace ? !strncmp(namespace, "slurm.pmix.", 11)
			 : !environment("OMPI_COMM_WORLD_SIZE");
}

/* The first of NAMES that is set to a number below LIMIT. */
static bool number_of(const char *const *names, uint32_t limit, uint32_t *number)
{
	for (; *names; names++) {
		const char *text = environment(*names);
		unsigned long value;
		char *end;

		if (!text || *text < '0' || *text > '9' ||
		    (!strncmp(*names, "SLURM_", 6) && !is_step()))
			continue;
		errno = 0;
		value = strtoul(text, &end, 10);
		if (errno || *end || value >= limit)
			continue;
		*number = (uint32_t)value;
		return true;
	}
	return false;
}

static uint32_t own_rank(const struct rendezvous_options *options)
{
	static const char *const names[] = {
		"NETEMU_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK",
		"PMI_RANK",    "SLURM_PROCID",         NULL,
	};
	uint32_t rank;

	if (options->has_rank)
		return options->rank;
	return number_of(names, RENDEZVOUS_RANKS, &rank) ? rank : RDV_ANY;
}

static uint32_t own_size(void)
{
	static const char *const names[] = {
		"NETEMU_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", NULL,
	};
	uint32_t size;

	return number_of(names, RENDEZVOUS_RANKS + 1, &size) ? size : 0;
}

/* Blanks and the like have no place in a node's name. */
static void own_node(char node[RENDEZVOUS_NODE], const char *given)
{
	const char *name = given ? given : environment("SLURMD_NODENAME");
	char host[256] = "";

	if (!name) {
		gethostname(host, sizeof(host) - 1);
		name = host;
	}
	snprintf(node, RENDEZVOUS_NODE, "%.*s", RENDEZVOUS_NODE - 1, name);
	for (char *c = node; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			*c = '_';
}

/* ---- no more waiting ---- */

static volatile sig_atomic_t stopped;

void rendezvous_stop_waiting(void)
{
	stopped = 1;
}

bool rendezvous_stopped(void)
{
	return stopped;
}

/* ---- open and close ---- */

static int open_address(struct rendezvous *rdv, const char *address, int wait_ms, struct err *err)
{
	const char *launcher = environment("SLURM_LAUNCH_NODE_IPADDR");
	char text[RENDEZVOUS_ADDRESS];
	bool six;

	if (!strncmp(address, "file:", 5))
		return rdv_file_open(rdv, address + 5, wait_ms, err);
	if (*address != ':')
		return rdv_tcp_open(rdv, address, wait_ms, err);
	if (!launcher)
		return err_set(err, "SLURM_LAUNCH_NODE_IPADDR is not set");
	six = strchr(launcher, ':') && *launcher != '[';
	if (snprintf(text, sizeof(text), "%s%s%s%s", six ? "[" : "", launcher, six ? "]" : "",
		     address) >= (int)sizeof(text))
		return err_set(err, "SLURM_LAUNCH_NODE_IPADDR: no address");
	return rdv_tcp_open(rdv, text, wait_ms, err);
}

static int open_way(struct rendezvous *rdv, const char *address, int wait_ms, struct err *err)
{
	struct err why;

	if (address)
		return open_address(rdv, address, wait_ms, err);
	if (environment("PMIX_NAMESPACE")) {
		if (rdv_pmix_open(rdv, wait_ms, &why) == 0)
			return 0;
		if (errno != ENOENT)
			return err_set(err, "PMIx: %s", why.text);
	}
	address = environment("SLURM_NETEMU_RDV");
	if (address && is_direct_task())
		return open_address(rdv, address, wait_ms, err);
	address = environment("NETEMU_RDV");
	if (address)
		return open_address(rdv, address, wait_ms, err);
	errno = ENOENT;
	if (environment("PMIX_NAMESPACE"))
		return err_set(err, "PMIx: %s", why.text);
	return err_set(err, "neither PMIX_NAMESPACE, SLURM_NETEMU_RDV nor NETEMU_RDV is set");
}

static int wait_of(int wait_ms)
{
	return wait_ms <= 0 ? RENDEZVOUS_WAIT_MS : wait_ms > RDV_WAIT_MAX ? RDV_WAIT_MAX : wait_ms;
}

struct rendezvous *rendezvous_open(const struct rendezvous_options *options, struct err *err)
{
	struct rendezvous *rdv;
	struct err why = { "" };

	if (!options->program || !rdv_name_valid(options->program)) {
		errno = EINVAL;
		err_set(err, "no rendezvous: '%s' is no name of a program",
			options->program ? options->program : "");
		return NULL;
	}
	rdv = calloc(1, sizeof(*rdv));
	if (!rdv) {
		err_errno(err, "no rendezvous");
		return NULL;
	}
	snprintf(rdv->program, sizeof(rdv->program), "%s", options->program);
	own_node(rdv->node, options->node);
	rdv->generation = options->generation;
	rdv->rank = own_rank(options);
	rdv->size = own_size();
	if (open_way(rdv, options->address, wait_of(options->wait_ms), &why) == 0)
		return rdv;
	err_set(err, "no rendezvous: %s", why.text);
	free(rdv);
	return NULL;
}

void rendezvous_close(struct rendezvous *rdv)
{
	if (!rdv)
		return;
	rdv->ops->close(rdv);
	free(rdv);
}

uint32_t rendezvous_rank(const struct rendezvous *rdv)
{
	return rdv->rank;
}

uint32_t rendezvous_size(const struct rendezvous *rdv)
{
	return rdv->size;
}

uint32_t rendezvous_generation(const struct rendezvous *rdv)
{
	return rdv->generation;
}

const char *rendezvous_node(const struct rendezvous *rdv)
{
	return rdv->node;
}

const char *rendezvous_how(const struct rendezvous *rdv)
{
	return rdv->ops->how;
}

/* ---- put, get, fence ---- */

/* "WHAT: after 3 s WHY" */
static int fail(struct err *err, const char *verb, const char *what, int wait_ms,
		const struct err *why)
{
	if (errno == ETIMEDOUT)
		return err_set(err, "%s '%s': after %g s %s", verb, what, wait_ms / 1e3, why->text);
	return err_set(err, "%s '%s': %s", verb, what, why->text);
}

static int check(const char *verb, const char *key, size_t size, struct err *err)
{
	errno = EINVAL;
	if (!rdv_name_valid(key))
		return err_set(err, "%s '%.64s': letters, digits and '._-', at most %d of them",
			       verb, key, RENDEZVOUS_NAME - 1);
	if (size > RENDEZVOUS_VALUE)
		return err_set(err, "%s '%s': %zu bytes, more than %d", verb, key, size,
			       RENDEZVOUS_VALUE);
	return 0;
}

int rendezvous_put(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		   struct err *err)
{
	struct err why = { "" };

	if (check("put", key, size, err) < 0)
		return -1;
	if (rdv->ops->put(rdv, key, value, size, &why) < 0)
		return fail(err, "put", key, 0, &why);
	return 0;
}

long rendezvous_get(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		    size_t size, int wait_ms, struct err *err)
{
	struct err why = { "" };
	long got;

	if (check("get", key, 0, err) < 0)
		return -1;
	if (rank >= rdv->size) {
		errno = EINVAL;
		return err_set(err, "get '%s': rank %" PRIu32 " of %" PRIu32 " ranks", key, rank,
			       rdv->size);
	}
	wait_ms = wait_ms > 0 ? wait_of(wait_ms) : 0;
	got = rdv->ops->get(rdv, rank, key, buffer, size, wait_ms, &why);
	if (got < 0)
		return fail(err, "get", key, wait_ms, &why);
	if ((size_t)got <= size)
		return got;
	errno = EMSGSIZE;
	return err_set(err, "get '%s': rank %" PRIu32 " has put %ld bytes, more than %zu", key,
		       rank, got, size);
}

static int meet(struct rendezvous *rdv, const char *verb, const char *what, bool values,
		int wait_ms, struct err *err)
{
	struct err why = { "" };

	wait_ms = wait_of(wait_ms);
	if (rdv->ops->fence(rdv, values, wait_ms, &why) < 0)
		return fail(err, verb, what, wait_ms, &why);
	return 0;
}

int rendezvous_fence(struct rendezvous *rdv, const char *what, int wait_ms, struct err *err)
{
	return meet(rdv, "fence", what, true, wait_ms, err);
}

int rendezvous_barrier(struct rendezvous *rdv, const char *what, int wait_ms, struct err *err)
{
	return meet(rdv, "barrier", what, false, wait_ms, err);
}

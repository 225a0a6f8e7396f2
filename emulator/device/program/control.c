/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"
#include "clock.h"
#include "device/event.h"
#include "device/lock.h"
#include "device/net.h"
#include "device/progress.h"
#include "device/qp.h"
#include "device/section.h"
#include "kvlist.h"
#include "units.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names of enum wc_status, as ibv_wc_status_str() knows them by their constants. */
static const char *const statuses[] = {
	[WC_SUCCESS] = "success",
	[WC_LOC_LEN_ERR] = "loc_len_err",
	[WC_LOC_QP_OP_ERR] = "loc_qp_op_err",
	[WC_LOC_EEC_OP_ERR] = "loc_eec_op_err",
	[WC_LOC_PROT_ERR] = "loc_prot_err",
	[WC_WR_FLUSH_ERR] = "wr_flush_err",
	[WC_MW_BIND_ERR] = "mw_bind_err",
	[WC_BAD_RESP_ERR] = "bad_resp_err",
	[WC_LOC_ACCESS_ERR] = "loc_access_err",
	[WC_REM_INV_REQ_ERR] = "rem_inv_req_err",
	[WC_REM_ACCESS_ERR] = "rem_access_err",
	[WC_REM_OP_ERR] = "rem_op_err",
	[WC_RETRY_EXC_ERR] = "retry_exc_err",
	[WC_RNR_RETRY_EXC_ERR] = "rnr_retry_exc_err",
	[WC_REM_ABORT_ERR] = "rem_abort_err",
	[WC_FATAL_ERR] = "fatal_err",
	[WC_RESP_TIMEOUT_ERR] = "resp_timeout_err",
	[WC_GENERAL_ERR] = "general_err",
};

static uint64_t to_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* --- links --- */

typedef void set_link_fn(struct shared_link *link, uint64_t value);

static void set_rate(struct shared_link *link, uint64_t value)
{
	atomic_store(&link->rate, value);
}

static void set_loss(struct shared_link *link, uint64_t value)
{
	atomic_store(&link->loss, value);
}

static void set_down(struct shared_link *link, uint64_t value)
{
	atomic_store(&link->down, (uint32_t)value);
}

/* The named link, or both links of each device; what a device loses is lost on its
 * way up, so that it is lost once.
 */
static int each_link(struct fabric *fabric, const struct target *target, set_link_fn *set,
		     uint64_t value, struct err *err)
{
	const struct shared_header *header;
	struct shared_link *links;
	bool found = false;

	if (!fabric)
		return 0;
	header = fabric->segment.header;
	links = target_links(fabric);
	for (uint32_t l = 0; target->link && l < header->links; l++)
		if (strcmp(links[l].name, target->link) == 0) {
			set(&links[l], value);
			found = true;
		}
	if (target->link)
		return found ? 0 : err_set(err, "there is no link '%s'", target->link);
	for (uint32_t d = 0; d < header->devices; d++) {
		struct shared_device *device = fabric_device(fabric, d);

		if (!target_has(fabric, target, d) || device->up >= header->links ||
		    device->down >= header->links)
			continue;
		set(&links[device->up], value);
		if (set != set_loss)
			set(&links[device->down], value);
		found = true;
	}
	return found ? 0
		     : err_set(err, "no device of the fabric is meant, or it has no links of "
				    "its own");
}

/* --- keys --- */

static int read_time(const char *key, const char *value, int64_t *ns, struct err *err)
{
	*ns = 0;
	if (strcmp(value, "0") != 0 && (units_duration(value, ns) < 0 || *ns < 0))
		return err_set(err, "%s: '%s' is no duration", key, value);
	return 0;
}

static int key_latency(struct fabric *fabric, const struct target *target, const char *value,
		       struct err *err)
{
	int64_t ns;

	(void)target;
	if (read_time("latency", value, &ns, err) < 0)
		return -1;
	if (fabric)
		atomic_store(&fabric->segment.header->latency, ns);
	return 0;
}

static int key_jitter(struct fabric *fabric, const struct target *target, const char *value,
		      struct err *err)
{
	int64_t ns;

	(void)target;
	if (read_time("jitter", value, &ns, err) < 0)
		return -1;
	if (fabric)
		atomic_store(&fabric->segment.header->jitter, ns);
	return 0;
}

static int key_rate(struct fabric *fabric, const struct target *target, const char *value,
		    struct err *err)
{
	double rate;

	if (values_rate(value, &rate) < 0)
		return err_set(err, "rate: '%s' is no rate, as 100Gbit/s", value);
	return each_link(fabric, target, set_rate, to_bits(rate), err);
}

static int key_loss(struct fabric *fabric, const struct target *target, const char *value,
		    struct err *err)
{
	double loss;

	if (values_loss(value, &loss) < 0)
		return err_set(err, "loss: '%s' is no probability", value);
	return each_link(fabric, target, set_loss, to_bits(loss), err);
}

/* --- state= --- */

static int set_ports(struct fabric *fabric, const struct target *target, bool up, struct err *err)
{
	bool found = false;

	if (!fabric)
		return 0;
	for (uint32_t d = 0; d < fabric->segment.header->devices; d++) {
		struct shared_device *device = fabric_device(fabric, d);
		uint32_t state = up ? PORT_ACTIVE : PORT_DOWN;

		if (!target_has(fabric, target, d))
			continue;
		found = true;
		if (atomic_exchange(&device->port_state, state) != state)
			channel_port_event(fabric, d, up ? EVENT_PORT_ACTIVE : EVENT_PORT_ERR);
	}
	return found ? 0 : err_set(err, "no device of the fabric is meant");
}

/* Call SET with the queue pair that TARGET names. */
static int with_qp(struct fabric *fabric, const struct target *target,
		   void (*set)(struct fabric *fabric, struct shared_qp *qp, uint64_t wr_id,
			       int status),
		   uint64_t wr_id, int status, struct err *err)
{
	bool found = false;

	if (!fabric)
		return 0;
	for (uint32_t d = 0; d < fabric->segment.header->devices; d++) {
		_Atomic uint64_t *section;
		struct shared_qp *qp;

		if (!target_has(fabric, target, d))
			continue;
		section = section_enter(fabric);
		qp = qp_find(fabric, d, (uint32_t)target->qpn);
		if (qp)
			set(fabric, qp, wr_id, status);
		section_leave(section);
		found = found || qp;
	}
	return found ? 0 : err_set(err, "there is no queue pair %ld", target->qpn);
}

/* At once, whatever its program does: what comes after this finds it so. */
static void force_error(struct fabric *fabric, struct shared_qp *qp, uint64_t wr_id, int status)
{
	(void)wr_id;
	(void)status;
	atomic_store(&qp->force_error, 1);
	qp_lock_send(fabric, qp);
	progress_qp(fabric, qp, clock_ns(CLOCK_MONOTONIC));
	lock_drop(&qp->send_lock);
}

static void force_status(struct fabric *fabric, struct shared_qp *qp, uint64_t wr_id, int status)
{
	(void)fabric;
	atomic_store(&qp->force_wr_id, wr_id);
	atomic_store(&qp->force_status, (uint32_t)status);
}

static int key_state(struct fabric *fabric, const struct target *target, const char *value,
		     struct err *err)
{
	bool up = strcmp(value, "up") == 0;

	if (target->qpn >= 0) {
		if (strcmp(value, "error") != 0)
			return err_set(err, "state: a queue pair can be set to 'error', not '%s'",
				       value);
		return with_qp(fabric, target, force_error, 0, 0, err);
	}
	if (!up && strcmp(value, "down") != 0)
		return err_set(err, "state: '%s' is neither up nor down", value);
	if (target->link)
		return each_link(fabric, target, set_down, !up, err);
	return set_ports(fabric, target, up, err);
}

static int key_complete(struct fabric *fabric, const struct target *target, const char *value,
			struct err *err)
{
	char *end;
	uint64_t wr_id;

	errno = 0;
	wr_id = strtoull(value, &end, 0);
	if (errno || end == value || *end != ':')
		return err_set(err, "complete: '%s' should be WR_ID:STATUS", value);
	if (target->qpn < 0)
		return err_set(err, "complete: a queue pair is wanted (--qp)");
	for (size_t s = 1; s < sizeof(statuses) / sizeof(*statuses); s++)
		if (statuses[s] && strcmp(statuses[s], end + 1) == 0)
			return with_qp(fabric, target, force_status, wr_id, (int)s, err);
	return err_set(err, "complete: '%s' is no status of a completion, as retry_exc_err",
		       end + 1);
}

static const struct {
	const char *key;
	int (*set)(struct fabric *fabric, const struct target *target, const char *value,
		   struct err *err);
} keys[] = {
	{ "latency", key_latency }, { "jitter", key_jitter }, { "rate", key_rate },
	{ "loss", key_loss },       { "state", key_state },   { "complete", key_complete },
};

static int control_set(struct fabric *fabric, const struct target *target, const char *key,
		       const char *value, struct err *err)
{
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		if (strcmp(keys[k].key, key) == 0)
			return keys[k].set(fabric, target, value, err);
	return err_set(err,
		       "'%s' can not be set; latency, jitter, rate, loss, state and complete can",
		       key);
}

static int number_of(const char *key, const char *value, long *number, struct err *err)
{
	char *end;

	errno = 0;
	*number = strtol(value, &end, 0);
	if (errno || end == value || *end || *number < 0)
		return err_set(err, "%s: '%s' is no number", key, value);
	return 0;
}

/* One item of a list. */
static int control_item(struct fabric *fabric, struct target *target, const char *key,
			const char *value, struct err *err)
{
	const char *dot = strchr(key, '.');
	struct target one = *target;
	char device[16];

	if (!*key)
		return err_set(err, "KEY=VALUE is wanted");
	if (strcmp(key, "node") == 0)
		return number_of(key, value, &target->node, err);
	if (strcmp(key, "qp") == 0)
		return number_of(key, value, &target->qpn, err);
	if (strcmp(key, "link") == 0) {
		target->link = value;
		return 0;
	}
	if (dot) {
		if ((size_t)(dot - key) >= sizeof(device))
			return err_set(err, "'%s': there is no such device", key);
		snprintf(device, sizeof(device), "%.*s", (int)(dot - key), key);
		one.device = device;
		key = dot + 1;
	}
	return control_set(fabric, &one, key, value, err);
}

int control_list(struct fabric *fabric, const struct target *target, const char *list,
		 struct err *err)
{
	struct target now = *target;
	struct kvlist items;
	int rc = 0;

	if (kvlist_parse(&items, list, err) < 0)
		return -1;
	if (items.count == 0)
		rc = err_set(err, "KEY=VALUE is wanted");
	for (size_t i = 0; rc == 0 && i < items.count; i++)
		rc = control_item(fabric, &now, items.items[i].key, items.items[i].value, err);
	kvlist_release(&items);
	if (fabric)
		net_changed(fabric);
	return rc;
}

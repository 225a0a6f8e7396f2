/* SPDX-License-Identifier: Apache-2.0 */
/* What has to do with no device: it goes on to the next library, and has an answer
 * of its own only when there is none.
 */
#include "device/verbs/front.h"

#define PASS(name, otherwise, ...)                             \
	do {                                                   \
		__typeof__(&name) next = REAL(name);           \
		return next ? next(__VA_ARGS__) : (otherwise); \
	} while (0)

/* --- words --- */

EXPORT const char *ibv_event_type_str(enum ibv_event_type event)
{
	PASS(ibv_event_type_str, "unknown", event);
}

EXPORT const char *ibv_node_type_str(enum ibv_node_type type)
{
	PASS(ibv_node_type_str, "unknown", type);
}

EXPORT const char *ibv_port_state_str(enum ibv_port_state state)
{
	PASS(ibv_port_state_str, "unknown", state);
}

EXPORT const char *ibv_wc_status_str(enum ibv_wc_status status)
{
	PASS(ibv_wc_status_str, "unknown", status);
}

/* --- rates --- */

EXPORT int ibv_rate_to_mult(enum ibv_rate rate)
{
	PASS(ibv_rate_to_mult, -1, rate);
}

EXPORT enum ibv_rate mult_to_ibv_rate(int mult)
{
	PASS(mult_to_ibv_rate, IBV_RATE_MAX, mult);
}

EXPORT int ibv_rate_to_mbps(enum ibv_rate rate)
{
	PASS(ibv_rate_to_mbps, -1, rate);
}

EXPORT enum ibv_rate mbps_to_ibv_rate(int mbps)
{
	PASS(mbps_to_ibv_rate, IBV_RATE_MAX, mbps);
}

/* --- fork(): our memory is never pinned, so this is for real devices --- */

EXPORT int ibv_fork_init(void)
{
	__typeof__(&ibv_fork_init) next = REAL(ibv_fork_init);

	return next ? next() : 0;
}

EXPORT enum ibv_fork_status ibv_is_fork_initialized(void)
{
	__typeof__(&ibv_is_fork_initialized) next = REAL(ibv_is_fork_initialized);

	return next ? next() : IBV_FORK_UNNEEDED;
}

int ibv_dontfork_range(void *base, size_t size);
EXPORT int ibv_dontfork_range(void *base, size_t size)
{
	PASS(ibv_dontfork_range, 0, base, size);
}

int ibv_dofork_range(void *base, size_t size);
EXPORT int ibv_dofork_range(void *base, size_t size)
{
	PASS(ibv_dofork_range, 0, base, size);
}

/* --- for other libraries of rdma-core --- */

const char *ibv_get_sysfs_path(void);
EXPORT const char *ibv_get_sysfs_path(void)
{
	__typeof__(&ibv_get_sysfs_path) next = REAL(ibv_get_sysfs_path);

	return next ? next() : "/sys";
}

int ibv_read_sysfs_file(const char *dir, const char *file, char *buf, size_t size);
EXPORT int ibv_read_sysfs_file(const char *dir, const char *file, char *buf, size_t size)
{
	PASS(ibv_read_sysfs_file, -1, dir, file, buf, size);
}

#define PASS_COPY(name)                              \
	void name(void *to, void *from);             \
	EXPORT void name(void *to, void *from)       \
	{                                            \
		__typeof__(&name) next = REAL(name); \
                                                     \
		if (next)                            \
			next(to, from);              \
	}

/* clang-format off */
PASS_COPY(ibv_copy_ah_attr_from_kern)
PASS_COPY(ibv_copy_path_rec_from_kern)
PASS_COPY(ibv_copy_path_rec_to_kern)
PASS_COPY(ibv_copy_qp_attr_from_kern)
/* clang-format on */

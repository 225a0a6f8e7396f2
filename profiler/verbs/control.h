/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - a call that is passed on and recorded
 *
 * INT_CALL and PTR_CALL make the function of that name: it calls the next one,
 * and records what it did.  Between the braces stands what the record says
 * besides (vcalls.h), for which `call` is the record, `result` what was returned,
 * and `more` an array of what belongs to it.
 */
#ifndef NETTRACE_CONTROL_H
#define NETTRACE_CONTROL_H

#include "next.h"
#include "record.h"
#include "session.h"
#include "traced.h"

#include <errno.h>
#include <infiniband/verbs.h>

#undef ibv_query_port
#undef ibv_reg_mr
#undef ibv_reg_mr_iova

#define EXPORT __attribute__((visibility("default")))

#define CONTROL_MORE 2 /* records that can belong to one */

/* A record that is being made. */
struct control {
	struct vring_call call;
	union {
		struct vring_name name;
		struct vring_qp_init qp_init;
		struct vring_qp_attr qp_attr;
		struct vring_address address;
	} more[CONTROL_MORE];
};

static inline void control_begin(struct control *control, enum vcall call)
{
	control->call = (struct vring_call){ .time = ticks_now(), .call = (uint16_t)call };
}

/* The call has returned. */
static inline void control_end(struct control *control, int result)
{
	control->call.duration = ticks_between(control->call.time, ticks_now());
	control->call.result = result;
}

/* Recorded where it belongs; CONTEXT may be NULL. */
void control_put(struct control *control, const struct ibv_context *context);

/* Errors of calls that return a number are returned, or -1 with errno. */
#define INT_CALL(constant, name, parameters, arguments, context, ...) \
	RECORDED(EXPORT, name, constant, name, parameters, arguments, context, __VA_ARGS__)

#define RECORDED(storage, own, constant, name, parameters, arguments, context, ...) \
	storage int own parameters                                                  \
	{                                                                           \
		__typeof__(&name) next = NEXT(name);                                \
		struct control control;                                             \
		struct vring_call *call = &control.call;                            \
		int result, error;                                                  \
		const struct ibv_context *of;                                       \
                                                                                    \
		if (!next)                                                          \
			return ENOSYS;                                              \
		if (!session_records())                                             \
			return next arguments;                                      \
		of = (context);                                                     \
		control_begin(&control, VCALL_##constant);                          \
		__VA_ARGS__                                                         \
		result = next arguments;                                            \
		error = errno;                                                      \
		control_end(&control, result == -1 ? error : result);               \
		control_put(&control, of);                                          \
		(void)call;                                                         \
		errno = error;                                                      \
		return result;                                                      \
	}

/* The same of what destroys OBJECT, whose functions were ours. */
#define DESTROY_CALL(constant, name, parameters, object_, context, ...)                   \
	static int name##_recorded parameters;                                            \
	EXPORT int name parameters                                                        \
	{                                                                                 \
		uint64_t mark = traced_mark(object_);                                     \
		int result = name##_recorded(object_);                                    \
                                                                                          \
		if (result == 0)                                                          \
			traced_forget(object_, mark);                                     \
		return result;                                                            \
	}                                                                                 \
	RECORDED(static, name##_recorded, constant, name, parameters, (object_), context, \
		 __VA_ARGS__)

/* What is recorded of an object is known when there is one. */
#define PTR_CALL(constant, type, name, parameters, arguments, context, ...)              \
	PTR_RECORDED(EXPORT, name, constant, type, name, parameters, arguments, context, \
		     __VA_ARGS__)

#define PTR_RECORDED(storage, own, constant, type, name, parameters, arguments, context, ...) \
	storage type *own parameters                                                          \
	{                                                                                     \
		__typeof__(&name) next = NEXT(name);                                          \
		struct control control;                                                       \
		struct vring_call *call = &control.call;                                      \
		type *result;                                                                 \
		int error;                                                                    \
                                                                                              \
		if (!next) {                                                                  \
			errno = ENOSYS;                                                       \
			return NULL;                                                          \
		}                                                                             \
		if (!session_records())                                                       \
			return next arguments;                                                \
		control_begin(&control, VCALL_##constant);                                    \
		result = next arguments;                                                      \
		error = errno;                                                                \
		control_end(&control, result ? 0 : error);                                    \
		call->object = (uintptr_t)result;                                             \
		__VA_ARGS__                                                                   \
		control_put(&control, context);                                               \
		errno = error;                                                                \
		return result;                                                                \
	}

#endif

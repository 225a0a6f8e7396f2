/* SPDX-License-Identifier: Apache-2.0 */
/* dlhook.h - dlsym() and dlvsym() for a preload library, so that who loads the library
 * behind it by itself gets us
 *
 * A program that opens libibverbs with dlopen() and asks it for ibv_open_device
 * would go past every preloaded library.  Our dlsym() answers with our own
 * function where the C library's would have answered with one of libibverbs;
 * everything else, and what libibverbs does not have, is the C library's affair.
 * It is reached by a jump, not by a call: RTLD_NEXT means "behind whoever called".
 *
 * Of several preloaded libraries with such a hook only the first is ever called;
 * each finds the C library's own functions by reading its table of symbols.
 */
#ifndef NETEMU_DLHOOK_H
#define NETEMU_DLHOOK_H

/* What is answered for: functions whose names begin with one of PREFIXES and that one of
 * LIBRARIES (beginnings of file names) has.  NULL ends each.  The library that links this
 * defines it.
 */
struct dlhook_names {
	const char *prefixes[8];
	const char *libraries[8];
};
extern const struct dlhook_names dlhook_names __attribute__((visibility("hidden")));

/* The C library's own.  RTLD_NEXT is meant from this library on. */
void *dlhook_real_dlsym(void *handle, const char *name);
void *dlhook_real_dlvsym(void *handle, const char *name, const char *version);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - one sentence for a person
 *
 * The first function that knows what went wrong, with file, place and thing,
 * writes the sentence; everyone above only returns -1; main() or a plugin's
 * entry point prints it.  Lower case, things in quotes, then the cause, no
 * full stop: "unable to open 'x': No such file or directory".
 */
#ifndef NETEMU_ERR_H
#define NETEMU_ERR_H

struct err {
	char text[1024];
};

/* Write the sentence into ERR (which may be NULL).  It is cut at the size of
 * the buffer.  Always returns -1, so that `return err_set(err, ...)` is one
 * line; errno is kept.
 */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and strerror(errno) behind it. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h - who is alive, by locks on the bytes of a file
 *
 * A process holds its byte of a fabric's file of locks as long as it lives; the
 * kernel lets go of it whatever way it ends.  These are the locks of POSIX: a
 * child after fork() has none of them.  They end too when the process closes any
 * descriptor of the file, and it does not see its own; so each process opens a
 * file once, here, and notes what it holds.
 */
#ifndef DEVICE_HOLD_H
#define DEVICE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define HOLD_HELPER 100000 /* the byte of who is no process of the fabric */
#define HOLD_MAKER  100001 /* and of who makes it */

/* A descriptor of the file NAME of DIR_FD, to be given back by hold_close().
 * Returns -1 with errno.
 */
int hold_open(int dir_fd, const char *name, bool create);
void hold_close(int fd);

/* Hold BYTE alone: 0, or -1 with errno EAGAIN when another holds it, also of this process.
 * SHARED: with others who do so.
 */
int hold_take(int fd, uint32_t byte, bool shared);
void hold_drop(int fd, uint32_t byte);

/* Does anyone hold BYTE, this process too?  When that cannot be told: yes. */
bool hold_taken(int fd, uint32_t byte);

/* Hold all bytes when nobody, this process neither, holds one of them. */
bool hold_all(int fd);

/* Around fork(), and in the child: what was held is not, descriptors are closed. */
void hold_before_fork(void);
void hold_after_fork(bool child);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* preloaded.h - run a unit test as a program that has the device preloaded */
#ifndef TESTS_DEVICE_PRELOADED_H
#define TESTS_DEVICE_PRELOADED_H

/* Run this program once more with LIBRARY preloaded, NETEMU=SETTINGS and a directory of
 * its own in shared memory: there RUN() is called.  The directory is removed however
 * that ends, and it is a failure when something is left in it.  Returns what main() is
 * to return.
 */
int preloaded(char **argv, const char *library, const char *settings, int (*run)(void));

#endif

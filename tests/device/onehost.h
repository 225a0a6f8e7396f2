/* SPDX-License-Identifier: Apache-2.0 */
/* onehost.h - what most tests of one process begin with: a lab, a host, two ends */
#ifndef TESTS_DEVICE_ONEHOST_H
#define TESTS_DEVICE_ONEHOST_H

#include "devlib.h"

extern struct lab lab;
extern struct host host;

/* Set-up and tear-down of a cmocka test: a lab of one node, whose initial state is its
 * settings (NULL: the usual ones), and the host that has joined it.
 */
int onehost_open(void **state);
int onehost_close(void **state);

/* TEST on a fabric with SETTINGS. */
#define ONEHOST(test, settings)                                                                   \
	{                                                                                         \
		.name = #test " (" settings ")", .test_func = (test), .setup_func = onehost_open, \
		.teardown_func = onehost_close, .initial_state = (void *)(settings),              \
	}

/* Two ends of the host, and what each has to know of the other. */
extern struct end a, b;
extern struct address to_a, to_b;

void connect_ends(const struct end_options *options);
void disconnect(void);

#define GUARD 0xa5

/* TO's memory is FROM in LENGTH bytes at OFFSET, and the guard everywhere else. */
void assert_copied(const struct end *to, uint64_t offset, const char *from, uint64_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "onehost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct lab lab;
struct host host;
struct end a, b;
struct address to_a, to_b;

int onehost_open(void **state)
{
	lab_open(&lab, *state ? *state : "yes", 1);
	host_join(&host, &lab, 0);
	return 0;
}

int onehost_close(void **state)
{
	(void)state;
	lab_close(&lab); /* first: a host may fail to leave */
	host_leave(&host);
	return 0;
}

void connect_ends(const struct end_options *options)
{
	end_create(&a, &host, options);
	end_create(&b, &host, options);
	to_a = end_address(&a);
	to_b = end_address(&b);
	end_connect(&a, &to_b);
	end_connect(&b, &to_a);
}

void disconnect(void)
{
	end_destroy(&a);
	end_destroy(&b);
}

void assert_copied(const struct end *to, uint64_t offset, const char *from, uint64_t length)
{
	assert_memory_equal(to->memory + offset, from, length);
	for (uint64_t i = 0; i < to->size; i++)
		if ((i < offset || i >= offset + length) && (uint8_t)to->memory[i] != GUARD)
			fail_msg("byte %llu has changed", (unsigned long long)i);
}

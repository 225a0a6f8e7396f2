/* SPDX-License-Identifier: Apache-2.0 */
/* large.h - arrays that are looked at anywhere
 *
 * In small pages most of the time of such a look goes into finding the page, so
 * what is large gets large ones where the system has them.
 */
#ifndef NETEMU_LARGE_H
#define NETEMU_LARGE_H

#include <stddef.h>

/* As malloc() and calloc(), in whole cache lines; COUNT * SIZE fits. */
void *large_alloc(size_t count, size_t size);
void *large_calloc(size_t count, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - text from a file or a user, to be shown on a terminal
 *
 * Names of nodes, programs and files come from elsewhere.  What is not a
 * printable character in the locale's LC_CTYPE (escapes, bytes that are no
 * character) becomes a question mark.
 */
#ifndef NETEMU_PLAIN_H
#define NETEMU_PLAIN_H

#include <stdio.h>

/* Write TEXT to OUT (NULL: only count).  Returns how many columns it takes. */
int plain_put(FILE *out, const char *text);

/* The same, then blanks up to WIDTH columns; before it with WIDTH < 0. */
void plain_put_padded(FILE *out, const char *text, int width);

/* TEXT as a column of a tab-separated table: bytes as they are, but for
 * control characters.
 */
void plain_put_cell(FILE *out, const char *text);

#endif

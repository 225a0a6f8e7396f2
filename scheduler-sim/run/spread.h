/* SPDX-License-Identifier: Apache-2.0 */
/* spread.h - maximum, mean and deviation of many values that change a few at a time
 *
 * A binary tree over the values holds these of each part; after a change only
 * the nodes above it are made anew, from what is below them, so nothing drifts
 * however many changes there are.  (Merging: Chan, Golub and LeVeque, 1979.)
 */
#ifndef NETEMU_SIM_SPREAD_H
#define NETEMU_SIM_SPREAD_H

#include <stddef.h>
#include <stdint.h>

struct spread_node {
	double max, mean, m2;
	double other; /* largest of a second value */
	uint32_t count;
	uint32_t turn; /* in which it was made anew */
};

struct spread {
	struct spread_node *node; /* [2 * width], the root is [1]; owned */
	uint32_t *list;           /* nodes to be made anew; owned */
	uint32_t width, count, listed, turn;
};

/* COUNT values of 0.  Returns 0, or -1 with errno ENOMEM. */
int spread_init(struct spread *spread, uint32_t count);
void spread_release(struct spread *spread);

/* Value INDEX is VALUE now, its second one OTHER; to be seen after spread_update(). */
void spread_set(struct spread *spread, uint32_t index, double value, double other);
void spread_update(struct spread *spread);

double spread_max(const struct spread *spread);
double spread_other_max(const struct spread *spread);
double spread_mean(const struct spread *spread);
double spread_deviation(const struct spread *spread); /* n - 1; 0 for fewer than 2 */

#endif

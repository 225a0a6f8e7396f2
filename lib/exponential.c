/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from random.c, so that a guest that draws needs no libm. */
#include "random.h"

#include <math.h>

double random_exponential(struct random *random, double rate)
{
	return -log1p(-random_real(random)) / rate;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* slurmtime.h - times, durations and counts as Slurm's commands write them */
#ifndef NETEMU_SLURMTIME_H
#define NETEMU_SLURMTIME_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-28T14:27:53" in the time zone of this process, with "Z", "+0100" or
 * "+01:00" behind it in that one; or seconds since the epoch
 * (SLURM_TIME_FORMAT=%s).  *NS gets ns since the epoch, NETEMU_NEVER for
 * "Unknown", "None", "N/A" and "".  Returns 0, or -1 when it is no time.
 */
int slurmtime_when(const char *text, int64_t *ns);

/* "[D-]HH:MM:SS[.fff]" or "MM:SS[.fff]" or seconds.  NETEMU_NEVER for "" and the
 * like.  Returns 0 or -1.
 */
int slurmtime_elapsed(const char *text, int64_t *ns);

/* The same, but a number alone is minutes; NETEMU_NEVER for "UNLIMITED",
 * "Partition_Limit", "".  *GIVEN is whether it is a limit at all ("": no).
 */
int slurmtime_limit(const char *text, int64_t *ns, bool *given);

/* "16", "2K" (1024 each); 0 for "" and "Unknown".  Returns 0 or -1. */
int slurmtime_count(const char *text, uint64_t *count);

#endif

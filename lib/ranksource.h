/* SPDX-License-Identifier: Apache-2.0 */
/* ranksource.h - where rank files come from
 *
 * A source is what a user names: JOBID or JOBID.STEP, a run directory, a
 * directory of rank files, a rank file, a left-over live file, or a tar
 * archive of any of these in any compression.
 */
#ifndef NETEMU_RANKSOURCE_H
#define NETEMU_RANKSOURCE_H

#include "err.h"
#include "rankfile.h"

#include <stdbool.h>

/* The instruments that leave matrices, each in a folder of that name. */
#define RANKSOURCE_FROM_LIST(X) X("mpi") X("verbs") X("replay")

/* Called with each rank; ORIGIN names its file, LIVE says that it was left
 * over.  Returns 0 to go on, or -1 with ERR written.
 */
typedef int ranksource_fn(const struct rankfile *rank, const char *origin, bool live, void *arg,
			  struct err *err);

/* Read all ranks in NAMES (COUNT of them) of the instrument FROM and hand each
 * to FN.  Without FROM: of the first of the list that a run directory has, and of mpi in
 * archives.  Live files are read last, and only of ranks that have no rank file.
 * Returns 0, or -1 with ERR written.
 */
int ranksource_read(char *const names[], int count, const char *from, ranksource_fn *fn, void *arg,
		    struct err *err);

/* Inside the reader: what is common to directories and archives. */
struct ranksource {
	const char *from; /* NULL: the first there is */
	ranksource_fn *fn;
	void *arg;
	char *buffer; /* of the file that is being read */
	size_t room;
	bool *have; /* by rank: it has a rank file */
	uint32_t ranks;
	struct ranksource_live {
		uint32_t rank;
		bool temporary; /* an archive's, to be removed */
		char *path, *origin;
	} * live;
	size_t nlive;
};

/* What the name of a file in a run says it is. */
enum ranksource_kind { RANKSOURCE_NONE, RANKSOURCE_RANK, RANKSOURCE_LIVE };
enum ranksource_kind ranksource_kind_of(const char *name);

/* Hand over the rank file in DATA. */
int ranksource_take(struct ranksource *source, const char *data, size_t size, const char *origin,
		    struct err *err);

/* Remember the live file PATH for later.  Takes PATH and ORIGIN over. */
int ranksource_take_live(struct ranksource *source, char *path, char *origin, bool temporary,
			 struct err *err);

/* Room for SIZE bytes in source->buffer. */
int ranksource_reserve(struct ranksource *source, size_t size, const char *origin, struct err *err);

/* Read the archive PATH; in rankarchive.c. */
int ranksource_archive(struct ranksource *source, const char *path, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* mpi-hello - each rank says who and where it is, after one collective
 *
 * Rank 0 prints "rank R on NODE" of every rank in order, so that lines of
 * different ranks never mix.  NODE is Slurm's name of it: where namespaces are
 * not allowed the nodes of a private cluster share one host name.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	char name[256] = "", *all = NULL;
	int rank, size, i;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	if (getenv("SLURMD_NODENAME"))
		strncpy(name, getenv("SLURMD_NODENAME"), sizeof(name) - 1);
	if (rank == 0)
		all = calloc(size, sizeof(name));
	MPI_Gather(name, sizeof(name), MPI_CHAR, all, sizeof(name), MPI_CHAR, 0, MPI_COMM_WORLD);
	for (i = 0; rank == 0 && i < size; i++)
		printf("rank %d on %s\n", i, all + i * sizeof(name));
	free(all);
	MPI_Finalize();
	return 0;
}

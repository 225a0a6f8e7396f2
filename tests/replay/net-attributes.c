/* SPDX-License-Identifier: Apache-2.0 */
/* net-attributes.c - what the device says of the queue pairs between two ranks
 *
 *	net-attributes [mtu=N] [gid=N] [sl=N] [tc=N] [timeout=N] [retry=N] [qps=N]
 *
 * Rank 0 prints a line for each queue pair to rank 1.
 */
#include "net/lifeline.h"
#include "net/verbs.h"
#include "rendezvous.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct wanted {
	uint32_t mtu, gid, sl, tc, timeout, retry, qps;
};

static int read_words(struct wanted *wanted, char **words)
{
	const struct {
		const char *name;
		uint32_t *to;
	} table[] = {
		{ "mtu", &wanted->mtu },         { "gid", &wanted->gid },
		{ "sl", &wanted->sl },           { "tc", &wanted->tc },
		{ "timeout", &wanted->timeout }, { "retry", &wanted->retry },
		{ "qps", &wanted->qps },
	};

	for (; *words; words++) {
		char name[16];
		uint32_t value;
		size_t i = 0;

		if (sscanf(*words, "%15[a-z]=%u", name, &value) != 2)
			return -1;
		while (i < sizeof(table) / sizeof(*table) && strcmp(table[i].name, name))
			i++;
		if (i == sizeof(table) / sizeof(*table))
			return -1;
		*table[i].to = value;
	}
	return 0;
}

static int print_queue_pairs(struct net *net, struct err *err)
{
	struct verbs *verbs = (struct verbs *)net;
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	for (uint32_t q = 0; q < verbs->qps; q++) {
		if (ibv_query_qp(verbs->peers[1].qps[q].qp, &attr,
				 IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_TIMEOUT |
					 IBV_QP_RETRY_CNT,
				 &init))
			return err_errno(err, "queue pair %u", q);
		printf("mtu=%d global=%d gid=%d sl=%d tc=%d timeout=%d retry=%d\n",
		       128 << attr.path_mtu, attr.ah_attr.is_global, attr.ah_attr.grh.sgid_index,
		       attr.ah_attr.sl, attr.ah_attr.grh.traffic_class, attr.timeout,
		       attr.retry_cnt);
	}
	return 0;
}

static int be_rank(const struct wanted *wanted, uint32_t rank, const char *address)
{
	const struct rendezvous_options options = {
		.program = "net-attributes", .address = address, .has_rank = true, .rank = rank
	};
	struct net_settings settings = {
		.wait_ms = 20000,
		.mtu = wanted->mtu,
		.gid_index = wanted->gid,
		.has_gid_index = wanted->gid != UINT32_MAX,
		.service_level = (uint8_t)wanted->sl,
		.traffic_class = (uint8_t)wanted->tc,
		.timeout = (uint8_t)wanted->timeout,
		.retry = (uint8_t)wanted->retry,
		.has_retry = wanted->retry != UINT32_MAX,
		.queue_pairs = wanted->qps,
	};
	struct err err = { "" };
	struct net *net = NULL;
	struct loop loop;
	int rc = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	loop_init(&loop, &loop_real_clock);
	settings.rendezvous = rendezvous_open(&options, &err);
	if (settings.rendezvous && net_verbs_create(&net, &loop, &settings, &err) == 0)
		rc = rank ? 0 : print_queue_pairs(net, &err);
	if (rc == 0)
		rc = rendezvous_fence(settings.rendezvous, "seen", 20000, &err);
	if (rc < 0)
		fprintf(stderr, "rank %u: %s\n", rank, err.text);
	net_destroy(net);
	rendezvous_close(settings.rendezvous);
	loop_release(&loop);
	return rc < 0;
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/net-attributes.XXXXXX", address[64], command[64];
	struct wanted wanted = { .gid = UINT32_MAX, .retry = UINT32_MAX };
	int status, failed = 0;

	if (read_words(&wanted, argv + (argc > 0)) < 0) {
		fprintf(stderr, "usage: %s [NAME=NUMBER...]\n", argv[0]);
		return 2;
	}
	if (!mkdtemp(directory))
		return 1;
	snprintf(address, sizeof(address), "file:%s:2", directory);
	for (uint32_t rank = 0; rank < 2; rank++)
		if (fork() == 0)
			return be_rank(&wanted, rank, address);
	while (wait(&status) > 0)
		failed += status != 0;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command))
		failed++;
	return failed != 0;
}

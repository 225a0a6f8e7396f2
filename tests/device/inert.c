/* SPDX-License-Identifier: Apache-2.0 */
/* inert - a program that waits, and one that takes all the memory there is
 *
 *	inert wait	waits for a completion that never comes, after it has said "waiting"
 *	inert fill	makes completion queues until there is an error, and says which
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <string.h>

static int wait_for_ever(struct ibv_context *context)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(context);
	struct ibv_cq *cq = channel ? ibv_create_cq(context, 16, NULL, channel, 0) : NULL;
	void *user;

	if (!cq || ibv_req_notify_cq(cq, 0))
		return 1;
	puts("waiting");
	fflush(stdout);
	return ibv_get_cq_event(channel, &cq, &user);
}

static int fill(struct ibv_context *context)
{
	int count = 0;

	while (count < 100000 && ibv_create_cq(context, 10000, NULL, NULL, 0))
		count++;
	printf("%s: %s\n", count ? "some" : "none", errno == ENOMEM ? "ENOMEM" : strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct ibv_context *context = devices && *devices ? ibv_open_device(*devices) : NULL;

	if (!context || argc != 2)
		return 2;
	return strcmp(argv[1], "wait") ? fill(context) : wait_for_ever(context);
}

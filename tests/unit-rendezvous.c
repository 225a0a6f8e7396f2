/* SPDX-License-Identifier: Apache-2.0 */
/* unit-rendezvous.c - processes that find each other, over TCP and in a directory */
#include "clock.h"
#include "rendezvous-client.h"
#include "rendezvous-server.h"
#include "rendezvous-wire.h"
#include "socket.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 60000 /* for what happens: as long as a slow machine may need */
#define SOON_MS 300   /* for what does not happen */

/* ---- a rendezvous of each kind ---- */

struct place {
	uint32_t size;
	char address[RENDEZVOUS_ADDRESS];
	char directory[64];
	pid_t server;
};

/* In a process of its own, until it is killed or the test is gone. */
static void serve_tcp(struct place *place, const struct rendezvous_server_settings *settings)
{
	struct err err = { "" };
	struct rendezvous_server *server = rendezvous_server_create(settings, &err);

	if (!server)
		fail_msg("%s", err.text);
	assert_int_equal(rendezvous_server_address(server, settings->bind, place->address,
						   sizeof(place->address)),
			 0);
	place->server = fork();
	assert_true(place->server >= 0);
	if (!place->server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(rendezvous_server_run(server) < 0);
	}
	rendezvous_server_destroy(server);
}

static struct place *place_tcp(uint32_t size)
{
	struct rendezvous_server_settings settings = { .size = size, .bind = "127.0.0.1" };
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->size = size;
	serve_tcp(place, &settings);
	return place;
}

static struct place *place_file(uint32_t size)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->size = size;
	strcpy(place->directory, "/tmp/unit-rendezvous-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->address, sizeof(place->address), "file:%s/rdv:%u", place->directory, size);
	return place;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void place_release(struct place *place)
{
	if (place->server > 0) {
		kill(place->server, SIGKILL);
		waitpid(place->server, NULL, 0);
	}
	if (*place->directory)
		nftw(place->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
}

/* ---- ranks ---- */

typedef int (*rank_fn)(const struct place *place, uint32_t rank, char *says);

struct rank {
	pid_t pid;
	int says; /* read end */
};

static struct rank start(const struct place *place, uint32_t rank, rank_fn fn)
{
	char text[1024] = "";
	struct rank started;
	int ends[2], rc;

	assert_int_equal(pipe(ends), 0);
	started.says = ends[0];
	started.pid = fork();
	assert_true(started.pid >= 0);
	if (started.pid) {
		close(ends[1]);
		return started;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rc = fn(place, rank, text);
	if (write(ends[1], text, strlen(text)) < 0)
		rc = 99;
	_exit(rc);
}

/* What it said, into SAYS; returns how it ended. */
static int end(struct rank *rank, char says[1024])
{
	size_t used = 0;
	ssize_t got;
	int status;

	while (used < 1023 && (got = read(rank->says, says + used, 1023 - used)) > 0)
		used += (size_t)got;
	says[used] = '\0';
	close(rank->says);
	assert_int_equal(waitpid(rank->pid, &status, 0), rank->pid);
	return status;
}

/* All ranks do FN and end with 0. */
static void all_do(const struct place *place, rank_fn fn)
{
	struct rank ranks[64];
	char says[1024];
	int failed = 0;

	for (uint32_t i = 0; i < place->size; i++)
		ranks[i] = start(place, i, fn);
	for (uint32_t i = 0; i < place->size; i++)
		if (end(&ranks[i], says)) {
			print_message("rank %u: %s\n", i, says);
			failed++;
		}
	assert_int_equal(failed, 0);
}

static struct rendezvous *open_as(const struct place *place, const char *program, uint32_t rank,
				  char *says)
{
	struct rendezvous_options options = {
		.program = program,
		.address = place->address,
		.has_rank = true,
		.rank = rank,
	};
	char node[32];
	struct err err = { "" };
	struct rendezvous *rdv;

	snprintf(node, sizeof(node), "node%u", rank / 2);
	options.node = node;
	rdv = rendezvous_open(&options, &err);
	snprintf(says, 1024, "%s", err.text);
	return rdv;
}

#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			size_t used_ = strlen(says);                                           \
			snprintf(says + used_, 1024 - used_, " %d: %s", __LINE__, #condition); \
			return 1;                                                              \
		}                                                                              \
	} while (0)

/* ---- put, fence, get ---- */

static void value_of(uint32_t rank, unsigned round, char value[64])
{
	snprintf(value, 64, "rank %u, round %u", rank, round);
}

static int exchange(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "exchange", rank, says);
	struct err *err = (struct err *)says;
	char value[64], got[64];

	CHECK(rdv);
	CHECK(rendezvous_rank(rdv) == rank && rendezvous_size(rdv) == place->size);
	CHECK(rendezvous_generation(rdv) == 1);
	for (unsigned round = 0; round < 2; round++) {
		value_of(rank, round, value);
		CHECK(rendezvous_put(rdv, "addr", value, strlen(value) + 1, err) == 0);
		CHECK(rendezvous_fence(rdv, "addresses", WAIT_MS, err) == 0);
		for (uint32_t peer = 0; peer < place->size; peer++) {
			value_of(peer, round, value);
			CHECK(rendezvous_get(rdv, peer, "addr", got, sizeof(got), 0, err) ==
			      (long)strlen(value) + 1);
			CHECK(!strcmp(got, value));
		}
		CHECK(rendezvous_barrier(rdv, "got", WAIT_MS, err) == 0);
	}
	rendezvous_close(rdv);
	return 0;
}

/* ---- values of all kinds ---- */

static int sizes(const struct place *place, uint32_t rank, char *says)
{
	static char big[RENDEZVOUS_VALUE], got[RENDEZVOUS_VALUE];
	struct rendezvous *rdv = open_as(place, "sizes", rank, says);
	struct err *err = (struct err *)says;
	uint32_t peer = (rank + 1) % place->size;

	CHECK(rdv);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + rank);
	CHECK(rendezvous_put(rdv, "big", big, sizeof(big), err) == 0);
	CHECK(rendezvous_put(rdv, "empty", NULL, 0, err) == 0);
	CHECK(rendezvous_put(rdv, "again", "first", 5, err) == 0);
	CHECK(rendezvous_put(rdv, "again", "2nd", 3, err) == 0);
	CHECK(rendezvous_fence(rdv, "all", WAIT_MS, err) == 0);
	CHECK(rendezvous_get(rdv, peer, "big", got, sizeof(got), 0, err) == sizeof(got));
	for (size_t i = 0; i < sizeof(got); i++)
		CHECK(got[i] == (char)(i * 7 + peer));
	CHECK(rendezvous_get(rdv, peer, "empty", got, sizeof(got), 0, err) == 0);
	CHECK(rendezvous_get(rdv, peer, "again", got, sizeof(got), 0, err) == 3);
	CHECK(!memcmp(got, "2nd", 3));
	CHECK(rendezvous_get(rdv, peer, "big", got, 100, 0, err) == -1 && errno == EMSGSIZE);
	CHECK(strstr(says, "65536 bytes, more than 100"));
	CHECK(rendezvous_get(rdv, peer, "none", got, 100, 0, err) == -1 && errno == ENOENT);
	CHECK(strstr(says, "get 'none': rank ") && strstr(says, "has not put it"));
	CHECK(rendezvous_get(rdv, place->size, "big", got, 100, 0, err) == -1 && errno == EINVAL);
	CHECK(rendezvous_put(rdv, "a/b", "", 0, err) == -1 && errno == EINVAL);
	CHECK(rendezvous_put(rdv, "x", big, sizeof(big) + 1, err) == -1 && errno == EINVAL);
	CHECK(rendezvous_barrier(rdv, "end", WAIT_MS, err) == 0);
	rendezvous_close(rdv);
	return 0;
}

/* A chain: each puts when it has got that of the rank before. */
static int chain(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "chain", rank, says);
	struct err *err = (struct err *)says;
	uint32_t sum = rank, before = 0;

	CHECK(rdv);
	if (rank)
		CHECK(rendezvous_get(rdv, rank - 1, "sum", &before, sizeof(before), WAIT_MS, err) ==
		      sizeof(before));
	sum += before;
	CHECK(rendezvous_put(rdv, "sum", &sum, sizeof(sum), err) == 0);
	CHECK(sum == rank * (rank + 1) / 2);
	CHECK(rendezvous_barrier(rdv, "end", WAIT_MS, err) == 0);
	rendezvous_close(rdv);
	return 0;
}

/* ---- sessions in turn ---- */

static int one_turn(const struct place *place, uint32_t rank, const char *program, uint32_t turn,
		    char *says)
{
	struct rendezvous *rdv = open_as(place, program, rank, says);
	struct err *err = (struct err *)says;
	uint32_t mine = turn * 100 + rank, got = 0;

	CHECK(rdv);
	CHECK(rendezvous_generation(rdv) == turn);
	if (rank == 0 || turn < 3) /* what was put in another session is not in this one */
		CHECK(rendezvous_put(rdv, "turn", &mine, sizeof(mine), err) == 0);
	CHECK(rendezvous_fence(rdv, "turn", WAIT_MS, err) == 0);
	CHECK(rendezvous_get(rdv, 0, "turn", &got, sizeof(got), 0, err) == sizeof(got));
	CHECK(got == turn * 100);
	if (turn == 3)
		CHECK(rendezvous_get(rdv, 1, "turn", &got, sizeof(got), 0, err) == -1 &&
		      (errno == ENOENT || errno == EPIPE));
	rendezvous_close(rdv);
	return 0;
}

static int turns(const struct place *place, uint32_t rank, char *says)
{
	for (uint32_t turn = 1; turn <= 3; turn++) {
		CHECK(one_turn(place, rank, "first", turn, says) == 0);
		CHECK(one_turn(place, rank, "second", turn, says) == 0);
	}
	return 0;
}

/* ---- what is missing ---- */

static int come_to_fence(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "missing", rank, says);
	struct err *err = (struct err *)says;

	CHECK(rdv);
	CHECK(rendezvous_barrier(rdv, "start", rank == 0 ? SOON_MS : WAIT_MS, err) == -1);
	CHECK(errno == ETIMEDOUT);
	CHECK(rendezvous_barrier(rdv, "later", WAIT_MS, NULL) == -1 && errno == EPIPE);
	rendezvous_close(rdv);
	return 0;
}

/* Joins, and does not come to the fence. */
static int only_join(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "missing", rank, says);

	CHECK(rdv);
	kill(getpid(), SIGSTOP);
	rendezvous_close(rdv);
	return 0;
}

static void wait_stopped(const struct rank *rank)
{
	int status;

	assert_int_equal(waitpid(rank->pid, &status, WUNTRACED), rank->pid);
	assert_true(WIFSTOPPED(status));
}

static void missing_ones_are_named(struct place *place)
{
	struct rank joined, waiting;
	char says[1024];

	joined = start(place, 2, only_join);
	wait_stopped(&joined);
	waiting = start(place, 0, come_to_fence);
	assert_int_equal(end(&waiting, says), 0);
	assert_string_equal(says, "barrier 'start': after 0.3 s 3 of 4 ranks are missing: "
				  "1 (never came), 2 (node1), 3 (never came)");
	kill(joined.pid, SIGCONT);
	end(&joined, says);
	/* who comes late is told at once */
	assert_null(open_as(place, "missing", 1, says));
	assert_string_equal(says, "no rendezvous: 3 of 4 ranks are missing: "
				  "1 (never came), 2 (node1), 3 (never came)");
	place_release(place);
}

/* ---- what dies ---- */

static int wait_for_all(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "dying", rank, says);
	struct err *err = (struct err *)says;

	CHECK(rdv);
	CHECK(rendezvous_put(rdv, "here", "", 0, err) == 0);
	CHECK(rendezvous_fence(rdv, "all", WAIT_MS, err) == -1 && errno == EPIPE);
	CHECK(strstr(says, "fence 'all': rank 3 (node1) is gone"));
	rendezvous_close(rdv);
	return 0;
}

static int wait_for_value(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "dying", rank, says);
	struct err *err = (struct err *)says;
	char got[8];

	CHECK(rdv);
	CHECK(rendezvous_put(rdv, "here", "", 0, err) == 0);
	CHECK(rendezvous_get(rdv, 3, "never", got, sizeof(got), WAIT_MS, err) == -1);
	CHECK(errno == EPIPE && strstr(says, "get 'never': rank 3 (node1) is gone"));
	rendezvous_close(rdv);
	return 0;
}

static int die(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous *rdv = open_as(place, "dying", rank, says);
	struct err *err = (struct err *)says;

	CHECK(rdv);
	for (uint32_t other = 0; other < 3; other++)
		CHECK(rendezvous_get(rdv, other, "here", NULL, 0, WAIT_MS, err) == 0);
	kill(getpid(), SIGSTOP);
	return 0;
}

static void a_killed_one_is_named_at_once(struct place *place)
{
	struct rank ranks[4];
	char says[1024];

	ranks[3] = start(place, 3, die);
	ranks[0] = start(place, 0, wait_for_all);
	ranks[1] = start(place, 1, wait_for_all);
	ranks[2] = start(place, 2, wait_for_value);
	wait_stopped(&ranks[3]);
	kill(ranks[3].pid, SIGKILL);
	for (int i = 0; i < 3; i++) {
		int status = end(&ranks[i], says);

		if (status)
			fail_msg("rank %d: %d: %s", i, status, says);
	}
	assert_true(WIFSIGNALED(end(&ranks[3], says)));
	place_release(place);
}

/* ---- over TCP and in a directory ---- */

static void tcp_sixty_four_exchange(void **state)
{
	struct place *place = place_tcp(64);

	(void)state;
	all_do(place, exchange);
	place_release(place);
}

static void file_sixty_four_exchange(void **state)
{
	struct place *place = place_file(64);

	(void)state;
	all_do(place, exchange);
	place_release(place);
}

static void tcp_values_of_any_size(void **state)
{
	struct place *place = place_tcp(4);

	(void)state;
	all_do(place, sizes);
	all_do(place, chain);
	place_release(place);
}

static void file_values_of_any_size(void **state)
{
	struct place *place = place_file(4);

	(void)state;
	all_do(place, sizes);
	all_do(place, chain);
	place_release(place);
}

static void tcp_programs_in_turn(void **state)
{
	struct place *place = place_tcp(5);

	(void)state;
	all_do(place, turns);
	place_release(place);
}

static void file_programs_in_turn(void **state)
{
	struct place *place = place_file(5);

	(void)state;
	all_do(place, turns);
	place_release(place);
}

static void tcp_missing_ones_are_named(void **state)
{
	(void)state;
	missing_ones_are_named(place_tcp(4));
}

static void file_missing_ones_are_named(void **state)
{
	(void)state;
	missing_ones_are_named(place_file(4));
}

static void tcp_a_killed_one_is_named_at_once(void **state)
{
	(void)state;
	a_killed_one_is_named_at_once(place_tcp(4));
}

static void file_a_killed_one_is_named_at_once(void **state)
{
	(void)state;
	a_killed_one_is_named_at_once(place_file(4));
}

/* ---- ranks and addresses ---- */

static int unnumbered(const struct place *place, uint32_t rank, char *says)
{
	struct rendezvous_options options = { .program = "any" };
	struct err *err = (struct err *)says;
	struct rendezvous *rdv;
	uint32_t mine, got;

	(void)rank;
	setenv("NETEMU_RDV", place->address, 1);
	rdv = rendezvous_open(&options, err);
	CHECK(rdv);
	mine = rendezvous_rank(rdv);
	CHECK(rendezvous_put(rdv, "rank", &mine, sizeof(mine), err) == 0);
	CHECK(rendezvous_fence(rdv, "all", WAIT_MS, err) == 0);
	for (uint32_t i = 0; i < place->size; i++) {
		CHECK(rendezvous_get(rdv, i, "rank", &got, sizeof(got), 0, err) == sizeof(got));
		CHECK(got == i);
	}
	CHECK(rendezvous_barrier(rdv, "end", WAIT_MS, err) == 0);
	rendezvous_close(rdv);
	return 0;
}

static void ranks_are_given_where_there_are_none(void **state)
{
	struct place *tcp = place_tcp(8), *file = place_file(8);

	(void)state;
	all_do(tcp, unnumbered);
	all_do(tcp, unnumbered);
	all_do(file, unnumbered);
	place_release(tcp);
	place_release(file);
}

#define COOKIE "00112233445566778899aabbccddeeff"

static void what_is_no_address_is_refused(void **state)
{
	static const char *const addresses[] = {
		"",
		"localhost",
		"localhost:1:" COOKIE,
		"localhost:1:" COOKIE ":0",
		"localhost:1:" COOKIE ":100001",
		"localhost:1:0011:4",
		"localhost:x:" COOKIE ":4",
		"[]:1:" COOKIE ":4",
		":" COOKIE ":4",
		"file:",
		"file:/nonexistent/rdv:4",
		"file:/tmp",
	};
	char says[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct place place = { .size = 4 };

		snprintf(place.address, sizeof(place.address), "%s", addresses[i]);
		assert_null(open_as(&place, "p", 0, says));
		assert_non_null(strstr(says, "no rendezvous: "));
		assert_null(strstr(says, COOKIE)); /* logs are read by others */
	}
}

static void nothing_in_the_environment_says_so(void **state)
{
	struct rendezvous_options options = { .program = "p" };
	struct err err;

	(void)state;
	assert_null(rendezvous_open(&options, &err));
	assert_string_equal(err.text, "no rendezvous: neither PMIX_NAMESPACE, SLURM_NETEMU_RDV "
				      "nor NETEMU_RDV is set");
	options.program = "a b";
	assert_null(rendezvous_open(&options, &err));
	assert_string_equal(err.text, "no rendezvous: 'a b' is no name of a program");
}

static void a_rank_beyond_or_twice_is_refused(void **state)
{
	struct place *places[] = { place_tcp(2), place_file(2) };
	char says[1024];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rendezvous_options options = {
			.program = "p",
			.generation = 1,
			.address = places[i]->address,
			.has_rank = true,
			.rank = 1,
		};
		struct rendezvous *rdv = rendezvous_open(&options, NULL);

		assert_non_null(rdv);
		assert_null(rendezvous_open(&options, NULL));
		rendezvous_close(rdv);
		assert_null(open_as(places[i], "p", 2, says));
		assert_string_equal(says, "no rendezvous: rank 2 of 2 ranks");
		place_release(places[i]);
	}
}

static void ipv6_hosts_stand_in_brackets(void **state)
{
	struct rendezvous_server_settings settings = { .size = 1, .bind = "::1" };
	struct rendezvous_server *try = rendezvous_server_create(&settings, NULL);
	struct place place = { .size = 1 };
	char says[1024];
	struct rendezvous *rdv;

	(void)state;
	if (!try)
		skip();
	rendezvous_server_destroy(try);
	serve_tcp(&place, &settings);
	assert_int_equal(strncmp(place.address, "[::1]:", 6), 0);
	rdv = open_as(&place, "p", 0, says);
	assert_string_equal(says, "");
	assert_non_null(rdv);
	rendezvous_close(rdv);
	kill(place.server, SIGKILL);
	waitpid(place.server, NULL, 0);
}

static void srun_publishes_no_host(void **state)
{
	struct place *place = place_tcp(1);
	struct rendezvous_options options = { .program = "p" };
	struct rendezvous *rdv;
	struct err err = { "" };

	(void)state;
	setenv("SLURM_STEP_ID", "0", 1);
	setenv("SLURM_STEP_NUM_TASKS", "1", 1);
	setenv("SLURM_PROCID", "0", 1);
	setenv("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1", 1);
	setenv("SLURM_NETEMU_RDV", strchr(place->address, ':'), 1);
	rdv = rendezvous_open(&options, &err);
	assert_string_equal(err.text, "");
	assert_non_null(rdv);
	rendezvous_close(rdv);
	/* what mpirun starts in a step has other ranks */
	setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
	assert_null(rendezvous_open(&options, &err));
	unsetenv("OMPI_COMM_WORLD_SIZE");
	unsetenv("SLURM_STEP_ID");
	unsetenv("SLURM_STEP_NUM_TASKS");
	unsetenv("SLURM_PROCID");
	unsetenv("SLURM_LAUNCH_NODE_IPADDR");
	unsetenv("SLURM_NETEMU_RDV");
	place_release(place);
}

/* ---- strangers ---- */

static int connect_raw(const struct place *place)
{
	struct socket_address address;
	char copy[RENDEZVOUS_ADDRESS];
	int fd;

	snprintf(copy, sizeof(copy), "%s", place->address);
	*strrchr(copy, ':') = '\0';
	assert_int_equal(socket_address_parse(&address, copy), 0);
	fd = socket_connect(&address, WAIT_MS, NULL);
	assert_true(fd >= 0);
	return fd;
}

static void a_wrong_cookie_is_refused(void **state)
{
	struct place *place = place_tcp(1), wrong;
	struct rendezvous *rdv;
	char says[1024], *digit;

	(void)state;
	wrong = *place;
	digit = strrchr(wrong.address, ':') - 1;
	*digit = *digit == '0' ? '1' : '0';
	assert_null(open_as(&wrong, "p", 0, says));
	assert_string_equal(says, "no rendezvous: the cookie is not that of this rendezvous");
	rdv = open_as(place, "p", 0, says);
	assert_non_null(rdv);
	assert_int_equal(rendezvous_generation(rdv), 1); /* that was no opening */
	rendezvous_close(rdv);
	place_release(place);
}

static bool hangs_up(int fd)
{
	char byte[256];
	ssize_t got;

	while ((got = read(fd, byte, sizeof(byte))) > 0)
		;
	close(fd);
	return got == 0 || errno == ECONNRESET;
}

static size_t hello_bytes(const struct place *place, uint8_t *bytes)
{
	struct rdv_frame hello = { .type = RDV_HELLO, .name = "raw" };
	char cookie[RENDEZVOUS_COOKIE], *end = strrchr(place->address, ':');

	snprintf(cookie, sizeof(cookie), "%.*s", RENDEZVOUS_COOKIE - 1,
		 end - (RENDEZVOUS_COOKIE - 1));
	hello.value = (const uint8_t *)cookie;
	hello.value_size = RENDEZVOUS_COOKIE - 1;
	return rdv_frame_write(&hello, bytes);
}

static void garbage_ends_a_connection_and_nothing_else(void **state)
{
	static const char *const garbage[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"NRV1\xff",
		"NRV2",
		"\0\0\0\0",
	};
	struct place *place = place_tcp(2);
	uint8_t bytes[RDV_FRAME_MAX];
	size_t size = hello_bytes(place, bytes);
	char long_text[512];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		int fd = connect_raw(place);
		/* with what makes a header of the shortest */
		assert_true(send(fd, garbage[i], strlen(garbage[i]) + !*garbage[i], 0) >= 0);
		assert_true(send(fd, long_text, sizeof(long_text), MSG_NOSIGNAL) >= 0);
		assert_true(hangs_up(fd));
	}
	/* every beginning of a good one, and then nothing more */
	for (size_t cut = 0; cut < size; cut += 3) {
		int fd = connect_raw(place);

		assert_int_equal(send(fd, bytes, cut, MSG_NOSIGNAL), cut);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		assert_true(hangs_up(fd));
	}
	all_do(place, exchange);
	place_release(place);
}

static void too_long_a_value_ends_a_connection(void **state)
{
	struct place *place = place_tcp(1);
	uint8_t bytes[RDV_FRAME_MAX], answer[256];
	size_t size = hello_bytes(place, bytes);
	struct rdv_frame put = { .type = RDV_PUT, .name = "k", .value_size = RENDEZVOUS_VALUE + 1 };
	int fd = connect_raw(place);

	(void)state;
	assert_int_equal(send(fd, bytes, size, 0), size);
	assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
	size = rdv_frame_head(&put, bytes);
	assert_int_equal(send(fd, bytes, size, 0), size);
	assert_true(hangs_up(fd));
	place_release(place);
}

/* ---- memory, many ---- */

static int put_too_much(const struct place *place, uint32_t rank, char *says)
{
	static char big[RENDEZVOUS_VALUE];
	struct rendezvous *rdv = open_as(place, "much", rank, says);
	struct err *err = (struct err *)says;
	char key[16];
	int i = 0;

	CHECK(rdv);
	do
		snprintf(key, sizeof(key), "k%d", i++);
	while (i < 100 && rendezvous_put(rdv, key, big, sizeof(big), err) == 0);
	CHECK(i == 16 && errno == ENOSPC); /* 15 fit into a megabyte, with what they need */
	CHECK(strstr(says, "put 'k15': too many values in the rendezvous"));
	CHECK(rendezvous_put(rdv, "k0", "", 0, err) == 0);
	CHECK(rendezvous_put(rdv, "k15", big, sizeof(big), err) == 0);
	rendezvous_close(rdv);
	return 0;
}

static void memory_is_bounded_and_given_back(void **state)
{
	struct rendezvous_server_settings settings = {
		.size = 1,
		.bind = "127.0.0.1",
		.memory = 1 << 20,
	};
	struct rendezvous_server *server = rendezvous_server_create(&settings, NULL);
	struct place place = { .size = 1 };
	char says[1024];

	(void)state;
	assert_non_null(server);
	assert_int_equal(rendezvous_server_address(server, "127.0.0.1", place.address,
						   sizeof(place.address)),
			 0);
	for (uint32_t round = 1; round <= 3; round++) {
		struct rank rank = start(&place, 0, put_too_much);

		while (rendezvous_server_ended(server) < round)
			assert_int_equal(rendezvous_server_turn(server, WAIT_MS), 1);
		if (end(&rank, says))
			fail_msg("%s", says);
		assert_int_equal(rendezvous_server_memory(server), 0);
		assert_int_equal(rendezvous_server_clients(server), 0);
	}
	rendezvous_server_stop(server);
	assert_int_equal(rendezvous_server_run(server), 0);
	rendezvous_server_destroy(server);
}

/* Each of the COUNT clients sends BYTES and gets an answer of TYPE. */
static void all_ask(const int *fds, int count, const uint8_t *bytes, size_t size,
		    enum rdv_type type)
{
	uint8_t answer[128];

	for (int i = 0; i < count; i++)
		assert_int_equal(send(fds[i], bytes, size, 0), size);
	for (int i = 0; i < count; i++) {
		assert_true(recv(fds[i], answer, sizeof(answer), 0) >= RDV_HEADER);
		assert_int_equal(answer[4], type);
	}
}

static bool raise_descriptors(rlim_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < count)
		return false;
	limit.rlim_cur = limit.rlim_cur < count ? count : limit.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void ten_thousand_clients_fence(void **state)
{
	enum { CLIENTS = 10000 };
	static const struct rdv_frame requests[] = {
		{ .type = RDV_PUT, .name = "addr", .value = (const uint8_t *)"x", .value_size = 1 },
		{ .type = RDV_FENCE, .number = WAIT_MS },
		{ .type = RDV_GET, .name = "addr", .rank = CLIENTS - 1 },
		{ .type = RDV_BYE },
	};
	static const enum rdv_type answers[] = { RDV_OK, RDV_OK, RDV_VALUE, RDV_OK };
	static int fds[CLIENTS];
	struct place *place;
	uint8_t bytes[RDV_FRAME_MAX];
	size_t size;

	(void)state;
	if (!raise_descriptors(CLIENTS + 100))
		skip();
	place = place_tcp(CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connect_raw(place);
	size = hello_bytes(place, bytes);
	memset(bytes + 8, 0xff, 4); /* any rank */
	all_ask(fds, CLIENTS, bytes, size, RDV_WELCOME);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		size = rdv_frame_write(&requests[i], bytes);
		all_ask(fds, CLIENTS, bytes, size, answers[i]);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	place_release(place);
}

/* ---- clocks ---- */

static int64_t known_offset; /* of ranks other than 0 to rank 0, ns */

static int measure(const struct place *place, uint32_t rank, char *says)
{
	int64_t known = rank ? known_offset : 0, at, uncertainty, lo, hi;
	struct rendezvous *rdv = open_as(place, "clock", rank, says);
	struct err *err = (struct err *)says;
	struct rendezvous_clock clock;

	CHECK(rdv);
	CHECK(rendezvous_clock(rdv, &clock, WAIT_MS, err) == 0);
	CHECK(clock.drift == 0 && clock.first.at == clock.last.at);
	CHECK(rendezvous_clock(rdv, &clock, WAIT_MS, err) == 0);
	lo = clock.last.offset - clock.last.uncertainty;
	hi = clock.last.offset + clock.last.uncertainty;
	CHECK(lo <= known && known <= hi);
	CHECK(clock.first.at < clock.last.at);
	CHECK(clock.drift - clock.drift_uncertainty <= 0);
	CHECK(clock.drift + clock.drift_uncertainty >= 0);
	at = clock.first.at + (clock.last.at - clock.first.at) / 3;
	CHECK(llabs(rendezvous_clock_at(&clock, at, &uncertainty) - at - known) <= uncertainty);
	CHECK(rank || (clock.last.offset == 0 && clock.last.uncertainty == 0));
	CHECK(rendezvous_barrier(rdv, "end", WAIT_MS, err) == 0);
	rendezvous_close(rdv);
	return 0;
}

static void clocks_of_one_host_are_one(void **state)
{
	struct place *tcp = place_tcp(6), *file = place_file(6);

	(void)state;
	known_offset = 0;
	all_do(tcp, measure);
	all_do(file, measure);
	place_release(tcp);
	place_release(file);
}

/* This process' children to come have a CLOCK_MONOTONIC that is AHEAD seconds on. */
static bool shift_time(long ahead)
{
	FILE *offsets;

	if (unshare(CLONE_NEWTIME) < 0)
		return false;
	offsets = fopen("/proc/self/timens_offsets", "w");
	return offsets && fprintf(offsets, "monotonic %ld 0\n", ahead) > 0 && fclose(offsets) == 0;
}

static int measure_shifted(const struct place *place, uint32_t rank, char *says)
{
	struct rank one;
	char deeper[1024];
	int status;

	if (rank == 0)
		return measure(place, rank, says);
	CHECK(shift_time(1000));
	one = start(place, rank, measure);
	status = end(&one, deeper);
	snprintf(says, 1024, "%s", deeper);
	return status ? 1 : 0;
}

static int try_to_shift(const struct place *place, uint32_t rank, char *says)
{
	(void)place;
	(void)rank;
	(void)says;
	return !shift_time(1000);
}

static void a_clock_that_is_ahead_is_measured(void **state)
{
	struct place *places[] = { place_tcp(3), place_file(3) };
	struct rank try = start(places[0], 0, try_to_shift);
	char says[1024];
	bool can = end(&try, says) == 0;

	(void)state;
	known_offset = -1000 * INT64_C(1000000000);
	for (int i = 0; i < 2; i++) {
		if (can)
			all_do(places[i], measure_shifted);
		place_release(places[i]);
	}
	if (!can)
		skip(); /* no time namespaces for this user */
}

static void times_between_two_measurements_are_on_their_line(void **state)
{
	const struct rendezvous_clock clock = {
		.first = { .at = 1000000, .offset = 500, .uncertainty = 10 },
		.last = { .at = 2000000, .offset = 700, .uncertainty = 30 },
		.drift = 200e-6,
		.drift_uncertainty = 40e-6,
	};
	static const struct {
		int64_t at, is, uncertainty;
	} cases[] = {
		{ 1000000, 1000500, 11 },
		{ 2000000, 2000700, 31 },
		{ 1500000, 1500600, 21 },
		{ 3000000, 3000900, 71 }, /* 1 * 10 + 2 * 30 + 1 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t uncertainty;

		assert_in_range(rendezvous_clock_at(&clock, cases[i].at, &uncertainty),
				cases[i].is - 1, cases[i].is + 1);
		assert_in_range(uncertainty, cases[i].uncertainty - 1, cases[i].uncertainty + 1);
	}
}

/* Nothing of the shell's must be found. */
static int forget_environment(void **state)
{
	static const char *const names[] = {
		"PMIX_NAMESPACE", "PMIX_RANK",   "SLURM_NETEMU_RDV",     "NETEMU_RDV",
		"NETEMU_RANK",    "NETEMU_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
		"PMI_RANK",       "PMI_SIZE",    "SLURM_STEP_ID",        "SLURM_PROCID",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_sixty_four_exchange),
		cmocka_unit_test(file_sixty_four_exchange),
		cmocka_unit_test(tcp_values_of_any_size),
		cmocka_unit_test(file_values_of_any_size),
		cmocka_unit_test(tcp_programs_in_turn),
		cmocka_unit_test(file_programs_in_turn),
		cmocka_unit_test(tcp_missing_ones_are_named),
		cmocka_unit_test(file_missing_ones_are_named),
		cmocka_unit_test(tcp_a_killed_one_is_named_at_once),
		cmocka_unit_test(file_a_killed_one_is_named_at_once),
		cmocka_unit_test(ranks_are_given_where_there_are_none),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(nothing_in_the_environment_says_so),
		cmocka_unit_test(a_rank_beyond_or_twice_is_refused),
		cmocka_unit_test(ipv6_hosts_stand_in_brackets),
		cmocka_unit_test(srun_publishes_no_host),
		cmocka_unit_test(a_wrong_cookie_is_refused),
		cmocka_unit_test(garbage_ends_a_connection_and_nothing_else),
		cmocka_unit_test(too_long_a_value_ends_a_connection),
		cmocka_unit_test(memory_is_bounded_and_given_back),
		cmocka_unit_test(ten_thousand_clients_fence),
		cmocka_unit_test(clocks_of_one_host_are_one),
		cmocka_unit_test(a_clock_that_is_ahead_is_measured),
		cmocka_unit_test(times_between_two_measurements_are_on_their_line),
	};

	return cmocka_run_group_tests(tests, forget_environment, NULL);
}

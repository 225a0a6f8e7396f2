/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and the small objects through the verbs' own interface, also in other processes */
#define _GNU_SOURCE
#include "frontlib.h"

/* --- memory --- */

static void memory_that_is_not_there_is_not_registered(void **state)
{
	char *hole =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr;

	(void)state;
	assert_int_equal(munmap(hole + PAGE, PAGE), 0);
	errno = 0;
	assert_null(ibv_reg_mr(pd, hole, 3 * PAGE, IBV_ACCESS_LOCAL_WRITE));
	assert_int_equal(errno, EFAULT);
	mr = ibv_reg_mr(pd, hole, PAGE, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr(pd, hole, 3 * PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	munmap(hole, PAGE);
	munmap(hole + 2 * PAGE, PAGE);
}

static void writing_from_afar_needs_writing_here(void **state)
{
	static const int bad[] = { IBV_ACCESS_REMOTE_WRITE, IBV_ACCESS_REMOTE_ATOMIC,
				   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		errno = 0;
		assert_null(ibv_reg_mr(pd, memory, PAGE, bad[i]));
		assert_int_equal(errno, EINVAL);
	}
}

static void flags_that_may_be_ignored_are(void **state)
{
	struct ibv_mr *mr =
		ibv_reg_mr(pd, memory, PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_OPTIONAL_RANGE);

	(void)state;
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void all_of_the_memory_is_registered_on_demand(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, NULL, SIZE_MAX, ALL | IBV_ACCESS_ON_DEMAND);
	struct ibv_mr *null = ibv_alloc_null_mr(pd);
	struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = PAGE };

	(void)state;
	assert_non_null(mr);
	assert_non_null(null);
	sge.lkey = mr->lkey;
	assert_int_equal(ibv_advise_mr(pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				       IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1),
			 0);
	assert_int_equal(ibv_dereg_mr(null), 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void advice_is_checked(void **state)
{
	const int access = IBV_ACCESS_REMOTE_READ | IBV_ACCESS_ON_DEMAND;
	struct ibv_mr *pinned = ibv_reg_mr(pd, memory, PAGE, ALL);
	struct ibv_mr *reads = ibv_reg_mr(pd, memory, PAGE, access);
	struct ibv_pd *other = ibv_alloc_pd(context);
	const struct {
		struct ibv_pd *pd;
		uint32_t advice, flags, key, length;
		int rc;
	} cases[] = {
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE, 0 },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT, 0, reads->lkey, PAGE, 0 },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, 0, reads->lkey, PAGE, EPERM },
		{ other, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE, EPERM },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE + 1, EFAULT },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, pinned->lkey, PAGE, EINVAL },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, 0x7fffff00, PAGE, EINVAL },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 2, reads->lkey, PAGE, EINVAL },
		{ pd, 77, 0, reads->lkey, PAGE, EOPNOTSUPP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ibv_sge sge = { .addr = (uintptr_t)memory,
				       .length = cases[i].length,
				       .lkey = cases[i].key };

		assert_int_equal(
			ibv_advise_mr(cases[i].pd, cases[i].advice, cases[i].flags, &sge, 1),
			cases[i].rc);
	}
	assert_int_equal(ibv_dereg_mr(pinned), 0);
	assert_int_equal(ibv_dereg_mr(reads), 0);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

static void a_region_is_changed_or_left_as_it_was(void **state)
{
	struct ibv_pd *other = ibv_alloc_pd(context);
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL), old = *mr;
	const struct {
		int flags;
		struct ibv_pd *pd;
		void *addr;
		size_t length;
		int access;
	} bad[] = {
		{ 0, NULL, NULL, 0, 0 },
		{ 8, NULL, NULL, 0, 0 },
		{ IBV_REREG_MR_CHANGE_TRANSLATION, NULL, NULL, PAGE, 0 },
		{ IBV_REREG_MR_CHANGE_TRANSLATION, NULL, memory, 0, 0 },
		{ IBV_REREG_MR_CHANGE_PD, NULL, NULL, 0, 0 },
		{ IBV_REREG_MR_CHANGE_PD, other, NULL, 0, IBV_ACCESS_LOCAL_WRITE },
		{ IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, IBV_ACCESS_REMOTE_WRITE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(ibv_rereg_mr(mr, bad[i].flags, bad[i].pd, bad[i].addr,
					      bad[i].length, bad[i].access),
				 IBV_REREG_MR_ERR_INPUT);
		assert_memory_equal(mr, &old, sizeof(old));
	}
	assert_int_equal(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION | IBV_REREG_MR_CHANGE_PD,
				      other, memory + PAGE, 2 * PAGE, 0),
			 0);
	assert_ptr_equal(mr->addr, memory + PAGE);
	assert_int_equal(mr->length, 2 * PAGE);
	assert_ptr_equal(mr->pd, other);
	assert_int_equal(mr->rkey, old.rkey);
	assert_int_equal(ibv_dealloc_pd(other), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

static void device_memory_is_written_and_read(void **state)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_device_attr_ex device;
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr);
	char text[16] = "";
	struct ibv_mr *mr;

	(void)state;
	assert_non_null(dm);
	assert_int_equal(ibv_memcpy_to_dm(dm, 100, "what is here\0\0\0", 16), 0);
	assert_int_equal(ibv_memcpy_from_dm(text, dm, 100, 16), 0);
	assert_string_equal(text, "what is here");
	assert_int_equal(ibv_memcpy_to_dm(dm, PAGE - 4, text, 8), EINVAL);
	assert_int_equal(ibv_memcpy_to_dm(dm, 2, text, 4), EINVAL);
	assert_int_equal(ibv_memcpy_from_dm(text, dm, 4, 6), EINVAL);
	mr = ibv_reg_dm_mr(pd, dm, 0, PAGE, IBV_ACCESS_ZERO_BASED | IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	assert_int_equal(ibv_free_dm(dm), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_free_dm(dm), 0);
	ibv_query_device_ex(context, NULL, &device);
	attr.length = device.max_dm_size + 1;
	assert_null(ibv_alloc_dm(context, &attr));
	attr = (struct ibv_alloc_dm_attr){ .length = PAGE, .comp_mask = 1 };
	assert_null(ibv_alloc_dm(context, &attr));
}

static void a_region_with_windows_stays(void **state)
{
	struct ibv_mw *one = ibv_alloc_mw(pd, IBV_MW_TYPE_1),
		      *two = ibv_alloc_mw(pd, IBV_MW_TYPE_2);

	(void)state;
	assert_non_null(one);
	assert_non_null(two);
	assert_int_not_equal(one->rkey, two->rkey);
	assert_int_equal(one->type, IBV_MW_TYPE_1);
	assert_null(ibv_alloc_mw(pd, 3));
	assert_int_equal(ibv_dealloc_mw(one), 0);
	assert_int_equal(ibv_dealloc_mw(two), 0);
}
/* --- import --- */

static void what_is_imported_is_the_same(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL), *mr2;
	struct ibv_context *imported = ibv_import_device(dup(context->cmd_fd));
	struct ibv_pd *pd2;

	(void)state;
	assert_non_null(imported);
	assert_ptr_equal(imported->device, context->device);
	assert_null(ibv_import_pd(imported, 0x7fffff00));
	pd2 = ibv_import_pd(imported, pd->handle);
	assert_non_null(pd2);
	assert_null(ibv_import_mr(pd2, 0x7fffff00));
	mr2 = ibv_import_mr(pd2, mr->handle);
	assert_non_null(mr2);
	assert_int_equal(mr2->lkey, mr->lkey);
	assert_int_equal(mr2->rkey, mr->rkey);
	assert_int_equal(mr2->length, mr->length);
	ibv_unimport_mr(mr2);
	ibv_unimport_pd(pd2);
	assert_int_equal(ibv_close_device(imported), 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void another_descriptor_is_no_device(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	assert_null(ibv_import_device(-1));
	assert_null(ibv_import_device(fd));
	close(fd);
	fd = memfd_create("nothing", MFD_CLOEXEC);
	assert_null(ibv_import_device(fd));
	close(fd);
}

static void send_fd(int socket, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { { 0 } };
	struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static int receive_fd(int socket)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* What the child finds out: a code per thing that is not as it should be. */
static int import_in_child(int socket, uint32_t pd_handle, uint32_t mr_handle, uint32_t rkey)
{
	struct ibv_context *imported = ibv_import_device(receive_fd(socket));
	struct ibv_pd *pd2 = imported ? ibv_import_pd(imported, pd_handle) : NULL;
	struct ibv_mr *mr2 = pd2 ? ibv_import_mr(pd2, mr_handle) : NULL;
	struct ibv_mr *own;

	if (!imported)
		return 2;
	if (!pd2)
		return 3;
	if (!mr2 || mr2->rkey != rkey || mr2->length != PAGE)
		return 4;
	own = ibv_reg_mr(pd2, memory, PAGE, ALL);
	if (!own || ibv_dereg_mr(own))
		return 5;
	ibv_unimport_mr(mr2);
	ibv_unimport_pd(pd2);
	return ibv_close_device(imported) ? 6 : 0;
}

static void another_process_can_import(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL);
	int sockets[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	if (child == 0)
		exit(import_in_child(sockets[1], pd->handle, mr->handle, mr->rkey));
	send_fd(sockets[0], context->cmd_fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(sockets[0]);
	close(sockets[1]);
	/* and what it did has changed nothing here */
	assert_int_equal(ibv_dealloc_pd(pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void device_memory_is_imported(void **state)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr), *dm2;
	struct ibv_context *imported = ibv_import_device(dup(context->cmd_fd));
	char text[8] = "";

	(void)state;
	assert_null(ibv_import_dm(imported, 0x7fffff00));
	dm2 = ibv_import_dm(imported, dm->handle);
	assert_non_null(dm2);
	assert_int_equal(ibv_memcpy_to_dm(dm, 8, "shared\0", 8), 0);
	assert_int_equal(ibv_memcpy_from_dm(text, dm2, 8, 8), 0);
	assert_string_equal(text, "shared");
	ibv_unimport_dm(dm2);
	assert_int_equal(ibv_close_device(imported), 0);
	assert_int_equal(ibv_free_dm(dm), 0);
}

/* --- fork --- */

static int use_in_child(void)
{
	struct ibv_context *own = open_first();
	struct ibv_pd *domain = own ? ibv_alloc_pd(own) : NULL;
	struct ibv_mr *mr = domain ? ibv_reg_mr(domain, memory, PAGE, ALL) : NULL;

	return !mr || ibv_dereg_mr(mr) || ibv_dealloc_pd(domain) || ibv_close_device(own);
}

static void a_child_opens_the_device_anew(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		exit(use_in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_non_null(context);
}

static int go_on_in_child(void)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr);
	struct ibv_pd *domain = ibv_alloc_pd(context);
	struct ibv_mr *mr = domain ? ibv_reg_mr(domain, memory, PAGE, ALL) : NULL;
	struct ibv_port_attr port;

	if (!dm || ibv_memcpy_to_dm(dm, 0, "one", 4) || ibv_free_dm(dm))
		return 2;
	if (!mr || ibv_dereg_mr(mr) || ibv_dealloc_pd(domain))
		return 3;
	return ___ibv_query_port(context, 1, &port) || port.state != IBV_PORT_ACTIVE ? 4 : 0;
}

static void a_child_goes_on_with_a_context_of_its_parent(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		exit(go_on_in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What a child does with its parent's objects is of no use, but does no harm. */
static void a_child_that_closes_changes_nothing_for_its_parent(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL);
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		ibv_close_device(context);
		exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(ibv_dealloc_pd(pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_not_there_is_not_registered),
		cmocka_unit_test(writing_from_afar_needs_writing_here),
		cmocka_unit_test(flags_that_may_be_ignored_are),
		cmocka_unit_test(all_of_the_memory_is_registered_on_demand),
		cmocka_unit_test(advice_is_checked),
		cmocka_unit_test(a_region_is_changed_or_left_as_it_was),
		cmocka_unit_test(device_memory_is_written_and_read),
		cmocka_unit_test(a_region_with_windows_stays),
		cmocka_unit_test(what_is_imported_is_the_same),
		cmocka_unit_test(another_descriptor_is_no_device),
		cmocka_unit_test(another_process_can_import),
		cmocka_unit_test(device_memory_is_imported),
		cmocka_unit_test(a_child_opens_the_device_anew),
		cmocka_unit_test(a_child_goes_on_with_a_context_of_its_parent),
		cmocka_unit_test(a_child_that_closes_changes_nothing_for_its_parent),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

int main(int argc, char **argv)
{
	(void)argc;
	return preloaded(argv, LIBNETEMU, "device=emulated,link_layer=ib", run);
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tracer over a driver of libibverbs, without the emulated device'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need cc
real=$(/sbin/ldconfig -p | sed -n 's/.*libibverbs\.so\.1 .* => //p' | head -n 1)

# A driver with the interface of version 34 (rdma-core 34 to 56), which has no public
# header.  Only what a context needs to be opened is there, and a queue that is never
# empty; whatever else is asked for libibverbs refuses by itself.
cat >driver.c <<'END'
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct match {
	void *data;
	const char *modalias;
	uint16_t vendor, device;
	uint8_t kind; /* 2: modalias; 0: end */
};

struct driver {
	const char *name;
	uint32_t abi_min, abi_max;
	const struct match *matches;
	const void *static_providers;
	bool (*match_device)(void *files);
	void *(*alloc_context)(struct ibv_device *device, int fd, void *data);
	void *(*import_context)(struct ibv_device *device, int fd);
	void *(*alloc_device)(void *files);
	void (*uninit_device)(void *device);
};

void verbs_register_driver_34(const struct driver *driver);
void *_verbs_init_and_alloc_context(struct ibv_device *device, int fd, size_t size,
				    struct verbs_context *offset, uint32_t driver);

static int poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	static uint64_t number;

	(void)cq;
	for (int i = 0; i < count; i++)
		wc[i] = (struct ibv_wc){ .wr_id = number++, .qp_num = 42, .byte_len = 7 };
	return count;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	(void)qp;
	*bad = wr;
	return 12;
}

static void *alloc_context(struct ibv_device *device, int fd, void *data)
{
	struct verbs_context *verbs =
		_verbs_init_and_alloc_context(device, fd, sizeof(*verbs), NULL, 0);

	(void)data;
	if (!verbs)
		return NULL;
	verbs->context.async_fd = dup(fd); /* else the kernel is asked for one */
	verbs->context.ops.poll_cq = poll_cq;
	verbs->context.ops.post_send = post_send;
	return verbs;
}

static void *alloc_device(void *files)
{
	(void)files;
	return calloc(1, sizeof(struct ibv_device) + 1024);
}

static const struct match matches[] = { { .modalias = "rdma_device:*Nstub*", .kind = 2 }, { 0 } };
static const struct driver driver = {
	.name = "stub",
	.abi_max = 100,
	.matches = matches,
	.alloc_context = alloc_context,
	.alloc_device = alloc_device,
	.uninit_device = free,
};

static __attribute__((constructor)) void add(void)
{
	verbs_register_driver_34(&driver);
}
END

# Who may not make the device's node says that there is one.
cat >node.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static const char *other(const char *path)
{
	return strcmp(path, "/dev/infiniband/uverbs7") == 0 ? "/dev/null" : path;
}

int stat(const char *path, struct stat *st)
{
	int (*next)(const char *, struct stat *) =
		(int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");

	return next(other(path), st);
}

#define OPEN(name)                                                            \
	int name(const char *path, int flags, ...)                            \
	{                                                                     \
		int (*next)(const char *, int, ...) =                         \
			(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
		va_list list;                                                 \
		int mode;                                                     \
                                                                              \
		va_start(list, flags);                                        \
		mode = flags & O_CREAT ? va_arg(list, int) : 0;               \
		va_end(list);                                                 \
		return next(other(path), flags, mode);                        \
	}
OPEN(open)
OPEN(open64)
END

cat >program.c <<'END'
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>

int main(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_cq cq = { .context = context };
	struct ibv_qp qp = { .context = context, .qp_num = 42 };
	struct ibv_send_wr wr = { .wr_id = 5, .opcode = IBV_WR_SEND }, *bad;
	struct ibv_wc wc[3];
	struct ibv_pd *pd;

	if (!context)
		return perror("no context"), 1;
	printf("%s\n", ibv_get_device_name(list[0]));
	for (int i = 0; i < 100; i++)
		if (ibv_poll_cq(&cq, 3, wc) != 3)
			return 2;
	printf("%d\n", ibv_post_send(&qp, &wr, &bad));
	errno = 0;
	pd = ibv_alloc_pd(context);
	printf("%d %d\n", pd != NULL, errno);
	return ibv_close_device(context);
}
END

if cc -shared -fPIC -o stub-rdmav34.so driver.c "$real" 2>log && cc -shared -fPIC -o node.so node.c &&
	cc -o program program.c "$real"; then
	verbs=tree/class/infiniband_verbs/uverbs7
	mkdir -p $verbs tree/class/infiniband/stub0/ports/1/gids
	echo 6 >tree/class/infiniband_verbs/abi_version
	echo stub0 >$verbs/ibdev
	echo 1 >$verbs/abi_version
	echo 1:3 >$verbs/dev
	echo "1: CA" >tree/class/infiniband/stub0/node_type
	echo 0011:2233:4455:6677 >tree/class/infiniband/stub0/node_guid
	export SYSFS_PATH="$PWD/tree" IBV_DRIVERS="$PWD/stub"
	if LD_PRELOAD=./node.so ./program >plain 2>log; then
		test_set_prereq STUB
	else
		echo "# libibverbs does not open a driver's device here: $(cat log)"
	fi
fi

trace_preload=$LIBNETTRACE:./node.so

test_expect_success STUB 'its calls are recorded, and what it says is passed on' '
	device ./program >actual && test_cmp plain actual && dump client &&
	expect_count client 1 ibv_open_device result=0 guid=0x11223344556677 &&
	values client name call=ibv_open_device | grep stub0 &&
	expect_count client 300 ibv_poll_cq qpn=42 bytes=7 && expect_count client 100 ibv_poll_cq batch=2 &&
	expect_count client 1 ibv_post_send qpn=42 wr_id=5 error=12 &&
	expect_count client 1 ibv_alloc_pd result=95 pd=0x0 &&
	expect_count client 1 ibv_close_device result=0
'

trace_preload=$LIBNETTRACE:$LIBNETEMU:./node.so

test_expect_success STUB 'beside the emulated device, in one process' '
	sed "s/list\[0\]/list[1]/g" program.c >second.c && cc -o second second.c "$real" &&
	device ./second >actual && test_cmp plain actual && dump client &&
	values client name call=ibv_open_device | grep stub0 && expect_count client 300 ibv_poll_cq &&
	cat >two.c <<-\END &&
	#include <infiniband/verbs.h>
	int main(void)
	{
		struct ibv_device **list = ibv_get_device_list(NULL);
		struct ibv_context *one = ibv_open_device(list[0]), *other = ibv_open_device(list[1]);
		struct ibv_cq *cq = ibv_create_cq(one, 4, NULL, NULL, 0), fake = { .context = other };
		struct ibv_wc wc[2];

		for (int i = 0; i < 10; i++)
			if (ibv_poll_cq(cq, 2, wc) != 0 || ibv_poll_cq(&fake, 2, wc) != 2)
				return 1;
		return ibv_destroy_cq(cq) || ibv_close_device(one) || ibv_close_device(other);
	}
	END
	cc -o two two.c "$real" && device ./two && dump client && expect_count client 20 ibv_poll_cq context=1 &&
	test "$(header client empty_polls)" = 10 &&
	expect_count client 1 ibv_create_cq context=0 && expect_count client 2 ibv_close_device
'

device_done

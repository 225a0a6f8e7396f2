# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-stub.sh - a device stub0 of a driver of libibverbs, beside the emulated one
#
#	. "$NETEMU_SRCDIR/tests/lib-stub.sh"
#	stub_make
#	test_expect_success STUB 'it is listed' 'LD_PRELOAD=./node.so ibv_devices | grep stub0'
#
# What it does stands in tests/device/stub-driver.c.  Programs need node.so preloaded.

stub_real=$(/sbin/ldconfig -p | sed -n 's/.*libibverbs\.so\.1 .* => //p' | head -n 1)

# stub_make: make driver and device in the current directory, where programs find them;
# set the prerequisite STUB where libibverbs opens it, or say why not.
stub_make() {
	stub_verbs=tree/class/infiniband_verbs/uverbs7
	mkdir -p $stub_verbs tree/class/infiniband/stub0/ports/1/gids
	echo 6 >tree/class/infiniband_verbs/abi_version
	echo stub0 >$stub_verbs/ibdev
	echo 1 >$stub_verbs/abi_version
	echo 1:3 >$stub_verbs/dev
	echo "1: CA" >tree/class/infiniband/stub0/node_type
	echo 0011:2233:4455:6677 >tree/class/infiniband/stub0/node_guid
	cat >stub-open.c <<-\EOF
	#include <infiniband/verbs.h>
	int main(void)
	{
		struct ibv_device **list = ibv_get_device_list(NULL);
		struct ibv_context *context = list && list[0] ? ibv_open_device(list[0]) : NULL;
		struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };
		struct ibv_pd *pd = context ? ibv_alloc_pd(context) : NULL;
		struct ibv_qp *qp = pd ? ibv_create_qp(pd, &init) : NULL;

		return !qp || ibv_destroy_qp(qp) || ibv_dealloc_pd(pd) || ibv_close_device(context);
	}
	EOF
	for stub_part in "-shared -fPIC -o stub-rdmav34.so $NETEMU_SRCDIR/tests/device/stub-driver.c" \
		"-shared -fPIC -o node.so $NETEMU_SRCDIR/tests/device/stub-node.c" \
		"-o stub-open stub-open.c"; do
		# shellcheck disable=SC2086
		"${CC:-cc}" $stub_part "$stub_real" 2>stub.log || break
	done
	export SYSFS_PATH="$PWD/tree" IBV_DRIVERS="$PWD/stub"
	if test -e stub-open && LD_PRELOAD=./node.so ./stub-open 2>>stub.log; then
		test_set_prereq STUB
	else
		echo "# libibverbs does not open a driver's device here: $(cat stub.log)"
	fi
}

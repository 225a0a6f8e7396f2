#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netprof, nettrace and netemu in one job, in every order of plugstack.conf'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
trace_need ibv_rc_pingpong mpicc mpirun
test -r "$library/libnetprof.so" || {
	skip_all="libnetprof.so is not built"
	test_done
}
trace_start 2
# what ranks have preloaded srun's own helper has too, before the runtime of a sanitizer
nm -D "$NETEMU_BUILDDIR/nettrace-helper" 2>/dev/null | grep -q __asan || test_set_prereq PLAIN
if ! srun --mpi=list 2>&1 | grep -qw pmix; then
	skip_all="Slurm has no PMIx"
	test_done
fi
mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c" || error "mpicc does not work"
${CC:-cc} -o load-verbs "$NETEMU_SRCDIR/tests/device/load-verbs.c" || error "cc does not work"
# the device, and no other way
export OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1

# mpi OPTION...: 4 ranks that check what they get; LD_PRELOAD of one in `preload'.
mpi() {
	rm -rf netemu.*
	give_way within 180 srun --mpi=pmix -N2 -n4 "$@" \
		sh -c 'test "$SLURM_PROCID" != 3 || echo "$LD_PRELOAD" >preload; exec ./verify messages' \
		>out 2>err && return
	say_why "srun $*" out err
	return 1
}

# What verify sends is the same every time: messages and bytes of each rank to each.
traffic() {
	ls netemu.*/mpi/rank-*.json >files && test_line_count 4 files &&
		xargs "$NETEMU_BUILDDIR/tests/rankdump" <files | grep "^op " | sort
}

# Every rank has ended by itself, and nothing of what it did is missing.
rings_are_whole() {
	for rank in 0 1 2 3; do
		"$ringdump" netemu.*/verbs/ring-$rank.bin >ring || return 1
		grep -q "^header.* clean=1 .*ranks=4 .*lost=0 overwritten=0" ring &&
			grep -q "call=ibv_create_qp" ring && grep -q "call=ibv_post_send" ring || {
			say_why "rank $rank" ring
			return 1
		}
	done
}

# What each instrument and its helpers have left.
files_are_whole() {
	awk -F"\t" "NR > 1 { bytes += \$4 } END { exit !(bytes > 0) }" netemu.*/device/links.tsv &&
		test "$(grep -c -e "^netprof: .* 4 ranks, 2 nodes" -e "^nettrace: .* 4 ranks, 2 nodes" err)" = 2 &&
		grep "\"netprof\": \"yes" netemu.*/run.json && grep "\"nettrace\": \"yes" netemu.*/run.json &&
		cat netemu.*/node-*.json >nodes &&
		test "$(grep -c "\"complete\": true" nodes)" = 4 &&
		test "$(grep -c "\"clean\": true" nodes)" = 4
}

all_is_there() {
	rm -f nodes traffic.actual
	echo "$library/libnetprof.so:$library/libnettrace.so:$library/libnetemu.so:$GIVE_WAY" >expected
	test_cmp plain out && test_cmp expected preload &&
		traffic >traffic.actual && test_cmp traffic.expected traffic.actual &&
		rings_are_whole && files_are_whole && return
	say_why "not all is there" out err preload traffic.actual nodes netemu.*/run.json
	return 1
}

test_expect_success 'without instruments but the device' '
	mpi --netemu && cp out plain && echo "4 ranks: right" >expected && test_cmp expected plain &&
	test "$(cat preload)" = "$library/libnetemu.so:$GIVE_WAY"
'

test_expect_success 'with netprof alone: what is sent' '
	mpi --netemu --netprof && test_cmp plain out && traffic >traffic.expected &&
	test -s traffic.expected
'

for order in "netprof nettrace netemu" "netprof netemu nettrace" "nettrace netprof netemu" \
	"nettrace netemu netprof" "netemu netprof nettrace" "netemu nettrace netprof"; do
	test_expect_success PLAIN "$order: each has its files, the program notices nothing" '
		trace_plugins $order && mpi --netemu --nettrace --netprof && all_is_there
	'
	test_expect_success "$order: a program that loads libibverbs by itself, as NCCL" '
		rm -rf netemu.* && srun -n1 -N1 --netprof --nettrace --netemu ./load-verbs >out 2>err &&
		printf "%s\n" netemu0 "65000 4" >expected && test_cmp expected out &&
		ring_has 0 1 call=ibv_open_device && ring_has 0 1 call=ibv_reg_mr &&
		ring_has 0 1 call=ibv_reg_mr_iova2 && ring_has 0 1 call=ibv_close_device &&
		! grep netprof err
	'
done

test_expect_success 'no helper, no fabric is left' '
	wait_for 20 no_helpers && wait_for 20 shm_is_empty
'

test_expect_success 'no node was drained' no_node_drained

test_done
